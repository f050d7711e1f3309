/** From evidence to estimates: what grows with a table, what does not, how long a lock is held, and what the numbers stand on. */
import { describe, expect, it } from 'vitest';
import type { LockMode, StatementEvidence } from '../../simulator/engine/engine.ts';
import type { TableFacts } from '../../simulator/plan/model.ts';
import { forecastBackfill, forecastSql, type Said } from '../../simulator/traffic/forecast.ts';
import { Rates } from '../../simulator/traffic/rates.ts';
import { Sizes } from '../../simulator/traffic/sizes.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;

function evidence(change: Partial<StatementEvidence> & { lock?: LockMode; table?: string }): StatementEvidence {
  const { lock, table = 'users', ...rest } = change;
  const locks: StatementEvidence['locks'] =
    lock === undefined ? [] : [{ relation: table, kind: 'table', table, mode: lock, created: false }];
  return {
    sql: '',
    locks,
    rewrites: [],
    scans: [],
    builds: [],
    touched: [],
    walBytes: 0,
    lockTimeoutMs: 0,
    statementTimeoutMs: 0,
    inTransaction: true,
    error: null,
    ...rest,
  };
}

const ddl: Said = { node: 'AlterTableStmt', modifies: false, tables: [], target: null, renamesTo: null };
const rates = new Rates({ scan: 100 * mib, rewrite: 50 * mib, 'index-build': 1_000_000, write: 10_000, factor: 2 });

function sizesOf(facts: Record<string, TableFacts>, parents: Record<string, string> = {}): Sizes {
  return new Sizes({ production: new Map(Object.entries(facts)) }, rates, (t) => parents[t] ?? null);
}

function run(statements: readonly StatementEvidence[], sizes: Sizes, said: readonly Said[] = [], transactional = true) {
  return forecastSql(
    statements.map((_, i) => said[i] ?? ddl),
    statements,
    transactional,
    sizes,
    rates,
  );
}

const users = { users: { rows: 1_000_000, size: gib } };

describe('how long a lock is held', () => {
  it('for milliseconds, when no work grows with the table', () => {
    const { holds } = run([evidence({ lock: 'AccessExclusiveLock' })], sizesOf(users));
    expect(holds).toMatchObject([{ table: 'users', duration: { value: 5, low: 5, high: 5 }, works: [] }]);
  });

  it('for as long as a rewrite takes, with a range', () => {
    const rewrite = evidence({
      lock: 'AccessExclusiveLock',
      rewrites: [{ relation: 'users', kind: 'table', table: 'users' }],
      scans: [{ table: 'users', reason: 'rewriting table "users"' }],
    });
    const [hold] = run([rewrite], sizesOf(users)).holds;
    // A gigabyte at fifty megabytes a second; the scan is part of it.
    expect(hold?.duration).toMatchObject({ value: 20_485, low: 10_245, high: 40_965 });
  });

  it('in a transaction, for the work of all later statements', () => {
    const scan = evidence({ scans: [{ table: 'users', reason: 'verifying table "users"' }] });
    const lock = evidence({ lock: 'AccessExclusiveLock' });
    expect(run([lock, scan], sizesOf(users)).holds[0]?.duration.value).toBeCloseTo(10_250);
    expect(run([scan, lock], sizesOf(users)).holds[0]?.duration.value).toBe(5);
  });

  it('outside of one, for its own statement alone', () => {
    const scan = evidence({ scans: [{ table: 'users', reason: 'verifying table "users"' }] });
    const lock = evidence({ lock: 'AccessExclusiveLock' });
    expect(run([lock, scan], sizesOf(users), [], false).holds[0]?.duration.value).toBe(5);
  });

  it('a table that the step makes is locked from nobody', () => {
    const own = evidence({});
    const created = {
      relation: 'users',
      kind: 'table',
      table: 'users',
      mode: 'AccessExclusiveLock',
      created: true,
    } as const;
    expect(run([{ ...own, locks: [created] }], sizesOf({})).holds).toEqual([]);
  });
});

