/** SQL in the page: which versions are compared, what is marked in a step, what is offered, and Monaco's theme. */
import { describe, expect, it } from 'vitest';
import type { Moment, PlayedStep, PlayedVersion, TableView } from '../../simulator/player/model.ts';
import type { Finding } from '../../simulator/report/model.ts';
import { suggestions } from '../../webview/model/completion.ts';
import { baseOf, editorTheme, hexOf } from '../../webview/model/editor-theme.ts';
import { differenceText, proposed, textOf } from '../../webview/model/sql-comparison.ts';
import { marksOf } from '../../webview/model/step-sql.ts';

const place = { file: 'a.cutover.yaml', line: 1, column: 1 };
const version = (name: string, requests: Readonly<Record<string, string>>): PlayedVersion => ({
  name,
  requests: Object.entries(requests).map(([name, sql]) => ({
    name,
    kind: 'read' as const,
    params: [],
    sql: [sql],
    transaction: true,
    place,
  })),
});
const versions = [
  version('v1', { get: 'SELECT email FROM users', list: 'SELECT id FROM users' }),
  version('v2', { get: 'SELECT email FROM users', list: 'SELECT id FROM users' }),
  version('v3', { get: 'SELECT email_address FROM users', list: 'SELECT id FROM users' }),
];
const moment = (event: { version: string; request: string } | null, live: readonly string[]): Moment =>
  ({ event, live }) as unknown as Moment;
const finding = (fields: Partial<Finding>): Finding =>
  ({ rule: 'lost-write', severity: 'error', step: 'a', line: 1, column: 1, ...fields }) as unknown as Finding;

describe('what is compared', () => {
  it('is the request at the playhead, as the first version and as the one at the playhead run it', () => {
    expect(proposed({ versions, finding: null }, moment({ version: 'v3', request: 'get' }, ['v3']), null)).toEqual({
      request: 'get',
      before: 'v1',
      after: 'v3',
    });
  });

  it('is that of the finding elsewhere', () => {
    const of = { versions, finding: finding({ version: 'v3', request: 'get' }) };
    expect(proposed(of, moment(null, ['v1']), null)).toMatchObject({ request: 'get', after: 'v3' });
    expect(proposed(of, moment(null, ['v1']), 'list')).toMatchObject({ request: 'list' });
  });

  it('passes over versions that run the same', () => {
    expect(
      proposed({ versions, finding: null }, moment({ version: 'v2', request: 'get' }, ['v2']), null),
    ).toMatchObject({
      after: 'v3',
    });
  });

  it('is put into words', () => {
    expect(differenceText('v1', 'v3', ['SELECT email FROM users;', 'SELECT email_address FROM users;'])).toBe(
      'Only v1 has email; only v3 has email_address.',
    );
    expect(differenceText('v1', 'v2', ['a', 'a'])).toBe('v1 and v2 run the same.');
    expect(differenceText('v1', 'v1', ['a', 'a'])).toBe('v1 is compared with itself.');
    expect(differenceText('v1', 'v2', ['SELECT a, b', 'SELECT b, a'])).toBe(
      'v1 and v2 have the same words in another order.',
    );
  });

  it('says which version has no such request', () => {
    expect(textOf(null, 'v4')).toBe('-- v4 does not have this request');
  });
});

describe('what is marked in a step', () => {
  const step: PlayedStep = {
    name: 'a',
    index: 0,
    kind: 'migrate',
    sql: "SET LOCAL lock_timeout = '2s';\nALTER TABLE users\n  ADD COLUMN a text;\nSELECT 1;",
    statements: [
      { line: 1, place: { ...place, line: 40, column: 7 } },
      { line: 2, place: { ...place, line: 41, column: 7 } },
      { line: 4, place: { ...place, line: 43, column: 7 } },
    ],
    rollback: 'ALTER TABLE users DROP COLUMN a;',
    place,
  };

  it('is the statement that the finding points at, with all its lines', () => {
    const [mark] = marksOf([finding({ line: 41, column: 7 })], step).forward;
    expect([mark?.from, mark?.to]).toEqual([2, 3]);
  });

  it('is all of it where the finding points elsewhere', () => {
    const [mark] = marksOf([finding({ line: 12, column: 5 })], step).forward;
    expect([mark?.from, mark?.to]).toEqual([1, 4]);
  });

  it('is the way back for what is wrong with that, and nothing for other steps', () => {
    const { forward, rollback } = marksOf([finding({ rule: 'rollback-fails' }), finding({ step: 'b' })], step);
    expect([forward.length, rollback.length]).toEqual([0, 1]);
  });
});

