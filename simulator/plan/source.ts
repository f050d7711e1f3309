/** Texts that know where they came from: an offset in a text gives a line and a column in a file. */
import type { Location } from './model.ts';

/** A text, and the way back from an offset in it to the file that it was written in. */
export interface TextSource {
  readonly text: string;
  /** Takes an offset from 0 to the text's length, in UTF-16 units. */
  locate(offset: number): Location;
}

/** Offsets at which lines begin. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** A whole file: the plan itself, or an SQL file that it names. */
export function fileSource(file: string, text: string): TextSource {
  const starts = lineStarts(text);
  const locate = (offset: number): Location => {
    const at = Math.max(0, Math.min(offset, text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: at - (starts[low] ?? 0) + 1 };
  };
  return { text, locate };
}

/** A text inside of a file, given the offset in the file for each offset of the text. */
export function embeddedSource(file: TextSource, text: string, offsets: () => (offset: number) => number): TextSource {
  let map: ((offset: number) => number) | null = null;
  return {
    text,
    locate: (offset) => {
      map ??= offsets();
      return file.locate(map(offset));
    },
  };
}

/** Editors neither show a byte order mark nor count it as a column. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** The path of a file that a plan names, relative to the plan. No `node:path`: this also runs in a browser. */
export function resolvePath(plan: string, path: string): string {
  if (/^([A-Za-z]:)?[\\/]/.test(path)) return path;
  const directory = plan.slice(0, Math.max(plan.lastIndexOf('/'), plan.lastIndexOf('\\')) + 1);
  const parts: string[] = [];
  for (const part of `${directory}${path}`.split(/[\\/]/)) {
    const last = parts.at(-1);
    if (part === '.' || (part === '' && parts.length > 0)) continue;
    if (part === '..' && last !== undefined && last !== '..' && last !== '') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