describe('what it costs', () => {
  it('an index: time by rows, disk and WAL by entries', () => {
    const build = evidence({ lock: 'ShareLock', builds: [{ index: 'i', table: 'users' }] });
    const forecast = run([build], sizesOf({ users: { rows: 1_000_000, size: 50 * mib } }));
    expect(forecast.duration.value).toBeCloseTo(1_005);
    expect(forecast.diskBytes.value).toBe(40_000_000);
    expect(forecast.walBytes.value).toBe(40_000_000);
  });

  it('an index of a wide table: no faster than the table can be read', () => {
    const build = evidence({ lock: 'ShareLock', builds: [{ index: 'i', table: 'users' }] });
    // A gigabyte at a hundred megabytes a second.
    expect(run([build], sizesOf(users)).holds[0]?.duration.value).toBeCloseTo(10_245);
  });

  it('an index that is built while writes go on: the table is read a second time for them', () => {
    const build = evidence({ lock: 'ShareUpdateExclusiveLock', builds: [{ index: 'i', table: 'users' }] });
    const forecast = run([build], sizesOf(users), [], false);
    expect(forecast.works.map((w) => w.kind)).toEqual(['build', 'scan']);
    expect(forecast.duration.value).toBeCloseTo(20_485);
  });

  it('rows that are found by reading the whole table, not those found by a key', () => {
    const update: Said = { ...ddl, modifies: true, target: { table: { schema: null, table: 'users' }, columns: [] } };
    const whole = evidence({ scans: [{ table: 'users', reason: 'sequential scan' }], lock: 'RowExclusiveLock' });
    expect(run([whole], sizesOf(users), [update]).works).toMatchObject([{ kind: 'rows', table: 'users', large: true }]);
    const one = evidence({
      touched: [{ table: 'users', inserted: 0, updated: 1, deleted: 0 }],
      lock: 'RowExclusiveLock',
    });
    expect(run([one], sizesOf(users), [update]).works).toEqual([]);
  });

  it('a backfill: batches, their pauses, and the lag of a replica that can not keep up', () => {
    const step = {
      form: { kind: 'list', statements: [] },
      batch: 1_000,
      pauseMs: 50,
    } as unknown as Parameters<typeof forecastBackfill>[0];
    const batched = { ...step, form: { ...step.form, kind: 'statement', batched: true } } as typeof step;
    const forecast = forecastBackfill(batched, ['users'], sizesOf(users), rates);
    expect(forecast).toMatchObject({ batches: 1_000, rows: 1_000_000 });
    // A hundred seconds of writing, and a thousand pauses of 50 ms with 5 ms for each batch.
    expect(forecast.duration.value).toBeCloseTo(155_000);
    expect(forecast.replicaLagMs.value).toBe(0);
    const slow = new Rates({ replay: mib });
    expect(
      forecastBackfill({ ...batched, pauseMs: 0 }, ['users'], sizesOf(users), slow).replicaLagMs.value,
    ).toBeGreaterThan(1_000_000);
  });
});

describe('how large a table is', () => {
  it('nothing said: ten million rows, and called assumed', () => {
    expect(sizesOf({}).size('users')).toMatchObject({
      rows: 10_000_000,
      assumptions: [
        { name: 'rows of users', stated: false },
        { name: 'row-size', stated: false },
      ],
    });
  });

  it('rows from the size, and the size from the rows', () => {
    expect(sizesOf({ users: { rows: 1_000 } }).size('users').bytes).toBe(200_000);
    expect(sizesOf({ users: { size: 200_000 } }).size('users').rows).toBe(1_000);
  });

  it('a partition without facts counts as large as what it is a part of', () => {
    expect(sizesOf({ events: { rows: 7 } }, { events_2024: 'events' }).size('events_2024').rows).toBe(7);
  });

  it('a table that the plan makes is empty until it is filled, and then as large as what it was filled from', () => {
    const sizes = sizesOf(users);
    sizes.created('profiles');
    expect(sizes.size('profiles').rows).toBe(0);
    sizes.filled('profiles', ['users', 'profiles']);
    expect(sizes.size('profiles')).toMatchObject({ rows: 1_000_000, table: 'profiles' });
  });

  it('a renamed table keeps what is known of it, and gives its name away', () => {
    const sizes = sizesOf(users);
    const rename: Said = { ...ddl, tables: [{ schema: null, table: 'users' }], renamesTo: 'people' };
    run([evidence({ lock: 'AccessExclusiveLock' })], sizes, [rename]);
    expect(sizes.size('people').rows).toBe(1_000_000);
    expect(sizes.size('users').rows).toBe(10_000_000);
  });
});
