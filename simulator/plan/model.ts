/**
 * The plan as the rest of the simulator sees it: loaded, validated, every SQL text split into
 * statements by the real parser, `extends` resolved, positions kept.
 */

/** A place in a source file. Lines and columns count from 1, columns in UTF-16 units. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One piece of a statement's text: literal SQL, or a hole that is filled before the statement runs. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** `:name`: a parameter of the request, or `:batch`, `:from`, `:to` of a backfill. */
  | {
      readonly kind: 'param';
      readonly name: string;
      /** It is calculated with, and only with another parameter or a sign: its type has to be said. */
      readonly isLoneOperand?: true;
    }
  /** `:row.column`: a column of a row that an earlier statement of the request named with `as`. */
  | { readonly kind: 'field'; readonly row: string; readonly column: string };

/** A table or column that a statement names. `schema` only where the SQL says it. */
export interface TableRef {
  readonly schema: string | null;
  readonly table: string;
}

/** Where the value of a parameter goes, read from the parse tree: `col = :p`, `SET col = :p`, `INSERT (col) VALUES (:p)`. */
export interface ParamUse {
  readonly param: string;
  /** The tables of the statement that the column may belong to (one, where it is certain). */
  readonly tables: readonly TableRef[];
  readonly column: string;
  /** The operator that compares (`=`, `<`, `<=`, `>`, `>=`, `BETWEEN-low`, `BETWEEN-high`, `IN`), or `assign` for SET and INSERT. */
  readonly operator: string;
}

/** What a statement puts into a column, read from the parse tree: `SET col = …`, `INSERT (col) VALUES (…)`, `INSERT (col) SELECT …`. */
export interface ColumnWrite {
  readonly table: TableRef;
  /** `#1` for the first column, where an INSERT names none; `*` where it takes all that another table has. */
  readonly column: string;
  /** The parameters and columns that the value is made of, wherever they stand in it. */
  readonly params: readonly string[];
  readonly columns: readonly { readonly tables: readonly TableRef[]; readonly column: string }[];
  /** The value is a parameter or a column as it stands, a cast aside. */
  readonly plain: boolean;
}

/** What the parse tree of one statement says. Nothing here is found by matching text. */
export interface Statement {
  /** The text as written, without the closing semicolon. */
  readonly text: string;
  readonly pieces: readonly Piece[];
  readonly location: Location;
  /** The further database that it runs in; null: the first. Its tables have that name as their schema then. */
  readonly database: string | null;
  /** The parser's node tag: `SelectStmt`, `InsertStmt`, `AlterTableStmt`, … */
  readonly node: string;
  /** True when it gives rows: SELECT, VALUES, TABLE, or a RETURNING clause, EXPLAIN, SHOW. */
  readonly returnsRows: boolean;
  /** True when the top-level query has an ORDER BY. */
  readonly ordered: boolean;
  /** The leading ORDER BY items that are plain columns (name, lower case) or places in the list (number from 1). */
  readonly sortBy: readonly (string | number)[];
  /** INSERT, UPDATE, DELETE or MERGE at the top or in a WITH. */
  readonly modifies: boolean;
  /** Every function called, lower case, without schema; volatility is asked of Postgres. */
  readonly functions: readonly string[];
  /** Every table named anywhere in the statement (CTE names left out). */
  readonly tables: readonly TableRef[];
  /** Every column name mentioned, lower case (only the last part of `a.b.c`); `*` when a star is selected. */
  readonly columns: readonly string[];
  /** For UPDATE, INSERT, DELETE, MERGE at the top: the target and the columns it writes (empty: all, or a DELETE). */
  readonly target: { readonly table: TableRef; readonly columns: readonly string[] } | null;
  readonly paramUses: readonly ParamUse[];
  readonly writes: readonly ColumnWrite[];
  /** The new name that a RENAME gives to the table it names; null for any other statement. */
  readonly renamesTo: string | null;
  /** Columns that it asks for being NULL (`IS NULL`), lower case. */
  readonly nullTests: readonly string[];
  /** An INSERT that says ON CONFLICT DO NOTHING. */
  readonly skipsConflicts: boolean;
  /** False for what Postgres refuses in a transaction block: CREATE INDEX CONCURRENTLY, VACUUM, … */
  readonly transactional: boolean;
}

