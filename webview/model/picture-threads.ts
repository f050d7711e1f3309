/** Writes as threads from their request down into the places that they reached; the lost one strong, with the break in it. */
import type { ColumnName } from '../../simulator/player/model.ts';
import type { Band } from './bands.ts';
import { samePlace } from './places.ts';
import { eventX, markX, textWidth } from './columns.ts';
import { bandHeight, type Canvas } from './canvas.ts';
import { boxHeight, boxTop } from './picture-streams.ts';
import type { Delivered, Mark, Score } from './score.ts';
import { circle, cross, line, n, path, text, type Ink, type Shape } from './shapes.ts';
import type { Thread } from './thread.ts';

export function threadShapes(score: Score, canvas: Canvas): readonly Shape[] {
  const { view, rows, columns } = canvas;
  const shapes: Shape[] = [];
  for (const mark of score.marks)
    if (mark.moment >= view.from && mark.moment <= view.to) shapes.push(...ownThread(score, mark, canvas));
  for (const job of score.jobs)
    for (const batch of job.batches) {
      if (batch.moment < view.from || batch.moment > view.to) continue;
      const x = eventX(columns, batch.moment);
      const broken = score.story?.thread?.broken ?? null;
      // What the replica has not seen is right where it was written.
      const isBreak = broken?.moment === batch.moment && broken.kind !== 'behind';
      const ink: Ink = isBreak ? 'bad' : 'soft';
      for (const y of tops(score, canvas, batch.places)) {
        shapes.push(
          line(x, (rows.job ?? 0) + 21, x, y, { stroke: ink, width: isBreak ? 2.5 : 1.5 }),
          ...arrow(x, y, ink),
        );
      }
    }
  score.streams.forEach(({ deliveries }, i) => {
    for (const each of deliveries)
      if (each.moment >= view.from && each.moment <= view.to)
        shapes.push(...deliveredThread(score, each, canvas, (rows.streams[i] ?? 0) + boxTop + boxHeight));
  });
  return [...shapes, ...lostThread(score, canvas)];
}

/** From the stream into the place that it writes, and from the place that it mirrors to that. */
function deliveredThread(score: Score, each: Delivered, canvas: Canvas, y: number): readonly Shape[] {
  const x = eventX(canvas.columns, each.moment);
  const ink: Ink = each.isBreak ? 'bad' : 'soft';
  const width = each.isBreak ? 2.5 : 1.5;
  const targets = tops(score, canvas, each.places);
  const [target] = targets;
  if (target === undefined) return [];
  const [source] = tops(score, canvas, each.sources);
  const isUp = source !== undefined && source > target;
  const first = Math.min(target, ...(source === undefined ? [] : [source]));
  const shapes: Shape[] = [line(x, y, x, first, { stroke: ink, width, dash: source === undefined ? 'none' : '2 3' })];
  if (source !== undefined) {
    const from = isUp ? source : source + bandHeight;
    shapes.push(circle(x, from, 3.5, { fill: ink }));
    if (isUp) {
      const to = target + bandHeight;
      shapes.push(line(x, from, x, to, { stroke: ink, width }));
      shapes.push(path(`M${n(x - 4)} ${n(to + 6)}L${n(x)} ${n(to)}L${n(x + 4)} ${n(to + 6)}`, { stroke: ink, width }));
      return shapes;
    }
    shapes.push(line(x, from, x, target, { stroke: ink, width }));
  }
  return [...shapes, ...targets.flatMap((top) => arrow(x, top, ink))];
}

/** Where the bands of some places begin; those of the replica, where that is meant and it has some. */
function tops(score: Score, { rows }: Canvas, places: readonly ColumnName[], isCopy = false): readonly number[] {
  const isKind = ({ role }: Band) => (isCopy ? role === 'replica' : role === 'old' || role === 'new');
  return score.bands.flatMap((band, i) =>
    isKind(band) && places.some((p) => samePlace(p, band.place)) ? [rows.bands[i] ?? 0] : [],
  );
}

