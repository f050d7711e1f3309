/** Postgres' lock conflicts, and what requests see of a lock, against a simulation that follows every request on its own. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lockModes, type LockMode } from '../../simulator/engine/engine.ts';
import { conflicts, stronger } from '../../simulator/traffic/conflicts.ts';
import { simulateQueue, type QueueInput } from '../../simulator/traffic/lock-queue.ts';

describe('lock conflicts', () => {
  // Table 13.2, "Conflicting Lock Modes", of the PostgreSQL documentation; columns in the order of `lockModes`.
  const documented: readonly (readonly [LockMode, string])[] = [
    ['AccessShareLock', '.......X'],
    ['RowShareLock', '......XX'],
    ['RowExclusiveLock', '....XXXX'],
    ['ShareUpdateExclusiveLock', '...XXXXX'],
    ['ShareLock', '..XX.XXX'],
    ['ShareRowExclusiveLock', '..XXXXXX'],
    ['ExclusiveLock', '.XXXXXXX'],
    ['AccessExclusiveLock', 'XXXXXXXX'],
  ];

  it.each(documented)('%s, all eight cells', (mode, row) => {
    expect(lockModes.map((other) => (conflicts(mode, other) ? 'X' : '.')).join('')).toBe(row);
  });

  it('the stronger of two is the later in the list', () => {
    expect(stronger('ShareLock', 'RowExclusiveLock')).toBe('ShareLock');
    expect(stronger('AccessShareLock', 'AccessExclusiveLock')).toBe('AccessExclusiveLock');
  });
});

const base: QueueInput = {
  lock: { mode: 'AccessExclusiveLock', holdMs: 10, lockTimeoutMs: 0, retries: 3, retryPauseMs: 10_000 },
  front: null,
  requests: [{ mode: 'AccessShareLock', perSecond: 100 }],
  serviceMs: 2,
  pool: 100,
  timeoutMs: 10_000,
  maxBlockMs: 1_000,
};
const lock = (change: Partial<QueueInput['lock']>): QueueInput['lock'] => ({ ...base.lock, ...change });

describe('the lock queue', () => {
  it('a short lock delays the requests that come while it is held', () => {
    // Ten milliseconds at a hundred requests a second: one.
    expect(simulateQueue(base)).toMatchObject({ delayed: 1, failed: 0, outageMs: 0, acquired: true, attempts: 1 });
  });

  it('one slow query in front makes everybody wait, though it only reads', () => {
    const queue = simulateQueue({ ...base, front: { mode: 'AccessShareLock', ms: 5_000 } });
    // Five seconds of them, and one that comes while the hundred connections work off what has waited.
    expect(queue.delayed).toBe(502);
    expect(queue.longestWaitMs).toBeCloseTo(5_005, -1);
    expect(queue.outageMs).toBeCloseTo(4_020, -1);
  });

  it('a lock that shares the table with the slow query does not wait for it', () => {
    const writes = [{ mode: 'RowExclusiveLock', perSecond: 100 }] as const;
    const queue = simulateQueue({
      ...base,
      lock: lock({ mode: 'ShareRowExclusiveLock' }),
      front: { mode: 'AccessShareLock', ms: 5_000 },
      requests: writes,
    });
    expect(queue).toMatchObject({ delayed: 1, outageMs: 0 });
  });

  it('requests that do not conflict go on, until the others have taken every connection', () => {
    const mixed: QueueInput = {
      ...base,
      lock: lock({ mode: 'ShareLock', holdMs: 1_000 }),
      requests: [
        { mode: 'AccessShareLock', perSecond: 100 },
        { mode: 'RowExclusiveLock', perSecond: 100 },
      ],
    };
    expect(simulateQueue({ ...mixed, pool: 1_000 }).delayed).toBe(100);
    expect(simulateQueue({ ...mixed, pool: 20 }).delayed).toBeGreaterThan(150);
  });

  it('a lock timeout bounds the wait, and what was not had is tried again', () => {
    const queue = simulateQueue({
      ...base,
      lock: lock({ lockTimeoutMs: 500, retryPauseMs: 5_000 }),
      front: { mode: 'AccessShareLock', ms: 7_000 },
    });
    expect(queue).toMatchObject({ acquired: true, attempts: 3, failed: 0, outageMs: 0 });
    expect(queue.longestWaitMs).toBeLessThanOrEqual(502);
  });

  it('gives up after the last try', () => {
    const queue = simulateQueue({
      ...base,
      lock: lock({ lockTimeoutMs: 500, retries: 1, retryPauseMs: 100 }),
      front: { mode: 'AccessShareLock', ms: 60_000 },
    });
    expect(queue).toMatchObject({ acquired: false, attempts: 2 });
  });

  it('clients give up when the lock is held for longer than they wait', () => {
    const queue = simulateQueue({ ...base, lock: lock({ holdMs: 30_000 }), pool: 10_000 });
    expect(queue.failed).toBeCloseTo(2_000, -1);
    expect(queue.delayed).toBeCloseTo(1_000, -1);
    expect(queue.longestWaitMs).toBe(10_000);
  });

  it('an hour at 3,400 requests a second is worked out without following twelve million of them', () => {
    const hour = simulateQueue({
      ...base,
      lock: lock({ holdMs: 3_600_000 }),
      requests: [
        { mode: 'AccessShareLock', perSecond: 3_000 },
        { mode: 'RowExclusiveLock', perSecond: 400 },
      ],
    });
    expect(hour.extrapolatedMs).toBe(3_600_000 - 40_000);
    expect(hour.failed / (3_400 * 3_590)).toBeCloseTo(1, 2);
    expect(hour.outageMs / 3_600_000).toBeCloseTo(1, 2);
  });
});

describe('what a plan states that is out of proportion', () => {
  it('is worked out all the same', () => {
    const strange = simulateQueue({
      ...base,
      lock: lock({ lockTimeoutMs: 3_600_000 }),
      front: { mode: 'AccessShareLock', ms: 36_000_000 },
      requests: [{ mode: 'AccessShareLock', perSecond: 1_000_000 }],
      serviceMs: 60_000,
    });
    expect(strange).toMatchObject({ acquired: false, attempts: 4 });
    expect(strange.groupSize).toBeGreaterThan(1_000);
  });
});

// ---- one request at a time ----------------------------------------------------------------------

interface Naive {
  delayed: number;
  failed: number;
  longestWaitMs: number;
  acquired: boolean;
  attempts: number;
}

interface NaiveRequest {
  arrived: number;
  mode: LockMode;
  state: 'future' | 'pool' | 'lock' | 'service' | 'over';
  until: number;
}

/** Requests as objects, a lock table with Postgres' queue, and the smallest next moment searched for every time. */
function naive(input: QueueInput, horizonMs: number): Naive {
  const { lock: wanted, front } = input;
  const needed = input.requests.map((r) => Math.ceil((r.perSecond * input.serviceMs) / 1000) + 1);
  const pool = Math.max(
    input.pool,
    needed.reduce((sum, n) => sum + n, 0),
  );
  const requests: NaiveRequest[] = input.requests.flatMap(({ mode, perSecond: rate }) => {
    const gap = 1000 / rate;
    const first = Math.ceil((-2 * input.serviceMs) / gap - 0.5);
    const count = Math.ceil(horizonMs / gap);
    return Array.from({ length: rate > 0 ? count : 0 }, (_, i) => ({
      arrived: (first + i + 0.5) * gap,
      mode,
      state: 'future' as const,
      until: 0,
    }));
  });
  requests.sort((a, b) => a.arrived - b.arrived);
  const result: Naive = { delayed: 0, failed: 0, longestWaitMs: 0, acquired: false, attempts: 0 };
  let ddl: 'away' | 'waiting' | 'held' | 'done' = 'away';
  let change = 0;
  let frontUntil = front === null ? -Infinity : front.ms;
  const holders = (): LockMode[] => [
    ...requests.filter((r) => r.state === 'service').map((r) => r.mode),
    ...(frontUntil === -Infinity || front === null ? [] : [front.mode]),
    ...(ddl === 'held' ? [wanted.mode] : []),
  ];
  const used = (): number => requests.filter((r) => r.state === 'lock' || r.state === 'service').length;
  const begin = (r: NaiveRequest, now: number): void => {
    r.state = 'service';
    r.until = now + input.serviceMs;
    const wait = now - r.arrived;
    if (wait > 0) result.delayed += 1;
    result.longestWaitMs = Math.max(result.longestWaitMs, wait);
  };
  const settle = (now: number): void => {
    if (ddl === 'waiting' && !holders().some((mode) => conflicts(mode, wanted.mode))) {
      ddl = 'held';
      change = now + wanted.holdMs;
      result.acquired = true;
    }
    const mustWait = (mode: LockMode): boolean =>
      holders().some((held) => conflicts(held, mode)) || (ddl === 'waiting' && conflicts(wanted.mode, mode));
    for (const r of requests) if (r.state === 'lock' && !mustWait(r.mode)) begin(r, now);
    for (const r of requests) {
      if (r.state !== 'pool' || used() >= pool) continue;
      if (mustWait(r.mode)) r.state = 'lock';
      else begin(r, now);
    }
  };
  const oldest = (): number => requests.find((r) => r.state === 'lock' || r.state === 'pool')?.arrived ?? Infinity;
  for (let guard = 0; guard < 100_000; guard += 1) {
    if (ddl === 'done' && oldest() === Infinity) return result;
    const service = Math.min(Infinity, ...requests.filter((r) => r.state === 'service').map((r) => r.until));
    const fronts = frontUntil === -Infinity ? Infinity : frontUntil;
    const ddlAt = ddl === 'done' ? Infinity : change;
    const deadline = oldest() + input.timeoutMs;
    const arrival = requests.find((r) => r.state === 'future')?.arrived ?? Infinity;
    const now = Math.min(service, fronts, ddlAt, deadline, arrival);
    if (service === now) {
      const ended = requests.find((r) => r.state === 'service' && r.until === now);
      if (ended !== undefined) ended.state = 'over';
    } else if (fronts === now) frontUntil = -Infinity;
    else if (ddlAt === now) {
      if (ddl === 'away') {
        ddl = 'waiting';
        result.attempts += 1;
        change = wanted.lockTimeoutMs === 0 ? Infinity : now + wanted.lockTimeoutMs;
      } else if (ddl === 'waiting') {
        ddl = result.attempts <= wanted.retries ? 'away' : 'done';
        change = now + wanted.retryPauseMs;
      } else ddl = 'done';
    } else if (deadline === now) {
      for (const r of requests)
        if ((r.state === 'lock' || r.state === 'pool') && r.arrived + input.timeoutMs === now) {
          r.state = 'over';
          result.failed += 1;
          result.longestWaitMs = Math.max(result.longestWaitMs, input.timeoutMs);
        }
    } else {
      const next = requests.find((r) => r.state === 'future');
      if (next !== undefined) next.state = 'pool';
    }
    settle(now);
  }
  throw new Error('the simulation did not end');
}

