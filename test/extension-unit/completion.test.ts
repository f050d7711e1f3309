/** Completion in plans, in whatever state they are typed to. */
import { describe, expect, test } from 'vitest';
import { complete } from '../../extension/language/analysis/complete.ts';
import { load } from '../simulator/plan-helpers.ts';
import { analysed, completed, edited, labels, mark, plan, taken } from './language-helpers.ts';

const stepKinds = ['migrate', 'deploy', 'backfill', 'verify', 'cdc'];

describe('keys', () => {
  test('of an empty plan: what is required first', async () => {
    expect(await labels('▮')).toEqual([
      'database',
      'versions',
      'steps',
      'title',
      'databases',
      'forecast',
      'params',
      'allow',
    ]);
    expect(await labels('# a comment\n▮')).toEqual([
      'database',
      'versions',
      'steps',
      'title',
      'databases',
      'forecast',
      'params',
      'allow',
    ]);
    expect(await labels('ver▮')).toContain('versions');
  });

  test('of the top level, without those that are there', async () => {
    expect(await labels(`${plan}▮`)).toEqual(['databases', 'forecast', 'allow']);
    expect(await labels('title: x\nda▮\nversions:\n  v1:\n    a: SELECT 1\n')).toEqual([
      'database',
      'steps',
      'databases',
      'forecast',
      'params',
      'allow',
    ]);
  });

  test('of the database, with nothing, a word or a blank line below it', async () => {
    expect(await labels('database:\n  ▮')).toEqual(['schema', 'name', 'seed', 'production']);
    expect(await labels('database:\n  sch▮')).toEqual(['schema', 'name', 'seed', 'production']);
    expect(await labels('database:\n  schema: |\n    CREATE TABLE t (a int);\n  ▮\nversions:\n')).toEqual([
      'name',
      'seed',
      'production',
    ]);
    expect(await labels('database:\n  schema: |\n    CREATE TABLE t (a int);\n\n  ▮')).toEqual([
      'name',
      'seed',
      'production',
    ]);
  });

  test('of a step: its kinds first, and only what fits the kind that it has', async () => {
    expect(await labels('steps:\n  - ▮')).toEqual([
      ...stepKinds,
      'name',
      'rollback',
      'flag',
      'by',
      'batch',
      'pause',
      'transaction',
      'on',
      'offline',
      'wait',
      'point-of-no-return',
      'allow',
    ]);
    const inDeploy = await labels(edited('    deploy: v2\n', '    deploy: v2\n    ▮\n'));
    expect(inDeploy).toEqual(['rollback', 'flag', 'offline', 'wait', 'point-of-no-return', 'allow']);
    const inBackfill = await labels(edited('    batch: 1000\n', '    ▮\n'));
    expect(inBackfill).toEqual([
      'rollback',
      'by',
      'batch',
      'pause',
      'on',
      'offline',
      'wait',
      'point-of-no-return',
      'allow',
    ]);
  });

  test('half typed between others, without a colon', async () => {
    expect(
      await labels(edited('    migrate: ALTER TABLE users ADD', '    mig▮\n    rollback: ALTER TABLE users ADD')),
    ).toEqual(expect.arrayContaining(stepKinds));
    expect(await labels(edited('    deploy: v3\n', '    deploy: v3\n    fl▮\n'))).toContain('flag');
    expect(await labels(edited('    deploy: v3\n', '    fl▮\n    deploy: v3\n'))).toContain('flag');
  });

  test('a new item where a dash could stand', async () => {
    const items = await completed(`${plan}  ▮`);
    expect(items.map(({ label }) => label).slice(0, 5)).toEqual(stepKinds);
    expect(items[0]?.snippet).toMatch(/^- name: /);
  });

  test('a word under a dash is a new item, or a key of the item before', async () => {
    const last = plan.slice(0, plan.indexOf('    allow:'));
    for (const place of [`${last}  ▮`, `${last}  wa▮`, `${last}  wa▮\n`]) {
      const offered = await labels(place);
      expect(offered.slice(0, 5)).toEqual(stepKinds);
      expect(offered).toEqual(expect.arrayContaining(['wait', 'allow', 'point-of-no-return']));
      expect(offered).not.toContain('rollback');
    }
    const inner = edited('  - name: dual write\n', '  mig▮\n  - name: dual write\n');
    expect((await labels(inner)).slice(0, 5)).toEqual(stepKinds);
    expect(await taken(`${last}  wa▮`, 'wait')).toBe(`${last}    wait: caught-up`);
    expect(await taken(`${last}  dep▮`, 'deploy')).toBe(`${last}  - name: name\n    deploy: `);
  });

  test('of a way back, whose steps are fewer', async () => {
    const place = edited('    rollback: none\n', '    rollback:\n      - ▮\n');
    expect(await labels(place)).toEqual([
      'migrate',
      'backfill',
      'verify',
      'name',
      'by',
      'batch',
      'pause',
      'transaction',
      'on',
      'allow',
    ]);
  });

  test('of checks, of allowances, of requests, of production', async () => {
    expect(await labels(edited('      - name: same\n', '      - name: same\n        ▮\n'))).toEqual(['equal']);
    expect(await labels(edited('{ rule: no-rollback, reason: It is over. }', '{ ▮ }'))).toEqual(['rule', 'reason']);
    expect(await labels(edited('{ rule: no-rollback, reason: It is over. }', '{ rule: no-rollback, ▮'))).toEqual([
      'reason',
    ]);
    expect(await labels(edited('{ rows: 100M }', '{ rows: 100M, ▮ }'))).toEqual(['size', 'reads', 'writes']);
    expect(await labels(edited('    users: { rows: 100M }\n', '    users: { rows: 100M }\n    ▮\n'))).toEqual([
      'orders',
    ]);
    expect(await labels(edited('    pay:\n', '    find:\n      ▮\n    pay:\n'))).toEqual(
      expect.arrayContaining(['sql', 'transaction', 'accepts']),
    );
  });

  test('none in a comment, none behind a space', async () => {
    expect(await labels(edited('  - name: dual write', '  # a▮\n  - name: dual write'))).toEqual([]);
    expect(await labels('database:\n  ▮', ' ')).toEqual([]);
  });

  test('what follows is offered at once where there is something to offer', async () => {
    const goesOn = async (marked: string) =>
      (await completed(marked)).filter((each) => each.goesOn).map(({ label }) => label);
    expect(await goesOn(edited('    deploy: v3\n', '    ▮\n'))).toEqual(['deploy', 'by']);
    expect(await goesOn('steps:\n  - ▮')).toEqual(['by']);
    expect(await goesOn('▮')).toEqual([]);
  });

  test('a key that has a colon is replaced alone', async () => {
    expect(await taken(edited('    deploy: v3', '    depl▮: v3'), 'deploy')).toBe(plan);
  });
});

