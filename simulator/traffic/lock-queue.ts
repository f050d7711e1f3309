/**
 * What requests see of one lock, in virtual time: a statement that wants the lock, perhaps a slow query in
 * front of it, Postgres' queue (a request that conflicts with a *waiting* lock waits behind it, even if it could share
 * the table with those who hold it), the app's connections, and clients that give up.
 *
 * Arrivals are evenly spaced, so the result is a function of the input alone. Where there are too many of them,
 * neighbours arrive together in groups; the middle of a long block, where the same happens again and
 * again, is not run but extrapolated. Both are said in the result.
 */
import type { LockMode } from '../engine/engine.ts';
import { conflicts } from './conflicts.ts';

export interface LockWanted {
  readonly mode: LockMode;
  /** Once it has it. */
  readonly holdMs: number;
  /** 0: it waits for as long as it takes. */
  readonly lockTimeoutMs: number;
  /** How often it is tried again after running into its `lock_timeout`. */
  readonly retries: number;
  readonly retryPauseMs: number;
}

export interface QueueInput {
  readonly lock: LockWanted;
  /** What already holds a lock when the statement comes, and for how much longer. */
  readonly front: { readonly mode: LockMode; readonly ms: number } | null;
  readonly requests: readonly { readonly mode: LockMode; readonly perSecond: number }[];
  readonly serviceMs: number;
  readonly pool: number;
  readonly timeoutMs: number;
  /** Waiting longer than this counts as an outage. */
  readonly maxBlockMs: number;
  /** Groups that arrivals are put into at most. */
  readonly maxGroups?: number;
}

export interface QueueResult {
  /** Answered, but later than without the lock. */
  readonly delayed: number;
  /** Given up by the client. */
  readonly failed: number;
  readonly longestWaitMs: number;
  /** Time in which a request that comes waits longer than `maxBlockMs`, or fails. */
  readonly outageMs: number;
  /** False: every try ran into its `lock_timeout`. */
  readonly acquired: boolean;
  readonly attempts: number;
  /** Requests that arrive together; 1: each was followed on its own. */
  readonly groupSize: number;
  /** Milliseconds of the block that were extrapolated. */
  readonly extrapolatedMs: number;
}

interface Group {
  readonly arrived: number;
  readonly kind: number;
  /** Time until the next group of its kind arrives. */
  readonly span: number;
  count: number;
}

const defaultGroups = 4_000;
/** Whatever the plan states, it is not to take seconds. */
const mostGroups = 200_000;
/** Blocks longer than this many request timeouts are extrapolated: after two of them nothing new happens. */
const followedTimeouts = 4;

export function simulateQueue(input: QueueInput): QueueResult {
  const { lock, front, timeoutMs } = input;
  // A lock timeout ends a wait before anything repeats itself.
  const blockMs = (lock.lockTimeoutMs === 0 ? (front?.ms ?? 0) : 0) + lock.holdMs;
  const skipped = Math.max(0, blockMs - followedTimeouts * timeoutMs);
  const holdCut = Math.min(skipped, lock.holdMs);
  const shorter: QueueInput = {
    ...input,
    lock: { ...lock, holdMs: lock.holdMs - holdCut },
    front: front === null ? null : { ...front, ms: front.ms - (skipped - holdCut) },
  };
  return new Simulation(skipped > 0 ? shorter : input).run(skipped);
}

/** First in, first out. */
class Fifo<T> {
  private items: T[] = [];
  private first = 0;

  get head(): T | undefined {
    return this.items[this.first];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): void {
    this.first += 1;
    if (this.first < 1024 || this.first * 2 < this.items.length) return;
    this.items = this.items.slice(this.first);
    this.first = 0;
  }
}

interface Served {
  readonly until: number;
  readonly kind: number;
  readonly count: number;
}

class Simulation {
  private now = 0;
  private readonly pool: number;
  private readonly groupSize: number;
  /** Of each kind of request: whether the lock that is wanted keeps it out. */
  private readonly kept: readonly boolean[];
  /** Of each kind: number of the next group. */
  private readonly next: number[];
  private readonly spans: readonly number[];

  private readonly served = new Fifo<Served>();
  private readonly waiting = new Fifo<Group>();
  private readonly queued = new Fifo<Group>();
  private connections = 0;
  /** Requests at work that the wanted lock has to wait for. */
  private inTheWay = 0;
  private frontUntil: number;

  private lockState: 'away' | 'waiting' | 'held' | 'done' = 'away';
  private lockChange = 0;
  private attempts = 0;
  private acquired = false;

