/** From what was observed to findings and to the forecast of each step. */
import { planViolation } from '../explore/blame.ts';
import type { Violation } from '../explore/violations.ts';
import type { BackfillStep, Plan, Step } from '../plan/model.ts';
import { stepStatements } from '../plan/statements.ts';
import type { Severity, TraceEvent } from '../report/model.ts';
import { bytes, count, duration, number } from '../report/words.ts';
import { forecastBackfill, forecastSql, type BackfillForecast, type SqlForecast, type Work } from './forecast.ts';
import { blocksOf, type Block, type Queue } from './impact.ts';
import { simulateQueue, type QueueResult } from './lock-queue.ts';
import { Rates, type Estimate } from './rates.ts';
import { Sizes, tableName } from './sizes.ts';
import type { Observed } from './survey.ts';

/** A finding, and what follows from the same cause. */
export interface LockFinding {
  readonly head: Violation;
  readonly followers: readonly Violation[];
}

/** SQL that was observed, at the size of production. */
export interface Judged {
  readonly observed: Observed;
  readonly forecast: SqlForecast;
  readonly blocks: readonly Block[];
}

export interface LockJudgement {
  readonly sql: readonly Judged[];
  readonly backfills: ReadonlyMap<Step, BackfillForecast>;
  readonly rates: Rates;
}

/** What to do instead, confirmed on the engine, where there is such a thing: the finding's hint. */
export type Advice = (observed: Observed, rule: Violation['rule']) => string | null;

export function judgeLocks(
  plan: Plan,
  observed: readonly Observed[],
  parentOf: (table: string) => string | null,
  sequences: ReadonlySet<string>,
): LockJudgement {
  const rates = new Rates(plan.forecast);
  const sizes = new Sizes(plan, rates, parentOf);
  const queue = remembering();
  const sql: Judged[] = [];
  const backfills = new Map<Step, BackfillForecast>();
  for (const step of plan.steps) {
    const own = observed.filter((o) => o.step === step);
    for (const each of own.filter((o) => o.direction === 'up')) sql.push(judgeSql(each, sizes, rates, queue));
    if (step.kind === 'backfill') backfills.set(step, judgeBackfill(step, sizes, rates, sequences));
    const back = sizes.copy();
    for (const each of own.filter((o) => o.direction === 'down')) sql.push(judgeSql(each, back, rates, queue));
  }
  return { sql, backfills, rates };
}

export function lockFindings(plan: Plan, { sql, rates }: LockJudgement, advice: Advice): readonly LockFinding[] {
  return gather(
    plan,
    sql.flatMap((each) => findingsOf(each, rates, advice)),
  );
}

/** Most short locks of a plan are alike: each is played once. */
function remembering(): Queue {
  const known = new Map<string, QueueResult>();
  return (input) => {
    const key = JSON.stringify(input);
    const result = known.get(key) ?? simulateQueue(input);
    known.set(key, result);
    return result;
  };
}

function judgeSql(observed: Observed, sizes: Sizes, rates: Rates, queue: Queue): Judged {
  const before = sizes.copy();
  const { statements, evidence, transactional, users, step } = observed;
  const forecast = forecastSql(statements, evidence, transactional, sizes, rates);
  // With the app stopped nobody waits.
  return { observed, forecast, blocks: step.offline ? [] : blocksOf(forecast, users, before, rates, queue) };
}

function judgeBackfill(
  step: BackfillStep,
  sizes: Sizes,
  rates: Rates,
  sequences: ReadonlySet<string>,
): BackfillForecast {
  const statements = stepStatements({ ...step, rollback: { kind: 'unstated' } });
  const named = new Set(statements.flatMap((s) => s.tables.map(tableName)));
  const tables = [...named].filter((name) => !sequences.has(name));
  const forecast = forecastBackfill(step, tables, sizes, rates);
  for (const { target } of statements) if (target !== null) sizes.filled(tableName(target.table), tables);
  return forecast;
}

// ---- findings -----------------------------------------------------------------------------------

function findingsOf(judged: Judged, rates: Rates, advice: Advice): readonly LockFinding[] {
  const { observed, blocks } = judged;
  const serious = new Map<string, readonly Block[]>();
  for (const block of blocks.filter((b) => b.rule !== null && b.rule !== 'lock-queue')) {
    const key = `${block.rule}|${block.work?.table ?? ''}`;
    serious.set(key, [...(serious.get(key) ?? []), block]);
  }
  const words = new Words(judged, rates);
  const findings = [...serious.values()].map((same): LockFinding => {
    const head = words.violation(same, advice);
    return { head, followers: words.consequences(head, same) };
  });
  const queues = blocks.filter((b) => b.rule === 'lock-queue');
  const [first] = findings;
  if (queues.length > 0 && first === undefined) findings.push({ head: words.violation(queues, advice), followers: [] });
  else if (queues.length > 0 && first !== undefined)
    findings[0] = { ...first, followers: [...first.followers, words.queueConsequence(first.head, queues)] };
  const rows = judged.forecast.works.find((w) => w.kind === 'rows' && w.large);
  const isSaid = [...serious.keys()].some((key) => key.startsWith('backfill-in-one-transaction'));
  if (rows !== undefined && !isSaid && !observed.step.offline && concerns(judged, rows)) {
    const head = words.hugeTransaction(rows);
    if (first === undefined) findings.unshift({ head, followers: [] });
    else findings[0] = { ...first, followers: [...first.followers, head] };
  }
  return findings;
}

