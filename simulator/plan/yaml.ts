/**
 * Reads YAML into a tree of plain values that know their places. Aliases and merge keys are resolved
 * here, so that nothing after it has to know of them.
 */
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import type { Alias, Document, Pair, Scalar, YAMLMap } from 'yaml';
import type { PlanError } from './model.ts';
import { scalarOffsets } from './scalar.ts';
import { embeddedSource } from './source.ts';
import type { TextSource } from './source.ts';

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `10.50` stays `10.50`. */
  readonly source: TextSource;
  readonly at: number;
  /** A plain scalar with a comment behind it: ` #` in SQL ends the text without a word. */
  readonly cutByComment: boolean;
}
export interface SeqTree {
  readonly kind: 'seq';
  readonly items: readonly Tree[];
  readonly at: number;
}
export interface Entry {
  readonly key: string;
  readonly keyAt: number;
  readonly value: Tree;
}
export interface MapTree {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
  readonly at: number;
}
export type Tree = ScalarTree | SeqTree | MapTree;

export interface YamlResult {
  /** Null when there is nothing to go on with. */
  readonly tree: Tree | null;
  readonly errors: readonly PlanError[];
}

/** More than any plan has; what aliases of aliases can grow to is far more. */
const nodeLimit = 200_000;
const depthLimit = 60;

class TooComplex extends Error {}

interface Reading {
  readonly file: TextSource;
  readonly errors: PlanError[];
  readonly anchors: Map<string, unknown>;
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly open: Set<unknown>;
  nodes: number;
}

function fail(reading: Reading, code: string, message: string, at: number): void {
  reading.errors.push({ code, message, location: reading.file.locate(at), suggestion: null });
}

function startOf(node: unknown, fallback: number): number {
  if (isScalar(node) || isCollection(node) || isAlias(node)) return node.range?.[0] ?? fallback;
  return fallback;
}

function readScalar(reading: Reading, node: Scalar, fallback: number): ScalarTree {
  const at = startOf(node, fallback);
  const value = node.value;
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  const text = typeof value === 'string' ? value : (node.source ?? '');
  const token = node.srcToken;
  return {
    kind: 'scalar',
    value: typeof value === 'bigint' ? text : known,
    source: embeddedSource(reading.file, text, () => (token === undefined ? () => at : scalarOffsets(token, text))),
    at,
    cutByComment: node.type === 'PLAIN' && typeof node.comment === 'string',
  };
}

function readAlias(reading: Reading, node: Alias, fallback: number, depth: number): Tree {
  const at = startOf(node, fallback);
  const target = reading.anchors.get(node.source);
  if (target === undefined) {
    fail(reading, 'yaml-alias', `There is no anchor \`&${node.source}\` before this alias.`, at);
  } else if (reading.open.has(target)) {
    fail(
      reading,
      'yaml-alias',
      `The alias \`*${node.source}\` stands inside of what it names: it would never end.`,
      at,
    );
  } else {
    return readNode(reading, target, at, depth + 1);
  }
  return {
    kind: 'scalar',
    value: null,
    source: embeddedSource(reading.file, '', () => () => at),
    at,
    cutByComment: false,
  };
}

