/** Where in a plan a cursor is: by the tree where something is written, by the indentation where nothing is. */
import type { Entry, MapNode, Path, ScalarNode, SeqNode, Span, Tree } from './tree.ts';
import { columnOf, readTree } from './tree.ts';

/** At a key, or where one may begin. */
export interface KeyPlace {
  readonly kind: 'key';
  /** Of the map; it need not be there yet. */
  readonly path: Path;
  readonly map: MapNode | null;
  /** What of the key is written; empty where nothing is. */
  readonly span: Span;
  /** Null where a key is yet to be written. */
  readonly entry: Entry | null;
  /** Where its key begins in the line; null inside of `{ }`. */
  readonly column: number | null;
}

/** In a value, or where one may begin. */
export interface ValuePlace {
  readonly kind: 'value';
  readonly path: Path;
  readonly scalar: ScalarNode | null;
  /** What of the value is written. */
  readonly span: Span;
  /** Where a key could begin here as well, since nothing, or one bare word, is there; else null. */
  readonly column: number | null;
  /** Whether a map could begin here. */
  readonly opensMap: boolean;
}

/** Where a new item of a list may begin, without its dash. */
export interface ItemPlace {
  readonly kind: 'item';
  readonly path: Path;
  readonly span: Span;
  readonly column: number;
}

export type Place = KeyPlace | ValuePlace | ItemPlace;

interface Cursor {
  readonly text: string;
  readonly offset: number;
  /** Column of the line's first character, or of the cursor where the line is empty before it. */
  readonly column: number;
}

export function placeAt(text: string, root: Tree, offset: number): Place | null {
  const place = placeIn(text, root, offset);
  const word = strayWord(place, text);
  if (word === null) return place;
  // As if it were not there: what matters is where it begins.
  const blank = `${text.slice(0, word.start)}${' '.repeat(word.end - word.start)}${text.slice(word.end)}`;
  const around = placeIn(blank, readTree(blank), word.start);
  return around?.kind === 'item' || around?.kind === 'key' ? { ...around, span: word } : around;
}

/** A key without a value that stands in no column of its map: YAML does not know where it belongs. */
function strayWord(place: Place | null, text: string): Span | null {
  if (place?.kind !== 'key' || place.entry === null || place.column === null) return null;
  const isStray = place.entry.value.kind === 'empty' && columnOf(text, place.span.start) !== place.column;
  return isStray ? place.span : null;
}

function placeIn(text: string, root: Tree, offset: number): Place | null {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(lineStart, offset);
  if (before.trimStart().startsWith('#')) return null;
  const column = before.trim() === '' ? before.length : before.length - before.trimStart().length;
  const cursor: Cursor = { text, offset, column };
  if (root.kind === 'empty' || offset < root.span.start) return newKey(cursor, [], null, 0);
  if (root.kind === 'scalar') return inScalar(cursor, [], root, 0);
  return locate(cursor, root, []);
}

/** Null when the cursor is left of it: then the place is in something that holds it. */
function locate(cursor: Cursor, tree: MapNode | SeqNode, path: Path): Place | null {
  if (tree.column === null) return tree.kind === 'map' ? inFlowMap(cursor, tree, path) : inFlowSeq(cursor, tree, path);
  if (cursor.column < tree.column && !onLineOf(cursor, tree.span.start)) return null;
  return tree.kind === 'map' ? inMap(cursor, tree, path) : inSeq(cursor, tree, path);
}

function onLineOf({ text, offset }: Cursor, at: number): boolean {
  return !text.slice(Math.min(at, offset), Math.max(at, offset)).includes('\n');
}

function newKey(cursor: Cursor, path: Path, map: MapNode | null, column: number | null): KeyPlace {
  return { kind: 'key', path, map, span: { start: cursor.offset, end: cursor.offset }, entry: null, column };
}

function lastBefore<T>(items: readonly T[], at: (item: T) => number, offset: number): T | undefined {
  return items.findLast((item) => at(item) <= offset);
}

function inMap(cursor: Cursor, map: MapNode, path: Path): Place | null {
  const { offset, column } = cursor;
  const entry = lastBefore(map.entries, ({ keySpan }) => keySpan.start, offset);
  if (entry === undefined) return newKey(cursor, path, map, map.column);
  const { keySpan, value } = entry;
  if (offset <= keySpan.end) return { kind: 'key', path, map, span: keySpan, entry, column: map.column };
  const inner = [...path, entry.key];
  const own = map.column ?? 0;
  if (onLineOf(cursor, keySpan.end)) return afterKey(cursor, map, entry, inner);
  // A list may stand as far left as the key that it belongs to.
  const isDash = cursor.text.slice(offset - 1, offset + 1).includes('-') || startsWithDash(cursor);
  if (value.kind === 'seq' && value.column === own && (isDash || column > own)) return locate(cursor, value, inner);
  if (column <= own) return column === own ? newKey(cursor, path, map, own) : null;
  switch (value.kind) {
    case 'map':
    case 'seq':
      return locate(cursor, value, inner) ?? null;
    case 'scalar':
      return inScalar(cursor, inner, value, isOwnLine(cursor, value) ? columnOf(cursor.text, value.span.start) : null);
    case 'empty':
      return emptyValue(cursor, inner, column, true);
  }
}