describe('names', () => {
  test('requests of a version that extends another, with their SQL', async () => {
    const place = edited('    get_user: SELECT id, mail', '    ▮\n    get_user: SELECT id, mail');
    const items = await completed(place);
    expect(items.map(({ label, detail }) => [label, detail])).toEqual([
      ['pay', 'as v1 has it'],
      ['set_email', 'as v2 has it'],
      ['prepares', ''],
    ]);
    expect(await taken(place, 'set_email')).toContain(
      'id: [7]\n    set_email: UPDATE users SET email = :email, mail = :email WHERE id = :id\n',
    );
  });

  test('a new version extends the last', async () => {
    const place = edited('steps:\n', '  ▮\nsteps:\n');
    expect(await labels(place)).toEqual(['v4']);
    expect(await taken(place, 'v4')).toContain('  v4:\n    extends: v3\n    \nsteps:');
  });

  test('versions behind deploy and extends: what no step deploys yet first', async () => {
    expect(await labels(edited('    deploy: v3', '    deploy: ▮'))).toEqual(['v3', 'v1', 'v2']);
    expect(await labels(edited('    deploy: v3', '    deploy: v▮'), ' ')).toEqual(['v3', 'v1', 'v2']);
    expect(await labels(edited('    extends: v2', '    extends: ▮'), ' ')).toEqual(['v1', 'v2']);
    expect(await labels(edited('    deploy: v3', '    deploy:▮'))).toEqual([]);
  });

  test('parameters that requests use, as keys of params', async () => {
    expect(await labels(edited('  email: [a@x.io, b@x.io]\n', '  ▮\n'))).toEqual(['email', 'id', 'order']);
    expect(await labels(edited('      id: [7]\n', '      ▮\n'))).toEqual(['email', 'id', 'order']);
  });

  test('rules, values that are few, keys of ranges', async () => {
    const rules = await labels(edited('rule: no-rollback', 'rule: ▮'));
    expect(rules).toContain('lost-write');
    expect(await labels(edited('rule: no-rollback, reason: It is over. }', 'rule: lo▮'))).toEqual(rules);
    expect(await labels(edited('    deploy: v3', '    deploy: v3\n    wait: ▮'))).toEqual(['caught-up', 'drained']);
    expect(await labels(edited('    deploy: v3', '    deploy: v3\n    offline: ▮'), ' ')).toEqual(['true', 'false']);
    expect(await labels(edited('    rollback: none', '    rollback: ▮'), ' ')).toEqual(['none']);
    expect(await labels(edited('    rollback: none', '    rollback: ALTER ▮'))).not.toContain('none');
    expect(await labels(edited('    batch: 1000', '    by: ▮'))).toContain('users.id');
  });
});

