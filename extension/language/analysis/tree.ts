/**
 * A plan's YAML as a tree with the place of everything, made of whatever text there is: half typed, with a quote
 * left open, with a key that has no colon yet. What the loader refuses is here the usual case.
 */
import { isMap, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { CST, Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** Offsets in the text, in UTF-16 units; the end is the first that is not in it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ScalarStyle = 'plain' | 'single' | 'double' | 'block';

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly span: Span;
  readonly value: string;
  readonly style: ScalarStyle;
  /** What is written, without quotes and without the `|` of a block. */
  readonly body: Span;
}
/** A key, or a dash, with nothing behind it; or what can't be said (an alias). */
export interface EmptyNode {
  readonly kind: 'empty';
  readonly span: Span;
}
export interface Entry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Tree;
}
export interface MapNode {
  readonly kind: 'map';
  readonly span: Span;
  readonly entries: readonly Entry[];
  /** Where its keys begin in their lines, from 0; null inside of `{ }`. */
  readonly column: number | null;
}
export interface SeqItem {
  /** Of its dash; of the item itself inside of `[ ]`. */
  readonly at: number;
  readonly value: Tree;
}
export interface SeqNode {
  readonly kind: 'seq';
  readonly span: Span;
  readonly items: readonly SeqItem[];
  /** Where its dashes stand in their lines; null inside of `[ ]`. */
  readonly column: number | null;
}
export type Tree = ScalarNode | EmptyNode | MapNode | SeqNode;

export type Path = readonly (string | number)[];

const options = {
  keepSourceTokens: true,
  merge: true,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** How many quotes that are left open are made good. */
const mostRepairs = 8;

export function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

export function readTree(text: string): Tree {
  try {
    const { contents } = parseRepaired(text);
    return contents === null ? emptyAt(0) : readNode(text, contents, 0);
  } catch (error) {
    // Thousands of open brackets end the parser's stack.
    if (!(error instanceof RangeError)) throw error;
    return emptyAt(0);
  }
}

/** A quote that is left open takes the rest of the text with it: it is read as a letter, which no place changes. */
function parseRepaired(text: string): Document.Parsed {
  let repaired = text;
  let document = parseDocument(repaired, options);
  for (let n = 0; n < mostRepairs; n++) {
    const quote = openQuote(repaired, document);
    if (quote === null) break;
    repaired = `${repaired.slice(0, quote)}x${repaired.slice(quote + 1)}`;
    document = parseDocument(repaired, options);
  }
  return document;
}

/** The first quoted text that goes on in a line which is not indented enough to be part of it. */
function openQuote(text: string, document: Document.Parsed): number | null {
  let found: number | null = null;
  visit(document, {
    Scalar: (_, node) => {
      const [start, end] = node.range ?? [0, 0];
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (!isQuoted || !text.slice(start, end).includes('\n')) return undefined;
      const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
      const owner = line.search(/[^\s-]|$/);
      const inner = text.slice(start, end).split('\n').slice(1);
      const isOpen = inner.some((each) => each.trim() !== '' && each.search(/\S/) <= owner);
      if (!isOpen) return undefined;
      found = start;
      return visit.BREAK;
    },
  });
  return found;
}

function emptyAt(at: number): EmptyNode {
  return { kind: 'empty', span: { start: at, end: at } };
}

function readNode(text: string, node: unknown, fallback: number): Tree {
  if (isMap(node)) return textInMap(text, node) ?? readMap(text, node);
  if (isSeq(node)) return readSeq(text, node);
  if (isScalar(node)) return readScalar(text, node, fallback);
  return emptyAt(fallback);
}

function spanOf(node: { range?: [number, number, number] | null }, fallback: number): Span {
  const [start, end] = node.range ?? [fallback, fallback];
  return { start, end };
}

function readScalar(text: string, node: Scalar, fallback: number): Tree {
  const span = spanOf(node, fallback);
  const token = node.srcToken;
  if (token === undefined || span.end === span.start) return emptyAt(fallback);
  const written = text.slice(span.start, span.end);
  const value = typeof node.value === 'string' ? node.value : (node.source ?? written);
  switch (token.type) {
    case 'block-scalar': {
      const header = token.props.at(-1);
      const start = header !== undefined && 'source' in header ? header.offset + header.source.length : span.start;
      return { kind: 'scalar', span, value, style: 'block', body: { start: Math.min(start, span.end), end: span.end } };
    }
    case 'single-quoted-scalar':
    case 'double-quoted-scalar': {
      const closed = written.length > 1 && written.endsWith(written[0] ?? '');
      const body = { start: span.start + 1, end: span.end - (closed ? 1 : 0) };
      return { kind: 'scalar', span, value, style: token.type === 'single-quoted-scalar' ? 'single' : 'double', body };
    }
    default: {
      // A quote that was read as a letter, see above, is none of the text.
      const isOpen = text[span.start] === '"' || text[span.start] === "'";
      return {
        kind: 'scalar',
        span,
        value: isOpen ? value.slice(1) : value,
        style: 'plain',
        body: { start: span.start + (isOpen ? 1 : 0), end: span.end },
      };
    }
  }
}

/**
 * SQL in which a `: ` is being typed, which YAML takes for a key of several words, such as no plan has: in an item of
 * a list, or in a line of its own. Null of any other map.
 */
function textInMap(text: string, node: YAMLMap): ScalarNode | null {
  const [first, ...others] = node.items;
  if (node.srcToken?.type !== 'block-map' || !isPlainKey(first?.key) || others.length > 0) return null;
  const { start } = spanOf(node, 0);
  return /^[^:\n]*\s[^:\n]*:/.test(text.slice(start)) ? restOfLine(text, start) : null;
}

function isPlainKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN';
}

