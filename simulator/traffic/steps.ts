/** The forecast as the report shows it, step by step. */
import type { LockMode } from '../engine/engine.ts';
import type { Plan, Step } from '../plan/model.ts';
import type { StepForecast, StepReport } from '../report/model.ts';
import { stronger } from './conflicts.ts';
import type { BackfillForecast, SqlForecast } from './forecast.ts';
import type { Block } from './impact.ts';
import type { Judged, LockJudgement } from './judge.ts';
import type { QueueResult } from './lock-queue.ts';
import { nothing, sum, union, type Assumption, type Estimate, type Rates } from './rates.ts';

type Seen = Pick<StepReport, 'locks' | 'rewrites' | 'scans' | 'forecast'>;

/** What is known of each step's way forward. */
export function stepForecasts(plan: Plan, judgement: LockJudgement): ReadonlyMap<string, Seen> {
  return new Map(plan.steps.map((step) => [step.name, stepSeen(step, judgement)]));
}

function stepSeen(step: Step, { sql, backfills, rates }: LockJudgement): Seen {
  const own = sql.filter((j) => j.observed.step === step && j.observed.direction === 'up');
  const backfill = backfills.get(step);
  const forecasts = own.map((j) => j.forecast);
  const seen = {
    locks: locksIn(forecasts),
    rewrites: tablesOf(forecasts, (e) => e.rewrites.filter((r) => r.kind === 'table').map((r) => r.relation)),
    scans: tablesOf(forecasts, (e) => e.scans.map((s) => s.table)),
  };
  if (own.length === 0 && backfill === undefined) return { ...seen, forecast: null };
  return { ...seen, forecast: forecastOf(own, backfill, rates) };
}

function locksIn(forecasts: readonly SqlForecast[]): StepReport['locks'] {
  const modes = new Map<string, LockMode>();
  for (const { table, mode } of forecasts.flatMap((f) => f.holds))
    modes.set(table, stronger(modes.get(table) ?? mode, mode));
  return [...modes].map(([relation, mode]) => ({ relation, mode }));
}

function tablesOf(
  forecasts: readonly SqlForecast[],
  pick: (evidence: SqlForecast['statements'][number]['evidence']) => readonly string[],
): string[] {
  return [...new Set(forecasts.flatMap((f) => f.statements.flatMap((s) => pick(s.evidence))))];
}

function forecastOf(own: readonly Judged[], backfill: BackfillForecast | undefined, rates: Rates): StepForecast {
  const blocks = own.flatMap((j) => j.blocks);
  // A backfill that is one statement was observed as well; its forecast is the same work.
  const all = backfill === undefined ? own.map((j) => j.forecast) : [backfill];
  const total = (pick: (f: (typeof all)[number]) => Estimate): Estimate => sum(all.map(pick));
  const longest = blocks.reduce<Block | null>(
    (a, b) => (a === null || b.hold.duration.value > a.hold.duration.value ? b : a),
    null,
  );
  const hold = longest?.hold.duration ?? nothing;
  const time = total((f) => f.duration);
  const parts = [hold, time, total((f) => f.diskBytes), total((f) => f.walBytes)];
  return {
    holdMs: round(hold.value),
    holdRangeMs: { low: round(hold.low), high: round(hold.high) },
    ...traffic(blocks.map((b) => b.alone)),
    behindSlowQuery: behind(blocks, rates),
    durationMs: round(time.value),
    durationRangeMs: { low: round(time.low), high: round(time.high) },
    diskBytes: round(total((f) => f.diskBytes).value),
    walBytes: round(total((f) => f.walBytes).value),
    replicaLagMs: round(total((f) => f.replicaLagMs).value),
    batches: backfill?.batches ?? null,
    assumptions: assumptions(parts, blocks),
  };
}

function assumptions(estimates: readonly Estimate[], blocks: readonly Block[]): Assumption[] {
  const all = [...estimates.map((e) => e.assumptions), ...blocks.map((b) => b.traffic.assumptions)];
  return [...all.reduce(union, [])];
}

/** Of several tables: the waits of all of them, the outage of the worst. */
function traffic(
  results: readonly QueueResult[],
): Pick<StepForecast, 'blockedRequests' | 'failedRequests' | 'longestWaitMs' | 'outageMs'> {
  return {
    blockedRequests: results.reduce((n, r) => n + r.delayed + r.failed, 0),
    failedRequests: results.reduce((n, r) => n + r.failed, 0),
    longestWaitMs: round(Math.max(0, ...results.map((r) => r.longestWaitMs))),
    outageMs: round(Math.max(0, ...results.map((r) => r.outageMs))),
  };
}

function behind(blocks: readonly Block[], rates: Rates): StepForecast['behindSlowQuery'] {
  if (blocks.length === 0) return null;
  const results = blocks.map((b) => b.behindSlowQuery);
  return {
    ...traffic(results),
    slowQueryMs: rates.of('slow-query'),
    acquired: results.every((r) => r.acquired),
    attempts: Math.max(...results.map((r) => r.attempts)),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
