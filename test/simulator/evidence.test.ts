/**
 * What the engine says that Postgres does for a statement, beside what PostgreSQL's documentation says: the
 * chapters on explicit locking and on ALTER TABLE, and the pages of the other commands.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { lockModes } from '../../simulator/engine/engine.ts';
import type { LockMode, StatementEvidence } from '../../simulator/engine/engine.ts';
import { read, request, rowsOf, runOne, startWith, step, useEngine, write } from './engine-support.ts';
import type { World } from './engine-support.ts';

const held = useEngine();

const schema = [
  `CREATE TYPE mood AS ENUM ('sad')`,
  'CREATE DOMAIN posint AS int',
  'CREATE SEQUENCE numbers',
  'CREATE SCHEMA audit',
  'CREATE TABLE audit.log (id int, line text)',
  `CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50) NOT NULL, name text, note text, score int,
    age int CONSTRAINT age_set CHECK (age IS NOT NULL), code posint, mood mood)`,
  'CREATE INDEX users_email ON users (email)',
  'CREATE UNIQUE INDEX users_name ON users (name)',
  'ALTER TABLE users ADD CONSTRAINT score_low CHECK (score < 100) NOT VALID',
  'ALTER TABLE users ADD CONSTRAINT note_set NOT NULL note NOT VALID',
  'CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, amount numeric(10, 2))',
  'ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users NOT VALID',
  'CREATE TABLE refunds (id int PRIMARY KEY, order_id bigint CONSTRAINT refunds_order REFERENCES orders)',
  'CREATE TABLE bare (id int, other int NOT NULL)',
  'CREATE UNIQUE INDEX bare_id ON bare (id)',
  'CREATE UNIQUE INDEX bare_other ON bare (other)',
  'CREATE TABLE events (id int, at int NOT NULL) PARTITION BY RANGE (at)',
  'CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10)',
  'CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)',
  'CREATE TABLE loose (id int, at int NOT NULL)',
  'CREATE TABLE proven (id int, at int NOT NULL CHECK (at >= 30 AND at < 40))',
  'CREATE TABLE child (id int, other int NOT NULL)',
  'CREATE MATERIALIZED VIEW totals AS SELECT id, name FROM users',
  'CREATE UNIQUE INDEX totals_id ON totals (id)',
  'CREATE VIEW names AS SELECT id, name FROM users',
  `CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
  'CREATE TRIGGER old_stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp()',
];
const seed = [
  `INSERT INTO users VALUES (1, 'a@x.io', 'ada', 'x', 1, 1, 1, 'sad'), (2, 'b@x.io', 'bob', 'y', 2, 2, 2, 'sad')`,
  'INSERT INTO orders VALUES (1, 1, 10.5), (2, 2, 3)',
  'INSERT INTO refunds VALUES (1, 1)',
  'INSERT INTO bare VALUES (1, 1), (2, 2)',
  'INSERT INTO events VALUES (1, 1), (2, 11)',
  'INSERT INTO loose VALUES (1, 25)',
  'INSERT INTO proven VALUES (1, 35)',
  `INSERT INTO audit.log VALUES (1, 'x')`,
  'REFRESH MATERIALIZED VIEW totals',
];

let world: World;
beforeAll(async () => void (world = await startWith(held.engine, schema, seed)));

function observe(
  statements: readonly string[],
  transactional = true,
  at = world,
): Promise<readonly StatementEvidence[]> {
  return held.engine.observe(at.schema, statements, transactional, at.content, step);
}

const short: Readonly<Record<LockMode, string>> = {
  AccessShareLock: 'AS',
  RowShareLock: 'RS',
  RowExclusiveLock: 'RE',
  ShareUpdateExclusiveLock: 'SUE',
  ShareLock: 'S',
  ShareRowExclusiveLock: 'SRE',
  ExclusiveLock: 'E',
  AccessExclusiveLock: 'AE',
};

/** Locks on what was there before, without indexes: `users AE, orders SRE`. */
function locksOf(evidence: StatementEvidence): string {
  return evidence.locks
    .filter(({ kind, created }) => kind !== 'index' && !created)
    .map(({ relation, mode }) => `${relation} ${short[mode]}`)
    .join(', ');
}

