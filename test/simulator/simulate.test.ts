/** What simulated traffic promises: wrong plans show it, right plans show nothing, and the same seed shows the same. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { recordingSchema, renderRecording, type Recording } from '../../simulator/report/recording.ts';
import { seenIn } from '../../simulator/report/simulation.ts';
import { simulate, type SimulateOptions } from '../../simulator/traffic/simulate.ts';

let engines: readonly [Engine, Engine];
beforeAll(async () => {
  engines = await Promise.all([
    createPgliteEngine({ statementTimeoutMs: 2_000 }),
    createPgliteEngine({ statementTimeoutMs: 2_000 }),
  ]);
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

const start = (): Promise<readonly [Engine, Engine]> => Promise.resolve(engines);

async function runText(text: string, options: SimulateOptions = {}): Promise<Recording> {
  const result = await simulate('plan.cutover.yaml', () => Promise.resolve(text), start, {
    ...options,
    pace: { requests: 15_000, rows: 300, ...options.pace },
  });
  if (!result.ok) throw new Error(result.errors[0]?.message);
  return result.recording;
}

const example = (name: string): Promise<string> => readFile(`examples/rename-column/${name}.cutover.yaml`, 'utf8');

/** Answers of a kind, by version and step: `v3 after switch reads`. */
function when(recording: Recording, kind: 'failed' | 'wrong'): Set<string> {
  const found = new Set<string>();
  for (const version of recording.versions) {
    for (const [i, count] of version[kind].entries()) {
      if (count === 0) continue;
      const second = recording.seconds[version.first + i] ?? 0;
      const step = recording.steps.findLast((s) => s.from <= second)?.name ?? 'the start';
      found.add(`${version.name} after ${step}`);
    }
  }
  return found;
}

function stepOf(recording: Recording, name: string): Recording['steps'][number] {
  const step = recording.steps.find((s) => s.name === name);
  if (step === undefined) throw new Error(`no step ${name}`);
  return step;
}

/** Drifted rows at a second. */
function driftAt({ drift }: Recording, second: number): number | null | undefined {
  return drift.rows[drift.at.findLastIndex((at) => at <= second)];
}

