/** The score of a history: what stands in which lane and band from which moment to which. No sizes: those are the picture's. */
import type { ColumnName, Moment } from '../../simulator/player/model.ts';
import { actor, changeWords, naming, rowWords } from './acts.ts';
import { bandsOf, shownPlaces, type Band } from './bands.ts';
import { changesAt, includesPlace, isWritten, jobRuns, momentsOf, type CellChange, type JobRun } from './changes.ts';
import { dataOf, mentions, placeName, relatedTables, type Datum, type Place } from './places.ts';
import { readsAt, subjectAt } from './question.ts';
import { cellWords, type Subject, type Told } from './rows.ts';
import { showerOf, storyOf, type Story } from './story.ts';
import { deliveryError, deliveryOf, readsReplica, streamRuns, waitingAt } from './streams.ts';
import { callText, clip, errorOf, isError, shortAnswers, statementOf } from './values.ts';
import { listed } from './words.ts';

/** From one moment to before another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface StepSpan extends Range {
  readonly name: string;
  readonly isBack: boolean;
  readonly phases: readonly (Range & { readonly name: string })[];
  /** Of a way back: the moment at which the plan stood before where it stands now again. */
  readonly backTo: number | null;
}

export interface Lane {
  readonly version: string;
  readonly live: readonly Range[];
  /** What it reads and writes of the places that are shown, as its SQL names them. */
  readonly roles: readonly string[];
}

export interface Mark {
  readonly moment: number;
  readonly version: string;
  readonly kind: 'write' | 'read';
  readonly state: 'ok' | 'wrong' | 'failed';
  readonly label: string;
  /** What came of it, where that is worth a word. */
  readonly note: string | null;
  /** The places that it wrote or read. */
  readonly places: readonly ColumnName[];
  /** It was tried at its moment, and left nothing behind. */
  readonly isTried: boolean;
  /** It reads from the replica. */
  readonly isOnReplica: boolean;
}

/** A request that commits several times, from its first statement to its last, or to its death. */
export interface Flight extends Range {
  readonly version: string;
  readonly isDead: boolean;
}

export interface Job extends JobRun {
  readonly batches: readonly {
    readonly moment: number;
    readonly text: string;
    readonly places: readonly ColumnName[];
  }[];
  /** What it did with the row that is shown, once it is done. */
  readonly outcome: 'copied' | 'passed' | null;
}

/** A change that a stream delivers. */
export interface Delivered {
  readonly moment: number;
  readonly label: string;
  readonly isFailed: boolean;
  /** Where the thread of the story breaks. */
  readonly isBreak: boolean;
  /** The places that it wrote, and those of the table that it mirrors. */
  readonly places: readonly ColumnName[];
  readonly sources: readonly ColumnName[];
}

export interface StreamLane {
  readonly name: string;
  /** The table that it mirrors, where that is known. */
  readonly source: string | null;
  readonly runs: readonly (Range & {
    readonly waits: readonly (Range & { readonly count: number })[];
    /** Changes that were in it when it was stopped. */
    readonly lost: number;
  })[];
  readonly deliveries: readonly Delivered[];
}

export interface Score {
  readonly length: number;
  readonly steps: readonly StepSpan[];
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly flights: readonly Flight[];
  readonly jobs: readonly Job[];
  readonly streams: readonly StreamLane[];
  readonly bands: readonly Band[];
  readonly story: Story | null;
  readonly subject: Subject | null;
  /** Up to here the history is another's; null where it was not forked. */
  readonly shared: number | null;
  readonly crashes: readonly { readonly moment: number; readonly version: string | null }[];
}

