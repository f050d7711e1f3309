/**
 * A backfill as the search runs it: one batch at a time, with what the job remembers between batches
 * (nothing, the last key, the next statement, or the rows that a script has read). Batches are of one
 * row, the finest interleaving; only where nothing else goes on may they be larger.
 */
import { sameRows } from '../engine/content.ts';
import { inDatabase } from '../engine/databases.ts';
import type { Change, SchemaId } from '../engine/engine.ts';
import type { BackfillForm, BackfillStep, Statement, TableRef } from '../plan/model.ts';
import { callStatement, fillFields, typedLiteral, typeProbe } from './programs.ts';
import { describable, type CallId, type ContentId, type Result, type Transitions } from './transitions.ts';
import type { Want } from './worlds.ts';

export interface JobState {
  /** Statements of a list, or of a single run, already done. Of batches 1 when the last, which touched no row, has written others. */
  readonly next: number;
  /** Last key of a range that was done. */
  readonly last: string | null;
  /** Rows that a script has read and not written yet: column → typed literal. */
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** A script without `:batch` has read. */
  readonly hasRead: boolean;
  /** It was killed once and begun again. */
  readonly again: boolean;
}

export const freshJob: JobState = { next: 0, last: null, rows: [], hasRead: false, again: false };

/**
 * How a backfill is run to its end with nothing else going on: in batches of one row while they are few, which is how a search
 * runs it, then in larger ones. It is endless when a state comes back, and when it goes on for much longer than its rows say.
 */
export class Pace {
  private readonly larger: number;
  private readonly seen = new Set<string>();

  /** `rows`: in all tables as it begins. `fine`: batches of one row. `batch`: rows in a batch after that, at least. */
  constructor(
    private readonly rows: number,
    private readonly fine: number,
    batch: number,
  ) {
    this.larger = Math.max(batch, Math.ceil(rows / 20));
  }

  /** Rows in the next batch. */
  size(done: number): number {
    return done < this.fine ? 1 : this.larger;
  }

  /** Batches past which a backfill is taken to go on for ever, though no state has come back: each row four times, and more. */
  get longest(): number {
    if (this.rows <= manyRows) return 300 + 4 * this.rows;
    return this.fine + 4 * Math.ceil(this.rows / this.larger) + 60;
  }

  /** To be asked after each batch. */
  isEndless(done: number, content: ContentId, job: JobState): boolean {
    const key = `${content}|${jobKey(job)}`;
    if (this.seen.has(key) || done >= this.longest) return true;
    this.seen.add(key);
    return false;
  }
}

/** Rows with which tables are large: batches of one row would take too long. */
export const manyRows = 300;

export type JobStep =
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'batch';
      readonly content: ContentId;
      readonly job: JobState;
      readonly sql: string;
      readonly touched: number;
      readonly what: string;
      readonly reads: boolean;
      readonly changes: readonly Change[] | null;
    }
  | {
      readonly kind: 'error';
      readonly sqlstate: string;
      readonly message: string;
      readonly sql: string;
      readonly reads: boolean;
    };

/** True when the job has something to remember, so that a kill loses it. */
export function remembers(form: BackfillForm): boolean {
  return !(form.kind === 'statement' && form.batched);
}

export function jobKey(job: JobState | null): string {
  return job === null || job === freshJob ? '' : JSON.stringify([job.next, job.last, job.rows, job.hasRead, job.again]);
}

/** Of what a script has read, in words. */
const maxRowsShown = 20;

export class Jobs {
  constructor(
    private readonly transitions: Transitions,
    private readonly want: Want,
    /** Each batch draws random values of its own. */
    private readonly usesRandom: boolean,
  ) {}

  private get nonce(): 0 | 'content' {
    return this.usesRandom ? 'content' : 0;
  }

