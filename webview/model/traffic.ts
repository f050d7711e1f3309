/**
 * A recording of simulated traffic, laid out over the steps. Each step has the same width, however long it took; where a
 * step takes time, the first half of its width is the time in which it runs, the second the time until the next one.
 */
import type { RecordedStep, Recording, VersionSeries } from '../../simulator/report/recording.ts';

/** What lies between one step's beginning and the next one's. The first is before any step. */
export interface Segment {
  readonly index: number;
  /** Null before the first step. */
  readonly step: RecordedStep | null;
  /** Seconds: `until` is not of it. */
  readonly from: number;
  readonly until: number;
  /** The second in which the step was done; `from` where it took no time. */
  readonly ranUntil: number;
}

/** A stretch of time in a segment: what one point of a chart stands for. */
export interface Bin {
  readonly segment: number;
  readonly from: number;
  readonly until: number;
  readonly isRunning: boolean;
  /** Where it begins: segment 3 goes from 3 to 4. */
  readonly x: number;
}

export const kinds = ['ok', 'failed', 'wrong', 'waiting', 'unjudged'] as const;
export type Kind = (typeof kinds)[number];
export type Counts = Readonly<Record<Kind, number>>;

const binsOfHalf = 12;

export function segmentsOf({ steps, duration }: Pick<Recording, 'steps' | 'duration'>): readonly Segment[] {
  const begins = [0, ...steps.map(({ from }) => from), duration + 1];
  return [null, ...steps].map((step, index) => {
    const from = begins[index] ?? 0;
    const until = Math.max(from, begins[index + 1] ?? from);
    // What waited for the step is answered in the second in which it is done.
    const ranUntil = step === null || step.to === step.from ? from : Math.min(until, step.to + 1);
    return { index, step, from, until, ranUntil };
  });
}

/** A stretch in equal parts of whole seconds; not more parts than seconds. */
function parts(from: number, until: number, most: number): readonly (readonly [number, number])[] {
  const count = Math.max(1, Math.min(most, Math.floor(until - from)));
  const cut = (n: number): number => from + Math.floor(((until - from) * n) / count);
  return Array.from({ length: count }, (_, n) => [cut(n), cut(n + 1)] as const);
}

export function binsOf(segments: readonly Segment[]): readonly Bin[] {
  return segments.flatMap(({ index, from, ranUntil, until }) => {
    const lay = (begin: number, end: number, most: number, at: number, width: number, isRunning: boolean): Bin[] => {
      const cuts = parts(begin, end, most);
      return cuts.map(([a, b], n) => ({
        segment: index,
        from: a,
        until: b,
        isRunning,
        x: index + at + (width * n) / cuts.length,
      }));
    };
    if (ranUntil === from) return lay(from, until, 2 * binsOfHalf, 0, 1, false);
    if (ranUntil >= until) return lay(from, until, 2 * binsOfHalf, 0, 1, true);
    return [...lay(from, ranUntil, binsOfHalf, 0, 0.5, true), ...lay(ranUntil, until, binsOfHalf, 0.5, 0.5, false)];
  });
}

/** How many of `seconds` come before a second. */
export function placeOf(seconds: readonly number[], second: number): number {
  let [low, high] = [0, seconds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((seconds[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function countsIn(
  { seconds }: Pick<Recording, 'seconds'>,
  version: VersionSeries,
  from: number,
  until: number,
): Counts {
  const [first, beyond] = [placeOf(seconds, from), placeOf(seconds, until)];
  const sum = (series: readonly number[]): number => {
    let total = 0;
    for (let i = first; i < beyond; i++) total += series[i - version.first] ?? 0;
    return total;
  };
  return {
    ok: sum(version.ok),
    failed: sum(version.failed),
    wrong: sum(version.wrong),
    waiting: sum(version.waiting),
    unjudged: sum(version.unjudged),
  };
}

export function answered({ ok, failed, wrong, unjudged }: Counts): number {
  return ok + failed + wrong + unjudged;
}

/** What a value that holds until the next was in a second; undefined before the first. */
export function valueAt<T>(at: readonly number[], values: readonly T[], second: number): T | undefined {
  return values[placeOf(at, second + 1) - 1];
}

/** Of what a backfill wrote in all, how much it had written; of the rows there were, where it did not come to its end. */
export function backfillShare(
  { steps }: Recording,
  { step, rows, at, touched }: Recording['backfills'][number],
  second: number,
): number | null {
  const done = valueAt(at, touched, second);
  if (done === undefined) return null;
  const isDone = steps.some(({ name, result }) => name === step && result === 'done');
  return done / Math.max(1, touched.at(-1) ?? 0, isDone ? 0 : rows);
}

/** The figures of a stretch, for each version that was asked anything in it. */
export interface Figures {
  readonly versions: readonly { readonly name: string; readonly counts: Counts }[];
  /** Null: nobody could be asked. Undefined: nothing was looked at yet. */
  readonly drift: number | null | undefined;
  readonly backfills: readonly { readonly step: string; readonly touched: number; readonly share: number }[];
}

export function figuresOf(recording: Recording, from: number, until: number): Figures {
  const last = Math.max(from, until - 1);
  const all = recording.versions.map((version) => ({
    name: version.name,
    counts: countsIn(recording, version, from, until),
  }));
  return {
    versions: all.filter(({ counts }) => answered(counts) + counts.waiting > 0),
    drift: recording.drift.looked === 0 ? undefined : valueAt(recording.drift.at, recording.drift.rows, last),
    backfills: recording.backfills.flatMap((backfill) => {
      const share = backfillShare(recording, backfill, last);
      const touched = valueAt(backfill.at, backfill.touched, last);
      // Before it began and after its own stretch there is nothing to say of it.
      if (share === null || touched === undefined) return [];
      const began = backfill.at[0] ?? 0;
      const ended = recording.steps.find(({ name }) => name === backfill.step)?.to ?? last;
      return last < began || from > ended ? [] : [{ step: backfill.step, touched, share }];
    }),
  };
}

/** The bin in which a segment begins. */
export function firstBinOf(bins: readonly Bin[], segment: number): number {
  return Math.max(
    0,
    bins.findIndex((bin) => bin.segment === segment),
  );
}

/** The bin at a place on the axis. */
export function binAt(bins: readonly Bin[], x: number): number {
  const after = placeOf(
    bins.map((bin) => bin.x),
    x + Number.EPSILON * 8,
  );
  return Math.min(bins.length - 1, Math.max(0, after - 1));
}