/** The score for a row; for null, the row that the history is about. */
export function scoreOf(told: Told, row: Subject | null = null): Score {
  const { moments, from } = told.history;
  const story = storyOf(told);
  const subject = row ?? story?.subject ?? subjectAt(told, moments.length - 1);
  const isStorys = subject !== null && story?.subject?.name === subject.name && story.subject.table === subject.table;
  const extra = isStorys ? (story.thread?.reads.map((r) => r.table) ?? []) : [];
  const data = subject === null ? [] : dataOf(told, subject, relatedTables(told, subject, extra));
  const shown = subject === null ? null : shownPlaces(told, subject, data, isStorys ? story : null);
  const places = shown?.places ?? [];
  return {
    length: moments.length,
    steps: stepsOf(moments),
    lanes: lanesOf(told, places),
    marks: marksOf(told, subject, places, isStorys ? story : null),
    flights: flightsOf(moments),
    jobs: jobsOf(told, subject, places),
    streams: streamsOf(told, subject, places, isStorys ? story : null),
    bands: subject === null || shown === null ? [] : bandsOf(told, subject, shown, isStorys ? story : null),
    story,
    subject,
    shared: from?.moment ?? null,
    crashes: moments.flatMap((m, i) => (m.event?.kind === 'crash' ? [{ moment: i, version: m.event.version }] : [])),
  };
}

export function stepsOf(moments: readonly Moment[]): readonly StepSpan[] {
  interface Growing {
    readonly name: string;
    readonly isBack: boolean;
    readonly from: number;
    to: number;
    readonly phases: { readonly name: string; readonly from: number; to: number }[];
    readonly backTo: number | null;
  }
  const spans: Growing[] = [];
  moments.forEach((moment, i) => {
    const { event } = moment;
    const last = spans.at(-1);
    const isBack = event?.kind === 'rollback';
    const moves = isBack || event?.kind === 'step';
    const name = event === null ? 'start' : (event.step ?? 'start');
    const phase = phaseName(moment, i);
    if (last === undefined || (moves && (last.name !== name || last.isBack !== isBack))) {
      const backTo = isBack ? standsAt(moments, i) : null;
      spans.push({ name, isBack, from: i, to: i + 1, phases: [{ name: phase, from: i, to: i + 1 }], backTo });
      return;
    }
    last.to = i + 1;
    const current = last.phases.at(-1);
    if (current !== undefined && (!moves || current.name === phase)) current.to = i + 1;
    else last.phases.push({ name: phase, from: i, to: i + 1 });
  });
  return spans;
}

/** Where the plan stands again after a way back. */
function standsAt(moments: readonly Moment[], at: number): number | null {
  const position = moments[at]?.position;
  const before = moments.findLastIndex((m, i) => i < at && m.position === position && m.event?.kind !== 'rollback');
  return before < 0 ? null : before;
}

function phaseName({ event, phase, step }: Moment, at: number): string {
  if (at === 0) return '';
  if (event?.kind === 'rollback') return phase === 'rolling' ? 'into the rollout' : 'back';
  if (event !== null && isError(event.result)) return 'fails';
  if (event?.result.endsWith('does not hold') === true) return 'stops';
  switch (phase) {
    case 'rolling':
      return 'rolling out';
    case 'running':
      return 'running';
    case 'part':
      return 'half way';
    case 'rolling-back':
      return 'on the way back';
    case 'start':
    case 'done':
      return step?.kind === 'verify' ? 'passes' : 'done';
  }
}

function lanesOf(told: Told, places: readonly Place[]): readonly Lane[] {
  const { moments } = told.history;
  const versions = new Set(told.recording.versions.map((v) => v.name));
  const seen = new Set(moments.flatMap((m) => [...m.live, ...(m.event?.version == null ? [] : [m.event.version])]));
  return [...new Set([...versions, ...seen])]
    .filter((version) => seen.has(version))
    .map((version) => ({
      version,
      live: ranges(moments, (m) => m.live.includes(version)),
      roles: rolesOf(told, version, places),
    }));
}

/** The stretches of moments for which something holds. */
export function ranges(moments: readonly Moment[], holds: (moment: Moment, at: number) => boolean): readonly Range[] {
  const found: { from: number; to: number }[] = [];
  moments.forEach((moment, i) => {
    if (!holds(moment, i)) return;
    const last = found.at(-1);
    if (last?.to === i) last.to = i + 1;
    else found.push({ from: i, to: i + 1 });
  });
  return found;
}

