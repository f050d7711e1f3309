/**
 * Finds parameters (`:name`, `:row.column`) with Postgres' own lexer, so that nothing in a string, a
 * comment or a dollar quote, no cast and no array slice is taken for one.
 */
import { hasSqlDetails, parseSync, scanSync } from 'libpg-query';
import type { ScanToken } from 'libpg-query';

export interface Hole {
  readonly piece:
    | { readonly kind: 'param'; readonly name: string }
    | { readonly kind: 'field'; readonly row: string; readonly column: string };
  /** Offsets in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SqlToken extends Span {
  readonly isIdentifier: boolean;
  /** How far it is reserved, as Postgres says it (`RESERVED_KEYWORD`, …); null for what is no keyword. */
  readonly keyword: string | null;
}

export interface Lexed {
  readonly ok: true;
  readonly holes: readonly Hole[];
  /** Tokens without comments. */
  readonly tokens: readonly SqlToken[];
  /** Places of `$1`, which a plan does not use. */
  readonly dollars: readonly number[];
}
export interface SqlSyntaxError {
  readonly ok: false;
  readonly message: string;
  readonly offset: number;
}

// Token numbers of Postgres 18's grammar; the lexer names only some of them.
const token = {
  ident: 258,
  operator: 265,
  param: 267,
  lineComment: 275,
  blockComment: 276,
  closeParen: 41,
  dot: 46,
  colon: 58,
  openBracket: 91,
  closeBracket: 93,
};
/** Identifiers, strings, numbers, `$1`; among their numbers is that of operators. */
const isOperand = (type: number): boolean => type >= token.ident && type <= token.param && type !== token.operator;

/** From byte offsets of the UTF-8 text, which libpg-query counts in, to offsets in the string. */
export function byteOffsets(text: string): (byte: number) => number {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return (byte) => Math.min(byte, text.length);
  const starts: number[] = [];
  for (let i = 0; i < text.length;) {
    const code = text.codePointAt(i) ?? 0;
    const bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (let n = 0; n < bytes; n += 1) starts.push(i);
    i += code > 0xffff ? 2 : 1;
  }
  return (byte) => starts[byte] ?? text.length;
}

/** From an index of code points, which the parser's errors count in. */
function codePointOffset(text: string, index: number): number {
  let at = 0;
  for (let n = 0; n < index && at < text.length; n += 1) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

/** An error of the parser as Postgres words it, with its place; null for anything else that was thrown. */
export function syntaxError(text: string, error: unknown): SqlSyntaxError | null {
  if (error instanceof RangeError) return { ok: false, message: 'the statement is nested too deeply', offset: 0 };
  if (!hasSqlDetails(error)) return null;
  const cursor = error.sqlDetails?.cursorPosition ?? 0;
  return { ok: false, message: error.message, offset: codePointOffset(text, Math.max(0, cursor)) };
}

/**
 * The scanner does not say what was wrong. The parser does, if it gets as far as the place: so what looks
 * like a parameter is replaced first, roughly, in the same length.
 */
function scanError(text: string): SqlSyntaxError {
  const rough = text.replace(/(?<![:\w)\]]):[A-Za-z_][\w.]*/g, (match) => '$1'.padEnd(match.length));
  try {
    parseSync(rough);
  } catch (error) {
    const found = syntaxError(text, error);
    if (found !== null) return found;
  }
  return { ok: false, message: 'this text could not be split into tokens', offset: 0 };
}

function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase();
}

interface Reader {
  readonly text: string;
  readonly tokens: readonly (ScanToken & Span)[];
}

const isName = (candidate: ScanToken | undefined): boolean =>
  candidate !== undefined && (candidate.tokenType === token.ident || candidate.keywordName !== 'NO_KEYWORD');

/**
 * After an operand no parameter can follow: the colon belongs to a slice `a[1:n]` or to `JSON_OBJECT(k:v)`.
 * Within brackets a keyword can be a column (`a[value:n]`); elsewhere it is one that an operand follows (`LIMIT :n`).
 */
