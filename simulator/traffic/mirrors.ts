/**
 * Streams of changes in virtual time: each change is delivered a while after its commit, in the order of commits. A
 * delivery that fails leaves its stream stuck, and what comes after it undelivered.
 */
import type { CallStatement } from '../engine/engine.ts';
import type { Moment, Player } from '../engine/player.ts';
import { sourceOf, type Mirror } from '../explore/mirror.ts';
import { describable } from '../explore/transitions.ts';
import type { CdcStep, StreamPlan } from '../plan/model.ts';
import type { Recorder } from './recorder.ts';

interface Waiting {
  readonly committedMs: number;
  readonly statements: readonly CallStatement[];
}

interface Running {
  readonly stream: StreamPlan;
  readonly queue: Waiting[];
  stuck: boolean;
}

export class Mirrors {
  private running: Running[] = [];

  constructor(
    private readonly player: Player,
    private readonly mirror: Mirror,
    private readonly lagMs: number,
    private readonly recorder: Recorder,
    private readonly moment: (atMs: number) => Moment,
  ) {}

  /** Requests in a batch commit within so many milliseconds, so that what they change is delivered in time; null: no stream runs. */
  get span(): number | null {
    return this.running.length === 0 ? null : this.lagMs / 2;
  }

  async step({ action, stream }: CdcStep): Promise<void> {
    this.running = this.running.filter((r) => r.stream.name !== stream.name);
    if (action === 'start') this.running.push({ stream, queue: [], stuck: false });
    await this.player.capture([...new Set(this.running.map((r) => sourceOf(r.stream)))]);
  }

  /** Takes in what has been committed until a moment. */
  async collect(atMs: number, by: 'request' | 'stream' = 'request'): Promise<void> {
    if (this.running.length === 0) return;
    for (const change of await this.player.changes())
      for (const { stream, queue } of this.running) {
        if (by === 'stream' && stream.ignoresStreams) continue;
        const statements = this.mirror.delivery(stream, change);
        if (statements !== null) queue.push({ committedMs: atMs, statements });
      }
  }

  /** Delivers what is due at a moment. */
  async deliver(atMs: number): Promise<void> {
    for (const running of this.running) {
      const due = running.queue.findIndex(({ committedMs }) => committedMs + this.lagMs > atMs);
      const count = due < 0 ? running.queue.length : due;
      if (count > 0 && !running.stuck) await this.deliverFirst(running, count, atMs);
      this.recorder.lag(running.stream.name, Math.floor(atMs / 1000), this.lagOf(running, atMs));
    }
  }

  private lagOf({ queue }: Running, atMs: number): number {
    const [oldest] = queue;
    return oldest === undefined ? 0 : Math.round(Math.max(this.lagMs, atMs - oldest.committedMs));
  }

  private async deliverFirst(running: Running, count: number, atMs: number): Promise<void> {
    const moment = this.moment(atMs);
    const due = running.queue.splice(0, count);
    const single = due.every(({ statements }) => statements.length === 1);
    // One statement is a transaction of its own.
    const texts = due.flatMap(({ statements }) => statements.map((s) => describable(s)));
    const failed = single ? await this.script(texts, moment) : await this.each(due, moment);
    await this.collect(atMs, 'stream');
    if (failed === null) return;
    running.stuck = true;
    running.queue.unshift(...due.slice(failed.at));
    this.recorder.stuck(running.stream.name, Math.floor(atMs / 1000), failed.message);
  }

  private async script(
    texts: readonly string[],
    moment: Moment,
  ): Promise<{ readonly at: number; readonly message: string } | null> {
    const result = await this.player.script(texts, moment);
    return result.ok ? null : { at: result.statement, message: `${result.message} (${result.sqlstate})` };
  }

  private async each(
    due: readonly Waiting[],
    moment: Moment,
  ): Promise<{ readonly at: number; readonly message: string } | null> {
    for (const [at, { statements }] of due.entries()) {
      const result = await this.player.transaction({ statements, writes: true }, moment, false);
      if (!result.ok) return { at, message: `${result.message} (${result.sqlstate})` };
    }
    return null;
  }

  /** Nothing waits, but in a stream that is stuck. */
  get isCaughtUp(): boolean {
    return this.running.every(({ queue, stuck }) => stuck || queue.length === 0);
  }

  get stuck(): string | null {
    return this.running.find((r) => r.stuck)?.stream.name ?? null;
  }
}
