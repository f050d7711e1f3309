/** Drift put in at a verification: which kinds a check misses, and which can't be there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

/** What the check of a plan misses: the messages of the finding and of what is listed under it. */
async function missed(text: string): Promise<readonly string[]> {
  const { report } = await rehearse(
    'plan.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  expect(report.errors).toEqual([]);
  expect(report.findings.filter((f) => f.severity === 'error')).toEqual([]);
  const found = report.findings.filter((f) => f.rule === 'verify-misses-drift');
  expect(found.length).toBeLessThan(2);
  return found.flatMap((f) => [f.message, ...f.consequences.map((c) => c.message)]);
}

/** items are copied to articles, in which a trigger keeps them. */
function tableMove(check: string, column = 'title text NOT NULL'): string {
  return `title: table move
database:
  schema: CREATE TABLE items (id int PRIMARY KEY, title text)
  seed: INSERT INTO items VALUES (1, 'Lamp'), (2, 'Desk')
  production: { items: { rows: 100 } }
params: { title: [Chair, Shelf] }
versions:
  v1:
    retitle: UPDATE items SET title = :title WHERE id = :id
    get: SELECT id, title FROM items WHERE id = :id
  v2:
    extends: v1
    get: SELECT id, title FROM articles WHERE id = :id
steps:
  - name: create articles
    migrate: |
      CREATE TABLE articles (id int PRIMARY KEY, ${column});
      CREATE FUNCTION copy_item() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE articles SET title = NEW.title WHERE id = NEW.id;
        RETURN NEW;
      END $$;
      CREATE TRIGGER copy_item AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION copy_item();
    rollback: DROP TRIGGER copy_item ON items; DROP FUNCTION copy_item(); DROP TABLE articles
  - name: backfill
    backfill: |
      INSERT INTO articles SELECT i.id, i.title FROM items i
      WHERE NOT EXISTS (SELECT FROM articles a WHERE a.id = i.id) ORDER BY i.id LIMIT :batch
  - name: verify
    verify:
${check}
  - name: switch reads
    deploy: v2
`;
}

/** nick is copied to handle in the same row. */
function columnCopy(check: string): string {
  return `title: column
database:
  schema: CREATE TABLE profiles (id int PRIMARY KEY, nick text)
  seed: INSERT INTO profiles VALUES (1, 'ada')
  production: { profiles: { rows: 100 } }
versions:
  v1:
    set_nick: UPDATE profiles SET nick = :nick WHERE id = :id
    get: SELECT id, nick FROM profiles WHERE id = :id
  v2:
    extends: v1
    set_nick: UPDATE profiles SET nick = :nick, handle = :nick WHERE id = :id
  v3:
    extends: v2
    get: SELECT id, handle FROM profiles WHERE id = :id
steps:
  - name: expand
    migrate: ALTER TABLE profiles ADD COLUMN handle text
    rollback: ALTER TABLE profiles DROP COLUMN handle
  - name: dual write
    deploy: v2
  - name: backfill
    backfill: |
      UPDATE profiles SET handle = nick WHERE id IN (
        SELECT id FROM profiles WHERE handle IS DISTINCT FROM nick ORDER BY id LIMIT :batch)
  - name: verify
    verify:
${check}
  - name: switch reads
    deploy: v3
`;
}

/** The one label of each photo goes to a table of its own, whose key has it; `copy` is what the backfill does with the rows. */
function labelMove(check: string, copy: string): string {
  return `title: labels
database:
  schema: CREATE TABLE photos (id int PRIMARY KEY, label text NOT NULL)
  seed: INSERT INTO photos VALUES (1, 'sea'), (2, 'hill')
  production: { photos: { rows: 100 } }
versions:
  v1:
    get: SELECT id, label FROM photos WHERE id = :id
  v2:
    get: SELECT photo, label FROM labels WHERE photo = :id
steps:
  - name: create labels
    migrate: CREATE TABLE labels (photo int REFERENCES photos, label text, PRIMARY KEY (photo, label))
    rollback: DROP TABLE labels
  - name: backfill
    backfill: |
      WITH missing AS (
        SELECT id, label FROM photos p WHERE NOT EXISTS (SELECT FROM labels l WHERE l.photo = p.id) ORDER BY id LIMIT :batch
      )${copy}
  - name: verify
    verify:
${check}
  - name: switch reads
    deploy: v2
`;
}

const equal = (a: string, b: string): string => `      - { name: same, equal: ["${a}", "${b}"] }`;

describe('a table that was copied', () => {
  it('is verified by comparing every row', async () => {
    expect(await missed(tableMove(equal('SELECT id, title FROM items', 'SELECT id, title FROM articles')))).toEqual([]);
  });

  it('is not by counting: a stale row counts as well', async () => {
    expect(await missed(tableMove(equal('SELECT count(*) FROM items', 'SELECT count(*) FROM articles')))).toEqual([
      "with one row of articles with another title, the check still passes; v2 would then read (1, 'a')",
    ]);
  });

  it('is not by looking for rows that differ: those missing and those too many differ from nothing', async () => {
    const joined = `      - { empty: "SELECT i.id FROM items i JOIN articles a USING (id) WHERE a.title IS DISTINCT FROM i.title" }`;
    expect(await missed(tableMove(joined))).toEqual([
      'with one row of articles missing, the check still passes; v2 would then read no row',
      "with one row too many in articles, the check still passes; v2 would then read (3, 'Lamp')",
    ]);
  });

  it('is not by a comparison that NULL passes, where a NULL can be', async () => {
    const rows = equal('SELECT id FROM items', 'SELECT id FROM articles');
    const differs = `      - { empty: "SELECT i.id FROM items i JOIN articles a USING (id) WHERE a.title <> i.title" }`;
    expect(await missed(tableMove(`${rows}\n${differs}`, 'title text'))).toEqual([
      'with one row of articles with a NULL title, the check still passes; v2 would then read (1, NULL)',
    ]);
  });

  it('can have no row too many where a foreign key asks for its row', async () => {
    const joined = `      - { empty: "SELECT i.id FROM items i LEFT JOIN articles a USING (id) WHERE a.title IS DISTINCT FROM i.title" }`;
    expect(await missed(tableMove(joined))).toEqual([
      "with one row too many in articles, the check still passes; v2 would then read (3, 'Lamp')",
    ]);
    const bound = tableMove(joined).replace(
      'id int PRIMARY KEY, title text NOT NULL',
      'id int PRIMARY KEY REFERENCES items, title text NOT NULL',
    );
    expect(await missed(bound)).toEqual([]);
  });
});

describe('a column that was copied', () => {
  it('is verified by IS DISTINCT FROM', async () => {
    expect(
      await missed(columnCopy(`      - { empty: SELECT id FROM profiles WHERE handle IS DISTINCT FROM nick }`)),
    ).toEqual([]);
  });

  it('is not by <>, which no NULL satisfies', async () => {
    expect(await missed(columnCopy(`      - { empty: SELECT id FROM profiles WHERE handle <> nick }`))).toEqual([
      'with one row of profiles with a NULL handle, the check still passes; v3 would then read (1, NULL)',
    ]);
  });

  it('is not by counting, which neither a stale value nor a NULL changes', async () => {
    const rows = equal('SELECT count(*) FROM profiles', 'SELECT count(id) FROM profiles');
    expect(await missed(columnCopy(rows))).toHaveLength(2);
  });
});

describe('what a row says by its key', () => {
  const counted = equal('SELECT count(*) FROM photos', 'SELECT count(*) FROM labels');
  const insert = 'INSERT INTO labels (photo, label) SELECT id, label FROM missing';
  const stale = "with one row of labels with another label, the check still passes; v2 would then read (1, 'a')";

  it('is verified by comparing it, not by counting', async () => {
    expect(await missed(labelMove(counted, ` ${insert}`))).toEqual([stale]);
    const compared = equal('SELECT id, label FROM photos', 'SELECT photo, label FROM labels');
    expect(await missed(labelMove(compared, ` ${insert}`))).toEqual([]);
  });

  it('is drift too where the backfill writes it in a WITH', async () => {
    const within = `, copied AS (${insert} RETURNING photo) SELECT photo FROM copied`;
    expect(await missed(labelMove(counted, within))).toEqual([stale]);
  });
});
