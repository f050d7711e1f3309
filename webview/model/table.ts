/** The score as a table: each event with what every place of the row holds then. The biography and an export are made of it. */
import type { Moment } from '../../simulator/player/model.ts';
import { actor } from './acts.ts';
import type { Band, Segment } from './bands.ts';
import type { Callout } from './callouts.ts';
import { touches } from './changes.ts';
import { roleOf } from './event-rows.ts';
import { insideValue, type Inside } from './inside-value.ts';
import { placeName, relatedTables } from './places.ts';
import type { Told } from './rows.ts';
import type { Score } from './score.ts';
import { catchUpWords, copier, deliveryWords } from './stream-words.ts';
import { isCatchUp } from './streams.ts';
import { callWords, clip, errorOf, statementOf } from './values.ts';

export interface Column {
  readonly name: string;
  readonly role: string;
}

export interface TableCell {
  readonly text: string;
  /** What of it is not as at the event before; null: all of it is. */
  readonly inside: Inside | null;
  readonly state: Segment['state'];
  readonly isThere: boolean;
  readonly isNull: boolean;
  readonly should: string | null;
}

export interface TableRow {
  readonly moment: number;
  readonly step: string;
  readonly isBack: boolean;
  readonly who: string;
  readonly what: string;
  readonly cells: readonly TableCell[];
  /** The event since which a place of the row is not what it should be; null: all are. */
  readonly since: number | null;
}

function roleWords({ role }: Pick<Band, 'role'>): string {
  if (role === 'reference') return 'without the migration';
  return role === 'replica' ? 'on the replica' : `${role} place`;
}

export function columnsIn(score: Score): readonly Column[] {
  const tables = new Set(score.bands.map((b) => b.place.table));
  const home = tables.size > 1 ? null : (score.subject?.table ?? null);
  return score.bands.map(({ role, place }) => ({
    name: role === 'reference' ? 'should be' : placeName(place, home),
    role: roleWords({ role }),
  }));
}

/** One event as a row. */
export function rowAt(told: Told, score: Score, at: number): TableRow {
  const moment = told.history.moments[at];
  const isCopy = moment?.event?.kind === 'deliver';
  const span = score.steps.find((s) => s.from <= at && at < s.to);
  const cells = score.bands.map((band) => cellAt(band, at));
  const differs = score.bands.map((band) => sinceOf(band, at)).filter((since) => since !== null);
  return {
    moment: at,
    step: span === undefined ? '' : span.name,
    isBack: span?.isBack === true,
    who: whoOf(moment),
    what: calloutWords(score, moment, at) ?? (isCopy ? copyWords(told, score, at) : whatOf(moment)),
    cells,
    since: differs.length === 0 ? null : Math.min(...differs),
  };
}

function whoOf(moment: Moment | undefined): string {
  const event = moment?.event ?? null;
  if (moment === undefined || event === null) return '';
  if (event.kind !== 'request' && event.kind !== 'crash') return roleOf(moment, event.kind);
  return event.version === null ? 'backfill' : actor(moment);
}

/** What the story says of an event that is no request: a request says itself what it is. */
function calloutWords(score: Score, moment: Moment | undefined, at: number): string | null {
  if (moment?.event?.kind === 'request' || moment?.event?.kind === 'crash') return null;
  const isTold = (c: Callout) => c.moment === at && !(score.story?.probe !== null && c.part === 'end');
  const text = score.story?.callouts.find(isTold)?.text ?? null;
  // Who it is stands beside it.
  const who = moment?.event?.kind === 'deliver' ? `${copier(moment)} ` : '';
  return text?.startsWith(who) === true ? text.slice(who.length) : text;
}

function whatOf(moment: Moment | undefined): string {
  if (moment?.event == null) return 'start';
  const { event, actual } = moment;
  if (event.kind === 'batch') return `one batch: ${event.result}`;
  if (event.kind !== 'request') return event.result === '' ? moment.title : event.result;
  const part = statementOf(event.result);
  const which = part === null ? '' : `, statement ${part.number} of ${part.of}`;
  const error = errorOf(actual ?? '');
  const answer = error === null ? (actual ?? '') : `fails: ${error.message}`;
  const isTold = answer !== '' && answer !== 'accepted, rows touched' && part === null;
  return `${callWords(event)}${which}${isTold ? `: ${answer}` : ''}`;
}

/** What a stream does to the row, or the replica. */
function copyWords(told: Told, { subject, bands }: Score, at: number): string {
  const moment = told.history.moments[at];
  if (isCatchUp(moment)) return catchUpWords(moment);
  const places = bands.filter(({ role }) => role === 'old' || role === 'new').map(({ place }) => place);
  return deliveryWords(told, { subject, places }, at);
}

function segmentAt(band: Band, at: number): Segment | undefined {
  return band.segments.find((s) => s.from <= at && at < s.to);
}

function cellAt(band: Band, at: number): TableCell {
  const now = segmentAt(band, at);
  const before = at === 0 ? now : segmentAt(band, at - 1);
  const text = clip(now?.text ?? '', 200);
  const isThere = now?.cell.kind === 'value';
  const isSame = before === undefined || now === undefined || before === now || before.text === now.text;
  const wasThere = before?.cell.kind === 'value' && before.cell.text !== null && isThere;
  return {
    text,
    inside: isSame ? null : insideValue(wasThere ? before.text : null, text),
    state: now?.state ?? 'same',
    isThere,
    isNull: now?.cell.kind === 'value' && now.cell.text === null,
    should: now?.should ?? null,
  };
}

/** Since when a place is not what it should be. */
function sinceOf(band: Band, at: number): number | null {
  const isOff = (segment: Segment | undefined) => segment?.state === 'differs' || segment?.state === 'wrong';
  let index = band.segments.findIndex((s) => s.from <= at && at < s.to);
  if (!isOff(band.segments[index])) return null;
  while (index > 0 && isOff(band.segments[index - 1])) index -= 1;
  return band.segments[index]?.from ?? null;
}

/** The events that touched the row of a score, and the requests that read it; the start comes first. */
export function touchingMoments(told: Told, score: Score): readonly number[] {
  const { subject } = score;
  if (subject === null) return [];
  const tables = [...new Set([...relatedTables(told, subject), ...score.bands.map((b) => b.place.table)])];
  const reads = new Set(score.marks.filter((m) => m.kind === 'read' && m.places.length > 0).map((m) => m.moment));
  const starts = new Set(score.bands.flatMap((band) => band.segments.map((s) => s.from)));
  const callouts = new Set(score.story?.subject === subject ? score.story.callouts.map((c) => c.moment) : []);
  return told.history.moments.flatMap((_, i) =>
    i === 0 || reads.has(i) || starts.has(i) || callouts.has(i) || touches(told, i, subject, tables) ? [i] : [],
  );
}
