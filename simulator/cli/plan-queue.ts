/**
 * Which plan is next, where several are rehearsed at a time. Plans of a directory are as a rule variants of each other, and
 * whoever has rehearsed one knows much of the next: so each goes on with the directory that it has begun.
 */
import { dirname } from 'node:path';

export class PlanQueue {
  /** Indexes of the plans of each directory that are left, in order. */
  private readonly left = new Map<string, number[]>();
  private readonly begun = new Set<string>();

  constructor(files: readonly string[]) {
    files.forEach((file, index) => {
      const directory = dirname(file);
      const group = this.left.get(directory);
      if (group === undefined) this.left.set(directory, [index]);
      else group.push(index);
    });
  }

  /** The index of the next plan, after one of this directory; null when none is left. */
  next(directory: string | null): number | null {
    const own = directory === null ? undefined : this.left.get(directory)?.shift();
    if (own !== undefined) return own;
    for (const [name, group] of this.left) {
      if (this.begun.has(name)) continue;
      this.begun.add(name);
      const first = group.shift();
      if (first !== undefined) return first;
    }
    // Nothing that nobody has begun: the last of the directory of which most is left.
    const largest = [...this.left.values()].reduce<number[]>((a, b) => (b.length > a.length ? b : a), []);
    return largest.pop() ?? null;
  }
}
