/**
 * A database that is played against: many small requests, committed for real, sent as prepared statements in long
 * messages. Unlike a session it never reads the content of the tables, so they may be large.
 */
import type { Call, Change, Rows } from './engine.ts';

/** A part of a statement: SQL text, a parameter of the request by its place, or a column of a row that was named. */
export type PlayPiece =
  | string
  | {
      readonly param: number;
      /** Written behind the place, as `::text`; or nothing. */
      readonly cast: string;
      /** It is calculated with: a fraction is sent as a number. Such a statement is not prepared, as its types depend on the value. */
      readonly calculates: boolean;
    }
  | { readonly row: string; readonly column: string };

export interface PlayStatement {
  readonly pieces: readonly PlayPiece[];
  /** Keep the first row under this name for later statements of the same request. */
  readonly as: string | null;
  readonly returnsRows: boolean;
  readonly modifies: boolean;
  /** A client is told how many rows it touched. */
  readonly tells: boolean;
  /** The further database that it runs in; null: the first. */
  readonly database: string | null;
}

/** What one version runs for one request. */
export interface PlayProgram {
  readonly statements: readonly PlayStatement[];
  /** False: each statement commits on its own. */
  readonly atomic: boolean;
  /** The first statement of each commit: several, too, where an atomic program goes from one database to another. */
  readonly commits: readonly number[];
  /** The statement whose rows a client gets; -1: none. */
  readonly answering: number;
}

/** What now() and random() give. */
export interface Moment {
  /** Since 1970, in milliseconds. */
  readonly clockMs: number;
  readonly seed: number;
}

/** Requests in the order in which they are run, packed: they are many. */
export interface PlayBatch {
  /** `itemWidth` numbers for each: see `Item`. */
  readonly items: Int32Array;
  /** Every value of every request, each ended by `valueEnd`; NULL is `nullValue`. */
  readonly values: string;
  readonly moment: Moment;
  /** Each request draws random values of its own, the same in every database that it is sent to. */
  readonly random: boolean;
}

/** Answers of this many batches are kept, for those who want to see rows. */
export const batchesKept = 4;

export const itemWidth = 5;
/** What the numbers of an item say, in this order. */
export const Item = {
  /** -1: nothing is run for it here. */
  program: 0,
  /** The first of those that commit together; -1: the whole program. */
  statement: 1,
  /** Names a request whose statements come as several items; 0: it comes whole. */
  flight: 2,
  /** How many values it has. */
  values: 3,
  /** 1: it is rolled back, only its answer is wanted. */
  probe: 4,
} as const;

export const valueEnd = '\u0000';
export const nullValue = '\u0001';

export const resultWidth = 4;
/** What the numbers of a result say, in this order. */
export const PlayResult = {
  /** 0 answered, 1 refused with an error, 2 nothing was run. */
  status: 0,
  /** 1 when a statement that writes touched any row, and 2 more when one did that tells. */
  touched: 1,
  /** Two hashes of the rows that a client gets, as Postgres sent them; 0 and 0 when it gets none. */
  hashA: 2,
  hashB: 3,
} as const;

export interface PlayError {
  readonly sqlstate: string;
  readonly message: string;
}

export interface PlayResults {
  /** Names this batch when rows of it are asked for. */
  readonly serial: number;
  /** `resultWidth` numbers for each item. */
  readonly results: Int32Array;
  readonly errors: readonly (PlayError & { readonly item: number })[];
}

/** An item's rows, of one of the batches that were played last. */
export interface PlayRows {
  readonly rows: Rows | null;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export type ScriptOutcome =
  | { readonly ok: true; readonly touched: number; readonly rows: readonly (Rows | null)[] }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly statement: number };

export interface Player {
  /** Each statement on its own at top level; stops at the first error. Every prepared statement is made anew after it. */
  script(statements: readonly string[], moment: Moment): Promise<ScriptOutcome>;
  /** The statements in one transaction. `migrates`: every prepared statement is made anew after it. */
  transaction(call: Call, moment: Moment, migrates: boolean): Promise<ScriptOutcome>;
  /** Adds programs; the first has the number that is given. */
  define(programs: readonly PlayProgram[]): Promise<number>;
  play(batch: PlayBatch): Promise<PlayResults>;
  /** From now on changes of these tables are kept for `changes`, and of no others. */
  capture(tables: readonly string[]): Promise<void>;
  /** What has been committed since this was last asked, in order. */
  changes(): Promise<readonly Change[]>;
  /** Rows of items of one of the last `batchesKept` batches. */
  rows(serial: number, items: readonly number[]): Promise<readonly PlayRows[]>;
}
