/** Exactly what people read beside each step. `npx vitest -u` rewrites it; read the difference. */
import { expect, test } from 'vitest';
import type { StepForecast, StepReport } from '../../simulator/report/model.ts';
import { painter } from '../../simulator/report/paint.ts';
import { stepLines } from '../../simulator/report/steps.ts';
import { safe } from './report-samples.ts';

const quiet: StepForecast = {
  holdMs: 5,
  holdRangeMs: { low: 5, high: 5 },
  blockedRequests: 2,
  failedRequests: 0,
  longestWaitMs: 6,
  outageMs: 0,
  behindSlowQuery: null,
  durationMs: 5,
  durationRangeMs: { low: 5, high: 5 },
  diskBytes: 0,
  walBytes: 0,
  replicaLagMs: 0,
  batches: null,
  assumptions: [],
};
const queue = { blockedRequests: 9, failedRequests: 0, longestWaitMs: 5_000, outageMs: 4_000 };
const strong: StepReport['locks'] = [{ relation: 'users', mode: 'AccessExclusiveLock' }];

function lines(step: Partial<StepReport>): string {
  const base = safe.steps[0];
  if (base === undefined) throw new Error('the sample has steps');
  return stepLines({ ...safe, steps: [{ ...base, ...step }] }, painter(false), 80).join('\n');
}

test('a step that locks nothing that matters has one line', () => {
  const weak = [{ relation: 'users', mode: 'ShareUpdateExclusiveLock' }];
  expect(lines({ locks: weak, forecast: { ...quiet, holdMs: 0 } })).toBe('   1  expand  migrate');
});

test('a short lock, and what one slow query makes of it', () => {
  const behindSlowQuery = { ...queue, slowQueryMs: 5_000, acquired: true, attempts: 1 };
  expect(lines({ locks: strong, forecast: { ...quiet, behindSlowQuery } })).toMatchInlineSnapshot(`
    "   1  expand  migrate
            AccessExclusiveLock on users for about 5 ms; behind a query of 5.0 s:
            outage of 4.0 s"
  `);
});

test('a rewrite, with its range, the outage, and what it needs', () => {
  const forecast: StepForecast = {
    ...quiet,
    holdMs: 150_000,
    holdRangeMs: { low: 50_000, high: 450_000 },
    outageMs: 149_000,
    failedRequests: 72_823,
    durationMs: 150_005,
    durationRangeMs: { low: 50_005, high: 450_005 },
    diskBytes: 4.7 * 2 ** 30,
    walBytes: 4.7 * 2 ** 30,
    replicaLagMs: 12_000,
  };
  expect(lines({ locks: strong, rewrites: ['users'], forecast })).toMatchInlineSnapshot(`
    "   1  expand  migrate
            AccessExclusiveLock on users for about 2.5 min (50.0 s to 7.5 min);
            writes users anew; outage of 2.5 min, 72,823 requests fail; disk 4.7 GB;
            WAL 4.7 GB; replicas up to 12.0 s behind"
  `);
});

test('a backfill: its batches and its length', () => {
  const forecast: StepForecast = {
    ...quiet,
    holdMs: 0,
    batches: 100_000,
    durationMs: 10_800_000,
    durationRangeMs: { low: 7_300_000, high: 20_000_000 },
  };
  expect(lines({ kind: 'backfill', forecast })).toMatchInlineSnapshot(`
    "   1  expand  backfill
            100,000 batches, takes about 3.0 h (2.0 h to 5.6 h)"
  `);
});
