/** Which versions answer, by their pods. A rollout moves one pod after the other; a flag moves all at once. */
import type { Random } from './random.ts';

export class Pods {
  private readonly counts: number[];

  constructor(
    versions: number,
    readonly all: number,
    first: number,
  ) {
    this.counts = Array.from({ length: versions }, () => 0);
    this.counts[first] = all;
  }

  /** Versions that have a pod. */
  get live(): readonly number[] {
    return this.counts.flatMap((pods, version) => (pods > 0 ? [version] : []));
  }

  move(to: number): void {
    const from = this.live.find((version) => version !== to);
    if (from === undefined) return;
    this.counts[from] = (this.counts[from] ?? 0) - 1;
    this.counts[to] = (this.counts[to] ?? 0) + 1;
  }

  moveAll(to: number): void {
    this.counts.fill(0);
    this.counts[to] = this.all;
  }

  /** The version that a request comes to; every pod gets as many. */
  pick(random: Random): number {
    let left = random.integer(0, this.all - 1);
    return this.counts.findIndex((pods) => (left -= pods) < 0);
  }
}
