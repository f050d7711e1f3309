/** The row that a history is about, and the places of it that a request reads: from what was compared, else from its SQL. */
import type { ColumnName, Moment, View } from '../../simulator/player/model.ts';
import { referenceCells, touches } from './changes.ts';
import { mentions, relatedTables } from './places.ts';
import {
  cellOf,
  once,
  rowChoices,
  sameCell,
  subjectOf,
  tableOf,
  viewAt,
  viewsOf,
  type Subject,
  type Told,
} from './rows.ts';
import { behindAt, readsReplica, tablesRead } from './streams.ts';
import { answerDifference } from './values.ts';

type RequestEvent = NonNullable<Moment['event']>;

/** The row that a moment is about. `asker`: the request that is asked there, where it is one that was only tried. */
export function subjectAt(told: Told, at: number, asker = told.history.moments[at]): Subject | null {
  const event = asker?.event ?? null;
  // A replica that is behind has other rows than were compared.
  if (behindAt(told, asker) !== null) return asked(told, event) ?? compared(told, at, null) ?? firstRow(told);
  return compared(told, at, event) ?? asked(told, event) ?? touched(told, at) ?? firstRow(told);
}

/** A row that the reader finds otherwise than the app without the migration. Those that it asked for come first. */
function compared(told: Told, at: number, event: RequestEvent | null): Subject | null {
  const version = event?.version ?? null;
  const all = viewAt(told, at)?.differences ?? [];
  const read = all.filter((d) => version === null || d.readBy.includes(version));
  const values = Object.values(event?.params ?? {});
  const wanted = (row: string) => row.split(', ').some((part) => values.includes(part.slice(part.indexOf('=') + 1)));
  const chosen = read.find((d) => wanted(d.row)) ?? read[0];
  return chosen === undefined ? null : subjectOf(told, { table: chosen.table, key: chosen.row });
}

/** The row whose key the request was sent. The first version that has the request says in which table that is. */
function asked(told: Told, event: RequestEvent | null): Subject | null {
  if (event?.kind !== 'request') return null;
  const requests = told.recording.versions.flatMap((v) => v.requests.filter((r) => r.name === event.request));
  const texts = [...requests.map((r) => r.sql.join(';\n')), event.sql];
  const first = viewAt(told, 0);
  for (const sql of texts)
    for (const table of first?.tables ?? []) {
      if (table.key.length === 0 || !mentions(sql, table.name)) continue;
      const values = table.key.map((column) => sentFor(sql, column, event.params));
      if (values.some((v) => v === undefined)) continue;
      const known = values.map((v) => v ?? null);
      const name = table.key.map((c, i) => `${c}=${known[i] ?? 'NULL'}`).join(', ');
      return { table: table.name, name, columns: table.key, values: known };
    }
  return null;
}

function sentFor(sql: string, column: string, params: RequestEvent['params']): string | null | undefined {
  if (column in params) return params[column];
  const bound = Object.keys(params).find((p) => new RegExp(`\\b${column}\\s*=\\s*:${p}\\b`, 'i').test(sql));
  return bound === undefined ? undefined : params[bound];
}

/** The row that was touched last. */
function touched(told: Told, at: number): Subject | null {
  const first = viewAt(told, 0);
  const subjects = rowChoices(told)
    .map((choice) => subjectOf(told, choice))
    .filter((subject) => subject !== null)
    .toSorted((a, b) => rank(a) - rank(b));
  function rank({ table }: Subject): number {
    return tableOf(first?.tables ?? [], table) === null ? 1 : 0;
  }
  for (let i = at; i > 0; i -= 1) {
    if (told.history.moments[i]?.view === told.history.moments[i - 1]?.view) continue;
    const kind = told.history.moments[i]?.event?.kind;
    if (kind !== 'request' && kind !== 'batch') continue;
    const found = subjects.find((subject) => touches(told, i, subject, [subject.table]));
    if (found !== undefined) return found;
  }
  return null;
}

function firstRow(told: Told): Subject | null {
  const [choice] = rowChoices(told);
  return choice === undefined ? null : subjectOf(told, choice);
}

