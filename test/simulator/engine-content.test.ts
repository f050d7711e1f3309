/** Contents go into the database and come out of it as they were, whatever the types and the tables are. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseContent, parseRecord } from '../../simulator/engine/content.ts';
import {
  migrateOne,
  read,
  rowsOf,
  runOne,
  sequences,
  startWith,
  tables,
  useEngine,
  worldOf,
  write,
} from './engine-support.ts';

const held = useEngine();

const types: Readonly<Record<string, fc.Arbitrary<string | null>>> = {
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  boolean: fc.constantFrom('t', 'f'),
  text: fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => s.replaceAll('\0', '')),
  'varchar(8)': fc.string({ maxLength: 8 }).map((s) => s.replaceAll('\0', '')),
  'char(4)': fc.constantFrom('ab  ', '    ', 'abcd'),
  '"char"': fc.constantFrom('a', 'Z'),
  'numeric(10,2)': fc.integer({ min: -99999, max: 99999 }).map((n) => (n / 100).toFixed(2).replace(/^-0\.00$/, '0.00')),
  'double precision': fc.double({ noNaN: true }).map((n) => (Object.is(n, -0) ? '-0' : pgFloat(n))),
  date: fc.constantFrom('2024-02-29', '0001-01-01', 'infinity', '0044-03-15 BC'),
  timestamptz: fc.constantFrom('2024-02-03 04:05:06.789+00', '-infinity'),
  interval: fc.constantFrom('1 day 02:00:00', '-1 years -2 mons +3 days -04:05:06'),
  uuid: fc.uuid(),
  jsonb: fc.jsonValue().map((v) => (typeof v === 'string' ? '"a, \\"b\\" (c)"' : '{"k": [1, null, "x"]}')),
  json: fc.constantFrom('{"b":1, "a":2,"b":3}', '[ ]', '"\\u00e9"'),
  bytea: fc.uint8Array({ maxLength: 6 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  'text[]': fc.constantFrom('{}', '{a,NULL,"NULL","x y","q\\"uote","back\\\\slash"}', '{{a,b},{c,d}}', '[2:3]={x,y}'),
  mood: fc.constantFrom('sad', 'very happy', "it's", ','),
  positive: fc.integer({ min: 1, max: 9 }).map(String),
  pair: fc.constantFrom('(1,"a b")', '(,)', '(2,"q""q,(x)")'),
  int4range: fc.constantFrom('[1,5)', 'empty', '(,3)'),
  money: fc.constantFrom('$1,234.50', '-$0.01'),
  'bit(3)': fc.constantFrom('101', '000'),
  inet: fc.constantFrom('10.0.0.1', '10.0.0.0/8', '::1'),
  tsvector: fc.constantFrom(`'a':1 'fat':2`, ''),
  point: fc.constantFrom('(1,2)', '(-0.5,1e+20)'),
};

function pgFloat(n: number): string {
  if (!Number.isFinite(n)) return n > 0 ? 'Infinity' : '-Infinity';
  const shown = String(n);
  return shown;
}

const typeNames = Object.keys(types);

test('random rows of many types come out as they went in', async () => {
  const columns = typeNames.map((type, i) => `c${i} ${type}`).join(', ');
  const world = await startWith(held.engine, [
    `CREATE TYPE mood AS ENUM ('sad', 'very happy', 'it''s', ',')`,
    'CREATE DOMAIN positive AS int CHECK (VALUE > 0)',
    'CREATE TYPE pair AS (n int, t text)',
    `CREATE TABLE t (id int PRIMARY KEY, ${columns})`,
  ]);
  const row = fc.tuple(...typeNames.map((name) => fc.option(types[name]!, { freq: 6 })));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 4 }), async (values) => {
      const content = JSON.stringify({ tables: { t: values.map((v, i) => [String(i), ...v]) }, sequences: {} });
      const outcomes = await held.engine.run(
        world.schema,
        [{ content, calls: [write('UPDATE t SET id = id'), read('SELECT * FROM t ORDER BY id')] }],
        request0,
      );
      const [written, seen] = outcomes[0]!;
      // Floats are compared as numbers: Postgres and JavaScript write exponents differently.
      const floatAt = typeNames.indexOf('double precision') + 1;
      const normal = (rows: readonly (readonly (string | null)[])[]) =>
        rows.map((r) => r.map((v, i) => (i === floatAt && v !== null ? String(Number(v)) : v)));
      const expected = values.map((v, i) => [String(i), ...v]);
      expect(normal(tables(written!.content).t!)).toEqual(normal(expected));
      expect(normal(rowsOf(seen!)!)).toEqual(normal(expected));
    }),
    { numRuns: 60 },
  );
});

const request0 = { clock: 'request', seed: 0 } as const;

test('quoted names, keywords, other schemas, no columns, more than a hundred columns', async () => {
  const wide = Array.from({ length: 120 }, (_, i) => `w${i} int DEFAULT ${i}`).join(', ');
  const world = await startWith(
    held.engine,
    [
      'CREATE SCHEMA "Other"',
      'CREATE TABLE "select" ("from" int, "a ""q"" b" text, "Größe" text)',
      'CREATE TABLE "Other".items (id serial PRIMARY KEY)',
      'CREATE TABLE nothing ()',
      `CREATE TABLE wide (${wide})`,
    ],
    [
      `INSERT INTO "select" VALUES (1, 'x', 'y')`,
      'INSERT INTO "Other".items DEFAULT VALUES',
      'INSERT INTO nothing DEFAULT VALUES',
      'INSERT INTO nothing DEFAULT VALUES',
      'INSERT INTO wide DEFAULT VALUES',
    ],
  );
  const content = tables(world.content);
  expect(Object.keys(content)).toEqual(['Other.items', 'nothing', 'select', 'wide']);
  expect(content.nothing).toEqual([[], []]);
  expect(content.select).toEqual([['1', 'x', 'y']]);
  expect(content.wide![0]).toHaveLength(120);
  expect(sequences(world.content)).toEqual({ 'Other.items_id_seq': ['1', 't'] });
  const after = await runOne(held.engine, world, write('DELETE FROM nothing', 'UPDATE wide SET w0 = 7'));
  expect(tables(after.content).nothing).toEqual([]);
  expect(tables(after.content).wide![0]![0]).toBe('7');
  const again = await runOne(held.engine, world, read('SELECT count(*) FROM nothing'));
  expect(rowsOf(again)).toEqual([['2']]);
});

test('equal contents are equal texts, in whatever order the rows came', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id int PRIMARY KEY, v text)']);
  const one = await runOne(held.engine, world, write(`INSERT INTO t VALUES (2, 'b')`, `INSERT INTO t VALUES (1, 'a')`));
  const two = await runOne(
    held.engine,
    world,
    write(`INSERT INTO t VALUES (1, 'z')`, `INSERT INTO t VALUES (2, 'b')`, `UPDATE t SET v = 'a' WHERE id = 1`),
  );
  expect(one.content).toBe(two.content);
  expect(parseContent(one.content).tables.t).toEqual([
    ['1', 'a'],
    ['2', 'b'],
  ]);
});

test('generated columns are shown and not written; identity is kept', async () => {
  const world = await startWith(
    held.engine,
    [
      `CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED,
        thrice int GENERATED ALWAYS AS (a * 3) VIRTUAL)`,
    ],
    ['INSERT INTO t (a) VALUES (5), (6)'],
  );
  expect(tables(world.content).t).toEqual([
    ['1', '5', '10', '15'],
    ['2', '6', '12', '18'],
  ]);
  const outcome = await runOne(
    held.engine,
    { ...world, content: world.content.replace('"2","6"', '"9","6"') },
    write('UPDATE t SET a = a + 1'),
  );
  expect(tables(outcome.content).t).toEqual([
    ['1', '6', '12', '18'],
    ['9', '7', '14', '21'],
  ]);
});

test('partitions hold the rows, inheritance children hold their own', async () => {
  const world = await startWith(
    held.engine,
    [
      'CREATE TABLE p (id int, v text) PARTITION BY RANGE (id)',
      'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)',
      'CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)',
      'CREATE TABLE parent (a int)',
      'CREATE TABLE child (b int) INHERITS (parent)',
    ],
    [`INSERT INTO p VALUES (1, 'a'), (11, 'b')`, 'INSERT INTO parent VALUES (1)', 'INSERT INTO child VALUES (2, 3)'],
  );
  expect(tables(world.content)).toEqual({ p1: [['1', 'a']], p2: [['11', 'b']], parent: [['1']], child: [['2', '3']] });
  const moved = await runOne(
    held.engine,
    world,
    write('UPDATE p SET id = id + 10 WHERE id = 1', 'DELETE FROM parent WHERE a = 2'),
  );
  expect(tables(moved.content)).toEqual({
    p1: [],
    p2: [
      ['11', 'a'],
      ['11', 'b'],
    ],
    parent: [['1']],
    child: [],
  });
  expect(rowsOf(await runOne(held.engine, world, read('SELECT count(*) FROM p')))).toEqual([['2']]);
  const catalog = await held.engine.catalog(world.schema);
  expect(catalog.tables.map((t) => [t.name, t.partitioned, t.partitionOf])).toContainEqual(['p', true, null]);
  expect(catalog.tables.map((t) => [t.name, t.partitioned, t.partitionOf])).toContainEqual(['p1', false, 'p']);
});

test('a trigger, a rule and a foreign key stay quiet while content is loaded', async () => {
  const world = await startWith(held.engine, [
    'CREATE TABLE a (id int PRIMARY KEY)',
    'CREATE TABLE b (a int REFERENCES a)',
    'CREATE TABLE log (what text)',
    `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_OP); RETURN NEW; END $$`,
    'CREATE TRIGGER t BEFORE INSERT OR DELETE ON a FOR EACH ROW EXECUTE FUNCTION note()',
    `CREATE RULE r AS ON INSERT TO b DO ALSO INSERT INTO log VALUES ('rule')`,
  ]);
  const orphaned = JSON.stringify({ tables: { a: [['1']], b: [['7']], log: [] }, sequences: {} });
  const none = JSON.stringify({ tables: { a: [], b: [], log: [] }, sequences: {} });
  const look = read('SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM log)');
  const act = write('INSERT INTO a VALUES (2)', 'INSERT INTO b VALUES (2)');
  const tasks = [orphaned, none, orphaned].map((content) => ({ content, calls: [look, act] }));
  const outcomes = await held.engine.run(world.schema, tasks, request0);
  expect(outcomes.map(([seen]) => rowsOf(seen!))).toEqual([[['1', '1', '0']], [['0', '0', '0']], [['1', '1', '0']]]);
  for (const [, acted] of outcomes) expect(tables(acted!.content).log).toEqual([['INSERT'], ['rule']]);
});

test('a load that changes the parent alone leaves its inheritance child alone', async () => {
  const world = await startWith(held.engine, [
    'CREATE TABLE parent (a int)',
    'CREATE TABLE child () INHERITS (parent)',
  ]);
  const contents = ['1', '2', '1'].map((n) =>
    JSON.stringify({ tables: { child: [['9']], parent: [[n]] }, sequences: {} }),
  );
  const calls = [read('SELECT * FROM parent ORDER BY a')];
  const outcomes = await held.engine.run(
    world.schema,
    contents.map((content) => ({ content, calls })),
    request0,
  );
  expect(outcomes.map(([seen]) => rowsOf(seen!))).toEqual([
    [['1'], ['9']],
    [['2'], ['9']],
    [['1'], ['9']],
  ]);
});

test('a trigger that always fires stays quiet too', async () => {
  const world = await startWith(
    held.engine,
    [
      'CREATE TABLE a (id int PRIMARY KEY)',
      'CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)',
      'CREATE TABLE log (what text)',
      `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$`,
      'CREATE TRIGGER t AFTER INSERT OR DELETE ON a FOR EACH ROW EXECUTE FUNCTION note()',
      'CREATE TRIGGER always AFTER INSERT OR DELETE ON b FOR EACH ROW EXECUTE FUNCTION note()',
      'ALTER TABLE b ENABLE ALWAYS TRIGGER always',
    ],
    [],
  );
  const content = JSON.stringify({
    tables: {
      a: [['1']],
      b: [
        ['5', '1'],
        ['6', '7'],
      ],
      log: [],
    },
    sequences: {},
  });
  const look = await runOne(
    held.engine,
    { ...world, content },
    read('SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM b)'),
  );
  expect(rowsOf(look)).toEqual([['0', '2']]);
  const act = await runOne(
    held.engine,
    { ...world, content },
    write('INSERT INTO a VALUES (3)', 'INSERT INTO b VALUES (8, 3)'),
  );
  expect(tables(act.content).log).toEqual([['INSERT a'], ['INSERT b']]);
  const orphan = await runOne(held.engine, { ...world, content }, write('INSERT INTO b VALUES (8, 99)'));
  expect(orphan).toMatchObject({ ok: false, sqlstate: '23503' });
});

test('rows that break a constraint that is not valid can be loaded, and the constraint still holds for new ones', async () => {
  const before = await startWith(
    held.engine,
    ['CREATE DOMAIN d AS int', 'CREATE TABLE t (id int PRIMARY KEY, v int, w d)'],
    ['INSERT INTO t VALUES (1, -5, -5), (2, NULL, 3)'],
  );
  const after = worldOf(
    await migrateOne(held.engine, before, [
      'ALTER TABLE t ADD CONSTRAINT positive CHECK (v > 0) NOT VALID',
      'ALTER TABLE t ADD CONSTRAINT there NOT NULL v NOT VALID',
      'ALTER DOMAIN d ADD CONSTRAINT dpos CHECK (VALUE > 0) NOT VALID',
    ]),
  );
  const digest = (await held.engine.catalog(after.schema)).digest;
  for (const _ of [1, 2]) {
    expect(rowsOf(await runOne(held.engine, after, read('SELECT v, w FROM t ORDER BY id')))).toEqual([
      ['-5', '-5'],
      [null, '3'],
    ]);
    expect(await runOne(held.engine, after, write('INSERT INTO t VALUES (3, -1, 1)'))).toMatchObject({
      sqlstate: '23514',
    });
    expect(await runOne(held.engine, after, write('INSERT INTO t VALUES (3, NULL, 1)'))).toMatchObject({
      sqlstate: '23502',
    });
    expect(await runOne(held.engine, after, write('INSERT INTO t VALUES (3, 1, -1)'))).toMatchObject({
      sqlstate: '23514',
    });
    expect(await runOne(held.engine, after, write('UPDATE t SET v = 4 WHERE id = 2'))).toMatchObject({ ok: true });
  }
  const [same] = await held.engine.migrate(after.schema, ['SELECT 1'], true, [after.content], request0);
  expect(same).toMatchObject({ ok: true, schema: after.schema, content: after.content });
  expect((await held.engine.catalog(after.schema)).digest).toBe(digest);
});

test('records are read field by field', () => {
  expect(parseRecord('(1,"a ""b"" \\\\ c",,"")', 4)).toEqual(['1', 'a "b" \\ c', null, '']);
  expect(parseRecord('()', 1)).toEqual([null]);
  expect(parseRecord('()', 0)).toEqual([]);
  expect(parseRecord('(a,b)', 2)).toEqual(['a', 'b']);
});