function restOfLine(text: string, start: number): ScalarNode {
  const value = (text.slice(start).split('\n', 1)[0] ?? '').trimEnd();
  const span = { start, end: start + value.length };
  return { kind: 'scalar', span, value, style: 'plain', body: span };
}

function readMap(text: string, node: YAMLMap): MapNode {
  const span = spanOf(node, 0);
  const isFlow = node.srcToken?.type === 'flow-collection';
  const entries = node.items.flatMap((pair) => (isPair(pair) ? entriesOf(text, pair) : []));
  const first = entries[0]?.keySpan.start ?? span.start;
  return { kind: 'map', span, entries, column: isFlow ? null : columnOf(text, first) };
}

/** A key without a colon runs into the next line's: `rol⏎ migrate: …` comes as one key of two lines. */
function entriesOf(text: string, pair: Pair): readonly Entry[] {
  if (!isScalar(pair.key)) return [];
  const whole = spanOf(pair.key, 0);
  const lines = text.slice(whole.start, whole.end).split('\n');
  const spans: Span[] = [];
  let at = whole.start;
  for (const line of lines) {
    const start = at + (line.length - line.trimStart().length);
    if (line.trim() !== '') spans.push({ start, end: start + line.trim().length });
    at += line.length + 1;
  }
  const last = spans.at(-1) ?? whole;
  const key = pair.key;
  const name = typeof key.value === 'string' && spans.length < 2 ? key.value : text.slice(last.start, last.end);
  return [
    ...spans
      .slice(0, -1)
      .map((each) => ({ key: text.slice(each.start, each.end), keySpan: each, value: emptyAt(each.end) })),
    { key: name, keySpan: last, value: textBehind(text, pair.value, last.end) ?? readNode(text, pair.value, last.end) },
    ...entriesBehind(text, pair.value, last.end),
  ];
}

/** `a: SELECT b FROM c WHERE d = :` is for YAML a map in the line of its key. It is meant as text. */
function textBehind(text: string, value: unknown, key: number): ScalarNode | null {
  if (!isMap(value) || value.srcToken?.type !== 'block-map' || !isPlainKey(value.items[0]?.key)) return null;
  const { start } = spanOf(value, key);
  return text.slice(key, start).includes('\n') ? null : restOfLine(text, start);
}

/** What YAML takes for the other keys of such a map: they stand where those of the map around it do. */
function entriesBehind(text: string, value: unknown, key: number): readonly Entry[] {
  if (!isMap(value) || textBehind(text, value, key) === null) return [];
  return value.items.slice(1).flatMap((pair) => (isPair(pair) ? entriesOf(text, pair) : []));
}

function readSeq(text: string, node: YAMLSeq): SeqNode {
  const span = spanOf(node, 0);
  const token = node.srcToken;
  const isFlow = token?.type === 'flow-collection';
  const dashes = token?.type === 'block-seq' ? token.items.map(dashOf) : [];
  const items = node.items.map((item, index): SeqItem => {
    const dash = dashes[index] ?? null;
    const value = readNode(text, item, dash === null ? span.start : dash + 1);
    return { at: dash ?? value.span.start, value };
  });
  const column = isFlow ? null : columnOf(text, items[0]?.at ?? span.start);
  return { kind: 'seq', span, items, column };
}

function dashOf(item: CST.BlockSequence['items'][number]): number | null {
  return item.start.find(({ type }) => type === 'seq-item-ind')?.offset ?? null;
}

export function entryOf(tree: Tree | undefined, key: string): Entry | undefined {
  return tree?.kind === 'map' ? tree.entries.find((entry) => entry.key === key) : undefined;
}

/** The text of a scalar; null of anything else. */
export function textOf(tree: Tree | undefined): string | null {
  return tree?.kind === 'scalar' ? tree.value : null;
}

/** What stands at a path. */
export function treeAt(root: Tree, path: Path): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const step of path) {
    if (typeof step === 'number') tree = tree?.kind === 'seq' ? tree.items[step]?.value : undefined;
    else tree = entryOf(tree, step)?.value;
  }
  return tree;
}
