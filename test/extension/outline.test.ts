/** Where steps are found in a plan's text, however it is laid out. */
import { expect, test } from 'vitest';
import { placesOf } from '../../extension/outline.ts';
import { planOf } from './rehearsed.ts';

const head = `database:
  schema: CREATE TABLE t (id int PRIMARY KEY)
versions:
  v1:
    get: SELECT id FROM t WHERE id = :id
steps:
`;

async function lines(steps: string): Promise<readonly (readonly string[])[]> {
  const text = head + steps;
  const all = text.split('\n');
  const at = (line: number) => all[line]?.trim() ?? '';
  const places = placesOf(await planOf(text));
  return places.map(({ line, forwardLine, rollbackLine, endLine }) =>
    [line, forwardLine, rollbackLine, endLine].map(at),
  );
}

test('a step, its way forward and its way back are on lines of their own where they can be', async () => {
  const found = await lines(`  # The first.
  - name: add
    migrate: |
      ALTER TABLE t
        ADD COLUMN migrate int;

    rollback: ALTER TABLE t DROP COLUMN migrate
  # The second.
  - name: fill
    # How it is filled.
    backfill: UPDATE t SET migrate = 1 WHERE migrate IS NULL AND id IN (SELECT id FROM t LIMIT :batch)
    batch: 10

  - verify: [{ name: full, empty: SELECT 1 FROM t WHERE migrate IS NULL }]
`);
  expect(found).toEqual([
    [
      '- name: add',
      'migrate: |',
      'rollback: ALTER TABLE t DROP COLUMN migrate',
      'rollback: ALTER TABLE t DROP COLUMN migrate',
    ],
    ['- name: fill', expect.stringMatching(/^backfill:/), 'batch: 10', 'batch: 10'],
    [
      expect.stringMatching(/^- verify:/),
      expect.stringMatching(/^- verify:/),
      expect.stringMatching(/^- verify:/),
      expect.stringMatching(/^- verify:/),
    ],
  ]);
});

test('a step inside of another way back is none of the plan, and a step in braces has one line', async () => {
  const found =
    await lines(`- {name: add, migrate: ALTER TABLE t ADD COLUMN a int, rollback: ALTER TABLE t DROP COLUMN a}
- migrate: ALTER TABLE t ADD COLUMN b int
  rollback:
    - migrate: SELECT 1
    - migrate: ALTER TABLE t DROP COLUMN b
`);
  expect(found).toEqual([
    Array.from({ length: 4 }, () => expect.stringMatching(/^- {name: add/)),
    [
      '- migrate: ALTER TABLE t ADD COLUMN b int',
      '- migrate: ALTER TABLE t ADD COLUMN b int',
      'rollback:',
      '- migrate: ALTER TABLE t DROP COLUMN b',
    ],
  ]);
});
