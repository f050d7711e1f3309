/**
 * The thread of a write: which request gave the value that a reader should have seen, which places it reached, and where it
 * breaks on its way to the reader. All of it is read from the recorded moments and from what was tried at each of them.
 */
import type { ColumnName, Moment } from '../../simulator/player/model.ts';
import { changesAt, includesPlace, isWritten, jobRuns, momentsOf, type CellChange, type JobRun } from './changes.ts';
import { dataOf, placesOf, relatedTables, samePlace, type Datum } from './places.ts';
import { readsAt } from './question.ts';
import { viewAt, type Subject, type Told } from './rows.ts';
import { answerDifference, answerRows, comparable } from './values.ts';

export interface Break {
  /**
   * `missed`: the write never came to the place that is read. `overwritten`: it did, and something went over it. `stored`: it
   * did, as something else. `copied`: nobody wrote it, and the copy made something else of it. `never`: nothing ever filled it.
   */
  readonly kind: 'missed' | 'overwritten' | 'stored' | 'copied' | 'never';
  readonly moment: number;
}

export interface Thread {
  /** The place or places that the reader reads; none where that is not known. */
  readonly reads: readonly ColumnName[];
  /** The moments of the request whose write the reader should have seen. Null: it was there from the start. */
  readonly writer: readonly number[] | null;
  /** Without a writer: what the reader should have seen was there before the first step. */
  readonly isFromStart: boolean;
  /** What it wrote. */
  readonly written: readonly CellChange[];
  readonly broken: Break;
  /** The last time before the reader that the place it reads was given what it holds; null: as long as there is anything. */
  readonly filled: number | null;
  /** From here on to the reader neither the place nor what it should hold changes. */
  readonly wrongFrom: number;
  /** Backfills that ran to their end meanwhile, and left the place as it was. */
  readonly passed: readonly JobRun[];
  /** Checks that passed meanwhile. */
  readonly checked: readonly number[];
}

/** `reader`: the request that finds it so, at the moment `end`. */
export function threadOf(told: Told, end: number, subject: Subject, reader: Moment): Thread {
  const { moments } = told.history;
  const reads = readsAt(told, end, subject, reader);
  const tables = relatedTables(
    told,
    subject,
    reads.map((r) => r.table),
  );
  const places = placesOf(dataOf(told, subject, tables));
  const all = [...places, ...reads.filter((r) => !includesPlace(places, r))];
  const { writer, isFromStart } = writerOf(told, end, reader);
  const written = (writer ?? []).flatMap((i) => changesAt(told, i, subject, all)).filter(isWritten);
  const filled = lastChange(told, end, subject, reads);
  const last = writer?.at(-1) ?? 0;
  const wrongFrom = Math.max(filled ?? 0, last);
  const isReached = written.some((change) => includesPlace(reads, change.place));
  const broken = breakOf(told, subject, { reads, writer, filled, isReached });
  const isDone = ({ to }: JobRun) => to !== null && to <= end && moments[to]?.event?.kind !== 'crash';
  const passed = jobRuns(moments).filter(
    (run) =>
      isDone(run) && (run.to ?? 0) > wrongFrom && (filled === null || filled < run.from || filled >= (run.to ?? 0)),
  );
  const checked = moments.flatMap((m, i) =>
    i > wrongFrom && i <= end && m.event?.kind === 'step' && m.event.result === 'the checks pass' ? [i] : [],
  );
  return { reads, writer, isFromStart, written, broken, filled, wrongFrom, passed, checked };
}

/** The last moment up to `end` at which one of the places was given something else. */
export function lastChange(told: Told, end: number, subject: Subject, places: readonly ColumnName[]): number | null {
  for (let i = end; i > 0; i -= 1) if (changesAt(told, i, subject, places).length > 0) return i;
  return null;
}

