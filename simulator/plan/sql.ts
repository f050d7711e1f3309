/** SQL texts as the plan sees them: split into statements by Postgres' own parser, parameters found, places kept. */
import { loadModule, parseSync } from 'libpg-query';
import { body, isNode, list, tagged, text as textOf } from './ast.ts';
import { factsOf } from './facts.ts';
import { byteOffsets, fillHoles, lexSql, syntaxError } from './lexer.ts';
import type { Hole, Span, SqlSyntaxError } from './lexer.ts';
import type { Location, Piece, PlanError, Statement } from './model.ts';
import type { TextSource } from './source.ts';
import { loneOperands } from './operands.ts';
import { usesOf } from './uses.ts';

/** Loads the parser. To be awaited once, before anything else of this module; calling it again costs nothing. */
export async function initParser(): Promise<void> {
  await loadModule();
}

export interface PlacedHole {
  readonly piece: Hole['piece'];
  readonly location: Location;
}

export interface PlacedStatement {
  readonly statement: Statement;
  readonly holes: readonly PlacedHole[];
  /** The first `$1` written in it, which a plan does not use. */
  readonly dollar: Location | null;
  /** The statement's body in the parse tree. */
  readonly tree: Readonly<Record<string, unknown>>;
  /** For SET, the name of what is set; for BEGIN and its like, the parser's kind. */
  readonly detail: string | null;
}

export type ParsedSql =
  | { readonly ok: true; readonly statements: readonly PlacedStatement[] }
  | { readonly ok: false; readonly error: PlanError };

interface Parsed {
  readonly tag: string;
  readonly node: Readonly<Record<string, unknown>>;
  readonly span: Span;
}

function sqlError(source: TextSource, { message, offset }: SqlSyntaxError): ParsedSql {
  const error: PlanError = {
    code: 'sql-syntax',
    message: `SQL: ${message}`,
    location: source.locate(offset),
    suggestion: null,
  };
  return { ok: false, error };
}

/** The span of a statement's tokens: without the comments around it and without the semicolon. */
function spanOf(tokens: readonly Span[], start: number, end: number): Span | null {
  const own = tokens.filter((token) => token.start >= start && token.end <= end);
  const [first, last] = [own[0], own.at(-1)];
  return first === undefined || last === undefined ? null : { start: first.start, end: last.end };
}

/** libpg-query counts in bytes of the text that it was given; it leaves out a location of 0 and the last length. */
function parsedStatements(filled: string, tokens: readonly Span[]): readonly Parsed[] {
  const offset = byteOffsets(filled);
  const parsed: Parsed[] = [];
  let firstToken = 0;
  for (const raw of list(parseSync(filled).stmts)) {
    const node = isNode(raw) ? tagged(raw['stmt']) : null;
    if (!isNode(raw) || node === null) continue;
    const from = typeof raw['stmt_location'] === 'number' ? raw['stmt_location'] : 0;
    const length = typeof raw['stmt_len'] === 'number' ? raw['stmt_len'] : 0;
    const start = offset(from);
    const end = length === 0 ? filled.length : offset(from + length);
    // Only the tokens that are left are looked at: a script of ten thousand statements has many.
    while ((tokens[firstToken]?.start ?? end) < start) firstToken += 1;
    let lastToken = firstToken;
    while ((tokens[lastToken]?.end ?? Number.POSITIVE_INFINITY) <= end) lastToken += 1;
    let own = tokens.slice(firstToken, lastToken);
    while (own.length > 0 && filled[own.at(-1)?.start ?? 0] === ';') own = own.slice(0, -1);
    const span = spanOf(own, start, end);
    firstToken = lastToken;
    if (span !== null) parsed.push({ tag: node.tag, node: node.body, span });
  }
  return parsed;
}

/** `lone`: where the parameters begin whose type has to be said. */
function piecesOf(text: string, span: Span, holes: readonly Hole[], lone: ReadonlySet<number>): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = span.start;
  for (const hole of holes) {
    if (hole.start > at) pieces.push({ kind: 'text', text: text.slice(at, hole.start) });
    const { piece } = hole;
    pieces.push(piece.kind === 'param' && lone.has(hole.start) ? { ...piece, isLoneOperand: true } : piece);
    at = hole.end;
  }
  if (at < span.end) pieces.push({ kind: 'text', text: text.slice(at, span.end) });
  return pieces;
}

function detailOf({ tag, node }: Parsed): string | null {
  if (tag === 'TransactionStmt') return textOf(node['kind']) ?? 'TRANS_STMT_BEGIN';
  return tag === 'VariableSetStmt' ? textOf(node['name']) : null;
}