describe('the eight-step rename', () => {
  it.each([1, 2, 3])(
    'done right, with seed %i: nothing fails, nothing is wrong, and the copy is complete',
    async (seed) => {
      const text = await readFile('test/plans/corpus/design-rename.cutover.yaml', 'utf8');
      const recording = await runText(text, { seed });
      expect(recording.totals).toMatchObject({ failed: 0, wrong: 0, unjudged: 0 });
      expect(recording.totals.ran).toBeGreaterThan(10_000);
      expect(recording.steps.map((s) => s.result)).toEqual(Array.from({ length: 8 }, () => 'done'));
      expect(recording.duration).toBe(7 * 86_400);
      // Nearly every row has drifted until the backfill copies it, and none when readers switch.
      expect(driftAt(recording, stepOf(recording, 'backfill').from - 1)).toBeGreaterThan(100);
      expect(driftAt(recording, stepOf(recording, 'switch reads').from)).toBe(0);
    },
  );

  it('rolls out pod by pod, and flips a flag at once', async () => {
    const recording = await runText(await example('plan'));
    /** Answers of a version from one second to another. */
    const answers = (name: string, from: number, to: number): number => {
      const version = recording.versions.find((v) => v.name === name)!;
      return version.ok.reduce((sum, n, i) => {
        const second = recording.seconds[version.first + i] ?? 0;
        return second >= from && second < to ? sum + n : sum;
      }, 0);
    };
    const { from, to } = stepOf(recording, 'dual write');
    expect(to - from).toBe(600);
    const shares = [0, 200, 400].map((after) => {
      const [v1, v2] = ['v1', 'v2'].map((name) => answers(name, from + after, from + after + 200));
      return v1! / (v1! + v2!);
    });
    // A third of the pods after the other: about five sixths of the answers are old, then a half, then a sixth.
    expect(shares[0]).toBeGreaterThan(0.7);
    expect(Math.abs(shares[1]! - 0.5)).toBeLessThan(0.15);
    expect(shares[2]).toBeLessThan(0.3);
    const flip = stepOf(recording, 'switch reads');
    expect(flip.to).toBe(flip.from);
    expect(answers('v2', flip.to - 1, flip.to + 1)).toBeGreaterThan(0);
    expect(answers('v2', flip.to + 1, Infinity)).toBe(0);
  });

  it.each([1, 2])('with IS NULL, with seed %i: wrong reads from the switch on, and not before', async (seed) => {
    const recording = await runText(await example('backfill-is-null'), { seed, pace: { requests: 40_000 } });
    expect(recording.totals.wrong).toBeGreaterThan(0);
    expect(recording.totals.failed).toBe(0);
    expect([...when(recording, 'wrong')].every((w) => /^v[34] /.test(w))).toBe(true);
    expect(when(recording, 'wrong')).toContain('v3 after switch reads');
    expect(recording.examples[0]).toMatchObject({
      kind: 'wrong',
      version: 'v3',
      request: 'get_user',
      step: 'switch reads',
    });
    expect(recording.examples[0]?.expected).not.toBe(recording.examples[0]?.actual);
    // The backfill said that it was done, and rows were left.
    expect(stepOf(recording, 'backfill').result).toBe('done');
    expect(driftAt(recording, stepOf(recording, 'switch reads').from)).toBeGreaterThan(0);
    expect(seenIn(recording)).toBe('wrong');
  });

  it('without the dual write: a verification stops the plan, and without one readers are wrong', async () => {
    const text = await example('dual-write-skipped');
    const stopped = await runText(text);
    expect(stopped.totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(stopped.steps.at(-1)).toMatchObject({ kind: 'verify', result: 'failed' });
    expect(seenIn(stopped)).toBe('wrong');
    const unverified = text.replace(/ {2}- name: verify\n(?: {4}.*\n)+/, '');
    expect(unverified).not.toContain('verify:');
    const recording = await runText(unverified);
    expect(recording.totals.wrong).toBeGreaterThan(100);
  });

  it('in one step: every old pod fails from the rename until it is gone', async () => {
    const recording = await runText(await example('rename-in-one-step'));
    expect(when(recording, 'failed')).toEqual(new Set(['v1 after rename', 'v1 after deploy']));
    // A client that got an error does not count on its write: nothing is wrong because of it.
    expect(recording.totals.wrong).toBe(0);
    expect(recording.examples[0]).toMatchObject({
      kind: 'failed',
      step: 'rename',
      actual: 'error 42703: column "email" does not exist',
    });
  });
});

describe('a run is a function of its seed', () => {
  it('the same seed gives the same recording to the byte, another seed another', async () => {
    const text = await example('backfill-is-null');
    const [first, again, other] = [
      await runText(text, { seed: 7 }),
      await runText(text, { seed: 7 }),
      await runText(text, { seed: 8 }),
    ].map(renderRecording);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it('random values are the same in both databases', async () => {
    const recording = await runText(
      `title: tokens
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, token uuid DEFAULT gen_random_uuid(), at timestamptz DEFAULT now())
  seed: INSERT INTO t (id) VALUES (1)
versions:
  v1:
    add: INSERT INTO t (id) VALUES (:id) RETURNING token, at
    get: SELECT id, token, at FROM t WHERE id = :id
steps:
  - name: add a
    migrate: ALTER TABLE t ADD COLUMN a text
    rollback: none
`,
      { pace: { requests: 3_000 } },
    );
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(recording.totals.ok).toBeGreaterThan(1_000);
  });
});

/** A counter, whose requests and steps a test states. */
function counter(v1: string, v2: string, steps = '  - name: deploy\n    deploy: v2\n'): string {
  return `title: counter
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)
  seed: INSERT INTO t VALUES (1, 0)
  production: { t: { rows: 1000, reads: 500/s, writes: 500/s } }
params: { id: [1] }
versions:
  v1:
    hit: ${v1}
    get: SELECT n FROM t WHERE id = :id
  v2:
    extends: v1
    hit: ${v2}
steps:
${steps}`;
}

const atOnce = 'UPDATE t SET n = n + 1 WHERE id = :id';
const readThenWrite = `{ sql: [{ as: row, sql: SELECT n FROM t WHERE id = :id }, UPDATE t SET n = :row.n + 1 WHERE id = :id], transaction: false }`;

describe('requests that commit in several steps', () => {
  it('lose updates where the twin loses none', async () => {
    const recording = await runText(counter(atOnce, readThenWrite), { pace: { requests: 6_000 } });
    expect(recording.totals.wrong).toBeGreaterThan(0);
    expect([...when(recording, 'wrong')].every((w) => w.endsWith('after deploy'))).toBe(true);
  });

  it('that the first version has as well lose the same updates in both', async () => {
    const recording = await runText(counter(readThenWrite, readThenWrite), { pace: { requests: 6_000 } });
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0, unjudged: 0 });
  });
});

describe('locks', () => {
  const steps = '  - name: long\n    migrate: ALTER TABLE t ADD COLUMN a text\n    rollback: none\n';
  const hold = (ms: number, mode: 'AccessExclusiveLock' | 'ShareLock'): SimulateOptions => ({
    pace: { requests: 20_000 },
    holdOf: () =>
      Promise.resolve({ holds: [{ table: 't', mode, fromMs: 0, toMs: ms }], durationMs: ms, assumptions: ['a hold'] }),
  });

  it('make requests wait, second by second, and answer later', async () => {
    const recording = await runText(counter(atOnce, atOnce, steps), hold(4_000, 'AccessExclusiveLock'));
    const { from, to } = stepOf(recording, 'long');
    expect(to - from).toBe(4);
    const [v1] = recording.versions;
    const waited = recording.seconds.filter((_, i) => (v1?.waiting[i - v1.first] ?? 0) > 0);
    expect([waited[0], waited.at(-1)]).toEqual([from, to - 1]);
    const ok = (second: number) => v1?.ok[recording.seconds.indexOf(second) - v1.first] ?? 0;
    // Nobody is answered while the lock is held; then all are at once.
    expect([ok(from + 1), ok(from + 2)]).toEqual([0, 0]);
    expect(ok(to)).toBeGreaterThan(500);
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
    expect(recording.assumptions).toContain('a hold');
  });

  it('let reads through that they do not conflict with', async () => {
    const recording = await runText(counter(atOnce, atOnce, steps), hold(4_000, 'ShareLock'));
    const { from } = stepOf(recording, 'long');
    const [v1] = recording.versions;
    expect(v1?.ok[recording.seconds.indexOf(from + 1) - v1.first]).toBeGreaterThan(100);
    expect(recording.totals.waited).toBeGreaterThan(0);
  });

  it('that last longer than clients wait make them fail, and the write does not count', async () => {
    const recording = await runText(counter(atOnce, atOnce, steps), hold(15_000, 'AccessExclusiveLock'));
    expect(recording.totals.failed).toBeGreaterThan(0);
    expect(recording.totals.wrong).toBe(0);
    expect(recording.examples[0]?.actual).toBe('no answer within 10 s: it waited for a lock');
  });
});

describe('locks of the forecast', () => {
  const facts = 'rows: 10M, size: 2 GB, reads: 20/s, writes: 20/s';
  const plan = (sql: string): string =>
    counter(
      atOnce,
      atOnce,
      `  - name: long\n    migrate: ${sql}\n    rollback: none\n    point-of-no-return: true\n`,
    ).replace('rows: 1000, reads: 500/s, writes: 500/s', facts);

  it('a rewrite keeps everybody out for as long as it is forecast to take, behind the slow query before it', async () => {
    const recording = await runText(plan('ALTER TABLE t ALTER n TYPE bigint'));
    const { from, to } = stepOf(recording, 'long');
    // 2 GB at 40 MB/s and the key's index, after a query of 5 s.
    expect(to - from).toBeGreaterThan(50);
    expect(to - from).toBeLessThan(120);
    expect(when(recording, 'failed')).toEqual(new Set(['v1 after long']));
    expect(recording.totals.wrong).toBe(0);
  });

  it('with a lock_timeout nobody waits for longer than that', async () => {
    const recording = await runText(plan("SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN m int"));
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
    const [v1] = recording.versions;
    const { from } = stepOf(recording, 'long');
    const waited = recording.seconds.filter((_, i) => (v1?.waiting[i - v1.first] ?? 0) > 0);
    expect(waited[0]).toBe(from);
    expect(waited.at(-1)).toBeLessThanOrEqual(from + 2);
  });

  it('an index built CONCURRENTLY takes its time and makes nobody wait', async () => {
    const recording = await runText(plan('CREATE INDEX CONCURRENTLY t_n ON t (n)'));
    const { from, to } = stepOf(recording, 'long');
    expect(to - from).toBeGreaterThan(10);
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0, waited: 0 });
  });
});

