/**
 * How far a replica is behind in virtual time: it applies what was committed a while later, and later still while it
 * replays what a step wrote faster than a replica can apply it.
 */

/** A stretch of the primary's time of which a replica replays each millisecond in `factor` of them. */
interface Work {
  readonly fromMs: number;
  toMs: number;
  readonly factor: number;
}

/** What the forecast says of a step: how long it writes, and how far a replica is behind when it is done. */
export interface StepLag {
  readonly workMs: number;
  readonly behindMs: number;
}

export class ReplicaLag {
  /** In the order of time. */
  private readonly works: Work[] = [];

  constructor(private readonly usualMs: number) {}

  /** A step writes from a moment until another, which may not be known yet; `behindMs` for each `workMs` of it. */
  writes({ workMs, behindMs }: StepLag, fromMs: number, toMs = Infinity): void {
    if (workMs > 0 && behindMs > 0) this.works.push({ fromMs, toMs, factor: 1 + behindMs / workMs });
  }

  /** What goes on without an end known ends now. */
  ends(atMs: number): void {
    const last = this.works.at(-1);
    if (last?.toMs === Infinity) last.toMs = atMs;
  }

  /** The moment of the primary that the replica shows: it never goes back. */
  position(atMs: number): number {
    const replayed = atMs - this.usualMs;
    let free = -Infinity;
    for (const { fromMs, toMs, factor } of this.works) {
      if (replayed < fromMs) break;
      const start = Math.max(fromMs, free);
      const position = fromMs + (replayed - start) / factor;
      if (position < toMs) return position;
      free = start + (toMs - fromMs) * factor;
    }
    return replayed;
  }

  /** When the replica shows what was committed at a moment. */
  arrival(committedMs: number): number {
    let free = -Infinity;
    for (const { fromMs, toMs, factor } of this.works) {
      if (committedMs < fromMs) break;
      const start = Math.max(fromMs, free);
      if (committedMs <= toMs) return start + (committedMs - fromMs) * factor + this.usualMs;
      free = start + (toMs - fromMs) * factor;
    }
    return Math.max(committedMs, free) + this.usualMs;
  }
}