function rolesOf(told: Told, version: string, places: readonly Place[]): readonly string[] {
  if (places.length < 2) return [];
  const requests = told.recording.versions.find((v) => v.name === version)?.requests ?? [];
  const tables = new Set(places.map((p) => p.table));
  const home = tables.size > 1 ? null : (places[0]?.table ?? null);
  return (['write', 'read'] as const).flatMap((kind) => {
    const sql = requests.filter((r) => r.kind === kind).map((r) => r.sql.join('\n'));
    const named = places.filter((p) => sql.some((text) => mentions(text, p.table) && mentions(text, p.column)));
    if (named.length === 0) return [];
    const isBoth = named.length === places.length && places.length === 2;
    return [`${kind}s ${isBoth ? 'both' : listed(named.map((p) => placeName(p, home)))}`];
  });
}

function marksOf(told: Told, subject: Subject | null, places: readonly Place[], story: Story | null): readonly Mark[] {
  const marks = told.history.moments.flatMap((m, i) => markOf(told, m, i, subject, places, story));
  if (story?.probe == null) return marks;
  const shower = showerOf(told, story);
  const tried = shower === null ? [] : markOf(told, shower, story.end, subject, places, story, true);
  return [...marks, ...tried].toSorted((a, b) => a.moment - b.moment);
}

function markOf(
  told: Told,
  moment: Moment,
  at: number,
  subject: Subject | null,
  places: readonly Place[],
  story: Story | null,
  isTried = false,
): readonly Mark[] {
  const { event, expected, actual, shown } = moment;
  if (event?.kind !== 'request' || event.version === null) return [];
  const version = told.recording.versions.find((v) => v.name === event.version);
  const kind = version?.requests.find((r) => r.name === event.request)?.kind ?? 'write';
  const failed = isError(actual) && !isError(expected);
  const part = statementOf(event.result);
  const isStorys = story !== null && showerOf(told, story) === moment;
  const read = isStorys ? (story.thread?.reads ?? []) : subject === null ? [] : readsAt(told, at, subject);
  const touched =
    kind === 'read'
      ? places.filter((p) => read.some((r) => r.table === p.table && r.column === p.column))
      : subject === null
        ? []
        : changesAt(told, at, subject, places)
            .filter(isWritten)
            .map((c) => c.place);
  return [
    {
      moment: at,
      version: event.version,
      kind,
      state: failed ? 'failed' : shown !== null ? 'wrong' : 'ok',
      label: `${isTried ? 'tried: ' : ''}${callText(event)}${part === null ? '' : ` ${part.number}/${part.of}`}`,
      note: noteOf(moment, kind),
      places: touched,
      isTried,
      isOnReplica: readsReplica(told, moment),
    },
  ];
}

function noteOf({ expected, actual, shown }: Moment, kind: 'read' | 'write'): string | null {
  if (actual === null) return null;
  const error = errorOf(actual);
  if (error !== null) return `fails: ${error.message}`;
  if (shown === null || expected === null) return kind === 'read' ? `reads ${actual}` : null;
  const short = shortAnswers(expected, actual);
  return kind === 'read' ? `reads ${short.actual}, should be ${short.expected}` : writeNote(expected, actual);
}

function writeNote(expected: string, actual: string): string {
  if (isError(expected)) return 'accepted, should be refused';
  if (actual === 'accepted, rows touched') return 'touches a row, should touch none';
  if (actual === 'accepted, no row touched') return 'touches no row, should touch one';
  return `${actual}, should be: ${expected}`;
}

/** A request that was tried at a moment, as a mark. */
export function triedMark(told: Told, at: number, probe: number): Mark | null {
  const tried = told.history.moments[at]?.probes[probe];
  const [mark] = tried === undefined ? [] : markOf(told, tried, at, null, [], null, true);
  return mark ?? null;
}

function flightsOf(moments: readonly Moment[]): readonly Flight[] {
  return moments.flatMap((m, i): Flight[] => {
    if (m.event?.kind !== 'request' || statementOf(m.event.result)?.number !== 1) return [];
    const all = momentsOf(moments, i);
    const { version, request } = m.event;
    const died = moments.findIndex(
      ({ event }, k) => k > i && event?.kind === 'crash' && event.version === version && event.request === request,
    );
    const last = all.at(-1) ?? i;
    const isDone = statementOf(moments[last]?.event?.result ?? '');
    const isDead = died > 0 && isDone !== null && isDone.number < isDone.of;
    const to = isDead ? died : isDone !== null && isDone.number < isDone.of ? moments.length : last;
    return to > i && version !== null ? [{ version, from: i, to, isDead }] : [];
  });
}

