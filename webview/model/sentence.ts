/** What happens at a moment, in a sentence or two: the same for the eye, for a screen reader and for an export. */
import type { Difference, Moment } from '../../simulator/player/model.ts';
import type { Playhead } from '../protocol.ts';
import { actor, changeWords, naming, rowWords, stepText } from './acts.ts';
import { changesAt, jobRuns, rowsChangedAt } from './changes.ts';
import { tableOf, viewAt, type Told } from './rows.ts';
import { isReadRequest, storyOf } from './story.ts';
import { behindWords, catchUpWords, originWords, waitingWords } from './stream-words.ts';
import { behindAt, carriedFrom, deliveryError, deliveryOf, isCatchUp, readsReplica } from './streams.ts';
import { callWords, clip, errorOf, isError, quoted, statementOf, visible } from './values.ts';
import { capital, count, listed } from './words.ts';

export type { Told };

/** The sentence of a moment, or of a request that is tried there. */
export function sentenceAt(told: Told, { moment: at, probe }: Playhead): string {
  const moment = told.history.moments[at];
  if (moment === undefined) return '';
  const tried = probe === null ? undefined : moment.probes[probe];
  return tried === undefined ? momentSentence(told, moment, at) : probeSentence(told, tried);
}

/** `If v3 ran get_user(id 1) here, it would read (1, 'a'); without the migration it would read (1, 'b').` */
function probeSentence(told: Told, moment: Moment): string {
  const { event, expected, actual, shown } = moment;
  if (event === null) return '';
  const here = `If ${event.version ?? '?'} ran ${callWords(event)} here${onReplica(told, moment)}, it would ${would(actual ?? event.result)}`;
  if (expected === null) return `${here}.`;
  if (shown !== null) return `${here}; without the migration it would ${would(expected)}.`;
  return expected === actual ? `${here}, as it would without the migration.` : `${here}.`;
}

/** `, on the replica, which is 1 commit behind`. */
function onReplica(told: Told, moment: Moment): string {
  if (!readsReplica(told, moment)) return '';
  const behind = behindAt(told, moment);
  return behind === null ? ' on the replica' : ` on the replica, which is ${behindWords(behind)}`;
}

function would(answer: string): string {
  const error = errorOf(answer);
  if (error !== null) return `fail: ${error.message}`;
  if (answer === 'accepted, rows touched') return 'be accepted and touch a row';
  if (answer === 'accepted, no row touched') return 'be accepted and touch no row';
  return `read ${clip(answer, 120)}`;
}

function momentSentence(told: Told, moment: Moment, at: number): string {
  const { event } = moment;
  if (event === null) return `Before the first step: ${answering(moment)}.`;
  const first = eventSentence(told, moment, at);
  const isRead = event.kind === 'request' && isReadRequest(told, moment);
  return isRead || isError(moment.actual) ? first : [first, differenceSentence(told, at)].filter(Boolean).join(' ');
}

/** `v1 answers`, `v1 and v2 both answer`. */
function answering({ live }: Moment): string {
  if (live.length === 0) return 'the app is stopped';
  return live.length === 1 ? `${live[0] ?? ''} answers` : `${listed(live)} both answer`;
}

function eventSentence(told: Told, moment: Moment, at: number): string {
  const { event } = moment;
  switch (event?.kind) {
    case 'request':
      return requestSentence(told, moment, at);
    case 'batch':
      return batchSentence(told, moment, at);
    case 'crash':
      return event.request === null
        ? `“${event.step ?? 'The backfill'}” is killed and begun again.`
        : `${event.version ?? '?'} dies before the rest of ${event.request} runs: what it has committed stays.`;
    case 'deliver':
      return isCatchUp(moment) ? `The replica ${catchUpWords(moment)}.` : deliverySentence(told, moment, at);
    case 'rollback':
      return isError(event.result)
        ? `The way back of “${event.step ?? ''}” fails: ${errorOf(event.result)?.message ?? ''}.`
        : `“${event.step ?? ''}” is rolled back: ${answering(moment)}${touching(told, at)}.`;
    case 'step':
      return stepSentence(told, moment, at);
    case undefined:
      return '';
  }
}

