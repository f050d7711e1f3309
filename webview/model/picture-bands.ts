/** The bands: what each place of the row holds over time, hatched where that is not what it should be. */
import type { Band, Segment } from './bands.ts';
import { exists } from './rows.ts';
import { eventX } from './columns.ts';
import { fitted, type Canvas } from './canvas.ts';
import type { Score } from './score.ts';
import { line, text, type Ink, type Paint, type Shape } from './shapes.ts';

export function roleWords({ role }: Band): string {
  switch (role) {
    case 'old':
      return 'old place';
    case 'new':
      return 'new place';
    case 'replica':
      return 'on the replica';
    case 'reference':
      return 'without the migration';
  }
}

export function bandShapes(score: Score, canvas: Canvas): readonly Shape[] {
  const { view, rows } = canvas;
  return score.bands.flatMap((band, i) => {
    const y = rows.bands[i] ?? 0;
    return band.segments
      .filter((s) => s.to >= view.from && s.from <= view.to)
      .flatMap((segment) => segmentShapes(score, band, segment, canvas, y));
  });
}

const height = 24;

function segmentShapes(score: Score, band: Band, segment: Segment, canvas: Canvas, y: number): readonly Shape[] {
  const { columns, left, right } = canvas;
  const x1 = segment.from === 0 ? 0 : eventX(columns, segment.from);
  const x2 = segment.to >= score.length ? columns.width : eventX(columns, segment.to);
  const width = Math.max(1, x2 - x1 - 2);
  const { cell, state } = segment;
  const isThere = cell.kind === 'value';
  const title = `${segment.text}${segment.should === null ? '' : `, should be ${segment.should}`}`;
  if (cell.kind === 'no-column' || cell.kind === 'no-table') {
    const wasThere = band.segments.some((s) => s.to <= segment.from && exists(s.cell));
    const words = wasThere ? 'dropped' : 'not there yet';
    const label = fitted(words, width - 10, 10.5, false);
    return [
      line(x1, y + height / 2, x2 - 2, y + height / 2, { stroke: 'line', width: 1, dash: '2 4' }),
      ...(wasThere ? [line(x1 + 1, y, x1 + 1, y + height, { stroke: 'bad', width: 2 })] : []),
      ...(label.length > 3 ? [text(x1 + 6, y + 16, label, { ink: 'soft', size: 10.5, isOver: true }, words)] : []),
    ];
  }
  const isNull = isThere && cell.text === null;
  const isBad = state === 'wrong' || state === 'differs';
  const ink: Ink = band.role === 'reference' || band.role === 'replica' ? 'soft' : band.role;
  const paint: Paint =
    isThere && !isNull
      ? { fill: ink, fillOpacity: band.role === 'reference' ? 0.1 : 0.2, stroke: ink, width: 1.4 }
      : { stroke: ink, width: 1.2, dash: '4 3' };
  const shapes: Shape[] = [
    {
      kind: 'rect',
      x: x1,
      y,
      width,
      height,
      round: 3,
      paint: isBad ? { ...paint, stroke: 'bad', width: 2, dash: 'none' } : paint,
      title,
    },
  ];
  if (isBad) shapes.push({ kind: 'hatch', x: x1, y, width, height, ink: 'bad' });
  const from = Math.max(x1, Math.min(left, x2 - 40));
  const room = Math.min(x2, right) - from - 12;
  const value = fitted(segment.text, room, 11.5, true);
  shapes.push(
    text(
      from + 7,
      y + 16,
      value,
      { size: 11.5, isMono: true, isOver: isBad, ink: isNull || !isThere ? 'soft' : 'ink' },
      title,
    ),
  );
  const rest = room - value.length * 7.1 - 8;
  const words = offWords(segment);
  const stale = fitted(words, rest, 11, false, true);
  if (stale.length > 6)
    shapes.push(
      text(
        from + 7 + value.length * 7.1 + 10,
        y + 16,
        stale,
        { ink: isBad ? 'bad' : 'soft', size: 11, isBold: isBad, isOver: true },
        title,
      ),
    );
  return shapes;
}

/** What is said of a value that is not what it should be. */
function offWords({ state, should, cell }: Segment): string {
  if (state === 'behind') return 'still behind';
  if (state !== 'wrong' && state !== 'differs') return '';
  if (should !== null) return `should be ${should}`;
  return cell.kind === 'no-row' ? 'missing' : 'differs';
}
