/** Calls run from their content as a client's transaction would, and leave nothing behind. */
import { expect, test } from 'vitest';
import type { Call, Task } from '../../simulator/engine/engine.ts';
import {
  read,
  request,
  rowsOf,
  runOne,
  sequences,
  startWith,
  statement,
  step,
  tables,
  useEngine,
  write,
} from './engine-support.ts';

const held = useEngine();

test('an error of one call changes nothing for the others', async () => {
  const world = await startWith(
    held.engine,
    ['CREATE TABLE t (id int PRIMARY KEY, n int)'],
    ['INSERT INTO t VALUES (1, 1)'],
  );
  const calls = [
    write('INSERT INTO t VALUES (2, 2)', 'INSERT INTO t VALUES (1, 9)'),
    write('UPDATE t SET n = n + 1'),
    write('slect'),
    write('INSERT INTO t VALUES (3, 1/0)'),
    read('SELECT count(*), sum(n) FROM t'),
    write(`DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'P1234'; END $$`),
    write('DO $$ BEGIN ASSERT false; END $$'),
  ];
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls }], request);
  expect(outcomes![0]).toEqual({
    ok: false,
    sqlstate: '23505',
    message: 'duplicate key value violates unique constraint "t_pkey"',
    statement: 1,
    content: world.content,
  });
  expect(tables(outcomes![1]!.content).t).toEqual([['1', '2']]);
  expect(outcomes![1]).toMatchObject({ ok: true, results: [{ rows: null, touched: 1, skipped: false }] });
  expect(outcomes![2]).toMatchObject({ ok: false, sqlstate: '42601', statement: 0 });
  expect(outcomes![3]).toMatchObject({ ok: false, sqlstate: '22012' });
  expect(rowsOf(outcomes![4]!)).toEqual([['1', '1']]);
  expect(outcomes![5]).toMatchObject({ ok: false, sqlstate: 'P1234', message: 'mine' });
  expect(outcomes![6]).toMatchObject({ ok: false, sqlstate: 'P0004' });
});

test('many tasks come back in order, each from its own content', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int PRIMARY KEY, n int)']);
  const tasks: Task[] = Array.from({ length: 3000 }, (_, i) => ({
    content: `{"tables":{"t":[["1","${i}"]]},"sequences":{}}`,
    calls: [write('UPDATE t SET n = n + 1'), read('SELECT n FROM t')],
  }));
  const outcomes = await held.engine.run(world.schema, tasks, request);
  expect(outcomes).toHaveLength(3000);
  for (const [i, [changed, seen]] of outcomes.entries()) {
    expect(tables(changed!.content).t).toEqual([['1', String(i + 1)]]);
    expect(rowsOf(seen!)).toEqual([[String(i)]]);
  }
});

test('deferred constraints and constraint triggers are checked as a commit would', async () => {
  const world = await startWith(
    held.engine,
    [
      'CREATE TABLE a (id int PRIMARY KEY)',
      'CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)',
      'CREATE TABLE u (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)',
    ],
    ['INSERT INTO a VALUES (1)', 'INSERT INTO b VALUES (1)', 'INSERT INTO u VALUES (1), (2)'],
  );
  expect(await runOne(held.engine, world, write('INSERT INTO b VALUES (7)', 'SELECT 1'))).toMatchObject({
    ok: false,
    sqlstate: '23503',
    statement: 1,
  });
  expect(await runOne(held.engine, world, write('INSERT INTO b VALUES (7)', 'INSERT INTO a VALUES (7)'))).toMatchObject(
    { ok: true },
  );
  expect(await runOne(held.engine, world, write('DELETE FROM a'))).toMatchObject({ ok: false, sqlstate: '23503' });
  expect(await runOne(held.engine, world, write('UPDATE u SET n = 3 - n'))).toMatchObject({ ok: true });
  expect(await runOne(held.engine, world, write('UPDATE u SET n = 1'))).toMatchObject({ ok: false, sqlstate: '23505' });
});

test('a sequence is part of the content, and an error does not turn it back', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id serial PRIMARY KEY, n int CHECK (n > 0))']);
  expect(sequences(world.content)).toEqual({ t_id_seq: ['1', 'f'] });
  const insert = write('INSERT INTO t (n) VALUES (1) RETURNING id');
  const fails = write('INSERT INTO t (n) VALUES (-1)');
  const calls = [insert, fails, insert, read('SELECT last_value, is_called FROM t_id_seq')];
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls }], request);
  expect(rowsOf(outcomes![0]!)).toEqual([['1']]);
  expect(sequences(outcomes![0]!.content)).toEqual({ t_id_seq: ['1', 't'] });
  expect(outcomes![1]).toMatchObject({ ok: false, sqlstate: '23514' });
  expect(outcomes![1]!.content).toBe('{"tables":{"t":[]},"sequences":{"t_id_seq":["1","t"]}}');
  expect(rowsOf(outcomes![2]!)).toEqual([['1']]);
  expect(rowsOf(outcomes![3]!)).toEqual([['1', 'f']]);
  const next = await runOne(held.engine, { ...world, content: outcomes![1]!.content }, insert);
  expect(rowsOf(next)).toEqual([['2']]);
});

