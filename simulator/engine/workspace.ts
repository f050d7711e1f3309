/**
 * The database and which schema it has now. Goes from any known schema to any other, by the statements
 * that once led there, or by starting again.
 */
import { capturedTables, captureTables, type Captured } from './capture.ts';
import { describeSchema, quoteIdent } from './catalog.ts';
import type { SchemaFacts } from './catalog.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';
import type { CaptureOutcome, Content, EngineStats, RunOptions, SchemaId } from './engine.ts';
import { readFacts } from './facts.ts';
import { resetDatabase, resetSettings, vacuumCatalogs } from './reset.ts';
import { seedRandom, setMoment } from './run.ts';
import { findPath } from './schemas.ts';
import type { Edge, KnownSchemas } from './schemas.ts';
import { Singles } from './singles.ts';
import { Store } from './store.ts';

export interface Schema {
  readonly id: SchemaId;
  readonly facts: SchemaFacts;
  readonly store: Store;
}

/** A start over costs about as much as this many edges, and more the larger the schema is. */
const resetCost = 2;
const baseStatementsPerEdge = 3;
const switchesBetweenVacuums = 100;
/** Columns that were dropped count for ever towards the 1600 that a table may have: then it is made anew. */
const mostColumns = 1000;
const widestTable = `SELECT coalesce(max(relnatts), 0) FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384`;

export class Workspace {
  private current: Schema | null = null;
  /** What is captured in the database as it is now. */
  private captured: readonly Captured[] = [];
  /** Nothing has run yet: the database is as the image has it. */
  private pristine = true;
  private readonly schemas = new Map<SchemaId, Schema>();
  /** Edges that were seen to lead where they say. */
  private readonly verified = new Set<Edge>();
  readonly singles: Singles;
  private changes = 0;
  private worn = false;
  /** Moves when something was learned that must outlive this thread. */
  version = 0;

  constructor(
    readonly db: Database,
    readonly known: KnownSchemas,
    readonly stats: Pick<EngineStats, 'loads' | 'schemaSwitches'>,
  ) {
    this.singles = new Singles(db);
  }

  /** Forgets every schema: another plan begins. */
  clear(): void {
    this.known.base = null;
    this.known.ids = {};
    this.known.edges = [];
    this.known.captures = {};
    this.schemas.clear();
    this.verified.clear();
    this.version++;
    this.empty();
  }

  /** An empty database that is no known schema. */
  empty(): void {
    this.current = null;
    this.captured = [];
    this.worn = false;
    if (this.pristine) {
      this.pristine = false;
      return;
    }
    this.countChange();
    resetDatabase(this.db);
  }

  /** The schema that the database has at this moment, inside of a transaction too. */
  observe(): Schema {
    const facts = describeSchema(readFacts(this.db));
    let id = this.known.ids[facts.catalog.digest];
    if (id === undefined) {
      id = this.known.nextId++;
      this.known.ids[facts.catalog.digest] = id;
      this.version++;
    }
    let schema = this.schemas.get(id);
    if (schema === undefined) {
      schema = { id, facts, store: new Store(this.db, facts, () => void this.stats.loads++) };
      this.schemas.set(id, schema);
    }
    return schema;
  }

  /** The database was changed for real, and has this schema now; null: an unknown one. */
  settle(schema: Schema | null): void {
    this.current = schema;
    this.singles.clear();
    schema?.store.forget();
    this.countChange();
  }

  learn(edge: Edge): void {
    if (edge.from === edge.to) return;
    if (this.known.edges.some(({ from, to }) => from === edge.from && to === edge.to)) return;
    this.known.edges.push(edge);
    this.version++;
  }

  /** Where these statements led before, from this schema, if that is known. */
  targetOf(from: SchemaId, { statements, transactional }: Migration): Schema | null {
    const text = JSON.stringify(statements);
    const edge = this.known.edges.find(
      (e) => e.from === from && e.transactional === transactional && JSON.stringify(e.statements) === text,
    );
    return edge === undefined ? null : (this.schemas.get(edge.to) ?? null);
  }

  /** Brings the database to a known schema. */
  goTo(id: SchemaId): Schema {
    const capture = this.known.captures[id];
    const schema = this.goToPlain(capture?.of ?? id);
    this.captureNow(capture?.tables ?? []);
    if (capture === undefined) return schema;
    let captured = this.schemas.get(id);
    if (captured === undefined) {
      const store = new Store(this.db, schema.facts, () => void this.stats.loads++, true);
      this.schemas.set(id, (captured = { id, facts: schema.facts, store }));
    }
    return captured;
  }

  private captureNow(wanted: readonly Captured[]): void {
    if (JSON.stringify(wanted) === JSON.stringify(this.captured)) return;
    this.db.attempt('ROLLBACK');
    captureTables(this.db, wanted, this.captured);
    this.captured = wanted;
    // Each has its own idea of what is loaded.
    for (const { store } of this.schemas.values()) store.forget();
  }

  /** The schema without what is captured. */
  plainOf(id: SchemaId): SchemaId {
    return this.known.captures[id]?.of ?? id;
  }

