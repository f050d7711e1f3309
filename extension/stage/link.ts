/**
 * Links to a history: the plan in the workspace, the finding, the forks, and where to stand. A link is somebody else's text:
 * what is not exactly as it should be is no link. Knows no editor, so that it can be tested alone.
 */
import type { Told, ToldFork } from './told.ts';
import { isName, isPlain, readForks } from './told-reader.ts';

export interface StageLink {
  /** Relative to a folder of the workspace, with `/`. */
  readonly plan: string;
  readonly told: Told;
}

/** Longer than any link that is of use. */
const most = { query: 32_000, path: 1000 } as const;
const keys: readonly string[] = ['plan', 'finding', 'forks', 'at'];

/** The query of the link's URI. */
export function encodeLink({ plan, told: { finding, forks, at } }: StageLink): string {
  const query = new URLSearchParams({ plan });
  if (finding !== null) query.set('finding', finding);
  if (forks.length > 0) query.set('forks', JSON.stringify(forks));
  query.set('at', [at.history, at.moment, ...(at.probe === null ? [] : [at.probe])].join('.'));
  return query.toString();
}

/** Null when it is no link. */
export function decodeLink(query: string): StageLink | null {
  if (query.length > most.query) return null;
  const all = [...new URLSearchParams(query)];
  const given = new Map(all);
  if (given.size !== all.length || all.some(([key]) => !keys.includes(key))) return null;
  const [plan, finding] = [given.get('plan'), given.get('finding') ?? null];
  const forks = parseForks(given.get('forks'));
  const at = readPlace(given.get('at') ?? `${forks?.length ?? 0}.0`);
  if (plan === undefined || !isPlanPath(plan) || forks === null || at === null) return null;
  if (finding !== null && !isName(finding)) return null;
  return at.history === forks.length ? { plan, told: { finding, forks, at } } : null;
}

/** Inside of a folder, whatever is tried. */
function isPlanPath(path: string): boolean {
  if (path.length > most.path || !isPlain(path) || path.includes('\\') || path.includes(':')) return false;
  const parts = path.split('/');
  return parts.every((part) => part !== '' && part !== '.' && part !== '..') && /\.cutover\.ya?ml$/.test(path);
}

/** `1.4`, or `1.4.0` in a request that is tried there. */
function readPlace(text: string): Told['at'] | null {
  const [, ...numbers] = /^(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  const [history, moment, probe] = numbers.map((each) => (each === undefined ? null : Number(each)));
  return history == null || moment == null ? null : { history, moment, probe: probe ?? null };
}

function parseForks(text: string | undefined): readonly ToldFork[] | null {
  if (text === undefined) return [];
  try {
    return readForks(JSON.parse(text));
  } catch {
    return null;
  }
}