function startsWithDash({ text, offset }: Cursor): boolean {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return text.slice(start).trimStart().startsWith('-');
}

/** In the line of the key, behind it. */
function afterKey(cursor: Cursor, map: MapNode, { keySpan, value }: Entry, path: Path): Place | null {
  const between = cursor.text.slice(keySpan.end, cursor.offset);
  if (!between.includes(':')) return newKey(cursor, path.slice(0, -1), map, map.column);
  if (value.kind === 'scalar') return inScalar(cursor, path, value, null);
  if ((value.kind === 'map' || value.kind === 'seq') && value.column === null && cursor.offset > value.span.start)
    return locate(cursor, value, path);
  // `key: a: b` is a mistake of YAML; it is meant as text.
  if (value.kind === 'map' && onLineOf(cursor, value.span.start)) return null;
  return between.endsWith(':') ? null : emptyValue(cursor, path, null, false);
}

function emptyValue(cursor: Cursor, path: Path, column: number | null, opensMap: boolean): ValuePlace {
  const span = { start: cursor.offset, end: cursor.offset };
  return { kind: 'value', path, scalar: null, span, column, opensMap };
}

/** Whether nothing but indentation, or a dash, is before it. */
function isOwnLine({ text }: Cursor, { span }: ScalarNode): boolean {
  const start = text.lastIndexOf('\n', span.start - 1) + 1;
  return /^[\s-]*$/.test(text.slice(start, span.start));
}

function inScalar(cursor: Cursor, path: Path, scalar: ScalarNode, column: number | null): ValuePlace {
  const { text, offset } = cursor;
  if (offset < scalar.span.start) return emptyValue(cursor, path, null, false);
  // White space at the end of a line is none of YAML's value, but people type on from there.
  const end = Math.max(scalar.span.end, offset);
  const isWord = scalar.style === 'plain' && /^[\w-]*$/.test(text.slice(scalar.span.start, end));
  const span = { start: scalar.span.start, end };
  return { kind: 'value', path, scalar, span, column: isWord ? column : null, opensMap: column !== null && isWord };
}

function inSeq(cursor: Cursor, seq: SeqNode, path: Path): Place | null {
  const { text, offset, column } = cursor;
  const own = seq.column ?? 0;
  const item = lastBefore(seq.items, ({ at }) => at, offset);
  if (item === undefined) return null;
  const inner = [...path, seq.items.indexOf(item)];
  const sameLine = onLineOf(cursor, item.at);
  if (sameLine && offset === item.at) return null;
  if (!sameLine && column <= own) {
    if (column < own) return null;
    return { kind: 'item', path, span: { start: offset, end: offset }, column: own };
  }
  const { value } = item;
  switch (value.kind) {
    case 'map':
      if (value.column !== null && offset < value.span.start) return newKey(cursor, inner, value, value.column);
      return locate(cursor, value, inner);
    case 'seq':
      return locate(cursor, value, inner);
    case 'scalar':
      return inScalar(cursor, inner, value, isOwnLine(cursor, value) ? columnOf(text, value.span.start) : null);
    case 'empty':
      return emptyValue(cursor, inner, sameLine ? columnOf(text, offset) : column, true);
  }
}

function inFlowMap(cursor: Cursor, map: MapNode, path: Path): Place {
  const { text, offset } = cursor;
  const entry = lastBefore(map.entries, ({ keySpan }) => keySpan.start, offset);
  if (entry === undefined) return newKey(cursor, path, map, null);
  const { keySpan, value } = entry;
  if (offset <= keySpan.end) return { kind: 'key', path, map, span: keySpan, entry, column: null };
  const behind = Math.max(keySpan.end, value.kind === 'empty' ? 0 : value.span.end);
  if (text.slice(behind, offset).includes(',')) return newKey(cursor, path, map, null);
  return inFlowValue(cursor, value, [...path, entry.key]);
}

function inFlowSeq(cursor: Cursor, seq: SeqNode, path: Path): Place {
  const item = lastBefore(seq.items, ({ at }) => at, cursor.offset);
  const next = item === undefined ? 0 : seq.items.indexOf(item);
  if (item === undefined) return emptyValue(cursor, [...path, 0], null, false);
  const behind = cursor.text.slice(Math.min(item.value.span.end, cursor.offset), cursor.offset);
  if (behind.includes(',')) return emptyValue(cursor, [...path, next + 1], null, false);
  return inFlowValue(cursor, item.value, [...path, next]);
}

function inFlowValue(cursor: Cursor, value: Tree, path: Path): Place {
  if (value.kind === 'scalar') return inScalar(cursor, path, value, null);
  if (value.kind !== 'empty' && cursor.offset > value.span.start) {
    const place = locate(cursor, value, path);
    if (place !== null) return place;
  }
  return emptyValue(cursor, path, null, false);
}