function arrow(x: number, y: number, ink: Ink): readonly Shape[] {
  return [path(`M${n(x - 4)} ${n(y - 6)}L${n(x)} ${n(y)}L${n(x + 4)} ${n(y - 6)}`, { stroke: ink, width: 1.5 })];
}

function isLost(score: Score, moment: number): boolean {
  return score.story?.thread?.writer?.includes(moment) === true;
}

/** From the mark into the bands that it wrote, or from the band that it read up to the mark. */
function ownThread(score: Score, mark: Mark, canvas: Canvas): readonly Shape[] {
  const { columns, rows } = canvas;
  const lane = score.lanes.findIndex((l) => l.version === mark.version);
  const y = rows.lanes[lane] ?? 0;
  const x = markX(columns, mark);
  const copies = mark.isOnReplica ? tops(score, canvas, mark.places, true) : [];
  const reached = copies.length > 0 ? copies : tops(score, canvas, mark.places);
  const isBad = isLost(score, mark.moment) || mark.state !== 'ok';
  const ink: Ink = isBad ? 'bad' : 'soft';
  if (reached.length === 0) return mark.state === 'failed' ? failedThread(score, mark, canvas, x, y) : [];
  if (mark.kind === 'read') {
    const [first = 0] = reached;
    return [
      line(x, first, x, y + 9, { stroke: ink, width: isBad ? 2.5 : 1.5, dash: isBad ? '5 3' : 'none' }),
      path(`M${n(x - 4.5)} ${n(y + 16)}L${n(x)} ${n(y + 9)}L${n(x + 4.5)} ${n(y + 16)}`, {
        stroke: ink,
        width: isBad ? 2.5 : 1.5,
      }),
      ...reached.map((top) => circle(x, top, 3.5, { fill: ink })),
    ];
  }
  const last = reached.at(-1) ?? 0;
  return [
    line(x, y + 7, x, last, { stroke: ink, width: isBad ? 3 : 1.5 }),
    ...reached.map((top) => circle(x, top + 1, isBad ? 4.5 : 3.5, { fill: ink })),
  ];
}

/** A request that fails never comes to a place: it breaks off above the first that is not there. */
function failedThread(score: Score, mark: Mark, { columns, rows }: Canvas, x: number, y: number): readonly Shape[] {
  const at = mark.moment;
  const gone = score.bands.findIndex((band) =>
    band.segments.some((s) => s.from <= at && s.to > at && (s.cell.kind === 'no-column' || s.cell.kind === 'no-table')),
  );
  const top = rows.bands[gone] ?? null;
  if (top === null) return [];
  return [
    line(x, y + 9, x, top - 8, { stroke: 'bad', width: 2.5, dash: '5 3' }),
    cross(x, top + 1, 5, 'bad', 3),
    text(Math.min(x + 11, columns.width - 60), top - 4, 'not there', {
      ink: 'bad',
      size: 11,
      isBold: true,
      isOver: true,
    }),
  ];
}

const words = { ink: 'bad', size: 11, isBold: true, isOver: true } as const;

/** Along the band that it reached, to where it breaks off before the reader. */
function lostThread(score: Score, canvas: Canvas): readonly Shape[] {
  const { columns } = canvas;
  const { story } = score;
  const thread = story?.thread ?? null;
  if (story === null || thread === null || thread.reads.length === 0) return [];
  if (thread.broken.kind === 'behind') return behindThread(score, canvas, thread, story.breakText ?? '');
  const [target] = tops(score, canvas, thread.reads);
  if (target === undefined) return [];
  const { broken, writer, written } = thread;
  const said = story.breakText ?? '';
  const start = writer === null ? 0 : eventX(columns, thread.brought ?? writer.at(-1) ?? 0);
  if (broken.kind === 'overwritten') {
    const from = writer === null ? filledX(score, canvas, thread.reads, broken.moment) : start;
    return overwritten(canvas, from, eventX(columns, broken.moment), target, said);
  }
  if (broken.kind === 'stored') {
    const style = { ...words, anchor: 'start' } as const;
    return [cross(start, target - 7, 5, 'bad', 3), text(start + 10, target - 5, said, style)];
  }
  const sources =
    writer === null
      ? oldTops(score, canvas, thread.reads)
      : tops(
          score,
          canvas,
          written.map((c) => c.place),
        );
  const near = sources.filter((s) => s !== target).toSorted((a, b) => Math.abs(a - target) - Math.abs(b - target));
  const [source] = near;
  if (source === undefined) return [];
  // What was lost in the copy breaks off there, what nobody copied before the reader.
  const end =
    broken.kind === 'copied' || broken.kind === 'dropped'
      ? eventX(columns, broken.moment)
      : markX(columns, { moment: story.end, isTried: story.probe !== null }) - 22;
  return brokenOff(start, Math.max(start + 20, end), source, target, said);
}