function breakOf(
  told: Told,
  subject: Subject,
  known: {
    readonly reads: readonly ColumnName[];
    readonly writer: readonly number[] | null;
    readonly filled: number | null;
    readonly isReached: boolean;
  },
): Break {
  const { reads, writer, filled, isReached } = known;
  if (writer !== null) {
    const last = writer.at(-1) ?? 0;
    const isLater = filled !== null && filled > last && !writer.includes(filled);
    if (isReached) return isLater ? { kind: 'overwritten', moment: filled } : { kind: 'stored', moment: last };
    return { kind: 'missed', moment: last };
  }
  if (filled === null) return { kind: 'never', moment: 0 };
  const change = changesAt(told, filled, subject, reads).find((c) => includesPlace(reads, c.place));
  const isEmpty = change !== undefined && change.before.kind !== 'value' && !isWritten(change);
  const isCreated = isEmpty || change?.after.kind !== 'value';
  if (isCreated) return { kind: 'never', moment: filled };
  const by = told.history.moments[filled]?.event?.kind;
  return { kind: by === 'request' ? 'overwritten' : 'copied', moment: filled };
}

/**
 * Since when the app without the migration answers what the reader should have been answered: by what was tried at each
 * moment. No writer: since the start, or nobody can say.
 */
function writerOf(
  told: Told,
  end: number,
  target: Moment,
): { readonly writer: readonly number[] | null; readonly isFromStart: boolean } {
  const { moments } = told.history;
  if (target.event === null || target.expected === null) return { writer: null, isFromStart: false };
  const matches = matcher(target.expected, target.actual ?? '');
  let since = end;
  let before: number | null = null;
  for (let i = end - 1; i >= 0; i -= 1) {
    const answers = possible(moments[i], target.event);
    if (answers.some(matches)) since = i;
    else if (answers.length > 0) {
      before = i;
      break;
    }
  }
  if (before === null) {
    const isFromStart = target.expected !== 'no row' && possible(moments[0], target.event).some(matches);
    return { writer: null, isFromStart };
  }
  const isRequest = (i: number) => moments[i]?.event?.kind === 'request' && moments[i] !== target;
  for (let i = since; i > before; i -= 1)
    // Where it was not tried for a while, what the reference holds says when it changed.
    if (isRequest(i) && (i === before + 1 || hasChanged(told, i)))
      return { writer: momentsOf(moments, i), isFromStart: false };
  return { writer: null, isFromStart: false };
}

function hasChanged(told: Told, at: number): boolean {
  const [was, is] = [viewAt(told, at - 1), viewAt(told, at)];
  return was !== is && JSON.stringify(was?.reference) !== JSON.stringify(is?.reference);
}

/** What the app without the migration may answer at a moment: more than one thing while an outcome is unknown. */
function possible(moment: Moment | undefined, asked: NonNullable<Moment['event']>): readonly string[] {
  const names = Object.keys(asked.params);
  const same = (moment?.probes ?? []).filter(
    ({ event }) =>
      event?.request === asked.request &&
      Object.keys(event.params).length === names.length &&
      names.every((name) => event.params[name] === asked.params[name]),
  );
  return same.flatMap(({ expected, actual, shown }) => [
    ...(expected === null ? [] : [expected]),
    ...(shown === null && actual !== null ? [actual] : []),
  ]);
}

/** Whether an answer has, where the reader's was wrong, what it should have been. */
function matcher(expected: string, actual: string): (answer: string) => boolean {
  const places = answerDifference(expected, actual);
  const should = answerRows(expected);
  if (places === null || places.length === 0 || should === null) return (answer) => answer === expected;
  return (answer) => {
    const rows = answerRows(answer);
    return (
      rows !== null &&
      rows.length === should.length &&
      places.every(
        ({ row, place }) => comparable(rows[row]?.[place] ?? null) === comparable(should[row]?.[place] ?? null),
      )
    );
  };
}

/** The data that a thread is about: that whose place is read, else that which was written. */
export function datumOf(data: readonly Datum[], thread: Pick<Thread, 'reads' | 'written'>): Datum | null {
  const has = (places: readonly ColumnName[]) => (each: Datum) =>
    each.places.some((p) => places.some((other) => samePlace(p, other)));
  const named = data.filter((each) => each.reference !== null);
  return (
    named.find(has(thread.reads)) ??
    named.find(has(thread.written.map((c) => c.place))) ??
    data.find(has(thread.reads)) ??
    named[0] ??
    data[0] ??
    null
  );
}