/** The stream, whose change it delivers, what it runs, and what that changes. */
function deliverySentence(told: Told, moment: Moment, at: number): string {
  const { event } = moment;
  const delivery = deliveryOf(moment);
  if (delivery === null || event === null) return `A stream delivers a change: ${event?.result ?? ''}.`;
  const origin = originWords(told, at);
  const what = origin === '' ? 'a change' : `the change of ${origin}`;
  const sql = clip(visible(event.sql.replace(/\s+/g, ' ').trim()), 160);
  const first = `Stream ${delivery.stream} delivers ${what}${delivery.isAgain ? ', once more' : ''}. It runs ${sql}`;
  const error = deliveryError(moment);
  if (error !== null) return `${first}: it fails, ${error}, and the stream is stuck.`;
  const waits = waitingWords(told, delivery.stream, at);
  const left = waits === '' ? '' : ` ${capital(waits)}.`;
  return `${first}${touching(told, at) || ', and changes nothing'}.${left}`;
}

/** Where the change that a request commits is still to be delivered. */
function pendingWords(told: Told, at: number): string {
  const streams = new Set(carriedFrom(told, [at]).map((c) => c.stream));
  return streams.size === 0 ? '' : ` It waits in ${streams.size === 1 ? 'stream' : 'streams'} ${listed([...streams])}.`;
}

function requestSentence(told: Told, moment: Moment, at: number): string {
  const { event, expected, actual, shown } = moment;
  if (event === null) return '';
  const part = statementOf(event.result);
  const which = part === null ? '' : `, statement ${part.number} of ${part.of}`;
  const who = `${actor(moment)} runs ${callWords(event)}${which}${onReplica(told, moment)}`;
  const error = errorOf(actual ?? event.result);
  const should = expected === null ? '' : ` Without the migration it ${does(expected)}.`;
  if (error !== null)
    return `${who}: it ${shown === null ? 'is refused' : 'fails'}, ${error.message}.${shown === null ? '' : should}`;
  if (isReadRequest(told, moment)) {
    if (part !== null && part.number < part.of) return `${who}.`;
    const reads = `${who}${behindAt(told, moment) === null ? '' : ','} and reads ${clip(actual ?? event.result, 120)}`;
    if (shown === null)
      return expected === actual && expected !== null ? `${reads}, as it does without the migration.` : `${reads}.`;
    return `${reads}; without the migration it reads ${clip(expected ?? '', 120)}.${lostWords(told, at)}`;
  }
  const wrong = shown === null || expected === actual ? '' : should;
  return `${who}${touching(told, at) || ': it changes nothing'}.${wrong}${pendingWords(told, at)}`;
}

/** Which write it is that a reader does not see. */
function lostWords(told: Told, at: number): string {
  const story = storyOf(told);
  const writer = story?.thread?.writer?.[0];
  if (story === null || story.end !== at || writer === undefined) return '';
  const event = told.history.moments[writer]?.event ?? null;
  const isLate = story.thread?.broken.kind === 'undelivered' || story.thread?.broken.kind === 'behind';
  const what = isLate ? 'What it does not see yet' : 'What is lost';
  return event === null ? '' : ` ${what}: ${event.version ?? '?'}’s ${callWords(event)}, event ${writer}.`;
}

function does(answer: string): string {
  const error = errorOf(answer);
  if (error !== null) return `is refused: ${error.message}`;
  if (answer === 'accepted, rows touched') return 'touches a row';
  if (answer === 'accepted, no row touched') return 'touches no row';
  return `reads ${clip(answer, 120)}`;
}

function batchSentence(told: Told, { event }: Moment, at: number): string {
  const name = `“${event?.step ?? 'The backfill'}”`;
  const error = errorOf(event?.result ?? '');
  if (error !== null) return `${name} fails: ${error.message}.`;
  return `${name} runs a batch${touching(told, at) || `: ${event?.result ?? ''}`}.`;
}

