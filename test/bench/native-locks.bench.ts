/**
 * The forecast beside a native server: `npm run bench:native`. Steps run on a table of some million rows while requests
 * come in; what the lock did to them is measured, and set beside what a rehearsal says for the rates that
 * were measured on the same server, on a smaller table. Prints figures, asserts none.
 */
import { cpus, loadavg } from 'node:os';
import type pg from 'pg';
import { afterAll, beforeAll, it } from 'vitest';
import type { Engine, LockMode } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { StepForecast } from '../../simulator/report/model.ts';
import { simulateQueue } from '../../simulator/traffic/lock-queue.ts';
import { Load, pause, type Outcome } from './native-load.ts';
import { startServer, type NativeServer } from './native-server.ts';

const rows = Number(process.env.NATIVE_ROWS ?? 3_000_000);
const smallRows = rows / 4;
const traffic = { reads: 200, writes: 100, pool: 40, timeoutMs: 1_000 };
const slowQueryMs = 2_500;
const retryPauseMs = 1_000;
/** The default of the forecast: how far it says that it may be off. */
const factor = 3;
/** On a busy machine a request may take so long without any lock. */
const noiseMs = 50;

interface Scenario {
  readonly name: string;
  readonly step: string;
  readonly before?: string;
  readonly after?: string;
  readonly behindSlowQuery?: true;
  readonly lockTimeoutMs?: number;
  /** Short ones are measured again and again, and the median is taken. */
  readonly times?: number;
  /** What it locks the table in, where that is not AccessExclusiveLock. */
  readonly mode?: LockMode;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'ADD COLUMN',
    step: 'ALTER TABLE items ADD COLUMN extra int',
    after: 'ALTER TABLE items DROP extra',
    times: 9,
  },
  {
    name: 'ADD COLUMN behind a slow query',
    step: 'ALTER TABLE items ADD COLUMN extra int',
    after: 'ALTER TABLE items DROP extra',
    behindSlowQuery: true,
  },
  {
    name: 'the same, lock_timeout and retries',
    step: 'ALTER TABLE items ADD COLUMN extra int',
    after: 'ALTER TABLE items DROP extra',
    behindSlowQuery: true,
    lockTimeoutMs: 500,
  },
  {
    name: 'RENAME COLUMN',
    step: 'ALTER TABLE items RENAME label TO title',
    after: 'ALTER TABLE items RENAME title TO label',
    times: 9,
  },
  {
    name: 'CREATE INDEX',
    step: 'CREATE INDEX items_owner ON items (owner)',
    after: 'DROP INDEX items_owner',
    mode: 'ShareLock',
  },
  {
    name: 'CREATE INDEX CONCURRENTLY',
    step: 'CREATE INDEX CONCURRENTLY items_owner ON items (owner)',
    after: 'DROP INDEX items_owner',
  },
  {
    name: 'ADD CHECK',
    step: 'ALTER TABLE items ADD CONSTRAINT positive CHECK (amount >= 0)',
    after: 'ALTER TABLE items DROP CONSTRAINT positive',
  },
  {
    name: 'ADD CHECK NOT VALID',
    step: 'ALTER TABLE items ADD CONSTRAINT positive CHECK (amount >= 0) NOT VALID',
    after: 'ALTER TABLE items DROP CONSTRAINT positive',
    times: 9,
  },
  {
    name: 'VALIDATE CONSTRAINT',
    before: 'ALTER TABLE items ADD CONSTRAINT positive CHECK (amount >= 0) NOT VALID',
    step: 'ALTER TABLE items VALIDATE CONSTRAINT positive',
    after: 'ALTER TABLE items DROP CONSTRAINT positive',
  },
  {
    name: 'SET NOT NULL',
    step: 'ALTER TABLE items ALTER note SET NOT NULL',
    after: 'ALTER TABLE items ALTER note DROP NOT NULL',
  },
  {
    name: 'ALTER TYPE int to bigint',
    step: 'ALTER TABLE items ALTER amount TYPE bigint',
    after: 'ALTER TABLE items ALTER amount TYPE int',
  },
];

const columns = '(id bigint PRIMARY KEY, owner int, amount int, label text, note text)';
const fill = (table: string, count: number): string => `INSERT INTO ${table}
  SELECT i, (i * 7919) % 1000003, i % 1000, 'item ' || i, repeat('x', 120) FROM generate_series(1::bigint, ${count}) i`;

