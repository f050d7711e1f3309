/**
 * Runs calls, each in a transaction of its own from the content that is loaded, and rolls it back. What the
 * commit would check is checked before the content is read.
 */
import { mentionsRandom, quoteIdent, quoteLiteral } from './catalog.ts';
import { copiesFromClient, SqlFailure } from './database.ts';
import type { Database } from './database.ts';
import { splitDatabase } from './databases.ts';
import type { Call, CallStatement, Content, Outcome, RunOptions, StatementResult } from './engine.ts';
import type { Reply } from './protocol.ts';
import type { Singles } from './singles.ts';
import type { Store } from './store.ts';

const day = Date.UTC(2024, 0, 1);
const hour = 3_600_000;

/** Schema and seed come to be at midnight, steps at six, requests at noon. */
export function setMoment(db: Database, clock: RunOptions['clock'] | 'start'): void {
  db.setClock(day + { start: 0, step: 6, request: 12 }[clock] * hour);
}

/** Makes random() and uuids start again from the seed; the SQL is to run before the statement. */
export function seedRandom(db: Database, seed: number): string {
  db.setRandom(seed);
  return `SELECT setseed(${((seed >>> 0) % 1_000_003) / 1_000_003});`;
}

/** A statement of a call, or a session, failed. */
export interface StatementFailure {
  readonly sqlstate: string;
  readonly message: string;
  readonly statement: number;
}

/** Settings and roles that a call sets are no part of how its content is read. */
const changesRole =
  /\bset\s+(local\s+|session\s+)?(role|session|search_path|row_security|datestyle|intervalstyle|timezone|time\s+zone|bytea_output|extra_float_digits|lc_\w+)\b|\bset_config\b/i;
export const ownSettings =
  'SET LOCAL ROLE NONE;SET LOCAL search_path=public;SET LOCAL datestyle=ISO;SET LOCAL intervalstyle=postgres;' +
  'SET LOCAL timezone=UTC;SET LOCAL bytea_output=hex;SET LOCAL extra_float_digits=1;SET LOCAL lc_monetary=C;';
const usesSequenceMemory = /\b(currval|lastval)\b/i;

/** Makes the session read contents as it always does, whatever the transaction has set. */
export function settingsFor(statements: readonly string[]): string {
  const differ = statements.some((sql) => changesRole.test(sql) || splitDatabase(sql).database !== null);
  return differ ? ownSettings : '';
}

type NamedRows = Map<string, { readonly reply: Reply; readonly row: readonly (string | null)[] | undefined }>;

/** Runs the statements of one call in the transaction at hand. */
export class CallRunner {
  private readonly named: NamedRows = new Map();
  private readonly results: StatementResult[] = [];
  readonly sent: string[] = [];

  constructor(
    private readonly db: Database,
    /** SQL to be sent with the first statement. */
    private before: string,
  ) {}

  run(statements: readonly CallStatement[]): StatementFailure | readonly StatementResult[] {
    for (const [i, statement] of statements.entries()) {
      const sql = this.write(statement);
      if (sql === null) {
        this.results.push({ rows: null, touched: 0, skipped: true });
        continue;
      }
      if (typeof sql !== 'string') return { ...sql, statement: i };
      const reply = this.send(sql);
      if (reply.error !== null) return { sqlstate: reply.error.sqlstate, message: reply.error.message, statement: i };
      if (statement.as !== null) this.named.set(statement.as, { reply, row: reply.rows?.[0] });
      this.results.push({ rows: reply.rows, touched: touchedBy(reply.tag), skipped: false });
    }
    if (this.before !== '') this.db.query(this.before);
    return this.results;
  }

  private send(sql: string): Reply {
    const before = this.before;
    this.before = '';
    this.sent.push(sql);
    return this.db.user(sql, before);
  }

  /** The statement's text; null when a row that it needs wasn't there. */
  private write(statement: CallStatement): string | { sqlstate: string; message: string } | null {
    const [only] = statement.pieces;
    if (statement.pieces.length === 1 && typeof only === 'string') return only;
    let sql = '';
    for (const piece of statement.pieces) {
      if (typeof piece === 'string') {
        sql += piece;
        continue;
      }
      const named = this.named.get(piece.row);
      if (named?.row === undefined) return null;
      const i = named.reply.fields?.findIndex((field) => field.name === piece.column) ?? -1;
      const field = named.reply.fields?.[i];
      if (field === undefined)
        return { sqlstate: '42703', message: `row ${piece.row} has no column ${quoteIdent(piece.column)}` };
      sql += this.literal(named.row[i] ?? null, field.type, field.modifier);
    }
    return sql;
  }

  private literal(value: string | null, type: number, modifier: number): string {
    const name = this.db.query(`SELECT format_type(${type},${modifier})`).rows?.[0]?.[0];
    return `${value === null ? 'NULL' : quoteLiteral(value)}::${name}`;
  }
}

