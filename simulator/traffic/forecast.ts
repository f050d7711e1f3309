/**
 * From what Postgres was seen to do on a few rows to what it does at the size of production: how long each
 * statement takes, how long each lock is held, and how much disk and write-ahead log it needs. Pure functions.
 */
import type { LockMode, StatementEvidence } from '../engine/engine.ts';
import type { BackfillStep, Statement } from '../plan/model.ts';
import { conflicts, isWaitedFor } from './conflicts.ts';
import { constant, constantMs, longest, nothing, scaled, sum, type Estimate, type Rates } from './rates.ts';
import { largeTable, tableName, type Sizes } from './sizes.ts';

/** Work that grows with a table. */
export interface Work {
  readonly kind: 'rewrite' | 'scan' | 'build' | 'rows';
  readonly table: string;
  /** In words: `users is written anew`, `index users_email is built on users`. */
  readonly what: string;
  readonly statement: number;
  readonly large: boolean;
  readonly duration: Estimate;
  readonly diskBytes: Estimate;
  readonly walBytes: Estimate;
}

/** A lock on a table that was there before, from the statement that took it until it is given back. */
export interface Hold {
  readonly table: string;
  readonly mode: LockMode;
  readonly statement: number;
  /** The last statement during which it is held. */
  readonly until: number;
  readonly duration: Estimate;
  /** The work that is done while it is held. */
  readonly works: readonly Work[];
  readonly lockTimeoutMs: number;
}

export interface StatementForecast {
  readonly evidence: StatementEvidence;
  readonly works: readonly Work[];
  readonly duration: Estimate;
}

export interface SqlForecast {
  readonly statements: readonly StatementForecast[];
  readonly holds: readonly Hold[];
  readonly works: readonly Work[];
  readonly duration: Estimate;
  readonly diskBytes: Estimate;
  readonly walBytes: Estimate;
  readonly replicaLagMs: Estimate;
}

/** What the parse tree says of a statement beside what was seen of it. */
export type Said = Pick<Statement, 'node' | 'modifies' | 'tables' | 'target' | 'renamesTo'>;

/**
 * What a step's SQL comes to. In a transaction, what is locked stays locked until its end. `sizes` is moved on
 * to what holds after it.
 */
export function forecastSql(
  said: readonly Said[],
  evidence: readonly StatementEvidence[],
  transactional: boolean,
  sizes: Sizes,
  rates: Rates,
): SqlForecast {
  const statements = evidence.map((each, i): StatementForecast => {
    const works = worksOf(each, said[i], i, sizes, rates);
    moveOn(each, said[i], sizes);
    return { evidence: each, works, duration: sum([constant(constantMs), ...works.map((w) => w.duration)]) };
  });
  const works = statements.flatMap((s) => s.works);
  const duration = sum(statements.map((s) => s.duration));
  const walBytes = sum(works.map((w) => w.walBytes));
  return {
    statements,
    holds: statements.flatMap((_, i) => holdsOf(statements, i, transactional)),
    works,
    duration,
    diskBytes: sum(works.map((w) => w.diskBytes)),
    walBytes,
    replicaLagMs: lag(walBytes, duration, rates),
  };
}

function moveOn(evidence: StatementEvidence, said: Said | undefined, sizes: Sizes): void {
  const scanned = evidence.scans.map((s) => s.table);
  const created = evidence.locks.filter((lock) => lock.kind === 'table' && lock.created).map((lock) => lock.relation);
  // A table is made once; later statements of the step lock it as well.
  for (const table of created) if (!sizes.isKnown(table)) sizes.created(table);
  if (scanned.length > 0) for (const table of [...created, ...written(evidence, said)]) sizes.filled(table, scanned);
  const [renamed] = said?.tables ?? [];
  if (said?.renamesTo != null && renamed !== undefined && evidence.error === null)
    sizes.renamed(tableName(renamed), tableName({ schema: renamed.schema, table: said.renamesTo }));
}

/** Tables that a statement writes rows of, whether there were any to write or not. */
function written(evidence: StatementEvidence, said: Said | undefined): readonly string[] {
  const target = said?.modifies === true && said.target !== null ? [tableName(said.target.table)] : [];
  return [...new Set([...evidence.touched.map((t) => t.table), ...target])];
}

