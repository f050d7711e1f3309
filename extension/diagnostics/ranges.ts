/** Places of a report as ranges of a text, and ranges that move with edits. Knows no editor, so that it can be tested alone. */

/** Lines and characters from 0, as in the editor. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface Span {
  readonly start: Place;
  readonly end: Place;
}

export interface Edit {
  readonly range: Span;
  readonly text: string;
}

/** From a line and column of a report (counted from 1): `word` to the end of the name there, `line` to the end of the line. */
export function spanAt(text: string, line: number, column: number, extent: 'word' | 'line'): Span {
  const content = text.split('\n')[line - 1]?.trimEnd() ?? '';
  const from = Math.min(Math.max(column - 1, 0), content.length);
  const word = /^["'`]?[\w.$-]+["'`]?/.exec(content.slice(from))?.[0] ?? '';
  const length = extent === 'line' ? content.length - from : Math.max(word.length, from < content.length ? 1 : 0);
  return { start: { line: line - 1, character: from }, end: { line: line - 1, character: from + length } };
}

/** A whole line without its indent: for events of a trace, which know no column. */
export function lineSpan(text: string, line: number): Span {
  const content = text.split('\n')[line - 1] ?? '';
  return spanAt(text, line, content.length - content.trimStart().length + 1, 'line');
}

/** Where a span is after edits. Those of one change event all speak of the text before it, so the last one goes first. */
export function moved(span: Span, edits: readonly Edit[]): Span {
  const lastFirst = edits.toSorted((a, b) => compare(b.range.start, a.range.start));
  return lastFirst.reduce((now, edit) => ({ start: shift(now.start, edit), end: shift(now.end, edit) }), span);
}

function shift(place: Place, { range, text }: Edit): Place {
  if (compare(range.end, place) > 0) return compare(range.start, place) < 0 ? range.start : place;
  const lines = text.split('\n');
  const last = (lines.at(-1) ?? '').length;
  const line = place.line - (range.end.line - range.start.line) + lines.length - 1;
  if (place.line !== range.end.line) return { line, character: place.character };
  const start = lines.length === 1 ? range.start.character : 0;
  return { line, character: start + last + place.character - range.end.character };
}

function compare(a: Place, b: Place): number {
  return a.line - b.line || a.character - b.character;
}
