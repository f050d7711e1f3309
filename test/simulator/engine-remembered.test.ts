/** One engine for plan after plan: what it knows of one helps with its variants, and nothing else of it is left. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import { migrateOne, read, rowsOf, runOne, startWith, useEngine, worldOf, write } from './engine-support.ts';

const holder = useEngine();

const schema = ['CREATE TABLE users (id int PRIMARY KEY, name text)'];
const seed = [`INSERT INTO users VALUES (1, 'ada')`];
const addColumn = ['ALTER TABLE users ADD COLUMN email text'];

describe('plans that begin with the same database', () => {
  test('give the same, and nothing is loaded or run twice', async () => {
    const { engine } = holder;
    const rounds = [];
    for (let round = 0; round < 2; round++) {
      const before = { ...engine.stats };
      const world = await startWith(engine, schema, seed);
      const outcome = await runOne(engine, world, write(`UPDATE users SET name = 'bob'`, `DELETE FROM users`));
      const failed = await runOne(engine, world, write(`INSERT INTO users VALUES (1, 'eve')`));
      const migrated = await migrateOne(engine, world, addColumn);
      rounds.push({ world, outcome, failed, migrated });
      const { statements, loads } = engine.stats;
      const spent = { statements: statements - before.statements, loads: loads - before.loads };
      // Statements count whether they are run or remembered: the answers stand on them.
      expect(spent).toEqual({ statements: 6, loads: round === 0 ? 1 : 0 });
    }
    expect(rounds[1]).toEqual(rounds[0]);
    expect(rounds[0]).toMatchObject({ failed: { ok: false, sqlstate: '23505' } });
  });

  test('what only one of them asks is run on a database of its own', async () => {
    const { engine } = holder;
    const first = await startWith(engine, schema, seed);
    const kept = await migrateOne(engine, first, ['CREATE ROLE left_over'], false);
    expect(kept).toMatchObject({ ok: true });
    const again = await startWith(engine, schema, seed);
    expect(again).toEqual(first);
    const made = await migrateOne(engine, again, ['CREATE ROLE left_over', 'CREATE TABLE left_over (id int)']);
    expect(made).toMatchObject({ ok: true });
  });

  test('with another seed it is another database', async () => {
    const { engine } = holder;
    await startWith(engine, schema, seed);
    const other = await startWith(engine, schema, [`INSERT INTO users VALUES (7, 'eve')`]);
    expect(rowsOf(await runOne(engine, other, read('SELECT id FROM users')))).toEqual([['7']]);
  });
});

test('a setting of a plan is unknown to the next one', async () => {
  const { engine } = holder;
  const tenant = read(`SELECT current_setting('app.tenant', true)`);
  const first = await startWith(engine, schema, seed);
  await runOne(engine, first, write(`SELECT set_config('app.tenant', '7', true)`));
  const next = await startWith(engine, schema, seed);
  expect(rowsOf(await runOne(engine, next, tenant))).toEqual([[null]]);
});

test('there and back again is the same schema, captured or not', async () => {
  const { engine } = holder;
  const { content, schema: plain } = await startWith(engine, schema, seed);
  const captured = await engine.capture(plain, ['users']);
  if (!captured.ok) throw new Error(captured.message);
  const there = worldOf(await migrateOne(engine, { schema: captured.schema, content }, addColumn));
  const back = worldOf(await migrateOne(engine, there, ['ALTER TABLE users DROP COLUMN email']));
  expect(back).toEqual({ schema: captured.schema, content });
});

const variants = [
  'cdc-rename/copy-first',
  'cdc-rename/plan',
  'cdc-rename/copy-overwrites',
  'encrypt-column/encrypted-in-place',
  'encrypt-column/plan',
  'rename-table/two-commits',
  'rename-table/plan',
];

test('a report is the same whatever was rehearsed before it', { timeout: 120_000 }, async () => {
  const reports = [];
  for (const name of variants) reports.push(await report(name, holder.engine));
  for (const [i, name] of variants.entries()) {
    const engine = await createPgliteEngine({});
    const alone = await report(name, engine);
    await engine.close();
    expect(reports[i]).toEqual(alone);
  }
});

async function report(name: string, engine: Engine): Promise<PlanReport> {
  const { report: made } = await rehearse(
    `examples/${name}.cutover.yaml`,
    (path) => readFile(path, 'utf8'),
    () => Promise.resolve(engine),
  );
  return { ...made, exploration: { ...made.exploration, elapsedMs: 0 } };
}
