/** A session is a fresh database in which statements commit for real, and the engine's schemas outlive it. */
import { expect, test } from 'vitest';
import {
  migrateOne,
  read,
  request,
  rowsOf,
  runOne,
  startWith,
  statement,
  step,
  tables,
  useEngine,
  worldOf,
  write,
} from './engine-support.ts';

const held = useEngine();

test('statements commit, errors roll back, and contents come out as run() gives them', async () => {
  const schema = ['CREATE TABLE t (id serial PRIMARY KEY, n int)'];
  const world = await startWith(held.engine, schema, ['INSERT INTO t (n) VALUES (1)']);
  const expected = await runOne(held.engine, world, write('INSERT INTO t (n) VALUES (5)'));
  const session = await held.engine.session();
  expect(await session.content()).toBe('{"tables":{},"sequences":{}}');
  expect(await session.autocommit([...schema, 'INSERT INTO t (n) VALUES (1)'], step)).toMatchObject({
    ok: true,
    content: world.content,
  });
  const first = await session.transaction(write('INSERT INTO t (n) VALUES (5)'), request);
  expect(first).toEqual(expected);
  const failed = await session.transaction(write('INSERT INTO t (n) VALUES (6)', 'SELECT 1/0'), request);
  expect(failed).toMatchObject({ ok: false, sqlstate: '22012', statement: 1 });
  expect(tables(failed.content)).toEqual(tables(first.content));
  expect(await session.content()).toBe(failed.content);
  const named = await session.transaction(
    {
      statements: [
        statement(['SELECT n FROM t WHERE id = 2'], 'r'),
        statement(['UPDATE t SET n = ', { row: 'r', column: 'n' }, ' * 2 WHERE id = 1']),
      ],
      writes: true,
    },
    request,
  );
  expect(tables(named.content).t).toEqual([
    ['1', '10'],
    ['2', '5'],
  ]);
});

test("an error at the commit is the last statement's", async () => {
  const session = await held.engine.session();
  await session.autocommit(
    ['CREATE TABLE a (id int PRIMARY KEY)', 'CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)'],
    step,
  );
  const outcome = await session.transaction(write('INSERT INTO b VALUES (1)', 'INSERT INTO a VALUES (2)'), request);
  expect(outcome).toMatchObject({ ok: false, sqlstate: '23503', statement: 1 });
  expect(tables(outcome.content)).toEqual({ a: [], b: [] });
});

test('statements that can not run in a transaction run, and stop at the first error', async () => {
  const session = await held.engine.session();
  await session.autocommit(['CREATE TABLE a (id int)', 'INSERT INTO a VALUES (1), (1)'], step);
  const outcome = await session.autocommit(
    ['INSERT INTO a VALUES (2)', 'CREATE UNIQUE INDEX CONCURRENTLY u ON a (id)', 'INSERT INTO a VALUES (3)'],
    step,
  );
  expect(outcome).toMatchObject({ ok: false, sqlstate: '23505', statement: 1 });
  expect(tables(outcome.content).a).toEqual([['1'], ['1'], ['2']]);
  const ddl = await session.transaction(write('ALTER TABLE a ADD COLUMN b text DEFAULT now()::text'), step);
  expect(tables(ddl.content).a![0]).toEqual(['1', '2024-01-01 06:00:00+00']);
});

test('the engine finds its schemas again after a session, and an older session is over', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1)']);
  const next = worldOf(await migrateOne(held.engine, world, ['ALTER TABLE t ADD COLUMN v text']));
  const session = await held.engine.session();
  await session.autocommit(['CREATE TABLE other (id int)', `SET timezone = 'Asia/Tokyo'`], step);
  expect(rowsOf(await runOne(held.engine, next, read('SELECT * FROM t')))).toEqual([['1', null]]);
  expect(rowsOf(await runOne(held.engine, world, read('SHOW timezone')))).toEqual([['UTC']]);
  await expect(session.content()).rejects.toThrow(/session/);
  const second = await held.engine.session();
  expect(await second.content()).toBe('{"tables":{},"sequences":{}}');
  await expect(session.content()).rejects.toThrow(/session/);
});
