/**
 * Which locks a session takes while a statement runs. Postgres is asked by its own function, without SQL,
 * whenever it sends a message: so a lock is seen that is gone when the statement ends, in a statement that
 * can't run in a transaction as well.
 *
 * With debug messages on there is one right before each commit, when all that the transaction has locked is
 * still locked. What could be missed is a lock that is given back before that, with no message in between.
 */
import type { Gauges } from './boot.ts';

/** A statement that makes more objects than this is not asked about the rest of them. */
const mostNewObjects = 1000;
/** A loop that raises notices is no reason to look at each: after so many messages, one in 64 will do. */
const looksAtEachMessage = 5000;

export class LockWatch {
  private readonly held = new Map<number, number>();
  private readonly strongest = new Map<number, number>();
  private readonly firstNew: number;
  private messages = 0;

  constructor(
    private readonly gauges: Gauges,
    private readonly relations: readonly number[],
  ) {
    this.firstNew = gauges.nextOid();
    for (const relation of relations) this.held.set(relation, gauges.strongestLock(relation));
  }

  /** To be called at each message. */
  readonly onOutput = (): void => {
    if (++this.messages <= looksAtEachMessage || this.messages % 64 === 0) this.look();
  };

  look(): void {
    for (const relation of this.relations) this.lookAt(relation);
    // A relation that comes to be in the statement has one of the numbers given out since.
    const end = Math.min(this.gauges.nextOid(), this.firstNew + mostNewObjects);
    for (let oid = this.firstNew; oid < end; oid++) this.lookAt(oid);
  }

  /** Locks that were not held before, in this mode or a stronger one: relation → mode, from 1 to 8. */
  taken(): ReadonlyMap<number, number> {
    return new Map([...this.strongest].filter(([relation, mode]) => mode > (this.held.get(relation) ?? 0)));
  }

  /** Whether the relation was locked at all, be it since before. */
  sawLocked(relation: number): boolean {
    return this.strongest.has(relation);
  }

  private lookAt(relation: number): void {
    const mode = this.gauges.strongestLock(relation);
    if (mode > (this.strongest.get(relation) ?? 0)) this.strongest.set(relation, mode);
  }
}
