/** Completion of keys: those of the format, and the names that the rest of the plan suggests. */
import type { Completion } from '../protocol.ts';
import type { Analysis } from './analysis.ts';
import { lineage, requestsOf, stepKinds, type RequestNames, type StepKind } from './names.ts';
import { keysAt, type KnownKey } from './schema.ts';
import { escaped, keySnippet, stepDetails, stepSnippet, written } from './snippets.ts';
import type { MapNode, Path, Span } from './tree.ts';

/** Where a key is written, or may begin. */
export interface KeySpot {
  readonly path: Path;
  /** The map as it is; null if it is not there yet. */
  readonly map: MapNode | null;
  readonly span: Span;
  /** Null inside of `{ }`. */
  readonly column: number | null;
  /** The key that is written there already: it is no reason to leave it out. */
  readonly current: string | null;
  /** A colon stands behind it: only the name is wanted. */
  readonly hasColon: boolean;
}

export function completeKeys(analysis: Analysis, spot: KeySpot): readonly Completion[] {
  return [...formatKeys(analysis, spot), ...namedKeys(analysis, spot)];
}

/** Which kinds of step a key belongs to. */
const ownersOfKey: Readonly<Record<string, readonly StepKind[]>> = {
  flag: ['deploy'],
  by: ['backfill'],
  batch: ['backfill'],
  pause: ['backfill'],
  transaction: ['migrate'],
  on: ['migrate', 'backfill'],
};

function isKind(key: string): key is StepKind {
  return (stepKinds as readonly string[]).includes(key);
}

function isStep(path: Path): boolean {
  return typeof path.at(-1) === 'number' && (path.at(-2) === 'steps' || path.at(-2) === 'rollback');
}

function formatKeys({ root }: Analysis, spot: KeySpot): readonly Completion[] {
  const { path, map, current } = spot;
  const present = new Set((map?.entries ?? []).map(({ key }) => key).filter((key) => key !== current));
  const keys = keysAt(path).filter(({ key }) => !present.has(key));
  if (path.length === 0 && root.kind !== 'map') return keys.map((key, index) => keyItem(key, index, spot));
  if (!isStep(path)) return keys.map((key, index) => keyItem(key, index, spot));
  const kind = stepKinds.find((each) => present.has(each));
  const fitting = keys.filter(({ key }) => {
    if (isKind(key)) return kind === undefined;
    const owners = ownersOfKey[key];
    return owners === undefined || kind === undefined || owners.includes(kind);
  });
  return fitting.map((key, index) =>
    isKind(key.key) ? stepItem(key, key.key, spot, present) : keyItem(key, index, spot),
  );
}

function keyItem(key: KnownKey, index: number, spot: KeySpot): Completion {
  return {
    label: key.key,
    kind: 'key',
    detail: key.isRequired ? 'required' : '',
    documentation: key.description,
    snippet: spot.hasColon ? escaped(key.key) : keySnippet(key, spot.column),
    replace: spot.span,
    sort: `${key.isRequired ? 1 : 2}${String(index).padStart(2, '0')}`,
    goesOn: !spot.hasColon && leadsOn(key),
  };
}

/** Keys behind which names can be offered at once. Behind another, asking would only say that there is nothing. */
const beforeNames: readonly string[] = ['deploy', 'extends', 'rule', 'by'];

function leadsOn({ key }: KnownKey): boolean {
  return beforeNames.includes(key);
}

function stepItem(key: KnownKey, kind: StepKind, spot: KeySpot, present: ReadonlySet<string>): Completion {
  const back = spot.path.includes('rollback');
  const named = present.size === 0 && !back ? 'with-name' : 'without-name';
  const snippet =
    spot.column === null ? `${kind}: ` : stepSnippet(kind, spot.column, named, back || present.has('rollback'));
  return {
    ...keyItem(key, stepKinds.indexOf(kind), spot),
    kind: 'step',
    detail: stepDetails[kind],
    // A name is to be typed first.
    goesOn: kind === 'deploy' && named === 'without-name' && !spot.hasColon,
    snippet: spot.hasColon ? kind : snippet,
    sort: `0${stepKinds.indexOf(kind)}`,
  };
}

