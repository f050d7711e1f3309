/** Every alternative is run by the real engine: it has to lead to the same schema, with less under a strong lock. */
import { beforeAll, describe, expect, test } from 'vitest';
import { initParser, parseSql } from '../../simulator/plan/sql.ts';
import { fileSource } from '../../simulator/plan/source.ts';
import type { Statement } from '../../simulator/plan/model.ts';
import { adviceFor, alternatives } from '../../simulator/traffic/alternatives.ts';
import { confirm, confirmedAlternatives, describe as say } from '../../simulator/traffic/alternatives-confirm.ts';
import { startWith, useEngine } from './engine-support.ts';
import type { World } from './engine-support.ts';

const held = useEngine();
let world: World;

const schema = [
  'CREATE SCHEMA audit',
  'CREATE TABLE audit.log (id int PRIMARY KEY, line text)',
  'CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text, score int)',
  'CREATE INDEX users_name ON users (name)',
  'CREATE INDEX users_email ON users (email)',
  'CREATE TABLE orders (id bigint, part int, user_id bigint, PRIMARY KEY (id, part))',
  'CREATE TABLE bare (id int, other int NOT NULL)',
  'CREATE TABLE "Odd one" ("the key" int PRIMARY KEY, "select" int)',
  'CREATE TABLE events (id int, at date NOT NULL, kind text) PARTITION BY RANGE (at)',
  `CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')`,
  `CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')`,
  'CREATE TABLE loose (id int, at date NOT NULL, kind text)',
  'CREATE TABLE kinds (id int, kind text NOT NULL) PARTITION BY LIST (kind)',
  'CREATE TABLE of_kind (id int, kind text NOT NULL)',
  'CREATE MATERIALIZED VIEW totals AS SELECT id, name FROM users',
  'CREATE UNIQUE INDEX totals_id ON totals (id)',
  'CREATE MATERIALIZED VIEW keyless AS SELECT name FROM users',
];
const seed = [
  `INSERT INTO users VALUES (1, 'a', 'ada', 1), (2, 'b', 'bob', 2)`,
  `INSERT INTO audit.log VALUES (1, 'x'), (2, 'y')`,
  'INSERT INTO orders VALUES (1, 1, 1), (1, 2, 2)',
  'INSERT INTO bare VALUES (1, 1), (2, 2)',
  'INSERT INTO "Odd one" VALUES (1, 1), (2, 2)',
  `INSERT INTO events VALUES (1, '2024-01-05', 'a')`,
  `INSERT INTO loose VALUES (1, '2024-03-05', 'a')`,
  `INSERT INTO of_kind VALUES (1, 'x')`,
  'REFRESH MATERIALIZED VIEW totals',
  'REFRESH MATERIALIZED VIEW keyless',
];

beforeAll(async () => {
  await initParser();
  world = await startWith(held.engine, schema, seed);
});

function statement(text: string): Statement {
  const parsed = parseSql(fileSource('a.sql', text));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.statements[0]!.statement;
}

async function confirmed(text: string) {
  return confirmedAlternatives(held.engine, world.schema, world.content, statement(text));
}

/** What is offered first, as it would stand in a plan: a step a line. */
async function first(text: string): Promise<string[]> {
  const [best] = await confirmed(text);
  return (best?.alternative.steps ?? []).map(
    ({ kind, statements, transactional }) =>
      `${kind === 'backfill' ? 'backfill: ' : transactional ? '' : 'alone: '}${statements.join('; ')}`,
  );
}