/** A backfill is of what the app uses, or will; what else a migration writes in one go, nobody may be there to mind. */
function concerns({ observed }: Judged, { table }: Work): boolean {
  return observed.step.kind === 'backfill' || observed.users.some((u) => u.locks.has(table));
}

/**
 * Where no traffic is stated, a missing `lock_timeout` is one note for the plan. What the way back of a step
 * shows again belongs to what the step showed.
 */
function gather(plan: Plan, findings: readonly LockFinding[]): readonly LockFinding[] {
  const gathered: { head: Violation; followers: Violation[] }[] = [];
  const allows = (step: Step): boolean => step.allow.some((a) => a.rule === 'lock-queue');
  for (const { head, followers } of findings) {
    const same =
      head.rule !== 'lock-queue'
        ? undefined
        : gathered.find(
            (g) =>
              (g.head.step === head.step && [g.head, ...g.followers].some((v) => v.rule === 'lock-queue')) ||
              (g.head.rule === 'lock-queue' && [g.head, head].every((v) => v.severity === 'info' && !allows(v.step))),
          );
    if (same === undefined) gathered.push({ head, followers: [...followers] });
    else same.followers.push(head, ...followers);
  }
  return gathered.toSorted((a, b) => plan.steps.indexOf(a.head.step) - plan.steps.indexOf(b.head.step));
}

const waysBackInTime =
  "Begin the step's `rollback` with `SET lock_timeout = '2s'`, and try again when it could not have the lock.";

/** Each mode with its tables, and the verb that goes with them. */
function locksText(blocks: readonly Block[]): string {
  const modes = new Map<string, string[]>();
  for (const { hold } of blocks) modes.set(hold.mode, [...(modes.get(hold.mode) ?? []), hold.table]);
  const each = [...modes].map(([mode, tables]) => `${mode} on ${tables.join(', ')}`);
  return `${each.join(' and ')} ${each.length > 1 ? 'are' : 'is'}`;
}

/** Puts what was seen of one step's SQL into words. */
class Words {
  constructor(
    private readonly judged: Judged,
    private readonly rates: Rates,
  ) {}

  private get down(): boolean {
    return this.judged.observed.direction === 'down';
  }

  private severity(blocks: readonly Block[]): Severity {
    const [first] = blocks;
    if (first?.rule === 'lock-queue') return blocks.some((b) => b.traffic.stated) ? 'warning' : 'info';
    return this.down ? 'warning' : 'error';
  }

  violation(blocks: readonly Block[], advice: Advice): Violation {
    const { observed } = this.judged;
    const [block] = blocks;
    if (block === undefined || block.rule === null) throw new RangeError('a finding of nothing');
    const isQueue = block.rule === 'lock-queue';
    const seen = isQueue ? block.behindSlowQuery : block.alone;
    const hint = advice(observed, block.rule) ?? (isQueue && this.down ? waysBackInTime : null);
    return {
      ...planViolation(block.rule, observed.step, this.message(blocks)),
      severity: this.severity(blocks),
      version: block.users[0]?.version ?? null,
      location: observed.statements[block.work?.statement ?? block.hold.statement]?.location ?? observed.step.location,
      expected: `no request waits for longer than ${duration(this.rates.of('max-block'))}`,
      actual: `${isQueue ? `behind a query of ${duration(this.rates.of('slow-query'))}, ` : ''}${this.impact(seen, block)}`,
      trace: this.trace(block, seen),
      subject: `${observed.direction} ${block.work?.table ?? ''}`,
      ...(hint === null ? {} : { hint }),
    };
  }

  private message(blocks: readonly Block[]): string {
    const [block] = blocks;
    if (block === undefined) return '';
    const locks = locksText(blocks);
    const where = this.down ? 'on the way back, ' : '';
    const who = `requests of ${this.versions(blocks)}`;
    if (block.rule === 'lock-queue')
      return `${where}${locks} asked for with ${lockTimeout(block)}: behind one slow query it waits, and ${who} wait behind it${block.traffic.stated ? '' : ` (the plan states no traffic for ${block.hold.table}; ${this.assumedTraffic(block)})`}`;
    const { hold, work } = block;
    const held = `${locks} held for ${range(hold.duration)}`;
    const because = work === null ? '' : `${work.what}${sizeText(work)}: `;
    return `${where}${because}${held}, and ${who} wait for it`;
  }

  private versions(blocks: readonly Block[]): string {
    const names = [...new Set(blocks.flatMap((b) => b.users.map((u) => u.version)))];
    return names.length === 0 ? 'production' : names.join(' and ');
  }

