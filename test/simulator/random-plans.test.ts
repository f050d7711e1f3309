/**
 * Random plans, right and wrong: a rehearsal never throws, its report has the published shape, every trace
 * comes out again when it is replayed, and the same seed gives the same report.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { reportSchema, type PlanReport } from '../../simulator/report/model.ts';
import { rehearse } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

const writes = {
  old: ['INSERT INTO t (id, a) VALUES (:id, :v)', 'UPDATE t SET a = :v WHERE id = :id'],
  both: ['INSERT INTO t (id, a, b) VALUES (:id, :v, :v)', 'UPDATE t SET a = :v, b = :v WHERE id = :id'],
  fresh: ['INSERT INTO t (id, b) VALUES (:id, :v)', 'UPDATE t SET b = :v WHERE id = :id'],
  torn: [
    'INSERT INTO t (id, a, b) VALUES (:id, :v, :v)',
    '{ transaction: false, sql: ["UPDATE t SET a = :v WHERE id = :id", "UPDATE t SET b = :v WHERE id = :id"] }',
  ],
} as const;
type Writes = keyof typeof writes;

const version = fc.record({
  writes: fc.constantFrom<Writes>('old', 'both', 'fresh', 'torn'),
  reads: fc.constantFrom('a', 'b'),
});

const steps = [
  '- { name: expand, migrate: ALTER TABLE t ADD COLUMN b text, rollback: ALTER TABLE t DROP COLUMN b }',
  '- { name: v1, deploy: v1 }',
  '- { name: v2, deploy: v2, flag: f }',
  '- { name: fill missing, backfill: "UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE b IS NULL AND a IS NOT NULL LIMIT :batch)" }',
  '- { name: fill different, backfill: "UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE b IS DISTINCT FROM a LIMIT :batch)" }',
  '- { name: fill range, backfill: "UPDATE t SET b = a WHERE id >= :from AND id < :to", by: t.id }',
  '- { name: fill script, backfill: { read: "SELECT id, a FROM t WHERE b IS NULL", write: "UPDATE t SET b = :a WHERE id = :id" } }',
  '- { name: fill list, backfill: ["UPDATE t SET b = a || b", "UPDATE t SET b = a WHERE b IS NULL"] }',
  '- { name: check, verify: [{ name: same, empty: "SELECT id FROM t WHERE a IS DISTINCT FROM b" }] }',
  '- { name: relax, migrate: ALTER TABLE t ALTER a DROP NOT NULL, rollback: ALTER TABLE t ALTER a SET NOT NULL }',
  '- { name: rename, migrate: ALTER TABLE t RENAME a TO c, rollback: ALTER TABLE t RENAME c TO a }',
  '- { name: index, migrate: CREATE UNIQUE INDEX CONCURRENTLY i ON t (a), rollback: DROP INDEX CONCURRENTLY i }',
  '- { name: contract, migrate: ALTER TABLE t DROP COLUMN a, rollback: none }',
];

const plan = fc
  .record({ v1: version, v2: version, chosen: fc.subarray(steps, { minLength: 1, maxLength: 6 }), order: fc.boolean() })
  .map(({ v1, v2, chosen, order }) => {
    const requests = (v: { writes: Writes; reads: string }): string =>
      `    add: ${writes[v.writes][0]}\n    set: ${writes[v.writes][1]}\n    get: SELECT id, ${v.reads} FROM t WHERE id = :id\n`;
    const list = (order ? chosen : [...chosen].reverse()).map((s) => `  ${s}\n`).join('');
    return (
      'title: random\ndatabase:\n  schema: CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL)\n  seed: "INSERT INTO t VALUES (1, \'s\')"\n' +
      'versions:\n  v0:\n    add: INSERT INTO t (id, a) VALUES (:id, :v)\n    set: UPDATE t SET a = :v WHERE id = :id\n    del: DELETE FROM t WHERE id = :id\n    get: SELECT id, a FROM t WHERE id = :id\n' +
      `  v1:\n    extends: v0\n${requests(v1)}  v2:\n    extends: v1\n${requests(v2)}steps:\n${list}`
    );
  });

const run = async (text: string, seed: number): Promise<PlanReport> => {
  const { report } = await rehearse(
    'random.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
    { seed, maxStates: 4_000 },
  );
  return report;
};

/** Without what differs from run to run on purpose. */
function stable(report: PlanReport): unknown {
  const { elapsedMs: _elapsed, statements: _statements, ...exploration } = report.exploration;
  return { ...report, exploration };
}

it(
  'never throws, keeps the shape of the report, and finds only what comes out again',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (text) => {
        const report = await run(text, 1);
        reportSchema.parse({ cutover: 1, plans: [report] });
        expect(report.errors.filter((e) => e.code !== 'unknown-version')).toEqual([]);
        if (report.verdict === 'safe') expect(report.exploration.complete).toBe(true);
      }),
      { numRuns: 30, seed: 42 },
    );
  },
);

it('gives the same report for the same seed', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (text) => {
      expect(stable(await run(text, 7))).toEqual(stable(await run(text, 7)));
    }),
    { numRuns: 8, seed: 43 },
  );
});