/** One word for each kind of work: `rewrite users, scan users, build users_email`. */
function workOf({ rewrites, scans, builds }: StatementEvidence): string {
  return [
    ...rewrites.filter(({ kind }) => kind === 'table').map(({ relation }) => `rewrite ${relation}`),
    ...scans.map(({ table }) => `scan ${table}`),
    ...builds.map(({ index }) => `build ${index}`),
  ].join(', ');
}

const rebuilt = 'rewrite users, scan users, build users_email, build users_name, build users_pkey';
const change = 'ALTER TABLE users';

/** Statement, locks, work. */
const inTransaction: readonly (readonly [sql: string, locks: string, work: string])[] = [
  [`${change} ADD COLUMN a int`, 'users AE', ''],
  [`${change} ADD COLUMN a int DEFAULT 5`, 'users AE', ''],
  [`${change} ADD COLUMN a int NOT NULL DEFAULT 5`, 'users AE', ''],
  [`${change} ADD COLUMN a timestamptz DEFAULT now()`, 'users AE', ''],
  [`${change} ADD COLUMN a int GENERATED ALWAYS AS (score + 1) VIRTUAL`, 'users AE', ''],
  [`${change} ADD COLUMN a int GENERATED ALWAYS AS (score + 1) STORED`, 'users AE', rebuilt],
  [`${change} ADD COLUMN a uuid DEFAULT gen_random_uuid()`, 'users AE', rebuilt],
  [`${change} ADD COLUMN a timestamptz DEFAULT clock_timestamp()`, 'users AE', rebuilt],
  [`${change} ADD COLUMN a bigserial`, 'users AE', rebuilt],
  [`${change} ADD COLUMN a int GENERATED ALWAYS AS IDENTITY`, 'users AE', rebuilt],
  [`${change} ADD COLUMN a int UNIQUE`, 'users AE', 'scan users, build users_a_key'],
  [`${change} ADD COLUMN a int CHECK (a > 0)`, 'users AE', 'scan users'],
  [`${change} ADD COLUMN a bigint REFERENCES orders`, 'orders SRE, users AE', ''],
  // With a default there are values to look up.
  [`${change} ADD COLUMN a bigint DEFAULT 1 REFERENCES orders`, 'orders SRE, users AE', 'scan orders, scan users'],
  [
    'ALTER TABLE orders ALTER id TYPE int',
    'orders AE, refunds AE',
    'rewrite orders, scan orders, scan refunds, build orders_pkey',
  ],
  ['ALTER TABLE orders ALTER amount TYPE numeric(12, 2)', 'orders AE', ''],
  [
    'ALTER TABLE orders ALTER amount TYPE numeric(12, 3)',
    'orders AE',
    'rewrite orders, scan orders, build orders_pkey',
  ],
  ['ALTER TABLE bare ALTER id TYPE bigint', 'bare AE', 'rewrite bare, scan bare, build bare_id, build bare_other'],
  ['ALTER TABLE audit.log ALTER line TYPE varchar(20)', 'audit.log AE', 'rewrite audit.log, scan audit.log'],
  [`${change} ALTER score TYPE int`, 'users AE', ''],
  ['ALTER TABLE bare SET UNLOGGED', 'bare AE', 'rewrite bare, scan bare, build bare_id, build bare_other'],
  [`${change} ALTER email TYPE varchar(80)`, 'users AE', ''],
  [`${change} ALTER email TYPE text`, 'users AE', ''],
  [`${change} ALTER email TYPE varchar(20)`, 'users AE', rebuilt],
  [`${change} ALTER score SET NOT NULL`, 'users AE', 'scan users'],
  [`${change} ALTER age SET NOT NULL`, 'users AE', ''],
  [`${change} ADD CONSTRAINT c CHECK (score > 0)`, 'users AE', 'scan users'],
  [`${change} ADD CONSTRAINT c CHECK (score > 0) NOT VALID`, 'users AE', ''],
  [`${change} VALIDATE CONSTRAINT score_low`, 'users SUE', 'scan users'],
  [`${change} ADD CONSTRAINT c NOT NULL score NOT VALID`, 'users AE', ''],
  [`${change} VALIDATE CONSTRAINT note_set`, 'users SUE', 'scan users'],
  [
    'ALTER TABLE bare ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES users',
    'bare SRE, users SRE',
    'scan bare, scan users',
  ],
  ['ALTER TABLE bare ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES users NOT VALID', 'bare SRE, users SRE', ''],
  ['ALTER TABLE orders VALIDATE CONSTRAINT orders_user', 'orders SUE, users RS', 'scan orders, scan users'],
  ['ALTER TABLE refunds DROP CONSTRAINT refunds_order', 'orders AE, refunds AE', ''],
  ['CREATE INDEX i ON users (score)', 'users S', 'scan users, build i'],
  ['CREATE UNIQUE INDEX i ON users (score)', 'users S', 'scan users, build i'],
  [
    'CREATE INDEX i ON events (id)',
    'events S, events_1 S, events_2 S',
    'scan events_1, scan events_2, build events_1_id_idx, build events_2_id_idx',
  ],
  ['CREATE INDEX i ON ONLY events (id)', 'events S', ''],
  [`${change} ADD UNIQUE (score)`, 'users AE', 'scan users, build users_score_key'],
  [`${change} ADD CONSTRAINT u UNIQUE USING INDEX users_name`, 'users AE', ''],
  ['ALTER TABLE bare ADD PRIMARY KEY (id)', 'bare AE', 'scan bare, build bare_pkey'],
  ['ALTER TABLE bare ADD CONSTRAINT p PRIMARY KEY USING INDEX bare_id', 'bare AE', 'scan bare'],
  ['ALTER TABLE bare ADD CONSTRAINT p PRIMARY KEY USING INDEX bare_other', 'bare AE', ''],
  ['ALTER TABLE bare ADD EXCLUDE USING btree (id WITH =)', 'bare AE', 'scan bare, build bare_id_excl'],
  [`${change} RENAME email TO mail`, 'users AE', ''],
  [`${change} RENAME TO people`, 'users AE', ''],
  [`${change} RENAME CONSTRAINT age_set TO age_is_set`, 'users AE', ''],
  [`${change} DROP COLUMN note`, 'users AE', ''],
  [`${change} ALTER score SET DEFAULT 1`, 'users AE', ''],
  [`${change} ALTER email DROP NOT NULL`, 'users AE', ''],
  [`${change} DROP CONSTRAINT age_set`, 'users AE', ''],
  [`${change} ALTER score SET STATISTICS 500`, 'users SUE', ''],
  [`${change} SET (fillfactor = 70)`, 'users SUE', ''],
  [`${change} ALTER note SET STORAGE EXTERNAL`, 'users AE', ''],
  [`${change} CLUSTER ON users_pkey`, 'users SUE', ''],
  [`${change} ENABLE ROW LEVEL SECURITY`, 'users AE', ''],
  [`${change} REPLICA IDENTITY FULL`, 'users AE', ''],
  [`${change} SET SCHEMA audit`, 'users AE', ''],
  [`${change} DISABLE TRIGGER ALL`, 'users SRE', ''],
  ['ALTER TABLE child INHERIT bare', 'bare SUE, child AE', ''],
  ['CREATE POLICY p ON users USING (true)', 'users AE', ''],
  ['CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING', 'users AE', ''],
  ['CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamp()', 'users SRE', ''],
  ['DROP TRIGGER old_stamp ON orders', 'orders AE', ''],
  ['CREATE STATISTICS s ON id, name FROM users', 'users SUE', ''],
  ['ANALYZE audit.log', 'audit.log SUE', ''],
  [`COMMENT ON TABLE users IS 'people'`, 'users SUE', ''],
  ['DROP INDEX users_email', 'users AE', ''],
  ['REINDEX INDEX users_email', 'users S', 'scan users, build users_email'],
  ['REINDEX TABLE users', 'users S', 'scan users, build users_email, build users_name, build users_pkey'],
  ['CLUSTER users USING users_email', 'users AE', rebuilt],
  ['TRUNCATE audit.log', 'audit.log AE', ''],
  ['TRUNCATE users CASCADE', 'orders AE, refunds AE, users AE', ''],
  ['DROP TABLE refunds', 'orders AE, refunds AE', ''],
  ['DROP TABLE events', 'events AE, events_1 AE, events_2 AE', ''],
  ['CREATE TABLE fresh (id int PRIMARY KEY)', '', ''],
  ['CREATE TABLE fresh (id bigint PRIMARY KEY REFERENCES users)', 'users SRE', ''],
  ['CREATE TABLE fresh AS SELECT * FROM users', 'users AS', 'scan users'],
  ['CREATE TABLE fresh (LIKE users INCLUDING ALL)', 'users AS', ''],
  ['CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (20) TO (30)', 'events AE', ''],
  ['ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM (20) TO (30)', 'events SUE, loose AE', 'scan loose'],
  ['ALTER TABLE events ATTACH PARTITION proven FOR VALUES FROM (30) TO (40)', 'events SUE, proven AE', ''],
  ['ALTER TABLE events DETACH PARTITION events_1', 'events AE, events_1 AE', ''],
  [
    'ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0)',
    'events AE, events_1 AE, events_2 AE',
    'scan events_1, scan events_2',
  ],
  [
    'ALTER TABLE events ALTER id TYPE bigint',
    'events AE, events_1 AE, events_2 AE',
    'rewrite events_1, rewrite events_2, scan events_1, scan events_2',
  ],
  ['CREATE VIEW v AS SELECT * FROM users', 'users AS', ''],
  ['CREATE OR REPLACE VIEW names AS SELECT id, name, score FROM users', 'names AE, users AS', ''],
  ['DROP VIEW names', 'names AE', ''],
  ['CREATE MATERIALIZED VIEW m AS SELECT name FROM users', 'users AS', 'scan users'],
  [
    'REFRESH MATERIALIZED VIEW totals',
    'totals AE, users AS',
    'rewrite totals, scan totals, scan users, build totals_id',
  ],
  ['REFRESH MATERIALIZED VIEW totals WITH NO DATA', 'totals AE', ''],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY totals', 'totals E, users AS', 'scan users'],
  [`ALTER TYPE mood ADD VALUE 'happy'`, '', ''],
  [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`, '', ''],
  ['ALTER DOMAIN posint ADD CHECK (VALUE > 0)', 'users S', 'scan users'],
  ['ALTER DOMAIN posint ADD CHECK (VALUE > 0) NOT VALID', '', ''],
  ['ALTER SEQUENCE numbers INCREMENT 5', 'numbers SRE', ''],
  ['DROP SEQUENCE numbers', 'numbers AE', ''],
  ['LOCK TABLE users IN SHARE MODE', 'users S', ''],
  ['SELECT * FROM users', 'users AS', 'scan users'],
  ['SELECT count(*) FROM users', 'users AS', 'scan users'],
  ['SELECT * FROM users WHERE id = 1 FOR UPDATE', 'users RS', ''],
  [`INSERT INTO audit.log VALUES (2, 'y')`, 'audit.log RE', ''],
  ['INSERT INTO audit.log SELECT id, name FROM users', 'audit.log RE, users AS', 'scan users'],
  [`UPDATE users SET note = 'z' WHERE id = 1`, 'users RE', ''],
  [`UPDATE users SET note = 'z'`, 'users RE', 'scan users'],
  [`UPDATE users SET note = 'z' WHERE score = 1`, 'users RE', 'scan users'],
  [
    `UPDATE users SET note = 'z' WHERE id IN (SELECT id FROM users WHERE note <> 'z' ORDER BY id LIMIT 1)`,
    'users RE',
    '',
  ],
  ['DELETE FROM refunds WHERE order_id = 1', 'refunds RE', 'scan refunds'],
  ['DELETE FROM orders WHERE id = 2', 'orders RE, refunds RS', 'scan refunds'],
  ['INSERT INTO audit.log SELECT id, name FROM users ORDER BY id', 'audit.log RE, users AS', 'scan users'],
  ['INSERT INTO audit.log SELECT id, name FROM users ORDER BY id LIMIT 1', 'audit.log RE, users AS', ''],
  // What is looked up by a key that is one row's alone is not read as a whole; by another it may be.
  ['UPDATE orders SET amount = u.score FROM users u WHERE u.id = user_id', 'orders RE, users AS', 'scan orders'],
  ['DELETE FROM bare WHERE id IN (SELECT order_id FROM refunds)', 'bare RE, refunds AS', 'scan refunds'],
  [
    'UPDATE users SET note = l.line FROM audit.log l WHERE l.line = users.email',
    'audit.log AS, users RE',
    'scan audit.log, scan users',
  ],
  ['CREATE TABLE fresh AS SELECT * FROM users WHERE id = 1', 'users AS', ''],
  [
    'MERGE INTO bare b USING users u ON b.id = u.id WHEN MATCHED THEN UPDATE SET other = other + 10',
    'bare RE, users AS',
    'scan users',
  ],
];

test('there are enough of them', () => {
  expect(inTransaction.length).toBeGreaterThan(60);
});

test.each(inTransaction)('%s', async (sql, locks, work) => {
  const [evidence] = await observe([sql]);
  expect(evidence!.error).toBeNull();
  expect({ locks: locksOf(evidence!), work: workOf(evidence!) }).toEqual({ locks, work });
  expect(evidence!.inTransaction).toBe(true);
});

/** Those that can't run in a transaction, or need not; what they lock is given back before they end. */
const atTopLevel: readonly (readonly [sql: string, locks: string, work: string])[] = [
  ['CREATE INDEX CONCURRENTLY i ON users (score)', 'users SUE', 'scan users, build i'],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON users (name)', 'users SUE', 'scan users, build i'],
  ['DROP INDEX CONCURRENTLY users_email', 'users SUE', ''],
  ['REINDEX INDEX CONCURRENTLY users_email', 'users SUE', 'scan users, build users_email'],
  ['REINDEX TABLE CONCURRENTLY bare', 'bare SUE', 'scan bare, build bare_id, build bare_other'],
  ['ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY', 'events SUE, events_1 AE', ''],
  ['VACUUM users', 'users SUE', 'scan users'],
  ['VACUUM FULL bare', 'bare AE', 'rewrite bare, scan bare, build bare_id, build bare_other'],
  ['CREATE INDEX i ON users (score)', 'users S', 'scan users, build i'],
  [`${change} ALTER score TYPE bigint`, 'users AE', rebuilt],
  [`UPDATE users SET note = 'z'`, 'users RE', 'scan users'],
  [`ALTER TYPE mood ADD VALUE 'happy'`, '', ''],
];

test.each(atTopLevel)('outside of a transaction: %s', async (sql, locks, work) => {
  const [evidence] = await observe([sql], false);
  expect(evidence!.error).toBeNull();
  expect({ locks: locksOf(evidence!), work: workOf(evidence!) }).toEqual({ locks, work });
  expect(evidence!.inTransaction).toBe(false);
});

describe('what is told of a lock', () => {
  test('its index, its table, and whether the step made it', async () => {
    const [dropped] = await observe(['DROP INDEX users_email']);
    const lock = { mode: 'AccessExclusiveLock', created: false };
    expect(dropped!.locks).toEqual([
      { ...lock, relation: 'users', kind: 'table', table: 'users' },
      { ...lock, relation: 'users_email', kind: 'index', table: 'users' },
    ]);
    for (const transactional of [true, false]) {
      const [made] = await observe(['CREATE TABLE audit.fresh (id serial)'], transactional);
      expect(made!.locks).toEqual([
        { ...lock, relation: 'audit.fresh', kind: 'table', table: 'audit.fresh', created: true },
        { ...lock, relation: 'audit.fresh_id_seq', kind: 'sequence', table: null, created: true },
      ]);
    }
  });

  test('a lock that the transaction holds already is not taken again, a stronger one is', async () => {
    const evidence = await observe([
      'SELECT FROM users WHERE id = 1',
      'CREATE INDEX i ON users (score)',
      `UPDATE users SET note = 'z'`,
      `${change} ADD COLUMN a int`,
    ]);
    expect(evidence.map(locksOf)).toEqual(['users AS', 'users S', '', 'users AE']);
    const apart = await observe(['CREATE INDEX i ON users (score)', `UPDATE users SET note = 'z'`], false);
    expect(apart.map(locksOf)).toEqual(['users S', 'users RE']);
  });

  test('a transaction that a step at top level begins itself is one', async () => {
    const evidence = await observe(['BEGIN', `${change} ADD COLUMN a int`, 'COMMIT', 'SELECT 1'], false);
    expect(evidence.map((each) => each.inTransaction)).toEqual([true, true, false, false]);
  });

  test('a name is the one that the relation had when the statement began', async () => {
    const evidence = await observe([
      `${change} RENAME TO people`,
      'ALTER TABLE people ADD CHECK (score > 0)',
      'DROP TABLE refunds',
    ]);
    expect(evidence.map(locksOf)).toEqual(['users AE', '', 'orders AE, refunds AE']);
    expect(evidence[1]!.scans).toEqual([{ table: 'people', reason: 'verifying table "people"' }]);
  });
});

test('code that runs DDL is judged like the DDL', async () => {
  const statements = [`${change} ALTER score TYPE bigint`, 'CREATE INDEX i ON orders (amount)'];
  const body = `BEGIN ${statements.map((sql) => `EXECUTE '${sql}';`).join(' ')} END`;
  const [block] = await observe([`DO $$ ${body} $$`]);
  expect(locksOf(block!)).toBe('orders S, users AE');
  expect(workOf(block!)).toBe(
    'rewrite users, scan orders, scan users, build i, build users_email, build users_name, build users_pkey',
  );
  const at = await startWith(
    held.engine,
    [...schema, `CREATE FUNCTION go() RETURNS void LANGUAGE plpgsql AS $$ ${body} $$`],
    seed,
  );
  const [called] = await observe(['SELECT go()'], true, at);
  expect({ ...called, sql: '', walBytes: 0 }).toEqual({ ...block, sql: '', walBytes: 0 });
  world = await startWith(held.engine, schema, seed);
});

test('a loop that talks a lot is seen to its end', async () => {
  const body = `FOR i IN 1..30000 LOOP RAISE NOTICE 'still here'; END LOOP; LOCK TABLE users`;
  const [evidence] = await observe([`DO $$ BEGIN ${body}; END $$`]);
  expect(locksOf(evidence!)).toBe('users AE');
});

describe('what the step itself made', () => {
  test('costs nothing that grows', async () => {
    const evidence = await observe([
      'CREATE TABLE fresh (id int, user_id bigint)',
      'INSERT INTO fresh SELECT 1, 1',
      'ALTER TABLE fresh ALTER id TYPE bigint',
      'CREATE INDEX i ON fresh (id)',
      'ALTER TABLE fresh ADD FOREIGN KEY (user_id) REFERENCES users',
    ]);
    expect(evidence.map(workOf)).toEqual(['', '', '', '', 'scan users']);
    const apart = await observe(['CREATE TABLE fresh (id int)', 'CREATE INDEX CONCURRENTLY i ON fresh (id)'], false);
    expect(apart.map(workOf)).toEqual(['', '']);
  });

  test('nor does a table that it has emptied, or made again', async () => {
    const evidence = await observe([
      'TRUNCATE bare',
      'ALTER TABLE bare ALTER id TYPE bigint',
      'CREATE INDEX i ON bare (id)',
      'UPDATE bare SET other = 1',
      'DROP TABLE audit.log',
      'CREATE TABLE audit.log (id int)',
      'ALTER TABLE audit.log ALTER id TYPE bigint',
    ]);
    expect(evidence.map(workOf)).toEqual(['', '', '', '', '', '', '']);
  });

  test('an empty table may be large elsewhere', async () => {
    const evidence = await observe(['ALTER TABLE child ALTER id TYPE bigint', 'CLUSTER child USING child_id']);
    expect(workOf(evidence[0]!)).toBe('rewrite child, scan child');
    expect(evidence[1]!.error).toMatchObject({ sqlstate: '42704' });
    const [full] = await observe(['VACUUM FULL child'], false);
    expect(workOf(full!)).toBe('rewrite child, scan child');
  });
});

test('what a scan is for is said as Postgres says it', async () => {
  const reasons = async (sql: string, transactional = true) =>
    (await observe([sql], transactional))[0]!.scans.map(({ reason }) => reason);
  expect(await reasons(`${change} ALTER score TYPE bigint`)).toEqual(['rewriting table "users"']);
  expect(await reasons(`${change} ALTER score SET NOT NULL`)).toEqual(['verifying table "users"']);
  expect(await reasons('CREATE INDEX i ON users (score)')).toEqual(['building index "i" on table "users" serially']);
  expect(await reasons('ALTER TABLE orders VALIDATE CONSTRAINT orders_user')).toEqual([
    'validating foreign key constraint "orders_user"',
    'validating foreign key constraint "orders_user"',
  ]);
  expect(await reasons('CLUSTER bare USING bare_id')).toEqual([
    'clustering "public.bare" using index scan on "bare_id"',
  ]);
  expect(await reasons('DELETE FROM refunds')).toEqual(['sequential scan']);
  expect(await reasons('VACUUM bare', false)).toEqual(['vacuum']);
});

test('that a table is known to be small is no reason to read all of it', async () => {
  const evidence = await observe(
    [
      'VACUUM ANALYZE users',
      'ANALYZE orders',
      `UPDATE users SET note = 'z' WHERE id = 1`,
      'UPDATE orders SET user_id = 2',
    ],
    false,
  );
  expect(evidence.map(workOf)).toEqual(['scan users', '', '', 'scan orders']);
});

test('rewritten indexes are told with their table', async () => {
  const [evidence] = await observe(['REINDEX TABLE bare']);
  expect(evidence!.rewrites).toEqual([
    { relation: 'bare_id', kind: 'index', table: 'bare' },
    { relation: 'bare_other', kind: 'index', table: 'bare' },
  ]);
});

test('rows are counted by table, and what they log', async () => {
  const evidence = await observe([
    `UPDATE users SET note = repeat('z', 1000)`,
    'INSERT INTO events VALUES (3, 3), (4, 14), (5, 15)',
    'DELETE FROM refunds WHERE id = 1',
    'SELECT 1',
    'TRUNCATE refunds',
    'SELECT 1',
  ]);
  const row = { inserted: 0, updated: 0, deleted: 0 };
  expect(evidence.map(({ touched }) => touched)).toEqual([
    [{ ...row, table: 'users', updated: 2 }],
    [
      { ...row, table: 'events_1', inserted: 1 },
      { ...row, table: 'events_2', inserted: 2 },
    ],
    [{ ...row, table: 'refunds', deleted: 1 }],
    [],
    [],
    [],
  ]);
  const [update, , , nothing] = evidence;
  expect(update!.walBytes).toBeGreaterThan(2000);
  expect(update!.walBytes).toBeLessThan(4000);
  expect(nothing!.walBytes).toBe(0);
});

test('the time limits are those in force when the statement runs', async () => {
  const limits = async (statements: readonly string[], transactional = true) =>
    (await observe(statements, transactional)).map((each) => [each.lockTimeoutMs, each.statementTimeoutMs]);
  const inForce = [
    [0, 0],
    [2000, 0],
    [2000, 90_000],
    [250, 90_000],
    [0, 90_000],
  ];
  const statements = [
    `SET LOCAL lock_timeout = '2s'`,
    `SELECT set_config('statement_timeout', '1.5min', true)`,
    'SET lock_timeout = 250',
    'RESET lock_timeout',
    'SELECT 1',
  ];
  expect(await limits(statements)).toEqual(inForce);
  const session = statements.map((sql) => sql.replace('SET LOCAL', 'SET').replace('true', 'false'));
  expect(await limits(session, false)).toEqual(inForce);
  expect(await limits(['SELECT 1'])).toEqual([[0, 0]]);
  const [local] = (await limits([`SET LOCAL lock_timeout = '2s'`, 'SELECT 1'], false)).slice(1);
  expect(local).toEqual([0, 0]);
});

describe('a statement that fails', () => {
  test('is told with what it had locked and read, and nothing comes after it', async () => {
    const evidence = await observe([`${change} ADD COLUMN a int`, 'ALTER TABLE bare ADD CHECK (id > 1)', 'SELECT 1']);
    expect(evidence).toHaveLength(2);
    expect(evidence[1]).toMatchObject({
      error: {
        sqlstate: '23514',
        message: 'check constraint "bare_id_check" of relation "bare" is violated by some row',
      },
      scans: [{ table: 'bare', reason: 'verifying table "bare"' }],
      rewrites: [],
      inTransaction: true,
    });
    expect(locksOf(evidence[1]!)).toBe('bare AE');
  });

  test('leaves no half-made index behind', async () => {
    const at = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1), (1)']);
    const [evidence] = await observe(['CREATE UNIQUE INDEX CONCURRENTLY i ON t (id)', 'SELECT 1'], false, at);
    expect(evidence!.error).toMatchObject({ sqlstate: '23505' });
    expect(locksOf(evidence!)).toBe('t SUE');
    const invalid = read('SELECT count(*) FROM pg_index WHERE NOT indisvalid');
    expect(rowsOf(await runOne(held.engine, at, invalid))).toEqual([['0']]);
    world = await startWith(held.engine, schema, seed);
  });

  test('only at the commit, is the last one', async () => {
    const at = await startWith(held.engine, ['CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)']);
    const evidence = await observe(['INSERT INTO t VALUES (1), (1)', 'SELECT 1'], true, at);
    expect(evidence.map(({ error }) => error?.sqlstate ?? null)).toEqual([null, '23505']);
    world = await startWith(held.engine, schema, seed);
  });

  test('by never ending, is ended', async () => {
    const forever = observe(['DO $$ BEGIN LOOP END LOOP; END $$']);
    await expect(forever).rejects.toMatchObject({ reason: 'timeout' });
    const [evidence] = await observe(['DROP INDEX users_email']);
    expect(locksOf(evidence!)).toBe('users AE');
  }, 30_000);
});

test('nothing stays behind, in a transaction or outside of one', async () => {
  const at = await startWith(
    held.engine,
    [...schema, 'CREATE TABLE counted (id serial, at timestamptz DEFAULT now(), key uuid DEFAULT gen_random_uuid())'],
    [...seed, 'INSERT INTO counted DEFAULT VALUES'],
  );
  const calls = [
    write('INSERT INTO counted DEFAULT VALUES'),
    read(`SELECT name, setting FROM pg_settings WHERE source NOT IN ('default', 'command line') ORDER BY 1`),
    read('SELECT count(*) FROM pg_class'),
  ];
  const answers = () => held.engine.run(at.schema, [{ content: at.content, calls }], request);
  const before = await answers();
  const digest = (await held.engine.catalog(at.schema)).digest;
  const steps: [string[], boolean][] = [
    [['INSERT INTO counted DEFAULT VALUES', `SET timezone = 'Asia/Tokyo'`, 'DROP TABLE users CASCADE'], true],
    [
      [
        'INSERT INTO counted DEFAULT VALUES',
        `SET timezone = 'Asia/Tokyo'`,
        'CREATE INDEX CONCURRENTLY i ON users (id)',
      ],
      false,
    ],
    [['INSERT INTO counted DEFAULT VALUES', 'SELECT 1 / 0'], true],
    [['INSERT INTO counted DEFAULT VALUES', 'SELECT 1 / 0'], false],
    [['INSERT INTO counted DEFAULT VALUES', 'COMMIT', 'DROP TABLE counted'], true],
  ];
  for (const [statements, transactional] of steps) {
    await observe(statements, transactional, at);
    expect(await answers()).toEqual(before);
    expect((await held.engine.catalog(at.schema)).digest).toBe(digest);
  }
  world = await startWith(held.engine, schema, seed);
});

test('it is the same every time, but for the log of catalog changes', async () => {
  const statements = [
    `SET lock_timeout = '1s'`,
    `${change} ADD COLUMN a uuid DEFAULT gen_random_uuid(), ADD COLUMN b timestamptz DEFAULT clock_timestamp()`,
    'INSERT INTO audit.log SELECT (random() * 1000)::int, now() FROM generate_series(1, (random() * 10)::int)',
  ];
  const all = async () =>
    [...(await observe(statements)), ...(await observe(['REINDEX TABLE CONCURRENTLY users'], false))].map((each) => ({
      ...each,
      walBytes: 0,
    }));
  const first = await all();
  expect(await all()).toEqual(first);
  await startWith(held.engine, ['CREATE TABLE other (id int)']);
  world = await startWith(held.engine, schema, seed);
  expect(await all()).toEqual(first);
});

test('extensions and event triggers are no obstacle', async () => {
  const at = await startWith(
    held.engine,
    [
      'CREATE EXTENSION citext',
      'CREATE TABLE ddl (tag text)',
      'CREATE TABLE people (id int PRIMARY KEY, email citext)',
      `CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO ddl VALUES (tg_tag); END $$`,
      'CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION note_ddl()',
    ],
    [`INSERT INTO people VALUES (1, 'a')`],
  );
  const [evidence] = await observe(['ALTER TABLE people ALTER email TYPE varchar(10)'], true, at);
  expect(locksOf(evidence!)).toBe('ddl RE, people AE');
  expect(workOf(evidence!)).toBe('rewrite people, scan people, build people_pkey');
  expect(evidence!.touched).toEqual([{ table: 'ddl', inserted: 1, updated: 0, deleted: 0 }]);
  world = await startWith(held.engine, schema, seed);
});

test('a transaction that sets its isolation level first may', async () => {
  const evidence = await observe(['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'SELECT FROM users']);
  expect(evidence.map(({ error }) => error)).toEqual([null, null]);
});

test('the modes are told from the weakest to the strongest', () => {
  expect(lockModes.map((mode) => short[mode]).join(' ')).toBe('AS RS RE SUE S SRE E AE');
});
