/** The versions of a plan, with what each has from the version that it extends. */
import { keyPlace, placeOf, report } from './loading.ts';
import type { Loading } from './loading.ts';
import type { Request, Value, Version } from './model.ts';
import { nearest } from './nearest.ts';
import { requestOf } from './requests.ts';
import { domainsOf } from './values.ts';
import type { Domains } from './values.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

/** A version as it is written, before `extends`. */
interface Written {
  readonly entry: Entry;
  readonly parent: string | null;
  readonly domains: Domains;
  readonly requests: ReadonlyMap<string, Request | null>;
  /** What it says of prepared statements; null when it says nothing. */
  readonly prepares: boolean | null;
  /** Requests set to null. */
  readonly removed: readonly Entry[];
  /** How many keys were taken for a misspelled `extends` or `params`. */
  readonly misspelled: number;
}

const isNull = (tree: Tree): boolean => tree.kind === 'scalar' && tree.value === null;
const ownKeys = ['extends', 'params', 'prepares'];

/** A misspelled `extends` would pass for a request whose SQL is the name of a version. */
function isMisspelled(entry: Entry, versions: ReadonlySet<string>): boolean {
  const meant = nearest(entry.key, ownKeys);
  if (meant === 'extends') return versions.has(nameText(entry.value) ?? '');
  return (
    meant === 'params' &&
    entry.value.kind === 'map' &&
    ['sql', 'file'].every((key) => entryOf(entry.value, key) === undefined)
  );
}

function readVersion(loading: Loading, entry: Entry, names: ReadonlySet<string>): Written {
  const requests = new Map<string, Request | null>();
  const removed: Entry[] = [];
  let misspelled = 0;
  for (const each of entry.value.kind === 'map' ? entry.value.entries : []) {
    if (ownKeys.includes(each.key)) continue;
    if (isNull(each.value)) removed.push(each);
    else if (isMisspelled(each, names)) {
      misspelled += 1;
      report(
        loading,
        'unknown-key',
        `Unknown key \`${each.key}\` in version \`${entry.key}\`.`,
        keyPlace(loading, each),
        nearest(each.key, ownKeys),
      );
    } else requests.set(each.key, requestOf(loading, each, entry.key));
  }
  return {
    entry,
    parent: nameText(entryOf(entry.value, 'extends')?.value),
    domains: domainsOf(loading, entryOf(entry.value, 'params')?.value),
    prepares: preparesOf(entryOf(entry.value, 'prepares')?.value),
    requests,
    removed,
    misspelled,
  };
}

function preparesOf(tree: Tree | undefined): boolean | null {
  return tree?.kind === 'scalar' && typeof tree.value === 'boolean' ? tree.value : null;
}

/** A version's ancestors, the nearest first; stops at a version that is not there, and where it would go round. */
function ancestors(written: ReadonlyMap<string, Written>, name: string): readonly Written[] {
  const line: Written[] = [];
  const seen = new Set([name]);
  for (
    let at = written.get(name)?.parent;
    at !== undefined && at !== null && !seen.has(at);
    at = written.get(at)?.parent
  ) {
    const version = written.get(at);
    if (version === undefined) break;
    seen.add(at);
    line.push(version);
  }
  return line;
}

function checkExtends(loading: Loading, written: ReadonlyMap<string, Written>, version: Written): void {
  const { entry, parent } = version;
  const tree = entryOf(entry.value, 'extends')?.value;
  if (parent === null || tree === undefined) return;
  const place = placeOf(loading, tree);
  if (parent === entry.key) return report(loading, 'extends-cycle', `Version \`${entry.key}\` extends itself.`, place);
  if (!written.has(parent)) {
    const others = [...written.keys()].filter((name) => name !== entry.key);
    return report(loading, 'unknown-version', `There is no version \`${parent}\`.`, place, nearest(parent, others));
  }
  const line = ancestors(written, entry.key);
  if (line.at(-1)?.parent !== entry.key) return;
  const round = [entry.key, ...line.map((each) => each.entry.key), entry.key];
  report(loading, 'extends-cycle', `These versions extend each other: ${round.join(' → ')}.`, place);
}

