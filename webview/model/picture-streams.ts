/** The lanes of streams: drawn while a stream runs, filled as high as what waits in it, with each delivery as a mark. */
import type { Canvas } from './canvas.ts';
import { eventX, textWidth } from './columns.ts';
import { sidesOf, type Side } from './labels.ts';
import { badge, calloutAt, placed } from './picture-lanes.ts';
import type { Delivered, Score, StreamLane } from './score.ts';
import { circle, cross, line, text, type Ink, type Shape } from './shapes.ts';

/** From the top of a lane to its box, which has the labels of deliveries above it. */
export const boxTop = 16;
export const boxHeight = 14;
/** So many changes fill a box. */
const full = 3;

export function streamShapes(score: Score, canvas: Canvas): readonly Shape[] {
  return score.streams.flatMap((lane, i) => laneShapes(score, lane, canvas, canvas.rows.streams[i] ?? 0));
}

function laneShapes(score: Score, lane: StreamLane, canvas: Canvas, y: number): readonly Shape[] {
  const { view, columns } = canvas;
  const labels = lane.deliveries.map((each) => ({
    x: eventX(columns, each.moment),
    width: textWidth(each.label, 11, false, isBad(each)),
  }));
  const sides = sidesOf(labels, columns.width);
  const marks = lane.deliveries.filter(({ moment }) => moment >= view.from && moment <= view.to);
  return [
    ...lane.runs.flatMap((run) => boxShapes(score, lane, run, canvas, y)),
    ...lane.deliveries.flatMap((each, i) =>
      marks.includes(each) ? deliveryShapes(score, each, canvas, y, sides[i]) : [],
    ),
  ];
}

function boxShapes(
  score: Score,
  lane: StreamLane,
  run: StreamLane['runs'][number],
  canvas: Canvas,
  y: number,
): readonly Shape[] {
  const { columns } = canvas;
  const x1 = eventX(columns, run.from);
  const isStopped = run.to < score.length;
  const x2 = isStopped ? eventX(columns, run.to) : columns.width;
  const top = y + boxTop;
  const lost = isStopped && run.lost > 0;
  const shapes: Shape[] = [
    {
      kind: 'rect',
      x: x1,
      y: top,
      width: Math.max(2, x2 - x1),
      height: boxHeight,
      round: 3,
      paint: { stroke: 'soft', width: 1.2, fill: 'paper' },
      title: lane.name,
    },
    ...run.waits.flatMap((each) => frontShapes(score, each, canvas, top)),
    line(x1, top - 3, x1, top + boxHeight + 3, { stroke: 'ink', width: 2.5 }),
  ];
  if (!isStopped) return shapes;
  shapes.push(line(x2, top - 3, x2, top + boxHeight + 3, { stroke: lost ? 'bad' : 'ink', width: 2.5 }));
  if (!lost) return shapes;
  const words = run.lost === 1 ? '1 change lost' : `${run.lost} changes lost`;
  const isLeft = x2 + 14 + textWidth(words, 11, false, true) > columns.width;
  return [
    ...shapes,
    cross(x2, top + boxHeight / 2, 4.5, 'bad', 2.5),
    text(isLeft ? x2 - 10 : x2 + 10, top + 11, words, {
      ink: 'bad',
      size: 11,
      isBold: true,
      isOver: true,
      anchor: isLeft ? 'end' : 'start',
    }),
  ];
}

/** What waits, as high as it is much, with its number where there is room for it. */
function frontShapes(
  score: Score,
  { from, to, count }: StreamLane['runs'][number]['waits'][number],
  { columns }: Canvas,
  top: number,
): readonly Shape[] {
  const x1 = eventX(columns, from);
  const x2 = to >= score.length ? columns.width : eventX(columns, to);
  const height = (Math.min(count, full) / full) * boxHeight;
  const room = x2 - x1 - 10;
  const words = [`${count} ${count === 1 ? 'waits' : 'wait'}`, String(count)].find(
    (each) => textWidth(each, 10.5, false) <= room,
  );
  return [
    {
      kind: 'rect',
      x: x1,
      y: top + boxHeight - height,
      width: Math.max(1, x2 - x1),
      height,
      round: 0,
      paint: { fill: 'ink', fillOpacity: 0.32 },
    },
    ...(words === undefined ? [] : [text(x1 + 6, top + 11, words, { size: 10.5, isOver: true })]),
  ];
}

function isBad({ isFailed, isBreak }: Delivered): boolean {
  return isFailed || isBreak;
}

/** A delivery: a mark, with what it does above it. */
function deliveryShapes(
  score: Score,
  each: Delivered,
  { columns }: Canvas,
  y: number,
  side: Side | undefined,
): readonly Shape[] {
  const x = eventX(columns, each.moment);
  const middle = y + boxTop + boxHeight / 2;
  const callout = calloutAt(score, each.moment);
  const ink: Ink = isBad(each) ? 'bad' : 'ink';
  const shapes: Shape[] = each.isFailed
    ? [circle(x, middle, 7, { fill: 'paper', stroke: 'bad', width: 2.5 }), cross(x, middle, 3, 'bad', 2.2)]
    : [circle(x, middle, 5, { fill: ink, stroke: 'paper', width: 1.5 })];
  shapes.push(...placed(each.label, x, y + 9, side, { ink, isBold: isBad(each) }));
  if (callout !== null) shapes.push(...badge(x, y + 5, callout.number, ink));
  return shapes;
}
