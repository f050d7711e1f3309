/**
 * Every plan in examples/ and test/plans/ says in its first lines what is true of it; the rehearsal must
 * say the same: nothing missed, and no error that was not expected.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

interface Truth {
  readonly verdict: string;
  /** `rule @ step` of each error. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly stragglers: number;
  /** The step that caused each error, in the order of `errors`; empty where the plan does not say. */
  readonly causes: readonly string[];
}

function readTruth(text: string): Truth {
  const lines = text.split('\n').filter((l) => l.startsWith('# expect'));
  const errors = lines.flatMap((l) => /^# expect: unsafe (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const warnings = lines.flatMap((l) => /^# expect-warning: (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const causes = lines.flatMap((l) => /^# expect-cause: (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const verdict = errors.length > 0 ? 'unsafe' : (/^# expect: (\w+)/m.exec(text)?.[1] ?? '');
  const stragglers = Number(/^# stragglers: (\d)$/m.exec(text)?.[1] ?? 0);
  return { verdict, errors, warnings, causes, stragglers };
}

function plansBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.cutover.yaml'))
    .map((f) => join(directory, f))
    .sort();
}

describe.each(['examples', 'test/plans'])('plans in %s', (directory) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createPgliteEngine({});
  });
  afterAll(() => engine.close());

  it.each(plansBelow(directory))(
    '%s',
    async (file) => {
      const truth = readTruth(readFileSync(file, 'utf8'));
      expect(truth.verdict, 'the plan states no truth').toMatch(/^(safe|unsafe)$/);
      const { report } = await rehearse(
        file,
        (path) => readFile(path, 'utf8'),
        () => Promise.resolve(engine),
        { stragglers: truth.stragglers },
      );
      const shown = (severity: string): string[] =>
        report.findings
          .filter((f) => f.severity === severity && f.allowed === null)
          .map((f) => `${f.rule} @ ${f.step}`);
      expect(report.errors).toEqual([]);
      expect([report.verdict, ...shown('error')].sort()).toEqual([truth.verdict, ...truth.errors].sort());
      const causeOf = (error: string): string | null | undefined =>
        report.findings.find((f) => `${f.rule} @ ${f.step}` === error)?.cause;
      if (truth.causes.length > 0) expect(truth.errors.map(causeOf)).toEqual(truth.causes);
      if (truth.stragglers > 0)
        expect(shown('warning').filter((w) => w.startsWith('straggler'))).toEqual(
          truth.warnings.filter((w) => w.startsWith('straggler')),
        );
      for (const warning of truth.warnings) expect(shown('warning')).toContain(warning);
    },
    60_000,
  );
});