/** An SQL text of the plan, which may hold several statements. */
export interface Sql {
  readonly statements: readonly Statement[];
  readonly location: Location;
}

/** A database beside the first. */
export interface FurtherDatabase {
  readonly name: string;
  readonly schema: Sql;
  readonly seed: Sql | null;
}

/** A parameter's value as Postgres reads it: its text, or null. */
export type Value = string | null;

export interface RequestStatement extends Statement {
  /** The name under which later statements use its first row. */
  readonly as: string | null;
}

/** What one version runs for one request. */
export interface Request {
  readonly name: string;
  /** The version that wrote it: not the heir, when it came through `extends`. */
  readonly definedIn: string;
  readonly statements: readonly RequestStatement[];
  /** False: each statement commits on its own. Else those that follow each other in one database are one transaction. */
  readonly transaction: boolean;
  /** Read from a lagging copy instead of the database that is written to. */
  readonly onReplica: boolean;
  /** A boolean SQL expression over the columns of the answer, or null. */
  readonly accepts: { readonly text: string; readonly location: Location } | null;
  /** Parameter names in order of first use. */
  readonly params: readonly string[];
  readonly location: Location;
}

export interface Version {
  readonly name: string;
  readonly extends: string | null;
  /** Requests by name, `extends` resolved; a request set to null is left out. */
  readonly requests: ReadonlyMap<string, Request>;
  /** `params` inside the version (with those inherited): values only it, and the versions that extend it, can send. */
  readonly params: ReadonlyMap<string, readonly Value[]>;
  /** Its pods hold prepared statements, as drivers do; false where `prepares: false` says that they don't. */
  readonly prepares: boolean;
  readonly location: Location;
}

export interface Allow {
  readonly rule: string;
  readonly reason: string;
  readonly location: Location;
}

/** What the plan says of a table in production. Sizes in bytes, rates per second. */
export interface TableFacts {
  readonly rows?: number;
  readonly size?: number;
  readonly reads?: number;
  readonly writes?: number;
}

/** What the forecast may be told instead of assuming it. Bytes, rows, milliseconds; rates per second. */
export const forecastKeys = [
  'scan',
  'rewrite',
  'index-build',
  'validate',
  'validate-foreign-key',
  'write',
  'replay',
  'row-size',
  'index-row-size',
  'rows',
  'reads',
  'writes',
  'request-time',
  'request-timeout',
  'pool',
  'slow-query',
  'retries',
  'retry-pause',
  'max-block',
  'factor',
] as const;
export type ForecastKey = (typeof forecastKeys)[number];
export type ForecastSettings = Readonly<Partial<Record<ForecastKey, number>>>;

export type Rollback =
  | { readonly kind: 'sql'; readonly sql: Sql; readonly transactional: boolean; readonly location: Location }
  | { readonly kind: 'steps'; readonly steps: readonly RollbackStep[]; readonly location: Location }
  /** `rollback: none`: on purpose. */
  | { readonly kind: 'none'; readonly location: Location }
  /** Nothing was written. For deploy, backfill and verify that means nothing to undo; for migrate it is a finding. */
  | { readonly kind: 'unstated' };

interface StepBase {
  /** Place in the plan's list, from 0. */
  readonly index: number;
  /** As written, or `step N` (N from 1). */
  readonly name: string;
  readonly location: Location;
  readonly allow: readonly Allow[];
  readonly offline: boolean;
  readonly wait: 'drained' | 'caught-up' | null;
  readonly pointOfNoReturn: boolean;
  readonly rollback: Rollback;
}

export interface MigrateStep extends StepBase {
  readonly kind: 'migrate';
  readonly sql: Sql;
  /** False when `transaction: false` was said or a statement can't run in one: then each statement commits on its own. */
  readonly transactional: boolean;
}