describe('SQL', () => {
  test('parameters of the request first, then those of the plan, of others, and what the columns are called', async () => {
    const place = edited('WHERE id = :id\n    set', 'WHERE id = :▮\n    set');
    expect(await labels(place, ':')).toEqual(['id', 'email', 'order', 'mail']);
  });

  test('parameters of a backfill, and none in a migration', async () => {
    expect(await labels(edited('LIMIT :batch)', 'LIMIT :▮)'), ':')).toEqual(['batch', 'from', 'to']);
    expect(await labels(edited('LIMIT :batch)', 'LIMIT :b▮'))).toEqual(['batch', 'from', 'to']);
    expect(await labels(edited('ADD COLUMN mail text', 'ADD COLUMN mail text DEFAULT :▮'), ':')).toEqual([]);
  });

  test('rows of a change, and the columns of the table that a stream mirrors', async () => {
    const steps = (sql: string): string =>
      edited('    deploy: v2\n', `    cdc:\n      name: m\n      table: users\n      ${sql}\n`);
    expect(await labels(steps('update: SELECT :▮'))).toEqual(['new', 'old']);
    expect(await labels(steps('insert: SELECT :▮'))).toEqual(['new']);
    expect(await labels(steps('delete: SELECT :old.▮'))).toContain('email');
  });

  test('rows of a request, and their columns', async () => {
    const row = edited('= :order_row.user_id', '= :▮');
    expect((await labels(row))[0]).toBe('order_row');
    expect(await labels(edited('= :order_row.user_id', '= :order_row.▮'), '.')).toEqual(['id', 'user_id']);
    expect(await labels(edited('= :order_row.user_id', '= :order_row.us▮'))).toEqual(['id', 'user_id']);
  });

  test('the columns of a script, from what it reads', async () => {
    const script = `    backfill:
      read: SELECT u.id, lower(u.email) AS low FROM users u LIMIT :batch
      write: UPDATE users SET mail = :▮ WHERE id = :id
`;
    const place = plan.replace(/ {4}backfill: \|\n.*\n.*\n/, () => script);
    expect(await labels(place, ':')).toEqual(['id', 'low']);
  });

  test('tables where one is named, columns of it elsewhere', async () => {
    expect(await labels(edited('FROM users WHERE id = :id\n    set', 'FROM ▮ WHERE id = :id\n    set'), ' ')).toEqual([
      'orders',
      'users',
    ]);
    expect(await labels(edited('SELECT id, email FROM users', 'SELECT id, em▮ FROM users'))).toEqual([
      'email',
      'id',
      'mail',
      'orders',
      'users',
    ]);
    expect(await labels(edited('SELECT id, email FROM users', 'SELECT ▮ FROM orders'))).toEqual([
      'Total',
      'id',
      'user_id',
      'orders',
      'users',
    ]);
    expect(await labels(edited('SELECT id, email FROM users', 'SELECT ▮ FROM users'), ' ')).toContain('email');
    expect(await labels(edited('SELECT id, email FROM users', 'SELECT id ▮ FROM users'), ' ')).toEqual([]);
    expect(await labels(edited('ADD COLUMN mail text', '▮'))).not.toContain('Total2');
  });

  test('columns, and no tables first, behind IS DISTINCT FROM', async () => {
    const place = edited('mail IS DISTINCT FROM email ORDER', 'mail IS DISTINCT FROM ▮ ORDER');
    expect(await labels(place)).toEqual(['email', 'id', 'mail', 'orders', 'users']);
  });

  test('names in quotes where Postgres wants them', async () => {
    const place = edited('SELECT id, email FROM users', 'SELECT To▮ FROM orders');
    expect(await taken(place, 'Total')).toContain('SELECT "Total" FROM orders');
  });

  test('behind an alias, a table and excluded', async () => {
    const from = 'SELECT id, email FROM users WHERE id = :id';
    expect(await labels(edited(from, 'SELECT o.▮ FROM users u JOIN orders o ON o.user_id = u.id'), '.')).toEqual([
      'Total',
      'id',
      'user_id',
    ]);
    expect(await labels(edited(from, 'SELECT users.e▮ FROM users'))).toEqual(['email', 'id', 'mail']);
    expect(
      await labels(
        edited(from, 'INSERT INTO orders (id) VALUES (:id) ON CONFLICT (id) DO UPDATE SET id = excluded.▮'),
        '.',
      ),
    ).toEqual(['Total', 'id', 'user_id']);
  });

  test('what a step adds later is not there before it; what it drops is not there after it', async () => {
    expect(await labels(edited('DROP COLUMN email', 'ALTER ▮'))).toContain('mail');
    const first = edited(
      '  - name: expand\n',
      '  - name: before\n    migrate: CREATE INDEX i ON users (▮)\n  - name: expand\n',
    );
    expect(await labels(first)).toEqual(['email', 'id', 'orders', 'users']);
    expect(await labels(`${plan}  - name: last\n    migrate: CREATE INDEX i ON users (▮)\n`)).toEqual([
      'id',
      'mail',
      'orders',
      'users',
    ]);
  });

  test('what a migration renames, copies and derives', async () => {
    const steps = `  - name: last
    migrate: |
      ALTER TABLE users RENAME COLUMN mail TO address;
      CREATE TABLE copies (LIKE users, at timestamptz);
      CREATE VIEW seen AS SELECT id AS who FROM users;
      ALTER TABLE orders RENAME TO purchases;
      DROP TABLE no
    rollback: SELECT ▮
`;
    const items = await completed(plan + steps);
    const details = Object.fromEntries(items.map(({ label, detail }) => [label, detail]));
    expect(details).toMatchObject({
      address: 'users text, since last; copies',
      at: 'copies timestamptz, since last',
      who: 'seen, since last',
      purchases: 'a table, since last',
      orders: 'a table, until last',
    });
  });

  test('none in strings and comments', async () => {
    const from = 'SELECT id, email FROM users WHERE id = :id';
    expect(await labels(edited(from, "SELECT 'em▮'"))).toEqual([]);
    expect(await labels(edited(from, "SELECT 'em▮"))).toEqual([]);
    expect(
      await labels(edited('        SELECT id FROM users', '        -- em▮\n        SELECT id FROM users')),
    ).toEqual([]);
    expect(await labels(edited(from, 'SELECT /* em▮ */ 1'))).toEqual([]);
    expect(await labels(edited(from, 'SELECT id::▮ FROM users'), ':')).toEqual([]);
  });

  test('of a text in quotes, closed or not, and over lines', async () => {
    const from = 'SELECT id, email FROM users WHERE id = :id';
    expect(await labels(edited(from, '"SELECT ▮ FROM orders"'))).toContain('user_id');
    expect(await labels(edited(from, '"SELECT id FROM ▮'))).toEqual(['orders', 'users']);
    expect(await labels(edited(from, 'SELECT id\n      FROM ▮'))).toEqual(['orders', 'users']);
    expect(await labels(edited(from, '|\n      SELECT id\n      FROM ▮'))).toEqual(['orders', 'users']);
    expect(await labels(edited(from, '|\n      SELECT id FROM users\n      WHERE ▮'))).toContain('email');
    expect(await labels(edited(from, 'SELECT id, email FROM users, ▮'))).toEqual(['orders', 'users']);
  });

  test('of a schema in a file', async () => {
    const text = 'database:\n  schema: { file: s.sql }\nversions:\n  v1:\n    a: SELECT ▮ FROM t\n';
    const items = await completed(text, null, { 'plans/s.sql': 'CREATE TABLE t (b int);' });
    expect(items.map(({ label }) => label)).toEqual(['b', 't']);
  });

  test('a schema that is half typed hides no other table', async () => {
    const place = edited(
      '    CREATE TABLE orders',
      '    CREATE TABLE nothing (a int, ;\n    CREATE TABLE orders',
    ).replace('SELECT id, email FROM', 'SELECT id FROM ▮ x FROM');
    expect(await labels(place)).toEqual(['orders', 'users']);
  });
});

