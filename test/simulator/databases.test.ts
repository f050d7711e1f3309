/** Several databases in a plan: each knows its own names alone, and nothing is one transaction across two of them. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { Moment } from '../../simulator/player/model.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan, rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import type { Recording } from '../../simulator/report/recording.ts';
import { simulate } from '../../simulator/traffic/simulate.ts';
import { find, lines, serious } from './report-words.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const start = (): Promise<Engine> => Promise.resolve(engine);

async function run(text: string): Promise<PlanReport> {
  const { report } = await rehearse('p.cutover.yaml', () => Promise.resolve(text), start);
  return report;
}

async function valid(text: string): Promise<PlanReport> {
  const report = await run(text);
  expect(report.errors).toEqual([]);
  return report;
}

interface Parts {
  readonly schema?: string;
  readonly further?: string;
  readonly params?: string;
  readonly v1?: string;
  readonly versions?: string;
  readonly steps?: string;
}

function plan({ schema, further, params = 'id: [1]', v1, versions = '', steps = '  - deploy: v1' }: Parts): string {
  return `title: t
database:
  name: shop
  schema: ${schema ?? 'CREATE TABLE a (id int PRIMARY KEY, v text NOT NULL)'}
  seed: INSERT INTO a VALUES (1, 'x')
databases:
  ledger:
    schema: |
      ${further ?? 'CREATE TABLE b (id int PRIMARY KEY, v text NOT NULL);'}
params: { ${params} }
versions:
  v1:
    ${v1 ?? 'get: SELECT id, v FROM a WHERE id = :id'}
${versions}
steps:
${steps}
`;
}

describe('a database knows its own names alone', () => {
  test.each([
    [
      'a table of the other',
      "{ on: ledger, sql: 'SELECT id, v FROM a WHERE id = :id' }",
      'relation "a" does not exist',
    ],
    ['a table of the other, asked from the first', 'SELECT id, v FROM b WHERE id = :id', 'relation "b" does not exist'],
    ['a type of the other', "{ on: ledger, sql: SELECT 'sad'::mood WHERE :id = 1 }", 'type "mood" does not exist'],
    ['a function of the other', '{ on: ledger, sql: "SELECT twice(:id)" }', 'function twice(unknown) does not exist'],
    [
      'a sequence of the other',
      `{ on: ledger, sql: "SELECT nextval('numbers') WHERE :id = 1" }`,
      'relation "numbers" does not exist',
    ],
  ])('%s', async (_, sql, message) => {
    const schema = `|
    CREATE TABLE a (id int PRIMARY KEY, v text NOT NULL);
    CREATE TYPE mood AS ENUM ('sad');
    CREATE SEQUENCE numbers;
    CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';`;
    const versions = `  v2:\n    extends: v1\n    get: ${sql}`;
    const report = await valid(plan({ schema, versions, steps: '  - { name: go, deploy: v2, flag: f }' }));
    expect(find(report, 'request-fails').message).toContain(message);
  });

  test('a foreign key can not cross', async () => {
    const report = await run(plan({ further: 'CREATE TABLE b (id int REFERENCES a);' }));
    expect(report.errors.map((e) => [e.code, e.message, e.line])).toEqual([
      ['schema-fails', 'The schema of `ledger` does not load: relation "a" does not exist (42P01)', 9],
    ]);
  });

  test('the same names stand for other things in each', async () => {
    const report = await valid(
      plan({
        schema:
          "|\n    CREATE TYPE mood AS ENUM ('x', 'y');\n    CREATE TABLE a (id int PRIMARY KEY, v mood NOT NULL);",
        further: `CREATE TYPE mood AS ENUM ('p', 'q');
      CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v mood NOT NULL DEFAULT 'p');
      CREATE TABLE log (n int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW.id); RETURN NULL; END $$;
      CREATE TRIGGER noted AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION note();`,
        v1: `get: SELECT id, v FROM a WHERE id = :id
    set: UPDATE a SET v = 'y' WHERE id = :id
    add: { on: ledger, sql: INSERT INTO a DEFAULT VALUES RETURNING id }
    logged: { on: ledger, sql: 'SELECT a.v, n FROM log JOIN a ON id = n ORDER BY n' }`,
        steps: `  - name: another word
    on: ledger
    migrate: ALTER TABLE a ALTER v SET DEFAULT 'q'
    rollback: ALTER TABLE a ALTER v SET DEFAULT 'p'`,
      }),
    );
    // The trigger ran, in the database of its table: what it logged is read there, and nowhere else.
    expect(serious(report)).toEqual(['lost-write @ another word']);
    expect(find(report, 'lost-write')).toMatchObject({ expected: "('p', 1)", actual: "('q', 1)", request: 'logged' });
  });
});

const both = `  v2:
    extends: v1
    set:
      - UPDATE a SET v = :v WHERE id = :id
      - { on: ledger, sql: 'UPDATE b SET v = :v WHERE id = :id' }
      - { on: ledger, sql: 'INSERT INTO log VALUES (:id)' }
  v3:
    extends: v2
    get: { on: ledger, sql: 'SELECT id, v FROM b WHERE id = :id' }
`;
const writing = `set: UPDATE a SET v = :v WHERE id = :id
    get: SELECT id, v FROM a WHERE id = :id`;
const copy = `  - name: write both
    deploy: v2
  - name: copy
    wait: drained
    backfill:
      read: SELECT id, v FROM a
      write: { on: ledger, sql: 'INSERT INTO b VALUES (:id, :v) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v' }
`;
const compare = `  - name: compare
    verify:
      - equal:
          - SELECT id, v FROM a
          - { on: ledger, sql: 'SELECT id, v FROM b' }
`;
/** Enough for a write that is lost. */
const oneValue = 'id: [1], v: [a]';
const withLog = `CREATE TABLE b (id int PRIMARY KEY, v text NOT NULL);
      CREATE TABLE log (n int);`;

