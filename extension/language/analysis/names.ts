/** The names of a plan and where they are written: versions, requests, parameters, rows, steps; who extends whom. */
import type { Hole } from '../../../simulator/plan/lexer.ts';
import { holesOf, sqlTextOf, type SqlText } from './sql-text.ts';
import { entryOf, textOf, type Entry, type Path, type ScalarNode, type Span, type Tree } from './tree.ts';

export interface RequestNames {
  readonly name: string;
  readonly version: string;
  readonly span: Span;
  readonly value: Tree;
  readonly texts: readonly SqlText[];
  readonly holes: readonly Hole[];
  /** Rows that its statements name with `as`. */
  readonly rows: readonly Written[];
}

export interface Written {
  readonly name: string;
  readonly span: Span;
}

export interface VersionNames {
  readonly name: string;
  readonly span: Span;
  readonly extends: Written | null;
  /** Those that it writes itself. */
  readonly requests: readonly RequestNames[];
  readonly params: readonly ParamEntry[];
}

export interface ParamEntry extends Written {
  /** As written: `[a@x.io, b@x.io]`. */
  readonly values: string;
}

export interface StepNames extends Written {
  readonly index: number;
  readonly kind: StepKind | null;
  /** From its dash to its end. */
  readonly whole: Span;
  readonly deploy: Written | null;
}

export type StepKind = 'migrate' | 'deploy' | 'backfill' | 'verify' | 'cdc';
export const stepKinds: readonly StepKind[] = ['migrate', 'deploy', 'backfill', 'verify', 'cdc'];

export interface PlanNames {
  readonly versions: readonly VersionNames[];
  readonly params: readonly ParamEntry[];
  readonly steps: readonly StepNames[];
}

/** Every scalar below a tree, with the way to it. */
export function scalarsOf(tree: Tree, path: Path = []): readonly { path: Path; scalar: ScalarNode }[] {
  switch (tree.kind) {
    case 'scalar':
      return [{ path, scalar: tree }];
    case 'map':
      return tree.entries.flatMap(({ key, value }) => scalarsOf(value, [...path, key]));
    case 'seq':
      return tree.items.flatMap(({ value }, index) => scalarsOf(value, [...path, index]));
    case 'empty':
      return [];
  }
}

const versionKeys: readonly string[] = ['extends', 'params'];
/** Keys of a request that hold no SQL. */
const plainKeys: readonly (string | number)[] = ['as', 'file', 'transaction', 'accepts', 'on'];

export function namesOf(text: string, root: Tree): PlanNames {
  const versions = entryOf(root, 'versions')?.value;
  const steps = entryOf(root, 'steps')?.value;
  return {
    versions: versions?.kind === 'map' ? versions.entries.map((entry) => versionOf(text, entry)) : [],
    params: paramsOf(text, entryOf(root, 'params')?.value),
    steps: steps?.kind === 'seq' ? steps.items.map(({ at, value }, index) => stepOf(at, value, index)) : [],
  };
}

function versionOf(text: string, { key, keySpan, value }: Entry): VersionNames {
  const entries = value.kind === 'map' ? value.entries : [];
  const requests = entries.filter((entry) => !versionKeys.includes(entry.key));
  return {
    name: key,
    span: keySpan,
    extends: writtenAt(entryOf(value, 'extends')?.value),
    requests: requests.map((entry) => requestOf(text, key, entry)),
    params: paramsOf(text, entryOf(value, 'params')?.value),
  };
}

function requestOf(text: string, version: string, { key, keySpan, value }: Entry): RequestNames {
  const scalars = scalarsOf(value);
  const last = (path: Path) => path.findLast((step) => typeof step === 'string') ?? '';
  const texts = scalars
    .filter(({ path, scalar }) => !plainKeys.includes(last(path)) && scalar.value !== 'null')
    .map(({ scalar }) => sqlTextOf(text, scalar));
  const rows = scalars.filter(({ path }) => last(path) === 'as').flatMap(({ scalar }) => writtenAt(scalar) ?? []);
  return { name: key, version, span: keySpan, value, texts, holes: texts.flatMap(holesOf), rows };
}

function writtenAt(tree: Tree | undefined): Written | null {
  return tree?.kind === 'scalar' ? { name: tree.value, span: tree.body } : null;
}

