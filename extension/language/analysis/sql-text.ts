/**
 * SQL as it stands in a plan, at the offsets of the plan, read by Postgres' own scanner: what is half typed does not parse
 * yet, but it has tokens. Strings and comments are the scanner's, so nothing in them is taken for a name.
 */
import { lexSql, type Hole, type SqlToken } from '../../../simulator/plan/lexer.ts';
import type { ScalarNode, Span } from './tree.ts';

export interface Word {
  /** As Postgres reads it: lower case, unless it was quoted. */
  readonly name: string;
  readonly isQuoted: boolean;
  readonly kind: 'name' | 'reserved' | 'other';
  readonly start: number;
  readonly end: number;
}

export interface NamedTable {
  readonly table: string;
  readonly alias: string | null;
  readonly span: Span;
}

/** A text of SQL at the offsets that it has in the plan. */
export interface SqlText {
  readonly span: Span;
  readonly text: string;
}

/**
 * What the YAML says, with a character for each that is written: an escape is padded, so that an offset in it is
 * an offset in the plan.
 */
export function sqlTextOf(source: string, { style, body }: ScalarNode, end = body.end): SqlText {
  const span = { start: body.start, end: Math.max(body.end, end) };
  const written = source.slice(span.start, span.end);
  switch (style) {
    case 'single':
      return { span, text: written.replaceAll("''", "' ") };
    case 'double':
      return { span, text: written.replace(/\\(.)/gs, (_, char: string) => (/["\\/]/.test(char) ? ` ${char}` : '  ')) };
    default:
      return { span, text: written };
  }
}

/** The tokens up to `end`; null inside of a string or a comment. */
export function wordsOf({ text, span }: SqlText, end = span.end): readonly Word[] | null {
  const cut = text.slice(0, end - span.start);
  if (isInLineComment(cut)) return null;
  const lexed = lexSql(cut);
  return lexed.ok ? lexed.tokens.map((token) => wordOf(cut, token, span.start)) : null;
}

/** The scanner leaves comments out: a letter more at the end is none of the tokens, if a comment goes on there. */
function isInLineComment(text: string): boolean {
  const probe = `${text} x`;
  const lexed = lexSql(probe);
  return lexed.ok && lexed.tokens.at(-1)?.end !== probe.length;
}

function wordOf(text: string, token: SqlToken, base: number): Word {
  const written = text.slice(token.start, token.end);
  const isQuoted = written.startsWith('"');
  const isName = token.isIdentifier || (token.keyword !== null && token.keyword !== 'RESERVED_KEYWORD');
  return {
    name: isQuoted ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase(),
    isQuoted,
    kind: isName ? 'name' : token.keyword === 'RESERVED_KEYWORD' ? 'reserved' : 'other',
    start: base + token.start,
    end: base + token.end,
  };
}

/** Parameters, at the offsets of the plan; none of a text that can't be split into tokens. */
export function holesOf({ text, span }: SqlText): readonly Hole[] {
  const lexed = lexSql(text);
  if (!lexed.ok) return [];
  return lexed.holes.map((hole) => ({ ...hole, start: hole.start + span.start, end: hole.end + span.start }));
}

/** The words of the statement that an offset is in: those between two semicolons. */
export function statementAt(words: readonly Word[], offset: number): readonly Word[] {
  const from = words.findLastIndex(({ name, end }) => name === ';' && end <= offset);
  const to = words.findIndex(({ name, start }) => name === ';' && start >= offset);
  return words.slice(from + 1, to === -1 ? undefined : to);
}

/** Behind these a table is named. */
const beforeTable: readonly string[] = [
  'from',
  'join',
  'update',
  'into',
  'table',
  'references',
  'truncate',
  'using',
  'only',
];

/** Whether the next word names a table: `FROM |`, `FROM a, |`, `ALTER TABLE IF EXISTS |`, `CREATE INDEX … ON |`. */
export function wantsTable(before: readonly Word[]): boolean {
  const last = before.at(-1);
  if (last === undefined || last.isQuoted) return false;
  if (last.name === 'exists') return before.at(-2)?.name === 'if';
  if (last.name === 'on') return before[0]?.name === 'create' && !before.some(({ name }) => name === 'from');
  if (last.name === 'update') return before.at(-2)?.name !== 'do' && before.at(-2)?.name !== 'for';
  // `a IS DISTINCT FROM b`
  if (last.name === 'from') return before.at(-2)?.name !== 'distinct';
  if (last.name === ',') return isInFromList(before);
  return beforeTable.includes(last.name);
}

/** `FROM a x, b y, |`: names, dots and commas only, back to a FROM. */
function isInFromList(before: readonly Word[]): boolean {
  const from = before.findLastIndex(({ name }) => name === 'from');
  if (from === -1 || before[from - 1]?.name === 'distinct') return false;
  return before
    .slice(from + 1)
    .every(({ kind, name }) => kind === 'name' || name === ',' || name === '.' || name === 'as');
}

/** The tables that a statement names, with their aliases. */
export function tablesOf(words: readonly Word[]): readonly NamedTable[] {
  const tables: NamedTable[] = [];
  for (let i = 0; i < words.length; i++) {
    let word = words[i];
    if (word?.kind !== 'name' || !wantsTable(words.slice(0, i))) continue;
    let last = i;
    while (words[last + 1]?.name === '.' && words[last + 2]?.kind === 'name') last += 2;
    word = words[last] ?? word;
    const after = words[last + 1]?.name === 'as' ? words[last + 2] : words[last + 1];
    const isAlias = after?.kind === 'name' && !notAliases.includes(after.name);
    tables.push({ table: word.name, alias: isAlias ? after.name : null, span: { start: word.start, end: word.end } });
  }
  return tables;
}

/** Words that Postgres lets be names, and that stand behind a table all the same. */
const notAliases: readonly string[] = ['set', 'values', 'add', 'alter', 'drop', 'rename', 'validate', 'join', 'left'];
