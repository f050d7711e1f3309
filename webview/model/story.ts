/**
 * The story of a history that shows something: a headline that says what was lost, by whom and at which step, and the few
 * events that led there, numbered. Nothing is claimed that the recording does not show.
 */
import type { Moment } from '../../simulator/player/model.ts';
import { answerWords } from './acts.ts';
import { breakText, calloutsOf, wroteAt, type Callout, type Plot } from './callouts.ts';
import { dataOf, placesOf, relatedTables, type Datum } from './places.ts';
import { subjectAt } from './question.ts';
import type { Subject, Told } from './rows.ts';
import { behindWords, copier } from './stream-words.ts';
import { behindAt, deliveryError, deliveryOf } from './streams.ts';
import { datumOf, threadOf, type Thread } from './thread.ts';
import { callWords, errorOf, isError, shortAnswers } from './values.ts';
import { capital, count } from './words.ts';

/** `lost`: a read differs. `error`: a request fails. `answer`: a write differs. `stopped`: the plan does. `stream`: one is
 * stuck, or goes round. `plan`: said of a step. */
export type StoryKind = 'lost' | 'error' | 'answer' | 'stopped' | 'stream' | 'plan';

export interface Story {
  readonly kind: StoryKind;
  readonly rule: string;
  /** The moment that shows it. */
  readonly end: number;
  /** The request that was tried there and shows it; null: the moment itself does. */
  readonly probe: number | null;
  readonly headline: string;
  readonly subject: Subject | null;
  readonly datum: Datum | null;
  readonly thread: Thread | null;
  readonly callouts: readonly Callout[];
  /** Said where the thread breaks. */
  readonly breakText: string | null;
}

const known = new WeakMap<Told['history'], Story | null>();

/** The story of a history; null where it shows nothing. */
export function storyOf(told: Told): Story | null {
  const before = known.get(told.history);
  if (before !== undefined) return before;
  const story = tell(told);
  known.set(told.history, story);
  return story;
}

/** What a history shows, in a line. */
export function headlineOf(told: Told): string {
  const story = storyOf(told);
  if (story !== null) return story.headline;
  const { history } = told;
  const events = count(history.moments.length - 1, 'event');
  if (history.from !== null) return `${capital(history.title)}: ${events}, and nothing that was played goes wrong.`;
  return `The plan’s own course: ${events}, and nothing that was played goes wrong.`;
}

function tell(told: Told): Story | null {
  const place = placeOfStory(told);
  if (place === null) return null;
  const { end, probe, moment } = place;
  const kind = kindOf(told, moment, end);
  const subject = kind === 'plan' ? null : subjectAt(told, end, moment);
  const thread = kind === 'lost' && subject !== null ? threadOf(told, end, subject, moment) : null;
  const extra = thread?.reads.map((r) => r.table) ?? [];
  const data = subject === null ? [] : dataOf(told, subject, relatedTables(told, subject, extra));
  const datum = thread === null ? null : datumOf(data, thread);
  const isTried = probe !== null;
  const plot: Plot = { kind, end, shower: moment, isTried, subject, thread, places: placesOf(data) };
  return {
    kind,
    rule: moment.shown?.rule ?? '',
    end,
    probe,
    headline: storyHeadline(told, moment, plot),
    subject,
    datum,
    thread,
    callouts: calloutsOf(told, plot),
    breakText: breakText(plot),
  };
}

/**
 * What shows something: the last moment that does, else the first request that was tried and does, a read before a write.
 * Nobody has to ask for a write to be lost.
 */
function placeOfStory(
  told: Told,
): { readonly end: number; readonly probe: number | null; readonly moment: Moment } | null {
  const { moments } = told.history;
  const end = moments.findLastIndex((moment) => moment.shown !== null);
  const last = moments[end];
  if (last !== undefined) return { end, probe: null, moment: last };
  for (const [at, { probes }] of moments.entries()) {
    const read = probes.findIndex((each) => each.shown !== null && isReadRequest(told, each));
    const probe = read >= 0 ? read : probes.findIndex(({ shown }) => shown !== null);
    const moment = probes[probe];
    if (moment !== undefined) return { end: at, probe, moment };
  }
  return null;
}

export function isReadRequest({ recording }: Told, { event }: Moment): boolean {
  const version = recording.versions.find((v) => v.name === event?.version);
  return version?.requests.find((r) => r.name === event?.request)?.kind === 'read';
}

function kindOf(told: Told, moment: Moment, end: number): StoryKind {
  const { event, expected, actual } = moment;
  if (event?.kind === 'request') {
    if (isError(actual) && !isError(expected)) return 'error';
    return isReadRequest(told, moment) && moment.shown?.rule !== 'unreadable-answer' ? 'lost' : 'answer';
  }
  if (event?.kind === 'deliver') return 'stream';
  const stops = event !== null && (isError(event.result) || event.result.endsWith('does not hold'));
  return stops && end > 0 ? 'stopped' : 'plan';
}

