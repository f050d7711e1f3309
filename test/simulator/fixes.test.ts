/** Every fix is rehearsed by the real engine here, as it is before anybody is offered it; and its text is looked at. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { allowEdit } from '../../simulator/fixes/allow.ts';
import { applyEdits, PlanDocument } from '../../simulator/fixes/document.ts';
import { candidates, confirmedFixes, isMended, type FixInput } from '../../simulator/fixes/fixes.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

const signal = new AbortController().signal;
let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

async function rehearsed(text: string): Promise<PlanReport> {
  const { report } = await rehearse(
    'p.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  return report;
}

const found = ({ findings }: PlanReport) => findings.map(({ rule, step }) => `${rule} @ ${step}`);

async function inputOf(text: string, rule: string): Promise<FixInput> {
  const report = await rehearsed(text);
  const finding = report.findings.find((each) => each.rule === rule);
  if (finding === undefined) throw new Error(`${rule} was not found: ${found(report).join(', ')}`);
  return { file: 'p.cutover.yaml', sources: new Map([['p.cutover.yaml', text]]), report, finding };
}

const offered = (input: FixInput) => confirmedFixes(input, () => Promise.resolve(engine), { signal });

/** Lines that are in one text only, in order. */
function difference(before: string, after: string): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const table = a.map(() => b.map(() => 0));
  const at = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) [i, j] = [i + 1, j + 1];
    else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) lines.push(`-${a[i++]}`);
    else lines.push(`+${b[j++]}`);
  }
  return lines.join('\n');
}

/** What the first fix of that title does to the text, after another rehearsal has said that it mends. */
async function applied(text: string, rule: string, title: RegExp): Promise<string> {
  const input = await inputOf(text, rule);
  const fixes = await offered(input);
  const fix = fixes.find((each) => title.test(each.title));
  if (fix === undefined) throw new Error(`only ${fixes.map((each) => each.title).join('; ')}`);
  const after = applyEdits(text, fix.edits);
  const again = await rehearsed(after);
  expect(again.errors).toEqual([]);
  expect(found(again)).not.toContain(`${rule} @ ${input.finding.step}`);
  expect(found(input.report)).toEqual(expect.arrayContaining(found(again)));
  return difference(text, after);
}

const plan = (path: string) => readFile(path, 'utf8');

const orders = (step: string) => `title: Orders
database:
  schema: |
    CREATE TABLE users (id int PRIMARY KEY, email text);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL);
  seed: INSERT INTO users VALUES (1, 'a'); INSERT INTO orders VALUES (1, 1)
  production:
    users: { rows: 20M, size: 4 GB, reads: 500/s, writes: 50/s }
    orders: { rows: 90M, size: 20 GB, reads: 500/s, writes: 50/s }
versions:
  v1:
    get_user: SELECT id, email FROM users WHERE id = :id
    get_order: SELECT id, user_id FROM orders WHERE id = :id
steps:
${step}`;