const table: readonly (readonly [sql: string, ...steps: string[]])[] = [
  [
    'CREATE INDEX i ON users (lower(name) DESC) WHERE score > 1',
    'alone: CREATE INDEX CONCURRENTLY i ON users ((lower(name)) DESC) WHERE score > 1',
  ],
  ['CREATE UNIQUE INDEX ON audit.log (line)', 'alone: CREATE UNIQUE INDEX CONCURRENTLY ON audit.log (line)'],
  [
    'DROP INDEX users_name, users_email',
    'alone: DROP INDEX CONCURRENTLY users_name',
    'alone: DROP INDEX CONCURRENTLY users_email',
  ],
  ['REINDEX TABLE users', 'alone: REINDEX (CONCURRENTLY) TABLE users'],
  ['REINDEX INDEX users_name', 'alone: REINDEX (CONCURRENTLY) INDEX users_name'],
  ['REFRESH MATERIALIZED VIEW totals', 'REFRESH MATERIALIZED VIEW CONCURRENTLY totals'],
  [
    'ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE',
    'ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID',
    'ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey',
  ],
  [
    'ALTER TABLE users ADD CHECK (score > 0)',
    'ALTER TABLE users ADD CONSTRAINT users_score_check CHECK (score > 0) NOT VALID',
    'ALTER TABLE users VALIDATE CONSTRAINT users_score_check',
  ],
  [
    `ALTER TABLE users ADD CHECK (score > 0 OR name = 'x')`,
    `ALTER TABLE users ADD CONSTRAINT users_check CHECK (score > 0 OR name = 'x') NOT VALID`,
    'ALTER TABLE users VALIDATE CONSTRAINT users_check',
  ],
  [
    'ALTER TABLE users ADD CONSTRAINT named UNIQUE (name, score) INCLUDE (email)',
    'alone: CREATE UNIQUE INDEX CONCURRENTLY named ON users (name, score) INCLUDE (email)',
    'ALTER TABLE users ADD CONSTRAINT named UNIQUE USING INDEX named',
  ],
  [
    'ALTER TABLE bare ADD PRIMARY KEY (other)',
    'alone: CREATE UNIQUE INDEX CONCURRENTLY bare_pkey ON bare (other)',
    'ALTER TABLE bare ADD CONSTRAINT bare_pkey PRIMARY KEY USING INDEX bare_pkey',
  ],
  [
    'ALTER TABLE bare ADD PRIMARY KEY (id)',
    'ALTER TABLE bare ADD CONSTRAINT bare_id_is_set CHECK (id IS NOT NULL) NOT VALID',
    'ALTER TABLE bare VALIDATE CONSTRAINT bare_id_is_set',
    'alone: CREATE UNIQUE INDEX CONCURRENTLY bare_pkey ON bare (id)',
    'ALTER TABLE bare ADD CONSTRAINT bare_pkey PRIMARY KEY USING INDEX bare_pkey; ALTER TABLE bare DROP CONSTRAINT bare_id_is_set',
  ],
  [
    'ALTER TABLE users ALTER name SET NOT NULL',
    'ALTER TABLE users ADD CONSTRAINT users_name_is_set CHECK (name IS NOT NULL) NOT VALID',
    'ALTER TABLE users VALIDATE CONSTRAINT users_name_is_set',
    'ALTER TABLE users ALTER COLUMN name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT users_name_is_set',
  ],
  [
    'ALTER TABLE users ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid()',
    'ALTER TABLE users ADD COLUMN key uuid; ALTER TABLE users ALTER COLUMN key SET DEFAULT gen_random_uuid()',
    'backfill: UPDATE users SET key = gen_random_uuid() WHERE id IN (SELECT id FROM users WHERE key IS NULL ORDER BY id LIMIT :batch)',
    'ALTER TABLE users ADD CONSTRAINT users_key_is_set CHECK (key IS NOT NULL) NOT VALID',
    'ALTER TABLE users VALIDATE CONSTRAINT users_key_is_set',
    'ALTER TABLE users ALTER COLUMN key SET NOT NULL; ALTER TABLE users DROP CONSTRAINT users_key_is_set',
  ],
  [
    'ALTER TABLE orders ADD COLUMN owner bigint DEFAULT 1 REFERENCES users',
    'ALTER TABLE orders ADD COLUMN owner bigint DEFAULT 1',
    'ALTER TABLE orders ADD CONSTRAINT orders_owner_fkey FOREIGN KEY (owner) REFERENCES users NOT VALID',
    'ALTER TABLE orders VALIDATE CONSTRAINT orders_owner_fkey',
  ],
  [
    'ALTER TABLE users ADD COLUMN code text UNIQUE',
    'ALTER TABLE users ADD COLUMN code text',
    'alone: CREATE UNIQUE INDEX CONCURRENTLY users_code_key ON users (code)',
    'ALTER TABLE users ADD CONSTRAINT users_code_key UNIQUE USING INDEX users_code_key',
  ],
  [
    'ALTER TABLE users ADD CONSTRAINT n NOT NULL name',
    'ALTER TABLE users ADD CONSTRAINT n NOT NULL name NOT VALID',
    'ALTER TABLE users VALIDATE CONSTRAINT n',
  ],
  [
    'ALTER TABLE users ADD COLUMN a int, ADD CONSTRAINT c CHECK (score > 0)',
    'ALTER TABLE users ADD COLUMN a int',
    'ALTER TABLE users ADD CONSTRAINT c CHECK (score > 0) NOT VALID',
    'ALTER TABLE users VALIDATE CONSTRAINT c',
  ],
  [
    `ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')`,
    `ALTER TABLE loose ADD CONSTRAINT loose_fits CHECK (at IS NOT NULL AND at >= '2024-03-01' AND at < '2024-04-01') NOT VALID`,
    'ALTER TABLE loose VALIDATE CONSTRAINT loose_fits',
    `ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM ('2024-03-01') TO ('2024-04-01'); ALTER TABLE loose DROP CONSTRAINT loose_fits`,
  ],
  [
    `ALTER TABLE kinds ATTACH PARTITION of_kind FOR VALUES IN ('x', 'y')`,
    `ALTER TABLE of_kind ADD CONSTRAINT of_kind_fits CHECK (kind IS NOT NULL AND kind IN ('x', 'y')) NOT VALID`,
    'ALTER TABLE of_kind VALIDATE CONSTRAINT of_kind_fits',
    `ALTER TABLE kinds ATTACH PARTITION of_kind FOR VALUES IN ('x', 'y'); ALTER TABLE of_kind DROP CONSTRAINT of_kind_fits`,
  ],
  [
    'CREATE INDEX events_kind ON events (kind)',
    'CREATE INDEX events_kind ON ONLY events (kind)',
    'alone: CREATE INDEX CONCURRENTLY events_1_kind_idx ON public.events_1 (kind)',
    'alone: CREATE INDEX CONCURRENTLY events_2_kind_idx ON public.events_2 (kind)',
    'ALTER INDEX public.events_kind ATTACH PARTITION public.events_1_kind_idx; ALTER INDEX public.events_kind ATTACH PARTITION public.events_2_kind_idx',
  ],
  [
    'UPDATE users AS u SET name = upper(u.name) WHERE score > 0',
    'backfill: UPDATE users AS u SET name = upper(u.name) WHERE id IN (SELECT id FROM users AS u WHERE score > 0 AND name IS DISTINCT FROM upper(u.name) ORDER BY id LIMIT :batch)',
  ],
  [
    'DELETE FROM orders WHERE user_id > 0',
    'backfill: DELETE FROM orders WHERE (id, part) IN (SELECT id, part FROM orders WHERE user_id > 0 ORDER BY id, part LIMIT :batch)',
  ],
  [
    'UPDATE "Odd one" SET "select" = 5',
    'backfill: UPDATE "Odd one" SET "select" = 5 WHERE "the key" IN (SELECT "the key" FROM "Odd one" WHERE "select" IS DISTINCT FROM 5 ORDER BY "the key" LIMIT :batch)',
  ],
  // There is no work in it, but everything queues behind it while it waits.
  ['ALTER TABLE users ADD COLUMN a int', `SET lock_timeout = '2s'; ALTER TABLE users ADD COLUMN a int`],
];