function stepSentence(told: Told, moment: Moment, at: number): string {
  const { event, phase, step } = moment;
  const name = `“${event?.step ?? ''}”`;
  const result = event?.result ?? '';
  if (result === 'put in by hand') return `SQL is put in by hand${touching(told, at) || ', and changes nothing'}.`;
  if (result.startsWith('drift put in')) return `${name} is put to the test: ${visible(result)}.`;
  const error = errorOf(result);
  if (error !== null) return `${name} fails: ${error.message}.`;
  if (result.endsWith('does not hold')) return `${name} stops the plan: ${result}.`;
  switch (phase) {
    case 'rolling':
      return `${name} rolls out: ${answering(moment)}.`;
    case 'running':
      return `${name} begins; ${answering(moment)}.`;
    case 'part':
      return `${name} is half way: a part of it has committed${touching(told, at)}.`;
    case 'rolling-back':
    case 'start':
      return `${name} is on the way back; ${answering(moment)}.`;
    case 'done':
      break;
  }
  if (step?.kind === 'deploy') return `${name} is done: ${answering(moment)}.`;
  if (step?.kind === 'verify') return `The checks of ${name} pass.`;
  if (step?.kind === 'backfill') return `${name} is done${jobWords(told, at)}.`;
  return `${stepText(told, at)}${touching(told, at)}.`;
}

function jobWords(told: Told, at: number): string {
  const run = jobRuns(told.history.moments).find(({ to }) => to === at);
  if (run === undefined) return '';
  const batches = told.history.moments.filter((m, i) => i > run.from && i < at && m.event?.kind === 'batch').length;
  return batches === 0 ? ', and has changed nothing' : ` after ${count(batches, 'batch', 'batches')}`;
}

/** What an event does to rows: `: it sets 'a' in email of users, row 1`. Nothing where it touches none. */
function touching(told: Told, at: number): string {
  const rows = rowsChangedAt(told, at);
  const [first] = rows;
  if (first === undefined) return '';
  const columns = tableOf(viewAt(told, at)?.tables ?? [], first.table)?.columns ?? first.columns;
  const places = columns.filter((c) => !first.columns.includes(c)).map((column) => ({ table: first.table, column }));
  const all = places.length > 0 ? places : columns.map((column) => ({ table: first.table, column }));
  const event = told.history.moments[at]?.event;
  const changes = changesAt(told, at, first, all);
  if (changes.length === 0) return '';
  const words = changeWords(changes, naming({ subject: first, places: all }), first, event?.kind === 'batch');
  const others = rows.length > 1 ? `, and changes ${count(rows.length - 1, 'more row')}` : '';
  const row = rowWords(first);
  const placed = words.replace(`adds ${row}`, `adds ${row} to ${first.table}`);
  const where = placed === words && !words.startsWith('deletes ') ? ` of ${first.table}, ${row}` : '';
  return `: it ${placed}${where}${others}`;
}

/** What is not as in the app without the migration: what a live version reads first, then what was written and not read. */
function differenceSentence(told: Told, at: number): string {
  const view = viewAt(told, at);
  const worth = (view?.differences ?? []).filter((d) => d.readBy.length > 0 || d.now !== null);
  const chosen = worth.find((d) => d.readBy.length > 0) ?? worth[0];
  if (chosen === undefined) return '';
  const more = worth.length > 1 ? `, and ${count(worth.length - 1, 'more place differs', 'more places differ')}` : '';
  return `${differenceWords(chosen)}${more}.`;
}

function differenceWords({ kind, table, row, column, now, reference, readBy }: Difference): string {
  const values = row.split(', ').map((part) => part.slice(part.indexOf('=') + 1));
  const which = rowWords({ name: row, values });
  const readers =
    readBy.length === 0 ? 'no live version reads it' : `${listed(readBy)} ${readBy.length > 1 ? 'read' : 'reads'} it`;
  switch (kind) {
    case 'cell':
      return `In ${table}, ${which}, ${column ?? ''} is ${short(now)} and should be ${short(reference)}; ${readers}`;
    case 'missing-row':
      return `${table} lacks ${which}, which the app without the migration has; ${readers}`;
    case 'extra-row':
      return `${table} has ${which}, which the app without the migration has not; ${readers}`;
  }
}

function short(value: string | null): string {
  return clip(quoted(value), 60);
}
