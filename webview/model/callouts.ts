/** The events that a story is told by, in a few words each: who wrote what, what passed over it, and who found it wrong. */
import type { ColumnName, Moment } from '../../simulator/player/model.ts';
import { actText, actor, answerWords, naming, stepText, rowWords } from './acts.ts';
import { changesAt, jobRuns, touches, type JobRun } from './changes.ts';
import { mentions, relatedTables } from './places.ts';
import { cellOf, cellWords, viewAt, type Subject, type Told } from './rows.ts';
import { behindWords, copier, deliveryWords, isLate, originWords, unmoved } from './stream-words.ts';
import { behindAt, carriedAt, deliveryError, deliveryOf } from './streams.ts';
import type { Thread } from './thread.ts';
import { errorOf, shortAnswers, statementOf } from './values.ts';
import { listed } from './words.ts';

export interface Callout {
  readonly number: number;
  readonly moment: number;
  /** `lost`: the write that is lost. `break`: where its thread breaks. `end`: who finds it so. */
  readonly part: 'before' | 'lost' | 'break' | 'passed' | 'end';
  readonly text: string;
}

/** What is known of a story before it is told. */
export interface Plot {
  readonly kind: 'lost' | 'error' | 'answer' | 'stopped' | 'stream' | 'plan';
  readonly end: number;
  /** The moment that shows it: that at the end, or a request that was tried there. */
  readonly shower: Moment;
  readonly isTried: boolean;
  readonly subject: Subject | null;
  readonly thread: Thread | null;
  readonly places: readonly ColumnName[];
}

type Draft = Omit<Callout, 'number'>;

export function calloutsOf(told: Told, plot: Plot): readonly Callout[] {
  const byMoment = new Map<string, Draft>();
  for (const draft of draftsOf(told, plot)) {
    // What was tried at a moment stands beside what happened there.
    const key = `${draft.moment}${plot.isTried && draft.part === 'end' ? ' tried' : ''}`;
    if (!byMoment.has(key)) byMoment.set(key, draft);
  }
  const ordered = [...byMoment.values()].toSorted(
    (a, b) => a.moment - b.moment || Number(a.part === 'end') - Number(b.part === 'end'),
  );
  return ordered.map((draft, i) => ({ ...draft, number: i + 1 }));
}

function draftsOf(told: Told, plot: Plot): readonly Draft[] {
  const { kind, subject, thread } = plot;
  switch (kind) {
    case 'lost':
      return thread === null || subject === null ? [] : lost(told, plot, thread, subject);
    case 'error':
      return failing(told, plot);
    case 'answer':
      return answered(told, plot);
    case 'stopped':
      return stopped(told, plot);
    case 'stream':
      return streaming(told, plot);
    case 'plan':
      return [];
  }
}

function lost(told: Told, plot: Plot, thread: Thread, subject: Subject): readonly Draft[] {
  const { moments } = told.history;
  const { writer, broken, passed, filled, reads } = thread;
  const drafts: Draft[] = [{ moment: plot.end, part: 'end', text: readerText(told, plot, thread) }];
  if (broken.kind === 'behind') return [...drafts, ...notSeen(told, plot, thread, subject)];
  const last = thread.brought ?? writer?.at(-1) ?? 0;
  if (writer !== null) {
    const at = wroteAt(told, plot, writer, subject);
    const missed = broken.kind === 'missed' ? reads : [];
    const text = `${actText(told, plot, at, missed)}${streamText(told, plot, thread, at)}`;
    drafts.push({ moment: at, part: missed.length > 0 ? 'break' : 'lost', text });
    if (thread.brought !== null)
      drafts.push({ moment: thread.brought, part: 'before', text: deliveryText(told, plot, thread.brought) });
    if (broken.kind === 'dropped')
      drafts.push({ moment: broken.moment, part: 'break', text: stepText(told, broken.moment) });
    const died = moments.findIndex((m, i) => i > at && m.event?.kind === 'crash' && isSameRequest(m, moments[at]));
    if (died > 0) drafts.push({ moment: died, part: 'break', text: diesText(moments[died]) });
  }
  if (filled !== null && (writer === null || filled > last))
    drafts.push({ moment: filled, part: 'break', text: filledText(told, plot, filled, reads) });
  else if (filled !== null && isAct(moments[filled]) && writer?.includes(filled) !== true)
    drafts.push({ moment: filled, part: 'before', text: actText(told, plot, filled) });
  for (const run of passed)
    drafts.push({ moment: run.to ?? run.from, part: 'passed', text: passedText(told, plot, reads, run) });
  const [check] = thread.checked;
  const name = moments[check ?? -1]?.step?.name ?? '';
  if (check !== undefined && drafts.length < 5)
    drafts.push({ moment: check, part: 'passed', text: `the checks of “${name}” pass all the same` });
  const back = moments.findLastIndex((m, i) => i < plot.end && m.event?.kind === 'rollback');
  if (back > last && back > 0) drafts.push({ moment: back, part: 'passed', text: backText(told, back, plot.shower) });
  return drafts;
}

