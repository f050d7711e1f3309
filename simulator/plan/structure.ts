/** What the schema says against a plan, in plain English and at the place where it is written. */
import type { z } from 'zod';
import { didYouMean } from './errors.ts';
import type { PlanError } from './model.ts';
import { nearest } from './nearest.ts';
import { planSchema, unsupportedKeys } from './schema.ts';
import type { MapNote } from './schema.ts';
import type { TextSource } from './source.ts';
import { entryOf, plainValue } from './yaml.ts';
import type { Tree } from './yaml.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

interface Checking {
  readonly file: TextSource;
  readonly tree: Tree;
  readonly errors: PlanError[];
}

function treeAt(root: Tree, path: Path): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const key of path) {
    if (tree?.kind === 'seq' && typeof key === 'number') tree = tree.items[key];
    else tree = entryOf(tree, String(key))?.value;
  }
  return tree;
}

/** How a value is spoken of: by the last key on the way to it, or by its place in a list. */
function subject(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'The plan';
  if (typeof last !== 'number')
    return path[0] === 'versions' && path.length === 2 ? `Version \`${String(last)}\`` : `\`${String(last)}\``;
  if (path.at(-2) === 'steps') return 'A step';
  const owner = [...path].reverse().find((key) => typeof key !== 'number');
  return owner === undefined ? 'An item' : `An item of \`${String(owner)}\``;
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'null',
};

function kindOf(tree: Tree): string {
  if (tree.kind !== 'scalar') return tree.kind === 'seq' ? 'a list' : 'a map';
  if (tree.value === null) return 'empty';
  return tree.value === ''
    ? 'empty text'
    : `\`${tree.source.text.length > 40 ? `${tree.source.text.slice(0, 40)}…` : tree.source.text}\``;
}

function either(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

/** A branch is out of the question when it wants a value of another kind. */
const wantsOtherKind = (issues: readonly Issue[]): boolean =>
  issues.some(
    (issue) =>
      issue.path.length === 0 &&
      (issue.code === 'invalid_type' || (issue.code === 'invalid_union' && issue.errors.every(wantsOtherKind))),
  );

/** Fewest mistakes: each unknown key is one. */
const mistakes = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);

function report(checking: Checking, code: string, message: string, at: number, suggestion: string | null = null): void {
  checking.errors.push({
    code,
    message: message + didYouMean(suggestion),
    location: checking.file.locate(at),
    suggestion,
  });
}

function unknownKeys(checking: Checking, issue: Extract<Issue, { code: 'unrecognized_keys' }>, path: Path): void {
  const map = treeAt(checking.tree, path);
  const note = JSON.parse(issue.message) as MapNote;
  const absent = note.known.filter((known) => entryOf(map, known) === undefined);
  for (const key of issue.keys) {
    const at = entryOf(map, key)?.keyAt ?? map?.at ?? 0;
    if (unsupportedKeys[key] === note.noun) {
      report(checking, 'unsupported', `\`${key}\` is not supported yet.`, at);
    } else {
      const suggestion = nearest(key, absent) ?? nearest(key, note.known);
      const known = suggestion === null ? ` Known are ${note.known.map((each) => `\`${each}\``).join(', ')}.` : '';
      const isText = suggestion === null && /\s/.test(key);
      const help = isText
        ? ' Inside of { } a comma ends a text: put SQL in quotes there, or write it after `|`.'
        : known;
      report(checking, 'unknown-key', `Unknown key \`${key}\` in ${note.noun}.${help}`, at, suggestion);
    }
  }
}

function missing(checking: Checking, path: Path): void {
  const parent = path.slice(0, -1);
  const tree = treeAt(checking.tree, parent);
  const key = String(path.at(-1));
  report(checking, 'missing-key', `${subject(parent)} has no \`${key}\`.`, tree?.at ?? 0);
}

function invalidValue(
  checking: Checking,
  issue: Extract<Issue, { code: 'invalid_value' }>,
  path: Path,
  tree: Tree,
): void {
  const known = issue.values.map(String);
  const written = tree.kind === 'scalar' ? tree.source.text : '';
  const suggestion = nearest(written, known);
  const isRule = path.at(-1) === 'rule';
  const message = isRule
    ? `There is no rule \`${written}\`.${suggestion === null ? ` Rules are ${known.map((each) => `\`${each}\``).join(', ')}.` : ''}`
    : `${subject(path)} must be ${either(known.map((each) => `\`${each}\``))}, not ${kindOf(tree)}.`;
  report(checking, isRule ? 'unknown-rule' : 'invalid-value', message, tree.at, suggestion);
}

function explainUnion(
  checking: Checking,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  tree: Tree,
): void {
  const fitting = issue.errors.filter((branch) => !wantsOtherKind(branch)).sort((a, b) => mistakes(a) - mistakes(b));
  const [best] = fitting;
  if (best === undefined) {
    report(checking, 'invalid-type', `${subject(path)} must be ${issue.message}, not ${kindOf(tree)}.`, tree.at);
    return;
  }
  for (const inner of best) explain(checking, inner, [...path, ...inner.path]);
}

function explain(checking: Checking, issue: Issue, path: Path): void {
  const tree = treeAt(checking.tree, path);
  if (issue.code === 'unrecognized_keys') return unknownKeys(checking, issue, path);
  if (tree === undefined) return missing(checking, path);
  switch (issue.code) {
    case 'invalid_union':
      return explainUnion(checking, issue, path, tree);
    case 'invalid_value':
      return invalidValue(checking, issue, path, tree);
    case 'invalid_type': {
      const expected = kinds[issue.expected] ?? issue.expected;
      return report(checking, 'invalid-type', `${subject(path)} must be ${expected}, not ${kindOf(tree)}.`, tree.at);
    }
    case 'too_small':
    case 'too_big':
      // An empty text here is said to be empty where its SQL is read.
      return report(checking, 'invalid-value', `${subject(path)} must be ${issue.message}.`, tree.at);
    default:
      return report(
        checking,
        'invalid-value',
        `${subject(path)} must be ${issue.message}, not ${kindOf(tree)}.`,
        tree.at,
      );
  }
}

/** Every error of structure: keys, and kinds of values. */
export function checkStructure(file: TextSource, tree: Tree): readonly PlanError[] {
  const checking: Checking = { file, tree, errors: [] };
  if (tree.kind !== 'map') {
    report(
      checking,
      'not-a-map',
      `A plan is a map with \`database\`, \`versions\` and \`steps\`, not ${kindOf(tree)}.`,
      tree.at,
    );
    return checking.errors;
  }
  const result = planSchema.safeParse(plainValue(tree));
  for (const issue of result.error?.issues ?? []) explain(checking, issue, issue.path);
  return checking.errors;
}
