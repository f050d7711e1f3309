/** A line of a source file with its number and a caret under the place, as compilers print it. */
import type { Paint } from './paint.ts';
import { clip, columns, visible } from './words.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Null when the text of the file is not at hand, or has no such line. */
export function excerpt(
  place: Place,
  sources: ReadonlyMap<string, string>,
  options: { readonly paint: Paint; readonly width: number; readonly indent: string },
): string[] | null {
  const text = sources.get(place.file);
  const raw = text === undefined ? undefined : text.split(/\r\n|\n|\r/)[place.line - 1];
  if (raw === undefined) return null;
  const { paint, indent } = options;
  const label = String(place.line);
  const room = Math.max(20, options.width - indent.length - label.length - 3);
  const { shown, caret } = window(raw, place.column, room);
  const gutter = `${indent}${' '.repeat(label.length)} ${paint('|', 'dim')}`;
  return [
    `${indent}${label} ${paint('|', 'dim')} ${shown}`,
    `${gutter} ${' '.repeat(caret)}${paint('^', 'red', 'bold')}`,
  ];
}

/** The part of a long line that holds the column, and the caret's distance from its start. */
function window(raw: string, column: number, room: number): { shown: string; caret: number } {
  const tidy = (text: string) => visible(text.replace(/\t/g, '  '));
  const before = tidy(raw.slice(0, Math.max(0, column - 1)));
  const after = tidy(raw.slice(Math.max(0, column - 1)));
  if (columns(before) < room - 10) return { shown: clip(before + after, room), caret: columns(before) };
  const kept = `…${Array.from(before)
    .slice(-Math.floor(room / 2))
    .join('')}`;
  return { shown: clip(kept + after, room), caret: columns(kept) };
}
