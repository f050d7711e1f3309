/** Series of a recording in characters: a column of text for each stretch of time, its height for the amount. */
import type { Recording, RecordedStep } from './recording.ts';

const levels = '▁▂▃▄▅▆▇█';

/** A share as a bar; the smallest amount is still seen. */
export function bar(share: number): string {
  return levels[Math.min(levels.length - 1, Math.max(0, Math.ceil(share * levels.length) - 1))] ?? '';
}

/** Points of the recording, `from` to `to` (not included), that one column of text stands for. */
export interface Column {
  readonly from: number;
  readonly to: number;
  /** The last second of the column. */
  readonly until: number;
}

/** Each step has as many columns as any other, however long it took; in a step, columns have as many points each. */
export interface Axis {
  readonly columns: readonly Column[];
  /** Columns of one step. */
  readonly perStep: number;
}

const fewestColumns = 2;

export function axisOf(recording: Pick<Recording, 'seconds' | 'steps' | 'duration'>, width: number): Axis {
  const { seconds, steps, duration } = recording;
  const begins = [0, ...steps.map((s) => s.from)];
  const perStep = Math.max(fewestColumns, Math.floor(width / begins.length));
  const columns = begins.flatMap((begin, i) => {
    const end = begins[i + 1] ?? duration + 1;
    const [from, to] = [place(seconds, begin), place(seconds, end)];
    return Array.from({ length: perStep }, (_, c): Column => {
      const cut = (n: number): number => from + Math.floor(((to - from) * n) / perStep);
      // Where there are fewer points than columns, one point has several.
      const [first, beyond] = [cut(c), to > from ? Math.max(cut(c + 1), cut(c) + 1) : to];
      const last = seconds[beyond - 1] ?? begin;
      const until = c === perStep - 1 ? end - 1 : last;
      return { from: first, to: beyond, until: Math.max(begin, until) };
    });
  });
  return { columns, perStep };
}

/** How many points come before a second. */
function place(seconds: readonly number[], second: number): number {
  let [low, high] = [0, seconds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((seconds[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sum of a series over a column; the series begins at the point `first`. */
export function sumIn(series: readonly number[], first: number, { from, to }: Column): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += series[i - first] ?? 0;
  return sum;
}

/** What a value that holds until the next was at this second; undefined before the first. */
export function valueAt<T>(at: readonly number[], values: readonly T[], second: number): T | undefined {
  return values[place(at, second + 1) - 1];
}

/** `     │1    │2    │3`: where each step begins. */
export function boundaries(steps: readonly RecordedStep[], perStep: number): string {
  const marks = steps.map((_, i) => {
    const mark = `│${i + 1}`;
    return (mark.length <= perStep ? mark : '│').padEnd(perStep);
  });
  return (' '.repeat(perStep) + marks.join('')).trimEnd();
}
