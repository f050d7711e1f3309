/** Values and facts of a plan: domains of parameters, allowances, numbers with units. */
import { placeOf, keyPlace, report } from './loading.ts';
import type { Loading } from './loading.ts';
import { forecastKeys } from './model.ts';
import type { Allow, ForecastKey, ForecastSettings, TableFacts, Value } from './model.ts';
import { parseCount, parseDuration, parseRate, parseSize, parseThroughput } from './units.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

/** JSON text of a value, numbers as written where that is JSON. */
function jsonText(tree: Tree): string {
  switch (tree.kind) {
    case 'scalar': {
      const written = tree.source.text;
      const isNumber = typeof tree.value === 'number' && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(written);
      return isNumber ? written : JSON.stringify(tree.value);
    }
    case 'seq':
      return `[${tree.items.map(jsonText).join(', ')}]`;
    case 'map':
      return `{${tree.entries.map(({ key, value }) => `${JSON.stringify(key)}: ${jsonText(value)}`).join(', ')}}`;
  }
}

function valueOf(tree: Tree): Value {
  if (tree.kind !== 'scalar') return jsonText(tree);
  return tree.value === null ? null : tree.source.text;
}

export interface Domains {
  readonly values: ReadonlyMap<string, readonly Value[]>;
  readonly entries: readonly Entry[];
}

/** `params:` of a plan or a version. */
export function domainsOf(loading: Loading, tree: Tree | undefined): Domains {
  const entries = tree?.kind === 'map' ? tree.entries : [];
  const values = new Map<string, readonly Value[]>();
  for (const { key, value } of entries) {
    if (value.kind !== 'seq') continue;
    values.set(key, value.items.map(valueOf));
    if (value.items.length > 0) continue;
    report(
      loading,
      'empty-domain',
      `The list of values for \`${key}\` is empty: nothing could be tried.`,
      placeOf(loading, value),
    );
  }
  return { values, entries };
}

export function allowOf(loading: Loading, tree: Tree | undefined): readonly Allow[] {
  const items = tree?.kind === 'seq' ? tree.items : [];
  return items.flatMap((item) => {
    const rule = nameText(entryOf(item, 'rule')?.value);
    const reason = nameText(entryOf(item, 'reason')?.value);
    return rule === null || reason === null ? [] : [{ rule, reason, location: placeOf(loading, item) }];
  });
}

/** A number with a unit. The schema has checked its form: what it refused gives null here without a word. */
export function amountOf(tree: Tree | undefined, parse: (text: string) => number | null): number | null {
  const text = nameText(tree);
  if (tree?.kind === 'scalar' && typeof tree.value === 'number') return tree.value;
  return text === null ? null : parse(text);
}

export function productionOf(tree: Tree | undefined): ReadonlyMap<string, TableFacts> {
  const facts = new Map<string, TableFacts>();
  for (const { key, value } of tree?.kind === 'map' ? tree.entries : []) {
    const rows = amountOf(entryOf(value, 'rows')?.value, parseCount);
    const size = amountOf(entryOf(value, 'size')?.value, parseSize);
    const reads = amountOf(entryOf(value, 'reads')?.value, parseRate);
    const writes = amountOf(entryOf(value, 'writes')?.value, parseRate);
    facts.set(key, {
      ...(rows === null ? {} : { rows }),
      ...(size === null ? {} : { size }),
      ...(reads === null ? {} : { reads }),
      ...(writes === null ? {} : { writes }),
    });
  }
  return facts;
}

const forecastParsers: Readonly<Record<ForecastKey, (text: string) => number | null>> = {
  scan: parseThroughput,
  rewrite: parseThroughput,
  'index-build': parseRate,
  validate: parseRate,
  'validate-foreign-key': parseRate,
  write: parseRate,
  replay: parseThroughput,
  'row-size': parseSize,
  'index-row-size': parseSize,
  rows: parseCount,
  reads: parseRate,
  writes: parseRate,
  'request-time': parseDuration,
  'request-timeout': parseDuration,
  pool: parseCount,
  'slow-query': parseDuration,
  retries: parseCount,
  'retry-pause': parseDuration,
  'max-block': parseDuration,
  factor: Number,
};

/** Nothing can be done at a rate of nothing, nor with no connection. */
const mayBeZero: ReadonlySet<ForecastKey> = new Set([
  'rows',
  'reads',
  'writes',
  'slow-query',
  'retries',
  'retry-pause',
  'max-block',
]);

export function forecastOf(loading: Loading, tree: Tree | undefined): ForecastSettings {
  const settings: Partial<Record<ForecastKey, number>> = {};
  for (const key of forecastKeys) {
    const entry = entryOf(tree, key);
    const value = amountOf(entry?.value, forecastParsers[key]);
    if (entry === undefined || value === null) continue;
    if (value === 0 && !mayBeZero.has(key))
      report(loading, 'invalid-value', `\`${key}\` must be more than 0.`, placeOf(loading, entry.value));
    else settings[key] = value;
  }
  return settings;
}

/** A parameter that a domain names and no request uses is most likely misspelled. */
export function refuseUnused(
  loading: Loading,
  entries: readonly Entry[],
  used: ReadonlySet<string>,
  where: string,
  suggest: (name: string) => string | null,
): void {
  for (const entry of entries) {
    if (used.has(entry.key)) continue;
    report(
      loading,
      'unused-parameter',
      `No request of ${where} has a parameter \`:${entry.key}\`.`,
      keyPlace(loading, entry),
      suggest(entry.key),
    );
  }
}