describe('a request in two databases', () => {
  test('commits in each on its own, and the process may die in between', async () => {
    const report = await valid(
      plan({
        further: withLog,
        params: oneValue,
        v1: writing,
        versions: both,
        steps: `${copy}${compare}  - { name: read, deploy: v3, flag: f }`,
      }),
    );
    expect(serious(report)).toEqual(['lost-write @ read']);
    expect(lines(find(report, 'lost-write').trace).slice(-5)).toEqual([
      'request v2 set: statement 1 of 3: committed',
      'crash compare: the process died before the rest',
      "request v2 get: (1, 'a')",
      'step read: v3 live',
      "request v3 get: (1, 'x')",
    ]);
  });

  test('is one transaction where its statements follow each other in one of them', async () => {
    const failing = both.replace("'INSERT INTO log VALUES (:id)'", "'INSERT INTO log VALUES (1 / (:id - 1))'");
    const report = await valid(
      plan({
        further: withLog,
        params: oneValue,
        v1: writing,
        versions: failing,
        steps: '  - { name: write both, deploy: v2, flag: f }',
      }),
    );
    const finding = find(report, 'request-fails');
    expect(finding.message).toContain('division by zero');
    expect(lines(finding.trace).slice(-2)).toEqual([
      'request v2 set: statement 1 of 3: committed',
      'request v2 set: statements 2 to 3 of 3: error 22012: division by zero',
    ]);
    expect(finding.trace.at(-1)?.sql).toBe(
      '-- on ledger\nUPDATE b SET v = :v WHERE id = :id;\n-- on ledger\nINSERT INTO log VALUES (:id)'.replace(
        ':id)',
        '1 / (:id - 1))',
      ),
    );
  });

  test('hands a row that it has read on to the other', async () => {
    const versions = `  v2:
    extends: v1
    move:
      - { as: found, sql: 'SELECT id, v FROM a WHERE id = :id' }
      - { on: ledger, as: made, sql: 'INSERT INTO b VALUES (:found.id, :found.v) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v RETURNING id' }
      - { on: ledger, sql: 'SELECT v FROM b WHERE id = :made.id' }
  v3:
    extends: v2
    move: { on: ledger, sql: 'SELECT id FROM b WHERE id = :id' }`;
    const report = await valid(
      plan({ versions, steps: '  - { name: two, deploy: v2, flag: f }\n  - { name: three, deploy: v3, flag: f }' }),
    );
    // What the second reference expects of `move` is the only difference: the row came over with its value.
    expect(report.findings.find((f) => f.request === 'move')).toMatchObject({ rule: 'wrong-answer', actual: "('x')" });
  });
});

