/**
 * The value sweep: histories of a single write over a wide domain, to find conversions that lose
 * something: empty text, quotes, NULL, fractions, the largest of each type.
 */
import type { Value, Version } from '../plan/model.ts';
import type { Search, SearchInput } from './search.ts';
import { wideValues, type ParamDomain } from './domain.ts';
import type { Offer } from './programs.ts';
import type { Node } from './state.ts';

/** Sends each wide value once through each different SQL of each write on each schema, and follows the plan from there. */
export async function sweep(
  search: Search,
  input: SearchInput,
  domains: ReadonlyMap<string, ReadonlyMap<string, ParamDomain>>,
): Promise<void> {
  const writes: { node: Node; version: string; offer: Offer }[] = [];
  const done = new Set<string>();
  for (const position of input.positions) {
    if (position.phase === 'rolling-back') continue;
    const node = search.nodes.find(
      (n) =>
        n.position === position.id &&
        n.writes === 0 &&
        !n.rolledBack &&
        !n.damaged &&
        n.flights.length === 0 &&
        search.isCaughtUp(n),
    );
    if (node === undefined) continue;
    for (const name of position.live) {
      const version = input.programs.version(name);
      for (const offer of wideOffers(version, domains.get.bind(domains), input.programs)) {
        // A later schema may refuse what an earlier one took. Not so NULL: that a column comes to need a value is
        // what such a migration is for, and whether the app ever sends none the column alone can't tell.
        const where = [...offer.action.params.values()].includes(null) ? '' : node.schema;
        const key = `${where}|${offer.request.definedIn}|${offer.request.name}|${offer.action.id}`;
        if (done.has(key)) continue;
        done.add(key);
        writes.push({ node, version: name, offer });
      }
    }
  }
  await search.follow(await search.writeAll(writes));
}

function wideOffers(
  version: Version,
  domainOf: (request: string) => ReadonlyMap<string, ParamDomain> | undefined,
  programs: SearchInput['programs'],
): readonly Offer[] {
  const offers: Offer[] = [];
  for (const request of version.requests.values()) {
    const domain = domainOf(request.name);
    const first = programs.offer(request, new Map());
    if (domain === undefined || first.read || first.stepwise) continue;
    const wide = new Map(request.params.map((p) => [p, sweepable(version, p, domain.get(p))] as const));
    const longest = Math.max(0, ...[...wide.values()].map((v) => v.length));
    const keys = request.params.filter((p) => domain.get(p)?.key === true);
    for (let i = 0; i < longest; i += 1) {
      for (const which of keys.length > 0 ? (['first', 'last'] as const) : (['first'] as const)) {
        const params = new Map(
          request.params.map((p): [string, Value] => {
            const values = wide.get(p) ?? [];
            const known = programs.values(version, request.name, p);
            if (values.length > 0) return [p, values[i % values.length] ?? null];
            return [p, (which === 'first' ? known[0] : known[known.length - 1]) ?? null];
          }),
        );
        offers.push(programs.offer(request, params, false));
      }
    }
  }
  return offers;
}

/** What the plan states, and what meets a key, is left as it is. */
function sweepable(version: Version, param: string, domain: ParamDomain | undefined): readonly Value[] {
  if (domain === undefined || domain.stated || domain.key || version.params.has(param)) return [];
  return wideValues(domain);
}
