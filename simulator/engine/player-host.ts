/** The database that a player plays against, in the engine's thread: scripts, and batches of prepared requests. */
import { captureNamed, takeChanges } from './capture.ts';
import type { Database } from './database.ts';
import { SessionLost } from './database.ts';
import { searchDatabase } from './databases.ts';
import type { Call, Change, Rows } from './engine.ts';
import { batchesKept, Item, itemWidth, nullValue, PlayResult, resultWidth, valueEnd } from './player.ts';
import type {
  Moment,
  PlayBatch,
  PlayError,
  PlayProgram,
  PlayResults,
  PlayRows,
  PlayStatement,
  ScriptOutcome,
} from './player.ts';
import { PreparedStatements, type Prepared } from './prepared.ts';
import { Outgoing, readError, readRow } from './protocol.ts';
import { resetSettings } from './reset.ts';
import { CallRunner, isFailure, seedRandom, touchedBy } from './run.ts';
import type { Workspace } from './workspace.ts';

/** Long enough that a message costs nothing, short enough that a statement that hangs is soon seen. */
const syncsPerMessage = 256;
/** Nothing else clears away dead rows. */
const statementsBetweenVacuums = 50_000;

type NamedRow = { readonly prepared: Prepared; readonly row: readonly (string | null)[] | null };
type NamedRows = Map<string, NamedRow>;

/** What one Sync ends: a run of statements of one item; or, with -1, something of our own. */
interface Unit {
  readonly item: number;
  readonly program: PlayProgram;
  /** Places of its statements in the program; -1 for what is sent around one. */
  readonly statements: readonly number[];
}

/** Where the rows of each item of a batch are. */
interface Answers {
  /** Buffer, from, to. */
  readonly places: Int32Array;
  readonly buffers: Buffer[];
  readonly prepared: (Prepared | undefined)[];
}

function noAnswers(items = 0): Answers {
  const prepared = Array.from<Prepared | undefined>({ length: items });
  return { places: new Int32Array(items * 3), buffers: [], prepared };
}

/** Programs in which a statement names its row, and so has to be seen before the next is sent. */
function namesRows(program: PlayProgram): boolean {
  return program.statements.some((s) => s.as !== null);
}

/** The statements of an item: all, or those that commit together. */
function spanOf({ statements, commits }: PlayProgram, statement: number): readonly [from: number, to: number] {
  if (statement === -1) return [0, statements.length];
  return [statement, commits.find((first) => first > statement) ?? statements.length];
}

function lookName(database: string | null): string {
  return `cutover_look_${database ?? ''}`;
}

const noNames: NamedRows = new Map();
const noProgram: PlayProgram = { statements: [], atomic: true, commits: [], answering: -1 };

export class PlayerHost {
  private readonly db: Database;
  private readonly programs: PlayProgram[] = [];
  private readonly namesRows: boolean[] = [];
  private readonly prepared: PreparedStatements;
  private readonly flights = new Map<number, NamedRows>();
  private readonly out = new Outgoing();
  private units: Unit[] = [];
  private texts: string[] = [];
  /** Of the unit at hand. */
  private statements: number[] = [];
  /** A statement of theirs failed: the rest is not run. */
  private readonly dead = new Set<number>();
  private results = new Int32Array();
  private errors: (PlayError & { item: number })[] = [];
  private answers: Answers = noAnswers();
  private readonly kept = new Map<number, Answers>();
  private serial = 0;
  private vacuumAt: number;

  constructor(private readonly workspace: Workspace) {
    this.db = workspace.db;
    workspace.empty();
    this.prepared = new PreparedStatements(this.db);
    this.vacuumAt = this.db.statements + statementsBetweenVacuums;
  }

  script(statements: readonly string[], moment: Moment): ScriptOutcome {
    this.db.query(`ROLLBACK;${this.setMoment(moment)}`);
    const rows: (Rows | null)[] = [];
    let touched = 0;
    for (const [statement, sql] of statements.entries()) {
      const reply = this.db.user(sql);
      if (reply.error !== null) {
        this.settle();
        return { ok: false, sqlstate: reply.error.sqlstate, message: reply.error.message, statement };
      }
      touched += touchedBy(reply.tag);
      rows.push(reply.rows);
    }
    this.settle();
    return { ok: true, touched, rows };
  }