  private delayed = 0;
  private failed = 0;
  private longest = 0;
  /** When the last request that had waited began. */
  private lastWaited = -Infinity;
  private readonly bad: { from: number; to: number }[] = [];
  /** Outcomes of those that arrive while the block repeats itself. */
  private readonly sample = { delayed: 0, failed: 0 };

  constructor(private readonly input: QueueInput) {
    const { requests, lock, front, serviceMs } = input;
    const perSecond = requests.reduce((sum, r) => sum + r.perSecond, 0);
    // In a pool that the stated traffic does not fit into, requests would wait without any lock.
    const needed = requests.reduce((sum, r) => sum + Math.ceil((r.perSecond * serviceMs) / 1000) + 1, 0);
    this.pool = Math.max(input.pool, needed);
    this.kept = requests.map((r) => conflicts(lock.mode, r.mode));
    this.groupSize = this.chooseGroupSize(perSecond);
    this.spans = requests.map((r) => (r.perSecond > 0 ? (this.groupSize * 1000) / r.perSecond : Infinity));
    this.next = requests.map(() => 0);
    this.frontUntil = front !== null && conflicts(lock.mode, front.mode) ? front.ms : -Infinity;
  }

  private chooseGroupSize(perSecond: number): number {
    const { lock, front, timeoutMs, serviceMs, maxGroups } = this.input;
    const wait = lock.lockTimeoutMs === 0 ? (front?.ms ?? 0) : lock.lockTimeoutMs * (lock.retries + 1);
    const blocked = wait + lock.holdMs;
    const expected = (perSecond * (blocked + Math.min(blocked, timeoutMs) + 2 * serviceMs)) / 1000;
    const size = Math.ceil(expected / (maxGroups ?? defaultGroups));
    // Larger groups than that would fill the pool by themselves.
    const gentle = Math.min(size, Math.floor(this.pool / 4));
    return Math.max(1, gentle, Math.ceil(expected / mostGroups));
  }

  run(skipped: number): QueueResult {
    this.startArrivals(-2 * this.input.serviceMs);
    while (!this.isOver()) this.step();
    const again = skipped / this.input.timeoutMs;
    const perTimeout = this.outageBetween(2 * this.input.timeoutMs, 3 * this.input.timeoutMs);
    return {
      delayed: Math.round(this.delayed + this.sample.delayed * again),
      failed: Math.round(this.failed + this.sample.failed * again),
      longestWaitMs: this.longest,
      outageMs: this.outageBetween(-Infinity, Infinity) + perTimeout * again,
      acquired: this.acquired,
      attempts: this.attempts,
      groupSize: this.groupSize,
      extrapolatedMs: skipped,
    };
  }

  private isOver(): boolean {
    return this.lockState === 'done' && this.isCalm();
  }

  private isCalm(): boolean {
    return this.waiting.head === undefined && this.queued.head === undefined;
  }

  /** Arrivals go on from the next that is due. */
  private startArrivals(from: number): void {
    this.spans.forEach((span, kind) => {
      this.next[kind] = span === Infinity ? Infinity : Math.ceil(from / span - 0.5);
    });
  }

  /** Groups arrive in the middle of their span. */
  private arrivalOf(kind: number): number {
    const next = this.next[kind] ?? Infinity;
    return next === Infinity ? Infinity : (next + 0.5) * (this.spans[kind] ?? 0);
  }

  /** The next thing that happens. What frees comes before what asks, at the same moment. */
  private step(): void {
    const { serviceMs, timeoutMs } = this.input;
    const undisturbed = this.isCalm() && this.now > this.lastWaited + serviceMs;
    if (this.lockState === 'away' && undisturbed && this.lockChange - this.now > 4 * serviceMs) {
      // Nothing waits, and nothing will until the next try.
      this.now = this.lockChange - 2 * serviceMs;
      if (this.frontUntil <= this.now) this.frontUntil = -Infinity;
      while (this.served.head !== undefined) this.endService(this.served.head);
      this.startArrivals(this.now);
      return;
    }
    const arrivals = this.next.map((_, kind) => this.arrivalOf(kind));
    const arrival = arrivals.length === 0 ? Infinity : Math.min(...arrivals);
    const service = this.served.head?.until ?? Infinity;
    const oldest = Math.min(this.waiting.head?.arrived ?? Infinity, this.queued.head?.arrived ?? Infinity);
    const front = this.frontUntil >= this.now ? this.frontUntil : Infinity;
    const lockChange = this.lockState === 'done' ? Infinity : this.lockChange;
    const time = Math.min(service, front, lockChange, oldest + timeoutMs, arrival);
    this.now = time;
    if (service === time && this.served.head !== undefined) this.endService(this.served.head);
    else if (front === time) this.frontUntil = -Infinity;
    else if (lockChange === time) this.changeLock();
    else if (oldest + timeoutMs === time) this.giveUp(oldest);
    else this.arrive(arrivals.indexOf(arrival));
    this.settle();
  }

