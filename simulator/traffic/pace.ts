/**
 * How long things take in virtual time, and how many requests are run where. Nobody runs thousands of requests a
 * second for a week: around each event every request is run, a rollout and a backfill get most of the others, and the
 * long quiet stretches in between get few.
 */
import type { BackfillStep, Plan, Step } from '../plan/model.ts';
import { assumedRows } from './workload.ts';

export interface Pace {
  /** Virtual time that the whole is to take, at least. */
  readonly durationMs: number;
  readonly rolloutMs: number;
  readonly pods: number;
  /** About how many requests are run in all. */
  readonly requests: number;
  /** Rows of each table. */
  readonly rows: number;
  /** A client that waits longer gets an error. */
  readonly requestTimeoutMs: number;
  /** From a commit to the delivery of what it changed. */
  readonly streamLagMs: number;
  /** From a commit until a replica shows it, where no step makes it later. */
  readonly replicaLagMs: number;
}

export const defaultPace: Pace = {
  durationMs: 7 * 24 * 3_600_000,
  rolloutMs: 600_000,
  pods: 20,
  requests: 150_000,
  rows: 1_000,
  requestTimeoutMs: 10_000,
  streamLagMs: 1_000,
  replicaLagMs: 1_000,
};

const shares = { window: 1, soak: 1, rollout: 10, backfill: 4, end: 3 } as const;
/** Batches that a simulated backfill is made of; each stands for many. */
const batchesShown = 100;
const assumedBatch = 1_000;
const assumedBatchMs = 20;
/** Rows a second that one statement writes. */
const assumedWriteRate = 20_000;
const verifyMs = 1_000;
const [shortestWindowMs, longestWindowMs] = [100, 10_000];
const shortestSoakMs = 10_000;

export interface BackfillPace {
  /** Rows in a simulated batch. */
  readonly batch: number;
  /** Virtual time of one simulated batch, which stands for many. */
  readonly batchMs: number;
  /** A batch as it is in production. */
  readonly real: { readonly batch: number; readonly ms: number };
  /** Writes that are run in one of them, at most: they may not make more work than it does. */
  readonly writes: number;
}

/** Simulated batches are few: as a share of their rows more is written meanwhile than in production, but not too much more. */
const writesPerRow = 0.3;

export class Schedule {
  readonly windowMs: number;
  readonly soakMs: number;
  private readonly unit: number;
  private readonly writeShare: number;

  constructor(
    private readonly plan: Plan,
    private readonly pace: Pace,
    perSecond: number,
    writesPerSecond: number,
  ) {
    this.writeShare = perSecond > 0 ? writesPerSecond / perSecond : 0;
    const total = plan.steps.reduce<number>((n, step) => n + share(step) + 2 * shares.window + shares.soak, shares.end);
    this.unit = pace.requests / total;
    const full = perSecond > 0 ? (this.unit / perSecond) * 1000 : longestWindowMs;
    this.windowMs = Math.min(longestWindowMs, Math.max(shortestWindowMs, Math.round(full)));
    const busy = plan.steps.reduce((n, step) => n + this.estimateMs(step) + 2 * this.windowMs, 0);
    const quiet = (pace.durationMs - busy) / (plan.steps.length + 1);
    this.soakMs = Math.max(shortestSoakMs, Math.round(quiet));
  }

  /** Requests that are run in a stretch of this kind. */
  budget(kind: keyof typeof shares): number {
    return this.unit * shares[kind];
  }

  /** Requests that are run while one simulated batch goes on. */
  backfillBudget({ writes }: BackfillPace, batches: number): number {
    const most = this.writeShare > 0 ? writes / this.writeShare : Infinity;
    return Math.min(most, this.budget('backfill') / Math.max(1, batches));
  }

  backfill({ form, batch, pauseMs }: BackfillStep, table: string | null): BackfillPace {
    const rows = (table === null ? undefined : this.plan.production.get(table)?.rows) ?? assumedRows;
    if (form.kind === 'list') {
      const each = rows / Math.max(1, form.statements.length) / assumedWriteRate;
      const batchMs = Math.round(each * 1000 + pauseMs);
      return { batch: 1, batchMs, real: { batch: 1, ms: batchMs }, writes: Infinity };
    }
    const whole = form.kind === 'statement' && !form.batched;
    if (whole) {
      const batchMs = Math.round((rows / assumedWriteRate) * 1000);
      return { batch: 1, batchMs, real: { batch: 1, ms: batchMs }, writes: Infinity };
    }
    const batches = rows / (batch ?? assumedBatch);
    const shown = Math.max(1, Math.min(batchesShown, batches));
    const realMs = pauseMs + assumedBatchMs;
    const batchMs = Math.max(1, Math.round((batches / shown) * realMs));
    const shownRows = Math.max(1, Math.ceil(this.pace.rows / shown));
    const real = { batch: batch ?? assumedBatch, ms: realMs };
    return { batch: shownRows, batchMs, real, writes: shownRows * writesPerRow };
  }

  private estimateMs(step: Step): number {
    if (step.kind === 'deploy') return step.flag === null && !step.offline ? this.pace.rolloutMs : 0;
    if (step.kind === 'verify') return verifyMs;
    if (step.kind !== 'backfill') return 0;
    const { batchMs, batch } = this.backfill(step, backfillTable(step));
    const once = step.form.kind === 'list' ? step.form.statements.length : this.pace.rows / batch;
    return batchMs * (step.form.kind === 'statement' && !step.form.batched ? 1 : once);
  }

  get verifyMs(): number {
    return verifyMs;
  }
}

function share(step: Step): number {
  if (step.kind === 'backfill') return shares.backfill;
  return step.kind === 'deploy' && step.flag === null && !step.offline ? shares.rollout : 0;
}

/** The table that a backfill writes, as far as its statements say it. */
export function backfillTable({ form }: BackfillStep): string | null {
  const statements = form.kind === 'list' ? form.statements : form.kind === 'script' ? form.write : [form.statement];
  const target = statements.find((s) => s.target !== null)?.target?.table;
  if (target === undefined) return null;
  return target.schema === null || target.schema === 'public' ? target.table : `${target.schema}.${target.table}`;
}

/** What of all this the plan does not say. */
export function paceAssumptions(plan: Plan, pace: Pace): string[] {
  const rollout = plan.steps.some((s) => s.kind === 'deploy' && s.flag === null && !s.offline);
  const backfill = plan.steps.some((s) => s.kind === 'backfill');
  return [
    ...(rollout ? [`a rollout moves ${pace.pods} pods one after the other in ${pace.rolloutMs / 60_000} min`] : []),
    ...(backfill ? [`a batch of a backfill takes ${assumedBatchMs} ms beside its pause`] : []),
    ...(plan.steps.some((s) => s.kind === 'cdc')
      ? [
          `a stream delivers ${pace.streamLagMs / 1000} s after the commit, each change once; a step that waits for it pauses the traffic for so long`,
        ]
      : []),
    ...(readsReplica(plan)
      ? [
          `a replica shows what was committed ${pace.replicaLagMs / 1000} s later; a step that waits for it waits until it shows what was committed before`,
        ]
      : []),
    `a request takes 1 to 20 ms; its client gives up after ${pace.requestTimeoutMs / 1000} s`,
  ];
}

/** Some request of the plan reads from a replica. */
export function readsReplica(plan: Plan): boolean {
  return plan.versions.some((v) => [...v.requests.values()].some((r) => r.onReplica));
}
