/** Where each event of a score stands: as wide as what has to be said there, all in the window where they fit in it. */
import type { Score } from './score.ts';

export interface Columns {
  /** The left edge of each moment's column, and the right edge of the last. */
  readonly edges: readonly number[];
  readonly width: number;
  readonly fits: boolean;
}

/** From the left edge of a column to its event: what goes on before reaches up to there. */
export const inset = 16;
/** The most events that are squeezed to fit in the window. */
const mostFitted = 18;
const least = 22;

/** How wide a text is, in about. Fonts differ: it is taken to be rather wide. */
export function textWidth(text: string, size: number, isMono: boolean, isBold = false): number {
  const each = isMono ? 0.61 : isBold ? 0.6 : 0.55;
  return Array.from(text).length * size * each;
}

/** What each moment would like to have, and what it needs for what matters to be read. */
function wishes(score: Score): { readonly wanted: readonly number[]; readonly needed: readonly number[] } {
  const wanted = Array.from({ length: score.length }, () => 46);
  const needed = Array.from({ length: score.length }, () => least);
  const give = (list: number[], moment: number, width: number) => {
    list[moment] = Math.max(list[moment] ?? 0, width);
  };
  const told = new Set(score.story?.callouts.map((c) => c.moment));
  for (const { moment, label, note, state } of score.marks) {
    const words = Math.max(textWidth(label, 11, true) + 14, textWidth(note ?? '', 11, false, state !== 'ok') + 8);
    give(wanted, moment, Math.min(210, inset + 10 + words));
    give(needed, moment, told.has(moment) ? Math.min(120, inset + 8 + words) : 64);
  }
  for (const { deliveries } of score.streams)
    for (const { moment, label } of deliveries) {
      const words = inset + 22 + textWidth(label, 11, false, true);
      give(wanted, moment, Math.min(210, words));
      give(needed, moment, told.has(moment) ? Math.min(120, words) : 46);
    }
  for (const band of score.bands)
    for (const { from, to, text } of band.segments)
      if (to - from === 1) give(wanted, from, Math.min(110, textWidth(text, 11, true) + 22));
  for (const step of score.steps) {
    const name = textWidth(step.name, 12, false, true) + (step.isBack ? 34 : 18);
    for (const [list, width] of [
      [wanted, Math.min(160, name)],
      [needed, Math.min(110, name)],
    ] as const) {
      const has = list.slice(step.from, step.to).reduce((sum, w) => sum + w, 0);
      if (width > has) give(list, step.to - 1, (list[step.to - 1] ?? 0) + width - has);
    }
  }
  return { wanted: wanted.map((w, i) => Math.max(w, needed[i] ?? 0)), needed };
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}

/** From what is little to what is much, so far that all of it is as wide as the window. */
function between(little: readonly number[], much: readonly number[], window: number): readonly number[] {
  const spare = sum(much) - sum(little);
  const share = spare === 0 ? 0 : (window - sum(little)) / spare;
  return little.map((w, i) => w + ((much[i] ?? w) - w) * share);
}

/** Columns for a score in a window of so many pixels. What is short is squeezed to fit, what is long scrolls. */
export function columnsOf(score: Score, window: number): Columns {
  const { wanted, needed } = wishes(score);
  const bare = wanted.map(() => least);
  const widths =
    sum(wanted) <= window
      ? wanted.map((w) => w + (window - sum(wanted)) / Math.max(1, score.length))
      : score.length > mostFitted
        ? wanted
        : sum(needed) <= window
          ? between(needed, wanted, window)
          : sum(bare) <= window
            ? between(bare, needed, window)
            : wanted;
  const edges = [0];
  for (const width of widths) edges.push((edges.at(-1) ?? 0) + width);
  const width = edges.at(-1) ?? 0;
  return { edges, width, fits: width <= window + 1 };
}

/** Where the event of a moment stands. */
export function eventX({ edges }: Columns, moment: number): number {
  const left = edges[moment] ?? edges.at(-1) ?? 0;
  const right = edges[moment + 1];
  return right === undefined ? left : left + Math.min(inset, (right - left) / 2);
}

/** Where a mark stands: what was only tried comes after what happened. */
export function markX(
  columns: Columns,
  { moment, isTried }: { readonly moment: number; readonly isTried: boolean },
): number {
  if (!isTried) return eventX(columns, moment);
  return Math.max(eventX(columns, moment) + 8, (columns.edges[moment + 1] ?? columns.width) - 12);
}

/** The moment whose column is at a place. */
export function momentAt({ edges }: Columns, x: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? 0) <= x) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