/** The requests that a version has after `extends`; null where a request has an error. */
function resolved(line: readonly Written[]): Map<string, Request | null> {
  const requests = new Map<string, Request | null>();
  for (const version of [...line].reverse()) {
    for (const [name, request] of version.requests) requests.set(name, request);
    for (const { key } of version.removed) requests.delete(key);
  }
  return requests;
}

function checkRemoved(loading: Loading, version: Written, line: readonly Written[]): void {
  const inherited = resolved(line);
  for (const entry of version.removed) {
    if (inherited.has(entry.key)) continue;
    const message =
      version.parent === null
        ? `\`${entry.key}\` is empty. Write its SQL; null takes away a request that another version has, and \`${version.entry.key}\` extends none.`
        : `\`${entry.key}: null\` takes away a request that \`${version.parent}\` does not have.`;
    report(loading, 'unknown-request', message, keyPlace(loading, entry), nearest(entry.key, inherited.keys()));
  }
}

function resolveVersion(loading: Loading, written: ReadonlyMap<string, Written>, version: Written): Version {
  const line = ancestors(written, version.entry.key);
  checkExtends(loading, written, version);
  checkRemoved(loading, version, line);
  const all = resolved([version, ...line]);
  // After an error of another kind it is not known whether it was meant to have some.
  const isClear = version.removed.length === 0 && version.misspelled === 0 && version.parent === null;
  if (all.size === 0 && isClear && version.entry.value.kind === 'map') {
    report(
      loading,
      'no-requests',
      `Version \`${version.entry.key}\` answers no request.`,
      keyPlace(loading, version.entry),
    );
  }
  const requests = [...all].flatMap(([name, request]): [string, Request][] =>
    request === null ? [] : [[name, request]],
  );
  const params = new Map<string, readonly Value[]>(
    [version, ...line].reverse().flatMap(({ domains }) => [...domains.values]),
  );
  return {
    name: version.entry.key,
    extends: version.parent,
    requests: new Map(requests),
    params,
    prepares: [version, ...line].find((each) => each.prepares !== null)?.prepares ?? true,
    location: keyPlace(loading, version.entry),
  };
}

export interface Versions {
  readonly versions: readonly Version[];
  /** `params` inside versions, to be checked for use: each with the requests of the version and of its heirs. */
  readonly domains: readonly {
    readonly version: string;
    readonly entries: readonly Entry[];
    readonly used: ReadonlySet<string>;
  }[];
  /** False when a request has an error: then it is not known which parameters are used. */
  readonly complete: boolean;
}

export function versionsOf(loading: Loading, tree: Tree | undefined): Versions {
  const entries = tree?.kind === 'map' ? tree.entries : [];
  const names = new Set(entries.map(({ key }) => key));
  const written = new Map(entries.map((entry) => [entry.key, readVersion(loading, entry, names)]));
  const versions = [...written.values()].map((version) => resolveVersion(loading, written, version));
  const domains = [...written.values()].flatMap((version) => {
    const name = version.entry.key;
    const { entries: own } = version.domains;
    // Only asked where it is needed: a long line of versions has a great many pairs.
    if (own.length === 0) return [];
    const heirs = versions.filter(
      (each) => each.name === name || ancestors(written, each.name).some(({ entry }) => entry.key === name),
    );
    return [{ version: name, entries: own, used: paramsOf(heirs) }];
  });
  const complete = [...written.values()].every(({ requests }) => ![...requests.values()].includes(null));
  return { versions, domains, complete };
}

/** Every parameter of these versions' requests. */
export function paramsOf(versions: readonly Version[]): ReadonlySet<string> {
  return new Set(versions.flatMap(({ requests }) => [...requests.values()].flatMap(({ params }) => params)));
}