  /** The next batch from here, of so many rows. Null: a transition has to be computed first. */
  step(schema: SchemaId, content: ContentId, step: BackfillStep, job: JobState, rows = 1): JobStep | null {
    const { form } = step;
    switch (form.kind) {
      case 'statement':
        return form.batched
          ? this.batched(schema, content, form.statement, job, rows)
          : this.listed(schema, content, [form.statement], job);
      case 'list':
        return this.listed(schema, content, form.statements, job);
      case 'range':
        return this.ranged(schema, content, form, job, rows);
      case 'script':
        return this.scripted(schema, content, form, job, rows);
    }
  }

  private run(statements: readonly Statement[], params: ReadonlyMap<string, string | null>): CallId {
    return this.transitions.callId({
      call: { statements: statements.map((s) => callStatement(s, params)), writes: true },
      clock: 'step',
      nonce: this.nonce,
    });
  }

  private done(call: CallId, result: Result, job: JobState, what: (touched: number) => string): JobStep {
    const sql = this.transitions
      .spec(call)
      .call.statements.map((s) => describable(s))
      .join('; ');
    if (!result.ok)
      return { kind: 'error', sqlstate: result.error.sqlstate, message: result.error.message, sql, reads: false };
    const touched = result.results.reduce((n, r) => n + r.touched, 0);
    return {
      kind: 'batch',
      content: result.content,
      job,
      sql,
      touched,
      what: what(touched),
      reads: false,
      changes: result.changes,
    };
  }

  private batched(
    schema: SchemaId,
    content: ContentId,
    statement: Statement,
    job: JobState,
    rows: number,
  ): JobStep | null {
    if (job.next > 0) return { kind: 'finished' };
    const call = this.run([statement], new Map([['batch', String(rows)]]));
    const result = this.want(schema, content, call);
    if (result === null) return null;
    const step = this.done(call, result, job, (n) => `${rowsWord(n)} touched`);
    if (step.kind !== 'batch' || step.touched > 0) return step;
    // It ends the job, and what it did in a WITH or by a trigger is done.
    const { contents } = this.transitions;
    if (sameRows(contents.text(content), contents.text(step.content))) return { kind: 'finished' };
    return { ...step, job: { ...job, next: 1 }, what: 'no row touched, others written beside it' };
  }

  private listed(
    schema: SchemaId,
    content: ContentId,
    statements: readonly Statement[],
    job: JobState,
  ): JobStep | null {
    const statement = statements[job.next];
    if (statement === undefined) return { kind: 'finished' };
    const call = this.run([statement], new Map([['batch', '1']]));
    const result = this.want(schema, content, call);
    if (result === null) return null;
    return this.done(call, result, { ...job, next: job.next + 1 }, (n) => `${rowsWord(n)} touched`);
  }

  private ranged(
    schema: SchemaId,
    content: ContentId,
    form: BackfillForm & { kind: 'range' },
    job: JobState,
    rows: number,
  ): JobStep | null {
    const nextKey = this.want(schema, content, this.nextKeysCall(form.by, job.last, rows));
    if (nextKey === null) return null;
    if (!nextKey.ok)
      return {
        kind: 'error',
        sqlstate: nextKey.error.sqlstate,
        message: nextKey.error.message,
        sql: '',
        reads: true,
      };
    const keys = nextKey.results[0]?.rows ?? [];
    const [first, last] = [keys[0]?.[0] ?? null, keys.at(-1)?.[0] ?? null];
    if (first === null || last === null) return { kind: 'finished' };
    const call = this.run([form.statement], rangeBounds(form.statement, [first, last], job.last));
    const result = this.want(schema, content, call);
    if (result === null) return null;
    const what = first === last ? `key ${first}` : `keys ${first} to ${last}`;
    return this.done(call, result, { ...job, last }, (n) => `${what}: ${rowsWord(n)} touched`);
  }

  private nextKeysCall(
    by: { readonly table: TableRef; readonly column: string },
    last: string | null,
    rows: number,
  ): CallId {
    const table = `${by.table.schema === null ? '' : `${quote(by.table.schema)}.`}${quote(by.table.table)}`;
    const where = last === null ? '' : ` WHERE ${quote(by.column)} > ${typedLiteral(last, '')}`;
    const sql = `SELECT ${quote(by.column)} FROM ${table}${where} ORDER BY 1 LIMIT ${rows}`;
    return this.transitions.callId({
      call: { statements: [{ pieces: [sql], as: null, returnsRows: true }], writes: false },
      clock: 'step',
      nonce: 0,
    });
  }