export interface DeployStep extends StepBase {
  readonly kind: 'deploy';
  readonly version: string;
  /** The flag's name: it flips at once, without a rollout. */
  readonly flag: string | null;
}

export type BackfillForm =
  /** One statement; with `:batch` it is run until it touches no row, without it once. */
  | { readonly kind: 'statement'; readonly statement: Statement; readonly batched: boolean }
  /** A key range: `:from` and `:to` over `by`. */
  | {
      readonly kind: 'range';
      readonly statement: Statement;
      readonly by: { readonly table: TableRef; readonly column: string };
    }
  /** Each statement is one batch, run once, in order. */
  | { readonly kind: 'list'; readonly statements: readonly Statement[] }
  /** A script: reads a batch, then writes it row by row; `:column` in `write` is a column of the row read. */
  | {
      readonly kind: 'script';
      readonly read: Statement;
      readonly write: readonly Statement[];
      readonly batched: boolean;
    };

export interface BackfillStep extends StepBase {
  readonly kind: 'backfill';
  readonly form: BackfillForm;
  /** Rows in a batch in production; null when not stated. */
  readonly batch: number | null;
  /** Milliseconds between batches. */
  readonly pauseMs: number;
}

export type Check =
  | {
      readonly kind: 'equal';
      readonly name: string;
      readonly queries: readonly [Statement, Statement];
      readonly location: Location;
    }
  | { readonly kind: 'empty'; readonly name: string; readonly query: Statement; readonly location: Location };

export interface VerifyStep extends StepBase {
  readonly kind: 'verify';
  readonly checks: readonly Check[];
}

/** The kinds of changes of a row. */
export const changeKinds = ['insert', 'update', 'delete'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** Mirrors every committed change of a table: for each row that changed, one transaction, in one database. */
export interface StreamPlan {
  readonly name: string;
  readonly table: TableRef;
  /**
   * What is run for a change of each kind; null: it is not mirrored. `:new.col` and `:old.col` are fields of the rows
   * named `new` and `old`.
   */
  readonly apply: Readonly<Record<ChangeKind, Sql | null>>;
  /** What streams have changed is not mirrored: `origin: none`, as Postgres' subscriptions have it. */
  readonly ignoresStreams: boolean;
  readonly location: Location;
}

export interface CdcStep extends StepBase {
  readonly kind: 'cdc';
  readonly action: 'start' | 'stop';
  readonly stream: StreamPlan;
}

export type Step = MigrateStep | DeployStep | BackfillStep | VerifyStep | CdcStep;
export type RollbackStep = MigrateStep | BackfillStep | VerifyStep;

export interface Plan {
  /** As given by the caller. */
  readonly file: string;
  readonly title: string;
  readonly schema: Sql;
  readonly seed: Sql | null;
  /** What the first database is called. */
  readonly database: string;
  readonly databases: readonly FurtherDatabase[];
  /** By the table's name, with that of a further database before it: `orders_db.orders`. */
  readonly production: ReadonlyMap<string, TableFacts>;
  /** What the plan says of its server and its traffic; the rest is assumed. */
  readonly forecast: ForecastSettings;
  /** Domains stated for the whole plan. */
  readonly params: ReadonlyMap<string, readonly Value[]>;
  /** In the order written; the first is the reference. */
  readonly versions: readonly Version[];
  readonly steps: readonly Step[];
  readonly allow: readonly Allow[];
  /** Text of every file read, for quoting lines in reports. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Something wrong with a plan. Shown as `file:line:column: message`, the line and a caret. */
export interface PlanError {
  /** Stable, kebab-case: `yaml-syntax`, `unknown-key`, `sql-syntax`, `unknown-version`, … */
  readonly code: string;
  readonly message: string;
  readonly location: Location;
  /** The nearest known name, where there is one. */
  readonly suggestion: string | null;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: Plan }
  /** `sources` has the text of every file read, so that the error's line can be quoted. */
  | { readonly ok: false; readonly errors: readonly PlanError[]; readonly sources: ReadonlyMap<string, string> };
