/** A recording: a history of a plan as it was played, moment by moment. Plain data, so that it can cross to another process. */
import type { Position } from '../explore/positions.ts';
import type { Location } from '../plan/model.ts';
import type { Finding, TraceEvent } from '../report/model.ts';

/** A table of some content, with what its rows are told apart by. */
export interface TableView {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * A place where the tables are not as the reference has them. Columns are compared with the column that the same
 * request reads in the reference; `readBy` names the live versions that read it, and is empty where nobody does yet, or any more.
 */
export interface Difference {
  readonly kind: 'cell' | 'missing-row' | 'extra-row';
  readonly table: string;
  /** `id=1`. */
  readonly row: string;
  readonly column: string | null;
  /** `users.email`: what the reference has in its place. */
  readonly counterpart: string | null;
  readonly now: string | null;
  readonly reference: string | null;
  readonly readBy: readonly string[];
}

/** What can be seen at a moment. Moments that show the same share one. */
export interface View {
  readonly tables: readonly TableView[];
  /** The worlds that the reference may be in: more than one while an outcome is unknown. */
  readonly reference: readonly (readonly TableView[])[];
  readonly differences: readonly Difference[];
}

/** A violation that a moment demonstrates. */
export interface Shown {
  readonly rule: string;
  readonly message: string;
  readonly expected: string | null;
  readonly actual: string | null;
}

export interface InFlight {
  readonly version: string;
  readonly request: string;
  readonly params: Readonly<Record<string, string | null>>;
  /** Statements that have committed, of how many. */
  readonly done: number;
  readonly of: number;
}

/** A stream that runs. */
export interface QueueView {
  readonly stream: string;
  /** What it has not delivered yet, in order: the SQL that each delivery runs. */
  readonly waiting: readonly string[];
  /** What it delivered last, while that may come once more. */
  readonly again: string | null;
}

/** A replica that lags behind. */
export interface ReplicaView {
  /** Commits that it has not seen. */
  readonly behind: number;
  readonly tables: readonly TableView[];
}

export interface Moment {
  /** Null at the start. */
  readonly event: TraceEvent | null;
  /** In words: `dual write (rolling out)`, `v1 change_email(id: 1)`. */
  readonly title: string;
  /** Where what happens is written. */
  readonly place: Location;
  /** The step that the plan stands in; null before the first. */
  readonly step: {
    readonly name: string;
    readonly index: number;
    readonly kind: string;
    readonly place: Location;
  } | null;
  readonly phase: Position['phase'];
  /** The position, as reports name it. */
  readonly position: string;
  readonly live: readonly string[];
  /** The version that the latest deploy has replaced, or is replacing, where it could live on from here as a straggler. */
  readonly stragglers: readonly string[];
  readonly job: string | null;
  readonly flights: readonly InFlight[];
  /** Absent where no stream runs. */
  readonly queues?: readonly QueueView[];
  /** Absent where nothing reads from a replica, or it is not behind. */
  readonly replica?: ReplicaView;
  /** Of a request: what the reference answers, and what was answered here. */
  readonly expected: string | null;
  readonly actual: string | null;
  readonly shown: Shown | null;
  /** Index into the recording's views. */
  readonly view: number;
  /** What each live version would answer now; nothing of it stays. */
  readonly probes: readonly Moment[];
}

/** Why a history exists: it is played from a plan, or forked from another. */
export interface History {
  readonly id: number;
  readonly title: string;
  /** The history that it was forked from, and after which of its moments. */
  readonly from: { readonly history: number; readonly moment: number } | null;
  /** What it was forked with; null where it was not forked. */
  readonly command: ForkCommand | null;
  readonly moments: readonly Moment[];
}

/** A line of the plan at which a history can be stopped. */
export type Stop =
  | { readonly kind: 'step'; readonly step: number; readonly name: string; readonly place: Location }
  /** `versions`: those that answer the request with what is written there. */
  | {
      readonly kind: 'request';
      readonly request: string;
      readonly versions: readonly string[];
      readonly place: Location;
    };

export interface ColumnName {
  readonly table: string;
  readonly column: string;
}

/**
 * A column of the reference, and where the plan keeps what it holds: first in the old place, later in the new one. Columns
 * that stay where they are have one place, which is old.
 */
export interface DataPlaces {
  readonly reference: ColumnName;
  readonly places: readonly (ColumnName & { readonly role: 'old' | 'new' })[];
}

/** A request as a version answers it. */
export interface PlayedRequest {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly params: readonly { readonly name: string; readonly values: readonly (string | null)[] }[];
  /** Its statements as they are written, with `:params`. */
  readonly sql: readonly string[];
  readonly transaction: boolean;
  /** Read from a copy that lags. Absent where it is not. */
  readonly onReplica?: true;
  readonly place: Location;
}

export interface PlayedVersion {
  readonly name: string;
  readonly requests: readonly PlayedRequest[];
}

export interface PlayedStep {
  readonly name: string;
  readonly index: number;
  readonly kind: string;
  /** What it runs, as it is written; empty for a deploy. */
  readonly sql: string;
  /** The line of `sql`, from 1, in which each statement begins, and where that is written. */
  readonly statements: readonly { readonly line: number; readonly place: Location }[];
  /** What its way back runs; null where nothing is stated. */
  readonly rollback: string | null;
  readonly place: Location;
}

export interface Recording {
  readonly file: string;
  readonly title: string;
  readonly finding: Finding | null;
  readonly stops: readonly Stop[];
  readonly versions: readonly PlayedVersion[];
  readonly steps: readonly PlayedStep[];
  readonly places: readonly DataPlaces[];
  readonly history: History;
  readonly views: readonly View[];
  /** What was left out, in words. */
  readonly notes: readonly string[];
}

/** A fork, with the views that are new. */
export type Forked =
  | { readonly ok: true; readonly history: History; readonly views: readonly View[]; readonly firstView: number }
  | { readonly ok: false; readonly message: string };

export type ForkCommand =
  | {
      readonly kind: 'request';
      readonly version: string;
      readonly request: string;
      readonly params: Readonly<Record<string, string | null>>;
    }
  | { readonly kind: 'sql'; readonly sql: string }
  | { readonly kind: 'rollback' }
  /** A version that should be gone stays live one deploy longer than planned: until the next that begins is done. */
  | { readonly kind: 'straggler'; readonly version: string };

export type Answered =
  | {
      readonly ok: true;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | null)[])[] | null;
      readonly touched: number;
    }
  | { readonly ok: false; readonly message: string };
