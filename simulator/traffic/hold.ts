/** Locks of a step as requests meet them, in virtual time. Who works them out is handed in. */
import type { LockMode } from '../engine/engine.ts';
import type { MigrateStep } from '../plan/model.ts';
import { conflicts } from './conflicts.ts';

/** From when to when requests that conflict with `mode` wait for this table: queueing for the lock counts as holding it. */
export interface LockHold {
  /** As the catalog names it. */
  readonly table: string;
  readonly mode: LockMode;
  /** Milliseconds after the step begins. */
  readonly fromMs: number;
  readonly toMs: number;
  /** It is asked for and not had yet. */
  readonly isQueue?: true;
}

export interface StepHold {
  readonly holds: readonly LockHold[];
  /** How long the step takes in all; its statements take effect at its end. */
  readonly durationMs: number;
  /** What this stands on, for the report. */
  readonly assumptions: readonly string[];
}

export type HoldOf = (step: MigrateStep) => Promise<StepHold>;

/** Steps that take no time. */
export const noHold: HoldOf = () => Promise.resolve({ holds: [], durationMs: 0, assumptions: [] });

export interface Touches {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
}

/** Until when a request that comes at `at` has to wait; `at` itself when nothing is in its way. */
export function waitsUntil(touches: Touches, at: number, begun: number, holds: readonly LockHold[]): number {
  let until = at;
  for (const { table, mode, fromMs, toMs } of holds) {
    const blocked =
      (touches.reads.has(table) && conflicts(mode, 'AccessShareLock')) ||
      (touches.writes.has(table) && conflicts(mode, 'RowExclusiveLock'));
    if (blocked && at >= begun + fromMs && at < begun + toMs) until = Math.max(until, begun + toMs);
  }
  return until;
}
