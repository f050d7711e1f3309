/** What is to happen, by virtual time; of what happens at the same moment, what was added first comes first. */

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap. */
export class EventQueue<T> {
  private readonly heap: Entry<T>[] = [];
  private added = 0;

  get size(): number {
    return this.heap.length;
  }

  /** Time of the next event; Infinity when there is none. */
  get next(): number {
    return this.heap[0]?.at ?? Infinity;
  }

  add(at: number, item: T): void {
    const entry = { at, order: this.added++, item };
    let i = this.heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = this.heap[parent];
      if (above === undefined || before(above, entry)) break;
      this.heap[i] = above;
      i = parent;
    }
    this.heap[i] = entry;
  }

  take(): T | undefined {
    const [first] = this.heap;
    const last = this.heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.heap.length > 0) this.sink(last);
    return first.item;
  }

  private sink(entry: Entry<T>): void {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const left = this.heap[child];
      if (left === undefined) break;
      const right = this.heap[child + 1];
      const smaller = right !== undefined && before(right, left) ? right : left;
      if (smaller === right) child++;
      if (before(entry, smaller)) break;
      this.heap[i] = smaller;
      i = child;
    }
    this.heap[i] = entry;
  }
}
