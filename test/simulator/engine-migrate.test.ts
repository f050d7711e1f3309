/** DDL is run by Postgres on real contents; schemas are told apart by what the catalog holds. */
import { expect, test } from 'vitest';
import type { Catalog } from '../../simulator/engine/engine.ts';
import {
  migrateOne,
  read,
  rowsOf,
  runOne,
  sequences,
  startWith,
  step,
  tables,
  useEngine,
  worldOf,
  write,
} from './engine-support.ts';

const held = useEngine();
const users = ['CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL)'];
const seed = [`INSERT INTO users VALUES (1, 'a'), (2, 'b')`];

test('contents are mapped one by one, and each error is its own', async () => {
  const world = await startWith(held.engine, users, seed);
  const bad = world.content.replace('"b"', '"not a number"');
  const good = world.content.replace('"a"', '"7"').replace('"b"', '"8"');
  const statements = ['ALTER TABLE users ADD COLUMN n int', 'UPDATE users SET n = email::int'];
  const outcomes = await held.engine.migrate(world.schema, statements, true, [good, bad, good], step);
  expect(outcomes[0]).toEqual(outcomes[2]);
  expect(tables(worldOf(outcomes[0]).content).users).toEqual([
    ['1', '7', '7'],
    ['2', '8', '8'],
  ]);
  expect(outcomes[1]).toMatchObject({ ok: false, sqlstate: '22P02', statement: 1 });
  expect(rowsOf(await runOne(held.engine, world, read('SELECT * FROM users ORDER BY 1')))).toEqual([
    ['1', 'a'],
    ['2', 'b'],
  ]);
});

test('outside of a transaction too each content is mapped by itself: that one is left alone says nothing of another', async () => {
  const world = await startWith(held.engine, users, seed);
  const other = world.content.replace('"a"', '"b"');
  const statements = ["UPDATE users SET email = 'c' WHERE id = 1 AND email = 'b'"];
  const outcomes = await held.engine.migrate(world.schema, statements, false, [world.content, other], step);
  expect(outcomes.map((o) => tables(worldOf(o).content).users?.[0])).toEqual([
    ['1', 'a'],
    ['1', 'c'],
  ]);
});

test('what a materialized view holds is part of the content, and moves on with a refresh alone', async () => {
  const world = await startWith(held.engine, users, seed);
  const view = [
    'CREATE MATERIALIZED VIEW sizes AS SELECT count(*) FROM users',
    'CREATE UNIQUE INDEX u ON sizes (count)',
  ];
  const made = worldOf(await migrateOne(held.engine, world, view));
  expect(tables(made.content).sizes).toEqual([['2']]);
  const more = await runOne(held.engine, made, write("INSERT INTO users VALUES (3, 'c')"));
  if (!more.ok) throw new Error(more.message);
  expect(tables(more.content).sizes).toEqual([['2']]);
  const stale = { schema: made.schema, content: more.content };
  // Loaded over what it holds now.
  expect(rowsOf(await runOne(held.engine, made, read('SELECT * FROM sizes')))).toEqual([['2']]);
  for (const how of ['', 'CONCURRENTLY ']) {
    const [first, second] = await held.engine.migrate(
      made.schema,
      [`REFRESH MATERIALIZED VIEW ${how}sizes`],
      how === '',
      [made.content, stale.content],
      step,
    );
    expect(worldOf(first)).toEqual(made);
    expect(tables(worldOf(second).content).sizes).toEqual([['3']]);
    expect(rowsOf(await runOne(held.engine, worldOf(second), read('SELECT * FROM sizes')))).toEqual([['3']]);
  }
  const empty = worldOf(await migrateOne(held.engine, stale, ['REFRESH MATERIALIZED VIEW sizes WITH NO DATA']));
  expect(empty.schema).not.toBe(made.schema);
  expect(tables(empty.content).sizes).toBeUndefined();
  expect(worldOf(await migrateOne(held.engine, empty, ['REFRESH MATERIALIZED VIEW sizes'])).schema).toBe(made.schema);
});

