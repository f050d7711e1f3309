/** Definitions, references and renaming: what the name at a cursor stands for, and everywhere that it is written. */
import type { Names, SymbolKind } from '../protocol.ts';
import type { Analysis } from './analysis.ts';
import { lineage, type PlanNames, type RequestNames } from './names.ts';
import type { Span } from './tree.ts';

interface Written {
  readonly kind: SymbolKind;
  readonly name: string;
  readonly span: Span;
  /** The version in which it is written; null outside of all. */
  readonly version: string | null;
  readonly request: string | null;
}

/** Every name that can be gone to, wherever it is written. */
function everyName(names: PlanNames): readonly Written[] {
  const plan = { version: null, request: null };
  return [
    ...names.params.map(({ name, span }): Written => ({ kind: 'param', name, span, ...plan })),
    ...names.versions.flatMap((version): readonly Written[] => [
      { kind: 'version', name: version.name, span: version.span, ...plan },
      ...(version.extends === null ? [] : [{ kind: 'version' as const, ...version.extends, ...plan }]),
      ...version.params.map(({ name, span }): Written => ({
        kind: 'param',
        name,
        span,
        version: version.name,
        request: null,
      })),
      ...version.requests.flatMap(inRequest),
    ]),
    ...names.steps.flatMap(({ deploy }): readonly Written[] =>
      deploy === null ? [] : [{ kind: 'version', ...deploy, ...plan }],
    ),
  ];
}

function inRequest({ name, version, span, rows, holes }: RequestNames): readonly Written[] {
  const own = { version, request: name };
  return [
    { kind: 'request', name, span, ...own },
    ...rows.map((row): Written => ({ kind: 'row', ...row, ...own })),
    ...holes.map(({ piece, start, end }): Written => {
      // Behind the colon.
      if (piece.kind === 'param') return { kind: 'param', name: piece.name, span: { start: start + 1, end }, ...own };
      return { kind: 'row', name: piece.row, span: { start: start + 1, end: start + 1 + piece.row.length }, ...own };
    }),
  ];
}

function isSame(a: Written, b: Written): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  return a.kind !== 'row' || (a.version === b.version && a.request === b.request);
}

/** Null where no name is. */
export function namesAt({ names }: Analysis, offset: number): Names | null {
  const all = everyName(names);
  const here = all.find(({ span }) => span.start <= offset && offset <= span.end);
  if (here === undefined) return null;
  const same = all.filter((each) => isSame(each, here));
  const taken = new Set(
    all.filter((each) => each.kind === here.kind && each.name !== here.name).map(({ name }) => name),
  );
  return {
    kind: here.kind,
    name: here.name,
    span: here.span,
    definitions: definitionsOf(names, here),
    occurrences: same.map(({ span }) => span),
    taken: [...taken],
  };
}

function definitionsOf(names: PlanNames, here: Written): readonly Span[] {
  switch (here.kind) {
    case 'version':
      return names.versions.filter(({ name }) => name === here.name).map(({ span }) => span);
    case 'request':
      return requestDefinition(names, here);
    case 'param':
      return paramDefinition(names, here);
    case 'row':
      return names.versions
        .filter(({ name }) => name === here.version)
        .flatMap(({ requests }) => requests.filter(({ name }) => name === here.request))
        .flatMap(({ rows }) => rows.filter(({ name }) => name === here.name))
        .map(({ span }) => span);
  }
}

/** Where the version that this one extends has it from; else here. */
function requestDefinition(names: PlanNames, { name, version, span }: Written): readonly Span[] {
  const [, ...parents] = lineage(names, version ?? '');
  const inherited = parents.flatMap(({ requests }) => requests).find((request) => request.name === name);
  return [inherited?.span ?? span];
}

/** The nearest values: of the version, of one that it extends, of the plan. */
function paramDefinition(names: PlanNames, { name, version }: Written): readonly Span[] {
  const own = version === null ? [] : lineage(names, version).flatMap(({ params }) => params);
  const entry = [...own, ...names.params].find((each) => each.name === name);
  return entry === undefined ? [] : [entry.span];
}
