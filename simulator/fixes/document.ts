/**
 * A plan's YAML as it is written, and edits to it that leave everything else as it is: comments, quotes, order. What is
 * not written in the usual way (a step in braces, an alias) is not edited: the functions then give null.
 */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Pair, Scalar, YAMLMap } from 'yaml';
import { scalarOffsets } from '../plan/scalar.ts';
import { commentsIn } from './words.ts';

/** Offsets in the text of the plan's own file, in UTF-16 units. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits that touch nothing twice, in the order of the text. What is put in at one place stays in the order given. */
export function merged(edits: readonly TextEdit[]): readonly TextEdit[] {
  const all: TextEdit[] = [];
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = all.at(-1);
    const isSamePlace = last !== undefined && last.start === edit.start && last.end === edit.end;
    if (isSamePlace && edit.start === edit.end) all[all.length - 1] = { ...edit, text: last.text + edit.text };
    else all.push(edit);
  }
  return all;
}

export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return merged(edits).reduceRight((now, edit) => now.slice(0, edit.start) + edit.text + now.slice(edit.end), text);
}

/** A step, or a step of a way back: an item `- key: …` of a list. */
export interface Item {
  readonly map: YAMLMap;
  /** Columns of the dash and of the keys, from 0. */
  readonly dash: number;
  readonly indent: number;
  /** Where its first line begins, and where its last one ends (before the line break). */
  readonly start: number;
  readonly end: number;
}

/** SQL in a scalar of the plan. */
export interface SqlText {
  readonly value: string;
  readonly scalar: Scalar;
  /** From an offset in the value to one in the file. */
  readonly at: (offset: number) => number;
}

export class PlanDocument {
  private readonly contents: unknown;
  private readonly eol: string;

  constructor(readonly text: string) {
    this.contents = parseDocument(text, { keepSourceTokens: true, merge: true, logLevel: 'error' }).contents;
    this.eol = text.includes('\r\n') ? '\r\n' : '\n';
  }

  step(index: number): Item | null {
    const steps = isMap(this.contents) ? valueOf(this.contents, 'steps') : null;
    return isSeq(steps) ? this.item(steps.items[index]) : null;
  }

  items(of: Item, key: string): readonly Item[] | null {
    const list = valueOf(of.map, key);
    if (!isSeq(list)) return null;
    const items = list.items.map((each) => this.item(each));
    return items.includes(null) ? null : items.flatMap((each) => each ?? []);
  }

  sql(item: Item, key: string): SqlText | null {
    return sqlText(valueOf(item.map, key));
  }

  /** Of a list of statements. */
  sqlList(item: Item, key: string): readonly SqlText[] {
    const list = valueOf(item.map, key);
    return isSeq(list) ? list.items.flatMap((each) => sqlText(each) ?? []) : [];
  }

  has(item: Item, key: string): boolean {
    return pairOf(item.map, key) !== null;
  }

  /** New lines behind the last line of an item, at the indent of its keys. */
  append(item: Item, lines: readonly string[]): TextEdit {
    return this.insertAfter(item.end, indented(lines, item.indent));
  }

  /** New items behind an item, at its dash. */
  after(item: Item, lines: readonly string[]): TextEdit {
    return this.insertAfter(item.end, indented(lines, item.dash));
  }

  /** New items before an item, above the comment that speaks of it; with the empty lines that stand between the others. */
  before(item: Item, lines: readonly string[]): TextEdit {
    let at = item.start;
    for (let above = this.lineAbove(at); above !== null && above.text.startsWith('#'); above = this.lineAbove(at))
      at = above.start;
    const apart = this.lineAbove(at)?.text === '' ? [''] : [];
    return { start: at, end: at, text: this.join([...indented(lines, item.dash), ...apart, '']) };
  }

  /** Whether an empty line stands before the item, or before the comment above it. */
  isApart(item: Item): boolean {
    const { start } = this.before(item, []);
    return this.lineAbove(start)?.text === '';
  }

  replaceSql(sql: SqlText, from: number, to: number, text: string): TextEdit {
    return { start: sql.at(from), end: sql.at(to - 1) + 1, text: escaped(sql.scalar, text) };
  }

  /** A statement before all others of a text, on a line of its own. */
  prependSql(item: Item, key: string, statement: string): readonly TextEdit[] | null {
    const sql = this.sql(item, key);
    if (sql === null) return null;
    const first = sql.scalar.type === 'BLOCK_LITERAL' || sql.scalar.type === 'BLOCK_FOLDED' ? sql.at(0) : null;
    if (first !== null) {
      const indent = first - this.lineStart(first);
      return [{ start: first, end: first, text: `${statement};${this.eol}${' '.repeat(indent)}` }];
    }
    return this.rewriteSql(item, key, [`${statement};`, ...sql.value.trim().split('\n')]);
  }

  /** The value of a key as a block of lines, whatever it was before. Comments stay: those of the YAML behind the key, those of the SQL first. */
  rewriteSql(item: Item, key: string, lines: readonly string[]): readonly TextEdit[] | null {
    const scalar = valueOf(item.map, key);
    if (!isScalar(scalar) || typeof scalar.value !== 'string' || scalar.range == null) return null;
    const [start, end] = scalar.range;
    const block = indented([...lostComments(scalar.value, lines), ...lines], item.indent + 2);
    if (scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED') {
      const last = start + this.text.slice(start, end).trimEnd().length;
      return [{ start, end: last, text: this.join([`|${this.commentAfter(start)}`, ...block]) }];
    }
    return [
      { start, end, text: '|' },
      { start: this.lineEnd(end), end: this.lineEnd(end), text: this.eol + this.join(block) },
    ];
  }