test('a sequence that caches values starts from the content all the same', async () => {
  const world = await startWith(held.engine, ['CREATE SEQUENCE s CACHE 10', 'CREATE TABLE t (id int)']);
  const call = write(`INSERT INTO t SELECT nextval('s')`);
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls: [call, call] }], request);
  expect(outcomes![0]).toEqual(outcomes![1]);
  expect(tables(outcomes![1]!.content).t).toEqual([['1']]);
  expect(await runOne(held.engine, world, read('SELECT lastval()'))).toMatchObject({ ok: false, sqlstate: '55000' });
});

test('rows that a call named are written into its later statements', async () => {
  const world = await startWith(
    held.engine,
    [
      `CREATE TYPE mood AS ENUM ('sad', 'it''s fine')`,
      'CREATE TABLE t (id int PRIMARY KEY, m mood, n numeric(6,2), "odd ""name" text)',
    ],
    [`INSERT INTO t VALUES (1, 'it''s fine', 12.50, 'a''b'), (2, NULL, NULL, NULL)`],
  );
  const copy = (id: number): Call => ({
    statements: [
      statement([`SELECT * FROM t WHERE id = ${id}`], 'row'),
      statement([
        'INSERT INTO t VALUES (9, ',
        { row: 'row', column: 'm' },
        ', ',
        { row: 'row', column: 'n' },
        ' + 1, ',
        { row: 'row', column: 'odd "name' },
        ')',
      ]),
    ],
    writes: true,
  });
  const [outcomes] = await held.engine.run(
    world.schema,
    [{ content: world.content, calls: [copy(1), copy(2), copy(3)] }],
    request,
  );
  expect(tables(outcomes![0]!.content).t).toContainEqual(['9', "it's fine", '13.50', "a'b"]);
  expect(tables(outcomes![1]!.content).t).toContainEqual(['9', null, null, null]);
  expect(outcomes![2]).toMatchObject({
    ok: true,
    results: [
      { rows: [], skipped: false },
      { rows: null, touched: 0, skipped: true },
    ],
  });
  expect(outcomes![2]!.content).toBe(world.content);
  const wrong: Call = {
    statements: [statement(['SELECT 1 AS x'], 'row'), statement(['SELECT ', { row: 'row', column: 'y' }])],
    writes: false,
  };
  expect(await runOne(held.engine, world, wrong)).toMatchObject({ ok: false, sqlstate: '42703', statement: 1 });
});

test('now(), random() and uuids are the same in every run, and follow clock and seed', async () => {
  const world = await startWith(held.engine, [
    'CREATE TABLE t (id uuid DEFAULT gen_random_uuid(), v7 uuid DEFAULT uuidv7(), r float DEFAULT random(), at timestamptz DEFAULT now())',
  ]);
  expect((await held.engine.catalog(world.schema)).usesRandom).toBe(true);
  const call = write('INSERT INTO t DEFAULT VALUES RETURNING clock_timestamp()');
  const task: Task = { content: world.content, calls: [call, call] };
  const [first] = await held.engine.run(world.schema, [task], request);
  expect(first![0]).toEqual(first![1]);
  const [second] = await held.engine.run(world.schema, [task], request);
  expect(second).toEqual(first);
  const [atStep] = await held.engine.run(world.schema, [task], step);
  expect(tables(first![0]!.content).t![0]![3]).toBe('2024-01-01 12:00:00+00');
  expect(tables(atStep![0]!.content).t![0]![3]).toBe('2024-01-01 06:00:00+00');
  expect(rowsOf(first![0]!)).toEqual([['2024-01-01 12:00:00+00']]);
  const [seeded] = await held.engine.run(world.schema, [task], { ...request, seed: 2 });
  const [one, two] = [tables(first![0]!.content).t![0]!, tables(seeded![0]!.content).t![0]!];
  for (const i of [0, 1, 2]) expect(one[i]).not.toBe(two[i]);
  expect(one[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  expect(one[1]).toMatch(/^018cc4e5-2200-7[0-9a-f]{3}-[89ab]/);
});

test('random() in a statement alone is seeded too', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (v text)']);
  const call = write('INSERT INTO t SELECT random() || gen_random_uuid()::text FROM generate_series(1, 3)');
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls: [call, call] }], request);
  expect(outcomes![0]).toEqual(outcomes![1]);
  expect(new Set(tables(outcomes![0]!.content).t!.flat()).size).toBe(3);
});