function paramsOf(text: string, tree: Tree | undefined): readonly ParamEntry[] {
  if (tree?.kind !== 'map') return [];
  return tree.entries.map(({ key, keySpan, value }) => ({
    name: key,
    span: keySpan,
    values: text.slice(value.span.start, value.span.end).trim(),
  }));
}

function stepOf(at: number, value: Tree, index: number): StepNames {
  const name = entryOf(value, 'name')?.value;
  const kind = stepKinds.find((each) => entryOf(value, each) !== undefined) ?? null;
  return {
    index,
    kind,
    name: textOf(name) ?? `step ${index + 1}`,
    span: name?.kind === 'scalar' ? name.span : { start: at, end: at + 1 },
    whole: { start: at, end: Math.max(value.span.end, at + 1) },
    deploy: writtenAt(entryOf(value, 'deploy')?.value),
  };
}

/** A version and those it extends, nearest first. A circle ends where it closes. */
export function lineage(names: PlanNames, version: string): readonly VersionNames[] {
  const line: VersionNames[] = [];
  let at = names.versions.find(({ name }) => name === version);
  while (at !== undefined && !line.includes(at)) {
    line.push(at);
    const parent: string | undefined = at.extends?.name;
    at = names.versions.find(({ name }) => name === parent);
  }
  return line;
}

/** The requests of a version with those that it inherits, each as the nearest version writes it. */
export function requestsOf(names: PlanNames, version: string): readonly RequestNames[] {
  const found = new Map<string, RequestNames>();
  for (const { requests } of lineage(names, version))
    for (const request of requests) if (!found.has(request.name)) found.set(request.name, request);
  return [...found.values()].filter(({ value }) => textOf(value) !== 'null');
}

/** When a version answers requests, in words. */
export function liveOf(names: PlanNames, version: string): string {
  const deploys = names.steps.filter(({ deploy }) => deploy !== null);
  const label = ({ index, name }: StepNames) => `step ${index + 1}, ${name}`;
  const isFirst = names.versions[0]?.name === version;
  const begins = deploys.findIndex(({ deploy }) => deploy?.name === version);
  const next = isFirst ? deploys.find(({ deploy }) => deploy?.name !== version) : deploys[begins + 1];
  const from = deploys[begins];
  if (!isFirst && from === undefined) return 'No step deploys it.';
  const start = isFirst || from === undefined ? 'Live before step 1' : `Live from ${label(from)}`;
  return next === undefined ? `${start}, to the end.` : `${start}, until ${label(next)}, is done.`;
}

/** DDL of the plan, in order: its own text, or the path of the file that it is in. */
export interface DdlPlace {
  readonly sql: { readonly text: string } | { readonly file: string };
  /** Null for `database.schema`. */
  readonly step: string | null;
}

/** The schema, and the migrations of the steps; those of ways back lead to what is known. */
export function ddlOf(text: string, root: Tree, names: PlanNames): readonly DdlPlace[] {
  const schema = entryOf(entryOf(root, 'database')?.value, 'schema')?.value;
  const steps = entryOf(root, 'steps')?.value;
  const migrations = steps?.kind === 'seq' ? steps.items.map(({ value }) => entryOf(value, 'migrate')?.value) : [];
  return [
    ...ddlAt(text, schema, null),
    ...migrations.flatMap((migrate, index) => ddlAt(text, migrate, names.steps[index]?.name ?? '')),
  ];
}

function ddlAt(text: string, tree: Tree | undefined, step: string | null): readonly DdlPlace[] {
  if (tree?.kind === 'scalar') return [{ sql: { text: sqlTextOf(text, tree).text }, step }];
  const file = textOf(entryOf(tree, 'file')?.value);
  return file === null ? [] : [{ sql: { file }, step }];
}

export interface FileReference extends Span {
  /** As written. */
  readonly path: string;
}

/** Every `{ file: path }`. */
export function fileReferences(tree: Tree): readonly FileReference[] {
  if (tree.kind === 'seq') return tree.items.flatMap(({ value }) => fileReferences(value));
  if (tree.kind !== 'map') return [];
  const file = tree.entries.length === 1 ? entryOf(tree, 'file')?.value : undefined;
  if (file?.kind === 'scalar') return [{ path: file.value, ...file.body }];
  return tree.entries.flatMap(({ value }) => fileReferences(value));
}