describe('backfills', () => {
  const plan = (backfill: string): string =>
    counter(
      atOnce,
      atOnce,
      `  - name: add m\n    migrate: ALTER TABLE t ADD COLUMN m int\n    rollback: none\n${backfill}`,
    );

  it('that go on for ever end the plan', async () => {
    const recording = await runText(
      plan(
        '  - name: copy\n    backfill: UPDATE t SET m = n WHERE id IN (SELECT id FROM t LIMIT :batch)\n    batch: 10\n',
      ),
      { pace: { requests: 3_000, rows: 50 } },
    );
    expect(stepOf(recording, 'copy').result).toBe('failed');
    expect(stepOf(recording, 'copy').note).toMatch(/^it does not end/);
  });

  it.each([
    ['a key range', 'UPDATE t SET m = n WHERE id BETWEEN :from AND :to', 'by: t.id\n    batch: 10'],
    ['a list', '[UPDATE t SET m = n WHERE id % 2 = 0, UPDATE t SET m = n WHERE id % 2 = 1]', ''],
    [
      'a script',
      '{ read: SELECT id FROM t WHERE m IS NULL LIMIT :batch, write: UPDATE t SET m = n WHERE id = :id }',
      'batch: 10',
    ],
  ])('as %s come to an end, with every row written', async (_what, sql, more) => {
    const text = plan(
      `  - name: copy\n    backfill: ${sql}\n    ${more}\n  - name: verify\n    verify: [{ name: none left, empty: SELECT id FROM t WHERE m IS NULL }]\n`,
    );
    const recording = await runText(text, { pace: { requests: 3_000, rows: 50 } });
    expect(recording.steps.map((s) => [s.name, s.result])).toEqual([
      ['add m', 'done'],
      ['copy', 'done'],
      ['verify', 'done'],
    ]);
    const [series] = recording.backfills;
    expect(series?.touched.at(-1)).toBeGreaterThanOrEqual(50);
    expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
  });
});