let server: NativeServer;
let engine: Engine;
let admin: pg.Client;
beforeAll(async () => {
  [server, engine] = await Promise.all([startServer(), createPgliteEngine({})]);
  admin = await server.connect();
}, 120_000);
afterAll(async () => {
  await server.stop();
  await engine.close();
});

// ---- what the server can do ---------------------------------------------------------------------

interface Calibration {
  readonly scan: number;
  readonly rewrite: number;
  readonly indexBuild: number;
  readonly validate: number;
  readonly requestMs: number;
}

async function timed(sql: string): Promise<number> {
  const begun = performance.now();
  await admin.query(sql);
  return performance.now() - begun;
}

async function sizeOf(table: string): Promise<number> {
  const {
    rows: [row],
  } = await admin.query<{ size: string }>('SELECT pg_table_size($1::regclass) AS size', [table]);
  return Number(row?.size);
}

/** The median of three, since other work on the machine disturbs. */
async function timed3(sql: string, undo?: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    times.push(await timed(sql));
    if (undo !== undefined) await admin.query(undo);
  }
  return times.toSorted((a, b) => a - b)[1] ?? 0;
}

/** On a table of the same form, a quarter as large, with nobody else there. */
async function calibrate(load: Load): Promise<Calibration> {
  await admin.query(`CREATE TABLE small ${columns}`);
  await admin.query(fill('small', smallRows));
  await admin.query('ALTER TABLE small DROP CONSTRAINT small_pkey');
  await admin.query('VACUUM ANALYZE small');
  const size = await sizeOf('small');
  const perSecond = (amount: number, ms: number): number => (amount / ms) * 1000;
  await admin.query('SET max_parallel_workers_per_gather = 0');
  const scanMs = await timed3('SELECT count(*) FROM small');
  const check = 'ALTER TABLE small ADD CONSTRAINT positive CHECK (amount >= 0) NOT VALID';
  await admin.query(check);
  const again = `ALTER TABLE small DROP CONSTRAINT positive; ${check}`;
  const validateMs = await timed3('ALTER TABLE small VALIDATE CONSTRAINT positive', again);
  const indexMs = await timed3('CREATE INDEX small_owner ON small (owner)', 'DROP INDEX small_owner');
  const back = 'ALTER TABLE small ALTER amount TYPE int; CHECKPOINT';
  const rewriteMs = await timed3('ALTER TABLE small ALTER amount TYPE bigint', back);
  await admin.query('DROP TABLE small');
  load.start();
  await pause(3_000);
  const times = (await load.stop()).map((o) => o.ms).toSorted((a, b) => a - b);
  return {
    scan: perSecond(size, scanMs),
    rewrite: perSecond(size, rewriteMs),
    indexBuild: perSecond(smallRows, indexMs),
    validate: perSecond(smallRows, validateMs),
    requestMs: times[Math.floor(times.length / 2)] ?? 1,
  };
}

// ---- what a step does ---------------------------------------------------------------------------

interface Measured {
  readonly holdMs: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly blocked: number;
  readonly failed: number;
  readonly longestMs: number;
}

async function measure(scenario: Scenario, load: Load): Promise<Measured> {
  const runs: Measured[] = [];
  for (let i = 0; i < (scenario.times ?? 3); i += 1) {
    if (scenario.before !== undefined) await admin.query(scenario.before);
    await admin.query('CHECKPOINT');
    runs.push(await measureOnce(scenario, load));
    if (scenario.after !== undefined) await admin.query(scenario.after);
  }
  const median = (pick: (run: Measured) => number): number =>
    runs.map(pick).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
  return {
    holdMs: median((m) => m.holdMs),
    durationMs: median((m) => m.durationMs),
    attempts: median((m) => m.attempts),
    blocked: median((m) => m.blocked),
    failed: median((m) => m.failed),
    longestMs: median((m) => m.longestMs),
  };
}

async function measureOnce(scenario: Scenario, load: Load): Promise<Measured> {
  load.start();
  await pause(1_000);
  const slow = scenario.behindSlowQuery === true ? await slowQuery() : null;
  const migration = await server.connect();
  const begun = performance.now();
  const attempts = await attempt(migration, scenario);
  const end = performance.now();
  const granted = Math.max(attempts.lastBegun, (await slow?.ended) ?? 0);
  await pause(500);
  const outcomes = await load.stop();
  await migration.end();
  const disturbed = outcomes.filter((o) => o.arrived + o.ms > begun && (!o.ok || o.ms > noiseMs));
  return {
    holdMs: end - granted,
    durationMs: end - begun,
    attempts: attempts.count,
    blocked: disturbed.length,
    failed: disturbed.filter((o) => !o.ok).length,
    longestMs: Math.max(0, ...disturbed.map((o: Outcome) => o.ms)),
  };
}