function holdsOf(statements: readonly StatementForecast[], at: number, transactional: boolean): readonly Hold[] {
  const statement = statements[at];
  if (statement === undefined) return [];
  const until = transactional ? statements.length - 1 : at;
  const held = statements.slice(at, until + 1);
  const duration = sum(held.map((s) => s.duration));
  const works = held.flatMap((s) => s.works);
  return statement.evidence.locks.filter(isWaitedFor).map(({ relation, mode }) => ({
    table: relation,
    mode,
    statement: at,
    until,
    duration,
    works,
    lockTimeoutMs: statement.evidence.lockTimeoutMs,
  }));
}

function worksOf(
  evidence: StatementEvidence,
  said: Said | undefined,
  statement: number,
  sizes: Sizes,
  rates: Rates,
): readonly Work[] {
  const { rewrites, builds, scans } = evidence;
  const rewritten = new Set(rewrites.filter((r) => r.kind === 'table').map((r) => r.relation));
  const indexes = new Map(builds.map(({ index, table }) => [index, table]));
  for (const each of rewrites) if (each.kind === 'index') indexes.set(each.relation, each.table);
  const builtOn = new Set(indexes.values());
  const targets = written(evidence, said);
  const scanned = scans.filter((s) => !rewritten.has(s.table));
  const works = new Works(statement, sizes, rates);
  const built = [...indexes];
  return [
    ...[...rewritten].map((table) => works.rewrite(table)),
    ...built.map(([index, table]) => works.build(index, table, rewritten.has(table))),
    ...built
      .filter(([, table]) => goesOnWriting(evidence, table))
      .map(([index, table]) => works.scan(table, `for rows that came while ${index} was built`)),
    ...scanned
      .filter((s) => !targets.includes(s.table) && !(builtOn.has(s.table) && s.reason.startsWith('building index')))
      .map((s) => works.scan(s.table, s.reason)),
    ...works.rows(
      evidence,
      targets,
      scanned.map((s) => s.table),
    ),
  ];
}

/** No lock of the statement keeps writes out: what it builds is behind the table, and has to catch up. */
function goesOnWriting({ locks }: StatementEvidence, table: string): boolean {
  const own = locks.filter((lock) => lock.relation === table);
  return own.length > 0 && !own.some((lock) => conflicts(lock.mode, 'RowExclusiveLock'));
}

class Works {
  constructor(
    private readonly statement: number,
    private readonly sizes: Sizes,
    private readonly rates: Rates,
  ) {}

  private work(kind: Work['kind'], table: string, what: string, rows: number, duration: Estimate): Work {
    const large = rows >= largeTable;
    return { kind, table, what, statement: this.statement, large, duration, diskBytes: nothing, walBytes: nothing };
  }

  rewrite(table: string): Work {
    const { rows, bytes, assumptions } = this.sizes.size(table);
    const written = this.rates.ranged(bytes, assumptions);
    const duration = this.rates.time(bytes, 'rewrite', assumptions);
    return {
      ...this.work('rewrite', table, `${table} is written anew`, rows, duration),
      diskBytes: written,
      walBytes: written,
    };
  }

  build(index: string, table: string, again: boolean): Work {
    const { rows, bytes: read, assumptions } = this.sizes.size(table);
    // However fast rows are sorted, all of them have to be read; what was written just now is likely still in memory.
    const sorted = this.rates.time(rows, 'index-build', assumptions);
    const duration = again ? sorted : longest(sorted, this.rates.time(read, 'scan', assumptions));
    const rowSize = this.rates.assumption('index-row-size');
    const bytes = scaled(this.rates.ranged(rows * rowSize.value, assumptions), 1, [rowSize]);
    const work = this.work('build', table, `index ${index} is built ${again ? 'anew' : `on ${table}`}`, rows, duration);
    return { ...work, diskBytes: bytes, walBytes: bytes };
  }

  scan(table: string, reason: string): Work {
    const { rows, bytes, assumptions } = this.sizes.size(table);
    const read = this.rates.time(bytes, 'scan', assumptions);
    const checked = reason.startsWith('validating foreign key')
      ? this.rates.time(rows, 'validate-foreign-key', assumptions)
      : this.rates.time(rows, 'validate', assumptions);
    return this.work('scan', table, `${table} is read from end to end (${reason})`, rows, longest(read, checked));
  }