function jobsOf(told: Told, subject: Subject | null, places: readonly Place[]): readonly Job[] {
  const { moments } = told.history;
  return jobRuns(moments).map((run): Job => {
    const to = run.to ?? moments.length;
    const batches = moments.flatMap((m, i) => {
      if (i < run.from || i >= to || m.event?.kind !== 'batch') return [];
      const changes = subject === null ? [] : changesAt(told, i, subject, places).filter(isWritten);
      const name = naming({ subject, places });
      const text =
        changes.length === 0 || subject === null ? m.event.result : changeWords(changes, name, subject, true);
      return [{ moment: i, text, places: changes.map((c) => c.place) }];
    });
    const isDone = run.to !== null && moments[run.to]?.event?.kind !== 'crash';
    const hasCopied = batches.some((b) => b.places.length > 0);
    return { ...run, batches, outcome: hasCopied ? 'copied' : isDone ? 'passed' : null };
  });
}

function streamsOf(
  told: Told,
  subject: Subject | null,
  places: readonly Place[],
  story: Story | null,
): readonly StreamLane[] {
  const { moments } = told.history;
  const all = streamRuns(told);
  return [...new Set(all.map((run) => run.name))].map((name) => {
    const own = all.filter((run) => run.name === name);
    const source = own.find((run) => run.source !== null)?.source ?? null;
    return {
      name,
      source,
      runs: own.map(({ from, to, changes }) => ({
        from,
        to: to ?? moments.length,
        waits: waitsOf(told, name, from, to ?? moments.length),
        lost: changes.filter((c) => c.lost !== null).length,
      })),
      deliveries: moments.flatMap((m, i) =>
        deliveryOf(m)?.stream === name ? [deliveredAt(told, i, source, subject, places, story)] : [],
      ),
    };
  });
}

/** The stretches in which as much waits, where anything does. */
function waitsOf(told: Told, name: string, from: number, to: number): StreamLane['runs'][number]['waits'] {
  const found: { from: number; to: number; count: number }[] = [];
  for (let i = from; i < to; i += 1) {
    const count = waitingAt(told, name, i);
    const last = found.at(-1);
    if (last?.to === i && last.count === count) last.to = i + 1;
    else if (count > 0) found.push({ from: i, to: i + 1, count });
  }
  return found;
}

function deliveredAt(
  told: Told,
  at: number,
  source: string | null,
  subject: Subject | null,
  places: readonly Place[],
  story: Story | null,
): Delivered {
  const moment = told.history.moments[at];
  const changes = subject === null ? [] : changesAt(told, at, subject, places);
  const written = changes.map((c) => c.place);
  const isFailed = deliveryError(moment) !== null;
  const isAgain = deliveryOf(moment)?.isAgain === true;
  const isEcho = story?.rule === 'stream-echo' && story.end === at;
  const what = subject === null ? 'delivers' : deliveryLabel(changes, naming({ subject, places }));
  return {
    moment: at,
    label: isFailed ? `${isAgain ? 'again: ' : ''}fails` : isEcho ? 'for ever' : isAgain ? 'again' : what,
    isFailed,
    isBreak: story?.thread?.broken.moment === at || isEcho,
    places: written,
    sources:
      written.length === 0 ? [] : places.filter((p) => p.table === source && !includesPlace(written, p)).slice(0, 1),
  };
}

/** `delivers email 'a'`. */
function deliveryLabel(changes: readonly CellChange[], name: (place: ColumnName) => string): string {
  const [first] = changes;
  if (first === undefined) return 'changes nothing here';
  if (first.after.kind === 'no-row') return `deletes from ${first.place.table}`;
  return `delivers ${name(first.place)} ${clip(cellWords(first.after), 24)}`;
}

/** `users, row 1`. */
export function subjectWords(subject: Subject): string {
  return `${subject.table}, ${rowWords(subject)}`;
}

export { actor, type Band, type Datum };