describe('a fix', () => {
  test('IS NULL becomes IS DISTINCT FROM in a backfill, and the comment above stays', async () => {
    const text = await plan('examples/rename-column/backfill-is-null.cutover.yaml');
    expect(await applied(text, 'lost-write', /IS DISTINCT FROM/)).toMatchInlineSnapshot(`
      "-        SELECT id FROM users WHERE email_address IS NULL ORDER BY id LIMIT :batch)
      +        SELECT id FROM users WHERE email_address IS DISTINCT FROM email ORDER BY id LIMIT :batch)"
    `);
  });

  test('the missing step that drops NOT NULL is put before the version that stops writing the column', async () => {
    const text = await plan('examples/rename-column/not-null-left.cutover.yaml');
    expect(await applied(text, 'request-fails', /Drop NOT NULL/)).toMatchInlineSnapshot(`
      "+  - name: stop requiring email
      +    migrate: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
      +    rollback:
      +      - backfill: |
      +          UPDATE users SET email = email_address WHERE id IN (
      +            SELECT id FROM users WHERE email IS DISTINCT FROM email_address ORDER BY id LIMIT :batch)
      +        batch: 1000
      +        pause: 50ms
      +      - migrate: |
      +          SET LOCAL lock_timeout = '2s';
      +          ALTER TABLE users ADD CONSTRAINT users_email_is_set CHECK (email IS NOT NULL) NOT VALID;
      +      - migrate: ALTER TABLE users VALIDATE CONSTRAINT users_email_is_set
      +      - migrate: |
      +          SET LOCAL lock_timeout = '2s';
      +          ALTER TABLE users ALTER COLUMN email SET NOT NULL;
      +          ALTER TABLE users DROP CONSTRAINT users_email_is_set;
      +"
    `);
  });

  test('a way back copies the writes back', async () => {
    const text = await plan('test/plans/rollback-loses-writes/has.cutover.yaml');
    expect(await applied(text, 'rollback-loses-writes', /^Copy the writes back/)).toMatchInlineSnapshot(`
      "+    rollback:
      +      - backfill: |
      +          UPDATE profiles SET nick = handle WHERE id IN (
      +            SELECT id FROM profiles WHERE nick IS DISTINCT FROM handle ORDER BY id LIMIT :batch)
      +        batch: 1000"
    `);
  });

  test('a constraint is added NOT VALID, and validated by a step of its own', async () => {
    const text = orders(`  # Nobody orders for somebody who is not there.
  - name: add the key
    migrate: ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) # no cascade
    rollback: ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey # at any time
`);
    expect(await applied(text, 'full-scan-under-lock', /^NOT VALID first/)).toMatchInlineSnapshot(`
      "-    migrate: ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) # no cascade
      -    rollback: ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey # at any time
      +    migrate: | # no cascade
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
      +    rollback: | # at any time
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
      +  - name: add the key, validated
      +    migrate: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;
      +    rollback: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
      +      ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;"
    `);
  });

  test('a unique constraint gets its index concurrently first', async () => {
    const text = orders(`  - name: unique
    migrate: ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email)
    rollback: ALTER TABLE users DROP CONSTRAINT users_email_key
`);
    expect(await applied(text, 'full-scan-under-lock', /^Build the index concurrently/)).toMatchInlineSnapshot(`
      "-    migrate: ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email)
      -    rollback: ALTER TABLE users DROP CONSTRAINT users_email_key
      +    migrate: |
      +      CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);
      +    rollback: |
      +      DROP INDEX CONCURRENTLY users_email_key;
      +  - name: unique, done
      +    migrate: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;
      +    rollback:
      +      - migrate: |
      +          SET LOCAL lock_timeout = '2s';
      +          ALTER TABLE users DROP CONSTRAINT users_email_key;
      +      - migrate: |
      +          CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);"
    `);
  });

  test('NOT NULL is proven by a CHECK first', async () => {
    const text = await plan('test/plans/full-scan-under-lock/has.cutover.yaml');
    expect(await applied(text, 'full-scan-under-lock', /^Prove it/)).toMatchInlineSnapshot(`
      "-      ALTER TABLE users ALTER COLUMN born SET NOT NULL;
      +      ALTER TABLE users ADD CONSTRAINT users_born_is_set CHECK (born IS NOT NULL) NOT VALID;
      -      ALTER TABLE users ALTER COLUMN born DROP NOT NULL;
      +      ALTER TABLE users DROP CONSTRAINT users_born_is_set;
      +  - name: require born, validated
      +    migrate: |
      +      SET lock_timeout = '2s';
      +      ALTER TABLE users VALIDATE CONSTRAINT users_born_is_set;
      +    rollback: |
      +      SET lock_timeout = '2s';
      +      ALTER TABLE users DROP CONSTRAINT users_born_is_set;
      +      ALTER TABLE users ADD CONSTRAINT users_born_is_set CHECK (born IS NOT NULL) NOT VALID;
      +  - name: require born, NOT NULL
      +    migrate: |
      +      SET lock_timeout = '2s';
      +      ALTER TABLE users ALTER COLUMN born SET NOT NULL;
      +      ALTER TABLE users DROP CONSTRAINT users_born_is_set;
      +    rollback:
      +      - migrate: |
      +          SET lock_timeout = '2s';
      +          ALTER TABLE users ADD CONSTRAINT users_born_is_set CHECK (born IS NOT NULL) NOT VALID;
      +      - migrate: |
      +          SET lock_timeout = '2s';
      +          ALTER TABLE users VALIDATE CONSTRAINT users_born_is_set;
      +      - migrate: |
      +          SET lock_timeout = '2s';
      +          ALTER TABLE users ALTER COLUMN born DROP NOT NULL;"
    `);
  });

  test('an index is built, and taken back, concurrently', async () => {
    const text = orders(`  - name: index
    migrate: | # for the search
      -- Nobody has seen it yet.
      CREATE INDEX users_email ON users (email) /* short */
    rollback: 'DROP INDEX users_email' # at any time
`);
    expect(await applied(text, 'full-scan-under-lock', /^Build the index concurrently/)).toMatchInlineSnapshot(`
      "-      CREATE INDEX users_email ON users (email) /* short */
      -    rollback: 'DROP INDEX users_email' # at any time
      +      /* short */
      +      CREATE INDEX CONCURRENTLY users_email ON users (email)
      +    rollback: | # at any time
      +      DROP INDEX CONCURRENTLY users_email"
    `);
  });

  test('lock_timeout comes first, forward and back', async () => {
    const text = await plan('test/plans/lock-queue/has.cutover.yaml');
    expect(await applied(text, 'lock-queue', /lock_timeout/)).toMatchInlineSnapshot(`
      "-    migrate: ALTER TABLE users ADD COLUMN nick text
      -    rollback: ALTER TABLE users DROP COLUMN nick
      +    migrate: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE users ADD COLUMN nick text
      +    rollback: |
      +      SET LOCAL lock_timeout = '2s';
      +      ALTER TABLE users DROP COLUMN nick"
    `);
  });

  test('a backfill of one statement is done in batches by the primary key', async () => {
    const text = await plan('test/plans/backfill-in-one-transaction/has.cutover.yaml');
    expect(await applied(text, 'backfill-in-one-transaction', /^In batches/)).toMatchInlineSnapshot(`
      "-    backfill: UPDATE items SET slug = lower(title)
      +    backfill: |
      +      UPDATE items SET slug = lower(title) WHERE id IN (
      +        SELECT id FROM items WHERE slug IS DISTINCT FROM lower(title) ORDER BY id LIMIT :batch)
      +    batch: 1000"
    `);
  });

  test('keeps Windows line ends', async () => {
    const text = (await plan('test/plans/lock-queue/has.cutover.yaml')).replaceAll('\n', '\r\n');
    const [fix] = await offered(await inputOf(text, 'lock-queue'));
    const after = applyEdits(text, fix!.edits);
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(found(await rehearsed(after))).toEqual([]);
  });
});

