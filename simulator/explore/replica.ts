/**
 * A replica as the search has it: the states that the database has been in since the one that the replica is in, which is
 * the oldest. It catches up one commit at a time. What it answers is right if it is what the reference would have said in
 * one of them, or says now.
 */
import type { SchemaId } from '../engine/engine.ts';
import type { Plan } from '../plan/model.ts';
import { Interner } from './intern.ts';
import type { StateFields } from './state.ts';
import type { ContentId } from './transitions.ts';

/** A commit that would leave the replica further behind comes when it has caught up by one. */
export const maxLag = 2;

/** The number of a replica that is not behind. */
export const upToDate = 0;

/** What the database was once, with the reference then. */
export interface Snapshot {
  readonly schema: SchemaId;
  readonly content: ContentId;
  readonly first: number;
  readonly second: number;
  readonly newer: number;
}

export class Replica {
  private readonly ids = new Interner();
  private readonly lags: (readonly Snapshot[])[] = [];
  /** Some request of the plan reads from it. */
  readonly isRead: boolean;

  constructor(plan: Plan) {
    this.isRead = plan.versions.some((v) => [...v.requests.values()].some((r) => r.onReplica));
    this.intern([]);
  }

  private intern(lag: readonly Snapshot[]): number {
    const id = this.ids.id(JSON.stringify(lag.map((s) => [s.schema, s.content, s.first, s.second, s.newer])));
    if (id === this.lags.length) this.lags.push(lag);
    return id;
  }

  /** What it has not seen is what came after these, the oldest first. */
  lag(id: number): readonly Snapshot[] {
    return this.lags[id] ?? [];
  }

  /** The state that a replica shows. */
  shown(state: StateFields): StateFields {
    return { ...state, ...this.lag(state.replica)[0] };
  }

  /** How far behind it is once `before` has become `after`. Null: too far; a step that the plan goes on to does not wait. */
  after(before: StateFields, after: StateFields, isMove: boolean): number | null {
    if (!this.isRead || (before.schema === after.schema && before.content === after.content)) return after.replica;
    const { schema, content, first, second, newer } = before;
    const lag = [...this.lag(after.replica), { schema, content, first, second, newer }];
    if (lag.length > maxLag && !isMove) return null;
    return this.intern(lag.slice(-maxLag));
  }

  /** One commit further. */
  caughtUpByOne(id: number): number {
    return this.intern(this.lag(id).slice(1));
  }
}
