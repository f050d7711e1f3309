/** What simulated traffic costs: checked requests against the raw rate of the engines in the same run, and a week of the rename. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { Recording } from '../../simulator/report/recording.ts';
import { simulate } from '../../simulator/traffic/simulate.ts';
import { Random } from '../../simulator/traffic/random.ts';
import type { RawInput } from './raw-worker.ts';

const file = 'test/plans/corpus/design-rename.cutover.yaml';
const keys = 2000;
const setup = `CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
  INSERT INTO users SELECT i, 'a' || i FROM generate_series(1, ${keys}, 2) i`;
const statements = [
  'SELECT id, email FROM users WHERE id = $1',
  'INSERT INTO users (id, email) VALUES ($1, $2)',
  'UPDATE users SET email = $2 WHERE id = $1',
  'DELETE FROM users WHERE id = $1',
];

/** Reads and writes as the plan states them: 3000 to 400. */
function requests(count: number): RawInput['requests'] {
  const random = new Random(1);
  return Array.from({ length: count }, () => {
    const statement = random.fraction() < 3000 / 3400 ? 0 : random.integer(1, 3);
    const values = [String(random.integer(1, keys)), `a${random.integer(1, keys)}`];
    return [statement, statement === 0 || statement === 3 ? values.slice(0, 1) : values] as const;
  });
}

async function rawRate(engines: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-bench-'));
  const outfile = join(directory, 'raw-worker.cjs');
  await build({
    entryPoints: ['test/bench/raw-worker.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.url': '__metaUrl' },
    banner: { js: "const __metaUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };
  const [wasm, bundle, image] = await Promise.all([
    readFile('dist/pglite.wasm').then((bytes) => WebAssembly.compile(bytes)),
    readFile('dist/pglite.data'),
    readFile('dist/pgdata.image'),
  ]);
  const workerData: RawInput = { wasm, bundle, image, setup, statements, requests: requests(50_000), rounds: 2 };
  const workers = Array.from({ length: engines }, () => new Worker(outfile, { workerData }));
  const next = (worker: Worker): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
  await Promise.all(workers.map(next));
  const begun = performance.now();
  const done = Promise.all(workers.map(next));
  for (const worker of workers) worker.postMessage('go');
  const results = (await done) as { statements: number }[];
  const seconds = (performance.now() - begun) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  await rm(directory, { recursive: true });
  return results.reduce((n, r) => n + r.statements, 0) / seconds;
}

async function run(): Promise<{ recording: Recording; seconds: number; rate: number }> {
  const begun = performance.now();
  let [from, requestsBefore] = [0, 0];
  let [to, requestsAfter] = [0, 0];
  const result = await simulate(
    file,
    (path) => readFile(path, 'utf8'),
    () => Promise.all([createPgliteEngine(), createPgliteEngine()]),
    {
      onProgress: ({ phase, step, requests }) => {
        // From the second rollout on everything is warm; nothing but requests runs in it.
        if (phase !== 'traffic' || step !== 'stop dual write') return;
        if (from === 0) [from, requestsBefore] = [performance.now(), requests];
        [to, requestsAfter] = [performance.now(), requests];
      },
    },
  );
  if (!result.ok) throw new Error(result.errors[0]?.message);
  const seconds = (performance.now() - begun) / 1000;
  return { recording: result.recording, seconds, rate: ((requestsAfter - requestsBefore) / (to - from)) * 1000 };
}

test('checked requests against raw statements, and a week', async () => {
  const raw = await rawRate(2);
  const alone = await rawRate(1);
  const { recording, seconds, rate } = await run();
  const again = await rawRate(2);
  console.log(
    `raw statements/s, two engines at once: ${raw.toFixed(0)}, after the run ${again.toFixed(0)}; one alone: ${alone.toFixed(0)}`,
  );
  console.log(`checked requests/s: ${rate.toFixed(0)}, that is ${(rate * 2).toFixed(0)} statements/s`);
  console.log(`share of the raw rate: ${((200 * rate) / Math.max(raw, again)).toFixed(0)}%`);
  console.log(
    `a week: ${seconds.toFixed(1)} s, ${recording.totals.ran} requests, ${recording.duration} s of virtual time`,
  );
  expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
  expect(recording.duration).toBeGreaterThanOrEqual(7 * 86_400);
});