/** Splits a text into statements and reads each one's parse tree. */
export function parseSql(source: TextSource): ParsedSql {
  const { text } = source;
  const lexed = lexSql(text);
  if (!lexed.ok) return sqlError(source, lexed);
  if (lexed.tokens.length === 0) return { ok: true, statements: [] };
  const filled = fillHoles(text, lexed.holes);
  try {
    const offset = byteOffsets(filled);
    const starts = new Map(lexed.holes.map((hole) => [hole.start, hole]));
    const paramAt = (location: number): string | null => {
      const piece = starts.get(offset(location))?.piece;
      return piece?.kind === 'param' ? piece.name : null;
    };
    const statements = parsedStatements(filled, lexed.tokens).map((parsed): PlacedStatement => {
      const { span } = parsed;
      const inside = (at: number): boolean => at >= span.start && at < span.end;
      const holes = lexed.holes.filter(({ start }) => inside(start));
      const dollar = lexed.dollars.find(inside);
      const lone = new Set([...loneOperands(parsed.node, paramAt)].map(offset));
      return {
        statement: {
          text: text.slice(span.start, span.end),
          pieces: piecesOf(text, span, holes, lone),
          location: source.locate(span.start),
          database: null,
          ...factsOf(parsed.tag, parsed.node),
          ...usesOf(parsed.tag, parsed.node, paramAt),
        },
        holes: holes.map(({ piece, start }) => ({ piece, location: source.locate(start) })),
        dollar: dollar === undefined ? null : source.locate(dollar),
        tree: parsed.node,
        detail: detailOf(parsed),
      };
    });
    return { ok: true, statements };
  } catch (error) {
    const found = syntaxError(filled, error);
    if (found === null) throw error;
    return sqlError(source, found);
  }
}

/** For texts that stand in no file: checks that it is one expression, without parameters. Gives an error at its place, or null. */
export function checkExpression(source: TextSource): PlanError | null {
  const prefix = 'SELECT (';
  // The closing bracket on a line of its own, so that a comment at the end of the expression does not hide it.
  const wrapped: TextSource = {
    text: `${prefix}${source.text}\n)`,
    locate: (offset) => source.locate(Math.min(source.text.length, Math.max(0, offset - prefix.length))),
  };
  const refuse = (message: string): PlanError => ({
    code: 'sql-expression',
    message,
    location: source.locate(0),
    suggestion: null,
  });
  const parsed = parseSql(wrapped);
  if (!parsed.ok) return parsed.error;
  const hole = parsed.statements.flatMap(({ holes }) => holes)[0];
  if (hole !== undefined)
    return {
      ...refuse('An expression here takes no parameters: it is over the columns of the answer.'),
      location: hole.location,
    };
  const select = parsed.statements.length === 1 ? body(list(parseSync(wrapped.text).stmts)[0], 'stmt') : null;
  const node = body(select, 'SelectStmt') ?? {};
  const targets = list(node['targetList']);
  const value = body(targets[0], 'ResTarget')?.['val'];
  const clauses = Object.keys(node).filter((key) => !['targetList', 'limitOption', 'op'].includes(key));
  const single = targets.length === 1 && clauses.length === 0 && body(value, 'RowExpr') === null;
  return single ? null : refuse('This must be one boolean SQL expression.');
}

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

function literal(name: string, value: string | null, integers: ReadonlySet<string>): string {
  if (value === null) return 'NULL';
  if (!integers.has(name) || !/^-?\d+$/.test(value)) return quoted(value);
  // In brackets: `-` before a negative number would begin a comment.
  return value.startsWith('-') ? `(${value})` : value;
}

export interface RenderOptions {
  /** Parameters whose integers are written without quotes. */
  readonly integers?: ReadonlySet<string>;
}

const bareIntegers: ReadonlySet<string> = new Set(['batch']);

/**
 * The statement with its parameters written in as literals (for `standard_conforming_strings = on`); what is
 * left open are columns of named rows. A parameter without a value stays as it was written: that fails loudly.
 */
export function renderStatement(
  statement: Statement,
  params: ReadonlyMap<string, string | null>,
  options: RenderOptions = {},
): (string | { row: string; column: string })[] {
  const integers = options.integers ?? bareIntegers;
  const rendered: (string | { row: string; column: string })[] = [];
  const seen = new Set<string>();
  for (const [i, piece] of statement.pieces.entries()) {
    if (piece.kind === 'field') {
      rendered.push({ row: piece.row, column: piece.column });
      continue;
    }
    const value = piece.kind === 'param' ? params.get(piece.name) : undefined;
    const missing = piece.kind === 'param' ? `:${piece.name}` : '';
    const text =
      piece.kind === 'text' ? piece.text : value === undefined ? missing : literal(piece.name, value, integers);
    const cast = piece.kind === 'param' ? castOf(statement.pieces, i, value ?? null, seen.has(piece.name)) : '';
    if (piece.kind === 'param') seen.add(piece.name);
    const last = rendered.at(-1);
    if (typeof last === 'string') rendered[rendered.length - 1] = last + text + cast;
    else rendered.push(text + cast);
  }
  return rendered;
}