  transaction(call: Call, moment: Moment, migrates: boolean): ScriptOutcome {
    const { db } = this;
    const runner = new CallRunner(db, `ROLLBACK;${this.setMoment(moment)}BEGIN;\n`);
    const results = runner.run(call.statements);
    const failure = isFailure(results) ? results : null;
    const committed = failure === null ? db.attempt('COMMIT').error : null;
    if (migrates) this.settle();
    else db.query('ROLLBACK');
    if (failure !== null) return { ok: false, ...failure };
    if (committed !== null) {
      const { sqlstate, message } = committed;
      return { ok: false, sqlstate, message, statement: Math.max(0, call.statements.length - 1) };
    }
    if (isFailure(results)) throw new Error('unreachable');
    return { ok: true, touched: results.reduce((n, r) => n + r.touched, 0), rows: results.map((r) => r.rows) };
  }

  capture(names: readonly string[]): void {
    captureNamed(this.db, this.workspace.observe().facts.catalog.tables, names);
    this.settle();
  }

  changes(): readonly Change[] {
    this.db.query('ROLLBACK');
    return takeChanges(this.db);
  }

  define(programs: readonly PlayProgram[]): number {
    this.namesRows.push(...programs.map(namesRows));
    return this.programs.push(...programs) - programs.length;
  }

  play(batch: PlayBatch): PlayResults {
    this.begin(batch);
    const { items } = batch;
    let valueAt = 0;
    for (let i = 0, at = 0; at < items.length; i++, at += itemWidth) {
      const values: (string | null)[] = [];
      for (let n = items[at + Item.values] ?? 0; n > 0; n--) {
        const end = batch.values.indexOf(valueEnd, valueAt);
        const value = batch.values.slice(valueAt, end);
        values.push(value === nullValue ? null : value);
        valueAt = end + 1;
      }
      if (batch.random) this.reseed(batch.moment.seed + i);
      const program = this.programs[items[at + Item.program] ?? -1];
      if (program === undefined) this.results[i * resultWidth] = 2;
      else this.item(i, program, items.subarray(at, at + itemWidth), values);
      if (this.texts.length >= syncsPerMessage) this.flush();
    }
    this.flush();
    if (this.db.statements > this.vacuumAt) {
      this.vacuumAt = this.db.statements + statementsBetweenVacuums;
      this.db.query('VACUUM');
    }
    return { serial: this.serial, results: this.results, errors: this.errors };
  }

  rows(serial: number, items: readonly number[]): readonly PlayRows[] {
    const answers = this.kept.get(serial);
    if (answers === undefined) throw new Error(`the answers of batch ${serial} are not kept any more`);
    return items.map((item) => {
      const [buffer = 0, from = 0, to = 0] = answers.places.subarray(item * 3, item * 3 + 3);
      const prepared = answers.prepared[item];
      if (prepared === undefined) return { rows: null, columns: [] };
      const data = answers.buffers[buffer];
      return { rows: data === undefined ? [] : rowsIn(data, from, to), columns: prepared.columns };
    });
  }

  private begin({ items, moment }: PlayBatch): void {
    const count = items.length / itemWidth;
    this.results = new Int32Array(count * resultWidth);
    this.answers = noAnswers(count);
    this.kept.set(++this.serial, this.answers);
    this.kept.delete(this.serial - batchesKept);
    this.errors = [];
    this.db.query(`ROLLBACK;${this.setMoment(moment)}`);
    this.db.lookIn(null);
    const seen = new Set<number>();
    for (let at = 0; at < items.length; at += itemWidth) seen.add(items[at + Item.program] ?? -1);
    for (const number of seen) {
      const program = this.programs[number];
      if (program === undefined) continue;
      this.prepared.ensure(number, program);
      for (const { database } of program.statements)
        for (const each of database === null ? [] : [database, null])
          this.db.prepare(lookName(each), searchDatabase(each));
    }
  }

  private setMoment({ clockMs, seed }: Moment): string {
    this.db.setClock(clockMs);
    return seedRandom(this.db, seed);
  }

  private reseed(seed: number): void {
    this.flush();
    this.db.query(seedRandom(this.db, seed));
  }

  private settle(): void {
    resetSettings(this.db);
    this.prepared.forget();
  }

