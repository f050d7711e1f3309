/**
 * Streams of changes as the search has them: for each that runs, the changes that it has not delivered yet, in the order
 * of commits. A change is held as the SQL that its delivery runs, so that changes which do the same are the same. A
 * delivery may come late, and, as the consumer may die before it says that it has got a change, once more.
 */
import type { Change, SchemaId } from '../engine/engine.ts';
import type { StreamPlan } from '../plan/model.ts';
import { Interner } from './intern.ts';
import { mirrorOf, sourceOf } from './mirror.ts';
import type { SearchEvent } from './state.ts';
import { describable, type CallId, type ContentId, type Result, type Transitions } from './transitions.ts';
import type { Want } from './worlds.ts';

/** While so many changes wait in one stream, a request that would add to them is not followed. */
export const maxPending = 2;
/** Deliveries with nothing else going on, past which streams are taken to go on for ever. */
const longestDrain = 60;

interface Running {
  readonly stream: StreamPlan;
  readonly queue: readonly CallId[];
  /**
   * What was delivered last, while it may come once more. With something newer waiting behind it, that it comes again is
   * the same as that it comes late.
   */
  readonly last: CallId | null;
}

/** The number of no stream at all. */
export const noStreams = 0;

export type DeliverEvent = SearchEvent & { readonly kind: 'deliver' };

export type Delivery =
  | {
      readonly kind: 'delivered';
      readonly content: ContentId;
      readonly streams: number;
      readonly event: DeliverEvent;
      /** It did nothing at all. */
      readonly idle: boolean;
    }
  | {
      readonly kind: 'fails';
      readonly sqlstate: string;
      readonly message: string;
      readonly event: DeliverEvent;
    };

/** What is left when everything has been delivered; or why that never happens. */
export type Drained =
  | { readonly kind: 'drained'; readonly content: ContentId; readonly events: readonly DeliverEvent[] }
  | { readonly kind: 'fails'; readonly events: readonly DeliverEvent[]; readonly failure: Delivery & { kind: 'fails' } }
  | { readonly kind: 'echoes'; readonly events: readonly DeliverEvent[]; readonly streams: readonly StreamPlan[] };

export class Streams {
  private readonly ids = new Interner();
  private readonly sets: (readonly Running[])[] = [];
  private readonly added = new WeakMap<readonly Change[], Map<number, number>>();
  private readonly drains = new Map<string, Drained>();

  constructor(
    private readonly transitions: Transitions,
    private readonly usesRandom: boolean,
  ) {
    this.intern([]);
  }

  running(id: number): readonly Running[] {
    return this.sets[id] ?? [];
  }

  private intern(set: readonly Running[]): number {
    const sorted = [...set].sort((a, b) => (a.stream.name < b.stream.name ? -1 : 1));
    // A stream that was stopped and begun with other SQL is another one.
    const key = sorted.map(({ stream, queue, last }) => [streamKey(stream), queue, last]);
    const id = this.ids.id(JSON.stringify(key));
    if (id === this.sets.length) this.sets.push(sorted);
    return id;
  }

  /** Names of the tables whose changes have to be captured. */
  tables(id: number): readonly string[] {
    return [...new Set(this.running(id).map(({ stream }) => sourceOf(stream)))].sort();
  }

  /** From now on: what was committed before is not mirrored. */
  started(id: number, stream: StreamPlan): number {
    const others = this.running(id).filter((r) => r.stream.name !== stream.name);
    return this.intern([...others, { stream, queue: [], last: null }]);
  }

  /** What it has not delivered is gone with it. */
  stopped(id: number, stream: StreamPlan): number {
    return this.intern(this.running(id).filter((r) => r.stream.name !== stream.name));
  }

  isCaughtUp(id: number): boolean {
    return this.running(id).every(({ queue }) => queue.length === 0);
  }

  /** So much waits that nothing more is to be added. */
  isFull(id: number): boolean {
    return this.running(id).some(({ queue }) => queue.length > maxPending);
  }

  /** All has been delivered, and the consumer has said so: nothing comes twice any more. */
  acknowledged(id: number): number {
    return this.running(id).some(({ last }) => last !== null)
      ? this.intern(this.running(id).map((r) => ({ ...r, last: null })))
      : id;
  }

  /** The same streams with nothing to deliver. */
  drained(id: number): number {
    return this.intern(this.running(id).map((r) => ({ ...r, queue: [], last: null })));
  }

  /** The streams with these changes at their ends. */
  with(id: number, changes: readonly Change[] | null, by: 'request' | 'stream' = 'request'): number {
    if (changes === null || id === noStreams) return id;
    let known = this.added.get(changes);
    if (known === undefined) this.added.set(changes, (known = new Map()));
    const key = by === 'request' ? id : -id;
    let after = known.get(key);
    if (after === undefined) {
      const longer = this.running(id).map((r) => {
        if (by === 'stream' && r.stream.ignoresStreams) return r;
        const more = changes.flatMap((change) => this.callOf(r.stream, change) ?? []);
        return more.length === 0 ? r : { ...r, queue: [...r.queue, ...more], last: null };
      });
      known.set(key, (after = this.intern(longer)));
    }
    return after;
  }