describe('the end from outside', () => {
  it('Ctrl-C keeps what was recorded', async () => {
    const cancel = new AbortController();
    const recording = await runText(await example('plan'), {
      signal: cancel.signal,
      onProgress: ({ step }) => {
        if (step === 'backfill') cancel.abort();
      },
    });
    expect(recording.cut).toBe('cancelled');
    expect(recording.steps.map((s) => [s.name, s.result])).toEqual([
      ['expand', 'done'],
      ['dual write', 'done'],
      ['backfill', 'cut'],
    ]);
    expect(recording.totals.ok).toBeGreaterThan(1_000);
    expect(seenIn(recording)).toBe('cut');
  });

  it('a time limit does the same', async () => {
    const recording = await runText(await example('plan'), { timeoutMs: 1 });
    expect(recording.cut).toContain('time limit');
    expect(seenIn(recording)).toBe('cut');
  });

  it.each([
    ['sleeps', 'pg_sleep(3600) IS NOT NULL'],
    ['never ends', '(WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT count(*) FROM r) > 0'],
    ['ends its session', 'pg_terminate_backend(pg_backend_pid())'],
  ])('a request that %s is named, and what was recorded is kept', { timeout: 60_000 }, async (_what, condition) => {
    const recording = await runText(counter(atOnce, `${atOnce} AND ${condition}`), { pace: { requests: 2_000 } });
    expect(recording.cut).toContain(condition);
    expect(recording.totals.ok).toBeGreaterThan(0);
    expect(seenIn(recording)).toBe('cut');
    // And the engines go on to the next plan.
    expect((await runText(counter(atOnce, atOnce), { pace: { requests: 500 } })).cut).toBeNull();
  });
});

describe('what is said of a run', () => {
  it('how much of the traffic was run, what was assumed and left out', async () => {
    const recording = await runText(
      `title: tags
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text)
  seed: INSERT INTO t VALUES (1, 'x')
versions:
  v1:
    get: SELECT id, a FROM t WHERE id = :id
  v2:
    extends: v1
    set: UPDATE t SET a = :a WHERE id = :id
steps:
  - name: deploy
    deploy: v2
`,
      { pace: { requests: 2_000 } },
    );
    expect(recordingSchema.parse(JSON.parse(renderRecording(recording)))).toEqual(recording);
    expect(recording.totals.arrived).toBeGreaterThan(recording.totals.ran * 100);
    expect(recording.sampling.some(({ ran, arrived }) => ran === arrived && ran > 0)).toBe(true);
    expect(recording.assumptions).toContain('100 reads/s of t, which the plan does not state');
    expect(recording.leftOut.map(({ what }) => what)).toEqual(['set', 'the way back']);
    // No request of v1 makes rows: the seed's are copied under new keys.
    expect(recording.tables).toEqual([
      { name: 't', rows: 300, made: 'from the seed', production: 10_000_000, stated: false },
    ]);
  });

  it('a schema that does not load is a mistake in the plan', async () => {
    const text = counter(atOnce, atOnce).replace('n int NOT NULL', 'n nosuchtype');
    const result = await simulate('plan.cutover.yaml', () => Promise.resolve(text), start);
    expect(result).toMatchObject({ ok: false, errors: [{ code: 'schema-fails' }] });
  });
});

it('a view that a step fills anew is filled anew without the migration, too', async () => {
  const text = await readFile('test/plans/corpus/refresh-of-a-known-view.cutover.yaml', 'utf8');
  const recording = await runText(text, { pace: { requests: 2_000 } });
  expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
  expect(recording.totals.ran).toBeGreaterThan(1_000);
});