describe('no fix is offered', () => {
  test('that a rehearsal did not confirm: without the copy, the way back of the new step fails', async () => {
    const input = await inputOf(await plan('examples/rename-column/not-null-left.cutover.yaml'), 'request-fails');
    const written = await candidates(input, () => Promise.resolve(engine), signal);
    expect(written).toHaveLength(2);
    expect(await offered(input)).toHaveLength(1);
    const after = await rehearsed(applyEdits(input.sources.get(input.file)!, written[1]!.edits));
    expect(found(after)).toContain('rollback-fails @ stop requiring email');
    expect(isMended(input.report, after, input.finding)).toBe(false);
  });

  test('that does not help: old pods write after the backfill, whatever it compares', async () => {
    const input = await inputOf(await plan('test/extension/workspace/stock.cutover.yaml'), 'lost-write');
    const written = await candidates(input, () => Promise.resolve(engine), signal);
    expect(written.map(({ title }) => title)).toEqual(['Fill: compare with IS DISTINCT FROM']);
    expect(await offered(input)).toEqual([]);
  });

  test('of what the plan allows, or for a rule that has none', async () => {
    const text = (await plan('test/plans/lock-queue/has.cutover.yaml')).replace(
      '    rollback:',
      "    allow: [{ rule: lock-queue, reason: 'at night' }]\n    rollback:",
    );
    expect(await offered(await inputOf(text, 'lock-queue'))).toEqual([]);
    const never = await inputOf(await plan('test/plans/backfill-never-ends/has.cutover.yaml'), 'backfill-never-ends');
    expect(await offered(never)).toEqual([]);
  });

  test('when a search was cut short, which proves nothing', async () => {
    const input = await inputOf(await plan('test/plans/lock-queue/has.cutover.yaml'), 'lock-queue');
    const cut = await confirmedFixes(input, () => Promise.resolve(engine), { signal, maxStates: 1 });
    expect(cut).toEqual([]);
  });

  test('of a step that does two things in one transaction', async () => {
    const text = orders(`  - name: both
    migrate: |
      CREATE INDEX users_email ON users (email);
      ALTER TABLE users ADD COLUMN nick text;
    rollback: |
      ALTER TABLE users DROP COLUMN nick;
      DROP INDEX users_email;
`);
    expect(await offered(await inputOf(text, 'full-scan-under-lock'))).toEqual([]);
  });
});

describe('an allowance', () => {
  async function allowing(text: string): Promise<string> {
    const loaded = await loadPlan('p.cutover.yaml', () => Promise.resolve(text));
    if (!loaded.ok) throw new Error(loaded.errors[0]?.message);
    const { finding } = await inputOf(text, 'lock-queue');
    const edit = allowEdit(loaded.plan, new PlanDocument(text), finding, '"at night"');
    return edit === null ? text : applyEdits(text, [edit]);
  }

  test.each([
    ['of its own', ''],
    ['in a list in brackets', '    allow: [{ rule: table-rewrite, reason: small }]\n'],
    ['in a list in lines', '    allow:\n      - rule: table-rewrite\n        reason: small # it is\n'],
    ['in a list of braces', '    allow:\n      - { rule: table-rewrite, reason: small }\n'],
  ])('%s is accepted, with its reason', async (_, allow) => {
    const text = orders(`  - name: add
    migrate: ALTER TABLE users ADD COLUMN nick text
${allow}    rollback: ALTER TABLE users DROP COLUMN nick
`);
    const after = await rehearsed(await allowing(text));
    const queue = after.findings.find(({ rule }) => rule === 'lock-queue');
    expect(after.errors).toEqual([]);
    expect(queue?.allowed).toBe('at night');
  });
});
