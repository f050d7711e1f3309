/** The streams of a replayed trace: what a real session says has changed, and what is then delivered. */
import type { Call, Change, Session } from '../engine/engine.ts';
import type { StreamPlan } from '../plan/model.ts';
import { sourceOf, type Mirror } from './mirror.ts';
import type { MoveAction } from './positions.ts';
import type { SearchEvent } from './state.ts';
import { describable } from './transitions.ts';

interface Queue {
  readonly stream: StreamPlan;
  readonly waiting: Call[];
  last: Call | null;
}

export class ReplayedStreams {
  private queues: Queue[] = [];

  constructor(
    private readonly session: Session,
    private readonly mirror: Mirror,
  ) {}

  async move({ action, stream }: MoveAction & { readonly kind: 'cdc' }): Promise<void> {
    this.queues = this.queues.filter((q) => q.stream.name !== stream.name);
    if (action === 'start') this.queues.push({ stream, waiting: [], last: null });
    await this.session.capture([...new Set(this.queues.map((q) => sourceOf(q.stream)))]);
  }

  /** What has committed is on its way. */
  committed(changes: readonly Change[], by: 'request' | 'stream'): void {
    for (const change of changes)
      for (const { stream, waiting } of this.queues) {
        if (by === 'stream' && stream.ignoresStreams) continue;
        const statements = this.mirror.delivery(stream, change);
        if (statements !== null) waiting.push({ statements, writes: true });
      }
  }

  /** The call that a delivery makes; null when the stream has another change to deliver than the search saw, or none. */
  delivery(event: SearchEvent & { readonly kind: 'deliver' }): Call | null {
    const queue = this.queues.find((q) => q.stream.name === event.stream.name);
    const call = event.again ? queue?.last : queue?.waiting[0];
    if (queue === undefined || call === undefined || call === null) return null;
    if (call.statements.map((s) => describable(s)).join(';\n') !== event.sql) return null;
    return call;
  }

  /** It has worked. */
  delivered(event: SearchEvent & { readonly kind: 'deliver' }): void {
    const queue = this.queues.find((q) => q.stream.name === event.stream.name);
    if (queue !== undefined) queue.last = event.again ? null : (queue.waiting.shift() ?? null);
  }
}
