/**
 * A backfill as the search runs it: one batch at a time, with what the job remembers between batches
 * (nothing, the last key, the next statement, or the rows that a script has read). Batches are of one
 * row, the finest interleaving.
 */
import { inDatabase } from '../engine/databases.ts';
import type { Change, SchemaId } from '../engine/engine.ts';
import type { BackfillForm, BackfillStep, Statement, TableRef } from '../plan/model.ts';
import { callStatement, fillFields, typedLiteral, typeProbe } from './programs.ts';
import { describable, type CallId, type ContentId, type Result, type Transitions } from './transitions.ts';
import type { Want } from './worlds.ts';

export interface JobState {
  /** Statements of a list, or of a single run, already done. */
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

  /** The next batch from here. Null: a transition has to be computed first. */
  step(schema: SchemaId, content: ContentId, step: BackfillStep, job: JobState): JobStep | null {
    const { form } = step;
    switch (form.kind) {
      case 'statement':
        return form.batched
          ? this.batched(schema, content, form.statement, job)
          : this.listed(schema, content, [form.statement], job);
      case 'list':
        return this.listed(schema, content, form.statements, job);
      case 'range':
        return this.ranged(schema, content, form, job);
      case 'script':
        return this.scripted(schema, content, form, job);
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
    return { kind: 'batch', content: result.content, job, sql, touched, what: what(touched), reads: false, changes: result.changes };
  }

  private batched(schema: SchemaId, content: ContentId, statement: Statement, job: JobState): JobStep | null {
    const call = this.run([statement], new Map([['batch', '1']]));
    const result = this.want(schema, content, call);
    if (result === null) return null;
    const step = this.done(call, result, job, (n) => `${rowsWord(n)} touched`);
    return step.kind === 'batch' && step.touched === 0 ? { kind: 'finished' } : step;
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
  ): JobStep | null {
    const nextKey = this.want(schema, content, this.nextKeyCall(form.by, job.last));
    if (nextKey === null) return null;
    if (!nextKey.ok)
      return {
        kind: 'error',
        sqlstate: nextKey.error.sqlstate,
        message: nextKey.error.message,
        sql: '',
        reads: true,
      };
    const key = nextKey.results[0]?.rows?.[0]?.[0] ?? null;
    if (key === null) return { kind: 'finished' };
    const call = this.run([form.statement], rangeBounds(form.statement, key, job.last));
    const result = this.want(schema, content, call);
    if (result === null) return null;
    return this.done(call, result, { ...job, last: key }, (n) => `key ${key}: ${rowsWord(n)} touched`);
  }

  private nextKeyCall(by: { readonly table: TableRef; readonly column: string }, last: string | null): CallId {
    const table = `${by.table.schema === null ? '' : `${quote(by.table.schema)}.`}${quote(by.table.table)}`;
    const where = last === null ? '' : ` WHERE ${quote(by.column)} > ${typedLiteral(last, '')}`;
    const sql = `SELECT ${quote(by.column)} FROM ${table}${where} ORDER BY 1 LIMIT 1`;
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
  ): JobStep | null {
    const row = job.rows[0];
    return row === undefined
      ? this.scriptRead(schema, content, form, job)
      : this.scriptWrite(schema, content, form, job, row);
  }

  private scriptRead(
    schema: SchemaId,
    content: ContentId,
    form: BackfillForm & { kind: 'script' },
    job: JobState,
  ): JobStep | null {
    if (job.hasRead && !form.batched) return { kind: 'finished' };
    const read = callStatement(form.read, new Map([['batch', '1']]));
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
    const rows = given.map((values) =>
      Object.fromEntries(columns.map((c, i) => [c.name, typedLiteral(values[i] ?? null, c.type)])),
    );
    const what = `read ${given.map((v) => `(${v.map((x) => x ?? 'NULL').join(', ')})`).join(' ')}`;
    return {
      kind: 'batch',
      content,
      job: { ...job, rows, hasRead: true },
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
    row: Readonly<Record<string, string>>,
  ): JobStep | null {
    const statements = form.write.map((s) => {
      // `:column` and `:row.column` both mean the row that was read.
      const pieces = s.pieces.map((p) =>
        p.kind === 'text' ? p.text : (row[p.kind === 'param' ? p.name : p.column] ?? 'NULL'),
      );
      return { pieces: [inDatabase(s.database, pieces.join(''))], as: null, returnsRows: s.returnsRows };
    });
    const filled = statements.map((s) => fillFields(s, {}) ?? s);
    const call = this.transitions.callId({
      call: { statements: filled, writes: true },
      clock: 'step',
      nonce: this.nonce,
    });
    const result = this.want(schema, content, call);
    if (result === null) return null;
    return this.done(call, result, { ...job, rows: job.rows.slice(1) }, (n) => `wrote ${rowsWord(n)}`);
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function rowsWord(n: number): string {
  return n === 1 ? '1 row' : `${n} rows`;
}

/** `:from` and `:to` that take in just this key, whether the statement's bounds are inclusive or not. */
export function rangeBounds(statement: Statement, key: string, last: string | null): ReadonlyMap<string, string> {
  const operatorOf = (param: string): string => statement.paramUses.find((u) => u.param === param)?.operator ?? '';
  const from = operatorOf('from') === '>' ? (neighbour(key, -1n) ?? last ?? '') : key;
  const to = operatorOf('to') === '<' ? (neighbour(key, 1n) ?? `${key}!`) : key;
  return new Map([
    ['from', from],
    ['to', to],
    ['batch', '1'],
  ]);
}

function neighbour(key: string, by: bigint): string | null {
  return /^-?\d+$/.test(key) ? String(BigInt(key) + by) : null;
}
