/** From the forecast to the locks that requests meet in virtual time: behind a slow query, with the retries of a lock_timeout. */
import type { Step } from '../plan/model.ts';
import { bytes, duration, number } from '../report/words.ts';
import { conflicts } from './conflicts.ts';
import type { Hold } from './forecast.ts';
import type { LockHold, StepHold } from './hold.ts';
import type { Judged, LockJudgement } from './judge.ts';
import type { StepLag } from './replica-lag.ts';
import type { Assumption, Rates } from './rates.ts';

/** The holds of every step that migrates; of one that runs other SQL on its way back nothing is said. */
export function stepHolds({ sql, rates }: LockJudgement): ReadonlyMap<Step, StepHold> {
  const forward = sql.filter(({ observed }) => observed.direction === 'up' && observed.step.kind === 'migrate');
  return new Map(forward.map((judged) => [judged.observed.step, stepHold(judged, rates)]));
}

/** How far the steps leave a replica behind. */
export function stepLags({ sql, backfills }: LockJudgement): ReadonlyMap<Step, StepLag> {
  const forward = sql.filter(({ observed }) => observed.direction === 'up' && observed.step.kind === 'migrate');
  const forecasts = [...forward.map(({ observed, forecast }) => [observed.step, forecast] as const), ...backfills];
  return new Map(
    forecasts.map(
      ([
        step,
        {
          duration: { value },
          replicaLagMs,
        },
      ]) => [step, { workMs: value, behindMs: replicaLagMs.value }],
    ),
  );
}

function stepHold({ observed, forecast }: Judged, rates: Rates): StepHold {
  const holds: LockHold[] = [];
  const assumptions = new Set<string>();
  /** The slow query is in front of the first lock that it keeps out; it is over when the next is asked for. */
  let isSlow = !observed.step.offline;
  let now = 0;
  const starts = forecast.statements.map((statement, i) => {
    const own = forecast.holds.filter((h) => h.statement === i);
    const kept = own.find((h) => isSlow && conflicts(h.mode, 'AccessShareLock'));
    if (kept !== undefined) {
      isSlow = false;
      assumptions.add(
        `one query of ${duration(rates.of('slow-query'))} in front of the first strong lock of each step`,
      );
      const { windows, until } = waits(kept, rates);
      for (const window of windows)
        holds.push(
          ...own.map(({ table, mode }) => ({
            table,
            mode,
            fromMs: now + window.from,
            toMs: now + window.to,
            isQueue: true as const,
          })),
        );
      now += until;
    }
    const start = now;
    now += statement.duration.value;
    return start;
  });
  for (const hold of forecast.holds) {
    const fromMs = starts[hold.statement] ?? 0;
    holds.push({ table: hold.table, mode: hold.mode, fromMs, toMs: fromMs + hold.duration.value });
  }
  for (const each of forecast.duration.assumptions) if (!each.stated) assumptions.add(assumed(each));
  return { holds, durationMs: now, assumptions: [...assumptions] };
}

const inBytes = new Set<string>(['scan', 'rewrite', 'replay', 'row-size', 'index-row-size']);

/** `scan: 125 MB/s`, `rows of users: 10,000,000`. */
function assumed({ name, value }: Assumption): string {
  const shown = inBytes.has(name) ? bytes(value) : number(value);
  return `${name}: ${shown}${/ of |-size$/.test(name) ? '' : inBytes.has(name) ? '/s' : ' rows/s'}`;
}

/** When requests queue behind a lock that is not free yet, and when it has it. */
function waits(
  { lockTimeoutMs }: Hold,
  rates: Rates,
): { readonly windows: readonly { readonly from: number; readonly to: number }[]; readonly until: number } {
  const slow = rates.of('slow-query');
  if (lockTimeoutMs === 0 || lockTimeoutMs >= slow) return { windows: [{ from: 0, to: slow }], until: slow };
  const windows: { from: number; to: number }[] = [];
  let at = 0;
  for (let tried = 0; tried <= rates.of('retries') && at + lockTimeoutMs < slow; tried += 1) {
    windows.push({ from: at, to: at + lockTimeoutMs });
    at += lockTimeoutMs + rates.of('retry-pause');
  }
  return { windows, until: Math.max(at, slow) };
}