  /** Another value for a key, in lines that begin behind its colon. */
  replaceValue(item: Item, key: string, lines: readonly string[]): TextEdit | null {
    const pair = pairOf(item.map, key);
    const place = pair === null ? null : this.extent(pair);
    if (place === null) return null;
    const text = this.join([`${key}:${lines[0] ?? ''}${place.comment}`, ...indented(lines.slice(1), item.indent)]);
    return { start: place.key, end: place.end, text };
  }

  renameKey(item: Item, key: string, other: string): TextEdit | null {
    const pair = pairOf(item.map, key);
    const range = pair !== null && isScalar(pair.key) ? pair.key.range : null;
    return range == null ? null : { start: range[0], end: range[1], text: other };
  }

  /** Behind the last item of a list in brackets, or of one in lines. */
  addToList(item: Item, key: string, lines: readonly string[], flow: string): TextEdit | null {
    const list = valueOf(item.map, key);
    if (!isSeq(list) || list.range == null) return null;
    if (list.flow === true) {
      const at = list.range[1] - 1;
      return { start: at, end: at, text: list.items.length === 0 ? flow : `, ${flow}` };
    }
    const last = this.place(list.items.at(-1));
    return last === null ? null : this.insertAfter(last.end, indented(lines, last.dash));
  }

  private insertAfter(end: number, lines: readonly string[]): TextEdit {
    return { start: end, end, text: this.eol + this.join(lines) };
  }

  private join(lines: readonly string[]): string {
    return lines.join(this.eol);
  }

  private item(node: unknown): Item | null {
    const place = isMap(node) && node.flow !== true ? this.place(node) : null;
    return isMap(node) && place !== null ? { map: node, ...place } : null;
  }

  /** Of an item of a list in lines. */
  private place(node: unknown): Omit<Item, 'map'> | null {
    if (!(isMap(node) || isScalar(node) || isSeq(node)) || node.range == null) return null;
    const [from, to] = node.range;
    const start = this.lineStart(from);
    const before = this.text.slice(start, from);
    const dash = before.indexOf('-');
    if (dash === -1 || before.replace('-', '').trim() !== '') return null;
    const last = from + this.text.slice(from, to).trimEnd().length;
    return { dash, indent: from - start, start, end: this.lineEnd(last) };
  }

  private extent(pair: Pair): { key: number; end: number; comment: string } | null {
    if (!isScalar(pair.key) || pair.key.range == null) return null;
    const [key] = pair.key.range;
    const node = pair.value;
    const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : null;
    if (range == null) return null;
    const last = range[0] + this.text.slice(range[0], range[1]).trimEnd().length;
    const isBlock = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
    return { key, end: this.lineEnd(last), comment: this.commentAfter(isBlock ? range[0] : last) };
  }

  /** ` # …` in the rest of the line, behind a value that has ended or the mark of a block. */
  private commentAfter(offset: number): string {
    const rest = this.text.slice(offset, this.lineEnd(offset));
    const at = rest.indexOf(' #');
    return at === -1 ? '' : ` ${rest.slice(at).trim()}`;
  }

  private lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  private lineEnd(offset: number): number {
    const at = this.text.indexOf('\n', offset);
    const end = at === -1 ? this.text.length : at;
    return this.text[end - 1] === '\r' && end > offset ? end - 1 : end;
  }

  private lineAbove(start: number): { start: number; text: string } | null {
    if (start === 0) return null;
    const above = this.lineStart(start - 1);
    return { start: above, text: this.text.slice(above, start).trim() };
  }
}

function pairOf(map: YAMLMap, key: string): Pair | null {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null;
}

function valueOf(map: YAMLMap, key: string): unknown {
  return pairOf(map, key)?.value ?? null;
}

function sqlText(node: unknown): SqlText | null {
  if (!isScalar(node) || typeof node.value !== 'string' || node.srcToken === undefined) return null;
  return { value: node.value, scalar: node, at: scalarOffsets(node.srcToken, node.value) };
}

export function indented(lines: readonly string[], columns: number): readonly string[] {
  return lines.map((line) => (line === '' ? '' : `${' '.repeat(columns)}${line}`));
}

/** Comments in SQL that would be gone with the text that they stand in. */
function lostComments(before: string, after: readonly string[]): readonly string[] {
  const text = after.join('\n');
  return commentsIn(before)
    .filter((each) => !text.includes(each))
    .flatMap((each) => each.split('\n'));
}

/** Inside of quotes some characters are written otherwise. */
function escaped({ type }: Scalar, text: string): string {
  if (type === 'QUOTE_SINGLE') return text.replaceAll("'", "''");
  return type === 'QUOTE_DOUBLE' ? JSON.stringify(text).slice(1, -1) : text;
}

/** A name as a YAML scalar on one line: plain where that is the same text. */
export function yamlText(text: string): string {
  return /^[A-Za-z][\w .,()/-]*$/.test(text) &&
    text.trim() === text &&
    !/^(true|false|null|yes|no|on|off|none)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
