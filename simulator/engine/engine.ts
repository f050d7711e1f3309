/**
 * What the simulator asks of a Postgres. One implementation is PGlite in a worker; a server of the
 * user's own can come later. Nothing here knows of plans, versions or findings.
 *
 * A *schema* is a catalog that the engine has seen and can return to; it is named by a handle that is
 * equal exactly when the catalog digests are equal. A *content* is the canonical JSON text of every
 * row of every user table and every sequence; equal contents are equal texts.
 */

import type { Player } from './player.ts';

export type SchemaId = number;
export type Content = string;

/** A part of a statement: SQL text, or a column of a row that an earlier statement of the call named. */
export type CallPiece = string | { readonly row: string; readonly column: string };

/** One statement with its parameters already written in as literals. */
export interface CallStatement {
  readonly pieces: readonly CallPiece[];
  /** Keep the first row under this name for later statements of the same call. */
  readonly as: string | null;
  /** From the parse tree: SELECT, RETURNING and the like. */
  readonly returnsRows: boolean;
}

/** Statements that run together in one transaction. */
export interface Call {
  readonly statements: readonly CallStatement[];
  /** False: it is known to change nothing, and the content is not read back. */
  readonly writes: boolean;
}

/** Rows as text by Postgres' own output functions, null for NULL. */
export type Rows = readonly (readonly (string | null)[])[];

export interface StatementResult {
  /** Null when the statement gives no rows. */
  readonly rows: Rows | null;
  /** The command tag's row count. */
  readonly touched: number;
  /** True when it needed a named row that wasn't there, and was not run. */
  readonly skipped: boolean;
}

/** One row that a transaction changed, as a stream of changes has it. */
export interface Change {
  /** The table's name when its capture began: a stream follows a rename. */
  readonly table: string;
  readonly kind: 'insert' | 'update' | 'delete';
  /** The table's columns as they were then, with their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Values in the order of the columns; null where there is no such row. */
  readonly old: readonly (string | null)[] | null;
  readonly new: readonly (string | null)[] | null;
}

export type Outcome =
  | {
      readonly ok: true;
      readonly results: readonly StatementResult[];
      readonly content: Content;
      /** Of the tables that are captured, in order; absent when there are none. */
      readonly changes?: readonly Change[];
    }
  /** `content` differs from what was before only in sequences, which a rollback does not turn back. */
  | {
      readonly ok: false;
      readonly sqlstate: string;
      readonly message: string;
      readonly statement: number;
      readonly content: Content;
    };

/** Calls that all start from the same content, independently of each other. */
export interface Task {
  readonly content: Content;
  readonly calls: readonly Call[];
}

export type MigrateOutcome =
  | {
      readonly ok: true;
      readonly schema: SchemaId;
      readonly content: Content;
      readonly changes?: readonly Change[];
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly statement: number };

/** A schema in which capture was begun or ended. */
export type CaptureOutcome =
  | { readonly ok: true; readonly schema: SchemaId }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string };

/** Postgres' table lock modes, weakest first. */
export const lockModes = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;
export type LockMode = (typeof lockModes)[number];

/** A lock that a statement took, and that its transaction did not hold in this mode or a stronger one before. */
export interface LockTaken {
  /** Name as in the catalog: `users`, `audit.log`, `users_email_idx`. */
  readonly relation: string;
  readonly kind: 'table' | 'index' | 'sequence' | 'view' | 'other';
  /** The table that an index (or TOAST table) belongs to; of a table, itself. Null where there is none. */
  readonly table: string | null;
  /** The strongest that it took. */
  readonly mode: LockMode;
  /** True when the relation came to be in this very step: nobody else can be waiting for it. */
  readonly created: boolean;
}

