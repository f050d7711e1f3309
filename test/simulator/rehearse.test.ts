/** What a rehearsal promises: the textbook's faults found with the shortest trace, proofs that say what they cover, and no hang. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse, replay, type RehearseOptions } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({ statementTimeoutMs: 2_000 });
});
afterAll(() => engine.close());

const fromDisk = (path: string): Promise<string> => readFile(path, 'utf8');
const start = (): Promise<Engine> => Promise.resolve(engine);

async function run(file: string, options?: RehearseOptions): Promise<PlanReport> {
  return (await rehearse(file, fromDisk, start, options)).report;
}

async function runText(text: string, options?: RehearseOptions): Promise<PlanReport> {
  return (await rehearse('plan.cutover.yaml', () => Promise.resolve(text), start, options)).report;
}

const errorsOf = (report: PlanReport): string[] =>
  report.findings.filter((f) => f.severity === 'error').map((f) => `${f.rule} @ ${f.step}`);

/** A plan with one table, whose parts a test changes. */
function small(parts: {
  seed?: string;
  set?: string;
  get?: string;
  schema?: string;
  migrate?: string;
  rollback?: string;
  more?: string;
}): string {
  return `title: small
database:
  schema: ${parts.schema ?? 'CREATE TABLE t (id int PRIMARY KEY, a text)'}
  seed: ${parts.seed ?? "INSERT INTO t VALUES (1, 'x')"}
versions:
  v1:
    get: ${parts.get ?? 'SELECT id, a FROM t WHERE id = :id'}
    set: ${parts.set ?? 'UPDATE t SET a = :a WHERE id = :id'}
steps:
  - name: add b
    migrate: ${parts.migrate ?? 'ALTER TABLE t ADD COLUMN b text'}
    rollback: ${parts.rollback ?? 'ALTER TABLE t DROP COLUMN b'}
${parts.more ?? ''}`;
}

describe('what to do', () => {
  const posts = 'test/plans/posts-3';
  it.each([
    // The copy is one statement: nothing that it writes is old.
    [
      'jsonb-set-with-null',
      'backfill-overwrites',
      'Let "copy the key" leave alone what is right already, and convert without loss: it changes what v2.join(id: 2, lang: \'en\') wrote.',
    ],
    // Nothing is copied in this plan, and no version before can say what the newest says.
    [
      'price-per-currency-readers-forgotten',
      'lost-write',
      "Make \"sell in dollars\" two deploys, of which the first only reads like v3: v3.set_dollars(sku: 'mug', amount: 6) writes what v2.get_price can't tell apart, and both are live while it rolls out.",
    ],
    // The new version itself reads something else: it is not that the old one does not see it.
    [
      'feed-merge-deletes',
      'lost-write',
      "Let v2.feed write what it wrote before the migration: after v2.feed(shop: 1, sku: 'mug', price: 6) v2 itself reads something else.",
    ],
    // There is no copy, and the new version carries its own writes no better.
    [
      'materialized-view-stale',
      'lost-write',
      'Before "read the materialized view", let something carry what v1.sell(id: 2, shop: 1, amount: 5) writes to where v2 reads it: nothing does.',
    ],
    // `rollback: none` and the point of no return are there already.
    ['price-per-currency-readers-forgotten', 'no-rollback', ''],
    [
      'view-loses-generated-id',
      'wrong-answer',
      'Let what v1.register returns be what it returned before the migration.',
    ],
    // The step has its lock_timeout, its way back has none.
    [
      'view-loses-generated-id',
      'lock-queue',
      "Begin the step's `rollback` with `SET lock_timeout = '2s'`, and try again when it could not have the lock.",
    ],
    // While the copy by key ranges runs; made after it, the write would be as wrong.
    [
      'category-path-of-children-forgotten',
      'lost-write',
      'Let v2, which "write the path" deploys, write both places alike: after v2.rename(name: \'games\', id: 1) they differ.',
    ],
  ])('%s: %s', async (plan, rule, hint) => {
    const report = await run(`${posts}/${plan}.cutover.yaml`);
    expect(report.findings.find((f) => f.rule === rule)?.hint).toBe(hint);
  });
});