/** What became of a write in the streams. */
function streamText(told: Told, { subject }: Plot, { broken }: Thread, at: number): string {
  if (broken.kind === 'undelivered') return `; stream ${broken.stream ?? ''} has not delivered it yet`;
  if (broken.kind === 'dropped') return `; it waits in stream ${broken.stream ?? ''}`;
  if (broken.kind !== 'missed' || subject === null) return '';
  const [stream] = unmoved(told, at, [subject.table]);
  return stream === undefined ? '' : `; stream ${stream} takes nothing of it`;
}

/** Whose change a stream delivers, and whether something newer was there. */
function deliveryText(told: Told, plot: Plot, at: number): string {
  const isOld = plot.subject !== null && isLate(told, at, plot.subject);
  const origin = originWords(told, at);
  const whose = isOld && origin !== '' ? `, the change of ${origin}` : '';
  return `${copier(told.history.moments[at])} ${deliveryWords(told, plot, at)}${isOld ? ' late' : ''}${whose}`;
}

/** What the primary was given, and the replica has not seen. */
function notSeen(told: Told, plot: Plot, { writer, broken }: Thread, subject: Subject): readonly Draft[] {
  const wrote = writer === null ? null : wroteAt(told, plot, writer, subject);
  const behind = told.history.moments[broken.moment]?.replica?.behind;
  const copy = behind === undefined ? '' : `; the replica is ${behindWords(behind)}`;
  const drafts: Draft[] = [
    { moment: broken.moment, part: 'lost', text: `${filledText(told, plot, broken.moment, [])}${copy}` },
  ];
  if (wrote !== null && wrote !== broken.moment)
    drafts.push({ moment: wrote, part: 'before', text: actText(told, plot, wrote) });
  return drafts;
}

/** The changes that go round, or the one that is stuck: who made them, and what the streams do with them. */
function streaming(told: Told, plot: Plot): readonly Draft[] {
  const { moments } = told.history;
  const isStuck = deliveryError(moments[plot.end]) !== null;
  const last = `${deliveryText(told, plot, plot.end)}${isStuck ? '' : ', and so on for ever'}`;
  const end: Draft = { moment: plot.end, part: 'end', text: last };
  const from = isStuck ? (carriedAt(told, plot.end)?.delivered ?? plot.end) : 0;
  const delivered = moments
    .flatMap((m, i) => (i >= from && i < plot.end && deliveryOf(m) !== null ? [i] : []))
    .slice(-3);
  const origins = new Set([...delivered, plot.end].map((i) => carriedAt(told, i)?.from ?? -1));
  const begun = [...origins].filter((i) => moments[i]?.event?.kind === 'request');
  return [
    ...begun.map((moment): Draft => ({ moment, part: 'before', text: actText(told, plot, moment) })),
    ...delivered.map((moment): Draft => ({ moment, part: 'passed', text: deliveryText(told, plot, moment) })),
    end,
  ];
}

/** The moment of a request at which it wrote, where it commits several times. */
export function wroteAt(
  told: Told,
  { places }: Pick<Plot, 'places'>,
  writer: readonly number[],
  subject: Subject,
): number {
  return writer.findLast((i) => changesAt(told, i, subject, places).length > 0) ?? writer.at(-1) ?? 0;
}

function isSameRequest(a: Moment | undefined, b: Moment | undefined): boolean {
  return a?.event?.version === b?.event?.version && a?.event?.request === b?.event?.request;
}

/** Whether a moment does something to rows: the schema's own steps do not. */
function isAct(moment: Moment | undefined): boolean {
  return moment?.event?.kind === 'request' || moment?.event?.kind === 'batch';
}

function diesText(moment: Moment | undefined): string {
  return `${moment?.event?.version ?? ''} dies before the rest of ${moment?.event?.request ?? ''} runs`;
}

/** What gave the place that is read what it holds. */
function filledText(told: Told, plot: Plot, at: number, reads: readonly ColumnName[]): string {
  if (isAct(told.history.moments[at])) return actText(told, plot, at);
  if (told.history.moments[at]?.event?.kind === 'deliver') return deliveryText(told, plot, at);
  const name = naming(plot);
  const view = viewAt(told, at);
  const { subject } = plot;
  const holds = reads.map((place) =>
    view === null || subject === null ? '' : `${name(place)} is ${cellWords(cellOf(view.tables, place, subject))}`,
  );
  const [place] = reads;
  const cell = view === null || subject === null || place === undefined ? null : cellOf(view.tables, place, subject);
  const state = cell?.kind === 'no-row' && subject !== null ? `no ${rowWords(subject)} in it` : listed(holds);
  return `${stepText(told, at)}: ${state}`;
}