function closesOperand(previous: (ScanToken & Span) | undefined, colon: number, inBrackets: boolean): boolean {
  if (previous === undefined) return false;
  // Glued to a word, `LIKE:x`, it would not be one to Postgres' lexer either when it is written as `$1`.
  if (isName(previous) && previous.end === colon) return true;
  if (
    isOperand(previous.tokenType) ||
    previous.tokenType === token.closeParen ||
    previous.tokenType === token.closeBracket
  )
    return true;
  return inBrackets && (previous.keywordName === 'UNRESERVED_KEYWORD' || previous.keywordName === 'COL_NAME_KEYWORD');
}

/** The hole that begins with the colon at `index`, and the tokens that it takes; null if it is none. */
function holeAt({ text, tokens }: Reader, index: number): { readonly hole: Hole; readonly taken: number } | null {
  const [colon, name, dot, column] = tokens.slice(index, index + 4);
  if (
    colon === undefined ||
    name === undefined ||
    name.start !== colon.end ||
    !isName(name) ||
    text[name.start] === '"'
  )
    return null;
  const written = text.slice(name.start, name.end);
  const hasField =
    dot?.tokenType === token.dot && dot.start === name.end && column?.start === dot.end && isName(column);
  if (!hasField || column === undefined) {
    return { hole: { piece: { kind: 'param', name: written }, start: colon.start, end: name.end }, taken: 2 };
  }
  const field = unquoted(text.slice(column.start, column.end));
  return {
    hole: { piece: { kind: 'field', row: written, column: field }, start: colon.start, end: column.end },
    taken: 4,
  };
}

function findHoles(reader: Reader): readonly Hole[] {
  const holes: Hole[] = [];
  let depth = 0;
  let afterHole = false;
  for (let i = 0; i < reader.tokens.length;) {
    const current = reader.tokens[i];
    if (current?.tokenType === token.openBracket) depth += 1;
    if (current?.tokenType === token.closeBracket) depth = Math.max(0, depth - 1);
    const free: boolean = !afterHole && !closesOperand(reader.tokens[i - 1], current?.start ?? 0, depth > 0);
    const found: ReturnType<typeof holeAt> = current?.tokenType === token.colon && free ? holeAt(reader, i) : null;
    afterHole = found !== null;
    if (found !== null) holes.push(found.hole);
    i += found?.taken ?? 1;
  }
  return holes;
}

function sqlToken({ start, end, tokenType, keywordName }: ScanToken & Span): SqlToken {
  const keyword = keywordName === 'NO_KEYWORD' ? null : keywordName;
  return { start, end, isIdentifier: tokenType === token.ident, keyword };
}

export function lexSql(text: string): Lexed | SqlSyntaxError {
  if (text.trim() === '') return { ok: true, holes: [], tokens: [], dollars: [] };
  const nul = text.indexOf('\0');
  if (nul !== -1) return { ok: false, message: 'an SQL text cannot hold the character NUL', offset: nul };
  let scanned: readonly ScanToken[];
  try {
    // The scanner's answer is JSON in which it does not escape control characters.
    // eslint-disable-next-line no-control-regex
    scanned = scanSync(text.replace(/[\x01-\x08\x0b\x0c\x0e-\x1f]/g, ' ')).tokens;
  } catch {
    return scanError(text);
  }
  const offset = byteOffsets(text);
  const tokens = scanned
    .filter(({ tokenType }) => tokenType !== token.lineComment && tokenType !== token.blockComment)
    .map((each) => ({ ...each, start: offset(each.start), end: offset(each.end) }));
  const dollars = tokens.filter(({ tokenType }) => tokenType === token.param).map(({ start }) => start);
  return { ok: true, holes: findHoles({ text, tokens }), tokens: tokens.map(sqlToken), dollars };
}

/** The text with `$1` in every hole, in the same length: places stay what they were. */
export function fillHoles(text: string, holes: readonly Hole[]): string {
  let filled = '';
  let at = 0;
  for (const { start, end } of holes) {
    filled += `${text.slice(at, start)}${'$1'.padEnd(end - start)}`;
    at = end;
  }
  return filled + text.slice(at);
}
