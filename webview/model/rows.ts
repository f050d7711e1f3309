/** Rows and cells: what a place holds for a row at a moment, now and in the app without the migration. */
import type { ColumnName, History, Recording, TableView, View } from '../../simulator/player/model.ts';
import type { RowChoice } from '../store.ts';
import { comparable, quoted } from './values.ts';

/** What somebody looks at: a history with what it was played from. */
export interface Told {
  readonly recording: Recording;
  readonly views: readonly View[];
  readonly history: History;
}

/** What a place holds for a row. Several rows of a longer key are one value, as a list. */
export type Cell =
  | { readonly kind: 'value'; readonly text: string | null }
  | { readonly kind: 'no-row' }
  | { readonly kind: 'no-column' }
  | { readonly kind: 'no-table' };

/** A row by the values of its key, in whichever table that has them. */
export interface Subject {
  readonly table: string;
  /** `id=1`. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly values: readonly (string | null)[];
}

export function sameCell(a: Cell, b: Cell): boolean {
  if (a.kind !== 'value' || b.kind !== 'value') return a.kind === b.kind;
  return comparable(a.text) === comparable(b.text);
}

/** In words: `'a'`, `NULL`, `no row`. */
export function cellWords(cell: Cell): string {
  switch (cell.kind) {
    case 'value':
      return quoted(cell.text);
    case 'no-row':
      return 'no row';
    case 'no-column':
      return 'no such column';
    case 'no-table':
      return 'no such table';
  }
}

export function exists(cell: Cell): boolean {
  return cell.kind === 'value' || cell.kind === 'no-row';
}

/** `id=1`, as recordings name rows. */
export function rowName(table: TableView, row: readonly (string | null)[]): string {
  const columns = table.key.length > 0 ? table.key : table.columns;
  return columns.map((c) => `${c}=${row[table.columns.indexOf(c)] ?? 'NULL'}`).join(', ');
}

export function tableOf(tables: readonly TableView[], name: string): TableView | null {
  return tables.find((table) => table.name === name) ?? null;
}

/** The rows of a table that are the subject's: one where their keys are as long, several where the table's is longer. */
export function rowsOf(table: TableView, subject: Subject): readonly (readonly (string | null)[])[] {
  const { values, columns } = subject;
  // A table without a key may have the columns of one.
  const key = table.key.length > 0 ? table.key : columns.every((c) => table.columns.includes(c)) ? columns : [];
  if (key.length < values.length || values.length === 0) return [];
  const places = key.slice(0, values.length).map((c) => table.columns.indexOf(c));
  return table.rows.filter((row) =>
    places.every((p, i) => comparable(row[p] ?? null) === comparable(values[i] ?? null)),
  );
}

/** What a place holds for a row. */
export function cellOf(tables: readonly TableView[], place: ColumnName, subject: Subject): Cell {
  const table = tableOf(tables, place.table);
  if (table === null) return { kind: 'no-table' };
  const column = table.columns.indexOf(place.column);
  if (column < 0) return { kind: 'no-column' };
  const rows = rowsOf(table, subject);
  const [first] = rows;
  if (first === undefined) return { kind: 'no-row' };
  if (rows.length === 1 && table.key.length <= subject.values.length)
    return { kind: 'value', text: first[column] ?? null };
  const list = rows.map((row) => row[column] ?? 'NULL').toSorted();
  return { kind: 'value', text: list.join(', ') };
}

/** Every row that is there at any moment, now or in the reference. */
export function rowChoices(told: Told): readonly RowChoice[] {
  const found = new Map<string, RowChoice>();
  for (const view of viewsOf(told))
    for (const tables of [view.tables, ...view.reference])
      for (const table of tables)
        for (const row of table.rows) {
          const choice = { table: table.name, key: rowName(table, row) };
          found.set(`${choice.table}\n${choice.key}`, choice);
        }
  return [...found.values()].toSorted(
    (a, b) => a.table.localeCompare(b.table) || a.key.localeCompare(b.key, undefined, { numeric: true }),
  );
}

/** The row that a choice names, looked for in every moment. Null: there is none. */
export function subjectOf(told: Told, { table: name, key }: RowChoice): Subject | null {
  for (const view of viewsOf(told))
    for (const tables of [view.tables, ...view.reference]) {
      const table = tableOf(tables, name);
      const row = table?.rows.find((each) => rowName(table, each) === key);
      if (table === null || row === undefined) continue;
      const columns = table.key.length > 0 ? table.key : table.columns;
      return { table: name, name: key, columns, values: columns.map((c) => row[table.columns.indexOf(c)] ?? null) };
    }
  return null;
}

const kept = new WeakMap<History, Map<string, unknown>>();

/** What is worked out once for a history, which never changes. `key` says of what. */
export function once<T>({ history }: Told, key: string, make: () => T): T {
  const known = kept.get(history) ?? new Map<string, unknown>();
  kept.set(history, known);
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as T;
}

/** The views of a history's moments, each once. */
export function viewsOf(told: Told): readonly View[] {
  return once(told, 'views', () => {
    const numbers = new Set(told.history.moments.map((moment) => moment.view));
    return [...numbers].map((number) => told.views[number]).filter((view) => view !== undefined);
  });
}

export function viewAt({ history, views }: Told, moment: number): View | null {
  return views[history.moments[moment]?.view ?? -1] ?? null;
}
