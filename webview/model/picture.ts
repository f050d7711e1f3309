/** The picture of a score: its shapes, for the events that are in view. The gutter, with the names of lanes and bands, stands by itself. */
import type { Canvas, Rows } from './canvas.ts';
import { textWidth } from './columns.ts';
import { bandShapes, roleWords } from './picture-bands.ts';
import { jobShapes, laneShapes } from './picture-lanes.ts';
import { stepShapes } from './picture-steps.ts';
import { streamShapes } from './picture-streams.ts';
import { threadShapes } from './picture-threads.ts';
import { subjectWords, type Score } from './score.ts';
import { text, type Shape } from './shapes.ts';
import { clip } from './values.ts';
import { placeName } from './places.ts';

export function pictureOf(score: Score, canvas: Canvas): readonly Shape[] {
  return [
    ...stepShapes(score, canvas),
    ...bandShapes(score, canvas),
    ...laneShapes(score, canvas),
    ...jobShapes(score, canvas),
    ...streamShapes(score, canvas),
    ...threadShapes(score, canvas),
  ];
}

/** The names of lanes and bands, in a gutter of so many pixels. */
export function gutterOf(score: Score, rows: Rows, width: number): readonly Shape[] {
  const shapes: Shape[] = [];
  const fit = (words: string, size: number, isMono: boolean, isBold = false) =>
    clip(words, Math.floor(width / (textWidth('x', size, isMono, isBold) || 1)));
  score.lanes.forEach((lane, i) => {
    const y = rows.lanes[i] ?? 0;
    const top = lane.roles.length > 1 ? y - 13 : lane.roles.length === 1 ? y - 5 : y + 4;
    shapes.push(text(0, top, fit(lane.version, 13, false, true), { size: 13, isBold: true }, lane.version));
    lane.roles.forEach((role, k) =>
      shapes.push(text(0, top + 14 + k * 13, fit(role, 10.5, false), { ink: 'soft', size: 10.5 }, role)),
    );
  });
  if (rows.job !== null) shapes.push(text(0, rows.job + 15, 'backfill', { size: 12, isBold: true }));
  score.streams.forEach(({ name, source }, i) => {
    const y = rows.streams[i] ?? 0;
    const words = source === null ? 'stream' : `stream of ${source}`;
    shapes.push(text(0, y + 22, fit(name, 12, false, true), { size: 12, isBold: true }, name));
    shapes.push(text(0, y + 35, fit(words, 10.5, false), { ink: 'soft', size: 10.5 }, words));
  });
  if (score.subject !== null && score.bands.length > 0) {
    const words = subjectWords(score.subject);
    shapes.push(text(0, rows.heading - 2, fit(words, 11, false), { ink: 'soft', size: 11 }, words));
  }
  const tables = new Set(score.bands.map((b) => b.place.table));
  score.bands.forEach((band, i) => {
    const y = rows.bands[i] ?? 0;
    const name = placeName(band.place, tables.size > 1 ? null : (score.subject?.table ?? null));
    const first = band.role === 'reference' ? 'should be' : name;
    shapes.push(
      text(
        0,
        y + 11,
        fit(first, 12, band.role !== 'reference', true),
        { size: 12, isMono: band.role !== 'reference', isBold: true },
        first,
      ),
    );
    shapes.push(text(0, y + 23, fit(roleWords(band), 10.5, false), { ink: 'soft', size: 10.5 }, roleWords(band)));
  });
  return shapes;
}