  /** Rows written by a statement that has to look at a whole table to find them. */
  rows(evidence: StatementEvidence, targets: readonly string[], scanned: readonly string[]): readonly Work[] {
    const { touched } = evidence;
    const source = scanned.map((t) => this.sizes.size(t)).toSorted((a, b) => b.rows - a.rows)[0];
    const table = targets.find((t) => scanned.includes(t)) ?? targets[0];
    if (source === undefined || table === undefined) return [];
    const { rows, bytes, assumptions } = source;
    const duration = this.rates.time(rows, 'write', assumptions);
    const count = touched.reduce((n, t) => n + t.inserted + t.updated + t.deleted, 0);
    const perRow = walPerRow(evidence.walBytes / Math.max(1, count), rows === 0 ? 0 : bytes / rows);
    const name = 'WAL of a row, as seen on a few rows';
    const walBytes = scaled(this.rates.ranged(rows * perRow, assumptions), 1, [{ name, value: perRow, stated: false }]);
    const what = `up to ${Math.round(rows).toLocaleString('en-US')} rows of ${table} are written`;
    return [
      {
        ...this.work('rows', table, what, rows, duration),
        diskBytes: this.rates.ranged(bytes, assumptions),
        walBytes,
      },
    ];
  }
}

/** On a few rows whole pages are logged: what is seen is bounded by what a row of that size can need. */
function walPerRow(seen: number, rowBytes: number): number {
  return Math.min(Math.max(seen, 50), 2 * rowBytes + 200);
}

/** How far a replica is behind when the work is done. */
function lag(walBytes: Estimate, duration: Estimate, rates: Rates): Estimate {
  const replay = rates.time(walBytes.value, 'replay', walBytes.assumptions);
  const behind = Math.max(0, replay.value - duration.value);
  return behind === 0 ? nothing : rates.ranged(behind, replay.assumptions);
}

export interface BackfillForecast {
  readonly table: string | null;
  readonly rows: number;
  /** Null: all in one transaction. */
  readonly batches: number | null;
  readonly duration: Estimate;
  readonly diskBytes: Estimate;
  readonly walBytes: Estimate;
  readonly replicaLagMs: Estimate;
}

/** Rows of a batch where the plan does not say. */
const assumedBatch = 1_000;

/** Of the tables that a backfill names, the largest is the one that it goes through. */
export function forecastBackfill(
  step: Pick<BackfillStep, 'form' | 'batch' | 'pauseMs'>,
  tables: readonly string[],
  sizes: Sizes,
  rates: Rates,
): BackfillForecast {
  const largest = tables.map((t) => sizes.size(t)).toSorted((a, b) => b.rows - a.rows)[0];
  const { rows, bytes, assumptions } = largest ?? { rows: 0, bytes: 0, assumptions: [] };
  const batch = step.batch ?? assumedBatch;
  const batches = batchesOf(step, rows, batch);
  const batchAssumption =
    step.batch === null && batches !== null && step.form.kind !== 'list'
      ? [{ name: 'rows of a batch', value: batch, stated: false }]
      : [];
  const writing = rates.time(rows, 'write', assumptions);
  const pauses = (batches ?? 1) * (step.pauseMs + constantMs);
  const duration = scaled(sum([writing, constant(pauses)]), 1, batchAssumption);
  const walBytes = rates.ranged(rows === 0 ? 0 : rows * walPerRow(2 * (bytes / rows), bytes / rows), assumptions);
  return {
    table: largest?.table ?? null,
    rows,
    batches,
    duration,
    diskBytes: rates.ranged(bytes, assumptions),
    walBytes,
    replicaLagMs: lag(walBytes, duration, rates),
  };
}

function batchesOf({ form }: Pick<BackfillStep, 'form'>, rows: number, batch: number): number | null {
  if (form.kind === 'list') return form.statements.length;
  const batched = form.kind === 'range' || form.batched;
  return batched ? Math.max(1, Math.ceil(rows / batch)) : null;
}