/** Maps whose keys are names of the plan's own. */
function namedKeys(analysis: Analysis, spot: KeySpot): readonly Completion[] {
  const [section, name, ...rest] = spot.path;
  const present = new Set((spot.map?.entries ?? []).map(({ key }) => key).filter((key) => key !== spot.current));
  const absent = (items: readonly Completion[]) => items.filter(({ label }) => !present.has(label));
  if (section === 'versions' && name === undefined) return absent([newVersion(analysis, spot)]);
  if (section === 'versions' && typeof name === 'string' && rest.length === 0)
    return absent(requestKeys(analysis, spot, name));
  if (section === 'params' && name === undefined) return absent(paramKeys(analysis, spot, null));
  if (section === 'versions' && typeof name === 'string' && rest[0] === 'params' && rest.length === 1)
    return absent(paramKeys(analysis, spot, name));
  if (section === 'database' && name === 'production' && rest.length === 0) return absent(tableKeys(analysis, spot));
  return [];
}

function nameItem(
  spot: KeySpot,
  label: string,
  item: Pick<Completion, 'kind' | 'detail' | 'documentation'>,
  snippet: string,
): Completion {
  const text = spot.hasColon ? escaped(label) : snippet;
  return { label, ...item, snippet: text, replace: spot.span, sort: `1${label}`, goesOn: false };
}

/** `v5:` after `v4:`, which it extends. */
function newVersion({ names }: Analysis, spot: KeySpot): Completion {
  const others = names.versions.filter(({ name }) => name !== spot.current);
  const last = others.at(-1);
  const number = /^(.*?)(\d+)$/.exec(last?.name ?? '');
  const label = number === null ? `v${others.length + 1}` : `${number[1]}${Number(number[2]) + 1}`;
  const lines = last === undefined ? [`${label}:`, '  '] : [`${label}:`, `  extends: ${last.name}`, '  '];
  const detail = last === undefined ? 'a version' : `a version that extends ${last.name}`;
  return nameItem(
    spot,
    label,
    { kind: 'version', detail, documentation: '' },
    escaped(written(lines, spot.column ?? 0)),
  );
}

function requestKeys(analysis: Analysis, spot: KeySpot, version: string): readonly Completion[] {
  const { names } = analysis;
  const parent = lineage(names, version)[0]?.extends?.name;
  const inherited = parent === undefined ? [] : requestsOf(names, parent);
  const others = names.versions.filter(({ name }) => name !== version).flatMap(({ requests }) => requests);
  const known = new Map([...others, ...inherited].map((request) => [request.name, request]));
  return [...known.values()].map((request) => {
    const isInherited = inherited.includes(request);
    const detail = isInherited ? `as ${request.version} has it` : `a request of ${request.version}`;
    const sql = writtenValue(analysis, request);
    const isOneLine = !sql.includes('\n');
    const snippet = isOneLine ? `${request.name}: ${escaped(sql)}` : `${request.name}: `;
    const documentation = `\`\`\`yaml\n${request.name}: ${sql}\n\`\`\``;
    return nameItem(spot, request.name, { kind: 'request', detail, documentation }, snippet);
  });
}

export function writtenValue({ text }: Analysis, { value }: RequestNames): string {
  return text.slice(value.span.start, value.span.end).trimEnd();
}

function paramKeys({ names }: Analysis, spot: KeySpot, version: string | null): readonly Completion[] {
  const requests = version === null ? names.versions.flatMap(({ requests }) => requests) : requestsOf(names, version);
  const users = new Map<string, string[]>();
  for (const request of requests)
    for (const { piece } of request.holes)
      if (piece.kind === 'param') users.set(piece.name, [...(users.get(piece.name) ?? []), request.name]);
  return [...users].map(([name, usedBy]) => {
    const detail = `used by ${[...new Set(usedBy)].join(', ')}`;
    return nameItem(spot, name, { kind: 'param', detail, documentation: '' }, `${name}: [$1]`);
  });
}

function tableKeys({ tables }: Analysis, spot: KeySpot): readonly Completion[] {
  const facts = '{ rows: ${1:100M}, size: ${2:200 GB}, reads: ${3:3000/s}, writes: ${4:400/s} }';
  return tables.map(({ name }) =>
    nameItem(spot, name, { kind: 'table', detail: 'a table', documentation: '' }, `${escaped(name)}: ${facts}`),
  );
}
