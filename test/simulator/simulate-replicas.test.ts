/** Replicas in simulated traffic: rows and schema come late, who waits for them reads rightly, and a late answer that is right is no fault. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { recordingSchema, renderRecording, type Recording } from '../../simulator/report/recording.ts';
import type { Pace } from '../../simulator/traffic/pace.ts';
import { ReplicaLag } from '../../simulator/traffic/replica-lag.ts';
import { noHold } from '../../simulator/traffic/hold.ts';
import { simulate, type SimulateOptions } from '../../simulator/traffic/simulate.ts';

let engines: readonly Engine[];
beforeAll(async () => {
  engines = await Promise.all(Array.from({ length: 4 }, () => createPgliteEngine({})));
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

const example = (name: string): Promise<string> => readFile(`examples/replica-reads/${name}.cutover.yaml`, 'utf8');

async function runText(
  text: string,
  pace: Partial<Pace> = {},
  options: Omit<SimulateOptions, 'pace'> = {},
): Promise<Recording> {
  const result = await simulate(
    'p.cutover.yaml',
    () => Promise.resolve(text),
    (count) => Promise.resolve(engines.slice(0, count)),
    { ...options, pace: { requests: 6_000, rows: 100, durationMs: 600_000, rolloutMs: 60_000, ...pace } },
  );
  if (!result.ok) throw new Error(result.errors[0]?.message);
  expect(recordingSchema.safeParse(result.recording).error).toBeUndefined();
  return result.recording;
}

/** Steps after which an answer was wrong or failed, with the version that gave it. */
function shownIn(recording: Recording, kind: 'failed' | 'wrong'): string[] {
  const found = recording.examples.filter((e) => e.kind === kind).map((e) => `${e.version} ${e.request} @ ${e.step}`);
  return [...new Set(found)].toSorted();
}

const minute = { replicaLagMs: 60_000 };