test('what is completed can be loaded', async () => {
  const start =
    'database:\n  schema: CREATE TABLE t (id int PRIMARY KEY, a int, b int)\nversions:\n  v1:\n    get: SELECT a FROM t WHERE id = :id\nsteps:\n  - ';
  for (const kind of stepKinds) {
    const text = (await taken(`${start}▮`, kind))
      .replace('deploy: ', 'deploy: v1')
      .replaceAll('ALTER TABLE', 'ALTER TABLE t ADD c int')
      .replaceAll(/\btable\b(?!:)/g, 't')
      .replace('empty: SELECT', 'empty: SELECT 1 FROM t');
    const result = await load(text);
    expect(result.ok ? [] : result.errors, text).toEqual([]);
  }
});

test('no text and no cursor is too broken to answer', async () => {
  const broken = [
    plan,
    plan.replaceAll(':', ''),
    plan.replaceAll('  ', '\t'),
    plan.replaceAll("'", '"').replace('[', ''),
    '[[[',
    '{a: {b',
    '- - - a',
    '&a *a',
    '? x\n: y',
  ];
  let asked = 0;
  for (const text of broken) {
    const step = Math.max(1, Math.floor(text.length / 200));
    for (let offset = 0; offset <= text.length; offset += step) {
      const analysis = await analysed(text);
      for (const item of complete(analysis, offset, null)) {
        expect(item.replace.start).toBeLessThanOrEqual(offset);
        expect(item.replace.end).toBeGreaterThanOrEqual(offset);
        expect(text.slice(item.replace.start, item.replace.end)).not.toContain('\n');
      }
      asked++;
    }
  }
  expect(asked).toBeGreaterThan(400);
  expect(mark).toBe('▮');
});
