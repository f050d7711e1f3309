/**
 * Where a plan keeps what a column of the reference holds: the old place and the new ones. What requests read in the same place
 * of their answers tells it best. Where a reader computes, what statements write into new columns tells it, and what is left
 * is told by what steps rename, or add while they drop another.
 */
import type { Catalog, SchemaId } from '../engine/engine.ts';
import type { Ground } from '../explore/ground.ts';
import type { ColumnWrite, Plan, Statement, Step, TableRef } from '../plan/model.ts';
import type { Counterparts } from './counterparts.ts';
import { statementsOf } from './described.ts';
import type { ColumnName, DataPlaces } from './model.ts';

/** A value of one column that comes to be in another. */
interface Edge {
  readonly from: ColumnName;
  readonly to: ColumnName;
  readonly plain: boolean;
}

export class Places {
  /** The schemas that the plan goes through, in order. */
  private readonly schemas: readonly SchemaId[];
  private readonly reference: Catalog;
  private readonly final: Catalog;

  constructor(
    private readonly plan: Plan,
    private readonly ground: Ground,
    private readonly counterparts: Counterparts,
  ) {
    this.schemas = [...new Set(ground.nominal.values())];
    this.reference = this.catalog(ground.start.schema);
    this.final = this.catalog(this.schemas.at(-1) ?? ground.start.schema);
  }

  async all(): Promise<readonly DataPlaces[]> {
    const read = await this.readPlaces();
    const written = this.writtenPlaces();
    const renamed = this.renamedPlaces();
    const used = columnsOf(this.reference)
      .filter((column) => this.isUsed(column))
      .toSorted((a, b) => (a.table < b.table ? -1 : a.table > b.table ? 1 : 0));
    const found = used.map((column) => {
      const evidence = [read, written.filter((edge) => this.counts(column, edge)), renamed];
      const places = evidence.map((edges) => reached(column, edges)).find((list) => list.length > 0) ?? [];
      return { column, places };
    });
    const paired = this.paired(found.filter(({ places }) => places.length === 0).map(({ column }) => column));
    return found.map(({ column, places }): DataPlaces => {
      const fresh = places.length > 0 ? places : reached(column, paired);
      const order = (place: ColumnName): number => this.schemas.findIndex((s) => has(this.catalog(s), place));
      return {
        reference: column,
        places: [
          { ...column, role: 'old' },
          ...fresh.toSorted((a, b) => order(a) - order(b)).map((place) => ({ ...place, role: 'new' as const })),
        ],
      };
    });
  }

  private catalog(schema: SchemaId): Catalog {
    return this.ground.catalogs.get(schema) as Catalog;
  }

  /** A request of some version reads it, or writes it. */
  private isUsed(column: ColumnName): boolean {
    return this.plan.versions.some((version) => usedBy(version.requests.values(), column));
  }

  /** It is there at the end, and the last version reads it; a table that takes over the name of another is not the same one. */
  private stays(column: ColumnName): boolean {
    const last = this.ground.positions[this.ground.last]?.live.at(-1);
    const requests = this.plan.versions.find(({ name }) => name === last)?.requests.values() ?? [];
    const reads = [...requests].map(({ statements }) => ({ statements: statements.filter((s) => !s.modifies) }));
    const isRenamed = this.renames().some(({ from }) => from === column.table);
    return has(this.final, column) && !isRenamed && usedBy(reads, column);
  }

  private renames(): readonly { readonly from: string; readonly to: string }[] {
    return this.plan.steps.flatMap(statementsOf).flatMap(({ renamesTo, tables: [table] }) => {
      if (renamesTo === null || table === undefined) return [];
      return [{ from: nameOf(table), to: nameOf({ schema: table.schema, table: renamesTo }) }];
    });
  }

  /** What the live versions read in the place of a column of the reference. */
  private async readPlaces(): Promise<readonly Edge[]> {
    const edges: Edge[] = [];
    for (const schema of this.schemas) {
      const live = this.ground.positions
        .filter(({ id, phase }) => phase !== 'rolling-back' && this.ground.nominal.get(id) === schema)
        .flatMap((position) => position.live);
      for (const each of await this.counterparts.of(schema)) {
        const to = { table: each.table, column: each.column };
        if (!each.versions.some((version) => live.includes(version)) || !has(this.catalog(schema), to)) continue;
        edges.push({ from: { table: each.referenceTable, column: each.referenceColumn }, to, plain: true });
      }
    }
    return edges;
  }

  /** A value that is made of others is another place of theirs when they go; one that is copied, while they are still used, too. */
  private counts(column: ColumnName, { from, to, plain }: Edge): boolean {
    if (!this.stays(column)) return true;
    const isKey = this.reference.tables.find(({ name }) => name === from.table)?.primaryKey.includes(from.column);
    return plain && from.table === to.table && isKey !== true;
  }

  /** What is written into columns that the reference does not have: by requests, and by steps from other columns. */
  private writtenPlaces(): readonly Edge[] {
    const first = this.plan.versions[0];
    const edges: Edge[] = [];
    for (const step of this.plan.steps)
      for (const write of writesOf(statementsOf(step))) edges.push(...this.copies(ofScript(step, write)));
    for (const version of this.plan.versions)
      for (const request of version.requests.values()) {
        const before = writesOf(first?.requests.get(request.name)?.statements ?? []);
        for (const write of writesOf(request.statements)) {
          edges.push(...this.copies(write));
          const same = before.filter(({ params }) => params.some((param) => write.params.includes(param)));
          edges.push(...same.flatMap((old) => this.sent(old, write)));
        }
      }
    return edges.filter(({ to }) => !has(this.reference, to));
  }

