/** What the main thread and the engine's thread say to each other. Contents and calls go as numbered texts. */
import type {
  Call,
  CaptureOutcome,
  Change,
  EngineStats,
  MigrateOutcome,
  Outcome,
  RunOptions,
  SchemaId,
} from './engine.ts';
import type { Catalog, Content, Description, DescriptionError, ParamTypes, StatementEvidence } from './engine.ts';
import type { Moment, PlayBatch, PlayProgram, PlayResults, PlayRows, ScriptOutcome } from './player.ts';
import type { Migration } from './workspace.ts';
import type { KnownSchemas } from './schemas.ts';

export interface WorkerSetup {
  readonly wasm: WebAssembly.Module;
  readonly bundle: SharedArrayBuffer;
  readonly image: SharedArrayBuffer;
  readonly extensions: Readonly<Record<string, string>>;
  readonly progress: SharedArrayBuffer;
  readonly known: KnownSchemas;
}

/** Every operation: what goes in, what comes out. */
export interface Operations {
  start: { in: { schema: readonly string[]; seed: readonly string[] }; out: StartOutcome };
  catalog: { in: { schema: SchemaId }; out: Catalog };
  describe: {
    in: { schema: SchemaId; statements: readonly string[] };
    out: readonly (Description | DescriptionError)[];
  };
  paramTypes: {
    in: { schema: SchemaId; statements: readonly string[] };
    out: readonly (ParamTypes | DescriptionError)[];
  };
  volatileFunctions: { in: { schema: SchemaId; names: readonly string[] }; out: readonly string[] };
  run: { in: { schema: SchemaId; tasks: string; options: RunOptions }; out: string };
  migrate: {
    in: { schema: SchemaId; migration: Migration; contents: readonly Content[] };
    out: readonly MigrateOutcome[];
  };
  capture: { in: { schema: SchemaId; tables: readonly string[] }; out: CaptureOutcome };
  observe: {
    in: { schema: SchemaId; migration: Migration; content: Content };
    out: readonly StatementEvidence[];
  };
  openSession: { in: null; out: null };
  transaction: { in: { call: Call; options: RunOptions }; out: Outcome };
  autocommit: { in: { statements: readonly string[]; options: RunOptions }; out: Outcome };
  content: { in: null; out: Content };
  captureSession: { in: { tables: readonly string[] }; out: null };
  openPlayer: { in: null; out: null };
  playScript: { in: { statements: readonly string[]; moment: Moment }; out: ScriptOutcome };
  playCall: { in: { call: Call; moment: Moment; migrates: boolean }; out: ScriptOutcome };
  playDefine: { in: readonly PlayProgram[]; out: number };
  play: { in: PlayBatch; out: PlayResults };
  playCapture: { in: { tables: readonly string[] }; out: null };
  playChanges: { in: null; out: readonly Change[] };
  playRows: { in: { serial: number; items: readonly number[] }; out: readonly PlayRows[] };
}

export type StartOutcome = MigrateOutcome & { readonly part?: 'schema' | 'seed' };
export type OperationName = keyof Operations;

export type Request = {
  readonly [K in OperationName]: { readonly name: K; readonly input: Operations[K]['in'] };
}[OperationName];

export type Counters = Pick<EngineStats, 'statements' | 'loads' | 'schemaSwitches'>;

export type Response =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly output: unknown;
      readonly counters: Counters;
      /** Null when nothing was learned. */
      readonly known: KnownSchemas | null;
      /** Bytes that Postgres holds. */
      readonly memory: number;
      /** The session keeps a setting of the plan's own: another plan needs another thread. */
      readonly customised: boolean;
    }
  /** The session is lost: this thread is of no more use. */
  | { readonly kind: 'lost'; readonly message: string; readonly sql: string | null }
  /** A defect of the engine's own, or a wrong use of it. */
  | { readonly kind: 'failed'; readonly message: string };

/** Tasks as they travel: each content and each call once, however many tasks have it. */
export interface PackedTasks {
  readonly contents: readonly Content[];
  readonly calls: readonly Call[];
  /** Content, then calls, by their numbers. */
  readonly tasks: readonly (readonly number[])[];
}

/** Outcomes as they travel: each task's, with contents and results, most of which are alike, by their numbers. */
export interface PackedOutcomes {
  readonly contents: readonly Content[];
  /** As JSON. */
  readonly results: readonly string[];
  /** As JSON. */
  readonly changes: readonly string[];
  readonly outcomes: readonly (readonly PackedOutcome[])[];
}

export type PackedOutcome =
  /** `x`: its changes. */
  | { readonly r: number; readonly c: number; readonly x?: number }
  | { readonly e: readonly [sqlstate: string, message: string, statement: number]; readonly c: number };

/** Numbers equal things alike. */
export class Numbering<T> {
  readonly items: T[] = [];
  private readonly numbers = new Map<T, number>();

  of(item: T): number {
    let number = this.numbers.get(item);
    if (number === undefined) {
      number = this.items.push(item) - 1;
      this.numbers.set(item, number);
    }
    return number;
  }
}
