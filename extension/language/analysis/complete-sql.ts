/** Completion inside of SQL: parameters, rows, tables and columns. Keywords are left to those who know SQL. */
import type { Completion, CompletionKind } from '../protocol.ts';
import type { Analysis } from './analysis.ts';
import type { RequestNames } from './names.ts';
import { escaped } from './snippets.ts';
import type { SqlPlace } from './sql-place.ts';
import { sqlTextOf, statementAt, tablesOf, wantsTable, wordsOf, type SqlText, type Word } from './sql-text.ts';
import type { Column, Table } from './tables.ts';
import { treeAt, type Path, type ScalarNode, type Span } from './tree.ts';

interface SqlSpot {
  readonly analysis: Analysis;
  readonly place: SqlPlace;
  readonly path: Path;
  readonly offset: number;
  /** What of a name is written before the cursor. */
  readonly replace: Span;
  /** The words before that. */
  readonly before: readonly Word[];
  /** The words of the statement, on both sides. */
  readonly statement: readonly Word[];
}

/** Null where the cursor is in a string or a comment. */
function spotAt(
  analysis: Analysis,
  place: SqlPlace,
  path: Path,
  scalar: ScalarNode | null,
  offset: number,
): SqlSpot | null {
  const text: SqlText =
    scalar === null ? { span: { start: offset, end: offset }, text: '' } : sqlTextOf(analysis.text, scalar, offset);
  const typed = wordsOf(text, offset);
  if (typed === null) return null;
  const last = typed.at(-1);
  const isTyping = last !== undefined && last.end === offset && last.kind !== 'other';
  const before = isTyping ? typed.slice(0, -1) : typed;
  const start = isTyping ? last.start : offset;
  const all = wordsOf(text) ?? typed;
  return {
    analysis,
    place,
    path,
    offset,
    replace: { start, end: offset },
    before: statementAt(before, start),
    statement: statementAt(all, start),
  };
}

export function completeSql(
  analysis: Analysis,
  place: SqlPlace,
  path: Path,
  scalar: ScalarNode | null,
  offset: number,
  trigger: string | null,
): readonly Completion[] {
  const spot = spotAt(analysis, place, path, scalar, offset);
  if (spot === null) return [];
  const { before, replace } = spot;
  const [third, second, last] = [before.at(-3), before.at(-2), before.at(-1)];
  const touches = last?.end === replace.start;
  if (last?.name === ':' && touches) return parameters(spot);
  if (last?.name === '.' && touches && second !== undefined) {
    const isRow = third?.name === ':' && third.end === second.start;
    return isRow ? rowColumns(spot, second.name) : columnsOf(spot, second.name);
  }
  if (wantsTable(before)) return tables(spot, '0');
  // Nobody wants a list after every space, but there are words behind which columns come.
  const isAsked = trigger === null || (trigger === ' ' && beforeColumn.includes(last?.name ?? ''));
  if (!isAsked) return [];
  return [...columns(spot), ...tables(spot, '2')];
}

const beforeColumn: readonly string[] = ['select', 'where', 'and', 'or', 'set', 'by', 'on', 'having', 'returning', ','];

function item(
  spot: SqlSpot,
  label: string,
  kind: CompletionKind,
  more: Partial<Pick<Completion, 'detail' | 'documentation' | 'sort' | 'goesOn' | 'snippet'>>,
): Completion {
  return {
    label,
    kind,
    detail: '',
    documentation: '',
    snippet: escaped(label),
    replace: spot.replace,
    sort: `1${label}`,
    goesOn: false,
    ...more,
  };
}

