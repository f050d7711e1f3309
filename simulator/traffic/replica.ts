/**
 * A replica in virtual time: a second pair of databases, the migrated one and its twin, on which everything that was
 * committed is run once more, in the same order and some time later: rows and schema. A read that comes to the replica is
 * run between the commits that it has and those that it has not.
 */
import type { Moment, Player } from '../engine/player.ts';
import { waitsUntil, type LockHold, type Touches } from './hold.ts';
import type { ReplicaLag } from './replica-lag.ts';
import { touchedNone } from '../explore/answer.ts';
import { isLast, type Flight, type Judge, type Sent, type Twins } from './twins.ts';

/** A request that has been committed, with its place in the batch that it was committed in. */
interface Request {
  readonly kind: 'request';
  readonly atMs: number;
  readonly sent: Sent;
  readonly moment: Moment;
  readonly place: number;
}

/** What a step or a stream did to the migrated database. */
interface Work {
  readonly kind: 'work';
  readonly atMs: number;
  readonly run: (player: Player) => Promise<unknown>;
}

const batchSize = 1_000;

export class Replica {
  private log: (Request | Work)[] = [];
  /** How much of the log has been applied. */
  private applied = 0;
  private lastMs = 0;
  private pending: Sent[] = [];
  private pendingMoment: Moment | null = null;
  private readonly flights = new Map<number, Flight>();
  private locks: LockHold[] = [];

  constructor(
    private readonly twins: Twins,
    readonly lag: ReplicaLag,
    /** Requests draw random values, by their place in a batch. */
    private readonly random: boolean,
    private readonly moment: (atMs: number) => Moment,
  ) {}

  /** Requests that are committed as a batch at the primary; those that only read change nothing here. */
  committed(batch: readonly Sent[], moment: Moment): void {
    for (const [place, sent] of batch.entries()) {
      if (sent.actual.reads && sent.twin.reads) continue;
      this.lastMs = Math.max(this.lastMs, sent.atMs);
      this.log.push({ kind: 'request', atMs: this.lastMs, sent: this.own(sent), moment, place });
    }
  }

  /** The same player; what is done to its database by steps and streams is done to the replica as well, later. */
  following(player: Player, timeOf: (moment: Moment) => number): Player {
    const later = (moment: Moment, run: Work['run']): void => {
      this.lastMs = Math.max(this.lastMs, timeOf(moment));
      this.log.push({ kind: 'work', atMs: this.lastMs, run });
    };
    return {
      ...player,
      script: (statements, moment) => {
        later(moment, (replica) => replica.script(statements, moment));
        return player.script(statements, moment);
      },
      transaction: (call, moment, migrates) => {
        if (call.writes || migrates) later(moment, (replica) => replica.transaction(call, moment, migrates));
        return player.transaction(call, moment, migrates);
      },
    };
  }

  /** Locks that keep readers out are replayed too, from when they are had; nobody queues for them on the replica. */
  locked(begunMs: number, holds: readonly LockHold[]): void {
    for (const hold of holds) {
      if (hold.isQueue === true || hold.mode !== 'AccessExclusiveLock') continue;
      const [fromMs, toMs] = [this.lag.arrival(begunMs + hold.fromMs), this.lag.arrival(begunMs + hold.toMs)];
      this.locks.push({ ...hold, fromMs, toMs });
    }
  }

  waitsUntil(touches: Touches, atMs: number): number {
    return waitsUntil(touches, atMs, 0, this.locks);
  }

  /** Reads in the order of time; `judge` is told of them, and of the requests that are applied before each. */
  async read(reads: readonly Sent[], judge: Judge): Promise<void> {
    for (const sent of reads) {
      const position = this.lag.position(sent.atMs);
      await this.apply(position, judge);
      if (this.random || this.pending.length >= batchSize) await this.flush(judge);
      this.pendingMoment ??= this.moment(Math.max(0, position));
      this.pending.push(sent);
      if (this.random) await this.flush(judge);
    }
    await this.flush(judge);
    await this.twins.settle();
  }

  private async apply(untilMs: number, judge: Judge): Promise<void> {
    for (; (this.log[this.applied]?.atMs ?? Infinity) <= untilMs; this.applied++) {
      const entry = this.log[this.applied] as Request | Work;
      if (entry.kind === 'request') {
        await this.join(entry, judge);
        continue;
      }
      await this.flush(judge);
      await this.twins.settle();
      await entry.run(this.twins.actual);
    }
    if (this.applied < batchSize) return;
    this.log = this.log.slice(this.applied);
    this.applied = 0;
  }

  /** Requests of one batch see the same clock here as there, and draw the same random values. */
  private async join({ sent, moment, place }: Request, judge: Judge): Promise<void> {
    const own = this.random ? { ...moment, seed: moment.seed + place - this.pending.length } : moment;
    const { pendingMoment: there } = this;
    const isOther = there !== null && (there.clockMs !== own.clockMs || there.seed !== own.seed);
    if (isOther || this.pending.length >= batchSize) await this.flush(judge);
    this.pendingMoment ??= this.random ? { ...moment, seed: moment.seed + place } : moment;
    this.pending.push(sent);
  }

  private async flush(judge: Judge): Promise<void> {
    const { pending, pendingMoment } = this;
    if (pendingMoment === null) return;
    this.pending = [];
    this.pendingMoment = null;
    await this.twins.play(pending, pendingMoment, judge);
  }

  /** What is remembered of a request in flight is another thing on the replica. */
  private own(sent: Sent): Sent {
    if (sent.flight === null) return sent;
    let flight = this.flights.get(sent.flight.id);
    if (flight === undefined) {
      flight = {
        ...sent.flight,
        touched: { actual: touchedNone, twin: touchedNone },
        differs: null,
        rows: null,
        over: false,
      };
      this.flights.set(flight.id, flight);
    }
    if (isLast(sent)) this.flights.delete(flight.id);
    return { ...sent, flight };
  }
}
