/** Which columns of tables a parameter meets, through any views that stand in between. */
import { qualifiedName } from '../engine/catalog.ts';
import type { Catalog, Column, DescribedColumn, Engine, SchemaId, Table } from '../engine/engine.ts';
import type { ParamUse, TableRef } from '../plan/model.ts';

export interface KeyColumn {
  readonly table: Table;
  readonly column: Column;
}

/** A column of a view; where it is not a table's column as it stands, nothing is known of it. */
interface ViewColumn {
  readonly name: string;
  readonly of: KeyColumn | null;
}

export interface KnownSchema {
  readonly catalog: Catalog;
  /** The columns of each view, by its name. */
  readonly views: ReadonlyMap<string, readonly ViewColumn[]>;
}

/** What Postgres says of the queries that views stand for: the columns that they give, and whose they are. */
export async function knownSchema(engine: Engine, schema: SchemaId, catalog: Catalog): Promise<KnownSchema> {
  const queries = Object.entries(catalog.viewQueries);
  if (queries.length === 0) return { catalog, views: new Map() };
  const described = await engine.describe(
    schema,
    queries.map(([, query]) => query),
  );
  const given = new Map<string, readonly DescribedColumn[]>();
  for (const [i, [name]] of queries.entries()) {
    const said = described[i];
    given.set(name, said?.ok === true ? said.columns : []);
  }
  const columnsOf = (columns: readonly DescribedColumn[]): readonly ViewColumn[] =>
    columns.map((column) => ({ name: column.name, of: originIn(catalog, given, column.origin) }));
  return { catalog, views: new Map([...given].map(([name, columns]) => [name, columnsOf(columns)])) };
}

/** A view on a view is looked through as well; none stands on itself. */
function originIn(
  catalog: Catalog,
  given: ReadonlyMap<string, readonly DescribedColumn[]>,
  origin: DescribedColumn['origin'],
): KeyColumn | null {
  if (origin === null) return null;
  const table = catalog.tables.find((t) => t.name === origin.table);
  if (table === undefined) {
    const below = given.get(origin.table)?.find((c) => c.name === origin.column);
    return below === undefined ? null : originIn(catalog, given, below.origin);
  }
  const column = table.columns.find((c) => c.name === origin.column);
  return column === undefined ? null : { table, column };
}

/** The columns of tables that a use may mean. */
export function findColumns({ catalog, views }: KnownSchema, use: ParamUse): KeyColumn[] {
  return use.tables.flatMap((ref) => {
    const table = catalog.tables.find((t) => sameTable(t, ref));
    const column = table === undefined ? undefined : columnIn(table.columns, use.column);
    if (table !== undefined && column !== undefined) return [{ table, column }];
    const seen = [...views].filter(([name]) => isNamed(name, ref)).map(([, columns]) => columnIn(columns, use.column));
    return seen.flatMap((c) => c?.of ?? []).slice(0, 1);
  });
}

/** By its name, or `#n`: by its place. */
function columnIn<C extends { readonly name: string }>(columns: readonly C[], named: string): C | undefined {
  const position = /^#(\d+)$/.exec(named);
  return position === null ? columns.find((c) => c.name === named) : columns[Number(position[1]) - 1];
}

export function sameTable(table: Table, ref: TableRef): boolean {
  return table.relation === ref.table && (ref.schema === null || ref.schema === table.schema);
}

/** Without a schema it may be in any that the search path leads to. */
function isNamed(view: string, { schema, table }: TableRef): boolean {
  return schema === null ? view === table || view.endsWith(`.${table}`) : view === qualifiedName(schema, table);
}
