/** Hover, definitions, references, names to rename, and the outline. */
import { describe, expect, test } from 'vitest';
import { hover } from '../../extension/language/analysis/hover.ts';
import { outlineOf } from '../../extension/language/analysis/outline.ts';
import { namesAt } from '../../extension/language/analysis/symbols.ts';
import type { Domain, OutlineItem, Span } from '../../extension/language/protocol.ts';
import { analysed, edited, plan, planPath, unmark } from './language-helpers.ts';

async function hovered(marked: string, domain: Domain | null = null): Promise<string | null> {
  const { text, offset } = unmark(marked);
  return hover(await analysed(text), offset, domain)?.markdown ?? null;
}

/** A span as people see it: its line, from 1, with the name in brackets. */
function shown(text: string, { start, end }: Span): string {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const line = `${text.slice(from, start)}[${text.slice(start, end)}]${text.slice(end).split('\n', 1)[0] ?? ''}`;
  return `${text.slice(0, start).split('\n').length}: ${line.trim()}`;
}

async function named(marked: string) {
  const { text, offset } = unmark(marked);
  const names = namesAt(await analysed(text), offset);
  if (names === null) return null;
  const lines = (spans: readonly Span[]) => spans.map((span) => shown(text, span));
  return { ...names, definitions: lines(names.definitions), occurrences: lines(names.occurrences) };
}

describe('hover', () => {
  test('a key is explained as the schema does', async () => {
    expect(await hovered(edited('    batch: 1000', '    ba▮tch: 1000'))).toBe(
      '**batch**\n\nRows in a batch in production.',
    );
    expect(await hovered(edited('database:', 'data▮base:'))).toContain('before the first step');
    expect(await hovered(edited('    deploy: v3', '    deploy: v3\n    wait: dra▮ined'))).toContain(
      'One of `caught-up`, `drained`.',
    );
    expect(await hovered(edited('    rollback: none', '    rollb▮ack: none'))).toContain('**rollback**');
  });

  test('a version: what it answers, and where it is live', async () => {
    const text =
      '**v2**, extends v1\n\nLive from step 2, dual write, until step 5, switch, is done.\n\n- `set_email`\n- `get_user` (as v1)\n- `pay` (as v1)';
    expect(await hovered(edited('    deploy: v2', '    deploy: v▮2'))).toBe(text);
    expect(await hovered(edited('    extends: v2', '    extends: ▮v2'))).toBe(text);
    expect(await hovered(edited('  v2:', '  v2▮:'))).toBe(text);
    expect(await hovered(edited('  v1:', '  ▮v1:'))).toMatch(
      /Live before step 1, until step 2, dual write, is done\.\n\nThe reference/,
    );
    expect(await hovered(edited('    deploy: v3', '    deploy: ▮v9'))).toBeNull();
  });

  test('a version that has a request no longer does not list it', async () => {
    const text = await hovered(edited('  v2:\n    extends: v1\n', '  v▮2:\n    extends: v1\n    pay: null\n'));
    expect(text).toContain('- `get_user` (as v1)');
    expect(text).not.toContain('pay');
  });

  test('a parameter: the values that are stated and those that were searched', async () => {
    const domain = { 'set_email.email': ['a@x.io', null], 'set_email.id': ['1'], 'get_user.id': ['1', '2'] };
    const place = edited('SET email = :email WHERE', 'SET email = :em▮ail WHERE');
    expect(await hovered(place)).toBe('**:email**\n\nThe plan states its values: `[a@x.io, b@x.io]`.');
    expect(await hovered(place, domain)).toContain('The last search tried, in `set_email.email`: `a@x.io`, NULL.');
    expect(
      await hovered(edited('FROM users WHERE id = :id\n    set', 'FROM users WHERE id = :i▮d\n    set'), domain),
    ).toBe('**:id**\n\nThe last search tried, in `get_user.id`: `1`, `2`.');
    expect(
      await hovered(edited('id, mail FROM users WHERE id = :id', 'id, mail FROM users WHERE id = ▮:id')),
    ).toContain('`[7]`');
    expect(await hovered(edited('  email: [', '  em▮ail: ['), domain)).toContain('set_email.email');
    expect(await hovered(edited('LIMIT :batch', 'LIMIT :ba▮tch'))).toContain('Rows in a batch');
    expect(await hovered(edited(':order_row.id', ':order_row.▮id'))).toContain(
      'Column `id` of the row that `as: order_row` names.',
    );
  });

  test('a rule, with its page; a request; a table and a column', async () => {
    expect(await hovered(edited('rule: no-rollback', 'rule: no-▮rollback'))).toMatch(
      /^\*\*no-rollback\*\* \(error\)[\s\S]*\(command:cutover\.openRule\?%5B%22no-rollback%22%5D\)$/,
    );
    expect(
      await hovered(
        edited(
          '    set_email: UPDATE users SET email = :email, mail',
          '    set▮_email: UPDATE users SET email = :email, mail',
        ),
      ),
    ).toBe('**set_email**, a request of v2\n\nIn place of that of v1.\n\nParameters: `:email`, `:id`.');
    expect(await hovered(edited('id, mail FROM users', 'id, ma▮il FROM users'))).toBe(
      '**users.mail** text, since expand',
    );
    expect(await hovered(edited('id, mail FROM users', 'id, mail FROM us▮ers'))).toContain(
      '- `email` text, until contract',
    );
  });

  test('none where nothing is, and none in strings', async () => {
    expect(await hovered(edited('title: Rename users.email', 'title: Rename ▮users.email'))).toBeNull();
    expect(await hovered(edited('SELECT id, mail', "SELECT 'ma▮il'"))).toBeNull();
  });
});

