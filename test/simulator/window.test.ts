/** Announced windows: while the app is stopped nobody is served, on the way there and on the way back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

async function errorsOf(steps: string): Promise<readonly string[]> {
  const text = `title: t
database:
  schema: CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL)
  seed: INSERT INTO a VALUES (1, 1)
params: { id: [1] }
versions:
  v1:
    set: UPDATE a SET v = 7 WHERE id = :id
    get: SELECT id, v FROM a WHERE id = :id
steps:
${steps}
`;
  const { report } = await rehearse(
    'p.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  expect(report.errors).toEqual([]);
  return report.findings.filter((f) => f.severity === 'error').map((f) => f.rule);
}

// Half way, the column has a name that the app does not know.
const thereAndBack = ['ALTER TABLE a RENAME v TO w', 'ALTER TABLE a RENAME w TO v'];
const forward = `  - name: twice
    migrate: ${thereAndBack.join('; ')}
    transaction: false
    rollback: SELECT 1
`;
const back = `  - name: index
    migrate: CREATE INDEX by_v ON a (v)
    rollback: [${[...thereAndBack, 'DROP INDEX by_v'].map((sql) => `{ migrate: ${sql} }`).join(', ')}]
`;

test.each([
  ['between two statements of a step', forward, 'request-fails'],
  ['between two steps of a way back', back, 'rollback-breaks-requests'],
])('%s nobody is served while the app is stopped', async (_, step, rule) => {
  expect(await errorsOf(step)).toContain(rule);
  expect(await errorsOf(`${step}    offline: true`)).toEqual([]);
});