describe('a replica in simulated traffic', () => {
  it('that is waited for shows nobody anything wrong, however late it is', async () => {
    for (const ms of [1_000, 60_000]) {
      const recording = await runText(await example('plan'), { replicaLagMs: ms });
      expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
      expect(recording.steps.every((s) => s.result === 'done')).toBe(true);
      expect(recording.leftOut.map((l) => l.what)).not.toContain('the lag of replicas');
      expect(recording.lag?.find((l) => l.of === 'replica')?.ms).toContain(ms);
      for (const version of recording.versions) expect(version.lagMs).toContain(ms);
      expect(recording.assumptions.join()).toContain(`a replica shows what was committed ${ms / 1000} s later`);
    }
  });

  it('makes a step that waits for it come later by as much', async () => {
    const text = await example('plan');
    const at = async (pace: Partial<Pace>): Promise<number> =>
      (await runText(text, pace)).steps.find((s) => s.name === 'switch reads')?.from ?? 0;
    expect((await at(minute)) - (await at({}))).toBeGreaterThanOrEqual(58);
  });

  it('that is not waited for has not got the copy when readers rely on it', async () => {
    const recording = await runText(await example('replica-not-caught-up'), { replicaLagMs: 600_000 });
    expect(shownIn(recording, 'wrong')).toEqual(['v3 get_user @ switch reads']);
    expect(recording.examples.some((e) => e.actual.includes('NULL') || e.actual.includes('null'))).toBe(true);
    const v3 = recording.versions.find((v) => v.name === 'v3');
    const second = recording.steps.find((s) => s.name === 'switch reads')?.to ?? 0;
    const wrongAt = (v3?.wrong ?? []).flatMap((n, i) => (n > 0 ? [recording.seconds[i + (v3?.first ?? 0)] ?? 0] : []));
    expect(Math.max(...wrongAt)).toBeLessThanOrEqual(second + 600);
  });

  it('is further behind while it replays what a step writes, by the rates of the forecast', async () => {
    const slow = (text: string): string => `${text}\nforecast:\n  replay: 20 MB/s\n`;
    const hasty = await runText(slow(await example('replica-not-caught-up')));
    expect(shownIn(hasty, 'wrong')).toEqual(['v3 get_user @ switch reads']);
    const { to = 0 } = hasty.steps.find((s) => s.name === 'backfill') ?? {};
    const lag = hasty.lag?.find((l) => l.of === 'replica') ?? { at: [], ms: [] };
    const before = lag.ms[lag.at.findLastIndex((at) => at < to)] ?? 0;
    expect(before).toBeGreaterThan(1_000_000);
    expect(hasty.assumptions.join()).toMatch(/a replica takes \d\.\d s to replay what backfill writes in a second/);
    const patient = await runText(slow(await example('plan')));
    expect(patient.totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(patient.steps.at(-1)?.from).toBeGreaterThan(to + before / 1000);
  });

  it('has not got a column either', async () => {
    const recording = await runText(await example('column-not-there'), minute);
    expect(shownIn(recording, 'failed')).toContain('v2 get_user @ dual write');
    expect(recording.examples.find((e) => e.kind === 'failed')?.actual).toContain('email_address');
  });

  it('gives the same recording for the same seed, and another for another', async () => {
    const text = await example('replica-not-caught-up');
    const [a, b, c] = [
      await runText(text, minute),
      await runText(text, minute),
      await runText(text, minute, { seed: 2 }),
    ];
    expect(renderRecording(a)).toBe(renderRecording(b));
    expect(renderRecording(a)).not.toBe(renderRecording(c));
  });
});

/** The series of a recording, without how far behind they were. */
function answersIn({ versions }: Recording): unknown {
  return versions.map((series) => ({ ...series, lagMs: null }));
}

/** Writes in two commits, and random values: what is run again must come out as it did. */
const intricate = (on: string): string => `
title: Intricate
database:
  schema: |
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, token uuid NOT NULL DEFAULT gen_random_uuid());
    CREATE TABLE log (id bigserial PRIMARY KEY, said text NOT NULL);
  seed: INSERT INTO users VALUES (1, 'a', DEFAULT);
versions:
  v1:
    sign_up: INSERT INTO users (id, email) VALUES (:id, :email)
    change:
      transaction: false
      sql: |
        UPDATE users SET email = :email WHERE id = :id;
        INSERT INTO log (said) SELECT email || token FROM users WHERE id = :id;
    get: { sql: 'SELECT email, token FROM users WHERE id = :id'${on} }
  v2:
    extends: v1
    change: UPDATE users SET email = :email, address = :email WHERE id = :id
    get: { sql: 'SELECT address, token FROM users WHERE id = :id'${on} }
steps:
  - name: expand
    migrate: ALTER TABLE users ADD COLUMN address text;
  - name: copy
    backfill: UPDATE users SET address = email WHERE id IN (SELECT id FROM users WHERE address IS NULL ORDER BY id LIMIT :batch)
    batch: 1000
  - name: switch
    deploy: v2
`;

describe('what is run again on a replica', () => {
  it('comes out as at the primary: a replica that is not behind answers as the primary does', async () => {
    const renaming = await example('old-writers-left');
    const streamed = await readFile('test/plans/stale-read/has.cutover.yaml', 'utf8');
    for (const [there, here] of [
      [renaming, renaming.replaceAll('      on: replica\n', '')],
      [intricate(', on: replica'), intricate('')],
      [streamed.replace(/get_item: (SELECT .*)/g, 'get_item: { sql: "$1", on: replica }'), streamed],
    ] as const) {
      const [replica, primary] = [
        await runText(there, { replicaLagMs: 0 }, { holdOf: noHold }),
        await runText(here, {}, { holdOf: noHold }),
      ];
      expect(primary.totals.wrong).toBeGreaterThan(0);
      expect(replica.totals).toEqual(primary.totals);
      expect(answersIn(replica)).toEqual(answersIn(primary));
    }
  });

  it('is right as well where the twin says so by now', async () => {
    const recording = await runText(
      `
title: Ahead
database:
  schema: CREATE TABLE counter (id bigint PRIMARY KEY, n bigint NOT NULL);
  seed: INSERT INTO counter VALUES (1, 0);
  production:
    counter: { rows: 1, reads: 100/s, writes: 1/s }
versions:
  v1:
    bump: UPDATE counter SET n = n + 1
    get: { sql: SELECT n FROM counter WHERE id = 1, on: replica }
  v2:
    extends: v1
    get: { sql: SELECT n + 1 FROM counter WHERE id = 1, on: replica }
steps:
  - name: switch
    deploy: v2
    flag: ahead
`,
    );
    const [v1, v2] = recording.versions.map(({ ok, wrong }) => [ok, wrong].map((of) => of.reduce((a, b) => a + b, 0)));
    expect(v1?.[1]).toBe(0);
    // Right where there was one more in the second between; of a hundred requests one is a bump.
    const [right = 0, wrong = 0] = v2 ?? [];
    expect(right / (right + wrong)).toBeGreaterThan(0.1);
    expect(wrong).toBeGreaterThan(right);
  });
});

describe('locks on a replica', () => {
  const plan = (change: string): string => `
title: Locks
database:
  schema: CREATE TABLE users (id bigint PRIMARY KEY, n int NOT NULL);
  seed: INSERT INTO users VALUES (1, 1);
  production:
    users: { rows: 10M, size: 4 GB }
versions:
  v1:
    sign_up: INSERT INTO users (id, n) VALUES (:id, :n)
    get: { sql: 'SELECT n FROM users WHERE id = :id', on: replica }
steps:
  - name: change
    migrate: ${change}
`;
  const waited = ({ examples }: Recording): string[] =>
    examples.flatMap((e) => (e.actual.includes('waited for a lock') ? [e.request] : [])).toSorted();

  it('are those that keep readers out, when they are replayed', async () => {
    const lag = { replicaLagMs: 30_000 };
    const rewritten = await runText(plan('ALTER TABLE users ALTER COLUMN n TYPE bigint'), lag);
    expect([...new Set(waited(rewritten))]).toEqual(['get', 'sign_up']);
    const firstOf = (request: string): number => rewritten.examples.find((e) => e.request === request)?.second ?? 0;
    expect(firstOf('get') - firstOf('sign_up')).toBeGreaterThan(20);
    // Nobody queues there for a lock that is had for no time: none but the writes at the primary wait.
    const added = plan('ALTER TABLE users ADD COLUMN m int');
    expect((await runText(added, lag)).totals.waited).toBeGreaterThan(0);
    const readOnly = await runText(added.replace(/ +sign_up: .*\n/, ''), lag);
    expect(readOnly.totals).toMatchObject({ failed: 0, wrong: 0, waited: 0 });
  });
});

describe('how far a replica is behind', () => {
  it('is as much as usual, more while it replays what a step wrote, and as usual again after that', () => {
    const lag = new ReplicaLag(1_000);
    expect(lag.position(500)).toBe(-500);
    lag.writes({ workMs: 10_000, behindMs: 20_000 }, 100_000, 110_000);
    expect(lag.position(101_000)).toBe(100_000);
    expect(lag.position(116_000)).toBe(105_000);
    expect(lag.arrival(110_000)).toBe(131_000);
    expect(lag.arrival(120_000)).toBe(131_000);
    expect(lag.position(131_001)).toBe(130_001);
  });

  it('never goes back, over steps that begin while others are still replayed', () => {
    const lag = new ReplicaLag(100);
    lag.writes({ workMs: 1_000, behindMs: 3_000 }, 1_000, 2_000);
    lag.writes({ workMs: 1_000, behindMs: 1_000 }, 3_000);
    lag.ends(4_000);
    let last = -Infinity;
    for (let at = 0; at < 12_000; at += 50) {
      expect(lag.position(at)).toBeGreaterThanOrEqual(last);
      last = lag.position(at);
      expect(lag.arrival(Math.floor(last))).toBeLessThanOrEqual(at + 1e-6);
    }
    expect(last).toBe(11_850);
  });
});