  /** Two columns that are written with the same parameter. */
  private sent(old: ColumnWrite, now: ColumnWrite): readonly Edge[] {
    const plain = old.plain && now.plain;
    return this.targets(old).flatMap((from) => this.targets(now).map((to) => ({ from, to, plain })));
  }

  /** A column that is written from others. */
  private copies(write: ColumnWrite): readonly Edge[] {
    if (write.column === '*') return this.copiesOfAll(write);
    return this.targets(write).flatMap((to) =>
      write.columns
        .flatMap(({ tables, column }) => tables.map((table) => ({ table: nameOf(table), column })))
        .filter((from) => this.exists(from))
        .map((from) => ({ from, to, plain: write.plain })),
    );
  }

  /** `INSERT INTO t SELECT * FROM u`: column by column. */
  private copiesOfAll({ table, columns }: ColumnWrite): readonly Edge[] {
    const sources = columns.flatMap((each) => each.tables).flatMap((each) => this.columnsOfTable(nameOf(each)));
    return this.columnsOfTable(nameOf(table)).flatMap((to, i): Edge[] => {
      const from = sources[i];
      return from === undefined ? [] : [{ from, to, plain: true }];
    });
  }

  private targets({ table, column }: ColumnWrite): readonly ColumnName[] {
    const name = nameOf(table);
    const place = column.startsWith('#') ? this.columnsOfTable(name)[Number(column.slice(1)) - 1] : undefined;
    const target = place ?? { table: name, column };
    return this.exists(target) ? [target] : [];
  }

  private columnsOfTable(table: string): readonly ColumnName[] {
    const schema = this.schemas.find((each) => this.catalog(each).tables.some(({ name }) => name === table));
    return schema === undefined ? [] : columnsOf(this.catalog(schema)).filter((column) => column.table === table);
  }

  private exists(column: ColumnName): boolean {
    return this.schemas.some((schema) => has(this.catalog(schema), column));
  }

  /** Tables that a step renames, and columns that it takes away while it brings one other. */
  private renamedPlaces(): readonly Edge[] {
    const edges = this.renames().flatMap(({ from, to }) =>
      this.columnsOfTable(from).map((column): Edge => ({ from: column, to: { ...column, table: to }, plain: true })),
    );
    for (const [i, schema] of this.schemas.slice(1).entries())
      edges.push(...swapped(this.catalog(this.schemas[i] as SchemaId), this.catalog(schema)));
    return edges.filter(({ to }) => this.exists(to));
  }

  /** The one column that a table loses over the whole plan, and the one that it gets. */
  private paired(open: readonly ColumnName[]): readonly Edge[] {
    return swapped(this.reference, this.final).filter(({ from }) => open.some((column) => isSame(column, from)));
  }
}

/** Where a column's value gets to, over as many columns as it takes. */
function reached(column: ColumnName, edges: readonly Edge[]): readonly ColumnName[] {
  const found: ColumnName[] = [column];
  for (const at of found)
    for (const { from, to } of edges) if (isSame(from, at) && !found.some((known) => isSame(known, to))) found.push(to);
  return found.slice(1);
}

/** For each table that loses one column and gets one: the two. */
function swapped(before: Catalog, after: Catalog): readonly Edge[] {
  return before.tables.flatMap(({ name }): Edge[] => {
    const then = columnsOf(before).filter((column) => column.table === name);
    const now = columnsOf(after).filter((column) => column.table === name);
    const [from, ...others] = then.filter((column) => !has(after, column));
    const [to, ...more] = now.filter((column) => !has(before, column));
    if (from === undefined || to === undefined || others.length + more.length > 0) return [];
    return [{ from, to, plain: true }];
  });
}

function columnsOf({ tables }: Catalog): readonly ColumnName[] {
  return tables.flatMap(({ name, columns }) => columns.map((column) => ({ table: name, column: column.name })));
}

function has({ tables }: Catalog, { table, column }: ColumnName): boolean {
  return tables.some(({ name, columns }) => name === table && columns.some((each) => each.name === column));
}

function isSame(a: ColumnName, b: ColumnName): boolean {
  return a.table === b.table && a.column === b.column;
}

/** As contents name it. */
function nameOf({ schema, table }: TableRef): string {
  return schema === null || schema === 'public' ? table : `${schema}.${table}`;
}

function usedBy(requests: Iterable<{ readonly statements: readonly Statement[] }>, column: ColumnName): boolean {
  return [...requests].some(({ statements }) => statements.some((statement) => mentions(statement, column)));
}

/** An INSERT that names no columns writes all. */
function mentions({ node, tables, columns, target }: Statement, { table, column }: ColumnName): boolean {
  if (!tables.some((ref) => nameOf(ref) === table)) return false;
  if (columns.includes('*') || columns.includes(column.toLowerCase())) return true;
  if (target === null || nameOf(target.table) !== table) return false;
  return target.columns.includes(column) || (node === 'InsertStmt' && target.columns.length === 0);
}

/** The parameters of a script are columns of the row that it has read. */
function ofScript(step: Step, write: ColumnWrite): ColumnWrite {
  if (step.kind !== 'backfill' || step.form.kind !== 'script') return write;
  const { tables } = step.form.read;
  return { ...write, columns: [...write.columns, ...write.params.map((column) => ({ tables, column }))] };
}

function writesOf(statements: readonly Statement[]): readonly ColumnWrite[] {
  return statements.flatMap(({ writes }) => writes);
}