/** What Postgres was seen to do for one statement of a step. */
export interface StatementEvidence {
  readonly sql: string;
  readonly locks: readonly LockTaken[];
  /** Relations that were there before and were written anew: their file changed. */
  readonly rewrites: readonly { readonly relation: string; readonly kind: 'table' | 'index'; readonly table: string }[];
  /** Tables that were there before and were read from end to end, with what for, as Postgres says it. */
  readonly scans: readonly { readonly table: string; readonly reason: string }[];
  /** Indexes that were built, on tables that were there before. */
  readonly builds: readonly { readonly index: string; readonly table: string }[];
  /** Rows written, by table, in this content. */
  readonly touched: readonly {
    readonly table: string;
    readonly inserted: number;
    readonly updated: number;
    readonly deleted: number;
  }[];
  /**
   * Bytes of write-ahead log, for this content, without images of whole pages. What changes of the catalog log
   * is in it, and varies a little with the pages that they meet; rows log the same every time.
   */
  readonly walBytes: number;
  /** The settings in force when it ran, in milliseconds; 0: none. */
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** True: what it locked stays locked until the end of the step's transaction. */
  readonly inTransaction: boolean;
  /** Null when it ran. What was seen until then stands. */
  readonly error: { readonly sqlstate: string; readonly message: string } | null;
}

export interface Column {
  readonly name: string;
  /** `format_type`: `character varying(20)`, `integer[]`. */
  readonly type: string;
  /** Base type's name without modifiers, domains resolved: `int4`, `text`, `numeric`. */
  readonly baseType: string;
  readonly notNull: boolean;
  /** GENERATED ALWAYS AS (…): not written when content is loaded. */
  readonly generated: boolean;
  readonly hasDefault: boolean;
  /** Labels, when it is an enum. */
  readonly enumLabels: readonly string[] | null;
}

export interface Table {
  /** `users`, or `schema.users` outside of public. The key in a content's tables. */
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  /** Columns of other unique constraints and indexes. */
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly {
    readonly columns: readonly string[];
    readonly table: string;
    readonly references: readonly string[];
  }[];
  /** Text of `pg_get_constraintdef` of each CHECK, with its columns; domains' checks included. */
  readonly checks: readonly { readonly columns: readonly string[]; readonly definition: string }[];
  /** The partitioned parent, if it is a partition. */
  readonly partitionOf: string | null;
  /** A partitioned parent itself holds no rows, and is not in a content. */
  readonly partitioned: boolean;
}

export interface Catalog {
  readonly tables: readonly Table[];
  readonly views: readonly string[];
  /** Of each view, the query that it stands for. */
  readonly viewQueries: Readonly<Record<string, string>>;
  readonly sequences: readonly string[];
  /** Digest of all of it, in which the order of columns counts. */
  readonly digest: string;
  /** The same, in which it does not: what `rollback-changes-schema` compares. */
  readonly unorderedDigest: string;
  /** Readable lines, one per object and column, sorted: two catalogs are compared by them. */
  readonly lines: readonly string[];
  /** True when a default, a trigger or a function of the schema calls random(), gen_random_uuid() or the like. */
  readonly usesRandom: boolean;
  readonly hasTriggers: boolean;
}

export interface DescribedColumn {
  readonly name: string;
  readonly type: string;
  /** The column of a table (named as in a content) whose value it is as it stands; null for an expression. */
  readonly origin: { readonly table: string; readonly column: string } | null;
}

export interface Description {
  readonly ok: true;
  readonly columns: readonly DescribedColumn[];
}
export interface DescriptionError {
  readonly ok: false;
  readonly sqlstate: string;
  readonly message: string;
}

export interface ParamTypes {
  readonly ok: true;
  /** In the order $1, $2, …: base type names such as `int4`, `text`. */
  readonly types: readonly string[];
}

export interface RunOptions {
  /** Requests and steps happen at different moments: now() differs between them, and is constant within each. */
  readonly clock: 'request' | 'step';
  /** Seed of random() and uuids for every call of this run. */
  readonly seed: number;
}