it('a check that does not run is blamed on nothing before it', async () => {
  const more = `  - name: fill
    backfill: UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE b IS DISTINCT FROM a ORDER BY id LIMIT :batch)
  - name: verify
    verify: [{ name: same, empty: SELECT id FROM t WHERE c IS DISTINCT FROM a }]`;
  const finding = (await runText(small({ more }))).findings.find((f) => f.rule === 'verify-stops');
  expect(finding).toMatchObject({
    step: 'verify',
    cause: 'verify',
    message: 'the check "same" does not run (error 42703: column "c" does not exist): the plan can not go on',
    hint: 'Mend the check: its SQL does not run on the schema that is there by then.',
  });
});

it('what the last batch writes in a WITH is written, though it says that it touched no row', async () => {
  const more = `  - name: empty b
    backfill: |
      WITH others AS (UPDATE t SET b = NULL WHERE b IS NOT NULL)
      UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE a = 'none' ORDER BY id LIMIT :batch)
  - name: verify
    verify: [{ empty: SELECT id FROM t WHERE b IS NOT NULL }]`;
  const migrate = "ALTER TABLE t ADD COLUMN b text DEFAULT 'x'";
  expect(errorsOf(await runText(small({ migrate, more })))).toEqual([]);
});

describe('the textbook rename', () => {
  it('with IS NULL loses a write that two requests are enough to show', async () => {
    const report = await run('examples/rename-column/backfill-is-null.cutover.yaml');
    expect(report.verdict).toBe('unsafe');
    const finding = report.findings.find((f) => f.rule === 'lost-write');
    expect(finding).toMatchObject({ step: 'switch reads', cause: 'backfill', version: 'v3', request: 'get_user' });
    expect(finding?.why).toBe('With the same writes made by v1 before the plan began, the finding is gone.');
    expect(finding?.hint).toBe(
      `Let "backfill" compare with IS DISTINCT FROM instead of email_address IS NULL: it passed over what v1.change_email(email: 'b', id: 1) wrote, which v2.change_email(email: 'a', id: 1) had filled before.`,
    );
    const requests = finding?.trace.filter((e) => e.kind === 'request').map((e) => `${e.version}.${e.request}`);
    // Two writes, and the read that shows what became of them.
    expect(requests).toEqual(['v2.change_email', 'v1.change_email', 'v3.get_user']);
    expect([finding?.expected, finding?.actual]).toEqual(["(1, 'b')", "(1, 'a')"]);
  });

  it('with IS NULL and a verification stops at the gate', async () => {
    const report = await run('examples/rename-column/backfill-is-null-verified.cutover.yaml');
    expect(errorsOf(report)).toEqual(['verify-stops @ verify']);
  });

  it('done right is proven safe, with its triangle safe up to the point of no return, in few statements', async () => {
    const report = await run('test/plans/corpus/design-rename.cutover.yaml');
    expect(report).toMatchObject({ verdict: 'safe', pointOfNoReturn: 'contract' });
    expect(report.exploration).toMatchObject({ complete: true, writeBound: null, cut: null, neverExercised: [] });
    expect(report.exploration.transitions).toBeLessThan(4_000);
    expect(new Set(report.rollback.map((c) => c.result))).toEqual(new Set(['safe']));
    // Every step before the contract, to every step before it and to the start.
    expect(report.rollback).toHaveLength((7 * 8) / 2);
  });

  it('is played again statement by statement, with what the tables hold', async () => {
    const played = await replay(
      'examples/rename-column/backfill-is-null.cutover.yaml',
      fromDisk,
      start,
      'lost-write-switch-reads',
    );
    if (!played.ok) throw new Error(played.message);
    expect(played.lines).toHaveLength(played.finding.trace.length);
    expect(played.lines.at(-1)).toMatchObject({ differs: true, reference: "(1, 'b')" });
    expect(JSON.parse(played.lines.at(-1)?.content ?? '')).toMatchObject({ tables: { users: [['1', 'b', 'a']] } });
  });
});

