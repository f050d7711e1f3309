/** What an event changed: the schema, a row where the app keeps it now, and the same row in the app without the migration. */
import type { ColumnName, Moment, TableView, View } from '../../simulator/player/model.ts';
import type { TraceEvent } from '../../simulator/report/model.ts';
import {
  cellOf,
  exists,
  rowName,
  rowsOf,
  sameCell,
  tableOf,
  viewAt,
  type Cell,
  type Subject,
  type Told,
} from './rows.ts';
import { samePlace } from './places.ts';

export interface CellChange {
  readonly place: ColumnName;
  readonly before: Cell;
  readonly after: Cell;
}

/** Cells of a row that hold something else than at the moment before. Of a new row, those that were given something. */
export function changesAt(
  told: Told,
  moment: number,
  subject: Subject,
  places: readonly ColumnName[],
): readonly CellChange[] {
  const before = viewAt(told, moment - 1);
  const after = viewAt(told, moment);
  if (before === null || after === null || before === after) return [];
  return places.flatMap((place) => {
    const change = {
      place,
      before: cellOf(before.tables, place, subject),
      after: cellOf(after.tables, place, subject),
    };
    return sameCell(change.before, change.after) ? [] : [change];
  });
}

/** A new row says nothing where it holds NULL: that was not written. */
export function isWritten({ before, after }: CellChange): boolean {
  return !(before.kind !== 'value' && after.kind === 'value' && after.text === null);
}

/** Whether an event touched a row: where it is kept now, or in the app without the migration. */
export function touches(told: Told, moment: number, subject: Subject, tables: readonly string[]): boolean {
  const before = viewAt(told, moment - 1);
  const after = viewAt(told, moment);
  if (before === null || after === null || before === after) return false;
  if (tables.some((name) => fingerprint(before.tables, name, subject) !== fingerprint(after.tables, name, subject)))
    return true;
  return worlds(before, subject) !== worlds(after, subject);
}

function fingerprint(tables: View['tables'], name: string, subject: Subject): string {
  const table = tableOf(tables, name);
  return table === null ? 'none' : JSON.stringify([table.columns, rowsOf(table, subject)]);
}

function worlds(view: View, subject: Subject): string {
  return JSON.stringify(view.reference.map((world) => fingerprint(world, subject.table, subject)));
}

export interface SchemaChange {
  readonly kind: 'added' | 'dropped';
  readonly table: string;
  /** Null: the whole table. */
  readonly column: string | null;
}

export function schemaChangesAt(told: Told, moment: number): readonly SchemaChange[] {
  const before = viewAt(told, moment - 1)?.tables ?? [];
  const after = viewAt(told, moment)?.tables ?? [];
  const between = (kind: SchemaChange['kind'], from: View['tables'], to: View['tables']): SchemaChange[] =>
    to.flatMap((table): SchemaChange[] => {
      const known = tableOf(from, table.name);
      if (known === null) return [{ kind, table: table.name, column: null }];
      return table.columns
        .filter((c) => !known.columns.includes(c))
        .map((column) => ({ kind, table: table.name, column }));
    });
  return [...between('added', before, after), ...between('dropped', after, before)];
}

/** What the reference holds for a place: one value, or several while an outcome is unknown. Empty: it has no such place. */
export function referenceCells(view: View | null, name: ColumnName | null, subject: Subject): readonly Cell[] {
  if (view === null || name === null) return [];
  const found: Cell[] = [];
  for (const world of view.reference) {
    const cell = cellOf(world, name, subject);
    if (exists(cell) && !found.some((known) => sameCell(known, cell))) found.push(cell);
  }
  return found;
}

/** The moments that belong to one request: its statements, where it commits several times. */
export function momentsOf(moments: readonly Moment[], at: number): readonly number[] {
  const event = moments[at]?.event ?? null;
  if (event === null || event.kind !== 'request' || !event.result.startsWith('statement ')) return [at];
  const isSame = (other: TraceEvent | null | undefined) =>
    other?.kind === 'request' &&
    other.version === event.version &&
    other.request === event.request &&
    JSON.stringify(other.params) === JSON.stringify(event.params);
  const number = (i: number) => Number(/^statement (\d+)/.exec(moments[i]?.event?.result ?? '')?.[1] ?? 0);
  const found = [at];
  for (let i = at - 1, want = number(at) - 1; i > 0 && want > 0; i -= 1)
    if (isSame(moments[i]?.event) && number(i) === want) {
      found.unshift(i);
      want -= 1;
    }
  for (let i = at + 1, want = number(at) + 1; i < moments.length; i += 1)
    if (isSame(moments[i]?.event) && number(i) === want) {
      found.push(i);
      want += 1;
    }
  return found;
}

export interface JobRun {
  readonly name: string;
  readonly from: number;
  /** The first moment at which it does not run any more; null: it runs to the end of the history. */
  readonly to: number | null;
  readonly isWayBack: boolean;
}

/** The backfills of a history, each from where it begins to where it is done. */
export function jobRuns(moments: readonly Moment[]): readonly JobRun[] {
  const runs: JobRun[] = [];
  for (let i = 0; i < moments.length; i += 1) {
    const name = moments[i]?.job ?? null;
    if (name === null) continue;
    const from = i;
    while (moments[i + 1]?.job === name) i += 1;
    const to = moments[i + 1] === undefined ? null : i + 1;
    runs.push({ name, from, to, isWayBack: moments[from]?.phase === 'rolling-back' });
  }
  return runs;
}

export function includesPlace(places: readonly ColumnName[], place: ColumnName): boolean {
  return places.some((p) => samePlace(p, place));
}

/** The rows that an event changed, came or went, in the tables as they are now. */
export function rowsChangedAt(told: Told, moment: number): readonly Subject[] {
  const before = viewAt(told, moment - 1);
  const after = viewAt(told, moment);
  if (before === null || after === null || before === after) return [];
  const found: Subject[] = [];
  for (const table of after.tables) {
    const known = tableOf(before.tables, table.name);
    if (known === null || table.key.length === 0) continue;
    const rows = new Map(known.rows.map((row) => [rowName(known, row), row]));
    for (const row of table.rows) {
      const name = rowName(table, row);
      const old = rows.get(name);
      rows.delete(name);
      const isSame =
        old !== undefined &&
        table.columns.every((c, i) => !known.columns.includes(c) || old[known.columns.indexOf(c)] === row[i]);
      if (!isSame) found.push(subjectIn(table, row));
    }
    found.push(...[...rows.values()].map((row) => subjectIn(known, row)));
  }
  return found;
}

function subjectIn(table: TableView, row: readonly (string | null)[]): Subject {
  const values = table.key.map((c) => row[table.columns.indexOf(c)] ?? null);
  return { table: table.name, name: rowName(table, row), columns: table.key, values };
}
