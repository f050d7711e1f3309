/** Backfills that are run twice, killed and begun again, or run by two workers at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse, replay } from '../../simulator/rehearse.ts';
import type { Finding } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

const start = (): Promise<Engine> => Promise.resolve(engine);

/** A plan that fills `copy`, which v2 reads, or `total`, which v3 reads, from `src`, whose values nobody changes. */
function plan(backfill: string): string {
  return `title: copy
database:
  schema: |
    CREATE TABLE src (id int PRIMARY KEY, n int NOT NULL);
    CREATE TABLE copy (id serial PRIMARY KEY, src_id int NOT NULL UNIQUE, n int NOT NULL);
    CREATE TABLE total (id int PRIMARY KEY, n int NOT NULL, last int NOT NULL);
  seed: |
    INSERT INTO src VALUES (1, 5), (2, 6);
    INSERT INTO total VALUES (1, 0, 0);
  production: { src: { rows: 10 }, copy: { rows: 10 }, total: { rows: 1 } }
versions:
  v1:
    get: SELECT n FROM src WHERE id = :id
    sum: SELECT sum(n) FROM src
    touch: UPDATE src SET n = n WHERE id = :id
  v2:
    extends: v1
    get: SELECT n FROM copy WHERE src_id = :id
  v3:
    extends: v1
    sum: SELECT n FROM total
steps:
  - name: backfill
    backfill:
${backfill}
`;
}

async function repeated(backfill: string): Promise<Finding | undefined> {
  const { report } = await rehearse('plan.cutover.yaml', () => Promise.resolve(plan(backfill)), start);
  expect(report.errors).toEqual([]);
  return report.findings.find((f) => f.rule === 'backfill-not-idempotent');
}

describe('a backfill that is run twice', () => {
  it('may use up numbers of a sequence', async () => {
    expect(
      await repeated(`      - INSERT INTO copy (src_id, n) SELECT id, n FROM src ON CONFLICT (src_id) DO NOTHING`),
    ).toBeUndefined();
  });

  it('may not change what it had done', async () => {
    const finding = await repeated(`      - UPDATE total SET n = n + (SELECT sum(n) FROM src)`);
    expect(finding).toMatchObject({ severity: 'error', step: 'backfill' });
    expect(finding?.message).toContain('run again');
  });
});

describe('a backfill that is killed', () => {
  it('may not be begun again where only its end makes it whole', async () => {
    const finding = await repeated(`      - UPDATE total SET n = n + 1 WHERE last < 2
      - UPDATE total SET last = 2`);
    expect(finding).toMatchObject({ severity: 'error' });
    expect(finding?.message).toContain('killed after one batch and begun again');
    expect(finding?.trace.map((e) => e.kind)).toEqual(['step', 'batch', 'crash', 'batch', 'batch']);
  });
});

describe('a backfill with two workers at once', () => {
  const counts = `      read: SELECT s.id, s.n FROM src s, total t WHERE s.id > t.last ORDER BY s.id LIMIT :batch
      write: UPDATE total SET n = total.n + :n, last = :id`;

  it('is told when they do the work twice', async () => {
    const finding = await repeated(counts);
    expect(finding).toMatchObject({ severity: 'warning', step: 'backfill' });
    expect(finding?.message).toContain('two workers at once');
  });

  it('is told when one gets in the way of the other', async () => {
    const finding =
      await repeated(`      read: SELECT id, n FROM src s WHERE NOT EXISTS (SELECT FROM copy c WHERE c.src_id = s.id) LIMIT :batch
      write: INSERT INTO copy (src_id, n) VALUES (:id, :n)`);
    expect(finding).toMatchObject({ severity: 'warning', sqlstate: '23505' });
    const [a, b] = (finding?.trace ?? []).filter((e) => e.kind === 'batch').map((e) => e.result);
    expect([a, b]).toEqual(['worker 1: read (1, 5)', 'worker 2: read (1, 5)']);
  });

  it('is played again', async () => {
    const read = (): Promise<string> =>
      Promise.resolve(
        plan(`      read: SELECT id, n FROM src s WHERE NOT EXISTS (SELECT FROM copy c WHERE c.src_id = s.id) LIMIT :batch
      write: INSERT INTO copy (src_id, n) VALUES (:id, :n)`),
      );
    const played = await replay('plan.cutover.yaml', read, start, 'backfill-not-idempotent-backfill');
    if (!played.ok) throw new Error(played.message);
    expect(played.lines.at(-1)?.result).toContain('error 23505');
  });

  it('is right where a row written twice is the same row', async () => {
    expect(
      await repeated(`      read: SELECT id, n FROM src s WHERE NOT EXISTS (SELECT FROM copy c WHERE c.src_id = s.id) LIMIT :batch
      write: INSERT INTO copy (src_id, n) VALUES (:id, :n) ON CONFLICT (src_id) DO UPDATE SET n = EXCLUDED.n`),
    ).toBeUndefined();
  });
});