test.each(table)('%s', async (sql, ...steps) => {
  expect(await first(sql)).toEqual(steps);
});

test('what is confirmed says so', async () => {
  const [index] = await confirmed('CREATE INDEX i ON users (score)');
  expect(say(index!)).toBe(
    'the engine confirms: strongest lock ShareUpdateExclusiveLock, no work under a lock that reads or writes wait for',
  );
  const [check] = await confirmed('ALTER TABLE users ADD CHECK (score > 0)');
  expect(say(check!)).toBe(
    'the engine confirms: strongest lock AccessExclusiveLock, no work under a lock that reads or writes wait for',
  );
  expect(check!.evidence.map((step) => step.flatMap(({ scans }) => scans.map((scan) => scan.table)))).toEqual([
    [],
    ['users'],
  ]);
});

describe('what is not confirmed is not offered', () => {
  const titles = async (sql: string) => (await confirmed(sql)).map(({ alternative }) => alternative.title);

  test('a view without a unique index', async () => {
    expect(await titles('REFRESH MATERIALIZED VIEW keyless')).toEqual([
      'Give up soon when the lock is not free, and try again',
    ]);
  });

  test('a statement that fails on what is there', async () => {
    expect(await titles('ALTER TABLE users ADD CHECK (score > 1)')).toEqual([]);
  });

  test('a split that leaves the work where it was', async () => {
    const found = await titles('ALTER TABLE users ADD COLUMN code uuid DEFAULT gen_random_uuid() UNIQUE');
    expect(found[0]).toBe('Add the column empty, and fill it in batches');
    expect(found).not.toContain('Add the column first, its constraints apart');
  });

  test('a backfill that would never end', async () => {
    expect(await titles('UPDATE users SET score = (random() * 1000000)::int')).toEqual([]);
  });

  test('batches that do not come to what the statement does', async () => {
    expect(await titles('UPDATE users SET score = score + 1')).toEqual([]);
    expect(await titles('UPDATE users SET score = (SELECT max(score) + 1 FROM users) WHERE score < 3')).toEqual([]);
  });

  test('a way to a constraint of another name than Postgres would give', async () => {
    const long = 'a_table_with_a_name_that_is_as_long_as_it_may_be_and_then_some';
    const at = await startWith(held.engine, [`CREATE TABLE ${long} (score int)`]);
    const sql = statement(`ALTER TABLE ${long} ADD CHECK (score > 0)`);
    const found = await confirmedAlternatives(held.engine, at.schema, at.content, sql);
    expect(found.map(({ alternative }) => alternative.onlyLockTimeout)).toEqual([true]);
    world = await startWith(held.engine, schema, seed);
  });

  test('steps one of which fails', async () => {
    const sql = 'CREATE UNIQUE INDEX CONCURRENTLY i ON users (id)';
    const steps = [{ kind: 'migrate', statements: [sql], transactional: true }] as const;
    expect(
      await confirm(held.engine, world.schema, world.content, { title: '', onlyLockTimeout: false, steps }),
    ).toBeNull();
  });
});