describe('completion', () => {
  const tables: readonly TableView[] = [
    { name: 'users', columns: ['id', 'email'], key: ['id'], rows: [] },
    { name: 'orders', columns: ['id', 'user_id'], key: ['id'], rows: [] },
  ];
  const labels = (before: string, whole = before): readonly string[] =>
    suggestions(before, whole, tables).map(({ label }) => label);

  it('offers tables after FROM, JOIN, UPDATE and INTO, and nothing else', () => {
    for (const before of ['SELECT * FROM ', 'select 1 from us', 'UPDATE ', 'INSERT INTO ', 'SELECT 1 FROM users JOIN '])
      expect(labels(before)).toEqual(['users', 'orders']);
  });

  it('offers the columns of the tables that are named, also those named after the cursor', () => {
    expect(labels('SELECT ', 'SELECT  FROM orders').slice(0, 2)).toEqual(['id', 'user_id']);
    expect(labels('SELECT * FROM users WHERE ').slice(0, 2)).toEqual(['id', 'email']);
  });

  it('knows what a table is called in the text', () => {
    expect(labels('SELECT u.', 'SELECT u. FROM users u')).toEqual(['id', 'email']);
    expect(labels('SELECT users.em', 'SELECT users.em FROM users')).toEqual(['id', 'email']);
    expect(labels('SELECT x.', 'SELECT x. FROM users u')).toEqual([]);
  });
});

describe('the theme for Monaco', () => {
  it('takes colours in every way that the editor writes them', () => {
    expect(
      ['#abc', '#a1b2c3', '#a1b2c380', 'rgb(1, 2, 3)', 'rgba(255, 0, 0, 0.2)', 'rgb(1 2 3 / 50%)'].map(hexOf),
    ).toEqual(['#aabbcc', '#a1b2c3', '#a1b2c380', '#010203', '#ff000033', '#01020380']);
    expect(['', 'inherit', '13px', 'color-mix(in srgb, red, blue)'].map(hexOf)).toEqual([null, null, null, null]);
  });

  it('knows the four kinds', () => {
    expect(
      [
        ['vscode-light'],
        ['vscode-dark'],
        ['vscode-high-contrast'],
        ['vscode-high-contrast', 'vscode-high-contrast-light'],
      ].map(baseOf),
    ).toEqual(['vs', 'vs-dark', 'hc-black', 'hc-light']);
  });

  it('gives the editor’s names back to its variables', () => {
    const variables = new Map([
      ['--vscode-editor-background', '#1f1f1f'],
      ['--vscode-focusBorder', '#0078d4'],
      ['--vscode-editorBracketHighlight-unexpectedBracket.foreground', '#ff0000'],
      ['--vscode-editor-font-size', '14px'],
      ['--vscode-debugTokenExpression-string', '#ce9178'],
      ['--vscode-descriptionForeground', '#9d9d9d'],
      ['--vscode-diffEditor-insertedTextBackground', 'rgba(255, 0, 0, 0.2)'],
    ]);
    const { colors, rules, base } = editorTheme(variables, ['vscode-dark']);
    expect(base).toBe('vs-dark');
    expect(colors).toEqual({
      'editor.background': '#1f1f1f',
      focusBorder: '#0078d4',
      'editorBracketHighlight.unexpectedBracket.foreground': '#ff0000',
      'debugTokenExpression.string': '#ce9178',
      descriptionForeground: '#9d9d9d',
      'diffEditor.insertedTextBackground': '#ff00001a',
      'editor.placeholder.foreground': '#9d9d9d',
    });
    expect(rules).toContainEqual({ token: 'string.sql', foreground: 'ce9178' });
  });
});
