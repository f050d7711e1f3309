/**
 * The thread of a write: which request gave the value that a reader should have seen, which places it reached, and where it
 * breaks on its way to the reader. All of it is read from the recorded moments and from what was tried at each of them.
 */
import type { ColumnName, Moment } from '../../simulator/player/model.ts';
import { changesAt, includesPlace, isWritten, jobRuns, momentsOf, type CellChange, type JobRun } from './changes.ts';
import { dataOf, placesOf, relatedTables, samePlace, type Datum } from './places.ts';
import { readsAt } from './question.ts';
import { cellOf, sameCell, viewAt, type Subject, type Told } from './rows.ts';
import { behindAt, carriedFrom, deliveryOf, isFor, tablesRead } from './streams.ts';
import { answerDifference, answerRows, comparable } from './values.ts';

export interface Break {
  /**
   * `missed`: the write never came to the place that is read. `overwritten`: it did, and something went over it. `stored`: it
   * did, as something else. `copied`: nobody wrote it, and the copy made something else of it. `never`: nothing ever filled it.
   * `undelivered`: it waits in a stream. `dropped`: it waited in one that was stopped. `behind`: the place has it, and the reader
   * asks a replica that has not.
   */
  readonly kind: 'missed' | 'overwritten' | 'stored' | 'copied' | 'never' | 'undelivered' | 'dropped' | 'behind';
  readonly moment: number;
  /** The stream that should have brought it, or that has written over it. */
  readonly stream?: string;
  /** Of a replica: commits that it has not seen. */
  readonly behind?: number;
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
  /** The moment at which a stream brought it to the place that is read; null: none did. */
  readonly brought: number | null;
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
  const brought = broughtAt(told, end, subject, writer ?? [], reads);
  const last = brought ?? writer?.at(-1) ?? 0;
  const wrongFrom = Math.max(filled ?? 0, last);
  const isReached = brought !== null || written.some((change) => includesPlace(reads, change.place));
  const broken =
    behindOf(told, end, subject, reads, reader) ??
    breakOf(told, subject, { end, reads, writer, filled, isReached, last });
  const isDone = ({ to }: JobRun) => to !== null && to <= end && moments[to]?.event?.kind !== 'crash';
  const passed = jobRuns(moments).filter(
    (run) =>
      isDone(run) && (run.to ?? 0) > wrongFrom && (filled === null || filled < run.from || filled >= (run.to ?? 0)),
  );
  const checked = moments.flatMap((m, i) =>
    i > wrongFrom && i <= end && m.event?.kind === 'step' && m.event.result === 'the checks pass' ? [i] : [],
  );
  // What the replica has not seen went right on the primary: no check and no copy has passed over it.
  const isBehind = broken.kind === 'behind';
  return {
    reads,
    writer,
    isFromStart,
    written,
    brought,
    broken,
    filled,
    wrongFrom,
    passed: isBehind ? [] : passed,
    checked: isBehind ? [] : checked,
  };
}

/** The last moment at which a stream delivered what was written to a place that is read. */
function broughtAt(
  told: Told,
  end: number,
  subject: Subject,
  writer: readonly number[],
  reads: readonly ColumnName[],
): number | null {
  const found = carriedFrom(told, writer).flatMap(({ delivered }) =>
    delivered !== null && delivered <= end && changesAt(told, delivered, subject, reads).length > 0 ? [delivered] : [],
  );
  return found.length === 0 ? null : Math.max(...found);
}

/** Where the reader asks a replica that has not seen what the primary holds. */
function behindOf(
  told: Told,
  end: number,
  subject: Subject,
  reads: readonly ColumnName[],
  reader: Moment,
): Break | null {
  const behind = behindAt(told, reader);
  const [there, here] = [tablesRead(told, end, reader), viewAt(told, end)?.tables ?? []];
  const isOther = reads.some((p) => !sameCell(cellOf(there, p, subject), cellOf(here, p, subject)));
  return behind === null || !isOther
    ? null
    : { kind: 'behind', moment: lastChange(told, end, subject, reads) ?? end, behind };
}

/** Where what was written waits in a stream, or was lost with one. */
function inStream(
  told: Told,
  end: number,
  subject: Subject,
  writer: readonly number[],
  reads: readonly ColumnName[],
): Break | null {
  const tables = reads.map((p) => p.table);
  const left = carriedFrom(told, writer).filter(
    (c) => isFor(c, subject, tables) && (c.delivered === null || c.delivered > end),
  );
  const lost = left.find((c) => c.lost !== null && c.lost <= end);
  if (lost !== undefined) return { kind: 'dropped', moment: lost.lost ?? end, stream: lost.stream };
  const [waits] = left;
  return waits === undefined ? null : { kind: 'undelivered', moment: waits.from, stream: waits.stream };
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
    readonly end: number;
    readonly reads: readonly ColumnName[];
    readonly writer: readonly number[] | null;
    readonly filled: number | null;
    readonly isReached: boolean;
    /** When it was written, or brought by a stream. */
    readonly last: number;
  },
): Break {
  const { end, reads, writer, filled, isReached, last } = known;
  if (writer !== null) {
    const isLater = filled !== null && filled > last && !writer.includes(filled);
    if (isReached)
      return isLater ? { kind: 'overwritten', moment: filled, ...by(told, filled) } : { kind: 'stored', moment: last };
    return inStream(told, end, subject, writer, reads) ?? { kind: 'missed', moment: last };
  }
  if (filled === null) return { kind: 'never', moment: 0 };
  const change = changesAt(told, filled, subject, reads).find((c) => includesPlace(reads, c.place));
  const isEmpty = change !== undefined && change.before.kind !== 'value' && !isWritten(change);
  const isCreated = isEmpty || change?.after.kind !== 'value';
  if (isCreated) return { kind: 'never', moment: filled };
  const kind = told.history.moments[filled]?.event?.kind;
  const isWrite = kind === 'request' || kind === 'deliver';
  return { kind: isWrite ? 'overwritten' : 'copied', moment: filled, ...by(told, filled) };
}

function by({ history }: Told, at: number): Pick<Break, 'stream'> {
  const delivery = deliveryOf(history.moments[at]);
  return delivery === null ? {} : { stream: delivery.stream };
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
