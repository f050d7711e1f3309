/**
 * Every plan in examples/ and test/plans/ says in its first lines what is true of it; the rehearsal must say the same:
 * nothing missed, and no error that was not expected. Folder by folder, so that two workers share them.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import { truthOf } from './plan-truth.ts';

/** `files`: the plans of a folder. */
export function plansAreTrue(name: string, files: readonly string[]): void {
  describe(`plans in ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await createPgliteEngine({});
    });
    afterAll(() => engine.close());

    it.each(files)(
      '%s',
      async (file) => {
        const truth = truthOf(file);
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
        if (file.endsWith('/plan.cutover.yaml')) expect(await unsafeWaysBack(file, report)).toEqual([]);
        for (const warning of truth.warnings) expect(shown('warning')).toContain(warning);
      },
      60_000,
    );
  });
}

/** Of a correct plan: ways back that are not safe, from the steps before its declared point of no return. */
async function unsafeWaysBack(
  file: string,
  { rollback, steps }: PlanReport,
): Promise<readonly PlanReport['rollback'][number][]> {
  const loaded = await loadPlan(file, (path) => readFile(path, 'utf8'));
  const declared = loaded.ok ? loaded.plan.steps.findIndex((step) => step.pointOfNoReturn) : -1;
  const before = steps.slice(0, declared === -1 ? steps.length : declared).map(({ name }) => name);
  expect(
    before.every((name) => rollback.some(({ from }) => from === name)),
    'every step was walked back from',
  ).toBe(true);
  return rollback.filter(({ from, result }) => before.includes(from) && result !== 'safe');
}
