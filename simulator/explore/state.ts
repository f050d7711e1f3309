/** A state of the search: where the plan stands, what every table holds, and what the reference holds. */
import type { SchemaId } from '../engine/engine.ts';
import type { BackfillStep, RollbackStep, Step, StreamPlan } from '../plan/model.ts';
import type { Answer } from './answer.ts';
import { freshJob, jobKey, type JobState } from './jobs.ts';
import type { Move } from './positions.ts';
import type { Action } from './programs.ts';
import type { ContentId } from './transitions.ts';
import { flightReplacer, type Progress } from './worlds.ts';

/** A request that has committed some of its statements and not yet all. */
export interface Flight {
  readonly id: string;
  readonly version: string;
  readonly progress: Progress;
  /** Steps entered since its version was last live. */
  readonly age: number;
}

export type SearchEvent =
  | { readonly kind: 'move'; readonly move: Move; readonly result: string }
  /** `statement` is null for a request run whole, else the index of the one that ran. */
  | {
      readonly kind: 'request';
      readonly version: string;
      readonly action: Action;
      readonly statement: number | null;
      readonly answer: Answer | null;
      readonly flight: string | null;
    }
  | {
      readonly kind: 'batch';
      readonly step: BackfillStep;
      readonly sql: string;
      readonly what: string;
      readonly reads: boolean;
    }
  | { readonly kind: 'crash'; readonly version: string; readonly action: Action; readonly flight: string }
  | { readonly kind: 'restart'; readonly step: BackfillStep }
  /** A statement that a pod prepares, and later executes as it was prepared. */
  | {
      readonly kind: 'prepared';
      readonly what: 'prepare' | 'execute';
      readonly version: string;
      readonly action: Action;
      readonly statement: number;
      readonly sql: string;
      readonly result: string;
    }
  | {
      readonly kind: 'deliver';
      readonly stream: StreamPlan;
      readonly sql: string;
      readonly what: string;
      /** It had been delivered before. */
      readonly again: boolean;
    }
  /** The replica sees one commit more; `left`: how many it has not seen then. */
  | { readonly kind: 'catch-up'; readonly left: number }
  /** Put in on purpose, to see whether a check notices. */
  | { readonly kind: 'drift'; readonly step: Step; readonly sql: string; readonly what: string };

export interface StateFields {
  readonly position: number;
  readonly schema: SchemaId;
  readonly content: ContentId;
  /** Sets of worlds of the first reference, and of the second (-1 when there is none). */
  readonly first: number;
  readonly second: number;
  /** Bits of the versions that can send everything new that has run; -1 when nothing new has. */
  readonly newer: number;
  readonly flights: readonly Flight[];
  readonly job: JobState | null;
  /** A process died on the way here; one does. */
  readonly crashed: boolean;
  /** Steps before this index are not rolled back any more. */
  readonly floor: number;
  /** The streams that run, with what they have not delivered. */
  readonly streams: number;
  /** How far the replica is behind. */
  readonly replica: number;
}

/** How a state was first reached, by the shortest way known. */
export interface Way {
  readonly parent: Node | null;
  readonly event: SearchEvent | null;
  /** Requests that wrote, on the way here. */
  readonly writes: number;
  /** Moves, batches and crashes on the way here. */
  readonly others: number;
  /** The last move's direction. */
  readonly direction: 'up' | 'down';
  /** 0: never rolled back; 1: on the way back; 2: rolled out again. */
  readonly stage: 0 | 1 | 2;
}

/** A state with what is known of it. A class, since there are many: each object holds its fields and nothing else. */
export class Node implements StateFields, Way {
  readonly position: number;
  readonly schema: SchemaId;
  readonly content: ContentId;
  readonly first: number;
  readonly second: number;
  readonly newer: number;
  readonly flights: readonly Flight[];
  readonly job: JobState | null;
  readonly crashed: boolean;
  readonly floor: number;
  readonly streams: number;
  readonly replica: number;
  parent: Node | null = null;
  event: SearchEvent | null = null;
  writes = 0;
  others = 0;
  direction: 'up' | 'down' = 'up';
  stage: 0 | 1 | 2 = 0;
  /** What can happen here is known. Until then a shorter way here may still replace the one it was first reached by. */
  expanded = false;
  /** A running job has nothing left to do here, or there is none. */
  finished = false;
  /** True once a live version reads what it must not: nothing is followed from here. */
  damaged = false;
  /** A request of a live version fails here. */
  broken = false;
  /** Where one step of the way back leads: filled when that was explored. */
  back: Node | 'fails' | 'no-plan' | null = null;
  /** Where the next batch of a running job leads. */
  batch: Node | null = null;
  /** Where the next delivery of a stream leads, or a commit that the replica sees. */
  delivered: Node | null = null;