/** Reads a row, and keeps its lock for as long as it takes. */
async function slowQuery(): Promise<{ readonly ended: Promise<number> }> {
  const client = await server.connect();
  const ended = client.query(`SELECT id, pg_sleep(${slowQueryMs / 1000}) FROM items WHERE id = 1`).then(async () => {
    const now = performance.now();
    await client.end();
    return now;
  });
  const running = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
  while ((await admin.query(running)).rowCount === 0) await pause(1);
  return { ended };
}

async function attempt(
  client: pg.Client,
  { step, lockTimeoutMs = 0 }: Scenario,
): Promise<{ readonly count: number; readonly lastBegun: number }> {
  await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
  for (let count = 1; ; count += 1) {
    const lastBegun = performance.now();
    try {
      await client.query(step);
      return { count, lastBegun };
    } catch (error) {
      const isTimeout = (error as { readonly code?: string }).code === '55P03';
      if (!isTimeout || count > 10) throw error;
      await pause(retryPauseMs);
    }
  }
}

// ---- what the forecast says ---------------------------------------------------------------------

interface Predicted {
  readonly value: StepForecast;
  /** With every rate at the ends of its range. */
  readonly low: StepForecast;
  readonly high: StepForecast;
}

async function predict(scenario: Scenario, size: number, rates: Calibration): Promise<Predicted> {
  return {
    value: await forecast(scenario, size, rates, 1),
    low: await forecast(scenario, size, rates, factor),
    high: await forecast(scenario, size, rates, 1 / factor),
  };
}

