/** The values that parameters take where no column of a table is in sight: behind a view, or a function. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

async function domain(request: string, more: string, params = ''): Promise<Record<string, unknown>> {
  const text = `title: values
database:
  schema: |
    CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
    ${more}
  seed: INSERT INTO users VALUES (1, 'Ada'), (5, 'Bob')
${params}versions:
  v1:
    rename: UPDATE users SET name = :name WHERE id = :id
    request: ${request}
steps: [{ name: note, migrate: "COMMENT ON TABLE users IS 'x'", rollback: none }]
`;
  const { report } = await rehearse(
    'plan.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  expect(report.errors).toEqual([]);
  return report.exploration.domain;
}

it('takes keys that are met through a view, by another name and through another view', async () => {
  const views = `CREATE VIEW people AS SELECT name AS who, id AS number FROM users;
    CREATE VIEW fellows AS SELECT number AS n, who FROM people WHERE who <> 'x';`;
  const found = await domain('SELECT who FROM fellows WHERE n = :number', views);
  expect(found['request.number']).toEqual(['1', '5', '6']);
  const written = await domain('INSERT INTO people VALUES (:who, :number)', views);
  expect(written['request.number']).toEqual(['1', '5', '6']);
});

it('takes keys of the same name for what is handed to a function', async () => {
  const called = `CREATE FUNCTION who(key int) RETURNS text LANGUAGE sql AS 'SELECT name FROM users WHERE id = key';`;
  expect((await domain('SELECT who(:id)', called))['request.id']).toEqual(['1', '5', '6']);
  expect((await domain('SELECT who(:other)', called))['request.other']).toEqual(['7', '8']);
  expect((await domain('SELECT who(:id)', called, 'params: { id: [5] }\n'))['request.id']).toEqual(['5']);
});
