/** Texts with a `|` where the cursor is, as the language features see them. */
import { analyse, type Analysis } from '../../extension/language/analysis/analysis.ts';
import { complete } from '../../extension/language/analysis/complete.ts';
import type { Completion } from '../../extension/language/protocol.ts';

export const planPath = 'plans/a.cutover.yaml';

/** A `|` that YAML would take for a block is no cursor: the cursor is `▮`. */
export const mark = '▮';

export interface Marked {
  readonly text: string;
  readonly offset: number;
}

export function unmark(marked: string): Marked {
  const offset = marked.indexOf(mark);
  if (offset === -1) throw new Error('no cursor');
  return { text: marked.slice(0, offset) + marked.slice(offset + mark.length), offset };
}

export async function analysed(text: string, files: Readonly<Record<string, string>> = {}): Promise<Analysis> {
  return analyse(planPath, text, (path) => {
    const file = files[path];
    return file === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(file);
  });
}

export async function completed(
  marked: string,
  trigger: string | null = null,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly Completion[]> {
  const { text, offset } = unmark(marked);
  const items = complete(await analysed(text, files), offset, trigger);
  return items.toSorted((a, b) => (a.sort < b.sort ? -1 : a.sort > b.sort ? 1 : 0));
}

export async function labels(marked: string, trigger: string | null = null): Promise<readonly string[]> {
  return (await completed(marked, trigger)).map(({ label }) => label);
}

/** The text after a completion was taken, with its first stop as the cursor and its other stops as their defaults. */
export async function taken(marked: string, label: string): Promise<string> {
  const { text } = unmark(marked);
  const found = (await completed(marked)).find((each) => each.label === label);
  if (found === undefined) throw new Error(`${label} is not offered`);
  const inserted = found.snippet
    .replace(/\$\{\d+\|([^,|]*)[^}]*\}/g, '$1')
    .replace(/\$\{\d+:([^}]*)\}/g, '$1')
    .replace(/\$\{?\d+\}?/g, '')
    .replace(/\\([\\$}])/g, '$1');
  return text.slice(0, found.replace.start) + inserted + text.slice(found.replace.end);
}

/** Two tables, three versions, all kinds of steps; tests put pieces in place of the lines that they are about. */
export const plan = `title: Rename users.email
database:
  schema: |
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, "Total" int);
  production:
    users: { rows: 100M }
params:
  email: [a@x.io, b@x.io]
versions:
  v1:
    get_user: SELECT id, email FROM users WHERE id = :id
    set_email: UPDATE users SET email = :email WHERE id = :id
    pay:
      - { as: order_row, sql: 'SELECT id, user_id FROM orders WHERE id = :order' }
      - UPDATE users SET email = :order_row.user_id WHERE id = :order_row.id
  v2:
    extends: v1
    set_email: UPDATE users SET email = :email, mail = :email WHERE id = :id
  v3:
    extends: v2
    params:
      id: [7]
    get_user: SELECT id, mail FROM users WHERE id = :id
steps:
  - name: expand
    migrate: ALTER TABLE users ADD COLUMN mail text
    rollback: ALTER TABLE users DROP COLUMN mail
  - name: dual write
    deploy: v2
  - name: backfill
    backfill: |
      UPDATE users SET mail = email WHERE id IN (
        SELECT id FROM users WHERE mail IS DISTINCT FROM email ORDER BY id LIMIT :batch)
    batch: 1000
  - name: check
    verify:
      - name: same
        empty: SELECT id FROM users WHERE mail IS DISTINCT FROM email
  - name: switch
    deploy: v3
  - name: contract
    migrate: ALTER TABLE users DROP COLUMN email
    rollback: none
    allow:
      - { rule: no-rollback, reason: It is over. }
`;

/** The plan with one text replaced by another, which has the cursor. */
export function edited(old: string, text: string): string {
  if (!plan.includes(old)) throw new Error(`${old} is not in the plan`);
  return plan.replace(old, () => text);
}