async function forecast(scenario: Scenario, size: number, rates: Calibration, faster: number): Promise<StepForecast> {
  const kilobytes = (value: number): string => `${Math.round((value * faster) / 1024)} kB/s`;
  const each = (value: number): string => `${Math.round(value * faster)}/s`;
  const text = `title: bench
database:
  schema: |
    CREATE TABLE items ${columns};
    ${scenario.before ?? ''}
  seed: INSERT INTO items VALUES (1, 1, 1, 'a', 'b')
  production: { items: { rows: ${rows}, size: ${size}, reads: ${traffic.reads}/s, writes: ${traffic.writes}/s } }
forecast:
  scan: ${kilobytes(rates.scan)}
  rewrite: ${kilobytes(rates.rewrite)}
  index-build: ${each(rates.indexBuild)}
  validate: ${each(rates.validate)}
  request-time: ${Math.max(1, Math.round(rates.requestMs))}ms
  request-timeout: ${traffic.timeoutMs}ms
  pool: ${traffic.pool}
  slow-query: ${slowQueryMs}ms
  retry-pause: ${retryPauseMs}ms
versions:
  v1:
    read: SELECT id, note FROM items WHERE id = :id
    write: UPDATE items SET note = note WHERE id = :id
steps:
  - name: step
    migrate: |
      SET lock_timeout = ${scenario.lockTimeoutMs ?? 0};
      ${scenario.step}
    rollback: none
`;
  const { report } = await rehearse(
    'bench.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  const found = report.steps[0]?.forecast;
  if (found == null) throw new Error(`no forecast: ${JSON.stringify(report.errors)}`);
  return found;
}

// ---- beside each other --------------------------------------------------------------------------

interface Line {
  readonly what: string;
  /** Of the lock queue for the lock as it was held: what is left of the difference is the queue's. */
  readonly queue?: number;
  readonly measured: number;
  readonly low: number;
  readonly value: number;
  readonly high: number;
}

/** The lock queue for a lock that is held for as long as was measured. */
function queueFor(scenario: Scenario, { holdMs }: Measured, requestMs: number) {
  return simulateQueue({
    lock: {
      mode: scenario.mode ?? 'AccessExclusiveLock',
      holdMs,
      lockTimeoutMs: scenario.lockTimeoutMs ?? 0,
      retries: 3,
      retryPauseMs,
    },
    front: scenario.behindSlowQuery === true ? { mode: 'AccessShareLock', ms: slowQueryMs } : null,
    requests: [
      { mode: 'AccessShareLock', perSecond: traffic.reads },
      { mode: 'RowExclusiveLock', perSecond: traffic.writes },
    ],
    serviceMs: requestMs,
    pool: traffic.pool,
    timeoutMs: traffic.timeoutMs,
    maxBlockMs: 1_000,
  });
}

function lines(scenario: Scenario, measured: Measured, predicted: Predicted, requestMs: number): readonly Line[] {
  const { behindSlowQuery } = scenario;
  const seen = (f: StepForecast): Pick<StepForecast, 'blockedRequests' | 'failedRequests' | 'longestWaitMs'> =>
    behindSlowQuery === true ? (f.behindSlowQuery ?? f) : f;
  const isLocked = predicted.value.holdMs > 0;
  const queue = isLocked ? queueFor(scenario, measured, requestMs) : null;
  const line = (what: string, value: number, pick: (f: StepForecast) => number, own = 0): Line => {
    const all = [predicted.low, predicted.value, predicted.high].map(pick);
    const range = { low: Math.min(...all), value: pick(predicted.value), high: Math.max(...all) };
    return { what, measured: value, ...range, ...(queue === null ? {} : { queue: own }) };
  };
  const { value } = predicted;
  return [
    isLocked
      ? { what: 'lock held, ms', measured: measured.holdMs, ...value.holdRangeMs, value: value.holdMs }
      : { what: 'step takes, ms', measured: measured.durationMs, ...value.durationRangeMs, value: value.durationMs },
    line(
      'requests late or failed',
      measured.blocked,
      (f) => seen(f).blockedRequests,
      (queue?.delayed ?? 0) + (queue?.failed ?? 0),
    ),
    line('requests failed', measured.failed, (f) => seen(f).failedRequests, queue?.failed),
    line('longest wait, ms', measured.longestMs, (f) => seen(f).longestWaitMs, queue?.longestWaitMs),
    ...(behindSlowQuery === true
      ? [line('tries', measured.attempts, (f) => f.behindSlowQuery?.attempts ?? 0, queue?.attempts)]
      : []),
  ];
}

/** A wait that is shorter than the noise can't be told from none. */
function isInRange({ what, measured, low, high }: Line): boolean {
  if (what === 'longest wait, ms' && high < noiseMs) return measured < 2 * noiseMs;
  if (what.startsWith('requests') && high < 10) return measured < 10;
  // What is said to be about constant is to be no longer than that.
  if (what === 'lock held, ms' && low === high) return measured <= high * factor;
  const [least, most] = low === high ? [low / factor, high * factor] : [low, high];
  const slack = what === 'longest wait, ms' ? 2 * noiseMs : 0;
  return measured >= least - slack && measured <= most + slack;
}

function show(scenario: Scenario, all: readonly Line[]): void {
  console.log(scenario.name);
  for (const line of all) {
    const { what, measured, low, value, high, queue } = line;
    const ratio = value === 0 || measured === 0 ? '' : (measured / value).toFixed(2);
    const range = `${Math.round(low)} – ${Math.round(value)} – ${Math.round(high)}`;
    console.log(
      `  ${what.padEnd(24)}${String(Math.round(measured)).padStart(8)}   ${range.padEnd(26)}${ratio.padStart(6)}${(queue === undefined ? '' : String(Math.round(queue))).padStart(9)}   ${isInRange(line) ? 'in range' : 'OUT OF RANGE'}`,
    );
  }
}

it('steps under load, measured and forecast', { timeout: 1_800_000 }, async () => {
  await admin.query(`CREATE TABLE items ${columns}`);
  await admin.query(fill('items', rows));
  await admin.query('VACUUM ANALYZE items');
  const load = await Load.connect(server, { ...traffic, rows });
  const rates = await calibrate(load);
  const {
    rows: [version],
  } = await admin.query<{ version: string }>('SELECT version()');
  console.log(`${version?.version ?? ''}
table of ${rows} rows, ${Math.round((await sizeOf('items')) / 2 ** 20)} MB; ${traffic.reads} reads/s, ${traffic.writes} writes/s, ${traffic.pool} connections
measured on ${smallRows} rows: scan ${Math.round(rates.scan / 2 ** 20)} MB/s, rewrite ${Math.round(rates.rewrite / 2 ** 20)} MB/s, index ${Math.round(rates.indexBuild / 1000)}k rows/s, validate ${Math.round(rates.validate / 1000)}k rows/s, a request ${rates.requestMs.toFixed(1)} ms; load average ${loadavg()[0]?.toFixed(1) ?? ''} on ${cpus().length} cores
queue: what the lock queue makes of the lock as it was held
                            measured   forecast                   ratio    queue`);
  for (const scenario of scenarios) {
    const size = await sizeOf('items');
    const measured = await measure(scenario, load);
    show(scenario, lines(scenario, measured, await predict(scenario, size, rates), rates.requestMs));
  }
});