  capture(id: SchemaId, names: readonly string[]): CaptureOutcome {
    const { tables } = this.goTo(this.plainOf(id)).facts.catalog;
    const before = this.known.captures[id]?.tables ?? [];
    const wanted: Captured[] = [];
    for (const label of [...names].sort()) {
      const known = before.find((each) => each.label === label);
      const table = tables.find((each) => each.name === label);
      if (known === undefined && table === undefined)
        return { ok: false, sqlstate: '42P01', message: `relation "${label}" does not exist` };
      wanted.push(
        known ?? { label, table: `${quoteIdent(table?.schema ?? '')}.${quoteIdent(table?.relation ?? label)}` },
      );
    }
    return { ok: true, schema: this.capturedId(this.plainOf(id), wanted) };
  }

  /** The handle of a schema in which these are captured. */
  private capturedId(of: SchemaId, tables: readonly Captured[]): SchemaId {
    if (tables.length === 0) return of;
    const key = `${of} ${JSON.stringify(tables)}`;
    let id = this.known.ids[key];
    if (id === undefined) {
      id = this.known.nextId++;
      this.known.ids[key] = id;
      this.known.captures[id] = { of, tables };
      this.version++;
    }
    return id;
  }

  /** The handle of what a migration has led to, in the transaction at hand: tables may have another name, or be gone. */
  migratedId(from: SchemaId, to: Schema): SchemaId {
    return from in this.known.captures ? this.capturedId(to.id, capturedTables(this.db)) : to.id;
  }

  /** After statements that committed: what is captured may have another name, or be gone. */
  recapture(): void {
    if (this.captured.length > 0) this.captured = capturedTables(this.db);
  }

  private goToPlain(id: SchemaId): Schema {
    // Edges are followed without capture, as they were found.
    if (this.current?.id !== id || this.worn) this.captureNow([]);
    if (this.current?.id === id && !this.worn) return this.current;
    this.stats.schemaSwitches++;
    const way = this.shortWay(id);
    const arrived = way === null ? null : this.attempt(way, id);
    return arrived ?? this.goFromBase(id);
  }

  private shortWay(id: SchemaId): readonly Edge[] | null {
    const { base, edges } = this.known;
    if (this.current === null || base === null || this.worn) return null;
    const path = findPath(edges, this.current.id, id);
    const fromBase = findPath(edges, base.id, id);
    if (path === null || fromBase === null) return path;
    const startOver = resetCost + base.schema.length / baseStatementsPerEdge + fromBase.length;
    return path.length <= startOver ? path : null;
  }

  private goFromBase(id: SchemaId): Schema {
    const { base, edges } = this.known;
    const path = base === null ? null : findPath(edges, base.id, id);
    if (base === null || path === null) throw new Error(`schema ${id} is not known since the last start`);
    this.rebuildBase(base.schema);
    const arrived = this.attempt(path, id);
    if (arrived === null) throw new Error(`schema ${id} could not be built again`);
    return arrived;
  }

  private rebuildBase(statements: readonly string[]): void {
    this.empty();
    setMoment(this.db, 'start');
    this.db.query(seedRandom(this.db, 0));
    for (const sql of statements) {
      const { error } = this.db.again(sql);
      if (error !== null) throw new SqlFailure(error, sql);
    }
    resetSettings(this.db);
    this.settle(this.observe());
  }

  /** Follows the edges; null, and an unknown schema, when they do not lead there. */
  private attempt(path: readonly Edge[], id: SchemaId): Schema | null {
    for (const edge of path) {
      if (!this.follow(edge)) {
        this.settle(null);
        return null;
      }
    }
    if (this.current?.id === id) return this.current;
    this.settle(null);
    return null;
  }

  private follow(edge: Edge): boolean {
    const from = this.current;
    if (from?.id !== edge.from) return false;
    from.store.load(edge.sample);
    if (!applyForReal(this.db, edge)) return false;
    const target = this.verified.has(edge) ? this.schemas.get(edge.to) : undefined;
    const arrived = target ?? this.observe();
    if (arrived.id !== edge.to) return false;
    this.verified.add(edge);
    this.worn = Number(this.db.query(widestTable).rows?.[0]?.[0]) > mostColumns;
    this.settle(arrived);
    return true;
  }

  private countChange(): void {
    if (++this.changes % switchesBetweenVacuums !== 0) return;
    this.db.attempt('ROLLBACK');
    vacuumCatalogs(this.db);
  }
}

/** Runs an edge's statements and commits; false when one of them failed. */
function applyForReal(db: Database, edge: Pick<Edge, 'statements' | 'transactional' | 'options'>): boolean {
  setMoment(db, edge.options.clock);
  db.query(`ROLLBACK;${seedRandom(db, edge.options.seed)}`);
  if (edge.transactional) db.query('BEGIN');
  const ok = edge.statements.every((sql) => db.again(sql).error === null);
  const committed = ok && (!edge.transactional || db.attempt('COMMIT').error === null);
  resetSettings(db);
  return committed;
}

export interface Migration {
  readonly statements: readonly string[];
  readonly transactional: boolean;
  readonly options: RunOptions;
}

export function edgeOf(from: SchemaId, to: SchemaId, migration: Migration, sample: Content): Edge {
  return { from, to, ...migration, sample };
}