/** From the primary, which has it, towards the replica, which has not. */
function behindThread(score: Score, canvas: Canvas, thread: Thread, said: string): readonly Shape[] {
  const { story } = score;
  const [source] = tops(score, canvas, thread.reads);
  const [target] = tops(score, canvas, thread.reads, true);
  if (story === null || source === undefined || target === undefined) return [];
  const start = eventX(canvas.columns, thread.broken.moment);
  const end = markX(canvas.columns, { moment: story.end, isTried: story.probe !== null }) - 22;
  return brokenOff(start, Math.max(start + 20, end), source, target, said);
}

/** From one band towards another, and not there. */
function brokenOff(start: number, x: number, source: number, target: number, said: string): readonly Shape[] {
  const y = source + bandHeight - 4;
  const isBelow = target > source;
  const edge = isBelow ? source + bandHeight : source;
  const middle = isBelow ? (edge + target) / 2 : (target + bandHeight + edge) / 2;
  const stop = isBelow ? middle - 6 : middle + 6;
  return [
    path(`M${n(start)} ${n(y)}H${n(x - 8)}Q${n(x)} ${n(y)} ${n(x)} ${n(stop)}`, { stroke: 'bad', width: 3 }),
    circle(x, middle, 8, { fill: 'paper', stroke: 'paper', width: 1 }),
    cross(x, middle, 5, 'bad', 3),
    text(x - 12, middle + 4, fits(said, x - 16), { ...words, anchor: 'end' }),
  ];
}

/** Along the band that is read, up to what went over it. */
function overwritten({ columns }: Canvas, from: number, x: number, target: number, said: string): readonly Shape[] {
  const y = target + bandHeight - 5;
  const isLeft = x + 6 + textWidth(said, 11, false, true) > columns.width;
  return [
    line(from, y, x - 9, y, { stroke: 'bad', width: 3 }),
    cross(x - 3, y, 5, 'bad', 3),
    text(isLeft ? x - 12 : x + 6, target + bandHeight + 13, said, { ...words, anchor: isLeft ? 'end' : 'start' }),
  ];
}

/** Where the place that is read was given what somebody then went over. */
function filledX(score: Score, { columns }: Canvas, reads: readonly ColumnName[], moment: number): number {
  const band = score.bands.find(
    (b) => (b.role === 'old' || b.role === 'new') && reads.some((r) => samePlace(r, b.place)),
  );
  const before = band?.segments.find((s) => s.to === moment);
  return before === undefined || before.from === 0 ? 0 : eventX(columns, before.from);
}

/** The whole of it, or at least what matters most. */
function fits(words: string, room: number): string {
  const short = words.slice(0, words.indexOf(':') < 0 ? undefined : words.indexOf(':'));
  return textWidth(words, 11, false, true) <= room ? words : short;
}

/** The other places of the data, where nobody wrote it and it was there from the start. */
function oldTops(score: Score, { rows }: Canvas, reads: readonly ColumnName[]): readonly number[] {
  return score.bands.flatMap((band, i) =>
    band.role === 'old' && !reads.some((r) => samePlace(r, band.place)) ? [rows.bands[i] ?? 0] : [],
  );
}