/** `INSERT 0 2` → 2, `SELECT 3` → 3, `CREATE TABLE` → 0. */
export function touchedBy(tag: string): number {
  const count = Number(tag.slice(tag.lastIndexOf(' ') + 1));
  return Number.isInteger(count) ? count : 0;
}

export function isFailure(result: object): result is StatementFailure {
  return 'sqlstate' in result;
}

export interface RunContext {
  readonly db: Database;
  readonly store: Store;
  readonly singles: Singles;
  readonly usesRandom: boolean;
  readonly deferrable: boolean;
}

/** Runs a call whose content is loaded. */
export function runCall(context: RunContext, content: Content, call: Call, options: RunOptions): Outcome {
  const { db, store } = context;
  const before = prologue(context, call, options.seed);
  const single = before === '' ? singleStatement(context, call) : null;
  if (single !== null) return runSingle(context, content, call, single, options.clock);
  // In a message of its own, or it would be the transaction's first query, before a SET TRANSACTION.
  if (before !== '') db.query(`ROLLBACK;${before}`);
  const runner = new CallRunner(db, 'ROLLBACK;BEGIN;\n');
  const results = runner.run(call.statements);
  const failure = isFailure(results) ? results : beforeCommit(context, call, runner);
  if (isFailure(failure)) return failed(context, content, failure);
  if (isFailure(results)) throw new Error('unreachable');
  if (!call.writes) return { ok: true, results, content };
  return wrote(context, content, results, () => store.readAfter(content));
}

/** The text of a call that is one statement with nothing to be done between it and the dump; else null. */
function singleStatement({ deferrable }: RunContext, { statements, writes }: Call): string | null {
  const [statement, second] = statements;
  const [sql, more] = statement?.pieces ?? [];
  if (statement === undefined || second !== undefined || typeof sql !== 'string' || more !== undefined) return null;
  const alone = statement.as === null && !(writes && deferrable) && settingsFor([sql]) === '';
  return alone && !copiesFromClient(sql) ? sql : null;
}

function runSingle(
  context: RunContext,
  content: Content,
  call: Call,
  sql: string,
  clock: RunOptions['clock'],
): Outcome {
  const { store, singles } = context;
  const { rows, tag, error, after } = singles.run(sql, clock, call.writes ? () => store.prepareDump() : null);
  if (error !== null) return failed(context, content, { ...pick(error), statement: 0 });
  const results = [{ rows, touched: touchedBy(tag), skipped: false }];
  if (after === null) return { ok: true, results, content };
  return wrote(context, content, results, () => store.contentAfter(content, after));
}

function failed(context: RunContext, content: Content, failure: StatementFailure): Outcome {
  return { ok: false, ...failure, content: afterFailure(context, content) };
}

function wrote(
  context: RunContext,
  content: Content,
  results: readonly StatementResult[],
  read: () => Content,
): Outcome {
  const after = readContent(read, results.length);
  if (typeof after !== 'string') return failed(context, content, after);
  if (context.store.hasSequences && after !== content) context.store.undo(content);
  const changes = context.store.lastChanges();
  const outcome = { ok: true, results, content: after } as const;
  return changes.length === 0 ? outcome : { ...outcome, changes };
}

/** What must be in place for a call to give the same whenever it is run. */
function prologue({ db, usesRandom }: RunContext, call: Call, seed: number): string {
  const mentions = (test: (sql: string) => boolean) =>
    call.statements.some(({ pieces }) => pieces.some((piece) => typeof piece === 'string' && test(piece)));
  const random = usesRandom || mentions(mentionsRandom) ? seedRandom(db, seed) : '';
  return mentions((sql) => usesSequenceMemory.test(sql)) ? `DISCARD SEQUENCES;${random}` : random;
}

/** The checks of a commit; an error of theirs is the last statement's. */
function beforeCommit({ db, deferrable }: RunContext, call: Call, runner: CallRunner): StatementFailure | object {
  if (!call.writes) return {};
  if (deferrable) {
    const { error } = db.attempt('SET CONSTRAINTS ALL IMMEDIATE');
    if (error !== null) return { ...pick(error), statement: Math.max(0, call.statements.length - 1) };
  }
  const settings = settingsFor(runner.sent);
  if (settings !== '') db.query(settings);
  return {};
}

function readContent(read: () => Content, statements: number): Content | StatementFailure {
  try {
    return read();
  } catch (error) {
    // A virtual column may fail to compute: then the rows can't be read by anyone.
    if (error instanceof SqlFailure) return { ...pick(error.error), statement: Math.max(0, statements - 1) };
    throw error;
  }
}

function pick({ sqlstate, message }: { sqlstate: string; message: string }): { sqlstate: string; message: string } {
  return { sqlstate, message };
}

function afterFailure(context: RunContext, content: Content): Content {
  if (!context.store.hasSequences) return content;
  context.db.query('ROLLBACK');
  const after = context.store.readSequences(content);
  if (after !== content) context.store.undo(content);
  return after;
}