/** The places of a row that the request of a moment reads: none where that is not known. */
export function readsAt(
  told: Told,
  at: number,
  subject: Subject,
  moment: Moment | undefined = told.history.moments[at],
): readonly ColumnName[] {
  const event = moment?.event ?? null;
  const view = viewAt(told, at);
  if (event === null || view === null) return [];
  // What was compared is the primary.
  const compared = readsReplica(told, moment) ? [] : view.differences;
  const found = compared
    .filter((d) => d.column !== null && event.version !== null && d.readBy.includes(event.version))
    .filter((d) => d.row === subject.name || d.table !== subject.table)
    .map((d) => ({ table: d.table, column: d.column ?? '' }));
  return found.length > 0
    ? found
    : suspects(view, tablesRead(told, at, moment), subject, written(told, at, subject, event.sql, moment));
}

/** The columns that the SQL names, in those of its expressions whose values differ. */
function written(
  told: Told,
  at: number,
  subject: Subject,
  sql: string,
  moment: Moment | undefined,
): readonly ColumnName[] {
  const mentioned = tablesEver(told).filter((name) => mentions(sql, name));
  const tables = relatedTables(told, subject, mentioned).filter((name) => mentioned.includes(name));
  const differing =
    moment?.expected == null || moment.actual === null ? null : answerDifference(moment.expected, moment.actual);
  const items = selected(sql);
  const texts = (differing ?? []).map(({ place }) => items[place]).filter((text) => text !== undefined);
  const within = texts.length > 0 ? texts.join(', ') : sql;
  const names = aliases(sql);
  const view = viewAt(told, at);
  return tables.flatMap((table) => {
    const { columns = [], key = [] } = tableOf(view?.tables ?? [], table) ?? {};
    const told = key.slice(0, subject.values.length);
    return columns
      .filter((c) => !told.includes(c) && isOf(within, c, table, names))
      .map((column) => ({ table, column }));
  });
}

/** Of several places that are read, those that can be what is wrong: where no row is, else what the reference has otherwise. */
function suspects(
  view: View,
  tables: View['tables'],
  subject: Subject,
  places: readonly ColumnName[],
): readonly ColumnName[] {
  const missing = places.filter((place) => cellOf(tables, place, subject).kind === 'no-row');
  if (missing.length > 0) return missing;
  const same = (place: ColumnName) =>
    referenceCells(view, place, subject).some((cell) => sameCell(cell, cellOf(tables, place, subject)));
  const others = places.filter((place) => !same(place));
  return others.length > 0 ? others : places;
}

function tablesEver(told: Told): readonly string[] {
  return once(told, 'tables', () => [
    ...new Set(viewsOf(told).flatMap((view) => view.tables.map((table) => table.name))),
  ]);
}

/** Whether the text names the column as one of this table. */
function isOf(text: string, column: string, table: string, names: ReadonlyMap<string, string>): boolean {
  if (!mentions(text, column)) return false;
  const before = [...text.matchAll(/(\w+)\.("?)(\w+)\2/g)].filter((m) => m[3] === column).map((m) => m[1] ?? '');
  return before.length === 0 || before.some((name) => (names.get(name) ?? name) === table);
}

/** `FROM users u JOIN addresses a` → what each short name stands for. */
function aliases(sql: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, table = '', name = ''] of sql.matchAll(/\b(?:from|join)\s+([\w".]+)(?:\s+(?:as\s+)?(\w+))?/gi))
    if (name !== '') found.set(name, table.replaceAll('"', ''));
  return found;
}

/** What stands between SELECT and FROM, expression by expression. */
function selected(sql: string): readonly string[] {
  const start = /^\s*select\s/i.exec(sql);
  if (start === null) return [];
  const items: string[] = [];
  let depth = 0;
  let from = start[0].length;
  for (let i = from; i < sql.length; i += 1) {
    const char = sql[i];
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (depth === 0 && char === ',') {
      items.push(sql.slice(from, i));
      from = i + 1;
    } else if (depth === 0 && /\s/.test(char ?? '') && /^from\b/i.test(sql.slice(i + 1))) {
      return [...items, sql.slice(from, i)];
    }
  }
  return [...items, sql.slice(from)];
}
