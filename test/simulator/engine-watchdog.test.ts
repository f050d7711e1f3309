/** No statement can take the engine down for good: it is an error, or a fault that names the statement. */
import { afterEach, expect, test } from 'vitest';
import { EngineFault } from '../../simulator/engine/engine.ts';
import type { Outcome } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import {
  migrateOne,
  read,
  request,
  rowsOf,
  runOne,
  startWith,
  tables,
  useEngine,
  worldOf,
  write,
} from './engine-support.ts';

const limit = 1000;
const held = useEngine({ statementTimeoutMs: limit });

const hostile: readonly [string, string][] = [
  ['a long sleep', 'SELECT pg_sleep(3600)'],
  ['an endless loop', 'DO $$ BEGIN LOOP END LOOP; END $$'],
  ['runaway recursion', 'SELECT deep(1)'],
  ['runaway recursion in PL/pgSQL', 'SELECT deeper(1)'],
  ['ending its own session', 'SELECT pg_terminate_backend(pg_backend_pid())'],
  ['cancelling itself', 'SELECT pg_cancel_backend(pg_backend_pid())'],
  [
    'an endless recursive query',
    'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT count(*) FROM r',
  ],
  ['a session timeout', 'SET idle_session_timeout = 1'],
  ['a transaction timeout', `SET transaction_timeout = 1`],
  ['a lock timeout', `SET lock_timeout = '1ms'`],
  ['eating memory', `SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 2000)`],
];

async function attempt(sql: string): Promise<Outcome | EngineFault> {
  const world = await startWith(held.engine, schema, ['INSERT INTO t VALUES (1)']);
  const task = { content: world.content, calls: [read('SELECT 1'), write(sql), read('SELECT 2')] };
  try {
    const outcomes = await held.engine.run(world.schema, [task], request);
    return outcomes[0]![1]!;
  } catch (error) {
    if (error instanceof EngineFault) return error;
    throw error;
  }
}

const schema = [
  'CREATE TABLE t (id int)',
  'CREATE FUNCTION deep(n int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'CREATE OR REPLACE FUNCTION deep(n int) RETURNS int LANGUAGE sql AS $$ SELECT deep(n + 1) $$',
  'CREATE FUNCTION deeper(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(n + 1); END $$',
];

test.each(hostile)('%s', async (_, sql) => {
  const begun = performance.now();
  const result = await attempt(sql);
  expect(performance.now() - begun).toBeLessThan(limit + 4000);
  if (result instanceof EngineFault) {
    expect(result.sql).toBe(sql);
    expect(['timeout', 'died']).toContain(result.reason);
  } else if (!result.ok) expect(result.sqlstate).toMatch(/^[0-9A-Z]{5}$/);
  const world = await startWith(held.engine, schema, ['INSERT INTO t VALUES (1)']);
  expect(rowsOf(await runOne(held.engine, world, read('SELECT id FROM t')))).toEqual([['1']]);
});

test('an endless statement is a timeout that names it, also in the midst of many', async () => {
  const world = await startWith(held.engine, schema);
  const endless = 'DO $$ BEGIN LOOP END LOOP; END $$';
  const tasks = Array.from({ length: 600 }, (_, i) => ({
    content: `{"tables":{"t":[["${i}"]]},"sequences":{}}`,
    calls: [write('DELETE FROM t'), ...(i === 400 ? [write('SELECT 1', endless)] : []), read('SELECT * FROM t')],
  }));
  const fault: unknown = await held.engine.run(world.schema, tasks, request).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(EngineFault);
  expect(fault).toMatchObject({ reason: 'timeout', sql: endless });
});

test('an engine that is lost says what it ran, and another takes its place', async () => {
  const world = await startWith(held.engine, schema, ['INSERT INTO t VALUES (1)']);
  const restarts = held.engine.stats.restarts;
  // There are no programs here, and Postgres does not survive the attempt to start one.
  const deadly = `COPY t TO PROGRAM 'true'`;
  const lost = runOne(held.engine, world, write(deadly));
  await expect(lost).rejects.toMatchObject({ name: 'EngineFault', reason: 'died', sql: deadly });
  expect(held.engine.stats.restarts).toBe(restarts + 1);
  expect(rowsOf(await runOne(held.engine, world, read('SELECT id FROM t')))).toEqual([['1']]);
});

test('after a fault the engine finds its schemas again', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1)']);
  const next = worldOf(await migrateOne(held.engine, world, ['ALTER TABLE t ADD COLUMN v int DEFAULT 3']));
  const last = worldOf(await migrateOne(held.engine, next, ['ALTER TABLE t ADD COLUMN w int DEFAULT 4']));
  const restarts = held.engine.stats.restarts;
  const endless = runOne(held.engine, last, write('DO $$ BEGIN LOOP END LOOP; END $$'));
  await expect(endless).rejects.toMatchObject({ reason: 'timeout' });
  expect(held.engine.stats.restarts).toBe(restarts + 1);
  expect(rowsOf(await runOne(held.engine, last, read('SELECT * FROM t')))).toEqual([['1', '3', '4']]);
  const again = worldOf(await migrateOne(held.engine, world, ['ALTER TABLE t ADD COLUMN v int DEFAULT 3']));
  expect(again).toEqual(next);
  const outcome = await runOne(held.engine, next, write('DELETE FROM t'));
  expect(tables(outcome.content).t).toEqual([]);
});

const aborted: (() => void)[] = [];
afterEach(() => aborted.splice(0).forEach((close) => close()));

test('an abort ends everything within half a second', async () => {
  const controller = new AbortController();
  const engine = await createPgliteEngine({ signal: controller.signal, statementTimeoutMs: 60_000 });
  aborted.push(() => void engine.close());
  const world = await startWith(engine, ['CREATE TABLE t (id int)']);
  const pending = [
    runOne(engine, world, write('DO $$ BEGIN LOOP END LOOP; END $$')),
    runOne(engine, world, read('SELECT 1')),
  ];
  const settled = Promise.allSettled(pending);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const begun = performance.now();
  controller.abort();
  const results = await settled;
  expect(performance.now() - begun).toBeLessThan(500);
  for (const result of results)
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'EngineFault', reason: 'closed' } });
  await expect(engine.start([], [])).rejects.toMatchObject({ reason: 'closed' });
  await expect(createPgliteEngine({ signal: controller.signal })).rejects.toMatchObject({ reason: 'closed' });
});