  /** The same for what a request or a batch has changed; null: it is not followed, as too much waits already. */
  within(id: number, changes: readonly Change[] | null): number | null {
    const after = this.with(id, changes);
    if (after === id) return id;
    const before = this.running(id);
    const past = this.running(after).some(({ queue }, i) => {
      const had = before[i]?.queue.length ?? 0;
      return had > 0 && queue.length > had && queue.length > maxPending;
    });
    return past ? null : after;
  }

  private callOf(stream: StreamPlan, change: Change): CallId | null {
    const statements = mirrorOf(this.transitions).delivery(stream, change);
    if (statements === null) return null;
    const nonce = this.usesRandom ? 'content' : 0;
    return this.transitions.callId({ call: { statements, writes: true }, clock: 'request', nonce });
  }

  /** What may be delivered next, by each stream, and what may come once more. Null: a transition has to be computed first. */
  deliveries(
    want: Want,
    schema: SchemaId,
    content: ContentId,
    id: number,
    which: 'all' | 'telling' = 'telling',
  ): readonly Delivery[] | null {
    const all: Delivery[] = [];
    let missing = false;
    for (const { stream, queue, last } of this.running(id)) {
      for (const [call, again] of [[queue[0], false] as const, [last ?? undefined, true] as const]) {
        if (call === undefined) continue;
        const delivery = this.deliver(want, { schema, content, id }, stream, call, again);
        if (delivery === null) missing = true;
        // Coming once more it does nothing: then it may as well not come yet.
        else if (which === 'all' || !(again && delivery.kind === 'delivered' && delivery.idle)) all.push(delivery);
      }
    }
    return missing ? null : all;
  }

  private deliver(
    want: Want,
    from: { readonly schema: SchemaId; readonly content: ContentId; readonly id: number },
    stream: StreamPlan,
    call: CallId,
    again: boolean,
  ): Delivery | null {
    const result = want(from.schema, from.content, call);
    if (result === null) return null;
    const event = { kind: 'deliver', stream, sql: this.sqlOf(call), what: outcomeOf(result), again } as const;
    if (!result.ok) return { kind: 'fails', sqlstate: result.error.sqlstate, message: result.error.message, event };
    const taken = this.running(from.id).map((r) =>
      r.stream.name !== stream.name
        ? r
        : again
          ? { ...r, last: null }
          : { ...r, queue: r.queue.slice(1), last: r.queue.length === 1 ? call : null },
    );
    const streams = this.with(this.intern(taken), result.changes, 'stream');
    const idle = result.content === from.content && this.isQuiet(result.changes, from.id);
    return { kind: 'delivered', content: result.content, streams, event, idle };
  }

  /** No stream mirrors these, as it is a stream that made them. */
  private isQuiet(changes: readonly Change[] | null, id: number): boolean {
    return (
      changes === null ||
      this.running(id).every((r) => r.stream.ignoresStreams || changes.every((c) => this.callOf(r.stream, c) === null))
    );
  }

  /** The streams that run, for those who look at a state. */
  shown(
    id: number,
  ): readonly { readonly stream: string; readonly waiting: readonly string[]; readonly again: string | null }[] {
    return this.running(id).map(({ stream, queue, last }) => ({
      stream: stream.name,
      waiting: queue.map((call) => this.sqlOf(call)),
      again: last === null ? null : this.sqlOf(last),
    }));
  }

  private sqlOf(call: CallId): string {
    return this.transitions
      .spec(call)
      .call.statements.map((s) => describable(s))
      .join(';\n');
  }

  /** Delivers everything, with nothing else going on. Null: a transition has to be computed first. */
  drain(want: Want, schema: SchemaId, content: ContentId, id: number): Drained | null {
    const key = `${schema}|${content}|${id}`;
    let drained = this.drains.get(key) ?? null;
    if (drained === null) {
      drained = this.drainNow(want, schema, content, id);
      if (drained !== null) this.drains.set(key, drained);
    }
    return drained;
  }

  private drainNow(want: Want, schema: SchemaId, from: ContentId, id: number): Drained | null {
    const events: DeliverEvent[] = [];
    const seen = new Set<string>();
    let content = from;
    let streams = this.acknowledged(id);
    const most = longestDrain + this.running(id).reduce((n, { queue }) => n + queue.length, 0);
    while (!this.isCaughtUp(streams)) {
      const deliveries = this.deliveries(want, schema, content, streams);
      if (deliveries === null) return null;
      // A stream that fails now may go on when another has delivered.
      const next = deliveries.find((d) => d.kind === 'delivered') ?? deliveries[0];
      if (next === undefined) break;
      if (next.kind === 'fails') return { kind: 'fails', events, failure: next };
      events.push(next.event);
      content = next.content;
      streams = this.acknowledged(next.streams);
      const key = `${content}|${streams}`;
      if (seen.has(key) || events.length >= most) {
        const busy = this.running(streams).flatMap(({ stream, queue }) => (queue.length > 0 ? [stream] : []));
        return { kind: 'echoes', events, streams: busy };
      }
      seen.add(key);
    }
    return { kind: 'drained', content, events };
  }
}

function streamKey(stream: StreamPlan): string {
  return `${stream.name}@${stream.location.line}:${stream.location.column}`;
}

function outcomeOf(result: Result): string {
  if (!result.ok) return `error ${result.error.sqlstate}: ${result.error.message}`;
  const touched = result.results.reduce((n, r) => n + r.touched, 0);
  return touched === 1 ? '1 row touched' : `${touched} rows touched`;
}
