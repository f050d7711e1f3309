import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../simulator/plan/load.ts';
import { expectErrors, load, loaded, planFile, planWith } from './plan-helpers.ts';

describe('a plan that is not one', () => {
  const alone = async (text: string): Promise<unknown> => {
    const result = await load(text);
    return result.ok ? [] : result.errors.map(({ code, location }) => [code, location.line, location.column]);
  };

  it.each([
    ['', 'empty-plan'],
    ['# nothing\n', 'empty-plan'],
    ['just text', 'not-a-map'],
    ['- a\n- b\n', 'not-a-map'],
    ['\x00\x01\x02', 'binary'],
    ['\uFFFD'.repeat(100), 'binary'],
    ['[', 'yaml-syntax'],
  ])('%j is %s', async (text, code) => {
    expect(await alone(text)).toContainEqual([code, 1, expect.any(Number)]);
  });

  it('a hundred thousand open brackets', async () => {
    const errors = await load('['.repeat(100_000));
    expect(errors.ok ? [] : errors.errors.length).toBeGreaterThan(0);
    expect(errors.ok ? [] : errors.errors.length).toBeLessThanOrEqual(20);
  });

  it('a file that is too large is refused at once', async () => {
    const started = performance.now();
    expect(await alone(`title: x\n${'#'.repeat(5_000_000)}`)).toEqual([['too-large', 1, 1]]);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('a file that is not there', async () => {
    const result = await loadPlan('x.cutover.yaml', () => Promise.reject(new Error('ENOENT')));
    expect(result).toMatchObject({
      ok: false,
      errors: [{ code: 'missing-file', location: { file: 'x.cutover.yaml', line: 1, column: 1 } }],
    });
  });

  it('aliases that grow without end', async () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`);
    expect(await alone(`a0: &a0 [x]\n${levels.join('\n')}\n`)).toEqual([['too-complex', 1, 1]]);
  });

  it('an alias of what it stands in', async () => {
    await expectErrors(planWith({ steps: '  - &s\n    deploy: v1\n    allow: [▶*s]' }), ['yaml-alias']);
  });
});

describe('YAML', () => {
  it('a key that is there twice', async () => {
    await expectErrors(planWith({ steps: '  - deploy: v1\n    ▶deploy: v1' }), ['duplicate-key']);
  });

  it('two documents', async () => {
    const errors = await load(`${planWith({})}---\na: 1\n`);
    expect(errors).toMatchObject({ ok: false, errors: [{ code: 'yaml-syntax' }] });
  });

  it('`: ` in a plain text says what to do', async () => {
    const [error] = await expectErrors(planWith({ v1: 'get_user: ▶SELECT id AS x: y FROM users' }), ['yaml-syntax']);
    expect(error?.message).toContain('quotes');
  });

  it('` #` in a plain text is said to end it', async () => {
    const [error] = await expectErrors(planWith({ v1: "get_user: SELECT (data▶ #>> '{a}') FROM users" }), [
      'sql-syntax',
    ]);
    expect(error?.message).toContain('begins a comment');
  });

  it('a comma that ends a text in { } and [ ] is named', async () => {
    const [map] = await expectErrors(planWith({ v1: 'a: { sql: SELECT id, ▶email FROM users }' }), ['unknown-key']);
    expect(map?.message).toContain('comma');
    const [list] = await expectErrors(planWith({ v1: 'a: [SELECT id, ▶email FROM users]' }), ['sql-syntax']);
    expect(list?.message).toContain('comma');
  });

  it('anchors, aliases and merge keys are followed', async () => {
    const plan = await loaded(
      planWith({
        v1: 'get_user: &get SELECT id, email FROM users WHERE id = :id',
        versions: '  v2: &v2\n    get_again: *get\n  v3:\n    <<: *v2\n    other: SELECT 1',
      }),
    );
    expect([...(plan.versions[2]?.requests.keys() ?? [])]).toEqual(['get_again', 'other']);
    expect(plan.versions[2]?.requests.get('get_again')?.params).toEqual(['id']);
  });

  it('an unknown anchor', async () => {
    await expectErrors(planWith({ v1: 'get_user: ▶*nowhere' }), ['yaml-alias']);
  });

  it('CRLF and a byte order mark change no place', async () => {
    const text = planWith({ v1: 'get_user: |\n      SELECT id\n      FRMO users' });
    const places = await Promise.all([text, text.replaceAll('\n', '\r\n'), `\uFEFF${text}`].map((each) => load(each)));
    const [first] = places;
    expect(first).toMatchObject({ ok: false, errors: [{ code: 'sql-syntax', location: { line: 8, column: 12 } }] });
    for (const each of places) expect(each.ok ? [] : each.errors).toEqual(first?.ok === false ? first.errors : null);
  });
});

describe('keys', () => {
  it('an unknown key gets the nearest known one', async () => {
    const [error] = await expectErrors(planWith({ steps: '  - ▶depoly: v1' }), ['unknown-key']);
    expect(error?.message).toBe('Unknown key `depoly` in a step. Did you mean `deploy`?');
    expect(error?.suggestion).toBe('deploy');
  });

  it('an unknown key that is near none gets the list', async () => {
    const [error] = await expectErrors(planWith({ head: '▶colour: red' }), ['unknown-key']);
    expect(error?.message).toBe(
      'Unknown key `colour` in the plan. Known are `title`, `database`, `databases`, `forecast`, `params`, `versions`, `steps`, `allow`.',
    );
  });

  it('every error is reported, in order', async () => {
    await expectErrors(
      planWith({
        head: '▶tilte: x\nparams:\n  ▶emial: [1]',
        steps:
          '  - deploy: ▶v9\n  - migrate: ALTER TABLE ▶;\n    wait: ▶soon\n  - backfill: UPDATE users SET email = ▶:batc',
      }),
      ['unknown-key', 'unused-parameter', 'unknown-version', 'sql-syntax', 'invalid-value', 'unexpected-parameter'],
    );
  });

  it('a misspelled `extends` is not taken for a request', async () => {
    const [error] = await expectErrors(planWith({ versions: '  v2:\n    ▶extend: v1\n    a: SELECT 1' }), [
      'unknown-key',
    ]);
    expect(error?.suggestion).toBe('extends');
  });

  it('a step without an action', async () => {
    await expectErrors(planWith({ steps: '  - ▶name: nothing' }), ['no-action']);
  });

  it('what is to come is said to be not supported yet', async () => {
    const parts = { steps: '  - deploy: v1\n    rollback: [▶cdc: { stop: x }]' };
    const [error] = await expectErrors(planWith(parts), ['unsupported']);
    expect(error?.message).toBe('`cdc` is not supported yet.');
  });

  it('streams that are not there, or run already', async () => {
    const start = "  - cdc: { name: mirror, table: users, delete: 'DELETE FROM b WHERE id = :old.id' }\n";
    const errors = await expectErrors(
      planWith({
        steps:
          '  - cdc: { stop: ▶mirror }\n' +
          start +
          start.replace('name: ', 'name: ▶') +
          '  - cdc: { stop: ▶miror }\n  - cdc: { stop: mirror }\n  - cdc: { stop: ▶mirror }\n' +
          start,
      }),
      ['unknown-stream', 'duplicate-name', 'unknown-stream', 'unknown-stream'],
    );
    expect(errors[2]).toMatchObject({ suggestion: 'mirror' });
    expect(errors[3]?.message).toBe('The stream `mirror` is stopped already.');
  });

  it('a stream that has nothing to run, or names rows and tables that are none', async () => {
    const errors = await expectErrors(
      planWith({
        steps: [
          '  - ▶cdc: { name: a, table: users }',
          '  - cdc: { name: b, table: ▶a.b.c, insert: SELECT 1 }',
          "  - cdc: { name: c, table: users, insert: 'INSERT INTO b VALUES (▶:old.id, ▶:email)' }",
          "  - cdc: { name: d, table: users, update: 'SELECT ▶:news.id', delete: ▶BEGIN }",
          '  - cdc: ▶{ name: e, ▶tabel: users }',
        ].join('\n'),
      }),
      [
        'missing-key',
        'invalid-value',
        'unknown-row',
        'unexpected-parameter',
        'unknown-row',
        'transaction-statement',
        'missing-key',
        'unknown-key',
      ],
    );
    expect(errors.find((e) => e.code === 'unexpected-parameter')?.suggestion).toBe(':new.email');
    expect(errors.find((e) => e.message.includes('news'))?.suggestion).toBe(':new.id');
  });

  it('a write on a replica', async () => {
    await expectErrors(planWith({ v1: "put: { sql: '▶DELETE FROM users WHERE id = :id', on: replica }" }), [
      'not-a-query',
    ]);
    await expectErrors(planWith({ v1: "get: { sql: 'SELECT :id::int', on: ▶primary }" }), ['unknown-database']);
  });

  const ledger = 'databases: { ledger: { schema: CREATE TABLE b (id int) } }';

  it('a database that is not there, or has a name that can not be', async () => {
    const errors = await expectErrors(
      planWith({
        head: 'databases: { ledger: { schema: CREATE TABLE b (id int) }, ▶main: { schema: SELECT 1 }, ▶replica: { schema: SELECT 1 }, accounts: ▶{} }',
        v1: "get: { on: ▶leger, sql: 'SELECT :id::int' }\n    list: [{ on: ▶mian, sql: 'SELECT :id::int' }]",
        steps: [
          '  - { on: ▶other, migrate: SELECT 1 }',
          "  - verify: [{ empty: { on: ▶ledgers, sql: 'SELECT 1' } }]",
          "  - backfill: { read: { on: main, sql: 'SELECT 1 AS id' }, write: { on: ▶x, sql: 'DELETE FROM b WHERE id = :id' } }",
          "  - cdc: { name: s, from: ▶y, on: ledger, table: users, delete: 'DELETE FROM b WHERE id = :old.id' }",
        ].join('\n'),
      }),
      ['duplicate-name', 'invalid-value', 'missing-key', ...Array.from({ length: 6 }, () => 'unknown-database')],
    );
    expect(errors.filter((e) => e.code === 'unknown-database').map((e) => e.suggestion)).toEqual([
      'ledger',
      'main',
      null,
      'ledger',
      null,
      null,
    ]);
    const [error] = await expectErrors(planWith({ v1: "get: { sql: 'SELECT :id::int', on: ▶ledger }" }), [
      'unknown-database',
    ]);
    expect(error?.message).toBe(
      'There is no database `ledger`. The plan has one, `main`; others are declared under `databases`.',
    );
  });

  it('`on` where a step runs no SQL of its own, or several', async () => {
    const errors = await expectErrors(
      planWith({
        head: ledger,
        steps: [
          '  - { ▶on: ledger, deploy: v1 }',
          "  - { ▶on: ledger, verify: [{ empty: 'SELECT 1' }] }",
          "  - { ▶on: ledger, cdc: { name: s, table: users, delete: 'SELECT :old.id' } }",
        ].join('\n'),
      }),
      ['misplaced-key', 'misplaced-key', 'misplaced-key'],
    );
    expect(errors[1]?.message).toContain('each query of a check says it itself');
  });

  it('a statement that names another database, or what only the first can have', async () => {
    const errors = await expectErrors(
      planWith({
        head: ledger,
        v1: "get: 'SELECT :id::int FROM ▶users'".replace('▶', ''),
        versions: "  v2: { a: '▶SELECT 1 FROM ledger.b', b: { on: ledger, sql: '▶SELECT 1 FROM main.users' } }",
        steps: [
          '  - { on: ledger, migrate: ▶ALTER TABLE public.b ADD COLUMN c int }',
          '  - { on: ledger, migrate: ▶CREATE EXTENSION citext }',
          '  - { on: ledger, migrate: ▶SET search_path = app }',
          '  - { on: ledger, migrate: ▶DROP TABLE public.b }',
          '  - { on: ledger, migrate: "▶CREATE TABLE c (d public.mood)" }',
          `  - { on: ledger, migrate: "▶CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT id FROM public.users'" }`,
          `  - { migrate: "▶CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT id FROM ledger.b'" }`,
          '  - { on: ledger, migrate: DROP TRIGGER t ON b }',
          '  - { on: ledger, migrate: SELECT pg_catalog.now() FROM b AS ledgers }',
        ].join('\n'),
      }),
      ['other-database', 'other-database', ...Array.from({ length: 6 }, () => 'unsupported'), 'other-database'],
    );
    expect(errors[0]?.message).toBe(
      'This names `ledger`, another database. A statement runs in one database alone, and this one runs on `main`. Say `on: ledger` where it should run there.',
    );
    expect(errors[2]?.message).toBe('On `ledger` names stand without a schema: leave out `public.` here.');
  });

  it('missing parts', async () => {
    const errors = await expectErrors('▶▶▶title: x\n', ['missing-key', 'missing-key', 'missing-key']);
    expect(errors.map(({ message }) => message)).toEqual([
      'The plan has no `database`.',
      'The plan has no `versions`.',
      'The plan has no `steps`.',
    ]);
  });

  it('no versions, no steps', async () => {
    await expectErrors('database: { schema: CREATE TABLE a (b int) }\nversions: ▶{}\nsteps: ▶[]\n', [
      'no-versions',
      'invalid-value',
    ]);
  });

  it('a key of another kind of step', async () => {
    const [error] = await expectErrors(planWith({ steps: '  - deploy: v1\n    ▶batch: 10' }), ['misplaced-key']);
    expect(error?.message).toBe('`batch` belongs to a backfill step, and this is a deploy step.');
  });

  it('two actions', async () => {
    await expectErrors(planWith({ steps: '  - deploy: v1\n    ▶migrate: SELECT 1' }), ['several-actions']);
  });

  it('values of the wrong kind', async () => {
    const errors = await expectErrors(
      planWith({
        steps:
          '  - migrate: ▶[a]\n    offline: ▶maybe\n    wait: ▶drainde\n    allow: [{ rule: ▶table-rewrites, reason: x }]\n    rollback: ▶3',
      }),
      ['invalid-type', 'invalid-type', 'invalid-value', 'unknown-rule', 'invalid-type'],
    );
    expect(errors.map(({ message }) => message)).toEqual([
      '`migrate` must be SQL text or `{ file: path }`, not a list.',
      '`offline` must be `true` or `false`, not `maybe`.',
      '`wait` must be `caught-up` or `drained`, not `drainde`. Did you mean `drained`?',
      'There is no rule `table-rewrites`. Did you mean `table-rewrite`?',
      '`rollback` must be SQL text, a list of steps, or `none`, not `3`.',
    ]);
  });
});

describe('versions', () => {
  it('inherit, replace and take away requests', async () => {
    const plan = await loaded(
      planWith({
        v1: 'get_user: SELECT id FROM users WHERE id = :id\n    old: SELECT 1',
        versions:
          '  v2:\n    extends: v1\n    params: { id: [10.50, 007, true, null, {a: [1, 2.50]}, "x"] }\n    old: null\n    new: SELECT :id::int\n  v3: { extends: v2 }',
      }),
    );
    const [, v2, v3] = plan.versions;
    expect([...(v2?.requests.keys() ?? [])]).toEqual(['get_user', 'new']);
    expect(v2?.requests.get('get_user')?.definedIn).toBe('v1');
    expect(v3?.params.get('id')).toEqual(['10.50', '007', 'true', null, '{"a": [1, 2.50]}', 'x']);
    expect(plan.versions[0]?.params.size).toBe(0);
  });

  it('hold prepared statements unless they, or what they extend, say otherwise', async () => {
    const plan = await loaded(
      planWith({
        v1: 'prepares: false\n    get_user: SELECT id FROM users WHERE id = :id',
        versions: '  v2: { extends: v1 }\n  v3: { extends: v2, prepares: true }\n  v4: { get_user: SELECT :id::int }',
      }),
    );
    expect(plan.versions.map((v) => v.prepares)).toEqual([false, false, true, true]);
    expect([...(plan.versions[0]?.requests.keys() ?? [])]).toEqual(['get_user']);
  });

  it.each([
    ['  v2:\n    extends: v1\n    prepare: ▶false', ['invalid-type']],
    ['  v2:\n    extends: v1\n    prepares: ▶maybe', ['invalid-type']],
    ['  v2:\n    extends: ▶v2', ['extends-cycle']],
    ['  v2:\n    extends: ▶v3\n  v3:\n    extends: ▶v2', ['extends-cycle', 'extends-cycle']],
    ['  v2:\n    extends: ▶v11', ['unknown-version']],
    ['  v2:\n    extends: v1\n    ▶get_usr: null', ['unknown-request']],
    ['  v2:\n    ▶get_user:', ['unknown-request']],
    ['  ▶v2: {}', ['no-requests']],
    ['  v2:\n    params: { id: ▶[] }\n    get: SELECT :id', ['empty-domain']],
    ['  v2:\n    params: { ▶di: [1] }\n    get: SELECT :id', ['unused-parameter']],
  ])('%s', async (versions, codes) => {
    await expectErrors(planWith({ versions }), codes);
  });

  it('a deploy of an unknown version', async () => {
    const [error] = await expectErrors(
      planWith({ versions: '  checkout-v2: { get: SELECT 1 }', steps: '  - deploy: ▶chekcout-v2' }),
      ['unknown-version'],
    );
    expect(error?.message).toBe('There is no version `chekcout-v2`. Did you mean `checkout-v2`?');
  });

  it('names may look like numbers', async () => {
    const plan = await loaded(planWith({ versions: '  2.10: { get: SELECT 1 }', steps: '  - deploy: 2.10' }));
    expect(plan.steps[0]).toMatchObject({ kind: 'deploy', version: '2.10', name: 'step 1' });
  });
});

describe('requests', () => {
  it('lists, named rows, several statements in a text', async () => {
    const plan = await loaded(
      planWith({
        v1: [
          'move:',
          '      sql:',
          '        - { as: user, sql: SELECT * FROM users WHERE id = :id }',
          "        - UPDATE users SET email = :user.email || 'x'; DELETE FROM users WHERE id = :other",
          '      transaction: false',
          '    read: { sql: SELECT id FROM users, accepts: id > 0 }',
        ].join('\n'),
      }),
    );
    const move = plan.versions[0]?.requests.get('move');
    expect(move).toMatchObject({ transaction: false, params: ['id', 'other'] });
    expect(move?.statements.map(({ as, node }) => [as, node])).toEqual([
      ['user', 'SelectStmt'],
      [null, 'UpdateStmt'],
      [null, 'DeleteStmt'],
    ]);
    expect(move?.statements[1]?.pieces).toContainEqual({ kind: 'field', row: 'user', column: 'email' });
    expect(move?.statements[2]?.location).toMatchObject({ line: 9, column: 56 });
    expect(plan.versions[0]?.requests.get('read')?.accepts).toMatchObject({
      text: 'id > 0',
      location: { line: 11, column: 49 },
    });
  });

  it.each([
    ['a: [▶BEGIN, SELECT 1, ▶COMMIT]', ['transaction-statement', 'transaction-statement']],
    ['a: SELECT 1; ▶SAVEPOINT x', ['transaction-statement']],
    ['a: "SELECT 1 LIMIT ▶:batch"', ['unexpected-parameter']],
    ['a: SELECT ▶:user.email', ['unknown-row']],
    ['a: [{ as: user, sql: SELECT 1 }, "SELECT ▶:usr.x"]', ['unknown-row']],
    ['a: ["SELECT ▶:user.x", { as: user, sql: SELECT 1 }]', ['unknown-row']],
    ['a: [{ as: user, sql: ▶DELETE FROM users }]', ['no-rows']],
    ['a: [{ as: user, sql: SELECT 1; ▶SELECT 2 }]', ['several-statements']],
    ['a: SELECT ▶$1', ['sql-parameter']],
    ['a: ▶""', ['empty-sql']],
    ['a: ▶"-- nothing"', ['empty-sql']],
    ['a: ▶VACUUM users', ['not-in-transaction']],
    ['a: { sql: SELECT 1, accepts: "▶1, 2" }', ['sql-expression']],
    ['a: { sql: SELECT 1, accepts: "id = ▶:id" }', ['sql-expression']],
    ['a: { sql: SELECT 1, accepts: "id = ▶= 1" }', ['sql-syntax']],
    ['a: { sql: DELETE FROM users, accepts: ▶"true" }', ['no-rows']],
    ['a: ▶{ ▶sqll: SELECT 1 }', ['missing-key', 'unknown-key']],
    ['a: { sql: ▶7 }', ['invalid-type']],
    ['a: [{ sql: SELECT 1, ▶sa: x }]', ['unknown-key']],
    ['a: ▶[]', ['invalid-value']],
  ])('%s', async (v1, codes) => {
    await expectErrors(planWith({ v1 }), codes);
  });
});

describe('steps', () => {
  it('names, and what a step without one is called', async () => {
    const plan = await loaded(
      planWith({
        steps:
          '  - deploy: v1\n  - name: again\n    deploy: v1\n    flag: f\n    wait: drained\n    offline: true\n    point-of-no-return: true\n    rollback: none',
      }),
    );
    expect(plan.steps.map(({ name }) => name)).toEqual(['step 1', 'again']);
    expect(plan.steps[1]).toMatchObject({
      index: 1,
      flag: 'f',
      wait: 'drained',
      offline: true,
      pointOfNoReturn: true,
      rollback: { kind: 'none' },
    });
    expect(plan.steps[0]).toMatchObject({
      flag: null,
      wait: null,
      offline: false,
      pointOfNoReturn: false,
      rollback: { kind: 'unstated' },
      allow: [],
    });
  });

  it('a name that is there twice', async () => {
    await expectErrors(
      planWith({
        steps:
          '  - name: a\n    deploy: v1\n  - name: ▶a\n    deploy: v1\n  - name: step 4\n    deploy: v1\n  - ▶deploy: v1',
      }),
      ['duplicate-name', 'duplicate-name'],
    );
  });

  it('migrate: transactions', async () => {
    const plan = await loaded(
      planWith({
        steps: [
          '  - migrate: BEGIN; SET transaction_timeout = 5; ALTER TABLE users ADD a int; COMMIT',
          '  - migrate: CREATE INDEX CONCURRENTLY i ON users (email)',
          '    rollback: DROP INDEX CONCURRENTLY i',
          '  - migrate: ALTER TABLE users ADD b int',
          '    transaction: false',
        ].join('\n'),
      }),
    );
    expect(
      plan.steps.map((step) =>
        step.kind === 'migrate' ? [step.transactional, step.sql.statements.map(({ text }) => text)] : [],
      ),
    ).toEqual([
      [true, ['ALTER TABLE users ADD a int']],
      [false, ['CREATE INDEX CONCURRENTLY i ON users (email)']],
      [false, ['ALTER TABLE users ADD b int']],
    ]);
    expect(plan.steps[1]?.rollback).toMatchObject({ kind: 'sql', transactional: false });
  });

  it.each([
    ['  - migrate: ALTER TABLE users ADD a int; ▶COMMIT', ['transaction-statement']],
    ['  - migrate: ▶BEGIN; ALTER TABLE users ADD a int; COMMIT\n    transaction: false', ['transaction-statement']],
    ['  - migrate: BEGIN; ▶VACUUM; COMMIT', ['not-in-transaction']],
    ['  - migrate: ▶VACUUM\n    transaction: true', ['not-in-transaction']],
    ['  - migrate: ALTER TABLE users ADD a int DEFAULT ▶:x', ['unexpected-parameter']],
    ['  - verify: [{ ▶emtpy: SELECT 1 }]', ['unknown-key']],
    ['  - verify: [▶{ name: x }]', ['no-action']],
    ['  - verify: [{ empty: SELECT ▶:x }]', ['unexpected-parameter']],
    ['  - verify: [{ empty: ▶DELETE FROM users }]', ['not-a-query']],
    ['  - verify: [{ equal: ▶[SELECT 1] }]', ['invalid-value']],
    ['  - verify: [{ empty: SELECT 1; ▶SELECT 2 }]', ['several-statements']],
    ['  - deploy: v1\n    rollback: [{ ▶deploy: v1 }]', ['unknown-key']],
    ['  - deploy: v1\n    rollback: [▶{ name: x }]', ['no-action']],
  ])('%s', async (steps, codes) => {
    await expectErrors(planWith({ steps }), codes);
  });

  it('a way back of several steps', async () => {
    const plan = await loaded(
      planWith({
        steps:
          '  - deploy: v1\n    rollback:\n      - migrate: DROP INDEX i\n      - backfill: UPDATE users SET email = 1 WHERE id < :batch\n        batch: 5\n        pause: 1s',
      }),
    );
    expect(plan.steps[0]?.rollback).toMatchObject({
      kind: 'steps',
      steps: [
        { kind: 'migrate', index: 0, name: 'rollback step 1' },
        { kind: 'backfill', batch: 5, pauseMs: 1000, form: { kind: 'statement', batched: true } },
      ],
    });
  });
});

describe('backfills', () => {
  const form = async (steps: string): Promise<unknown> => {
    const [step] = (await loaded(planWith({ steps: `  - backfill: ${steps}` }))).steps;
    return step?.kind === 'backfill' ? step.form : null;
  };

  it('have four forms', async () => {
    expect(await form('UPDATE users SET email = id')).toMatchObject({ kind: 'statement', batched: false });
    expect(
      await form('UPDATE users SET email = id WHERE id IN (SELECT id FROM users LIMIT :batch)\n    batch: 1k'),
    ).toMatchObject({ kind: 'statement', batched: true });
    expect(
      await form('UPDATE users SET email = id WHERE id >= :from AND id < :to\n    by: app.users.id'),
    ).toMatchObject({
      kind: 'range',
      by: { table: { schema: 'app', table: 'users' }, column: 'id' },
    });
    expect(await form('[DELETE FROM users, UPDATE users SET id = 1]')).toMatchObject({
      kind: 'list',
      statements: [{ node: 'DeleteStmt' }, { node: 'UpdateStmt' }],
    });
  });

  it('a script gives columns of the row that was read', async () => {
    expect(
      await form(
        '{ read: SELECT id FROM users LIMIT :batch, write: UPDATE users SET email = :row.email WHERE id = :id }',
      ),
    ).toMatchObject({
      kind: 'script',
      batched: true,
      write: [{ pieces: [{}, { kind: 'field', row: 'row', column: 'email' }, {}, { kind: 'param', name: 'id' }] }],
    });
  });

  it.each([
    ['UPDATE users SET email = ▶:x', ['unexpected-parameter']],
    ['UPDATE users SET email = 1 WHERE id > ▶:from', ['missing-key']],
    ['UPDATE users SET email = 1\n    ▶by: users.id', ['missing-parameter']],
    ['UPDATE users SET email = 1 WHERE id > :from AND id < :to\n    by: ▶id', ['invalid-value']],
    ['[UPDATE users SET id = ▶:batch]', ['unexpected-parameter']],
    ['UPDATE users SET email = 1; ▶DELETE FROM users', ['several-statements']],
    ['▶BEGIN', ['transaction-statement']],
    ['UPDATE users SET email = 1\n    ▶batch: 10', ['misplaced-key']],
    ['UPDATE users SET email = 1 WHERE id < :batch\n    batch: ▶0', ['invalid-value']],
    ['{ read: ▶DELETE FROM users, write: DELETE FROM users }', ['not-a-query']],
    ['{ read: SELECT 1, write: "UPDATE users SET id = ▶:r.id" }', ['unknown-row']],
    ['▶{ read: SELECT 1 }', ['missing-key']],
    ['▶{ read: SELECT 1, ▶wirte: SELECT 1 }', ['missing-key', 'unknown-key']],
  ])('%s', async (steps, codes) => {
    await expectErrors(planWith({ steps: `  - backfill: ${steps}` }), codes);
  });
});

describe('files', () => {
  const steps = '  - migrate: { file: ../sql/up.sql }';

  it('are relative to the plan, and errors in them are placed in them', async () => {
    const plan = await loaded(planWith({ steps }), { 'sql/up.sql': '-- up\nALTER TABLE users\n  ADD a int;\n' });
    expect(plan.steps[0]).toMatchObject({
      sql: { statements: [{ location: { file: 'sql/up.sql', line: 2, column: 1 } }] },
    });
    expect([...plan.sources.keys()]).toEqual([planFile, 'sql/up.sql']);
    const broken = await load(planWith({ steps }), {
      'sql/up.sql': "-- é😀\nALTER TABLE users COMMENT 'é😀' ADD ADD;\n",
    });
    expect(broken).toMatchObject({
      ok: false,
      errors: [{ code: 'sql-syntax', location: { file: 'sql/up.sql', line: 2 } }],
    });
  });

  it('in lists of requests and of checks', async () => {
    const files = { 'plans/a.sql': 'SELECT 1; SELECT 2;', 'plans/b.sql': 'SELECT 3' };
    const plan = await loaded(
      planWith({
        v1: 'a: [{ file: a.sql }, { as: x, sql: { file: b.sql } }]',
        steps: '  - verify: [{ equal: [{ file: b.sql }, { file: ./b.sql }] }]',
      }),
      files,
    );
    expect(plan.versions[0]?.requests.get('a')?.statements.map(({ text }) => text)).toEqual([
      'SELECT 1',
      'SELECT 2',
      'SELECT 3',
    ]);
  });

  it('that are missing, too large, or no text', async () => {
    await expectErrors(planWith({ steps: '  - migrate: { ▶file: no.sql }' }), ['missing-file']);
    await expectErrors(planWith({ steps: '  - migrate: { ▶file: a.sql }' }), ['too-large'], {
      'plans/a.sql': ' '.repeat(3_000_000),
    });
    await expectErrors(planWith({ steps: '  - migrate: { ▶file: a.sql }' }), ['binary'], { 'plans/a.sql': '\0' });
  });

  it('absolute paths are left alone', async () => {
    expect(
      (await loaded(planWith({ steps: '  - migrate: { file: /etc/up.sql }' }), { '/etc/up.sql': 'SELECT 1' })).steps,
    ).toHaveLength(1);
  });
});

describe('facts about production', () => {
  it('read units', async () => {
    const text = planWith({}).replace(
      'versions:',
      '  production:\n    users: { rows: 100M, size: 1.5 GB, reads: 3000/s, writes: 60/min }\n    b: { rows: 1_000, size: 5 }\nversions:',
    );
    const { production } = await loaded(text);
    expect(production.get('users')).toEqual({ rows: 100_000_000, size: 1.5 * 2 ** 30, reads: 3000, writes: 1 });
    expect(production.get('b')).toEqual({ rows: 1000, size: 5 });
  });

  it('refuse others', async () => {
    const text = planWith({}).replace(
      'versions:',
      '  production:\n    users: { rows: ▶many, size: ▶-1, ▶read: 3 }\nversions:',
    );
    const errors = await expectErrors(text, ['invalid-value', 'invalid-value', 'unknown-key']);
    expect(errors[0]?.message).toBe('`rows` must be a number of rows such as `1000`, `250k` or `100M`, not `many`.');
    expect(errors[2]?.suggestion).toBe('reads');
  });
});

describe('what the forecast counts with', () => {
  const stating = (forecast: string): string => planWith({ head: `forecast: ${forecast}` });

  it('is stated with units', async () => {
    const { forecast } = await loaded(
      stating(
        '{ scan: 1 GB/s, index-build: 500k/s, row-size: 2 kB, rows: 5M, max-block: 500ms, retries: 0, factor: 1.5 }',
      ),
    );
    expect(forecast).toEqual({
      scan: 2 ** 30,
      'index-build': 500_000,
      'row-size': 2048,
      rows: 5_000_000,
      'max-block': 500,
      retries: 0,
      factor: 1.5,
    });
    expect((await loaded(planWith({}))).forecast).toEqual({});
  });

  it('is refused where it can not be', async () => {
    const errors = await expectErrors(stating('{ scan: ▶fast, ▶max-blok: 1s, factor: ▶0.5 }'), [
      'invalid-value',
      'unknown-key',
      'invalid-value',
    ]);
    expect(errors[0]?.message).toBe('`scan` must be an amount of data in a time such as `200 MB/s`, not `fast`.');
    expect(errors[1]?.suggestion).toBe('max-block');
    await expectErrors(stating('{ pool: ▶0, replay: ▶0 MB/s }'), ['invalid-value', 'invalid-value']);
  });
});

describe('places in SQL', () => {
  it.each([
    ['a block', 'a: |\n      SELECT 1\n\n        FROM x y ▶z'],
    ['a block with an indicator', 'a: |2-\n        SELECT 1\n       FROM x y ▶z'],
    ['a folded block', 'a: >\n      SELECT 1\n      FROM x y ▶z'],
    ['plain text', 'a: SELECT é, 😀 FROM x y ▶z'],
    ['plain text on two lines', 'a: SELECT 1\n      FROM x y ▶z'],
    ['single quotes', "a: 'SELECT ''é'' FROM x y ▶z'"],
    ['double quotes', 'a: "SELECT \\"é\\\\\\u00e9\\" \\n FROM x y ▶z"'],
    ['double quotes on two lines', 'a: "SELECT \\\n      1 FROM x y ▶z"'],
    ['a comment before it', "a: |\n      -- é it's a test :x\n      /* :y */ SELECT 1 FROM x y ▶z"],
    ['behind a parameter', 'a: SELECT :é, :user_name::text FROM x y ▶z'],
  ])('%s', async (_, v1) => {
    await expectErrors(planWith({ v1 }), ['sql-syntax']);
  });

  it('the end of the input is the end of the text', async () => {
    await expectErrors(planWith({ v1: 'a: SELECT 1 +▶' }), ['sql-syntax']);
  });
});
