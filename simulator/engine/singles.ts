/**
 * Calls of one statement, which most are. Each goes to Postgres in one message with all that belongs to it:
 * the end of the transaction before, its own begin, the statement, and the content afterwards. A statement that
 * comes again and again on the same schema is prepared, so that it is parsed and planned once.
 */
import type { Database } from './database.ts';
import type { RunOptions } from './engine.ts';
import type { Outgoing, Reply, SqlError } from './protocol.ts';

/** Preparing pays from about this many runs. */
const runsBeforePrepared = 2;
const mostPrepared = 500;
const beginName = 'cutover_begin';
const rollbackName = 'cutover_rollback';
/** By the command tag, that is by Postgres itself: what it plans. Anything else gains nothing. */
const planned = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE']);
const unknownStatement = '26000';

interface Known {
  /** Times that it succeeded. */
  runs: number;
  /** Preparing it was tried, or gains nothing. */
  settled: boolean;
  prepared: string | null;
  givesRows: boolean;
}

/** Between transactions: prepares the statement that is to run afterwards, and names it. */
type Afterwards = (() => string) | null;

export interface SingleReply {
  readonly rows: Reply['rows'];
  readonly tag: string;
  readonly error: SqlError | null;
  /** What ran afterwards; meaningless after an error. */
  readonly after: Reply | null;
}

export class Singles {
  /** By clock and text: 'now' and 'today' become constants when a statement is parsed. */
  private readonly known = new Map<string, Known>();
  private readonly names: string[] = [];
  private count = 0;

  constructor(private readonly db: Database) {}

  /** Runs a plan's statement in a transaction that stays open, and `afterwards` in the same. */
  run(sql: string, clock: RunOptions['clock'], afterwards: Afterwards): SingleReply {
    const known = this.knownOf(`${clock}${sql}`);
    if (!known.settled && known.runs >= runsBeforePrepared) {
      known.settled = true;
      known.prepared = this.prepare(sql);
    }
    if (known.prepared === null) return this.plain(sql, known, afterwards);
    const reply = this.again(sql, known.prepared, known.givesRows, afterwards);
    if (reply.error?.sqlstate !== unknownStatement) return reply;
    // Code of the plan's own took the prepared statements away.
    this.db.forgetPrepared();
    this.names.length = 0;
    this.known.clear();
    return this.plain(sql, this.knownOf(`${clock}${sql}`), afterwards);
  }

  private knownOf(key: string): Known {
    let known = this.known.get(key);
    if (known === undefined)
      this.known.set(key, (known = { runs: 0, settled: false, prepared: null, givesRows: false }));
    return known;
  }

  /** Another schema: what was planned for this one is of no more use. */
  clear(): void {
    const { names } = this;
    if (names.length > 0) this.db.extended((out) => names.forEach((name) => out.closeStatement(name)) ?? out.sync());
    names.length = 0;
    this.known.clear();
  }

  private plain(sql: string, known: Known, afterwards: Afterwards): SingleReply {
    const reply = this.send(sql, afterwards, (out) => out.query(`ROLLBACK;BEGIN;\n${sql}`));
    if (reply.error === null) {
      known.runs++;
      known.givesRows = reply.rows !== null;
      if (!planned.has(reply.tag.split(' ', 1)[0] ?? '')) known.settled = true;
    }
    return reply;
  }

  private again(sql: string, name: string, givesRows: boolean, afterwards: Afterwards): SingleReply {
    const reply = this.send(sql, afterwards, (out) =>
      out.execute(rollbackName).execute(beginName).execute(name).sync(),
    );
    return givesRows ? reply : { ...reply, rows: null };
  }

  private send(sql: string, afterwards: Afterwards, build: (out: Outgoing) => void): SingleReply {
    const name = afterwards === null ? null : afterwards();
    const [own, after = null] = this.db.userThen(sql, (out) => {
      build(out);
      if (name !== null) out.execute(name).sync();
    });
    if (own === undefined) throw new Error('a statement was not answered');
    return { rows: own.rows, tag: own.tag, error: own.error, after };
  }

  /** Between transactions; null when the statement can't be prepared. */
  private prepare(sql: string): string | null {
    if (this.names.length >= mostPrepared) return null;
    this.db.prepareApart(rollbackName, 'ROLLBACK');
    this.db.prepareApart(beginName, 'BEGIN');
    this.db.attempt('ROLLBACK');
    const name = `cutover_single_${this.count++}`;
    const { error } = this.db.extended((out) => out.parse(name, sql).sync());
    if (error !== null) return null;
    this.names.push(name);
    return name;
  }
}
