/**
 * Requests through virtual time: they arrive at random at the rate of the plan, take a while, wait for locks, and are
 * run in the order in which they commit.
 */
import type { Moment } from '../engine/player.ts';
import { showAnswer, touchedNone, type Answer } from '../explore/answer.ts';
import type { Plan } from '../plan/model.ts';
import { EventQueue } from './event-queue.ts';
import { waitsUntil, type LockHold } from './hold.ts';
import type { Mirrors } from './mirrors.ts';
import type { Pace } from './pace.ts';
import { Random } from './random.ts';
import type { Recorder } from './recorder.ts';
import type { Replica } from './replica.ts';
import type { Pods } from './rollout.ts';
import type { Difference, Flight, Judge, Sent, Twins } from './twins.ts';
import type { Answerer, Workload } from './workload.ts';

/** Noon of the first day, as in a rehearsal. */
const beginning = Date.UTC(2024, 0, 1, 12);
const batchSize = 1_000;
/** Streams that feed each other never come to an end. */
const mostPauses = 20;
/** Milliseconds that a request takes; the same between the statements of one that commits several times. */
const [shortestMs, longestMs] = [1, 20];

/** Requests in flight with the tables that they write. */
type Unsettled = Map<Flight, ReadonlySet<string>>;

export interface StreamInput {
  readonly plan: Plan;
  readonly pace: Pace;
  readonly seed: number;
  readonly workload: Workload;
  readonly twins: Twins;
  readonly recorder: Recorder;
  readonly pods: Pods;
  readonly mirrors: Mirrors;
  /** Null: no request reads from it. */
  readonly replica: Replica | null;
  /** Throws when the run is to end. */
  readonly onBatch: () => void;
}

export function momentOf(seed: number, atMs: number): Moment {
  return { clockMs: beginning + Math.floor(atMs), seed: (seed + Math.floor(atMs)) | 0 };
}

/** Virtual time of a moment. */
export function timeOf({ clockMs }: Moment): number {
  return clockMs - beginning;
}

export class Stream {
  /** Virtual time, in milliseconds. */
  now = 0;
  /** Place of the step that began last; -1 before the first. */
  step = -1;
  private readonly begun: number[] = [];
  /** The app is stopped for a step. */
  stopped = false;
  ran = 0;
  holds: { readonly begun: number; readonly list: readonly LockHold[] } = { begun: 0, list: [] };
  private readonly queue = new EventQueue<Sent>();
  private readonly random: Random;
  private flights = 0;
  /** Requests in flight whose effect the twin does not have yet, or has not in the same way. */
  private readonly unsettled: Unsettled = new Map();
  /** The same, of what the replica has come to. */
  private readonly unsettledThere: Unsettled = new Map();
  /** Reads of the replica that its own twin would have answered otherwise. */
  private readonly doubtful = new Map<Sent, Answer>();

  constructor(private readonly input: StreamInput) {
    this.random = new Random(input.seed);
  }

  get second(): number {
    return Math.floor(this.now / 1000);
  }

  begin(step: number): void {
    this.step = step;
    this.begun[step] = this.now;
  }

  moment(atMs = this.now): Moment {
    return momentOf(this.input.seed, atMs);
  }

  /** Goes on to a moment, with about so many of the requests that arrive until then. */
  async advance(toMs: number, budget: number): Promise<void> {
    const from = this.now;
    if (toMs <= from) return;
    const arriving = this.stopped ? 0 : this.input.workload.perSecond / 1000;
    const ratio = arriving === 0 ? 0 : Math.min(1, budget / (arriving * (toMs - from)));
    let ran = 0;
    if (ratio > 0) {
      const rate = arriving * ratio;
      for (let at = from + this.random.gap(rate); at < toMs; at += this.random.gap(rate)) {
        if (this.arrive(at)) ran++;
        // What commits before the next can arrive is run at once: a long stretch is not held in memory.
        if (this.queue.size >= batchSize) await this.runUntil(at);
      }
    }
    await this.runUntil(toMs);
    this.now = toMs;
    this.ran += ran;
    this.input.recorder.sampled(from, toMs, ran, ratio === 1 ? ran : ran / Math.max(ratio, Number.MIN_VALUE));
  }

