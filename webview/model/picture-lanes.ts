/** The lanes of the app's versions with their requests, and the backfill as a front that moves. */
import { eventX, markX, textWidth } from './columns.ts';
import { fitted, type Canvas } from './canvas.ts';
import { sidesOf, type Side } from './labels.ts';
import type { Job, Mark, Range, Score } from './score.ts';
import { circle, cross, line, n, path, text, type Ink, type Shape, type TextStyle } from './shapes.ts';

function isIn(range: Range, view: Range): boolean {
  return range.to >= view.from && range.from <= view.to;
}

export function laneShapes(score: Score, canvas: Canvas): readonly Shape[] {
  const { columns, rows, view, left, right } = canvas;
  const shapes: Shape[] = [];
  score.lanes.forEach((lane, i) => {
    const y = rows.lanes[i] ?? 0;
    shapes.push(line(left, y, Math.min(right, columns.width), y, { stroke: 'line', width: 1, dash: '1 5' }));
    for (const live of lane.live) {
      if (!isIn(live, view)) continue;
      const x1 = live.from === 0 ? 0 : eventX(columns, live.from);
      const x2 = live.to >= score.length ? columns.width : eventX(columns, live.to);
      shapes.push(line(x1, y, x2, y, { stroke: 'ink', width: 2.5 }));
      // Where it comes and where it goes.
      if (live.from > 0) shapes.push(line(x1, y - 6, x1, y + 6, { stroke: 'ink', width: 2.5 }));
      if (live.to < score.length) shapes.push(line(x2, y - 6, x2, y + 6, { stroke: 'ink', width: 2.5 }));
    }
    for (const flight of score.flights) {
      if (flight.version !== lane.version || !isIn(flight, view)) continue;
      const x1 = eventX(columns, flight.from);
      const x2 = flight.to >= score.length ? columns.width : eventX(columns, flight.to);
      shapes.push(path(`M${n(x1)} ${n(y - 4)}H${n(x2)}M${n(x1)} ${n(y + 4)}H${n(x2)}`, { stroke: 'soft', width: 1.5 }));
    }
    const marks = score.marks.filter((m) => m.version === lane.version);
    const sides = (words: (mark: Mark) => number) =>
      sidesOf(
        marks.map((mark) => ({ x: markX(columns, mark), width: words(mark) })),
        columns.width,
      );
    const labels = sides((mark) => textWidth(mark.label, 11, true, isBadMark(score, mark)));
    const notes = sides((mark) => textWidth(mark.note ?? '', 11, false, mark.state !== 'ok'));
    marks.forEach((mark, k) => {
      if (mark.moment < view.from || mark.moment > view.to) return;
      shapes.push(...markShapes(score, mark, canvas, y, { label: labels[k], note: notes[k] }));
    });
  });
  for (const { moment, version } of score.crashes) {
    if (moment < view.from || moment > view.to) continue;
    const lane = score.lanes.findIndex((l) => l.version === version);
    const y = lane < 0 ? (rows.job ?? rows.top) + 9 : (rows.lanes[lane] ?? 0);
    const x = eventX(columns, moment);
    shapes.push(
      path(`M${n(x - 5)} ${n(y - 8)}L${n(x + 2)} ${n(y - 1)}L${n(x - 3)} ${n(y + 1)}L${n(x + 4)} ${n(y + 8)}`, {
        stroke: 'bad',
        width: 2,
      }),
    );
    shapes.push(text(x + 9, y - 9, lane < 0 ? 'killed' : 'dies', { ink: 'bad', size: 11, isOver: true }));
  }
  return shapes;
}

/** The number of a callout, in a disc. */
export function badge(x: number, y: number, number: number, ink: Ink): readonly Shape[] {
  return [
    circle(x, y, 7.5, { fill: ink, stroke: 'paper', width: 2 }),
    text(x, y + 3.7, String(number), { ink: 'paper', size: 10.5, isBold: true, anchor: 'middle' }),
  ];
}

export function calloutAt({ story }: Score, moment: number, isTried = false) {
  const isEnd = (part: string) => story?.probe !== null && part === 'end';
  return story?.callouts.find((c) => c.moment === moment && isEnd(c.part) === isTried) ?? null;
}

export function placed(
  words: string,
  x: number,
  y: number,
  side: Side | undefined,
  style: TextStyle,
): readonly Shape[] {
  const { size = 11, isMono = false, isBold = false } = style;
  const { isLeft, room } = side ?? { isLeft: false, room: 0 };
  const shown = fitted(words, room, size, isMono, isBold);
  if (shown.length < 3) return [];
  return [
    text(isLeft ? x - 12 : x + 12, y, shown, { ...style, isOver: true, anchor: isLeft ? 'end' : 'start' }, words),
  ];
}

function isBadMark(score: Score, mark: Mark): boolean {
  const part = calloutAt(score, mark.moment, mark.isTried)?.part;
  return mark.state !== 'ok' || part === 'lost' || part === 'break';
}

function markShapes(
  score: Score,
  mark: Mark,
  { columns }: Canvas,
  y: number,
  sides: { readonly label: Side | undefined; readonly note: Side | undefined },
): readonly Shape[] {
  const x = markX(columns, mark);
  const callout = calloutAt(score, mark.moment, mark.isTried);
  const isBad = isBadMark(score, mark);
  const ink: Ink = isBad ? 'bad' : 'ink';
  const shapes: Shape[] = [];
  if (mark.state !== 'ok') {
    const dash = mark.isTried ? '3 2' : 'none';
    shapes.push(circle(x, y, 8, { fill: 'paper', stroke: 'bad', width: 2.5, dash }), cross(x, y, 3.4, 'bad', 2.5));
  } else if (mark.kind === 'write') shapes.push(circle(x, y, 6, { fill: ink, stroke: 'paper', width: 1.5 }));
  else shapes.push(circle(x, y, 5.5, { fill: 'paper', stroke: ink, width: 2 }));
  shapes.push(...placed(mark.label, x, y - 13, sides.label, { ink, isMono: true, isBold: isBad }));
  if (callout !== null) shapes.push(...badge(x, y - 17, callout.number, ink));
  const isWrong = mark.state !== 'ok';
  if (mark.note !== null)
    shapes.push(...placed(mark.note, x, y + 17, sides.note, { ink: isWrong ? 'bad' : 'soft', isBold: isWrong }));
  return shapes;
}