  private scripted(
    schema: SchemaId,
    content: ContentId,
    form: BackfillForm & { kind: 'script' },
    job: JobState,
    rows: number,
  ): JobStep | null {
    return job.rows.length === 0
      ? this.scriptRead(schema, content, form, job, rows)
      : this.scriptWrite(schema, content, form, job, job.rows.slice(0, rows));
  }

  private scriptRead(
    schema: SchemaId,
    content: ContentId,
    form: BackfillForm & { kind: 'script' },
    job: JobState,
    rows: number,
  ): JobStep | null {
    if (job.hasRead && !form.batched) return { kind: 'finished' };
    const read = callStatement(form.read, new Map([['batch', String(rows)]]));
    const call = this.transitions.callId({ call: { statements: [read], writes: false }, clock: 'step', nonce: 0 });
    const result = this.want(schema, content, call);
    if (result === null) return null;
    if (!result.ok)
      return {
        kind: 'error',
        sqlstate: result.error.sqlstate,
        message: result.error.message,
        sql: describable(read),
        reads: true,
      };
    const columns = this.transitions.columns(schema, describable(typeProbe(form.read)));
    const given = result.results[0]?.rows ?? [];
    if (given.length === 0) return { kind: 'finished' };
    const taken = given.map((values) =>
      Object.fromEntries(columns.map((c, i) => [c.name, typedLiteral(values[i] ?? null, c.type)])),
    );
    const shown = given.slice(0, maxRowsShown).map((v) => `(${v.map((x) => x ?? 'NULL').join(', ')})`);
    const more = given.length - shown.length;
    const what = `read ${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
    return {
      kind: 'batch',
      content,
      job: { ...job, rows: taken, hasRead: true },
      sql: describable(read),
      touched: given.length,
      what,
      reads: true,
      changes: null,
    };
  }

  private scriptWrite(
    schema: SchemaId,
    content: ContentId,
    form: BackfillForm & { kind: 'script' },
    job: JobState,
    rows: JobState['rows'],
  ): JobStep | null {
    const statements = rows.flatMap((row) =>
      form.write.map((s) => {
        // `:column` and `:row.column` both mean the row that was read.
        const pieces = s.pieces.map((p) =>
          p.kind === 'text' ? p.text : (row[p.kind === 'param' ? p.name : p.column] ?? 'NULL'),
        );
        return { pieces: [inDatabase(s.database, pieces.join(''))], as: null, returnsRows: s.returnsRows };
      }),
    );
    const filled = statements.map((s) => fillFields(s, {}) ?? s);
    const call = this.transitions.callId({
      call: { statements: filled, writes: true },
      clock: 'step',
      nonce: this.nonce,
    });
    const result = this.want(schema, content, call);
    if (result === null) return null;
    return this.done(call, result, { ...job, rows: job.rows.slice(rows.length) }, (n) => `wrote ${rowsWord(n)}`);
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function rowsWord(n: number): string {
  return n === 1 ? '1 row' : `${n} rows`;
}

/** `:from` and `:to` that take in just these keys, whether the statement's bounds are inclusive or not. */
export function rangeBounds(
  statement: Statement,
  [first, end]: readonly [first: string, end: string],
  last: string | null,
): ReadonlyMap<string, string> {
  const operatorOf = (param: string): string => statement.paramUses.find((u) => u.param === param)?.operator ?? '';
  const from = operatorOf('from') === '>' ? (neighbour(first, -1n) ?? last ?? '') : first;
  const to = operatorOf('to') === '<' ? (neighbour(end, 1n) ?? `${end}!`) : end;
  return new Map([
    ['from', from],
    ['to', to],
    ['batch', '1'],
  ]);
}

function neighbour(key: string, by: bigint): string | null {
  return /^-?\d+$/.test(key) ? String(BigInt(key) + by) : null;
}