const titles: Readonly<Record<string, string>> = {
  'lost-write': 'Lost write',
  'backfill-overwrites': 'Write overwritten by the backfill',
  'resurrected-row': 'Deleted row comes back',
  'rollback-loses-writes': 'Write lost on the way back',
  'stale-read': 'Stale read',
  'stream-fails': 'Stuck stream',
  'stream-echo': 'Echo',
  'request-fails': 'Failing request',
  'cached-plan': 'Failing request',
  'rollback-breaks-requests': 'Request fails after the way back',
  'request-accepted': 'Request accepted',
  'wrong-answer': 'Wrong answer',
  'unreadable-answer': 'Unreadable answer',
  'migrate-fails': 'Migration fails',
  'rollback-fails': 'Way back fails',
  'verify-stops': 'The check stops the plan',
};

function titleOf(rule: string): string {
  return titles[rule] ?? capital(rule.replaceAll('-', ' '));
}

/** Where the reader reads: after the step that was rolled back, else at the step of the finding. */
function placeOfReader({ history, recording }: Told, end: number): string {
  const back = history.moments.findLast((m, i) => i <= end && m.event?.kind === 'rollback');
  if (back?.event != null) return `after “${back.event.step ?? 'the start'}” is rolled back`;
  const step = history.moments[end]?.step?.name ?? recording.finding?.step ?? null;
  return step === null ? 'before the first step' : `at “${step}”`;
}

/** `during “dual write”`, `after “backfill”`. */
function whenOf(moment: Moment | undefined): string {
  if (moment?.step == null) return 'before the first step';
  return `${moment.phase === 'done' ? 'after' : 'during'} “${moment.step.name}”`;
}

function storyHeadline(told: Told, moment: Moment, plot: Plot): string {
  const { event, shown, expected, actual } = moment;
  const title = titleOf(shown?.rule ?? '');
  const where = placeOfReader(told, plot.end);
  const call = event === null ? '' : `${event.version ?? '?'}’s ${callWords(event)}`;
  switch (plot.kind) {
    case 'lost':
      return lostHeadline(told, moment, plot, title, where);
    case 'error':
      return `${title}: ${call} ${where}${copyWords(told, plot)}: ${errorOf(actual ?? '')?.message ?? actual ?? ''}.`;
    case 'answer': {
      if (shown?.rule === 'unreadable-answer')
        return `${title}: ${call} ${where} reads ${actual ?? ''}, but its code takes ${expected ?? ''}.`;
      return `${title}: ${call} ${where} ${answerWords(actual ?? '')}; without the migration it ${answerWords(expected ?? '')}.`;
    }
    case 'stopped': {
      const why = errorOf(event?.result ?? '')?.message ?? event?.result ?? '';
      return `${title}: “${event?.step ?? ''}” stops: ${why}.`;
    }
    case 'stream':
      return streamHeadline(told, plot.end, title);
    case 'plan':
      return `${capital(shown?.message ?? '')}.`;
  }
}

/** `, on the replica, which is 2 commits behind`. */
function copyWords(told: Told, plot: Plot): string {
  const behind = behindAt(told, plot.shower);
  return behind === null ? '' : `, on the replica, which is ${behindWords(behind)}`;
}

function streamHeadline(told: Told, end: number, title: string): string {
  const moment = told.history.moments[end];
  const error = deliveryError(moment);
  const where = placeOfReader(told, end);
  const again = deliveryOf(moment)?.isAgain === true ? ' again' : '';
  if (error !== null)
    return `${title}: what ${copier(moment)} delivers${again} ${where} fails, and it is stuck: ${error}.`;
  return `${title} ${where}: ${moment?.shown?.message.replaceAll('"', '') ?? 'the streams never come to an end'}.`;
}

function lostHeadline(
  told: Told,
  { event, expected, actual }: Moment,
  plot: Plot,
  title: string,
  where: string,
): string {
  const { thread, subject, end } = plot;
  const short = shortAnswers(expected ?? '', actual ?? '');
  const behind = behindAt(told, plot.shower);
  const copy = behind === null ? '' : ` from the replica, which is ${behindWords(behind)},`;
  const reader = `${event?.version ?? '?'} ${plot.isTried ? 'would read' : 'reads'} ${short.actual}${copy} ${where}`;
  if (thread?.writer == null || subject === null) {
    // What no request wrote was not lost by a write.
    const name = title !== 'Lost write' ? title : thread?.isFromStart === true ? 'Lost value' : 'Wrong value';
    const since = thread?.isFromStart === true && behind === null ? ', which was there from the start' : '';
    return `${name}: ${reader}, should be ${short.expected}${since}.`;
  }
  const { moments } = told.history;
  const wrote = moments[wroteAt(told, plot, thread.writer, subject)];
  const begun = moments[thread.writer[0] ?? end];
  const when = whenOf(wrote);
  const since = whenOf(begun) === when ? '' : `, begun ${whenOf(begun)}`;
  const who = `${wrote?.event?.version ?? '?'}’s ${wrote?.event == null ? '' : callWords(wrote.event)}`;
  return `${title}: ${who} ${when}${since}. ${reader}, should be ${short.expected}.`;
}

/** The request or the step that shows what a story is about. */
export function showerOf({ history }: Told, { end, probe }: Pick<Story, 'end' | 'probe'>): Moment | null {
  const moment = history.moments[end];
  return (probe === null ? moment : moment?.probes[probe]) ?? null;
}
