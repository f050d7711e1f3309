/** How much memory a search may hold: beside Postgres' own, so that a rehearsal stays small enough for an editor. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | null = null;

/** True when what is held, garbage aside, is past so many megabytes. */
export function memoryExceeded(megabytes: number): boolean {
  const limit = megabytes * 1024 * 1024;
  if (getHeapStatistics().used_heap_size < limit) return false;
  collectGarbage();
  return getHeapStatistics().used_heap_size >= limit;
}

/** Left to itself, V8 lets garbage grow to several times of what is live. */
function collectGarbage(): void {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    const gc: unknown = runInNewContext('gc');
    collect = typeof gc === 'function' ? () => void gc() : () => undefined;
  }
  collect();
}