  constructor(
    readonly id: number,
    fields: StateFields,
    way: Way,
  ) {
    this.position = fields.position;
    this.schema = fields.schema;
    this.content = fields.content;
    this.first = fields.first;
    this.second = fields.second;
    this.newer = fields.newer;
    this.flights = fields.flights;
    this.job = fields.job;
    this.crashed = fields.crashed;
    this.floor = fields.floor;
    this.streams = fields.streams;
    this.replica = fields.replica;
    this.reachedBy(way);
  }

  reachedBy(way: Way): void {
    this.parent = way.parent;
    this.event = way.event;
    this.writes = way.writes;
    this.others = way.others;
    this.direction = way.direction;
    this.stage = way.stage;
  }

  /** In its past there is a way back. */
  get rolledBack(): boolean {
    return this.stage > 0;
  }
}

/** 15 bits a unit: what numbers a key has are written as the letters of a short text, which takes little room. */
const unit = 2 ** 15;

/** States with equal keys are the same state. `nonce` counts writes where random values are drawn. */
export function stateKey(state: StateFields, nonce: number, flights: number, stage: number): string {
  const { position, schema, content, first, second, newer, floor } = state;
  const key = String.fromCharCode(
    position,
    schema,
    content / unit,
    content % unit,
    first / unit,
    first % unit,
    (second + 2) / unit,
    (second + 2) % unit,
    (newer + 1) / unit,
    (newer + 1) % unit,
    floor * 2 + (state.crashed ? 1 : 0),
    nonce * 3 + stage,
    flights / unit,
    flights % unit,
  );
  const queues = state.streams === 0 && state.replica === 0 ? '' : `~${state.streams}~${state.replica}`;
  return state.job === null || state.job === freshJob ? key + queues : key + queues + jobKey(state.job);
}

/** The events from the start to a state. */
export function pathTo(node: Node): readonly Node[] {
  const path: Node[] = [];
  for (let n: Node | null = node; n !== null; n = n.parent) path.push(n);
  return path.reverse();
}

/** The step whose way back was last begun on the way to a state. */
export function lastUndone(node: Node): Step | null {
  for (let n: Node | null = node; n !== null; n = n.parent) {
    if (n.event?.kind === 'move') return n.event.move.direction === 'down' ? n.event.move.step : null;
  }
  return null;
}

export type AnyStep = Step | RollbackStep;

/** A state's own fields, without those of the node they come from. */
export function plain(fields: StateFields): StateFields {
  const { position, schema, content, first, second, newer, flights, job, crashed, floor } = fields;
  const { streams, replica } = fields;
  return { position, schema, content, first, second, newer, flights, job, crashed, floor, streams, replica };
}

/** A state that an event leads to, before it is known whether it is new. */
export interface Draft {
  readonly fields: StateFields;
  readonly event: SearchEvent;
  /** A request that writes. */
  readonly write: boolean;
}

/** Run before drift is put in: a trigger that keeps two places in step would mend it at once. */
export const triggersOff = 'SET LOCAL session_replication_role = replica';

/** Requests in flight that are the same are held once, and named by a number (0: none). */
export class FlightSets {
  private readonly ids = new Map<string, number>();
  private readonly sets: (readonly Flight[])[] = [[]];

  id(flights: readonly Flight[]): number {
    if (flights.length === 0) return 0;
    const key = JSON.stringify(flights, flightReplacer);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.sets.length;
      this.ids.set(key, id);
      this.sets.push(flights);
    }
    return id;
  }

  set(id: number): readonly Flight[] {
    return this.sets[id] ?? [];
  }
}

/** Most ways to a state end with an event that led to others as well: it is held once. */
export class Events {
  private readonly moves = new WeakMap<Move, Map<string, SearchEvent>>();
  private readonly requests = new WeakMap<Answer, Map<string, SearchEvent>>();
  private readonly unanswered = new Map<string, SearchEvent>();

  shared(event: SearchEvent): SearchEvent {
    if (event.kind === 'move') return once(mapOf(this.moves, event.move), event.result, event);
    if (event.kind !== 'request') return event;
    const { version, action, statement, answer, flight } = event;
    const known = answer === null ? this.unanswered : mapOf(this.requests, answer);
    return once(known, `${version}|${action.id}|${statement}|${flight}`, event);
  }
}

function mapOf<K extends object>(maps: WeakMap<K, Map<string, SearchEvent>>, key: K): Map<string, SearchEvent> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = new Map()));
  return map;
}

function once(known: Map<string, SearchEvent>, key: string, event: SearchEvent): SearchEvent {
  const shared = known.get(key);
  if (shared === undefined) known.set(key, event);
  return shared ?? event;
}
