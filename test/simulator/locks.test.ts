/** What a rehearsal says of locks: who waits, which rule fits, and when it is quiet. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

interface Parts {
  readonly schema?: string;
  readonly seed?: string;
  readonly production?: string;
  readonly forecast?: string;
  readonly requests?: string;
  readonly step?: string;
  readonly migrate: string;
  readonly rollback?: string;
}

async function run(parts: Parts): Promise<PlanReport> {
  const indent = (sql: string): string => `|\n      ${sql.replaceAll('\n', '\n      ')}`;
  const text = `title: small
database:
  schema: ${indent(parts.schema ?? 'CREATE TABLE t (id int PRIMARY KEY, a text)')}
  seed: ${indent(parts.seed ?? "INSERT INTO t VALUES (1, 'x')")}
${parts.production === undefined ? '' : `  production: ${parts.production}\n`}${parts.forecast === undefined ? '' : `forecast: ${parts.forecast}\n`}versions:
  v1:
${parts.requests ?? '    get: SELECT id, a FROM t WHERE id = :id\n    set: UPDATE t SET a = :a WHERE id = :id'}
params: { id: [1, 2] }
steps:
  - name: change
    migrate: ${indent(parts.migrate)}
    rollback: ${parts.rollback === undefined ? 'none' : indent(parts.rollback)}
${parts.step ?? ''}`;
  const { report } = await rehearse(
    'plan.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  expect(report.errors).toEqual([]);
  return report;
}

const lockRules = [
  'table-rewrite',
  'full-scan-under-lock',
  'blocking-lock',
  'lock-queue',
  'backfill-in-one-transaction',
];
const found = (report: PlanReport): string[] =>
  report.findings.filter((f) => lockRules.includes(f.rule)).map((f) => `${f.severity} ${f.rule}`);

const setNotNull = "SET lock_timeout = '1s';\nALTER TABLE t ALTER a SET NOT NULL";

describe('a scan under a strong lock', () => {
  it('is found on a table of which nothing is said, and the size is called assumed', async () => {
    const report = await run({ migrate: setNotNull });
    expect(found(report)).toEqual(['error full-scan-under-lock']);
    expect(report.findings.find((f) => f.rule === 'full-scan-under-lock')).toMatchObject({
      version: 'v1',
      message: expect.stringContaining('10,000,000 rows assumed'),
      consequences: [{ rule: 'blocking-lock' }],
    });
  });

  it('is quiet on a small table, and on one that a validated CHECK has proven', async () => {
    expect(found(await run({ migrate: setNotNull, production: '{ t: { rows: 99_999 } }' }))).toEqual([]);
    expect(
      found(
        await run({ migrate: setNotNull, schema: 'CREATE TABLE t (id int PRIMARY KEY, a text CHECK (a IS NOT NULL))' }),
      ),
    ).toEqual([]);
  });

  it('is quiet where no request uses the table, unless production is said to', async () => {
    const other = {
      schema: 'CREATE TABLE t (id int PRIMARY KEY, a text);\nCREATE TABLE old (id int PRIMARY KEY, a text);',
      migrate: 'ALTER TABLE old ALTER a SET NOT NULL',
    };
    expect(found(await run(other))).toEqual([]);
    expect(found(await run({ ...other, production: '{ old: { rows: 5M, reads: 1/s } }' }))).toEqual([
      'error full-scan-under-lock',
    ]);
  });

  it('is quiet while the app is stopped, and the window has a length', async () => {
    const report = await run({ migrate: setNotNull, step: '    offline: true\n' });
    expect(found(report)).toEqual([]);
    expect(report.steps[0]?.forecast?.durationMs).toBeGreaterThan(1_000);
  });

  it('includes a VALIDATE in the transaction of its ADD CONSTRAINT, and not one of its own', async () => {
    const add = "SET lock_timeout = '1s';\nALTER TABLE t ADD CONSTRAINT c CHECK (a <> '') NOT VALID;";
    const validate = 'ALTER TABLE t VALIDATE CONSTRAINT c';
    expect(found(await run({ migrate: `${add}\n${validate}` }))).toEqual(['error full-scan-under-lock']);
    const apart = `  - name: validate\n    migrate: ${validate}\n    rollback: none\n`;
    expect(found(await run({ migrate: add, step: apart }))).toEqual([]);
  });

  it('an index blocks writers alone: who only reads does not wait', async () => {
    const index = "SET lock_timeout = '1s';\nCREATE INDEX i ON t (a)";
    expect(found(await run({ migrate: index }))).toEqual(['error full-scan-under-lock']);
    expect(found(await run({ migrate: index, requests: '    get: SELECT id, a FROM t WHERE id = :id' }))).toEqual([]);
  });

  it('reaches the table that a foreign key points to, through the request that checks it', async () => {
    const report = await run({
      schema: 'CREATE TABLE t (id int PRIMARY KEY, a text);\nCREATE TABLE child (id int PRIMARY KEY, t int);',
      migrate: "SET lock_timeout = '1s';\nALTER TABLE child ADD FOREIGN KEY (t) REFERENCES t",
    });
    expect(found(report)).toEqual(['error full-scan-under-lock']);
    expect(report.steps[0]?.locks).toEqual([
      { relation: 'child', mode: 'ShareRowExclusiveLock' },
      { relation: 't', mode: 'ShareRowExclusiveLock' },
    ]);
  });
});

describe('the way back', () => {
  it('is a warning', async () => {
    const report = await run({
      migrate: "SET lock_timeout = '1s';\nALTER TABLE t ADD b int",
      rollback: "SET lock_timeout = '1s';\nALTER TABLE t DROP b;\nALTER TABLE t ALTER a SET NOT NULL",
    });
    expect(found(report)).toEqual(['warning full-scan-under-lock']);
    expect(report.findings[0]?.message).toMatch(/^on the way back, /);
  });
});

describe('the lock queue', () => {
  const add = 'ALTER TABLE t ADD b int';
  it('is a note where no traffic is stated, a warning where it is', async () => {
    expect(found(await run({ migrate: add }))).toEqual(['info lock-queue']);
    expect(found(await run({ migrate: add, production: '{ t: { rows: 10, reads: 10/s } }' }))).toEqual([
      'warning lock-queue',
    ]);
  });

  it('is one note for the plan', async () => {
    const report = await run({
      migrate: add,
      step: '  - { name: more, migrate: ALTER TABLE t ADD c int, rollback: none }\n',
    });
    expect(found(report)).toEqual(['info lock-queue']);
    expect(report.findings.find((f) => f.rule === 'lock-queue')?.consequences).toMatchObject([{ step: 'more' }]);
  });

  it('is quiet with a lock_timeout, for a table the step makes, and for one that is empty and unused', async () => {
    expect(found(await run({ migrate: `SET LOCAL lock_timeout = '1s';\n${add}` }))).toEqual([]);
    expect(found(await run({ migrate: 'CREATE TABLE u (id int);\nALTER TABLE u ADD b int' }))).toEqual([]);
    expect(found(await run({ migrate: add, production: '{ t: { rows: 0 } }' }))).toEqual([]);
  });

  it('a lock_timeout longer than clients wait is none', async () => {
    expect(found(await run({ migrate: `SET LOCAL lock_timeout = '1min';\n${add}` }))).toEqual(['info lock-queue']);
    expect(
      found(await run({ migrate: `SET LOCAL lock_timeout = '1min';\n${add}`, forecast: '{ request-timeout: 2m }' })),
    ).toEqual([]);
  });
});

describe('rows written by a migration', () => {
  it('are a backfill in one transaction; under a lock that keeps requests out, an error', async () => {
    const update = 'UPDATE t SET a = a';
    expect(found(await run({ migrate: update }))).toEqual(['warning backfill-in-one-transaction']);
    expect(found(await run({ migrate: update, production: '{ t: { rows: 5M } }' }))).toEqual([
      'error backfill-in-one-transaction',
    ]);
    expect(found(await run({ migrate: `ALTER TABLE t ADD b int;\n${update}` }))).toEqual([
      'error backfill-in-one-transaction',
    ]);
  });

  it('found by their key they are few', async () => {
    expect(found(await run({ migrate: "UPDATE t SET a = 'z' WHERE id = 7" }))).toEqual([]);
  });
});

describe('the forecast of a step', () => {
  it('says what it stands on, and takes what the plan states', async () => {
    const migrate = "SET lock_timeout = '1s';\nALTER TABLE t ALTER id TYPE bigint";
    const production = '{ t: { rows: 1M, size: 1 GB, reads: 100/s, writes: 10/s } }';
    const report = await run({ migrate, production, forecast: '{ rewrite: 1 GB/s, index-build: 1M/s, factor: 2 }' });
    const forecast = report.steps[0]?.forecast;
    expect(report.steps[0]).toMatchObject({ rewrites: ['t'], locks: [{ relation: 't', mode: 'AccessExclusiveLock' }] });
    expect(forecast?.holdMs).toBeCloseTo(2_005, -1);
    expect(forecast?.holdRangeMs.high).toBeCloseTo(4_005, -1);
    expect(forecast?.assumptions).toContainEqual({ name: 'rewrite', value: 2 ** 30, stated: true });
    // Two seconds of 110 requests a second.
    expect(forecast?.blockedRequests).toBeGreaterThan(200);
    expect(forecast?.blockedRequests).toBeLessThan(240);
  });

  it('is the same every time', async () => {
    const file = 'test/plans/table-rewrite/has.cutover.yaml';
    const once = async (): Promise<PlanReport['steps']> =>
      (
        await rehearse(
          file,
          (path) => readFile(path, 'utf8'),
          () => Promise.resolve(engine),
        )
      ).report.steps;
    expect(await once()).toEqual(await once());
  });
});

describe('a step of several commits', () => {
  const rules = (report: PlanReport): string[] =>
    report.findings.filter((f) => f.rule === 'migration-not-atomic').map((f) => f.sqlstate ?? '');
  const two = (more: string): string =>
    `CREATE INDEX CONCURRENTLY ${more}i1 ON t (a);\nCREATE INDEX CONCURRENTLY ${more}i2 ON t (a, id)`;

  it('that can not be run again is found', async () => {
    expect(rules(await run({ migrate: two('') }))).toEqual(['42P07']);
  });

  it('that can is not, nor one whose first statements leave nothing', async () => {
    expect(rules(await run({ migrate: two('IF NOT EXISTS ') }))).toEqual([]);
    expect(rules(await run({ migrate: "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY i1 ON t (a)" }))).toEqual(
      [],
    );
  });
});