const requestModes = ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'] as const;

const inputs: fc.Arbitrary<QueueInput> = fc.record({
  lock: fc.record({
    mode: fc.constantFrom(...lockModes),
    holdMs: fc.integer({ min: 0, max: 400 }),
    lockTimeoutMs: fc.constantFrom(0, 37, 150),
    retries: fc.integer({ min: 0, max: 2 }),
    retryPauseMs: fc.integer({ min: 0, max: 300 }),
  }),
  front: fc.option(fc.record({ mode: fc.constantFrom(...lockModes), ms: fc.integer({ min: 1, max: 300 }) })),
  // Rates whose gaps do not meet in the same moment.
  requests: fc.constantFrom(
    [{ mode: requestModes[0], perSecond: 97 }],
    [
      { mode: requestModes[0], perSecond: 61 },
      { mode: requestModes[2], perSecond: 53 },
    ],
    [
      { mode: requestModes[0], perSecond: 43 },
      { mode: requestModes[1], perSecond: 31 },
      { mode: requestModes[2], perSecond: 37 },
    ],
  ),
  serviceMs: fc.constantFrom(1.3, 4.7, 11.1),
  pool: fc.integer({ min: 1, max: 12 }),
  timeoutMs: fc.constantFrom(90.5, 210.5, 1_000.5),
  maxBlockMs: fc.constant(50),
});

