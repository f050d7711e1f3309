/**
 * The database and which schema it has now. Goes from any known schema to any other, by the statements
 * that once led there, or by starting again.
 */
import { describeSchema } from './catalog.ts';
import type { SchemaFacts } from './catalog.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';
import type { Content, EngineStats, RunOptions, SchemaId } from './engine.ts';
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
    this.schemas.clear();
    this.verified.clear();
    this.version++;
    this.empty();
  }

  /** An empty database that is no known schema. */
  empty(): void {
    this.current = null;
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
