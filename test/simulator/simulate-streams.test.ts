/** Streams in simulated traffic: what comes late is read late, what waits for it is right, and a stuck stream stops the plan. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { recordingSchema, type Recording } from '../../simulator/report/recording.ts';
import { simulate } from '../../simulator/traffic/simulate.ts';

let engines: readonly [Engine, Engine];
beforeAll(async () => {
  engines = await Promise.all([createPgliteEngine({}), createPgliteEngine({})]);
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

async function runFile(file: string, streamLagMs = 1_000): Promise<Recording> {
  const result = await simulate(
    file,
    (path) => readFile(path, 'utf8'),
    () => Promise.resolve(engines),
    { pace: { requests: 4_000, rows: 100, durationMs: 3_600_000, streamLagMs } },
  );
  if (!result.ok) throw new Error(result.errors[0]?.message);
  expect(recordingSchema.safeParse(result.recording).error).toBeUndefined();
  return result.recording;
}

describe('a stream in simulated traffic', () => {
  it('that is waited for shows nobody anything wrong, and its lag is recorded', async () => {
    const recording = await runFile('examples/cdc-move-table/plan.cutover.yaml');
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(recording.steps.map((s) => s.result)).toEqual(Array.from({ length: 9 }, () => 'done'));
    const forward = recording.lag?.find((l) => l.of === 'forward');
    expect(Math.max(...(forward?.ms ?? []))).toBeGreaterThanOrEqual(1_000);
    expect(recording.assumptions.join()).toContain('a stream delivers 1 s after the commit');
  });

  it('is read late by who reads what it fills, the later the more', async () => {
    const file = 'test/plans/stale-read/has.cutover.yaml';
    const [soon, late] = [await runFile(file, 10), await runFile(file, 10_000)];
    expect(late.totals.wrong).toBeGreaterThan(0);
    expect(late.totals.wrong).toBeGreaterThan(soon.totals.wrong);
    expect(late.totals.failed).toBe(0);
  });

  it('that is stuck is said to be, and a step that waits for it ends the plan', async () => {
    const text = (await readFile('test/plans/stale-read/has.cutover.yaml', 'utf8')).replaceAll(
      'ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title',
      '',
    );
    const result = await simulate(
      'p.cutover.yaml',
      () => Promise.resolve(text),
      () => Promise.resolve(engines),
      { pace: { requests: 2_000, rows: 50, durationMs: 3_600_000 } },
    );
    if (!result.ok) throw new Error(result.errors[0]?.message);
    const { steps, leftOut } = result.recording;
    expect(steps.at(-1)).toMatchObject({ name: 'verify', result: 'failed' });
    expect(steps.at(-1)?.note).toContain('forward');
    expect(leftOut[0]?.why).toContain('duplicate key');
  });
});
