/**
 * How long a rehearsal takes, and what it sends: the rename with its whole triangle, warm and as a whole
 * command; growth with the number of steps, and with tables and requests. Prints figures, asserts none.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

const rename = 'test/plans/corpus/design-rename.cutover.yaml';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

/** Each run is of another text; what the engine knows of the run before is used only where that is measured. */
async function measure(
  name: string,
  text: string | ((run: number) => string),
  runs: number,
  knows: 'nothing' | 'the run before' = 'nothing',
): Promise<void> {
  const times: number[] = [];
  let line = '';
  for (let i = 0; i < runs; i += 1) {
    // Another database in between, and it knows nothing any more.
    if (knows === 'nothing') await engine.start([], []);
    const begun = performance.now();
    const { report } = await rehearse(
      'bench.cutover.yaml',
      () => Promise.resolve(typeof text === 'string' ? text : text(i)),
      () => Promise.resolve(engine),
    );
    times.push(performance.now() - begun);
    const { states, transitions, statements, writeBound, cut } = report.exploration;
    line = `${report.verdict}, ${states} states, ${transitions} transitions, ${statements} statements${writeBound === null ? '' : `, up to ${writeBound} writes`}${cut === null ? '' : `, cut: ${cut}`}`;
  }
  times.sort((a, b) => a - b);
  const [least, median] = [times[0] ?? 0, times[Math.floor(times.length / 2)] ?? 0];
  console.log(`${name}: least ${least.toFixed(0)} ms, median ${median.toFixed(0)} ms of ${runs}; ${line}`);
}

/** A plan of nothing but deploys of the same app: every position shares the schema. */
function deploys(steps: number): string {
  const numbers = Array.from({ length: steps }, (_, i) => i + 2);
  return `title: ${steps} deploys
database:
  schema: CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL)
  seed: INSERT INTO users VALUES (1, 'ada@example.com')
versions:
  v1:
    sign_up: INSERT INTO users (id, email) VALUES (:id, :email)
    change_email: UPDATE users SET email = :email WHERE id = :id
    close_account: DELETE FROM users WHERE id = :id
    get_user: SELECT id, email FROM users WHERE id = :id
${numbers.map((n) => `  v${n}: { extends: v${n - 1} }\n`).join('')}steps:
${numbers.map((n) => `  - deploy: v${n}\n`).join('')}`;
}

/** Tables with two requests each, one of which is migrated; tied together by foreign keys or not. */
function tables(count: number, tied: boolean): string {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const reference = (n: number): string => (tied && n > 0 ? ` REFERENCES t${n - 1} (id)` : '');
  return `title: ${count} tables
database:
  schema: |
${numbers.map((n) => `    CREATE TABLE t${n} (id int PRIMARY KEY${reference(n)}, a text NOT NULL);\n`).join('')}  seed: |
${numbers.map((n) => `    INSERT INTO t${n} VALUES (1, 's');\n`).join('')}versions:
  v1:
    add: INSERT INTO t0 (id, a) VALUES (:id, :a)
${numbers.map((n) => `    set${n}: UPDATE t${n} SET a = :a WHERE id = :id\n    get${n}: SELECT id, a FROM t${n} WHERE id = :id\n`).join('')}  v2:
    extends: v1
    add: INSERT INTO t0 (id, a, b) VALUES (:id, :a, :a)
    set0: UPDATE t0 SET a = :a, b = :a WHERE id = :id
  v3:
    extends: v2
    get0: SELECT id, b FROM t0 WHERE id = :id
steps:
  - { name: expand, migrate: ALTER TABLE t0 ADD COLUMN b text, rollback: ALTER TABLE t0 DROP COLUMN b }
  - { name: dual write, deploy: v2 }
  - name: backfill
    backfill: UPDATE t0 SET b = a WHERE id IN (SELECT id FROM t0 WHERE b IS DISTINCT FROM a LIMIT :batch)
  - name: verify
    verify: [{ name: same, empty: SELECT id FROM t0 WHERE a IS DISTINCT FROM b }]
  - { name: switch, deploy: v3 }
`;
}

it('the eight-step rename, the whole triangle', async () => {
  const text = await readFile(rename, 'utf8');
  await measure('rename, engine up', text, 7);
  const edited = (run: number): string => text.replaceAll('IS DISTINCT FROM', `IS DISTINCT /* ${run} */ FROM`);
  await measure('rename, edited: its backfills have changed', edited, 7, 'the run before');
  const times = Array.from({ length: 5 }, () => {
    const begun = performance.now();
    execFileSync(process.execPath, ['dist/cli.cjs', 'rehearse', rename], { stdio: 'ignore' });
    return performance.now() - begun;
  }).sort((a, b) => a - b);
  console.log(`rename, the whole command: least ${times[0]?.toFixed(0)} ms, median ${times[2]?.toFixed(0)} ms of 5`);
});

it('growth with the number of steps that share a schema', async () => {
  for (const steps of [5, 10, 20, 40]) await measure(`${steps} deploys`, deploys(steps), 3);
});

it('growth with tables and requests', { timeout: 900_000 }, async () => {
  for (const count of [1, 3, 6, 12]) await measure(`${count} tables apart`, tables(count, false), 1);
  for (const count of [3, 12]) await measure(`${count} tables tied together`, tables(count, true), 1);
});