describe('definitions and references', () => {
  test('of a version, from deploy and extends', async () => {
    const occurrences = ['17: [v2]:', '21: extends: [v2]', '30: deploy: [v2]'];
    for (const place of [edited('    deploy: v2', '    deploy: v2▮'), edited('    extends: v2', '    extends: ▮v2')])
      expect(await named(place)).toMatchObject({
        kind: 'version',
        name: 'v2',
        definitions: ['17: [v2]:'],
        occurrences,
        taken: ['v1', 'v3'],
      });
  });

  test('of a parameter: the nearest values that are stated', async () => {
    const id = await named(edited('id, mail FROM users WHERE id = :id', 'id, mail FROM users WHERE id = :▮id'));
    expect(id).toMatchObject({ kind: 'param', name: 'id', definitions: ['23: [id]: [7]'] });
    expect(id?.occurrences).toContain('12: get_user: SELECT id, email FROM users WHERE id = :[id]');
    const email = await named(edited('mail = :email', 'mail = :emai▮l'));
    expect(email?.definitions).toEqual(['9: [email]: [a@x.io, b@x.io]']);
    expect(email?.occurrences).toHaveLength(4);
    // v1 knows nothing of what v3 states.
    expect(
      (await named(edited('email FROM users WHERE id = :id', 'email FROM users WHERE id = :i▮d')))?.definitions,
    ).toEqual([]);
  });

  test('of a request: the version that it comes from', async () => {
    const place = edited('    get_user: SELECT id, mail', '    get_us▮er: SELECT id, mail');
    expect(await named(place)).toMatchObject({
      kind: 'request',
      definitions: ['12: [get_user]: SELECT id, email FROM users WHERE id = :id'],
      occurrences: [
        '12: [get_user]: SELECT id, email FROM users WHERE id = :id',
        '24: [get_user]: SELECT id, mail FROM users WHERE id = :id',
      ],
    });
  });

  test('of a row: the statement that names it, in this request alone', async () => {
    const place = edited(':order_row.id', ':or▮der_row.id');
    const row = await named(place);
    expect(row).toMatchObject({ kind: 'row', name: 'order_row' });
    expect(row?.definitions).toHaveLength(1);
    expect(row?.definitions[0]).toMatch(/^15: - { as: \[order_row\], sql/);
    expect(row?.occurrences).toHaveLength(3);
  });

  test('a row of the same name in another request is another', async () => {
    const request = (name: string) =>
      `    ${name}:\n      - { as: row, sql: SELECT a FROM t }\n      - UPDATE t SET a = :row.a\n`;
    const found = await named(`versions:\n  v1:\n${request('one')}${request('two')}`.replace(':row.a', ':r▮ow.a'));
    expect(found?.occurrences).toEqual(['4: - { as: [row], sql: SELECT a FROM t }', '5: - UPDATE t SET a = :[row].a']);
  });

  test('the names of batches, and keys of the format, are not the plan’s', async () => {
    expect(await named(edited('LIMIT :batch', 'LIMIT :ba▮tch'))).toBeNull();
    expect(await named(edited('    batch: 1000', '    ba▮tch: 1000'))).toBeNull();
  });

  test('renaming everywhere gives a plan of the same names', async () => {
    const { text, offset } = unmark(edited('    deploy: v2', '    deploy: v2▮'));
    const found = namesAt(await analysed(text), offset);
    const last = (found?.occurrences ?? []).toSorted((a, b) => b.start - a.start);
    const renamed = last.reduce((now, { start, end }) => `${now.slice(0, start)}both${now.slice(end)}`, text);
    expect(renamed).toBe(text.replaceAll(/\bv2\b/g, 'both'));
  });
});

describe('outline', () => {
  const tree = (items: readonly OutlineItem[]): readonly unknown[] =>
    items.map(({ name, children }) => (children.length === 0 ? name : [name, ...tree(children)]));

  test('sections, versions with their requests, steps with what they do', () => {
    const { items } = outlineOf(planPath, plan);
    expect(tree(items)).toEqual([
      'title',
      ['database', 'schema', ['production', 'users']],
      ['params', 'email'],
      ['versions', ['v1', 'get_user', 'set_email', 'pay'], ['v2', 'set_email'], ['v3', 'get_user']],
      ['steps', 'expand', 'dual write', 'backfill', 'check', 'switch', 'contract'],
    ]);
    const steps = items.at(-1)?.children ?? [];
    expect(steps.map(({ detail }) => detail)).toEqual([
      'migrate',
      'deploy v2',
      'backfill',
      'verify',
      'deploy v3',
      'migrate',
    ]);
    for (const { whole, selection } of steps) {
      expect(whole.start).toBeLessThanOrEqual(selection.start);
      expect(whole.end).toBeGreaterThanOrEqual(selection.end);
    }
  });

  test('files that are named, as paths beside the plan', () => {
    const text = 'database:\n  schema: { file: sql/a.sql }\nsteps:\n  - migrate: { file: "../b.sql" }\n';
    expect(outlineOf(planPath, text).links.map(({ path, start, end }) => [text.slice(start, end), path])).toEqual([
      ['sql/a.sql', 'plans/sql/a.sql'],
      ['../b.sql', 'b.sql'],
    ]);
  });

  test('of a plan that is half typed', () => {
    const { items } = outlineOf(
      planPath,
      'versions:\n  v1:\n    a: SELECT :\n    b: "SELECT\n  v2\nsteps:\n  - name: x\n  - \n  - dep',
    );
    expect(tree(items)).toEqual([
      ['versions', ['v1', 'a', 'b'], 'v2'],
      ['steps', 'x', 'step 2', 'step 3'],
    ]);
  });
});