export interface EngineStats {
  /** Statements of plans sent to Postgres (loading, dumping and going back to a schema not counted). */
  statements: number;
  /** Messages to the engine. */
  roundTrips: number;
  /** Contents loaded. */
  loads: number;
  /** Times that the engine went from one schema to another. */
  schemaSwitches: number;
  restarts: number;
  bootMs: number;
}

/** The engine, or a statement that it could not survive, failed. Not an SQL error of a plan. */
export class EngineFault extends Error {
  constructor(
    message: string,
    /** `timeout`: a statement did not end; `died`: the session or the engine was lost; `closed`: cancelled. */
    readonly reason: 'timeout' | 'died' | 'closed',
    /** The statement that did it, when it could be singled out. */
    readonly sql: string | null,
  ) {
    super(message);
    this.name = 'EngineFault';
  }
}

/** A fresh database in which statements commit for real: what a finding is replayed on. */
export interface Session {
  /** Runs the statements in one transaction and commits. */
  transaction(call: Call, options: RunOptions): Promise<Outcome>;
  /** Runs each statement on its own at top level, as a migration tool without a transaction does; stops at the first error. */
  autocommit(statements: readonly string[], options: RunOptions): Promise<Outcome>;
  content(): Promise<Content>;
  /** From now on outcomes have the changes of these tables, and of no others. */
  capture(tables: readonly string[]): Promise<void>;
}

export interface Engine {
  /** Empties the database, runs schema and seed; the result is the base of all other schemas. */
  start(
    schema: readonly string[],
    seed: readonly string[],
  ): Promise<MigrateOutcome & { readonly part?: 'schema' | 'seed' }>;
  catalog(schema: SchemaId): Promise<Catalog>;
  /** Columns of what a statement returns on this schema (empty when it returns none). */
  describe(schema: SchemaId, statements: readonly string[]): Promise<readonly (Description | DescriptionError)[]>;
  /** Types of `$1…` as Postgres infers them. */
  paramTypes(schema: SchemaId, statements: readonly string[]): Promise<readonly (ParamTypes | DescriptionError)[]>;
  /** Which of these functions are volatile on this schema (unknown names count as volatile). */
  volatileFunctions(schema: SchemaId, names: readonly string[]): Promise<ReadonlySet<string>>;
  /** Runs every call of every task from its task's content; nothing stays behind. */
  run(schema: SchemaId, tasks: readonly Task[], options: RunOptions): Promise<readonly (readonly Outcome[])[]>;
  /**
   * Maps contents through DDL (and DML in it). One transaction when `transactional`; else `statements` has a
   * single statement that runs outside of one.
   */
  migrate(
    schema: SchemaId,
    statements: readonly string[],
    transactional: boolean,
    contents: readonly Content[],
    options: RunOptions,
  ): Promise<readonly MigrateOutcome[]>;
  /**
   * The same schema, of which outcomes have the changes of these tables, and of no others; what a migration makes of it
   * captures them still. A table that is captured already is named as it was when that began. Capture is no part of a
   * catalog, and of no content. On a server, a replication slot read after each call gives the same.
   */
  capture(schema: SchemaId, tables: readonly string[]): Promise<CaptureOutcome>;
  /**
   * Runs a step's statements on this content and says, of each, what Postgres did for it; nothing stays behind.
   * Those after one that fails are left out.
   */
  observe(
    schema: SchemaId,
    statements: readonly string[],
    transactional: boolean,
    content: Content,
    options: RunOptions,
  ): Promise<readonly StatementEvidence[]>;
  /** Empties the database and hands it out; the engine's schemas stay known. One at a time. */
  session(): Promise<Session>;
  /** The same, as a database for many requests. */
  player(): Promise<Player>;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

/** A content, parsed: table name → rows in column order of the catalog; sequence name → [last_value, is_called]. */
export interface ParsedContent {
  readonly tables: Readonly<Record<string, Rows>>;
  readonly sequences: Readonly<Record<string, readonly [string, string]>>;
}