function backText(told: Told, at: number, { event }: Moment): string {
  const moment = told.history.moments[at];
  const version = event?.version ?? null;
  const step = `“${moment?.event?.step ?? ''}” is rolled back`;
  const wasGone = version !== null && told.history.moments[at - 1]?.live.includes(version) === false;
  return wasGone ? `${step}: ${version} answers again` : step;
}

function readerText(told: Told, plot: Plot, { reads, broken }: Thread): string {
  const { shower, isTried } = plot;
  const { expected, actual } = shortAnswers(shower.expected ?? '', shower.actual ?? '');
  const what = reads.length === 0 ? '' : ` ${listed(reads.map(naming(plot)))}:`;
  const who = `${shower.event?.version ?? ''} ${isTried ? 'would read' : 'reads'}`;
  const behind = behindAt(told, shower);
  if (behind === null) return `${who}${what} ${actual}, should be ${expected}`;
  const still =
    broken.kind === 'behind' && reads.length === 1
      ? `${naming(plot)(reads[0] ?? nowhere)} is still ${actual} there`
      : actual;
  return `${who} from the replica, which is ${behindWords(behind)}: ${still}, should be ${expected}`;
}

const nowhere: ColumnName = { table: '', column: '' };

function passedText(told: Told, plot: Plot, reads: readonly ColumnName[], run: JobRun): string {
  const { subject } = plot;
  const [place] = reads;
  const over = `“${run.name}” passes over ${subject === null ? 'the row' : rowWords(subject)}`;
  const view = viewAt(told, run.to ?? run.from);
  if (place === undefined || subject === null || view === null) return over;
  const cell = cellOf(view.tables, place, subject);
  if (cell.kind === 'no-row') return `${over}: it stays out of ${place.table}`;
  if (cell.kind !== 'value') return over;
  const sql = told.recording.steps.find((step) => step.name === run.name)?.sql ?? '';
  const asksForNull = mentions(sql.replace(/\s+/g, ' '), `${place.column} IS NULL`);
  return `${over}: ${naming(plot)(place)} is ${cellWords(cell)}${asksForNull && cell.text !== null ? ', not NULL' : ''}`;
}

/** What became of the thread, where it breaks. */
export function breakText(plot: Plot): string | null {
  const { thread, subject, shower } = plot;
  if (thread === null || subject === null) return null;
  const { broken, written, reads } = thread;
  const [place] = reads;
  if (broken.kind === 'behind') return 'not on the replica yet';
  if (broken.kind === 'undelivered') return `not delivered yet: it waits in stream ${broken.stream ?? ''}`;
  if (broken.kind === 'dropped') return `lost here: stream ${broken.stream ?? ''} is stopped with it`;
  if (broken.kind === 'overwritten')
    return broken.stream === undefined ? 'overwritten here' : `overwritten: stream ${broken.stream} delivers late`;
  if (broken.kind === 'copied') return 'lost in the copy';
  if (place === undefined) return 'lost here';
  const where = naming(plot)(place);
  const isGone = written.length > 0 && written.every((c) => c.after.kind === 'no-row');
  if (isGone) return `lost here: ${rowWords(subject)} stays in ${place.table}`;
  const short = shortAnswers(shower.expected ?? '', shower.actual ?? '').expected;
  if (broken.kind === 'stored') return `not stored as it was sent`;
  return short.length <= 24 ? `lost here: ${short} never reached ${where}` : `lost here: it never reached ${where}`;
}

/** The last events before `end` that touched the row. */
function earlier(told: Told, plot: Plot, most: number): readonly Draft[] {
  const { subject, end, isTried } = plot;
  if (subject === null) return [];
  const tables = relatedTables(told, subject);
  const found: Draft[] = [];
  for (let i = isTried ? end : end - 1; i > 0 && found.length < most; i -= 1)
    if (isAct(told.history.moments[i]) && touches(told, i, subject, tables))
      found.push({ moment: i, part: 'before', text: actText(told, plot, i) });
  return found;
}

function failing(told: Told, plot: Plot): readonly Draft[] {
  const { moments } = told.history;
  const { shower: moment, isTried } = plot;
  const request = moment.event?.request ?? '';
  const error = errorOf(moment.actual ?? '');
  const text = `${actor(moment)} ${isTried ? 'would run' : 'runs'} ${request}: ${error?.message ?? moment.actual ?? ''}`;
  const drafts: Draft[] = [{ moment: plot.end, part: 'end', text }];
  const isFirst = (m: Moment) => m.event?.result.startsWith('statement 1 of ') === true && isSameRequest(m, moment);
  const begun = moments.findLastIndex((m, i) => i < plot.end && isFirst(m));
  if (statementOf(moment.event?.result ?? '') !== null && begun > 0)
    drafts.push({
      moment: begun,
      part: 'before',
      text: `${actor(moments[begun])} has run the first statement of ${request}`,
    });
  const behind = behindAt(told, moment);
  if (behind !== null) return [...drafts.slice(1), ...failingBehind(told, plot, text, behind)];
  const culprit =
    takenAway(told, plot.end, error?.message ?? '') ?? lastStep(moments, plot.isTried ? plot.end + 1 : plot.end);
  if (culprit > 0) drafts.push({ moment: culprit, part: 'break', text: stepText(told, culprit) });
  return drafts;
}