/** Tables and columns as SQL writes them. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const formatParameters: Readonly<Record<string, string>> = {
  batch: 'Rows in a batch. The search runs batches of one row, the finest interleaving.',
  from: 'Where the key range of this batch begins; `by` names the key.',
  to: 'Where the key range of this batch ends; the end is not in it.',
};

export function formatParameter(name: string): string | null {
  return formatParameters[name] ?? null;
}

function parameters(spot: SqlSpot): readonly Completion[] {
  const { place } = spot;
  switch (place.kind) {
    case 'backfill':
      return place.parameters.map((name) =>
        item(spot, name, 'param', { detail: 'of the backfill', documentation: formatParameters[name] ?? '' }),
      );
    case 'write':
      return readColumns(spot, place.owner).map((name) =>
        item(spot, name, 'param', { detail: 'of the row that was read' }),
      );
    case 'stream':
      return place.rows.map((row) =>
        item(spot, row, 'param', { detail: changedRow[row], snippet: `${row}.`, goesOn: true }),
      );
    case 'request':
      return requestParameters(spot, place.version, place.request);
    default:
      return [];
  }
}

const changedRow = { new: 'the row after the change', old: 'the row before the change' } as const;

/** The columns of the table whose changes a stream mirrors. */
function sourceColumns(spot: SqlSpot, owner: Path): readonly string[] {
  const table = treeAt(spot.analysis.root, [...owner, 'cdc', 'table']);
  return table?.kind === 'scalar' && typeof table.value === 'string' ? columnNames(spot, table.value) : [];
}

function requestParameters(spot: SqlSpot, version: string, name: string): readonly Completion[] {
  const { names } = spot.analysis;
  const requests = names.versions.flatMap(({ requests }) => requests);
  const rows = requests.find((each) => each.version === version && each.name === name)?.rows ?? [];
  const found = new Map<string, Completion>();
  const add = (label: string, detail: string, sort: string, more: Partial<Completion> = {}) => {
    if (!found.has(label)) found.set(label, item(spot, label, 'param', { detail, sort: `${sort}${label}`, ...more }));
  };
  for (const row of rows) add(row.name, 'a row of this request', '0', { snippet: `${row.name}.`, goesOn: true });
  for (const each of requests.filter((request) => request.name === name))
    for (const param of paramsOf(each, spot.replace)) add(param, `a parameter of ${name}`, '1');
  for (const { name: param, values } of names.params) add(param, values, '2');
  for (const each of requests)
    for (const param of paramsOf(each, spot.replace)) add(param, `a parameter of ${each.name}`, '3');
  for (const { column } of namedColumns(spot)) add(column.name, 'as the column', '4');
  return [...found.values()];
}

/** What is being typed is no parameter yet. */
function paramsOf({ holes }: RequestNames, typed: Span): readonly string[] {
  return holes.flatMap(({ piece, start }) => (piece.kind === 'param' && start + 1 !== typed.start ? [piece.name] : []));
}

/** The columns of the row that an earlier statement of the request names. */
function rowColumns(spot: SqlSpot, row: string): readonly Completion[] {
  const { analysis, place, path } = spot;
  if (place.kind === 'write') return readColumns(spot, place.owner).map((name) => item(spot, name, 'column', {}));
  if (place.kind === 'stream') return sourceColumns(spot, place.owner).map((name) => item(spot, name, 'column', {}));
  if (place.kind !== 'request') return [];
  const list = treeAt(
    analysis.root,
    path.slice(
      0,
      path.findLastIndex((step) => typeof step === 'number'),
    ),
  );
  const statement = list?.kind === 'seq' ? list.items.find(({ value }) => isNamed(value, row))?.value : undefined;
  const sql = statement === undefined ? undefined : treeAt(statement, ['sql']);
  return sql?.kind === 'scalar' ? outputsOf(spot, sql).map((name) => item(spot, name, 'column', {})) : [];
}

function isNamed(tree: Parameters<typeof treeAt>[0], row: string): boolean {
  const as = treeAt(tree, ['as']);
  return as?.kind === 'scalar' && as.value === row;
}

function readColumns(spot: SqlSpot, owner: Path): readonly string[] {
  const read = treeAt(spot.analysis.root, [...owner, 'backfill', 'read']);
  return read?.kind === 'scalar' ? outputsOf(spot, read) : [];
}