  /** Into the message at hand where nothing has to be known of what came before; else one statement after the other. */
  private item(item: number, program: PlayProgram, given: Int32Array, values: readonly (string | null)[]): void {
    const number = given[Item.program] ?? 0;
    const [from, to] = spanOf(program, given[Item.statement] ?? 0);
    const whole = to - from > 1;
    const flight = given[Item.flight] ?? 0;
    const isProbe = given[Item.probe] === 1;
    if (this.dead.has(flight)) {
      this.results[item * resultWidth] = 2;
      return;
    }
    if (flight !== 0 || (whole && !program.atomic) || this.namesRows[number] === true) {
      const named = flight === 0 ? new Map<string, NamedRow>() : this.flight(flight);
      this.stepwise({ item, program, from, to }, number, { values, named, isProbe });
      const failed = this.results[item * resultWidth] === 1;
      if (failed && flight !== 0) this.dead.add(flight);
      if (failed || to === program.statements.length) this.flights.delete(flight);
      return;
    }
    if (isProbe) this.own('BEGIN');
    for (let s = from; s < to; s++) this.append(number, s, program, values, noNames);
    this.sync(item, program, number);
    if (isProbe) this.own('ROLLBACK');
  }

  private flight(flight: number): NamedRows {
    let named = this.flights.get(flight);
    if (named === undefined) this.flights.set(flight, (named = new Map()));
    return named;
  }

  private own(sql: 'BEGIN' | 'ROLLBACK'): void {
    const name = `cutover_${sql.toLowerCase()}`;
    this.db.prepare(name, sql);
    this.out.execute(name).sync();
    this.units.push({ item: -1, program: noProgram, statements: [-1] });
    this.texts.push(sql);
  }

  /** False when it needs a named row that wasn't there. */
  private append(
    number: number,
    s: number,
    program: PlayProgram,
    values: readonly (string | null)[],
    named: NamedRows,
  ): boolean {
    const database = program.statements[s]?.database ?? null;
    if (database !== null) this.look(database);
    const isSent = this.appendOne(number, s, program, values, named);
    if (isSent) this.statements.push(s);
    // Should it fail, the transaction takes back where names are looked up.
    if (database !== null) this.look(null);
    return isSent;
  }

  /** From here on names are looked up in this database. */
  private look(database: string | null): void {
    this.out.execute(lookName(database));
    this.statements.push(-1);
  }

  private appendOne(
    number: number,
    s: number,
    program: PlayProgram,
    values: readonly (string | null)[],
    named: NamedRows,
  ): boolean {
    const prepared = this.prepared.of(number, s);
    const field = (row: string): NamedRow | undefined => named.get(row);
    if (prepared.name !== null) {
      const bound: (string | null)[] = [];
      for (const slot of prepared.slots) {
        if (typeof slot === 'number') bound.push(values[slot] ?? null);
        else {
          const found = field(slot.row);
          if (found?.row == null) return false;
          bound.push(found.row[found.prepared.columns.findIndex((c) => c.name === slot.column)] ?? null);
        }
      }
      this.out.run(prepared.name, bound);
      return true;
    }
    const sql = this.prepared.inline(program.statements[s] as PlayStatement, values, field);
    if (sql === null) return false;
    this.out.parse('', sql).run('', []);
    return true;
  }

  private sync(item: number, program: PlayProgram, number: number): void {
    const { statements } = this;
    this.statements = [];
    this.out.sync();
    this.units.push({ item, program, statements });
    const first = statements.find((s) => s >= 0);
    this.texts.push(first === undefined ? '' : this.prepared.of(number, first).text);
  }

  /** One statement after the other, each seen before the next is sent. */
  private stepwise(
    { item, program, from, to }: { item: number; program: PlayProgram; from: number; to: number },
    number: number,
    { values, named, isProbe }: { values: readonly (string | null)[]; named: NamedRows; isProbe: boolean },
  ): void {
    this.flush();
    const grouped = isProbe || (program.atomic && to - from > 1);
    if (grouped) this.db.query('BEGIN');
    for (let s = from; s < to; s++) {
      const statement = program.statements[s] as PlayStatement;
      if (this.append(number, s, program, values, named)) {
        this.sync(item, program, number);
        const first = this.flush();
        if (statement.as !== null) named.set(statement.as, { prepared: this.prepared.of(number, s), row: first });
      } else if (s === program.answering) this.answer(item, this.prepared.of(number, s), -1, -1);
      if (this.results[item * resultWidth + PlayResult.status] === 1) break;
    }
    if (!grouped) return;
    const failed = this.results[item * resultWidth + PlayResult.status] === 1;
    const { error } = this.db.attempt(isProbe || failed ? 'ROLLBACK' : 'COMMIT');
    if (error !== null) this.fail(item, error);
  }

