/** What is said of a finding that is there because something was late, or came twice; and what a window is forecast to take. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

async function report(name: string): Promise<PlanReport> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  const file = `test/plans/objects-2/${name}.cutover.yaml`;
  return (await rehearse(file, read, () => Promise.resolve(engine))).report;
}

it('a replica that has not got yet what is asked for is to be waited for, in both directions', async () => {
  const { findings } = await report('rename-table-replica-behind');
  const hint = (rule: string): string => findings.find((f) => f.rule === rule)?.hint ?? '';
  expect(hint('request-fails')).toMatch(/^Add `wait: caught-up` to "new name": the replica/);
  expect(hint('rollback-breaks-requests')).toMatch(
    /^Add `wait: caught-up` to "new name", which then waits on the way back too: the replica that answers v1\.get has/,
  );
  expect(findings[0]?.trace.at(-1)?.sql).toBe('-- on a replica\nSELECT id, name FROM customers WHERE id = :id');
});

it('a way back that waits for a replica is walked to the start', async () => {
  const { rollback } = await report('rename-table-replica-readers');
  expect(rollback).toContainEqual({ from: 'drop the view', to: 'start', result: 'safe' });
});

it('a sequence that a backfill reads is not as large as a table', async () => {
  const { steps } = await report('new-server-sequence');
  expect(steps.find((s) => s.name === 'carry the sequence')?.forecast?.diskBytes ?? 0).toBe(0);
  expect(steps.find((s) => s.name === 'copy')?.forecast?.diskBytes ?? 0).toBeGreaterThan(0);
});

it('what a stream does twice is put down to the step that starts the stream', async () => {
  const { findings } = await report('likes-counted-by-stream');
  const lost = findings.find((f) => f.rule === 'lost-write');
  expect(lost).toMatchObject({
    cause: 'count',
    why: 'Until "counter" delivers the change once more, v2.count is right.',
  });
});
