/** Who waits for a lock, for how long, and how bad that is. */
import type { LockMode } from '../engine/engine.ts';
import type { Violation } from '../explore/violations.ts';
import { conflicts } from './conflicts.ts';
import type { Hold, SqlForecast, Work } from './forecast.ts';
import type { QueueInput, QueueResult } from './lock-queue.ts';
import type { Rates } from './rates.ts';
import type { Sizes, TableTraffic } from './sizes.ts';
import type { User } from './survey.ts';

/** A lock that requests of live versions wait for. */
export interface Block {
  readonly hold: Hold;
  /** Null: nothing is wrong with it. */
  readonly rule: Violation['rule'] | null;
  /** The work that makes it long; null where none grows. */
  readonly work: Work | null;
  /** Requests that need the table in a mode that the lock keeps out. */
  readonly users: readonly User[];
  readonly traffic: TableTraffic;
  /** True when no `lock_timeout`, or none worth the name, bounds the wait for the lock. */
  readonly unbounded: boolean;
  /** True when it is held for longer than a request may wait. */
  readonly tooLong: boolean;
  readonly alone: QueueResult;
  readonly behindSlowQuery: QueueResult;
}

/** Plays one lock in virtual time. */
export type Queue = (input: QueueInput) => QueueResult;

const rank: readonly (Violation['rule'] | null)[] = [
  'table-rewrite',
  'full-scan-under-lock',
  'backfill-in-one-transaction',
  'blocking-lock',
  'lock-queue',
  null,
];

/** One for each table that is kept from requests: its worst lock. */
export function blocksOf(
  forecast: SqlForecast,
  users: readonly User[],
  sizes: Sizes,
  rates: Rates,
  queue: Queue,
): readonly Block[] {
  const worst = new Map<string, Omit<Block, 'alone' | 'behindSlowQuery'>>();
  for (const hold of forecast.holds) {
    const block = judge(hold, users, sizes, rates);
    const known = worst.get(hold.table);
    if (block !== null && (known === undefined || isWorse(block, known))) worst.set(hold.table, block);
  }
  return [...worst.values()].map((block) => ({ ...block, ...simulate(block, rates, queue) }));
}

function isWorse(a: Pick<Block, 'rule' | 'hold'>, b: Pick<Block, 'rule' | 'hold'>): boolean {
  const [first, second] = [rank.indexOf(a.rule), rank.indexOf(b.rule)];
  return first === second ? a.hold.duration.value > b.hold.duration.value : first < second;
}

function judge(
  hold: Hold,
  users: readonly User[],
  sizes: Sizes,
  rates: Rates,
): Omit<Block, 'alone' | 'behindSlowQuery'> | null {
  const kept = users.filter(({ locks }) => keepsOut(hold.mode, locks.get(hold.table)));
  const traffic = sizes.traffic(hold.table);
  // Production may use a table that no request of the plan does: then its facts say so.
  const stated =
    (traffic.stated && traffic.reads > 0 && conflicts(hold.mode, 'AccessShareLock')) ||
    (traffic.stated && traffic.writes > 0 && conflicts(hold.mode, 'RowExclusiveLock'));
  if (kept.length === 0 && !stated) return null;
  const limit = hold.lockTimeoutMs;
  const unbounded = limit === 0 || limit > rates.of('request-timeout');
  const tooLong = hold.duration.value > rates.of('max-block');
  const waits = unbounded && !sizes.isIdle(hold.table);
  const { rule, work } = ruleFor(hold, tooLong) ?? { rule: waits ? ('lock-queue' as const) : null, work: null };
  return { hold, rule, work, users: kept, traffic, unbounded, tooLong };
}

function keepsOut(held: LockMode, wanted: LockMode | undefined): boolean {
  return wanted !== undefined && conflicts(held, wanted);
}

/** The most specific of what makes the lock long; null when it is short. */
function ruleFor({ works }: Hold, tooLong: boolean): Pick<Block, 'rule' | 'work'> | null {
  const large = works.filter((w) => w.large);
  const rewrite = large.find((w) => w.kind === 'rewrite');
  if (rewrite !== undefined) return { rule: 'table-rewrite', work: rewrite };
  const scan = large.find((w) => w.kind === 'build') ?? large.find((w) => w.kind === 'scan');
  const rows = large.find((w) => w.kind === 'rows');
  if (rows !== undefined && (scan === undefined || rows.duration.value > scan.duration.value))
    return { rule: 'backfill-in-one-transaction', work: rows };
  if (scan !== undefined) return { rule: 'full-scan-under-lock', work: scan };
  const slowest = works.toSorted((a, b) => b.duration.value - a.duration.value)[0] ?? null;
  return tooLong ? { rule: 'blocking-lock', work: slowest } : null;
}

function simulate(
  block: Omit<Block, 'alone' | 'behindSlowQuery'>,
  rates: Rates,
  queue: Queue,
): Pick<Block, 'alone' | 'behindSlowQuery'> {
  const { hold, traffic } = block;
  const requests: QueueInput['requests'] = [
    { mode: 'AccessShareLock', perSecond: traffic.reads },
    { mode: 'RowExclusiveLock', perSecond: traffic.writes },
  ];
  const base: QueueInput = {
    lock: {
      mode: hold.mode,
      holdMs: hold.duration.value,
      lockTimeoutMs: hold.lockTimeoutMs,
      retries: rates.of('retries'),
      retryPauseMs: rates.of('retry-pause'),
    },
    front: null,
    requests,
    serviceMs: rates.of('request-time'),
    pool: rates.of('pool'),
    timeoutMs: rates.of('request-timeout'),
    maxBlockMs: rates.of('max-block'),
  };
  // Who is in front uses the table as the app does: a query, or a transaction that has written.
  const mode = conflicts(hold.mode, 'AccessShareLock') ? 'AccessShareLock' : 'RowExclusiveLock';
  return {
    alone: queue(base),
    behindSlowQuery: queue({ ...base, front: { mode, ms: rates.of('slow-query') } }),
  };
}
