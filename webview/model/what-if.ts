/** What if: what can be played at a moment, what is known of it already, and what came of a fork, in words. */
import type { ForkCommand, History, Moment, PlayedRequest, PlayedVersion } from '../../simulator/player/model.ts';

export type Values = Readonly<Record<string, string | null>>;

/** A request somebody may want to play: what is chosen, completed by what there is. */
export interface Wish {
  readonly version: string;
  readonly request: PlayedRequest;
  readonly values: Values;
}

export interface Choice {
  readonly version: string | null;
  readonly request: string | null;
  readonly values: Values;
}

export const noChoice: Choice = { version: null, request: null, values: {} };

/** The versions that are live, with their requests. */
export function liveVersions(versions: readonly PlayedVersion[], moment: Moment): readonly PlayedVersion[] {
  return moment.live.flatMap((name) => versions.find((version) => version.name === name) ?? []);
}

/** Null: nobody is live, or who is has no requests. What was chosen elsewhere and does not exist here is made up for. */
export function wishOf(versions: readonly PlayedVersion[], moment: Moment, choice: Choice): Wish | null {
  const live = liveVersions(versions, moment);
  const version =
    live.find(({ name }) => name === choice.version) ??
    live.find(({ name }) => name === moment.event?.version) ??
    live[0];
  if (version === undefined) return null;
  const { requests } = version;
  const request =
    requests.find(({ name }) => name === choice.request) ??
    requests.find(({ name }) => name === moment.event?.request) ??
    requests.find(({ kind }) => kind === 'write') ??
    requests[0];
  if (request === undefined) return null;
  const values = request.params.map(({ name, values }) => {
    const chosen = choice.values[name];
    const played = moment.event?.params[name];
    return [name, chosen !== undefined ? chosen : played !== undefined ? played : (values[0] ?? null)] as const;
  });
  return { version: version.name, request, values: Object.fromEntries(values) };
}

/** Where the same was tried at this moment already. */
export function probeOf(moment: Moment, { version, request, values }: Wish): number | null {
  const names = Object.keys(values);
  const found = moment.probes.findIndex(({ event }) => {
    if (event === null || event.version !== version || event.request !== request.name) return false;
    return names.length === Object.keys(event.params).length && names.every((n) => event.params[n] === values[n]);
  });
  return found < 0 ? null : found;
}

export function callText(version: string, request: string, values: Values): string {
  const given = Object.entries(values).map(([name, value]) => `${name}: ${valueText(value)}`);
  return `${version} ${request}(${given.join(', ')})`;
}

/** Numbers as they are, as traces have them. */
export function valueText(value: string | null): string {
  if (value === null) return 'NULL';
  return /^-?\d+(?:\.\d+)?$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

export function commandText(command: ForkCommand): string {
  switch (command.kind) {
    case 'request':
      return callText(command.version, command.request, command.params);
    case 'rollback':
      return 'roll back';
    case 'straggler':
      return `${command.version} lives on`;
    case 'sql':
      return command.sql.trim().replaceAll(/\s+/g, ' ');
  }
}

/** An answer that is not the reference's. */
export interface Wrong {
  readonly moment: number;
  readonly probe: number | null;
  readonly what: string;
  readonly step: string;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly message: string | null;
}

/** What came of a fork. */
export interface Outcome {
  readonly command: ForkCommand;
  /** The first moment that is not of the history it was forked from. */
  readonly first: number;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly differs: boolean;
  /** The first answer after it that is not the reference's; null: none is. */
  readonly wrong: Wrong | null;
  /** Where the history ends. */
  readonly end: string;
}

const isWrong = ({ shown, expected, actual }: Moment): boolean =>
  shown !== null || (expected !== null && actual !== null && expected !== actual);

function wrongAt(at: Moment, moment: number, probe: number | null): Wrong {
  const { title, expected, actual, shown, step } = at;
  return {
    moment,
    probe,
    what: title,
    step: step?.name ?? 'the start',
    expected: shown?.expected ?? expected,
    actual: shown?.actual ?? actual,
    message: shown?.message ?? null,
  };
}

/** The first at a moment from `first` on: what happens there, or what was tried there. */
export function firstWrong({ moments }: History, first: number): Wrong | null {
  for (const [i, moment] of moments.entries()) {
    if (i < first) continue;
    if (isWrong(moment)) return wrongAt(moment, i, null);
    const probe = moment.probes.findIndex(isWrong);
    const tried = moment.probes[probe];
    if (tried !== undefined) return wrongAt(tried, i, probe);
  }
  return null;
}

export function outcomeOf(history: History): Outcome | null {
  const { from, command, moments } = history;
  if (from === null || command === null) return null;
  const first = from.moment + 1;
  // A request may commit more than once: its answer comes with the last.
  let last = first;
  const isOfCommand = (moment: Moment | undefined): boolean =>
    command.kind === 'request' &&
    moment?.event?.kind === 'request' &&
    moment.event.version === command.version &&
    moment.event.request === command.request;
  while (isOfCommand(moments[last + 1])) last += 1;
  const played = command.kind === 'request' ? moments[last] : undefined;
  return {
    command,
    first,
    expected: played?.expected ?? null,
    actual: played?.actual ?? null,
    differs: played !== undefined && isWrong(played),
    wrong: firstWrong(history, first),
    end: moments.at(-1)?.title ?? '',
  };
}

export function answerText({ expected, actual, differs }: Pick<Outcome, 'expected' | 'actual' | 'differs'>): string {
  if (actual === null) return '';
  return differs
    ? `It answered ${actual}; the app without the migration answers ${expected ?? 'otherwise'}: they differ.`
    : `It answered ${actual}, as the app without the migration does.`;
}

export function wrongText(wrong: Wrong | null, end: string): string {
  if (wrong === null) return `From here to the end (${end}), every answer that was tried is right.`;
  if (wrong.message !== null) return `At ${wrong.step}: ${wrong.message}.`;
  return `At ${wrong.step}, ${wrong.what} answers ${wrong.actual ?? 'otherwise'} where ${wrong.expected ?? 'another'} is expected.`;
}

export function outcomeText(outcome: Outcome): string {
  const { command, wrong, end, differs, first } = outcome;
  const played = `Played: ${commandText(command)}.`;
  // What was just said of the request itself is not said twice.
  const isSame = differs && wrong?.moment === first && wrong.probe === null;
  return [played, answerText(outcome), isSame ? '' : wrongText(wrong, end)].filter((part) => part !== '').join(' ');
}
