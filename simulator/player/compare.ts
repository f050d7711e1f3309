/** What differs between the tables now and those of the reference: rows by their keys, cell by cell. */
import { canonicalNumber } from '../explore/answer.ts';
import type { Counterpart } from './counterparts.ts';
import type { Difference, TableView } from './model.ts';

type Row = readonly (string | null)[];

/** A column of a table now, with the column of the reference that it is compared with. */
interface Pair {
  readonly column: string;
  readonly referenceColumn: string;
  readonly versions: readonly string[];
}

/** Two tables that are compared. */
interface Match {
  readonly now: TableView;
  readonly reference: TableView;
  readonly pairs: readonly Pair[];
  /** For each column of the reference's key, the column now. */
  readonly key: readonly Pair[];
  /** Only then does a row that is missing mean anything. */
  readonly isSame: boolean;
}

/** The differences that no world of the reference explains. */
export function differences(
  tables: readonly TableView[],
  worlds: readonly (readonly TableView[])[],
  counterparts: readonly Counterpart[],
  live: readonly string[],
): readonly Difference[] {
  const each = worlds.map((reference) => compare(tables, reference, counterparts, live));
  const [first = [], ...others] = each;
  const keys = others.map((list) => new Set(list.map(placeOf)));
  return first.filter((difference) => keys.every((known) => known.has(placeOf(difference))));
}

function placeOf({ kind, table, row, column, counterpart }: Difference): string {
  return JSON.stringify([kind, table, row, column, counterpart]);
}

function compare(
  tables: readonly TableView[],
  reference: readonly TableView[],
  counterparts: readonly Counterpart[],
  live: readonly string[],
): readonly Difference[] {
  return matches(tables, reference, counterparts).flatMap((match) => compareTables(match, live));
}

function matches(
  tables: readonly TableView[],
  reference: readonly TableView[],
  counterparts: readonly Counterpart[],
): readonly Match[] {
  return reference.flatMap((then) =>
    tables.flatMap((now): Match[] => {
      const isSame = now.name === then.name;
      const read = counterparts.filter((c) => c.table === now.name && c.referenceTable === then.name);
      if (!isSame && read.length === 0) return [];
      const pairs: Pair[] = read.map(({ column, referenceColumn, versions }) => ({
        column,
        referenceColumn,
        versions,
      }));
      // What no request reads on either side still has its name.
      if (isSame)
        for (const column of now.columns)
          if (then.columns.includes(column) && !pairs.some((p) => p.column === column))
            pairs.push({ column, referenceColumn: column, versions: [] });
      const key = then.key.map((column) => pairs.find((p) => p.referenceColumn === column));
      if (key.length === 0 || key.some((p) => p === undefined)) return [];
      return [{ now, reference: then, pairs, key: key.filter((p) => p !== undefined), isSame }];
    }),
  );
}

function compareTables(match: Match, live: readonly string[]): readonly Difference[] {
  const { now, reference, key, isSame } = match;
  const rowsNow = byKey(
    now,
    key.map((p) => p.column),
  );
  const rowsThen = byKey(
    reference,
    key.map((p) => p.referenceColumn),
  );
  const found: Difference[] = [];
  for (const [id, then] of rowsThen) {
    const row = rowsNow.get(id);
    if (row !== undefined) found.push(...compareRow(match, live, row, then));
    else if (isSame) found.push(wholeRow('missing-row', match, live, then));
  }
  if (isSame)
    for (const [id, row] of rowsNow) if (!rowsThen.has(id)) found.push(wholeRow('extra-row', match, live, row));
  return found;
}

function byKey(table: TableView, columns: readonly string[]): ReadonlyMap<string, Row> {
  const places = columns.map((c) => table.columns.indexOf(c));
  return new Map(table.rows.map((row) => [JSON.stringify(places.map((p) => comparable(row[p] ?? null))), row]));
}

function compareRow({ now, reference, pairs, key }: Match, live: readonly string[], row: Row, then: Row): Difference[] {
  return pairs.flatMap(({ column, referenceColumn, versions }): Difference[] => {
    const value = row[now.columns.indexOf(column)] ?? null;
    const other = then[reference.columns.indexOf(referenceColumn)] ?? null;
    if (comparable(value) === comparable(other)) return [];
    return [
      {
        kind: 'cell',
        table: now.name,
        row: rowName(
          now,
          key.map((p) => p.column),
          row,
        ),
        column,
        counterpart: `${reference.name}.${referenceColumn}`,
        now: value,
        reference: other,
        readBy: live.filter((v) => versions.includes(v)),
      },
    ];
  });
}

function wholeRow(
  kind: 'missing-row' | 'extra-row',
  { now, reference, pairs, key }: Match,
  live: readonly string[],
  row: Row,
): Difference {
  const table = kind === 'extra-row' ? now : reference;
  const columns = key.map((p) => (kind === 'extra-row' ? p.column : p.referenceColumn));
  const shown = `(${row.map((v) => v ?? 'NULL').join(', ')})`;
  return {
    kind,
    table: now.name,
    row: rowName(table, columns, row),
    column: null,
    counterpart: null,
    now: kind === 'extra-row' ? shown : null,
    reference: kind === 'extra-row' ? null : shown,
    readBy: live.filter((v) => pairs.some((p) => p.versions.includes(v))),
  };
}

/** `id=1`. */
export function rowName(table: TableView, columns: readonly string[], row: Row): string {
  return columns.map((c) => `${c}=${row[table.columns.indexOf(c)] ?? 'NULL'}`).join(', ');
}

/** Numbers by value, as answers are compared. */
function comparable(value: string | null): string | null {
  return value === null ? null : canonicalNumber(value);
}
