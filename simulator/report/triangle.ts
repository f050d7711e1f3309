/**
 * The rollback triangle in characters: a row for each step that a walk back starts from, a column for each step
 * it goes back to. Columns are numbered as the steps are; 0 is the start. A plan that is too wide for the
 * terminal gets several triangles, side by side in the list, with the same rows.
 */
import type { PlanReport, RollbackResult } from './model.ts';
import type { Ink, Paint } from './paint.ts';
import { clip, pad, padStart, visible } from './words.ts';

interface Mark {
  readonly glyph: string;
  readonly word: string;
  readonly ink: Ink;
  /** Of two results for one cell, the worse is shown. */
  readonly rank: number;
}

const marks: Readonly<Record<RollbackResult, Mark>> = {
  safe: { glyph: '✓', word: 'safe', ink: 'green', rank: 0 },
  'no-plan': { glyph: '-', word: 'no way back', ink: 'dim', rank: 1 },
  'breaks-requests': { glyph: 'B', word: 'breaks requests', ink: 'red', rank: 2 },
  'loses-writes': { glyph: 'L', word: 'loses writes', ink: 'red', rank: 3 },
  fails: { glyph: '✗', word: 'fails', ink: 'red', rank: 4 },
};

const cellWidth = 3;
const widestName = 28;

type Cells = ReadonlyMap<string, RollbackResult>;

const key = (from: number, to: number) => `${from} ${to}`;

/** Step numbers count from 1; whatever is not the name of a step is the start, 0. */
function gather(report: PlanReport): Cells {
  const numbers = new Map<string, number>(report.steps.map((step, index) => [step.name, index + 1]));
  const cells = new Map<string, RollbackResult>();
  for (const { from, to, result } of report.rollback) {
    const at = key(numbers.get(from) ?? 0, numbers.get(to) ?? 0);
    const known = cells.get(at);
    if (known === undefined || marks[known].rank < marks[result].rank) cells.set(at, result);
  }
  return cells;
}

export function triangle(report: PlanReport, options: { readonly paint: Paint; readonly width: number }): string[] {
  const { paint, width } = options;
  const cells = gather(report);
  const names = report.steps.map((step, index) => `${padStart(String(index + 1), 2)}  ${visible(step.name)}`);
  const nameWidth = Math.min(widestName, Math.max(8, ...names.map((name) => name.length)));
  const across = Math.max(4, Math.floor((width - nameWidth - 4) / cellWidth));
  const lines: string[] = [];
  for (let first = 0; first < report.steps.length; first += across) {
    const last = Math.min(first + across, report.steps.length) - 1;
    if (first > 0) lines.push('');
    lines.push(header(first, last, nameWidth, paint));
    for (let from = first + 1; from <= report.steps.length; from++) {
      const name = pad(clip(names[from - 1] ?? '', nameWidth), nameWidth);
      const row = Array.from({ length: Math.min(last, from - 1) - first + 1 }, (_, n) =>
        cell(cells.get(key(from, first + n)), paint),
      );
      const isPoint = report.steps[from - 1]?.name === report.pointOfNoReturn;
      lines.push(`  ${name}${row.join('')}${isPoint ? paint(' ◀', 'yellow') : ''}`);
    }
  }
  return [...lines, '', ...legend(report, cells, options)];
}

function header(first: number, last: number, nameWidth: number, paint: Paint): string {
  const numbers = Array.from({ length: last - first + 1 }, (_, n) => padStart(String(first + n), cellWidth));
  return paint(`  ${pad('from', nameWidth - 3)}to ${numbers.join('')}`.trimEnd(), 'dim');
}

function cell(result: RollbackResult | undefined, paint: Paint): string {
  if (result === undefined) return padStart('·', cellWidth);
  const { glyph, ink } = marks[result];
  return `${' '.repeat(cellWidth - 1)}${paint(glyph, ink)}`;
}

/** Only what is in the picture, in words. */
function legend(
  report: PlanReport,
  cells: Cells,
  options: { readonly paint: Paint; readonly width: number },
): string[] {
  const steps = report.steps.length;
  const shown = new Set(cells.values());
  const parts: { readonly glyph: string; readonly word: string; readonly ink: Ink }[] = Object.entries(marks)
    .filter(([result]) => shown.has(result as RollbackResult))
    .map(([, mark]) => mark);
  if (cells.size < (steps * (steps + 1)) / 2) parts.push({ glyph: '·', word: 'not walked', ink: 'dim' });
  if (report.pointOfNoReturn !== null) parts.push({ glyph: '◀', word: 'point of no return', ink: 'yellow' });
  return [...pack(parts, options), `  ${options.paint('0 is the start, before step 1', 'dim')}`];
}

/** As many to a line as fit. */
function pack(
  parts: readonly { readonly glyph: string; readonly word: string; readonly ink: Ink }[],
  options: { readonly paint: Paint; readonly width: number },
): string[] {
  const lines: string[] = [];
  let used = Infinity;
  for (const { glyph, word, ink } of parts) {
    const painted = `${options.paint(glyph, ink)} ${word}`;
    const length = word.length + 5;
    if (used + length > options.width) {
      lines.push(`  ${painted}`);
      used = length - 1;
    } else {
      lines.push(`${lines.pop() ?? ''}   ${painted}`);
      used += length;
    }
  }
  return lines;
}