describe('steps and streams', () => {
  test('a copy that is not there yet stops a check across databases, and is mended by running it again', async () => {
    const report = await valid(
      plan({ further: withLog, params: oneValue, v1: writing, versions: both, steps: compare + copy }),
    );
    expect(find(report, 'verify-stops')).toMatchObject({ step: 'compare', expected: "(1, 'x')", actual: 'no row' });
  });

  test('an index is built concurrently where it belongs, and the forecast names the table with its database', async () => {
    const text = plan({
      further: 'CREATE TABLE b (id int PRIMARY KEY, v text NOT NULL);',
      v1: "put: { on: ledger, sql: 'UPDATE b SET v = :v WHERE id = :id' }\n    get: SELECT id FROM a",
      steps: `  - name: index
    on: ledger
    migrate: CREATE INDEX CONCURRENTLY by_v ON b (v)
    rollback: DROP INDEX by_v
  - name: unique
    on: ledger
    migrate: CREATE UNIQUE INDEX only_v ON b (v)
    rollback: DROP INDEX only_v`,
    }).replace('params:', '    production: { b: { rows: 100M, size: 40 GB } }\nparams:');
    const report = await valid(text);
    expect(report.steps[1]?.locks).toContainEqual({ relation: 'ledger.b', mode: 'ShareLock' });
    expect(report.steps[1]?.forecast?.durationMs).toBeGreaterThan(10_000);
    expect(serious(report)).toEqual(['full-scan-under-lock @ unique']);
    expect(report.steps[0]?.locks).toContainEqual({ relation: 'ledger.b', mode: 'ShareUpdateExclusiveLock' });
  });

  test('a pod holds what it has prepared in each', async () => {
    const steps = `  - name: column
    on: ledger
    migrate: ALTER TABLE b ADD COLUMN w text
    rollback: ALTER TABLE b DROP COLUMN w`;
    const v1 =
      'get: SELECT id FROM a WHERE id = :id\n    list: SELECT * FROM a\n    all: { on: ledger, sql: SELECT * FROM b }';
    const found = (await valid(plan({ v1, steps }))).findings.filter((f) => f.rule === 'cached-plan');
    expect(found.map((f) => [f.step, f.request])).toEqual([['column', 'all']]);
    expect(found[0]?.trace.map((e) => [e.sql, e.result])).toEqual([
      ['-- on ledger\nPREPARE held_by_a_pod_0 AS SELECT * FROM b', 'prepared'],
      ['-- on ledger\nALTER TABLE b ADD COLUMN w text', 'done'],
      ['-- on ledger\nEXECUTE held_by_a_pod_0', 'error 0A000: cached plan must not change result type'],
    ]);
  });

  test('a way back runs where its step runs', async () => {
    const steps = `  - name: column
    on: ledger
    migrate: ALTER TABLE b ADD COLUMN w text
    rollback: ALTER TABLE b DROP COLUMN w
  - name: of the first
    migrate: ALTER TABLE a ADD COLUMN w text
    rollback:
      - migrate: ALTER TABLE a DROP COLUMN w
      - { on: ledger, migrate: ALTER TABLE b ALTER v SET NOT NULL }`;
    // In the first database there is no `b`: each of these would fail there.
    const report = await valid(plan({ steps }));
    expect(report.verdict).toBe('safe');
    expect(report.rollback.map((cell) => cell.result)).toEqual(['safe', 'safe', 'safe']);
  });
});