describe('what is not proven is not called safe', () => {
  it('a search cut by its number of states', async () => {
    const report = await run('test/plans/corpus/design-rename.cutover.yaml', { maxStates: 50 });
    expect(report.verdict).toBe('unproven');
    expect(report.exploration).toMatchObject({ complete: false, cut: 'more than 50 states' });
  });

  it('a search that was cancelled keeps what was found', async () => {
    const cancel = new AbortController();
    const report = await run('examples/rename-column/rename-in-one-step.cutover.yaml', {
      signal: cancel.signal,
      onProgress: (p) => {
        if (p.findings > 0) cancel.abort();
      },
    });
    expect(report.exploration.cut).toBe('cancelled');
    expect(errorsOf(report)).toEqual(['request-fails @ rename']);
  });

  it('a search that ran out of time', async () => {
    const report = await run('test/plans/corpus/design-rename.cutover.yaml', { timeoutMs: 1 });
    expect(report).toMatchObject({ verdict: 'unproven', exploration: { complete: false } });
    expect(report.exploration.cut).toContain('time limit');
  });

  it('a counter, which grows for ever, is searched up to four writes, and that is said', async () => {
    const report = await runText(
      small({
        schema: 'CREATE TABLE t (id int PRIMARY KEY, a int)',
        seed: 'INSERT INTO t VALUES (1, 0)',
        set: 'UPDATE t SET a = a + 1 WHERE id = :id',
      }),
    );
    expect(report).toMatchObject({ verdict: 'safe', exploration: { writeBound: 4, complete: true } });
  });
});

describe('SQL that would never end', () => {
  it.each([
    ['sleeps in a step', { migrate: 'SELECT pg_sleep(3600)' }, 11],
    ['loops in a step', { migrate: 'DO $$ BEGIN LOOP END LOOP; END $$' }, 11],
    [
      'recurses for ever in a step',
      { migrate: 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r' },
      11,
    ],
    ['sleeps in a request', { set: 'UPDATE t SET a = :a WHERE id = :id AND pg_sleep(3600) IS NOT NULL' }, 8],
    ['ends its own session in a step', { migrate: 'SELECT pg_terminate_backend(pg_backend_pid())' }, 11],
    ['sleeps on the way back', { rollback: 'SELECT pg_sleep(3600)' }, 12],
  ])('%s: the statement is named, and the next plan runs', { timeout: 60_000 }, async (_what, parts, line) => {
    const report = await runText(small(parts));
    expect(report.verdict).toBe('unproven');
    expect(report.errors).toHaveLength(1);
    expect(report.errors[0]).toMatchObject({ line });
    expect(await runText(small({}))).toMatchObject({ verdict: 'safe' });
  });
});

describe('plans that do not load', () => {
  it.each([
    ['a schema that is refused', { schema: 'CREATE TABLE t (id int PRIMARY KEY, a nosuchtype)' }, 'schema-fails', 3],
    ['a seed that breaks a constraint', { seed: "INSERT INTO t VALUES (1, 'x'), (1, 'y')" }, 'seed-fails', 4],
  ])('%s is invalid, at its place', async (_what, parts, code, line) => {
    const report = await runText(small(parts));
    expect(report).toMatchObject({ verdict: 'invalid', errors: [{ code, line }] });
  });
});

describe('groups of requests', () => {
  it('that share no table are searched apart, and both are judged', async () => {
    const twoTables = small({
      schema: 'CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, a text)',
      seed: "INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1, 'x')",
      more: '  - name: lose u.a\n    migrate: ALTER TABLE u DROP COLUMN a\n    rollback: none\n',
    }).replace('    set:', '    get_u: SELECT id, a FROM u WHERE id = :id\n    set:');
    expect(errorsOf(await runText(twoTables))).toEqual(['request-fails @ lose u.a']);
  });

  it('that a foreign key ties together are searched together', async () => {
    // Only an order of requests over both tables can make the step fail.
    const report = await runText(`title: tied
database:
  schema: |
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent (id));
  seed: INSERT INTO parent VALUES (1)
versions:
  v1:
    add_parent: INSERT INTO parent (id) VALUES (:id)
    add_child: INSERT INTO child (id, parent_id) VALUES (:cid, :id)
steps:
  - name: at most one
    migrate: |
      ALTER TABLE child ADD CONSTRAINT first_only CHECK (parent_id = 1)
    rollback: ALTER TABLE child DROP CONSTRAINT first_only
`);
    const finding = report.findings.find((f) => f.rule === 'migrate-fails');
    expect(finding?.trace.filter((e) => e.kind === 'request').map((e) => e.request)).toEqual([
      'add_parent',
      'add_child',
    ]);
  });
});
