/** A state of the search: where the plan stands, what every table holds, and what the reference holds. */
import type { SchemaId } from '../engine/engine.ts';
import type { BackfillStep, RollbackStep, Step } from '../plan/model.ts';
import type { Answer } from './answer.ts';
import { jobKey, type JobState } from './jobs.ts';
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
}

export interface Node extends StateFields {
  readonly id: number;
  /** What can happen here is known. Until then a shorter way here may still replace the one it was first reached by. */
  expanded: boolean;
  parent: Node | null;
  event: SearchEvent | null;
  /** Requests that wrote, on the way here. */
  writes: number;
  /** Moves, batches and crashes on the way here. */
  others: number;
  /** The last move's direction. */
  direction: 'up' | 'down';
  /** 0: never rolled back; 1: on the way back; 2: rolled out again. */
  stage: 0 | 1 | 2;
  /** In its past there is a way back. */
  rolledBack: boolean;
  /** True once a live version reads what it must not: nothing is followed from here. */
  damaged: boolean;
  /** A request of a live version fails here. */
  broken: boolean;
  /** Where one step of the way back leads: filled when that was explored. */
  back: Node | 'fails' | 'no-plan' | null;
  /** Where the next batch of a running job leads. */
  batch: Node | null;
}

/** States with equal keys are the same state. `nonce` counts writes where random values are drawn. */
export function stateKey(state: StateFields, nonce: number, flights: number): string {
  return `${state.position}|${state.schema}|${state.content}|${state.first}|${state.second}|${state.newer}|${state.floor}${state.crashed ? 'x' : ''}|${nonce}|${jobKey(state.job)}|${flights}`;
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
  return { position, schema, content, first, second, newer, flights, job, crashed, floor };
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