describe('mixed traffic', () => {
  const pace = { requests: 6_000, rows: 100, durationMs: 7_200_000, streamLagMs: 300_000 };
  let twin: Engine;
  beforeAll(async () => void (twin = await createPgliteEngine({})));
  afterAll(() => twin.close());

  async function simulated(name: string): Promise<Recording> {
    const result = await simulate(
      `examples/cross-database-move/${name}.cutover.yaml`,
      (path) => readFile(path, 'utf8'),
      async () => [engine, twin],
      { pace },
    );
    if (!result.ok) throw new Error(result.errors[0]?.message);
    expect(result.recording.cut).toBeNull();
    return result.recording;
  }

  test('each request is answered by the database of its version', async () => {
    const { totals, steps, tables } = await simulated('plan');
    expect(totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(totals.ran).toBeGreaterThan(2_000);
    expect(steps.map((s) => s.result)).toEqual(steps.map(() => 'done'));
    expect(tables.map((t) => t.name)).toEqual(['orders', 'orders_db.orders']);
  });

  test('a switch before the stream has brought everything is seen', async () => {
    const { totals, examples } = await simulated('not-caught-up');
    expect(totals.wrong).toBeGreaterThan(0);
    expect(examples.map((e) => [e.kind, e.step, e.version])).toContainEqual(['wrong', 'switch', 'v2']);
  });

  async function played(versions: string): Promise<Recording> {
    const text = plan({ further: withLog, params: oneValue, v1: writing, versions, steps: copy + compare });
    const engines = async (): Promise<readonly Engine[]> => [engine, twin];
    const result = await simulate('p.cutover.yaml', () => Promise.resolve(text), engines, { pace });
    if (!result.ok) throw new Error(result.errors[0]?.message);
    return result.recording;
  }

  test('a request that writes both commits in each, and is judged by both', async () => {
    const { totals, steps } = await played(both);
    expect(totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(steps.map((s) => [s.name, s.result])).toContainEqual(['compare', 'done']);
    // It finds no row in either, where the app without the migration does.
    const nowhere = both.replaceAll('WHERE id = :id', 'WHERE id = :id AND v IS NULL');
    const neither = await played(nowhere.replace('INSERT INTO log VALUES (:id)', 'DELETE FROM log WHERE n = :id'));
    expect(neither.totals.wrong).toBeGreaterThan(0);
    expect(neither.examples.map((e) => [e.kind, e.version, e.request])).toContainEqual(['wrong', 'v2', 'set']);
  });
});

describe('what a person is shown', () => {
  test('a debugger shows the tables of both, and stops between the commits of a request', async () => {
    const text = plan({ further: withLog, params: oneValue, v1: writing, versions: both, steps: copy + compare });
    const opened = await openPlan('p.cutover.yaml', () => Promise.resolve(text), start, null);
    if (!opened.ok) throw new Error(opened.message);
    const player = new Player(opened.playable, engine);
    const { history, views } = await player.record();
    const at = history.moments.findIndex((m) => m.title === 'compare');
    const command = { kind: 'request', version: 'v2', request: 'set', params: { id: '1', v: 'a' } } as const;
    const fork = await player.fork(history.id, at, command);
    if (!fork.ok) throw new Error(fork.message);
    const played = fork.history.moments.slice(at + 1);
    const tables = (moment: Moment | undefined): Record<string, unknown> =>
      Object.fromEntries(([...views, ...fork.views][moment?.view ?? 0]?.tables ?? []).map((t) => [t.name, t.rows]));
    expect(played.slice(0, 2).map((m) => m.event?.result)).toEqual([
      'statement 1 of 3: committed',
      'statements 2 to 3 of 3: accepted, rows touched',
    ]);
    expect(tables(played[0])).toEqual({ a: [['1', 'a']], 'ledger.b': [['1', 'x']], 'ledger.log': [] });
    expect(tables(played[1])).toEqual({ a: [['1', 'a']], 'ledger.b': [['1', 'a']], 'ledger.log': [['1']] });
  });
});
