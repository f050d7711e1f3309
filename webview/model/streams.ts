/**
 * Streams and the replica as a history has them: from when to when a stream runs, what waits in it and whose change that is,
 * what became of it; and what the replica shows. All of it is read from what each moment says is on its way.
 */
import type { Moment, TableView } from '../../simulator/player/model.ts';
import { mentions } from './places.ts';
import { once, viewAt, type Subject, type Told } from './rows.ts';
import { errorOf } from './values.ts';

/** A change in a stream. */
export interface Carried {
  readonly stream: string;
  /** What its delivery runs. */
  readonly sql: string;
  /** The moment whose commit it is of. */
  readonly from: number;
  /** The moment at which it was delivered; null: it was not. */
  readonly delivered: number | null;
  /** The moment at which the stream was stopped with it; null: it was not. */
  readonly lost: number | null;
}

export interface StreamRun {
  readonly name: string;
  /** The table that it mirrors, where the recording says so. */
  readonly source: string | null;
  readonly from: number;
  /** The first moment at which it does not run any more; null: it runs to the end of the history. */
  readonly to: number | null;
  readonly changes: readonly Carried[];
}

/** What an event says of a delivery. */
export interface Delivery {
  readonly stream: string;
  readonly isAgain: boolean;
  readonly result: string;
}

export function isCatchUp(moment: Moment | undefined): boolean {
  return moment?.event?.kind === 'deliver' && moment.event.result.startsWith('the replica ') && moment.event.sql === '';
}

/** The delivery at a moment; null: it is none. */
export function deliveryOf(moment: Moment | undefined): Delivery | null {
  if (moment?.event?.kind !== 'deliver' || isCatchUp(moment)) return null;
  const { result } = moment.event;
  const known = (moment.queues ?? []).map((q) => q.stream).toSorted((a, b) => b.length - a.length);
  const stream = known.find((name) => result.startsWith(`${name}: `) || result.startsWith(`${name}, once more: `));
  if (stream === undefined) return null;
  const rest = result.slice(stream.length);
  const isAgain = rest.startsWith(', once more: ');
  return { stream, isAgain, result: rest.slice(isAgain ? ', once more: '.length : 2) };
}

/** Why a delivery failed; null: it did not, or it is none. */
export function deliveryError(moment: Moment | undefined): string | null {
  const delivery = deliveryOf(moment);
  return delivery === null ? null : (errorOf(delivery.result)?.message ?? null);
}

/** The streams of a history, each from where it was started to where it was stopped. */
export function streamRuns(told: Told): readonly StreamRun[] {
  return once(told, 'streams', () => {
    const { moments } = told.history;
    const names = new Set(moments.flatMap((m) => (m.queues ?? []).map((q) => q.stream)));
    return [...names].flatMap((name) => runsOf(moments, name)).toSorted((a, b) => a.from - b.from);
  });
}

function queueAt(moment: Moment | undefined, name: string): readonly string[] | null {
  return moment?.queues?.find((q) => q.stream === name)?.waiting ?? null;
}

function runsOf(moments: readonly Moment[], name: string): readonly StreamRun[] {
  const runs: StreamRun[] = [];
  for (let i = 0; i < moments.length; i += 1) {
    if (queueAt(moments[i], name) === null) continue;
    const from = i;
    while (queueAt(moments[i + 1], name) !== null) i += 1;
    const to = moments[i + 1] === undefined ? null : i + 1;
    runs.push({ name, source: sourceOf(moments[from], name), from, to, changes: changesOf(moments, name, from, to) });
  }
  return runs;
}

/** `forward mirrors users from now on`. */
function sourceOf(moment: Moment | undefined, name: string): string | null {
  const result = moment?.event?.result ?? '';
  const [start, end] = [`${name} mirrors `, ' from now on'];
  return result.startsWith(start) && result.endsWith(end) ? result.slice(start.length, -end.length) : null;
}

/** Queues are in order: what is delivered goes from the front, what an event adds comes at the end. */
function changesOf(moments: readonly Moment[], name: string, from: number, to: number | null): readonly Carried[] {
  interface Growing {
    readonly stream: string;
    readonly sql: string;
    readonly from: number;
    delivered: number | null;
    lost: number | null;
  }
  const all: Growing[] = [];
  let waiting: Growing[] = [];
  for (let i = from; i < (to ?? moments.length); i += 1) {
    const now = queueAt(moments[i], name) ?? [];
    const delivery = deliveryOf(moments[i]);
    const isOwn = delivery?.stream === name && !delivery.isAgain && errorOf(delivery.result) === null;
    const first = isOwn ? waiting.shift() : undefined;
    if (first !== undefined) first.delivered = i;
    // What is not as it was told is not known to be the same.
    const known = waiting.filter((each, k) => now[k] === each.sql);
    const added = now.slice(known.length).map((sql): Growing => ({
      stream: name,
      sql,
      from: i,
      delivered: null,
      lost: null,
    }));
    all.push(...added);
    waiting = [...known, ...added];
  }
  if (to !== null) for (const each of waiting) each.lost = to;
  return all;
}

/** What waits in a stream at a moment. */
export function waitingAt({ history }: Told, name: string, at: number): number {
  return queueAt(history.moments[at], name)?.length ?? 0;
}

/** Every change that the commits of some moments have put into streams. */
export function carriedFrom(told: Told, moments: readonly number[]): readonly Carried[] {
  return streamRuns(told).flatMap((run) => run.changes.filter((c) => moments.includes(c.from)));
}

/** The change that a moment delivers, for the first time or once more. Null: it delivers none, or nobody knows which. */
export function carriedAt(told: Told, at: number): Carried | null {
  const delivery = deliveryOf(told.history.moments[at]);
  if (delivery === null) return null;
  const changes = streamRuns(told)
    .filter((run) => run.name === delivery.stream && run.from <= at && at < (run.to ?? Infinity))
    .flatMap((run) => run.changes);
  const own = changes.find((c) => c.delivered === at);
  if (own !== undefined) return own;
  if (delivery.isAgain) return changes.findLast((c) => c.delivered !== null && c.delivered < at) ?? null;
  // One that fails is still in front of all others.
  return changes.find((c) => c.from < at && (c.delivered === null || c.delivered > at)) ?? null;
}

/** Whether the SQL of a delivery is one for the row, and writes to one of the tables. */
export function isFor({ sql }: Carried, subject: Subject, tables: readonly string[]): boolean {
  const isOfRow = subject.values.every((v) => v !== null && sql.includes(`'${v.replaceAll("'", "''")}'`));
  return isOfRow && tables.some((table) => mentions(sql, table));
}

/** Whether a request reads from the replica. */
export function readsReplica({ recording }: Told, moment: Moment | undefined): boolean {
  const version = recording.versions.find((v) => v.name === moment?.event?.version);
  return version?.requests.find((r) => r.name === moment?.event?.request)?.onReplica === true;
}

/** How far behind the replica is that a request reads from; null: it reads from the primary, or the replica is not behind. */
export function behindAt(told: Told, moment: Moment | undefined): number | null {
  return readsReplica(told, moment) ? (moment?.replica?.behind ?? null) : null;
}

/** The tables as the request of a moment finds them. */
export function tablesRead(told: Told, at: number, moment = told.history.moments[at]): readonly TableView[] {
  const own = readsReplica(told, moment) ? moment?.replica?.tables : undefined;
  return own ?? viewAt(told, at)?.tables ?? [];
}

/** The tables as the replica has them at a moment. */
export function replicaTables(told: Told, at: number): readonly TableView[] {
  return told.history.moments[at]?.replica?.tables ?? viewAt(told, at)?.tables ?? [];
}
