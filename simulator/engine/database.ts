/**
 * One session of Postgres in this thread. Statements of plans and statements of the engine's own go
 * different ways: the text of a plan's statement is left in shared memory while it runs, where the main
 * thread reads it when nothing answers any more.
 */
import type { Gauges, Wire } from './boot.ts';
import { searchDatabase, splitDatabase } from './databases.ts';
import { Outgoing, readReplies } from './protocol.ts';
import type { Reply, SqlError } from './protocol.ts';
import type { ProgressWriter } from './progress.ts';

/** The session or the engine is lost; `sql` is what it ran. */
export class SessionLost extends Error {
  constructor(
    message: string,
    readonly sql: string | null,
  ) {
    super(message);
    this.name = 'SessionLost';
  }
}

/** A statement of the engine's own failed. */
export class SqlFailure extends Error {
  constructor(
    readonly error: SqlError,
    readonly sql: string,
  ) {
    super(`${error.sqlstate}: ${error.message} in ${sql.slice(0, 500)}`);
    this.name = 'SqlFailure';
  }
}

/** What was done, and how many of the plan's statements it took. */
export interface Counted<T> {
  readonly answer: T;
  readonly statements: number;
}

/** A setting of the plan's own stays in the session, if empty, and nothing takes it away. Found too often does no harm. */
const customSetting = /\bset_config\b|\bset\s+(local\s+|session\s+)?("[^"]*"|[\w$]+)\s*\./i;
/** These take the engine's own prepared statements along. */
const dropsPrepared = /\b(discard|deallocate)\b/i;
const copyStatement = /^\s*copy\b/i;

/** It may wait for data that never comes. */
export function copiesFromClient(sql: string): boolean {
  return copyStatement.test(sql);
}

export class Database {
  private readonly out = new Outgoing();
  private readonly prepared = new Map<string, string>();
  /** Statements of plans. */
  statements = 0;
  /** Another plan needs another session. */
  customised = false;
  /** The last statement of a plan ran in a further database. */
  private elsewhere = false;

  constructor(
    private readonly wire: Wire,
    private readonly progress: ProgressWriter,
  ) {}

  /**
   * Runs a plan's statement, after `before` in the same message. An error is part of the reply. `onOutput` is
   * called at each message that Postgres sends while it is at work.
   */
  user(sql: string, before = '', onOutput?: () => void): Reply {
    this.begin(sql);
    return this.again(sql, before, onOutput);
  }

  private begin(sql: string): void {
    this.statements++;
    this.customised ||= customSetting.test(sql);
  }

  counting<T>(act: () => T): Counted<T> {
    const before = this.statements;
    const answer = act();
    return { answer, statements: this.statements - before };
  }

  /** The same, for a statement that led from schema to schema before and is run to get there again. */
  again(sql: string, before = '', onOutput?: () => void): Reply {
    const placed = splitDatabase(sql);
    this.out.query(this.goTo(placed.database, before) + sql);
    if (dropsPrepared.test(sql)) this.prepared.clear();
    if (copiesFromClient(placed.sql)) this.out.copyFail();
    return this.exchange(sql, onOutput);
  }

  /** Sees to it that names are looked up in this database; what has to be sent before the statement still is given back. */
  private goTo(database: string | null, before: string): string {
    if (database === null && !this.elsewhere) return before;
    this.elsewhere = database !== null;
    // In a message of its own: some statements must be the only one of theirs. In a transaction that has failed both fail.
    this.attempt(before + searchDatabase(database));
    return '';
  }

  /** Sees to it that names of what is sent next are looked up in this database. */
  lookIn(database: string | null): void {
    this.goTo(database, '');
  }

  /** One message with a plan's statement and others after it, each with its own answer. */
  userThen(sql: string, build: (out: Outgoing) => void): readonly Reply[] {
    this.begin(sql);
    build(this.out);
    if (dropsPrepared.test(sql)) this.prepared.clear();
    return this.exchangeAll(sql);
  }

  /** Prepared statements may be gone. */
  forgetPrepared(): void {
    this.prepared.clear();
  }

  /** Runs a statement, or several, of the engine's own; throws on an error. */
  query(sql: string): Reply {
    const reply = this.attempt(sql);
    if (reply.error !== null) throw new SqlFailure(reply.error, sql);
    return reply;
  }

  /** The same, with the error in the reply. */
  attempt(sql: string): Reply {
    this.out.query(sql);
    return this.exchange(null);
  }

  /** Sees to it that the name stands for this statement. */
  prepare(name: string, sql: string): void {
    if (this.prepared.get(name) === sql) return;
    const reply = this.extended((out) => out.closeStatement(name).parse(name, sql).sync());
    if (reply.error !== null) throw new SqlFailure(reply.error, sql);
    this.prepared.set(name, sql);
  }

  /** The same, when a transaction that failed may be open: it is ended first. */
  prepareApart(name: string, sql: string): void {
    if (this.prepared.get(name) === sql) return;
    this.attempt('ROLLBACK');
    this.prepare(name, sql);
  }

  execute(name: string): Reply {
    return this.extended((out) => out.execute(name).sync());
  }

  /** One message made by hand that ends in one Sync. */
  extended(build: (out: Outgoing) => void, sql: string | null = null): Reply {
    build(this.out);
    return this.exchange(sql);
  }

  /**
   * Messages made by hand that end in as many Syncs as there are `texts`: the statement, or statements, before each.
   * The answer is given as it came.
   */
  pipeline(message: Buffer, texts: readonly string[]): Buffer {
    let next = 0;
    const advance = (): void => this.progress.begin(texts[Math.min(next++, texts.length - 1)] ?? null);
    advance();
    const data = this.wire.send(message, advance);
    this.progress.end();
    this.statements += texts.length;
    this.customised ||= texts.some((sql) => customSetting.test(sql));
    // ReadyForQuery is six bytes: without it the session is lost.
    if (data.length < 6 || data[data.length - 6] !== 0x5a)
      throw new SessionLost('the session ended', texts[Math.max(0, Math.min(next, texts.length) - 1)] ?? null);
    return data;
  }

  setClock(milliseconds: number): void {
    this.wire.setClock(milliseconds);
  }

  setRandom(seed: number): void {
    this.wire.setRandom(seed);
  }

  memory(): number {
    return this.wire.memory();
  }

  get gauges(): Gauges {
    return this.wire.gauges;
  }

  private exchange(sql: string | null, onOutput?: () => void): Reply {
    const replies = this.exchangeAll(sql, onOutput);
    const reply = replies.at(-1);
    if (reply === undefined) throw new SessionLost('the session ended', sql);
    if (replies.length > 1) reply.error ??= replies.find((each) => each.error !== null)?.error ?? null;
    return reply;
  }

  private exchangeAll(sql: string | null, onOutput?: () => void): Reply[] {
    const message = this.out.take();
    this.progress.begin(sql);
    const data = this.wire.send(message, onOutput);
    this.progress.end();
    const { replies, complete } = readReplies(data);
    if (!complete) throw new SessionLost('the session ended', sql);
    const fatal = replies.find(({ error }) => error !== null && /FATAL|PANIC/.test(error.severity))?.error;
    if (fatal !== undefined && fatal !== null) throw new SessionLost(fatal.message, sql);
    return replies;
  }
}