  private assumedTraffic({ traffic }: Block): string {
    return `${number(traffic.reads)} reads/s and ${number(traffic.writes)} writes/s are assumed`;
  }

  private impact(seen: Block['alone'], block: Block): string {
    const parts = [
      `requests wait up to ${duration(seen.longestWaitMs)}`,
      `${count(seen.delayed, 'is', 'are')} late`,
      `${number(seen.failed)} fail`,
      `outage of ${seen.outageMs === 0 ? '0 s' : duration(seen.outageMs)}`,
    ];
    return `${parts.join(', ')}${block.traffic.stated ? '' : ` (${this.assumedTraffic(block)})`}`;
  }

  /** The step's statements with what each was seen to do, and a request that waits. */
  private trace(block: Block, seen: Block['alone']): readonly TraceEvent[] {
    const user = block.users[0];
    const events = this.statementEvents();
    if (user === undefined) return events;
    const result = `waits for ${block.hold.table}, up to ${duration(seen.longestWaitMs)}`;
    const { step } = this.judged.observed;
    const { version, request } = user;
    return [...events, { kind: 'request', step: step.name, version, request, params: {}, sql: '', result, line: null }];
  }

  private statementEvents(): readonly TraceEvent[] {
    const { observed, forecast } = this.judged;
    return forecast.statements.map((statement, i) => ({
      kind: this.down ? 'rollback' : 'step',
      step: observed.step.name,
      version: null,
      request: null,
      params: {},
      sql: statement.evidence.sql,
      result: seenText(forecast, i),
      line: observed.statements[i]?.location.line ?? null,
    }));
  }

  consequences(head: Violation, blocks: readonly Block[]): readonly Violation[] {
    const [block] = blocks;
    const found: Violation[] = [];
    if (block === undefined) return found;
    if (block.rule !== 'blocking-lock' && block.tooLong)
      found.push({ ...head, rule: 'blocking-lock', message: this.impact(block.alone, block) });
    if (blocks.some((b) => b.unbounded)) found.push(this.queueConsequence(head, blocks));
    return found;
  }

  queueConsequence(head: Violation, blocks: readonly Block[]): Violation {
    const block = blocks.find((b) => b.unbounded) ?? blocks[0];
    const table = block?.hold.table ?? '';
    const message = `${block?.hold.mode ?? ''} on ${table} is asked for with ${block === undefined ? '' : lockTimeout(block)}`;
    return { ...head, rule: 'lock-queue', message };
  }

  hugeTransaction(work: Work): Violation {
    const { observed, forecast } = this.judged;
    const isUsed = observed.users.some((u) => u.locks.has(work.table));
    const stated = work.duration.assumptions.some((a) => a.name.startsWith('rows of') && a.stated);
    const message = `${this.down ? 'on the way back, ' : ''}${work.what} in one transaction${sizeText(work)}, in ${range(forecast.duration)}`;
    return {
      ...planViolation('backfill-in-one-transaction', observed.step, message),
      severity: stated && isUsed && !this.down ? 'error' : 'warning',
      location:
        observed.step.kind === 'backfill'
          ? observed.step.location
          : (observed.statements[work.statement]?.location ?? observed.step.location),
      trace: this.statementEvents(),
      subject: `${observed.direction} ${work.table}`,
    };
  }
}

function lockTimeout({ hold }: Block): string {
  return hold.lockTimeoutMs === 0 ? 'no lock_timeout' : `a lock_timeout of ${duration(hold.lockTimeoutMs)}`;
}

export function range(estimate: Estimate): string {
  if (estimate.low === estimate.high) return `about ${duration(estimate.value)}`;
  return `about ${duration(estimate.value)} (${duration(estimate.low)} to ${duration(estimate.high)})`;
}

/** The size that the work is estimated for, and whether somebody said so. */
function sizeText({ duration: { assumptions } }: Work): string {
  const sizes = assumptions.filter((a) => /^(rows|size) of /.test(a.name));
  const shown = sizes.map((a) => (a.name.startsWith('rows') ? count(a.value, 'row') : bytes(a.value)));
  if (shown.length === 0) return '';
  const isAssumed = sizes.every((a) => !a.stated);
  return isAssumed ? ` (${shown.join(', ')} assumed, since the plan states no size)` : ` (${shown.join(', ')})`;
}

/** What a statement was seen to do: its locks, what it wrote anew, what it read. */
function seenText(forecast: SqlForecast, at: number): string {
  const statement = forecast.statements[at];
  if (statement === undefined) return '';
  const locks = forecast.holds
    .filter((h) => h.statement === at)
    .map((h) => `${h.mode} on ${h.table}, held for about ${duration(h.duration.value)}`);
  const works = statement.works.map((w) => `${w.what}, about ${duration(w.duration.value)}`);
  const { error } = statement.evidence;
  const said = [...locks, ...works, ...(error === null ? [] : [`error ${error.sqlstate}: ${error.message}`])];
  return said.length === 0 ? 'done' : said.join('; ');
}