  private endService(served: Served): void {
    this.served.shift();
    this.connections -= served.count;
    if (this.kept[served.kind] === true) this.inTheWay -= served.count;
  }

  private changeLock(): void {
    const { lock } = this.input;
    switch (this.lockState) {
      case 'away':
        this.lockState = 'waiting';
        this.attempts += 1;
        this.lockChange = lock.lockTimeoutMs === 0 ? Infinity : this.now + lock.lockTimeoutMs;
        return;
      case 'waiting': {
        const again = this.attempts <= lock.retries;
        this.lockState = again ? 'away' : 'done';
        this.lockChange = this.now + lock.retryPauseMs;
        return;
      }
      case 'held':
        this.lockState = 'done';
        return;
      case 'done':
        return;
    }
  }

  private arrive(kind: number): void {
    const arrived = this.now;
    this.next[kind] = (this.next[kind] ?? 0) + 1;
    this.queued.push({ arrived, kind, span: this.spans[kind] ?? 0, count: this.groupSize });
  }

  private giveUp(arrived: number): void {
    for (const line of [this.waiting, this.queued])
      for (let group = line.head; group !== undefined && group.arrived === arrived; group = line.head) {
        line.shift();
        if (line === this.waiting) this.connections -= group.count;
        this.failed += group.count;
        if (this.isSampled(group)) this.sample.failed += group.count;
        this.longest = Math.max(this.longest, this.input.timeoutMs);
        this.noteBad(group);
      }
  }

  private isSampled({ arrived }: Group): boolean {
    return arrived >= 2 * this.input.timeoutMs && arrived < 3 * this.input.timeoutMs;
  }

  /** Whoever can go on does: the lock, those who waited for it, those who waited for a connection. */
  private settle(): void {
    if (this.lockState === 'waiting' && this.inTheWay === 0 && this.frontUntil === -Infinity) {
      this.lockState = 'held';
      this.acquired = true;
      this.lockChange = this.now + this.input.lock.holdMs;
    }
    const shut = this.lockState === 'waiting' || this.lockState === 'held';
    if (!shut)
      for (let group = this.waiting.head; group !== undefined; group = this.waiting.head) {
        this.waiting.shift();
        this.begin(group, group.count);
      }
    for (let group = this.queued.head; group !== undefined && this.connections < this.pool; group = this.queued.head) {
      const count = Math.min(group.count, this.pool - this.connections);
      this.connections += count;
      if (shut && this.kept[group.kind] === true) this.waiting.push({ ...group, count });
      else this.begin(group, count);
      if (count === group.count) this.queued.shift();
      else group.count -= count;
    }
  }

  /** They have a connection and no lock in front of them. */
  private begin(group: Group, count: number): void {
    this.served.push({ until: this.now + this.input.serviceMs, kind: group.kind, count });
    if (this.kept[group.kind] === true) this.inTheWay += count;
    const wait = this.now - group.arrived;
    if (wait <= 0) return;
    this.lastWaited = this.now;
    this.delayed += count;
    if (this.isSampled(group)) this.sample.delayed += count;
    this.longest = Math.max(this.longest, wait);
    if (wait > this.input.maxBlockMs) this.noteBad(group);
  }

  private noteBad({ arrived, span }: Group): void {
    const last = this.bad.at(-1);
    if (last !== undefined && arrived <= last.to && arrived >= last.from) last.to = Math.max(last.to, arrived + span);
    else this.bad.push({ from: arrived, to: arrived + span });
  }

  /** Length of the union of what was noted, within bounds. */
  private outageBetween(from: number, to: number): number {
    let total = 0;
    let end = from;
    for (const each of this.bad.toSorted((a, b) => a.from - b.from)) {
      const begin = Math.max(each.from, end);
      const stop = Math.min(each.to, to);
      if (stop <= begin) continue;
      total += stop - begin;
      end = stop;
    }
    return total;
  }
}