  private fail(item: number, { sqlstate, message }: PlayError): void {
    const at = item * resultWidth;
    if (this.results[at + PlayResult.status] === 1) return;
    this.results.fill(0, at, at + resultWidth);
    this.results[at + PlayResult.status] = 1;
    this.errors.push({ item, sqlstate, message });
  }

  /** Remembers where the rows are, and what they hash to when there are none. */
  private answer(item: number, prepared: Prepared, from: number, to: number): void {
    const { places, prepared: statements, buffers } = this.answers;
    statements[item] = prepared;
    places.set([buffers.length - 1, from, to], item * 3);
    if (from < 0) this.results.set([noRowsHash, noRowsHash], item * resultWidth + PlayResult.hashA);
  }

  /** Sends what was built and reads the answers; the first row of the last statement, if it gave any. */
  private flush(): readonly (string | null)[] | null {
    if (this.texts.length === 0) return null;
    const { units, texts } = this;
    const data = this.db.pipeline(this.out.take(), texts);
    this.units = [];
    this.texts = [];
    this.answers.buffers.push(data);
    const firstRow = this.read(data, units);
    return firstRow < 0 ? null : readRow(data, firstRow + 5);
  }

  private read(data: Buffer, units: readonly Unit[]): number {
    let at = 0;
    let next = 0;
    let unit = units[0];
    let done = 0;
    let rowsFrom = -1;
    let lastRows = -1;
    while (at < data.length) {
      const type = data[at];
      const end = at + 1 + int32(data, at + 1);
      if (type === 0x44) {
        if (rowsFrom < 0) rowsFrom = at;
      } else if (type === 0x43 || type === 0x49) {
        const statement = unit?.statements[done++] ?? -1;
        if (unit !== undefined && statement >= 0) {
          this.complete(unit, statement, data, rowsFrom, at, end);
          lastRows = rowsFrom;
        }
        rowsFrom = -1;
      } else if (type === 0x45) this.refuse(unit, data, at + 5);
      else if (type === 0x5a) {
        unit = units[++next];
        done = 0;
      }
      at = end;
    }
    return lastRows;
  }

  private refuse(unit: Unit | undefined, data: Buffer, body: number): void {
    const error = readError(data, body);
    if (/FATAL|PANIC/.test(error.severity)) throw new SessionLost(error.message, null);
    if (unit !== undefined && unit.item >= 0) this.fail(unit.item, error);
  }

  private complete(unit: Unit, s: number, data: Buffer, rowsFrom: number, tagAt: number, tagEnd: number): void {
    const { item, program } = unit;
    const base = item * resultWidth;
    const statement = program.statements[s];
    // The tag ends in the row count and a zero: `UPDATE 0`.
    const touchedNone = data[tagEnd - 2] === 0x30 && data[tagEnd - 3] === 0x20;
    if (statement?.modifies === true && data[tagAt] === 0x43 && !touchedNone)
      this.results[base + PlayResult.touched] =
        (this.results[base + PlayResult.touched] ?? 0) | (statement.tells ? 3 : 1);
    if (s !== program.answering) return;
    const { places, prepared, buffers } = this.answers;
    prepared[item] = this.prepared.last(program, s);
    const place = item * 3;
    places[place] = buffers.length - 1;
    places[place + 1] = rowsFrom < 0 ? tagAt : rowsFrom;
    places[place + 2] = tagAt;
    hashInto(data, rowsFrom < 0 ? tagAt : rowsFrom, tagAt, this.results, base + PlayResult.hashA);
  }
}

function rowsIn(data: Buffer, from: number, to: number): (string | null)[][] {
  const rows: (string | null)[][] = [];
  for (let at = from; at < to; at += 1 + data.readInt32BE(at + 1)) rows.push(readRow(data, at + 5));
  return rows;
}

function int32(data: Buffer, at: number): number {
  return ((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16) | ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0);
}

const noRowsHash = 0x5bd1e995;

/** Two independent hashes (FNV-1a with two primes): rows that were sent alike hash alike. */
function hashInto(data: Buffer, from: number, to: number, into: Int32Array, at: number): void {
  let a = noRowsHash;
  let b = noRowsHash;
  for (let i = from; i < to; i++) {
    const byte = data[i] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  into[at] = a;
  into[at + 1] = b;
}
