/** What can stand at a cursor. */
import type { Completion } from '../protocol.ts';
import type { Analysis } from './analysis.ts';
import { completeKeys, type KeySpot } from './complete-keys.ts';
import { completeSql } from './complete-sql.ts';
import { liveOf, requestsOf } from './names.ts';
import { placeAt, type ItemPlace, type KeyPlace, type ValuePlace } from './place.ts';
import { ruleIds, ruleText } from './rule-text.ts';
import { valuesAt } from './schema.ts';
import { escaped } from './snippets.ts';
import { sqlPlace } from './sql-place.ts';
import { treeAt } from './tree.ts';

/** `trigger` is the character that asked, or null if a person, or a letter, did. */
export function complete(analysis: Analysis, offset: number, trigger: string | null): readonly Completion[] {
  const place = placeAt(analysis.text, analysis.root, offset);
  switch (place?.kind) {
    case undefined:
      return [];
    case 'key':
      // A space or a point is part of no key.
      return trigger === null ? keys(analysis, place) : [];
    case 'item':
      return trigger === null ? items(analysis, place) : [];
    case 'value':
      return values(analysis, place, offset, trigger);
  }
}

function keys(analysis: Analysis, { path, map, span, column, entry }: KeyPlace): readonly Completion[] {
  const hasColon = /^[ \t]*:/.test(analysis.text.slice(span.end));
  return completeKeys(analysis, { path, map, span, column, current: entry?.key ?? null, hasColon });
}

/** An item of a list begins with its dash; or one more key of the item before, which is indented further. */
function items(analysis: Analysis, { path, span, column }: ItemPlace): readonly Completion[] {
  const inner = { span, column: column + 2, current: null, hasColon: false };
  const begun = completeKeys(analysis, { ...inner, path: [...path, 0], map: null });
  const steps = begun.filter(({ kind }) => kind === 'step');
  const fresh = (steps.length > 0 ? steps : begun).map((each) => ({ ...each, snippet: `- ${each.snippet}` }));
  const list = treeAt(analysis.root, path);
  const before = list?.kind === 'seq' ? list.items.findLastIndex(({ at }) => at < span.start) : -1;
  const map = list?.kind === 'seq' ? list.items[before]?.value : undefined;
  if (map?.kind !== 'map') return fresh;
  const more = completeKeys(analysis, { ...inner, path: [...path, before], map }).filter(({ kind }) => kind !== 'step');
  return [...fresh, ...more.map((each) => ({ ...each, snippet: `  ${each.snippet}`, sort: `3${each.sort}` }))];
}

function values(analysis: Analysis, place: ValuePlace, offset: number, trigger: string | null): readonly Completion[] {
  const { path, scalar, column, opensMap } = place;
  const span = { start: place.span.start, end: Math.max(place.span.start, place.scalar?.span.end ?? place.span.end) };
  // What replaces it must be of one line.
  const replace = analysis.text.slice(span.start, span.end).includes('\n') ? { start: offset, end: offset } : span;
  const sql = sqlPlace(path);
  const inSql = sql === null ? [] : completeSql(analysis, sql, path, scalar, offset, trigger);
  // Behind a dash an item is wanted; nobody wants a list with every space of an indentation.
  const asked = trigger === null || (trigger === ' ' && typeof path.at(-1) === 'number');
  const asMap = opensMap && column !== null && asked;
  const spot: KeySpot = { path, map: null, span: replace, column, current: null, hasColon: false };
  return [
    ...(trigger === ':' || trigger === '.' ? [] : plainValues(analysis, place, replace)),
    ...(asMap ? completeKeys(analysis, spot) : []),
    ...inSql,
  ];
}

type Replace = Completion['replace'];

function plainValues(analysis: Analysis, { path, span }: ValuePlace, replace: Replace): readonly Completion[] {
  const key = path.at(-1);
  const inVersion = path[0] === 'versions' && path.length === 3;
  if (key === 'extends' && inVersion) return versions(analysis, replace, path[1] as string);
  if (key === 'deploy' && path[0] === 'steps') return versions(analysis, replace, null);
  if (key === 'rule' && path.includes('allow')) return ruleValues(replace);
  if (key === 'by' && path[0] === 'steps') return keyColumns(analysis, replace);
  const isWord = /^\w*$/.test(analysis.text.slice(span.start, span.end));
  const none = key === 'rollback' && path.length === 3 && isWord ? [noWayBack(replace)] : [];
  // Names of one's own take any text.
  if (path[0] === 'versions' && path.length < 4) return none;
  return [...none, ...valuesAt(path).values.map((value, index) => valueItem(value, replace, index))];
}

function valueItem(label: string, replace: Replace, index: number, more: Partial<Completion> = {}): Completion {
  const sort = `0${String(index).padStart(2, '0')}`;
  return {
    label,
    kind: 'value',
    detail: '',
    documentation: '',
    snippet: escaped(label),
    replace,
    sort,
    goesOn: false,
    ...more,
  };
}

function noWayBack(replace: Replace): Completion {
  return valueItem('none', replace, 0, { documentation: 'Says on purpose that there is no way back.' });
}

/** Those that no step deploys yet come first: the next deploy is most likely one of them. */
function versions({ names }: Analysis, replace: Replace, except: string | null): readonly Completion[] {
  const deployed = new Set(names.steps.map(({ deploy }) => deploy?.name));
  const known = names.versions.filter(({ name }) => name !== except);
  return known.map(({ name }, index) => {
    const isNext = except === null && index > 0 && !deployed.has(name);
    return valueItem(name, replace, index + (isNext ? 0 : 50), {
      kind: 'version',
      detail: requestsOf(names, name)
        .map((request) => request.name)
        .join(', '),
      documentation: liveOf(names, name),
    });
  });
}

function ruleValues(replace: Replace): readonly Completion[] {
  return ruleIds().map((id, index) =>
    valueItem(id, replace, index, { kind: 'rule', documentation: ruleText(id) ?? '' }),
  );
}

function keyColumns({ tables }: Analysis, replace: Replace): readonly Completion[] {
  return tables
    .flatMap(({ name, columns }) => columns.map((column) => ({ label: `${name}.${column.name}`, detail: column.type })))
    .map(({ label, detail }, index) => valueItem(label, replace, index, { kind: 'column', detail }));
}