/**
 * The type that a bound value has where a bare literal would be taken for another. A parameter has the type of
 * its first use, and a cast of a later use is done when it is reached: `CASE WHEN :x ~ '^[0-9]+$' THEN :x::int END`
 * takes any text. A fraction that is calculated with is sent as a number: `:euros * 100`. So are whole numbers in
 * `:quantity * :price` and `-:amount`: of bare literals alone Postgres can't tell which operator is meant.
 */
function castOf(pieces: readonly Piece[], at: number, value: string | null, again: boolean): string {
  return castOfValue(placeOf(pieces, at, again), value);
}

function castOfValue({ cast, calculates, isLone }: ValuePlace, value: string | null): string {
  if (value === null) return isLone ? '::int' : cast;
  if (calculates && /^-?\d+\.\d+$/.test(value)) return '::numeric';
  return isLone && /^-?\d+$/.test(value) ? integerCast(value) : cast;
}

/** The type that Postgres gives to a whole number that is written without quotes. */
function integerCast(value: string): string {
  const number = BigInt(value);
  if (BigInt.asIntN(32, number) === number) return '::int';
  return BigInt.asIntN(64, number) === number ? '::bigint' : '::numeric';
}

/** A place where a value stands. */
export interface ValuePlace {
  /** What has to be written behind it. */
  readonly cast: string;
  /** The value is calculated with. */
  readonly calculates: boolean;
  /** With nothing else that has a type. */
  readonly isLone: boolean;
}

/** The place of a parameter among the pieces of its statement. */
export function placeOf(pieces: readonly Piece[], at: number, again: boolean): ValuePlace {
  const next = followingText(pieces[at + 1]);
  if (next.startsWith('::')) return { cast: again ? '::text' : '', calculates: false, isLone: false };
  const before = precedingText(pieces[at - 1]);
  const piece = pieces[at];
  const isLone = piece?.kind === 'param' && piece.isLoneOperand === true;
  return { cast: '', calculates: isLone || /^[-+*/%](?!-)/.test(next) || /[+*/%]$/.test(before), isLone };
}

function followingText(piece: Piece | undefined): string {
  return piece?.kind === 'text' ? piece.text.trimStart() : '';
}

function precedingText(piece: Piece | undefined): string {
  return piece?.kind === 'text' ? piece.text.trimEnd() : '';
}

function constantText(constant: Readonly<Record<string, unknown>>): string | null {
  if (isNode(constant['sval'])) return textOf(constant['sval']['sval']) ?? '';
  if (isNode(constant['fval'])) return textOf(constant['fval']['fval']);
  // Zero is left out of the JSON.
  if (isNode(constant['ival'])) {
    const value = constant['ival']['ival'];
    return typeof value === 'number' ? String(value) : '0';
  }
  return null;
}

function collectConstants(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collectConstants(item, found);
  if (!isNode(value)) return;
  const operation = body(value, 'A_Expr');
  const negated =
    operation !== null && operation['lexpr'] === undefined && JSON.stringify(operation['name']).includes('"-"');
  const constant = body(negated ? operation['rexpr'] : value, 'A_Const');
  const text = constant === null ? null : constantText(constant);
  if (text !== null) found.add(negated ? `-${text}` : text);
  else for (const [key, inner] of Object.entries(value)) if (key !== 'typeName') collectConstants(inner, found);
}

/** The strings and numbers in a CHECK as `pg_get_constraintdef` writes it, in order, each once; empty if it does not parse. */
/** True when a CHECK constraint, as Postgres prints it, asks somewhere that a value be not NULL. */
export function refusesNull(definition: string): boolean {
  try {
    return asksNotNull(parseSync(`ALTER TABLE t ADD ${definition}`).stmts);
  } catch {
    return false;
  }
}

function asksNotNull(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksNotNull);
  if (!isNode(value)) return false;
  return body(value, 'NullTest')?.['nulltesttype'] === 'IS_NOT_NULL' || Object.values(value).some(asksNotNull);
}

export function constantsInCheck(definition: string): string[] {
  const found = new Set<string>();
  try {
    collectConstants(parseSync(`ALTER TABLE t ADD ${definition}`).stmts, found);
  } catch {
    return [];
  }
  return [...found];
}
