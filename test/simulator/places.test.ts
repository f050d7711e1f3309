/** Where the player says that a plan keeps what a column of the reference holds. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const fromDisk = (path: string): Promise<string> => readFile(path, 'utf8');

async function placesIn(file: string, read = fromDisk): Promise<string[]> {
  const opened = await openPlan(file, read, () => Promise.resolve(engine), null);
  if (!opened.ok) throw new Error(opened.message);
  const { places } = await new Player(opened.playable, engine).record();
  for (const { reference, places: found } of places) {
    expect(found[0]).toEqual({ ...reference, role: 'old' });
    expect(found.slice(1).map(({ role }) => role)).toEqual(found.slice(1).map(() => 'new'));
  }
  return places.map((p) => p.places.map(({ table, column }) => `${table}.${column}`).join(' → '));
}

test.each([
  ['what is read in the same place', 'examples/rename-column/plan', ['users.id', 'users.email → users.email_address']],
  [
    'what is written with the same parameter, where the reader computes',
    'examples/cents-to-decimal/plan',
    ['payments.id', 'payments.amount → payments.amount_v2'],
  ],
  [
    'a column that moves to a table of its own',
    'test/plans/corpus/split-table',
    ['users.id', 'users.street → addresses.street'],
  ],
  [
    'a table under another name',
    'test/plans/corpus/rename-table-with-view',
    ['users.id → accounts.id', 'users.email → accounts.email'],
  ],
  [
    'a table whose name another takes over',
    'test/plans/corpus/swap-tables',
    ['items.id → items_new.id', 'items.title → items_new.title'],
  ],
  [
    'two tables that take over each other’s names',
    'test/plans/corpus/tables-renamed-in-a-ring',
    ['contacts.id → leads.id', 'contacts.name → leads.name', 'leads.id → contacts.id', 'leads.name → contacts.name'],
  ],
  [
    'one column that becomes two',
    'test/plans/corpus/split-name',
    ['people.id', 'people.name → people.first_name → people.other_names'],
  ],
  [
    'two columns that become one',
    'test/plans/corpus/merge-columns',
    ['contacts.id', 'contacts.home → contacts.phone', 'contacts.mobile → contacts.phone'],
  ],
  [
    'a type that changes under a trigger',
    'test/plans/corpus/trigger-rederives',
    ['payments.id', 'payments.amount → payments.amount_v2', 'payments.note'],
  ],
  [
    'a table of another schema, with names that are quoted',
    'test/plans/corpus/other-schema',
    ['app.members.team', 'app.members.No', 'app.members.nick → app.members.Handle', 'app.members.joined At'],
  ],
  [
    'what a script copies',
    'test/plans/posts/script-backfill-guarded',
    ['members.id', 'members.email → members.email_ci'],
  ],
  ['a column that is only added', 'test/plans/corpus/add-not-null', ['items.id', 'items.title']],
])('%s: %s', async (_what, plan, expected) => {
  expect(await placesIn(`${plan}.cutover.yaml`)).toEqual(expected);
});

/** A table in which a column is renamed that no request reads. */
const unread = (steps: string): string => `title: nobody reads it
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text, other text)
  seed: INSERT INTO t VALUES (1, 'x', 'y')
versions:
  v1:
    set: UPDATE t SET a = 'p' WHERE id = :id
    get: SELECT id FROM t WHERE id = :id
steps:
${steps}`;

test('a column under another name that no request reads', async () => {
  const steps = '  - migrate: ALTER TABLE t RENAME COLUMN a TO b\n    rollback: ALTER TABLE t RENAME COLUMN b TO a\n';
  expect(await placesIn('x.cutover.yaml', () => Promise.resolve(unread(steps)))).toEqual(['t.id', 't.a → t.b']);
});

test('a column that goes while another comes', async () => {
  const steps =
    '  - migrate: ALTER TABLE t ADD COLUMN b text\n    rollback: none\n  - migrate: ALTER TABLE t DROP COLUMN a\n    rollback: none\n';
  expect(await placesIn('x.cutover.yaml', () => Promise.resolve(unread(steps)))).toEqual(['t.id', 't.a → t.b']);
});

test('a column that stays where it is has one place, also when another is made of it', async () => {
  const steps = `  - migrate: ALTER TABLE t ADD COLUMN b text
    rollback: ALTER TABLE t DROP COLUMN b
  - backfill: UPDATE t SET b = id || 'x' WHERE id IN (SELECT id FROM t WHERE b IS NULL LIMIT :batch)
`;
  expect(await placesIn('x.cutover.yaml', () => Promise.resolve(unread(steps)))).toEqual(['t.id', 't.a']);
});
