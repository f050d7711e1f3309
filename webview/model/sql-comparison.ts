/** What two versions run for one request: which versions to compare, the texts, and in words what differs. */
import type { Moment, PlayedRequest, PlayedVersion, Recording } from '../../simulator/player/model.ts';
import type { Finding } from '../../simulator/report/model.ts';
import { listed } from './words.ts';

export interface Comparison {
  readonly request: string;
  readonly before: string;
  readonly after: string;
}

/** Every request that a version has, in the order in which they first appear. */
export function requestNames({ versions }: Pick<Recording, 'versions'>): readonly string[] {
  return [...new Set(versions.flatMap(({ requests }) => requests.map(({ name }) => name)))];
}

export function requestOf(versions: readonly PlayedVersion[], version: string, request: string): PlayedRequest | null {
  return versions.find(({ name }) => name === version)?.requests.find(({ name }) => name === request) ?? null;
}

/**
 * What is chosen where nobody has chosen: the request at hand, as the first version runs it and as the version at hand does;
 * where these two run the same, as the next version that runs something else.
 */
export function proposed(
  recording: Pick<Recording, 'versions' | 'finding'>,
  moment: Moment | null,
  chosen: string | null,
): Comparison | null {
  const { versions, finding } = recording;
  const names = requestNames(recording);
  const known = [chosen, moment?.event?.request, finding?.request].filter((name) => name != null);
  const request = known.find((name) => names.includes(name)) ?? names[0];
  const [first] = versions;
  if (first === undefined || request === undefined) return null;
  const at = versionsAtHand(versions, finding, moment, request).find((name) => name !== first.name);
  const index = versions.findIndex(({ name }) => name === at);
  const text = (version: string): string => textOf(requestOf(versions, version, request), version);
  const rest = [...versions.slice(Math.max(0, index)), ...versions];
  const other = rest.find(({ name }) => text(name) !== text(first.name));
  return { request, before: first.name, after: other?.name ?? at ?? first.name };
}

/** The best first: who ran it at the playhead, who the finding names, the newest that is live, the newest. */
function versionsAtHand(
  versions: readonly PlayedVersion[],
  finding: Finding | null,
  moment: Moment | null,
  request: string,
): readonly string[] {
  const names = [
    moment?.event?.request === request ? moment.event.version : null,
    finding?.request === request ? finding.version : null,
    versions.findLast(({ name }) => moment?.live.includes(name) ?? false)?.name,
    versions.at(-1)?.name,
  ];
  return names.filter((name) => name != null);
}

/** As it is written, a statement a line or more, each with its semicolon. */
export function textOf(request: PlayedRequest | null, version: string): string {
  if (request === null) return `-- ${version} does not have this request`;
  const statements = request.sql.map((sql) => `${sql.trim()};`);
  const note = request.transaction || statements.length < 2 ? [] : ['-- each statement commits by itself'];
  return [...note, ...statements].join('\n');
}

/** Words, quoted texts, numbers, parameters; each sign by itself. */
function wordsOf(sql: string): readonly string[] {
  return sql.match(/'(?:[^']|'')*'|"[^"]*"|:?[A-Za-z_][\w$]*|\d+(?:\.\d+)?|[^\s\w]/g) ?? [];
}

/** Words of `sql` that `other` has fewer of, each once. */
function onlyIn(sql: string, other: string): readonly string[] {
  const left = new Map<string, number>();
  for (const word of wordsOf(other)) left.set(word, (left.get(word) ?? 0) + 1);
  const only = new Set<string>();
  for (const word of wordsOf(sql)) {
    const rest = left.get(word) ?? 0;
    if (rest > 0) left.set(word, rest - 1);
    else if (/\w/.test(word)) only.add(word);
  }
  return [...only];
}

/** `Only v1 has email; only v3 has email_address.` */
export function differenceText(before: string, after: string, [old, fresh]: readonly [string, string]): string {
  if (before === after) return `${before} is compared with itself.`;
  if (old === fresh) return `${before} and ${after} run the same.`;
  const [gone, come] = [onlyIn(old, fresh), onlyIn(fresh, old)];
  const parts = [
    ...(gone.length > 0 ? [`only ${before} has ${listed(gone)}`] : []),
    ...(come.length > 0 ? [`only ${after} has ${listed(come)}`] : []),
  ];
  if (parts.length === 0) return `${before} and ${after} have the same words in another order.`;
  const text = parts.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