/** The names of what a SELECT gives: the last word of each item of its list, or every column for a star. */
function outputsOf(spot: SqlSpot, sql: ScalarNode): readonly string[] {
  const words = wordsOf(sqlTextOf(spot.analysis.text, sql)) ?? [];
  const from = words.findIndex(({ name }) => name === 'from');
  const select = words.findIndex(({ name }) => name === 'select');
  if (select === -1) return [];
  const items = words.slice(select + 1, from === -1 ? undefined : from);
  let depth = 0;
  const names = items.flatMap(({ name, kind }, index) => {
    if (name === '(') depth++;
    if (name === ')') depth--;
    const ends = depth === 0 && (items[index + 1]?.name === ',' || index === items.length - 1);
    if (ends && name === '*') return tablesOf(words).flatMap(({ table }) => columnNames(spot, table));
    return ends && kind === 'name' ? [name] : [];
  });
  return [...new Set(names)];
}

function columnNames(spot: SqlSpot, table: string): readonly string[] {
  return (known(spot).find(({ name }) => name === table)?.columns ?? []).map(({ name }) => name);
}

/** The tables and columns that may be there at this place: a request may run at any step, a step at its own time. */
function known({ analysis: { tables, names }, path }: SqlSpot): readonly Table[] {
  const [section, here] = path;
  const indexOf = (step: string | null) => (step === null ? -1 : names.steps.findIndex(({ name }) => name === step));
  const isThere = ({ addedBy, droppedBy }: Pick<Column, 'addedBy' | 'droppedBy'>): boolean => {
    if (section === 'database') return addedBy === null;
    if (section !== 'steps' || typeof here !== 'number') return true;
    return indexOf(addedBy) <= here && (droppedBy === null || indexOf(droppedBy) >= here);
  };
  return tables.filter(isThere).map((table) => ({ ...table, columns: table.columns.filter(isThere) }));
}

function tables(spot: SqlSpot, sort: string): readonly Completion[] {
  return known(spot).map((table) =>
    item(spot, table.name, 'table', {
      detail: historyOf(table, 'a table'),
      documentation: table.columns.map((column) => `- \`${column.name}\` ${column.type}`).join('\n'),
      snippet: escaped(quoted(table.name)),
      sort: `${sort}${table.name}`,
    }),
  );
}

export function historyOf({ addedBy, droppedBy }: Pick<Column, 'addedBy' | 'droppedBy'>, what: string): string {
  const since = addedBy === null ? [] : [`since ${addedBy}`];
  const until = droppedBy === null ? [] : [`until ${droppedBy}`];
  return [what, ...since, ...until].filter((part) => part !== '').join(', ');
}

interface NamedColumn {
  readonly column: Column;
  readonly table: string;
}

/** The columns of the tables that the statement names; of all tables, where it names none yet. */
function namedColumns(spot: SqlSpot): readonly NamedColumn[] {
  const all = known(spot);
  const named = tablesOf(spot.statement).map(({ table }) => table);
  const own = all.filter(({ name }) => named.includes(name));
  return (own.length > 0 ? own : all).flatMap((table) =>
    table.columns.map((column) => ({ column, table: table.name })),
  );
}

function columns(spot: SqlSpot): readonly Completion[] {
  const found = new Map<string, Completion>();
  for (const { column, table } of namedColumns(spot)) {
    const known = found.get(column.name);
    const detail =
      known === undefined ? historyOf(column, `${table} ${column.type}`.trim()) : `${known.detail}; ${table}`;
    found.set(column.name, columnItem(spot, column, detail));
  }
  return [...found.values()];
}

function columnItem(spot: SqlSpot, column: Column, detail: string): Completion {
  return item(spot, column.name, 'column', { detail, snippet: escaped(quoted(column.name)) });
}

/** Behind `alias.` or `table.`; `excluded` has the columns of the table that is written to. */
function columnsOf(spot: SqlSpot, qualifier: string): readonly Completion[] {
  const named = tablesOf(spot.statement);
  const target = qualifier === 'excluded' ? named[0] : named.find(({ alias }) => alias === qualifier);
  const name = target?.table ?? qualifier;
  const table = known(spot).find((each) => each.name === name);
  return (table?.columns ?? []).map((column) =>
    columnItem(spot, column, historyOf(column, `${name} ${column.type}`.trim())),
  );
}