/** A request that was tried at a moment and left nothing behind: a mark in dashes, after the event itself. */
export function triedShapes(score: Score, mark: Mark, { columns, rows }: Canvas): readonly Shape[] {
  const y = rows.lanes[score.lanes.findIndex((l) => l.version === mark.version)];
  if (y === undefined) return [];
  const x = markX(columns, mark);
  const ink: Ink = mark.state === 'ok' ? 'ink' : 'bad';
  const side = (words: string, isMono: boolean, isBold: boolean) =>
    sidesOf([{ x, width: textWidth(words, 11, isMono, isBold) }], columns.width)[0];
  const shapes: Shape[] = [circle(x, y, 8, { fill: 'paper', stroke: ink, width: 2, dash: '3 2' })];
  if (mark.state !== 'ok') shapes.push(cross(x, y, 3.2, 'bad', 2.2));
  shapes.push(...placed(mark.label, x, y - 13, side(mark.label, true, true), { ink, isMono: true, isBold: true }));
  const isBold = mark.state !== 'ok';
  if (mark.note !== null) shapes.push(...placed(mark.note, x, y + 17, side(mark.note, false, isBold), { ink, isBold }));
  return shapes;
}

export function jobShapes(score: Score, canvas: Canvas): readonly Shape[] {
  const { rows, view } = canvas;
  const { job: y } = rows;
  return y === null
    ? []
    : score.jobs
        .filter((job) => isIn({ from: job.from, to: job.to ?? score.length }, view))
        .flatMap((job) => runShapes(score, job, canvas, y));
}

/** Where the words of a batch go: up to the next one, and of the last after the front where they don't fit into it. */
function batchWords(score: Score, job: Job, batch: Job['batches'][number], columns: Canvas['columns'], end: number) {
  const start = eventX(columns, batch.moment) + (calloutAt(score, batch.moment) === null ? 6 : 22);
  const next = job.batches.find((b) => b.moment > batch.moment);
  const inside = (next === undefined ? end - 6 : eventX(columns, next.moment)) - start - 4;
  const isOutside = next === undefined && job.outcome !== 'passed' && textWidth(batch.text, 11, false) > inside;
  if (!isOutside || job.to === null) return { x: start, words: fitted(batch.text, inside, 11, false) };
  const later = score.jobs.find((other) => other.from >= (job.to ?? 0));
  const edge = later === undefined ? columns.width : eventX(columns, later.from);
  const x = end + (calloutAt(score, job.to) === null ? 7 : 52);
  return { x, words: fitted(batch.text, Math.min(200, edge - x - 4), 11, false) };
}

/** A front: what it has done is filled, and where it passes over the row is said. */
function runShapes(score: Score, job: Job, { columns, view }: Canvas, y: number): readonly Shape[] {
  const x1 = eventX(columns, job.from);
  const isDone = job.to !== null;
  const x2 = isDone ? eventX(columns, job.to) : columns.width;
  const top = y + 3;
  const height = 18;
  const shapes: Shape[] = [
    {
      kind: 'rect',
      x: x1,
      y: top,
      width: Math.max(2, x2 - x1),
      height,
      round: 3,
      paint: { stroke: 'soft', width: 1.2, fill: 'paper' },
      title: job.name,
    },
    { kind: 'hatch', x: x1, y: top, width: Math.max(2, x2 - x1), height, ink: 'soft' },
    path(`M${n(x2 - 5)} ${n(top)}L${n(x2)} ${n(top + height / 2)}L${n(x2 - 5)} ${n(top + height)}`, {
      stroke: 'soft',
      width: 2,
    }),
  ];
  for (const batch of job.batches) {
    if (batch.moment < view.from || batch.moment > view.to) continue;
    const x = eventX(columns, batch.moment);
    const callout = calloutAt(score, batch.moment);
    shapes.push(line(x, top, x, top + height, { stroke: callout?.part === 'break' ? 'bad' : 'ink', width: 2.5 }));
    const ink = callout?.part === 'break' ? 'bad' : 'ink';
    const said = batchWords(score, job, batch, columns, x2);
    if (said.words.length > 3)
      shapes.push(text(said.x, top + 13, said.words, { size: 11, isOver: true, ink }, batch.text));
    if (callout !== null) shapes.push(...badge(x + 11, top + height / 2, callout.number, ink));
  }
  if (!isDone) return shapes;
  const callout = calloutAt(score, job.to);
  if (job.outcome !== 'passed' && callout === null) return shapes;
  const words = job.outcome === 'passed' ? 'passed over' : 'done';
  const isBold = callout !== null;
  const after = x2 + (callout === null ? 6 : 21);
  const isLeft = after + textWidth(words, 11, false, isBold) > columns.width;
  if (callout !== null) shapes.push(...badge(x2 + 10, top + height / 2, callout.number, 'ink'));
  shapes.push(
    text(isLeft ? x1 - 6 : after, top + 13, words, {
      size: 11,
      isOver: true,
      isBold,
      anchor: isLeft ? 'end' : 'start',
    }),
  );
  return shapes;
}