  /** Lets the requests that are on their way end. */
  async drain(): Promise<void> {
    while (this.queue.size > 0) await this.advance(Math.ceil(this.queue.next), 0);
  }

  /** The traffic pauses until the streams have delivered everything, and goes on until the replica has what there is now. */
  async catchUp(budget: number): Promise<void> {
    const { mirrors, pace, replica } = this.input;
    await this.drain();
    const before = this.stopped;
    this.stopped = true;
    for (let tries = 0; !mirrors.isCaughtUp && tries < mostPauses; tries++)
      await this.advance(this.now + pace.streamLagMs, 0);
    this.stopped = before;
    if (replica !== null) await this.advance(Math.ceil(replica.lag.arrival(this.now)), budget);
  }

  /** False: this version has no such request, and its clients do not send it. */
  private arrive(at: number): boolean {
    const { workload, pods, pace, recorder } = this.input;
    const version = pods.pick(this.random);
    const request = workload.pick(this.random);
    const client = workload.requests[request];
    const actual = workload.answererOf(version, request);
    const twin = workload.answererOf(0, request);
    if (client === undefined || twin === undefined) return false;
    const values = workload.values(client, this.random);
    let takes = this.random.integer(shortestMs, longestMs);
    if (actual === undefined) return false;
    const until = this.waitsUntil(actual, at);
    if (until > at) {
      const gaveUp = at + pace.requestTimeoutMs;
      recorder.wait(at, Math.min(until, gaveUp), version);
      if (until > gaveUp) {
        this.timeout(version, request, values, gaveUp);
        return true;
      }
      takes += until - at;
    }
    this.send({ version, request, values, actual, twin, step: this.step }, at + takes);
    return true;
  }

  private waitsUntil({ request, touches }: Answerer, at: number): number {
    const { replica } = this.input;
    if (request.onReplica && replica !== null) return replica.waitsUntil(touches, at);
    return waitsUntil(touches, at, this.holds.begun, this.holds.list);
  }

  /** It was never run: the client got an error after waiting for a lock. */
  private timeout(version: number, request: number, values: Sent['values'], atMs: number): void {
    const { recorder, pace } = this.input;
    const second = Math.floor(atMs / 1000);
    recorder.count(second, version, 'failed');
    this.example('failed', { version, request, values, step: this.step }, second, {
      expected: 'an answer',
      actual: `no answer within ${pace.requestTimeoutMs / 1000} s: it waited for a lock`,
    });
  }

  private send(base: Omit<Sent, 'atMs' | 'statement' | 'flight'>, atMs: number): void {
    const { actual, twin } = base;
    if (!actual.stepwise) return this.queue.add(atMs, { ...base, atMs, statement: -1, flight: null });
    const flight: Flight = {
      id: ++this.flights,
      sideBySide: sameSteps(actual, twin),
      touched: { actual: touchedNone, twin: touchedNone },
      differs: null,
      rows: null,
      over: false,
    };
    let at = atMs;
    for (const statement of actual.commits) {
      this.queue.add(at, { ...base, atMs: at, statement, flight });
      at += this.random.integer(shortestMs, longestMs);
    }
  }

  private async runUntil(toMs: number): Promise<void> {
    const { mirrors, twins } = this.input;
    while (this.queue.next <= toMs) {
      await this.deliver(this.queue.next);
      const until = Math.min(toMs, this.queue.next + (mirrors.span ?? Infinity));
      const batch: Sent[] = [];
      while (batch.length < batchSize && this.queue.next <= until) batch.push(this.queue.take() as Sent);
      this.input.onBatch();
      await twins.play(await this.atPrimary(batch), this.moment(batch[0]?.atMs), this.judge);
      await this.mirror(batch.at(-1)?.atMs ?? until);
    }
    await this.deliver(toMs);
  }