/** The replica has not seen the step that brings what the request names. */
function failingBehind(told: Told, plot: Plot, text: string, behind: number): readonly Draft[] {
  const named = namedIn(errorOf(plot.shower.actual ?? '')?.message ?? '');
  const added = told.history.moments.findLastIndex(
    (_, i) => i > 0 && i <= plot.end && named !== null && hasNamed(told, i, named) && !hasNamed(told, i - 1, named),
  );
  const end: Draft = { moment: plot.end, part: 'end', text: `${text}; the replica is ${behindWords(behind)}` };
  return added > 0 ? [{ moment: added, part: 'break', text: stepText(told, added) }, end] : [end];
}

function lastStep(moments: readonly Moment[], end: number): number {
  return moments.findLastIndex((m, i) => i < end && (m.event?.kind === 'step' || m.event?.kind === 'rollback'));
}

/** What an error names: a column, of a table where it says so, or a table. */
function namedIn(message: string): { readonly column: string | null; readonly table: string | null } | null {
  const column = /column (?:\w+\.)?"?(\w+)"?(?: of relation "(\w+)")?/.exec(message);
  if (column !== null) return { column: column[1] ?? '', table: column[2] ?? null };
  const table = /relation "(?:\w+\.)?(\w+)"/.exec(message);
  return table === null ? null : { column: null, table: table[1] ?? '' };
}

function hasNamed(
  told: Told,
  at: number,
  named: { readonly column: string | null; readonly table: string | null },
): boolean {
  return (viewAt(told, at)?.tables ?? []).some(
    (t) =>
      (named.table === null || t.name === named.table) && (named.column === null || t.columns.includes(named.column)),
  );
}

/** The moment at which what an error does not find was taken away. Null: it was never there, or is there still. */
export function takenAway(told: Told, end: number, message: string): number | null {
  const named = message.endsWith('does not exist') ? namedIn(message) : null;
  if (named === null) return null;
  for (let i = end; i > 0; i -= 1) if (!hasNamed(told, i, named) && hasNamed(told, i - 1, named)) return i;
  return null;
}

function answered(told: Told, plot: Plot): readonly Draft[] {
  const { moments } = told.history;
  const { shower: moment } = plot;
  const before = earlier(told, plot, 1);
  const who = `${actor(moment)} ${moment.event?.request ?? ''}`;
  const text =
    moment.shown?.rule === 'unreadable-answer'
      ? `${actor(moment)} reads ${moment.actual ?? ''}; its code takes ${moment.expected ?? ''}`
      : `${who} ${answerWords(moment.actual ?? '')}; without the migration it ${answerWords(moment.expected ?? '')}`;
  const step = lastStep(moments, plot.isTried ? plot.end + 1 : plot.end);
  const led =
    before.length > 0 || step <= 0 ? before : [{ moment: step, part: 'before' as const, text: stepText(told, step) }];
  return [...led, { moment: plot.end, part: 'end', text }];
}

function stopped(told: Told, plot: Plot): readonly Draft[] {
  const { moments } = told.history;
  const moment = moments[plot.end];
  const error = errorOf(moment?.event?.result ?? '');
  const back = moment?.event?.kind === 'rollback' ? 'the way back of ' : '';
  const text = `${back}“${moment?.event?.step ?? ''}” stops: ${error?.message ?? moment?.event?.result ?? ''}`;
  const end: Draft = { moment: plot.end, part: 'end', text };
  const before = earlier(told, plot, 2);
  const last = before[0]?.moment ?? 0;
  const passed = jobRuns(moments)
    .filter(({ to }) => to !== null && to > last && to < plot.end)
    .filter((run) => plot.subject !== null && before.length > 0 && run.from > last)
    .map((run): Draft => ({ moment: run.to ?? run.from, part: 'passed', text: passedText(told, plot, [], run) }));
  if (before.length > 0) return [...before, ...passed, end];
  const named = namedIn(error?.message ?? '');
  const added = moments.findIndex(
    (_, i) => i > 0 && named !== null && hasNamed(told, i, named) && !hasNamed(told, i - 1, named),
  );
  return added > 0 ? [{ moment: added, part: 'before', text: stepText(told, added) }, end] : [end];
}