test('a role, a setting or a search path of a call ends with it and does not hide rows', async () => {
  const world = await startWith(
    held.engine,
    [
      'CREATE ROLE tenant',
      'CREATE TABLE t (id int, at timestamptz)',
      'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
      'GRANT ALL ON t TO tenant',
      'CREATE POLICY p ON t TO tenant USING (id = 1)',
    ],
    [`INSERT INTO t VALUES (1, '2024-01-01'), (2, '2024-01-01')`],
  );
  const calls = [
    write(
      'SET LOCAL ROLE tenant',
      'SET LOCAL search_path = pg_catalog',
      `SET timezone = 'Asia/Tokyo'`,
      'DELETE FROM public.t WHERE id < 9',
    ),
    read('SELECT current_user, count(*) FROM t'),
    read('SHOW timezone'),
  ];
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls }], request);
  expect(tables(outcomes![0]!.content).t).toEqual([['2', '2024-01-01 00:00:00+00']]);
  expect(rowsOf(outcomes![1]!)).toEqual([['postgres', '2']]);
  expect(rowsOf(outcomes![2]!)).toEqual([['UTC']]);
});

test('a call that writes although it is said not to leaves nothing behind', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1)']);
  const calls = [read('DELETE FROM t'), read('SELECT count(*) FROM t')];
  const [outcomes] = await held.engine.run(world.schema, [{ content: world.content, calls }], request);
  expect(rowsOf(outcomes![1]!)).toEqual([['1']]);
});

test('COPY from the client is an error, not a wait', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int)']);
  expect(await runOne(held.engine, world, write('COPY t FROM STDIN'))).toMatchObject({ ok: false });
  expect(await runOne(held.engine, world, write('INSERT INTO t VALUES (1)'))).toMatchObject({ ok: true });
});

test('describe, parameter types and volatile functions', async () => {
  const world = await startWith(held.engine, [
    'CREATE DOMAIN email AS varchar(40)',
    `CREATE TYPE mood AS ENUM ('a')`,
    'CREATE TABLE t (id bigint, e email, m mood, tags text[])',
    'CREATE FUNCTION pure(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1',
    'CREATE FUNCTION wild(int) RETURNS int LANGUAGE sql VOLATILE RETURN $1',
  ]);
  const described = await held.engine.describe(world.schema, [
    'SELECT id, e, m, tags, count(*) AS n FROM t GROUP BY 1, 2, 3, 4',
    'DELETE FROM t',
    'SELECT nope FROM t',
    'DELETE FROM t RETURNING id',
  ]);
  expect(described[0]).toEqual({
    ok: true,
    columns: [
      { name: 'id', type: 'int8', origin: { table: 't', column: 'id' } },
      { name: 'e', type: 'varchar', origin: { table: 't', column: 'e' } },
      { name: 'm', type: 'mood', origin: { table: 't', column: 'm' } },
      { name: 'tags', type: 'text[]', origin: { table: 't', column: 'tags' } },
      { name: 'n', type: 'int8', origin: null },
    ],
  });
  expect(described[1]).toEqual({ ok: true, columns: [] });
  expect(described[2]).toMatchObject({ ok: false, sqlstate: '42703' });
  expect(described[3]).toEqual({
    ok: true,
    columns: [{ name: 'id', type: 'int8', origin: { table: 't', column: 'id' } }],
  });
  const parameters = await held.engine.paramTypes(world.schema, [
    'UPDATE t SET e = $2 WHERE id = $1',
    'SELECT $1 +',
    'SELECT $1::mood',
  ]);
  expect(parameters[0]).toEqual({ ok: true, types: ['int8', 'varchar'] });
  expect(parameters[1]).toMatchObject({ ok: false, sqlstate: '42601' });
  expect(parameters[2]).toEqual({ ok: true, types: ['mood'] });
  const volatile = await held.engine.volatileFunctions(world.schema, [
    'pure',
    'wild',
    'public.wild',
    'lower',
    'now',
    'nextval',
    'missing',
  ]);
  expect([...volatile].sort()).toEqual(['missing', 'nextval', 'public.wild', 'wild']);
});

test('a call can choose its isolation level, in a schema with random defaults too', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id uuid DEFAULT gen_random_uuid())']);
  const call = write('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'INSERT INTO t DEFAULT VALUES');
  expect(await runOne(held.engine, world, call)).toMatchObject({ ok: true });
});