/** YAML's merge key: `<<: *base` or `<<: [*one, *two]`. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<';
}

function mergedEntries(reading: Reading, pair: Pair, at: number, depth: number): readonly Entry[] {
  const tree = readNode(reading, pair.value, at, depth + 1);
  const maps = tree.kind === 'seq' ? tree.items : [tree];
  return maps.flatMap((map) => {
    if (map.kind === 'map') return map.entries;
    fail(reading, 'yaml-merge', 'A merge key `<<` takes a map, an alias of one, or a list of them.', map.at);
    return [];
  });
}

function readMap(reading: Reading, node: YAMLMap, fallback: number, depth: number): MapTree {
  const at = startOf(node, fallback);
  const own = new Set(
    node.items.flatMap((pair) => (isScalar(pair.key) && !isMergeKey(pair.key) ? [keyText(pair.key)] : [])),
  );
  const entries = new Map<string, Entry>();
  const written = new Set<string>();
  for (const pair of node.items) {
    if (!isPair(pair)) continue;
    const keyAt = startOf(pair.key, at);
    if (isMergeKey(pair.key)) {
      // A key of the map itself wins over a merged one; of two merged ones the first wins.
      for (const entry of mergedEntries(reading, pair, keyAt, depth)) {
        if (!own.has(entry.key) && !entries.has(entry.key)) entries.set(entry.key, entry);
      }
    } else if (isScalar(pair.key)) {
      remember(reading, pair.key);
      const key = keyText(pair.key);
      if (written.has(key)) fail(reading, 'duplicate-key', 'This key is there twice in the same map.', keyAt);
      else entries.set(key, { key, keyAt, value: readNode(reading, pair.value, keyAt, depth + 1) });
      written.add(key);
    } else {
      fail(reading, 'yaml-key', 'A key must be a plain name.', keyAt);
    }
  }
  return { kind: 'map', entries: [...entries.values()], at };
}

function keyText(key: Scalar): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function remember(reading: Reading, node: unknown): void {
  if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) reading.anchors.set(node.anchor, node);
}

function readNode(reading: Reading, node: unknown, fallback: number, depth: number): Tree {
  reading.nodes += 1;
  if (reading.nodes > nodeLimit || depth > depthLimit) throw new TooComplex();
  remember(reading, node);
  if (isAlias(node)) return readAlias(reading, node, fallback, depth);
  if (isScalar(node)) return readScalar(reading, node, fallback);
  reading.open.add(node);
  try {
    if (isMap(node)) return readMap(reading, node, fallback, depth);
    if (isSeq(node)) {
      const at = startOf(node, fallback);
      return { kind: 'seq', items: node.items.map((item) => readNode(reading, item, at, depth + 1)), at };
    }
  } finally {
    reading.open.delete(node);
  }
  return {
    kind: 'scalar',
    value: null,
    source: embeddedSource(reading.file, '', () => () => fallback),
    at: fallback,
    cutByComment: false,
  };
}

/** The parser's own sentences are for people who know YAML's grammar; these are for those who write plans. */
function syntaxMessage(code: string, message: string): string {
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'A `: ` inside of a plain text starts a new map here. Put the text in quotes, or write it after `|` on lines of its own.';
    case 'TAB_AS_INDENT':
      return 'YAML is indented with spaces, not with tabs.';
    case 'MULTIPLE_DOCS':
      return 'A plan is one document: take out the second `---`.';
    case 'TAG_RESOLVE_FAILED':
      return 'Tags such as `!name` mean nothing in a plan. Put the text in quotes if it begins with `!`.';
    default:
      return `This is not valid YAML: ${message.replace(/\s+/g, ' ').trim()}`;
  }
}

const tooComplex = 'The plan is nested too deeply, or its aliases grow too large.';

/** The parser gives an exception of its own recursion as an error of the text. */
const stackEnded = (message: string): boolean => message.includes('call stack');

/** One wrong bracket can give thousands. */
const shownErrors = 20;

function syntaxErrors(file: TextSource, document: Document.Parsed): readonly PlanError[] {
  return [...document.errors, ...document.warnings].slice(0, shownErrors).map((error) => ({
    code: stackEnded(error.message) ? 'too-complex' : 'yaml-syntax',
    message: stackEnded(error.message) ? tooComplex : syntaxMessage(error.code, error.message),
    location: file.locate(error.pos[0]),
    suggestion: null,
  }));
}

/** Errors of syntax end the reading: what follows from a broken indentation or a missing anchor is noise. A key that is there twice does not. */
export function readYaml(file: TextSource): YamlResult {
  const reading: Reading = { file, errors: [], anchors: new Map(), open: new Set(), nodes: 0 };
  try {
    const document = parseDocument(file.text, {
      keepSourceTokens: true,
      merge: true,
      // Its own check takes the square of the number of keys; `readMap` has another.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    const syntax = syntaxErrors(file, document);
    if (syntax.length > 0) return { tree: null, errors: syntax };
    const tree = document.contents === null ? null : readNode(reading, document.contents, 0, 0);
    const isUsable = reading.errors.every(({ code }) => code === 'duplicate-key');
    return { tree: isUsable ? tree : null, errors: reading.errors };
  } catch (error) {
    // The parser's own recursion can end the stack first, on thousands of opening brackets.
    if (!(error instanceof TooComplex) && !(error instanceof RangeError)) throw error;
    return {
      tree: null,
      errors: [{ code: 'too-complex', message: tooComplex, location: file.locate(0), suggestion: null }],
    };
  }
}

const indexes = new WeakMap<MapTree, ReadonlyMap<string, Entry>>();

/** The entry of a map, or undefined. Indexed, since a map can have thousands, each of them asked for. */
export function entryOf(tree: Tree | undefined, key: string): Entry | undefined {
  if (tree?.kind !== 'map') return undefined;
  let index = indexes.get(tree);
  if (index === undefined) {
    index = new Map(tree.entries.map((entry) => [entry.key, entry]));
    indexes.set(tree, index);
  }
  return index.get(key);
}

/** A text as written, of a scalar that is one; numbers count, since `deploy: 2` names version 2. */
export function nameText(tree: Tree | undefined): string | null {
  if (tree?.kind !== 'scalar') return null;
  return typeof tree.value === 'string' || typeof tree.value === 'number' ? tree.source.text : null;
}

/** The values alone, for the validator. */
export function plainValue(tree: Tree): unknown {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'seq':
      return tree.items.map(plainValue);
    case 'map':
      // Entries and not assignment: a key named __proto__ is a key like any other.
      return Object.fromEntries(tree.entries.map((entry) => [entry.key, plainValue(entry.value)]));
  }
}
