/** What the marks of a score mean. */
import type { Score } from './score.ts';
import { circle, cross, line, path, type Shape } from './shapes.ts';

export interface LegendItem {
  readonly name: string;
  readonly words: string;
  /** On a field of 22 by 14. */
  readonly shapes: readonly Shape[];
}

const box = { x: 1, y: 1, width: 20, height: 12 };

/** The marks that are in a score, each with what it means. */
export function legendOf(score: Score): readonly LegendItem[] {
  const has = (kind: 'read' | 'write') => score.marks.some((m) => m.kind === kind && m.state === 'ok');
  const isOff = score.bands.some((b) => b.segments.some((s) => s.state === 'differs' || s.state === 'wrong'));
  const items: (LegendItem | false)[] = [
    { name: 'live', words: 'version is live', shapes: [line(1, 7, 21, 7, { stroke: 'ink', width: 2.5 })] },
    has('write') && { name: 'write', words: 'write', shapes: [circle(11, 7, 5, { fill: 'ink' })] },
    has('read') && {
      name: 'read',
      words: 'read',
      shapes: [circle(11, 7, 5, { fill: 'paper', stroke: 'ink', width: 2 })],
    },
    score.marks.some((m) => m.state !== 'ok') && {
      name: 'wrong',
      words: 'wrong or failed',
      shapes: [circle(11, 7, 5.8, { fill: 'paper', stroke: 'bad', width: 2 }), cross(11, 7, 2.6, 'bad', 2)],
    },
    score.story?.thread?.writer != null && {
      name: 'lost',
      words: 'the lost write',
      shapes: [line(1, 7, 12, 7, { stroke: 'bad', width: 3 }), cross(17, 7, 3.6, 'bad', 2.5)],
    },
    score.flights.length > 0 && {
      name: 'flight',
      words: 'request in flight',
      shapes: [path('M1 4H21M1 10H21', { stroke: 'soft', width: 1.5 })],
    },
    score.jobs.length > 0 && {
      name: 'backfill',
      words: 'backfill runs',
      shapes: [
        { kind: 'rect', ...box, round: 3, paint: { stroke: 'soft', width: 1.2 } },
        { kind: 'hatch', ...box, ink: 'soft' },
      ],
    },
    score.streams.length > 0 && {
      name: 'stream',
      words: 'stream, and what waits in it',
      shapes: [
        { kind: 'rect', ...box, round: 3, paint: { stroke: 'soft', width: 1.2 } },
        {
          kind: 'rect',
          x: 1,
          y: 6,
          width: 12,
          height: 7,
          round: 0,
          paint: { fill: 'ink', fillOpacity: 0.32 },
        },
      ],
    },
    score.streams.some((s) => s.deliveries.length > 0) && {
      name: 'delivery',
      words: 'delivery',
      shapes: [line(1, 7, 21, 7, { stroke: 'soft', width: 1.2 }), circle(11, 7, 4.5, { fill: 'ink' })],
    },
    isOff && {
      name: 'off',
      words: 'not what it should be',
      shapes: [
        { kind: 'rect', ...box, round: 3, paint: { stroke: 'bad', width: 2 } },
        { kind: 'hatch', ...box, ink: 'bad' },
      ],
    },
  ];
  return items.filter((item) => item !== false);
}