describe('against a simulation of every request on its own', () => {
  /** Long enough for every try and every wait. */
  const horizon = (i: QueueInput): number =>
    1_500 + (i.front?.ms ?? 0) + i.lock.holdMs + (i.lock.retries + 1) * (i.lock.lockTimeoutMs + i.lock.retryPauseMs);

  it('gives the same', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        // A front that conflicts with the requests themselves is no request of the app.
        fc.pre(input.front === null || requestModes.includes(input.front.mode as (typeof requestModes)[number]));
        const fast = simulateQueue(input);
        fc.pre(fast.extrapolatedMs === 0);
        expect(fast.groupSize).toBe(1);
        const slow = naive(input, horizon(input));
        expect({
          ...slow,
          longestWaitMs: Math.round(slow.longestWaitMs * 1000),
        }).toEqual({
          delayed: fast.delayed,
          failed: fast.failed,
          longestWaitMs: Math.round(fast.longestWaitMs * 1000),
          acquired: fast.acquired,
          attempts: fast.attempts,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('in groups, the numbers stay close', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const many: QueueInput = {
          ...input,
          pool: 200,
          requests: input.requests.map((r) => ({ ...r, perSecond: r.perSecond * 40 })),
        };
        const exact = simulateQueue({ ...many, maxGroups: 1e9 });
        const grouped = simulateQueue({ ...many, maxGroups: 200 });
        const total = exact.delayed + exact.failed;
        expect(Math.abs(grouped.delayed + grouped.failed - total)).toBeLessThanOrEqual(total * 0.25 + 300);
      }),
      { numRuns: 100 },
    );
  });

  it('the middle of a long block is what it would have been', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const long: QueueInput = {
          ...input,
          front: null,
          timeoutMs: 210.5,
          lock: { ...input.lock, holdMs: 4_000, lockTimeoutMs: 0 },
        };
        const cut = simulateQueue(long);
        const whole = naive(long, 6_000);
        expect(cut.extrapolatedMs).toBeGreaterThan(3_000);
        const close = (a: number, b: number): void =>
          expect(Math.abs(a - b)).toBeLessThanOrEqual(Math.max(a, b) * 0.1 + 12);
        close(cut.failed, whole.failed);
        close(cut.failed + cut.delayed, whole.failed + whole.delayed);
      }),
      { numRuns: 15 },
    );
  });
});