test('up and down gives the schema that was; another order of columns is another schema', async () => {
  const world = await startWith(held.engine, users, seed);
  const up = worldOf(await migrateOne(held.engine, world, ['ALTER TABLE users ADD COLUMN c text DEFAULT now()::text']));
  expect(up.schema).not.toBe(world.schema);
  const down = worldOf(await migrateOne(held.engine, up, ['ALTER TABLE users DROP COLUMN c']));
  expect(down).toEqual(world);
  const reordered = worldOf(
    await migrateOne(held.engine, world, [
      'ALTER TABLE users ADD COLUMN e2 text',
      'UPDATE users SET e2 = email',
      'ALTER TABLE users DROP COLUMN email',
      'ALTER TABLE users RENAME e2 TO email',
      'ALTER TABLE users ALTER email SET NOT NULL',
      'ALTER TABLE users ADD COLUMN x int',
    ]),
  );
  const other = worldOf(
    await migrateOne(held.engine, world, [
      'ALTER TABLE users ADD COLUMN x int',
      'ALTER TABLE users ADD COLUMN e2 text',
      'UPDATE users SET e2 = email',
      'ALTER TABLE users DROP COLUMN email',
      'ALTER TABLE users RENAME e2 TO email',
      'ALTER TABLE users ALTER email SET NOT NULL',
    ]),
  );
  const [one, two] = [await held.engine.catalog(reordered.schema), await held.engine.catalog(other.schema)];
  expect(one.digest).not.toBe(two.digest);
  expect(one.unorderedDigest).toBe(two.unorderedDigest);
  expect(tables(other.content).users).toEqual([
    ['1', null, 'a'],
    ['2', null, 'b'],
  ]);
});

