/** Where everything of a picture stands, from top to bottom and from left to right, and which part of it is looked at. */
import { textWidth, type Columns } from './columns.ts';
import type { Range, Score } from './score.ts';
import { clip } from './values.ts';

/** Where everything stands, from top to bottom. */
export interface Rows {
  readonly height: number;
  readonly main: number;
  /** The branch of a way back, under the steps that it undoes; null where nothing is rolled back. */
  readonly branch: number | null;
  readonly top: number;
  /** The line of each lane. */
  readonly lanes: readonly number[];
  readonly job: number | null;
  /** The top of each stream's lane. */
  readonly streams: readonly number[];
  /** The top of each band. */
  readonly bands: readonly number[];
  readonly heading: number;
}

export const bandHeight = 24;
const laneHeight = 50;
const bandGap = 20;
const streamHeight = 40;

export function rowsFor(score: Score): Rows {
  const main = 0;
  const hasBranch = score.steps.some((s) => s.isBack);
  const branch = hasBranch ? 40 : null;
  const top = hasBranch ? 76 : 42;
  const lanes = score.lanes.map((_, i) => top + 34 + i * laneHeight);
  let y = top + 12 + score.lanes.length * laneHeight;
  const job = score.jobs.length > 0 ? y : null;
  if (job !== null) y += 34;
  const streams = score.streams.map((_, i) => y + i * streamHeight);
  y += streams.length === 0 ? 0 : streams.length * streamHeight + 8;
  const heading = y + 14;
  y += score.bands.length > 0 ? 26 : 0;
  const bands = score.bands.map((band, i) => y + i * (bandHeight + bandGap) + (band.role === 'reference' ? 6 : 0));
  const last = bands.at(-1);
  return { height: (last ?? y - bandHeight) + bandHeight + 10, main, branch, top, lanes, job, streams, bands, heading };
}

/** A place to draw: the columns, the rows, and the part that is looked at. */
export interface Canvas {
  readonly columns: Columns;
  readonly rows: Rows;
  /** The moments in view. */
  readonly view: Range;
  /** The pixels in view: what is long says its words there. */
  readonly left: number;
  readonly right: number;
}

/** The moments whose columns are between two places, with one more at either side: their words reach out. */
export function viewOf(columns: Columns, length: number, left: number, right: number): Range {
  let from = 0;
  while (from < length - 1 && (columns.edges[from + 1] ?? 0) < left) from += 1;
  let to = from;
  while (to < length && (columns.edges[to] ?? 0) <= right) to += 1;
  return { from: Math.max(0, from - 2), to: Math.min(length, to + 1) };
}

/** As much of a text as there is room for; nothing where that would be a letter. */
export function fitted(words: string, room: number, size: number, isMono: boolean, isBold = false): string {
  const each = textWidth('x', size, isMono, isBold);
  const most = Math.floor(room / each);
  return most < 2 ? '' : clip(words, most);
}
