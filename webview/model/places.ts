/**
 * Which columns hold the same data: the old place and the new one of what a row says. The recording names them; where it
 * does not, they are taken from what was compared while it was played, and from what the plan adds.
 */
import type { ColumnName, DataPlaces, TableView } from '../../simulator/player/model.ts';
import { once, rowsOf, tableOf, viewAt, viewsOf, type Subject, type Told } from './rows.ts';

export interface Place extends ColumnName {
  readonly role: 'old' | 'new';
}

/** A column of the reference with its places; `reference` is null for what the first version does not have. */
export interface Datum {
  readonly reference: ColumnName | null;
  readonly places: readonly Place[];
}

export function samePlace(a: ColumnName, b: ColumnName): boolean {
  return a.table === b.table && a.column === b.column;
}

/** `email`, or `articles.title` where several tables are shown. */
export function placeName({ table, column }: ColumnName, home: string | null): string {
  return table === home ? column : `${table}.${column}`;
}

/** Every column of a table that is there at any moment, in the order in which they come. */
function columnsEver(told: Told, table: string): readonly string[] {
  return once(told, `columns of ${table}`, () => {
    const names = new Set<string>();
    for (const view of viewsOf(told)) for (const c of tableOf(view.tables, table)?.columns ?? []) names.add(c);
    return [...names];
  });
}

/** The columns that tell the subject's row: of a longer key, the rest says something about it. */
function keysEver(told: Told, table: string, subject: Subject): ReadonlySet<string> {
  const { length } = subject.values;
  return once(told, `key of ${table}, ${length}`, () => {
    const names = new Set<string>();
    for (const view of viewsOf(told))
      for (const c of (tableOf(view.tables, table)?.key ?? []).slice(0, length)) names.add(c);
    return names;
  });
}

/** What was compared with which column of the reference, at any moment. */
function compared(told: Told): readonly { readonly now: ColumnName; readonly reference: ColumnName }[] {
  return once(told, 'compared', () => comparedEver(told));
}

function comparedEver(told: Told): readonly { readonly now: ColumnName; readonly reference: ColumnName }[] {
  const found = new Map<string, { now: ColumnName; reference: ColumnName }>();
  for (const view of viewsOf(told))
    for (const { table, column, counterpart } of view.differences) {
      if (column === null || counterpart === null) continue;
      const dot = counterpart.lastIndexOf('.');
      const reference = { table: counterpart.slice(0, dot), column: counterpart.slice(dot + 1) };
      found.set(JSON.stringify([table, column, counterpart]), { now: { table, column }, reference });
    }
  return [...found.values()];
}

/** Tables that hold something of the subject's row: its own, those with the same data, and new ones that have its columns. */
export function relatedTables(told: Told, subject: Subject, mentioned: readonly string[] = []): readonly string[] {
  const key = JSON.stringify(['related', subject.table, subject.values, mentioned]);
  return once(told, key, () => tablesRelated(told, subject, mentioned));
}

function tablesRelated(told: Told, subject: Subject, mentioned: readonly string[]): readonly string[] {
  const tables = new Set([subject.table]);
  const sets = told.recording.places.map((each) => [each.reference.table, ...each.places.map((p) => p.table)]);
  for (const { now, reference } of compared(told)) sets.push([now.table, reference.table]);
  for (const set of sets) if (set.includes(subject.table)) for (const table of set) tables.add(table);
  const first = viewAt(told, 0);
  const own = new Set(columnsEver(told, subject.table));
  const keys = keysEver(told, subject.table, subject);
  for (const view of viewsOf(told))
    for (const table of view.tables) {
      const isNew = tableOf(first?.tables ?? [], table.name) === null;
      const shares = table.columns.some((c) => own.has(c) && !keys.has(c) && !table.key.includes(c));
      if (isNew && (shares || mentioned.includes(table.name)) && fits(table, subject)) tables.add(table.name);
    }
  return [...tables].filter((name) => viewsOf(told).some((view) => tableOf(view.tables, name) !== null));
}

function fits(table: TableView, subject: Subject): boolean {
  return table.key.length >= subject.values.length || rowsOf(table, subject).length > 0;
}

/** The data of a row, each with its places: what the reference has first, then what only the plan has. */
export function dataOf(told: Told, subject: Subject, tables: readonly string[]): readonly Datum[] {
  const isOld = ({ table, column }: ColumnName) =>
    tableOf(viewAt(told, 0)?.tables ?? [], table)?.columns.includes(column) === true;
  const taken: ColumnName[] = [];
  const known = told.recording.places
    .filter((each) => [each.reference, ...each.places].some((p) => p.table === subject.table))
    .map(withoutKeys(told, subject));
  const data: Datum[] = known.filter((each) => each.places.length > 0);
  for (const each of data) taken.push(...each.places);
  const links = compared(told);
  const reference = viewsOf(told)
    .flatMap((v) => v.reference.flatMap((w) => w))
    .find((t) => t.name === subject.table);
  for (const column of reference?.columns ?? []) {
    const name = { table: subject.table, column };
    if (
      reference?.key.includes(column) === true ||
      data.some((d) => d.reference !== null && samePlace(d.reference, name))
    )
      continue;
    const places = columnsLike(told, tables, name, subject, links)
      .filter((p) => !taken.some((t) => samePlace(t, p)))
      .map((p): Place => ({ ...p, role: isOld(p) ? 'old' : 'new' }));
    taken.push(...places);
    data.push({ reference: name, places });
  }
  const rest = tables
    .flatMap((table) => columnsEver(told, table).map((column) => ({ table, column })))
    .filter((p) => !keysEver(told, p.table, subject).has(p.column) && !taken.some((t) => samePlace(t, p)));
  return [
    ...data,
    ...rest.map((p): Datum => ({ reference: null, places: [{ ...p, role: isOld(p) ? 'old' : 'new' }] })),
  ];
}

/** Every place of some data, each once: what is merged has its place in common. */
export function placesOf(data: readonly Datum[]): readonly Place[] {
  const all = data.flatMap((each) => each.places);
  return all.filter((place, i) => all.findIndex((other) => samePlace(other, place)) === i);
}

/** What tells rows apart holds no data that could be lost. */
function withoutKeys(told: Told, subject: Subject): (each: DataPlaces) => Datum {
  return ({ reference, places }) => ({
    reference,
    places: places.filter((p) => !keysEver(told, p.table, subject).has(p.column)),
  });
}

/** The columns that hold what one of the reference holds: of its name, or compared with it. */
function columnsLike(
  told: Told,
  tables: readonly string[],
  name: ColumnName,
  subject: Subject,
  links: readonly { readonly now: ColumnName; readonly reference: ColumnName }[],
): readonly ColumnName[] {
  const own = tables
    .filter(
      (table) => columnsEver(told, table).includes(name.column) && !keysEver(told, table, subject).has(name.column),
    )
    .map((table) => ({ table, column: name.column }));
  const linked = links.filter((l) => samePlace(l.reference, name) && tables.includes(l.now.table)).map((l) => l.now);
  return [...own, ...linked.filter((p) => !own.some((o) => samePlace(o, p)))];
}

/** Whether a word stands in some SQL by itself. Names that need quotes may stand in quotes. */
export function mentions(sql: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(^|[^\\w$])${escaped}($|[^\\w$])`, 'i').test(sql);
}