  /**
   * Runs what the replica is asked, and gives what is left to the primary. What differs from what its twin said then is right all the same
   * where the twin says so now: of that the twin is asked in its turn.
   */
  private async atPrimary(batch: readonly Sent[]): Promise<readonly Sent[]> {
    const { replica, recorder } = this.input;
    if (replica === null) return batch;
    const reads = batch.filter((sent) => sent.actual.request.onReplica);
    replica.committed(batch, this.moment(batch[0]?.atMs));
    let last = -1;
    for (const { atMs, version } of reads) {
      const second = Math.floor(atMs / 1000);
      const ms = Math.round(atMs - replica.lag.position(atMs));
      recorder.behind(second, version, ms);
      if (second > last) recorder.lag('replica', second, ms);
      last = second;
    }
    await replica.read(reads, this.judgeThere);
    const rest = batch.map((sent) =>
      sent.actual.request.onReplica ? { ...sent, shown: this.doubtful.get(sent) ?? null } : sent,
    );
    this.doubtful.clear();
    return rest;
  }

  /** What has been committed until a moment is on its way. */
  async mirror(atMs = this.now): Promise<void> {
    const { mirrors, twins } = this.input;
    if (mirrors.span === null) return;
    await twins.settle();
    await mirrors.collect(atMs);
  }

  private async deliver(atMs: number): Promise<void> {
    const { mirrors, twins } = this.input;
    if (mirrors.span === null) return;
    await twins.settle();
    await mirrors.deliver(atMs);
  }

  private readonly judge: Judge = {
    ended: (sent, difference, refused) => {
      this.input.recorder.ran(sent.request, refused);
      this.ended(sent, difference);
    },
    began: ({ actual }, flight) => {
      if (!flight.sideBySide) this.unsettled.set(flight, actual.touches.writes);
    },
  };

  private readonly judgeThere: Judge = {
    ended: (sent, difference, refused) => {
      if (!sent.actual.request.onReplica) return;
      const isJudged = difference?.kind === 'fails' || !isUnsettled(this.unsettledThere, sent);
      if (difference !== null && isJudged) return void this.doubtful.set(sent, difference.actual);
      this.input.recorder.ran(sent.request, refused);
      this.input.recorder.count(Math.floor(sent.atMs / 1000), sent.version, difference === null ? 'ok' : 'unjudged');
    },
    began: ({ actual }, flight) => {
      if (!flight.sideBySide) this.unsettledThere.set(flight, actual.touches.writes);
    },
  };

  private ended(sent: Sent, difference: Difference | null): void {
    const { recorder } = this.input;
    const second = Math.floor(sent.atMs / 1000);
    if (difference === null) return recorder.count(second, sent.version, 'ok');
    if (difference.kind !== 'fails' && isUnsettled(this.unsettled, sent))
      return recorder.count(second, sent.version, 'unjudged');
    const kind = difference.kind === 'fails' ? 'failed' : 'wrong';
    recorder.count(second, sent.version, kind);
    const [expected, actual] = [showAnswer(difference.expected), showAnswer(difference.actual)];
    this.example(kind, { ...sent, step: this.stepAt(sent.atMs) }, second, { expected, actual });
  }

  /** A request may have come during one step and committed in the next. */
  private stepAt(atMs: number): number {
    return this.begun.findLastIndex((begun) => begun < atMs);
  }

  private example(
    kind: 'failed' | 'wrong',
    sent: Pick<Sent, 'version' | 'request' | 'values' | 'step'>,
    second: number,
    said: { readonly expected: string; readonly actual: string },
  ): void {
    const { recorder, workload, plan } = this.input;
    const client = workload.requests[sent.request];
    const version = workload.versions[sent.version] ?? '';
    if (client === undefined || !recorder.wants(kind, version, client.name)) return;
    const params = Object.fromEntries(client.params.map((name, i) => [name, sent.values[i] ?? null]));
    const step = plan.steps[sent.step]?.name ?? null;
    recorder.example({ kind, second, step, version, request: client.name, params, ...said });
  }
}

/** Another request, which commits in other steps than the twin's, is on its way and writes what this one touches. */
function isUnsettled(unsettled: Unsettled, sent: Sent): boolean {
  for (const [flight, writes] of unsettled) {
    if (flight.over) unsettled.delete(flight);
    else if (flight !== sent.flight && [...writes].some((t) => sent.actual.touches.reads.has(t))) return true;
  }
  return false;
}

/** Both commit after each of as many statements: neither sees more of the other requests than the other. */
function sameSteps(actual: Answerer, twin: Answerer): boolean {
  const shape = ({ request, commits, answering }: Answerer): string =>
    JSON.stringify([request.statements.length, commits, answering]);
  return twin.stepwise && shape(actual) === shape(twin);
}