test.each([
  ['ALTER TABLE users ALTER score TYPE bigint', 'A change of type may copy the table'],
  ['VACUUM FULL users', 'VACUUM FULL copies the table'],
  ['CLUSTER users USING users_pkey', 'CLUSTER copies the table'],
  ['ALTER TABLE users RENAME name TO full_name', 'A rename breaks every version'],
  ['ALTER TABLE users ADD COLUMN n bigserial', 'Postgres fills such a column by copying the table'],
  ['ALTER TABLE users ADD COLUMN n int GENERATED ALWAYS AS (score) STORED', 'Postgres fills such a column'],
])('no alternative, but advice: %s', async (sql, advice) => {
  const found = alternatives(statement(sql), await held.engine.catalog(world.schema));
  expect(found.map(({ title }) => title)).toEqual(['Give up soon when the lock is not free, and try again']);
  expect(adviceFor(statement(sql))).toContain(advice);
});

test('what is good already has no other', async () => {
  const catalog = await held.engine.catalog(world.schema);
  const onlyLockTimeout = (sql: string) => alternatives(statement(sql), catalog).slice(0, -1);
  for (const sql of [
    'CREATE INDEX CONCURRENTLY i ON users (name)',
    'DROP INDEX CONCURRENTLY users_name',
    'ALTER TABLE users ADD CONSTRAINT c CHECK (score > 0) NOT VALID',
    'ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i',
    'ALTER TABLE users DROP COLUMN name',
    'CREATE TABLE t (id int)',
  ]) {
    expect(onlyLockTimeout(sql), sql).toEqual([]);
  }
  expect(
    alternatives(statement('UPDATE users SET name = 1 WHERE id IN (SELECT id FROM users LIMIT :batch)'), catalog),
  ).toEqual([]);
});