test.each([
  ['a default', 'ALTER TABLE users ALTER email SET DEFAULT 1'],
  ['a type', 'ALTER TABLE users ALTER email TYPE varchar(20)'],
  ['nullability', 'ALTER TABLE users ALTER email DROP NOT NULL'],
  ['a check', `ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '')`],
  ['a check not valid', `ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '') NOT VALID`],
  [
    'a not null that is not valid',
    'ALTER TABLE users ALTER email DROP NOT NULL, ADD CONSTRAINT n NOT NULL email NOT VALID',
  ],
  ['an index', 'CREATE INDEX i ON users (email)'],
  ['a view', 'CREATE VIEW v AS SELECT 1 AS x'],
  ['a function', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1'],
  [
    'a trigger',
    'CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
  ],
  ['a rule', 'CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING'],
  ['a policy', 'CREATE POLICY p ON users USING (true)'],
  ['row security', 'ALTER TABLE users ENABLE ROW LEVEL SECURITY'],
  ['an enum', `CREATE TYPE e AS ENUM ('a')`],
  ['a domain', 'CREATE DOMAIN d AS int CHECK (VALUE > 1)'],
  ['a sequence', 'CREATE SEQUENCE s'],
  ['an identity', 'ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY'],
  ['an option', 'ALTER TABLE users SET (fillfactor = 50)'],
  ['a generated column', 'ALTER TABLE users ADD g int GENERATED ALWAYS AS (id) STORED'],
])('the digest sees %s', async (_, sql) => {
  const world = await startWith(held.engine, users, seed);
  const changed = worldOf(await migrateOne(held.engine, world, [sql]));
  expect(changed.schema).not.toBe(world.schema);
  const [one, two] = [await held.engine.catalog(world.schema), await held.engine.catalog(changed.schema)];
  expect(two.unorderedDigest).not.toBe(one.unorderedDigest);
  expect(two.lines).not.toEqual(one.lines);
  expect(two.lines).toEqual([...two.lines].sort());
  expect(rowsOf(await runOne(held.engine, changed, read('SELECT count(*) FROM users')))).toEqual([['2']]);
});

test('a comment, or gaps left by dropped columns, make no other schema', async () => {
  const world = await startWith(held.engine, users, seed);
  const same = await migrateOne(held.engine, world, [
    `COMMENT ON TABLE users IS 'people'`,
    'ALTER TABLE users ADD COLUMN gone int',
    'ALTER TABLE users DROP COLUMN gone',
  ]);
  expect(worldOf(same)).toEqual(world);
});

test('a new enum value can be used by the next transaction, not by the one that adds it', async () => {
  const world = await startWith(held.engine, [`CREATE TYPE mood AS ENUM ('sad')`, 'CREATE TABLE t (m mood)']);
  const add = `ALTER TYPE mood ADD VALUE 'happy'`;
  const both = await migrateOne(held.engine, world, [add, `INSERT INTO t VALUES ('happy')`]);
  expect(both).toMatchObject({ ok: false, sqlstate: '55P04', statement: 1 });
  const after = worldOf(await migrateOne(held.engine, world, [add]));
  const outcome = await runOne(held.engine, after, write(`INSERT INTO t VALUES ('happy')`));
  expect(tables(outcome.content).t).toEqual([['happy']]);
  expect((await held.engine.catalog(after.schema)).tables[0]!.columns[0]!.enumLabels).toEqual(['sad', 'happy']);
  expect(await runOne(held.engine, world, write(`INSERT INTO t VALUES ('happy')`))).toMatchObject({
    ok: false,
    sqlstate: '22P02',
  });
});

test('CONCURRENTLY runs outside of a transaction, on each content that it may fail on', async () => {
  const world = await startWith(held.engine, users, seed);
  const twice = world.content.replace('"b"', '"a"');
  const more = world.content.replace('"b"', '"c"');
  const index = ['CREATE UNIQUE INDEX CONCURRENTLY u ON users (email)'];
  expect(await migrateOne(held.engine, world, index)).toMatchObject({ ok: false, sqlstate: '25001' });
  const outcomes = await held.engine.migrate(world.schema, index, false, [world.content, twice, more, twice], step);
  const target = worldOf(outcomes[0]);
  expect(outcomes[1]).toMatchObject({ ok: false, sqlstate: '23505', statement: 0 });
  expect(outcomes[2]).toEqual({ ok: true, schema: target.schema, content: more });
  expect(outcomes[3]).toEqual(outcomes[1]);
  expect((await held.engine.catalog(target.schema)).lines.join('\n')).toContain('INDEX u ON public.users');
  const before = await held.engine.catalog(world.schema);
  expect(before.lines.join('\n')).not.toContain('u ON');
  expect(await runOne(held.engine, world, write(`INSERT INTO users VALUES (3, 'a')`))).toMatchObject({ ok: true });
  expect(await runOne(held.engine, target, write(`INSERT INTO users VALUES (3, 'a')`))).toMatchObject({
    ok: false,
    sqlstate: '23505',
  });
  const back = await held.engine.migrate(target.schema, ['DROP INDEX CONCURRENTLY u'], false, [target.content], step);
  expect(worldOf(back[0])).toEqual(world);
});

test('a setting made by a migration ends with it, and shows neither in the schema nor in the content', async () => {
  const world = await startWith(
    held.engine,
    [
      'CREATE TABLE a (id int PRIMARY KEY, at timestamptz)',
      'CREATE TABLE b (a int REFERENCES a, n int DEFAULT 1)',
      'CREATE VIEW v AS SELECT * FROM a',
    ],
    [`INSERT INTO a VALUES (1, '2024-01-01')`],
  );
  const change = 'ALTER TABLE public.a ADD x int';
  const plain = await migrateOne(held.engine, world, [change]);
  const settings = ['SET search_path = pg_catalog', `SET timezone = 'Asia/Tokyo'`, 'SET ROLE pg_monitor', 'RESET ROLE'];
  expect(await migrateOne(held.engine, world, [...settings, change])).toEqual(plain);
  const outside = await held.engine.migrate(
    world.schema,
    [`SET timezone = 'Asia/Tokyo'`],
    false,
    [world.content],
    step,
  );
  expect(worldOf(outside[0])).toEqual(world);
  for (const at of [world, worldOf(plain)])
    expect(rowsOf(await runOne(held.engine, at, read('SHOW timezone')))).toEqual([['UTC']]);
});

test('the digest sees what a constraint says, not only its name', async () => {
  const world = await startWith(held.engine, users, seed);
  const check = (n: number) => [`ALTER TABLE users ADD CONSTRAINT c CHECK (id < ${n})`];
  const [one, two] = [await migrateOne(held.engine, world, check(10)), await migrateOne(held.engine, world, check(20))];
  expect(worldOf(one).schema).not.toBe(worldOf(two).schema);
});

test('an invalid index that a failure left behind is not there for what comes next', async () => {
  const world = await startWith(held.engine, users, seed);
  const twice = world.content.replace('"b"', '"a"');
  const index = ['CREATE UNIQUE INDEX CONCURRENTLY u ON users (email)'];
  const [failed] = await held.engine.migrate(world.schema, index, false, [twice], step);
  expect(failed).toMatchObject({ ok: false, sqlstate: '23505' });
  expect(rowsOf(await runOne(held.engine, world, read(`SELECT count(*) FROM pg_index WHERE NOT indisvalid`)))).toEqual([
    ['0'],
  ]);
  expect(await runOne(held.engine, world, write(`INSERT INTO users VALUES (3, 'a')`))).toMatchObject({ ok: true });
});

test('what a migration does to sequences is in its content, and not left behind', async () => {
  const world = await startWith(held.engine, ['CREATE TABLE t (id serial)'], ['INSERT INTO t DEFAULT VALUES']);
  const after = worldOf(
    await migrateOne(held.engine, world, [`SELECT setval('t_id_seq', 40)`, 'ALTER TABLE t ADD COLUMN other serial']),
  );
  expect(sequences(after.content)).toEqual({ t_id_seq: ['40', 't'], t_other_seq: ['1', 't'] });
  expect(rowsOf(await runOne(held.engine, world, write('INSERT INTO t DEFAULT VALUES RETURNING id')))).toEqual([['2']]);
  expect(rowsOf(await runOne(held.engine, after, write('INSERT INTO t DEFAULT VALUES RETURNING id, other')))).toEqual([
    ['41', '2'],
  ]);
});

test('code that makes another schema of another content is seen to', async () => {
  const world = await startWith(held.engine, users, seed);
  const empty = '{"tables":{"users":[]},"sequences":{}}';
  const statements = [
    `DO $$ BEGIN IF EXISTS (SELECT FROM users) THEN ALTER TABLE users ADD COLUMN rows int; ELSE ALTER TABLE users ADD COLUMN empty int; END IF; END $$`,
  ];
  const outcomes = await held.engine.migrate(
    world.schema,
    statements,
    true,
    [world.content, empty, world.content],
    step,
  );
  const names = await Promise.all(
    outcomes.map(async (o) => (await held.engine.catalog(worldOf(o).schema)).tables[0]!.columns.at(-1)!.name),
  );
  expect(names).toEqual(['rows', 'empty', 'rows']);
});

test('schemas of a long plan are reached from one another in any order', async () => {
  const base = await startWith(held.engine, users, seed);
  const worlds = [base];
  for (let i = 0; i < 8; i++)
    worlds.push(
      worldOf(await migrateOne(held.engine, worlds.at(-1)!, [`ALTER TABLE users ADD COLUMN c${i} int DEFAULT ${i}`])),
    );
  for (const i of [8, 0, 5, 3, 7, 1, 8, 2]) {
    const outcome = await runOne(held.engine, worlds[i]!, read('SELECT * FROM users WHERE id = 1'));
    expect(rowsOf(outcome)).toEqual([['1', 'a', ...Array.from({ length: i }, (_, k) => String(k))]]);
  }
});

test('a start that fails says where', async () => {
  const bad = await held.engine.start(['CREATE TABLE t (id int)', 'CREATE TABLE t (id int)'], []);
  expect(bad).toMatchObject({ ok: false, part: 'schema', statement: 1, sqlstate: '42P07' });
  const badSeed = await held.engine.start(['CREATE TABLE t (id int)'], [`INSERT INTO t VALUES ('x')`]);
  expect(badSeed).toMatchObject({ ok: false, part: 'seed', statement: 0, sqlstate: '22P02' });
  expect(await startWith(held.engine, ['CREATE TABLE t (id int)'])).toMatchObject({
    content: '{"tables":{"t":[]},"sequences":{}}',
  });
});

test('a start leaves nothing of the plan before', async () => {
  await startWith(
    held.engine,
    [
      'CREATE SCHEMA x',
      'CREATE TABLE x.t (id serial)',
      `CREATE TYPE mood AS ENUM ('a')`,
      'CREATE DOMAIN d AS int',
      'CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$',
      'CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION f()',
      'CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int)',
      'CREATE ROLE someone',
      'GRANT ALL ON x.t TO someone',
      'CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a',
      'CREATE TABLE p (id int) PARTITION BY LIST (id)',
      'CREATE TABLE p1 PARTITION OF p DEFAULT',
      'CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)',
      'CREATE TEXT SEARCH CONFIGURATION tsc (COPY = simple)',
      'CREATE COLLATION c (LOCALE = "C")',
      'CREATE PUBLICATION pub',
      'CREATE STATISTICS st ON id, id FROM p1',
    ].slice(0, 16),
  );
  const world = await startWith(held.engine, []);
  expect((await held.engine.catalog(world.schema)).lines).toEqual([]);
  const names = await runOne(
    held.engine,
    world,
    read(`SELECT (SELECT count(*) FROM pg_roles WHERE rolname = 'someone'),
    (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace)`),
  );
  expect(rowsOf(names)).toEqual([['0', '0']]);
});

test('extensions can be used', async () => {
  const schema = [
    'CREATE EXTENSION IF NOT EXISTS citext',
    'CREATE EXTENSION "uuid-ossp"',
    'CREATE TABLE t (e citext PRIMARY KEY)',
  ];
  const world = await startWith(held.engine, schema, [`INSERT INTO t VALUES ('Ada')`]);
  expect(await runOne(held.engine, world, write(`INSERT INTO t VALUES ('ADA')`))).toMatchObject({
    ok: false,
    sqlstate: '23505',
  });
  expect((await held.engine.catalog(world.schema)).lines).toContain('extension citext');
  const missing = await held.engine.start(['CREATE EXTENSION nope'], []);
  expect(missing).toMatchObject({ ok: false, part: 'schema' });
});

test('the catalog says what a plan needs to know', async () => {
  const world = await startWith(held.engine, [
    "CREATE DOMAIN email AS text NOT NULL CHECK (VALUE LIKE '%@%')",
    "CREATE TABLE a (id int PRIMARY KEY, e email, code varchar(8) UNIQUE DEFAULT 'x', n int CHECK (n > 0), up text GENERATED ALWAYS AS (upper(code)) STORED)",
    'CREATE TABLE "B" (id int, a int REFERENCES a (id), PRIMARY KEY (a, id))',
    'CREATE UNIQUE INDEX part ON a (n) WHERE n > 5',
    'CREATE UNIQUE INDEX whole ON a (n, id)',
    'CREATE VIEW v AS SELECT 1',
    'CREATE SEQUENCE s',
  ]);
  const catalog = await held.engine.catalog(world.schema);
  const a = catalog.tables.find((t) => t.name === 'a')!;
  expect(a.columns.map((c) => [c.name, c.type, c.baseType, c.notNull, c.generated, c.hasDefault])).toEqual([
    ['id', 'integer', 'int4', true, false, false],
    ['e', 'email', 'text', true, false, false],
    ['code', 'character varying(8)', 'varchar', false, false, true],
    ['n', 'integer', 'int4', false, false, false],
    ['up', 'text', 'text', false, true, false],
  ]);
  expect(a.primaryKey).toEqual(['id']);
  expect(a.uniques).toEqual([['code'], ['n', 'id']]);
  expect(a.checks).toEqual([
    { columns: ['n'], definition: 'CHECK ((n > 0))' },
    { columns: ['e'], definition: "CHECK ((VALUE ~~ '%@%'::text))" },
  ]);
  const b = catalog.tables.find((t) => t.name === 'B')!;
  expect(b.primaryKey).toEqual(['a', 'id']);
  expect(b.foreignKeys).toEqual([{ columns: ['a'], table: 'a', references: ['id'] }]);
  expect(catalog.views).toEqual(['v']);
  expect(catalog.sequences).toEqual(['s']);
  expect(catalog.lines).toContain('column a.e email');
  expect([catalog.usesRandom, catalog.hasTriggers]).toEqual([false, false]);
});

test('who may do what is part of a schema, and gone when it is taken back', async () => {
  const world = await startWith(held.engine, ['CREATE ROLE app', ...users], seed);
  const schema = async (statements: readonly string[]): Promise<Catalog> => {
    const [result] = await held.engine.migrate(world.schema, statements, true, [world.content], step);
    if (result?.ok !== true) throw new Error(result?.message);
    return held.engine.catalog(result.schema);
  };
  const before = await held.engine.catalog(world.schema);
  const granted = await schema(['GRANT SELECT, UPDATE (id) ON users TO app']);
  expect(granted.lines.filter((line) => !before.lines.includes(line))).toEqual([
    'grant SELECT on table public.users to app',
    'grant UPDATE on column public.users.id to app',
  ]);
  const fn = 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1';
  const revoked = await schema([fn, 'REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC', 'ALTER ROLE app BYPASSRLS']);
  expect(revoked.lines).toContain('no EXECUTE on function public.f() to public');
  expect(revoked.lines).toContain('role app bypassrls');
  const back = await schema(['GRANT SELECT ON users TO app', 'REVOKE SELECT ON users FROM app']);
  expect(back.digest).toBe(before.digest);
});

test('what a materialized view holds goes with the content, however old it is', async () => {
  const view = 'CREATE MATERIALIZED VIEW emails AS SELECT email FROM users';
  const world = await startWith(held.engine, users, seed);
  const made = worldOf(await migrateOne(held.engine, world, [view]));
  const later = await runOne(held.engine, made, write('DELETE FROM users WHERE id = 1'));
  if (!later.ok) throw new Error(later.message);
  const old = { ...made, content: later.content };
  const look = read('SELECT email FROM emails ORDER BY 1');
  expect(rowsOf(await runOne(held.engine, old, look))).toEqual([['a'], ['b']]);
  const fresh = worldOf(await migrateOne(held.engine, old, ['REFRESH MATERIALIZED VIEW emails']));
  expect(fresh.schema).toBe(made.schema);
  expect(rowsOf(await runOne(held.engine, fresh, look))).toEqual([['b']]);
  expect(rowsOf(await runOne(held.engine, old, look))).toEqual([['a'], ['b']]);
  const empty = worldOf(await migrateOne(held.engine, old, ['REFRESH MATERIALIZED VIEW emails WITH NO DATA']));
  expect(await runOne(held.engine, empty, look)).toMatchObject({ ok: false, sqlstate: '55000' });
});

test('going up and down again and again does not wear the tables out', async () => {
  const world = await startWith(held.engine, users, seed);
  const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
  const up = [`ALTER TABLE users ${names.map((name) => `ADD COLUMN ${name} int`).join(', ')}`];
  const down = [`ALTER TABLE users ${names.map((name) => `DROP COLUMN ${name}`).join(', ')}`];
  const next = worldOf(await migrateOne(held.engine, world, up));
  expect(worldOf(await migrateOne(held.engine, next, down))).toEqual(world);
  for (let i = 0; i < 20; i++) {
    expect(rowsOf(await runOne(held.engine, next, read('SELECT c1 FROM users WHERE id = 1')))).toEqual([[null]]);
    expect(worldOf(await migrateOne(held.engine, world, up))).toEqual(next);
  }
});
