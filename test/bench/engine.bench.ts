/** What the engine costs: boot, memory, a call of run(), a content of migrate(), a switch of schemas. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Call, Engine, MigrateOutcome, Task } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';

const request = { clock: 'request', seed: 1 } as const;
const step = { clock: 'step', seed: 1 } as const;
const schema = [
  'CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, email_address text)',
  'CREATE INDEX ON users (email)',
];

function call(sql: string, writes: boolean): Call {
  return { statements: [{ pieces: [sql], as: null, returnsRows: !writes }], writes };
}

const calls: Call[] = [1, 2, 3].flatMap((id) => [
  call(`SELECT id, email FROM users WHERE id = ${id}`, false),
  call(`UPDATE users SET email = 'a@x.io', email_address = 'a@x.io' WHERE id = ${id}`, true),
  call(`DELETE FROM users WHERE id = ${id}`, true),
]);
calls.push(
  call(`INSERT INTO users (id, email) VALUES (3, 'c')`, true),
  call(`INSERT INTO users (id, email) VALUES (1, 'c')`, true),
);

function contents(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `{"tables":{"users":[["1","a${i}","b"],["2","c",null]]},"sequences":{}}`,
  );
}

let engine: Engine;
let base: number;

function schemaOf(outcome: MigrateOutcome | undefined): number {
  if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
  return outcome.schema;
}

function report(what: string, value: number, unit: string): void {
  console.log(`${what}: ${value.toFixed(2)} ${unit}`);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

beforeAll(async () => {
  report('boot', await timed(async () => void (engine = await createPgliteEngine())), 'ms');
  report('memory after boot', process.memoryUsage().rss / 1e6, 'MB');
  report('first start', await timed(async () => void (base = schemaOf(await engine.start(schema, [])))), 'ms');
  report('second start', await timed(async () => void (base = schemaOf(await engine.start(schema, [])))), 'ms');
});
afterAll(() => engine.close());

test('run: 50 states × 11 calls', async () => {
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    const tasks: Task[] = contents(50).map((content) => ({
      content: content.replace('["1","a', `["1","r${round}`),
      calls,
    }));
    const elapsed = await timed(() => engine.run(base, tasks, request));
    if (round === 0) report('run, first 550 calls', (elapsed / 550) * 1000, 'µs per call');
    if (round === rounds - 1) report('run, last 550 calls', (elapsed / 550) * 1000, 'µs per call');
  }
  const tasks: Task[] = contents(2000).map((content) => ({ content, calls }));
  const elapsed = await timed(() => engine.run(base, tasks, request));
  report('run, 22000 calls', (elapsed / 22000) * 1000, 'µs per call');
  report('memory', process.memoryUsage().rss / 1e6, 'MB');
  expect(elapsed / 22000).toBeLessThan(0.3);
});

test('migrate and switch', async () => {
  const up = ['ALTER TABLE users ADD COLUMN note text', `UPDATE users SET note = email`];
  const inputs = contents(200);
  await engine.migrate(base, up, true, inputs.slice(0, 20), step);
  const elapsed = await timed(() => engine.migrate(base, up, true, inputs, step));
  report('migrate', elapsed / inputs.length, 'ms per content');
  const [first] = await engine.migrate(base, up, true, inputs.slice(0, 1), step);
  const target = schemaOf(first);
  const after = first?.ok === true ? first.content : '';
  await engine.migrate(target, ['ALTER TABLE users DROP COLUMN note'], true, [after], step);
  const task = (content: string): Task[] => [{ content, calls: calls.slice(0, 1) }];
  const rounds = 50;
  const both = async (): Promise<void> => {
    await engine.run(target, task(after), request);
    await engine.run(base, task(inputs[0] ?? ''), request);
  };
  await both();
  const switching = await timed(async () => {
    for (let i = 0; i < rounds; i++) await both();
  });
  report('switch by a known edge', switching / rounds / 2, 'ms');
  report('memory', process.memoryUsage().rss / 1e6, 'MB');
  expect(switching / rounds / 2).toBeLessThan(50);
});

test('observe', async () => {
  const statements = [
    `SET lock_timeout = '2s'`,
    'ALTER TABLE users ADD COLUMN note text',
    'ALTER TABLE users ALTER email TYPE varchar(50)',
    'ALTER TABLE users ADD CHECK (id > 0)',
    `UPDATE users SET note = email`,
  ];
  const [content = ''] = contents(1);
  const all = () => engine.observe(base, statements, true, content, step);
  report('observe, first', (await timed(all)) / statements.length, 'ms per statement');
  const rounds = 20;
  const elapsed = await timed(async () => {
    for (let i = 0; i < rounds; i++) await all();
  });
  report('observe, warm', elapsed / rounds / statements.length, 'ms per statement');
  const index = ['CREATE INDEX CONCURRENTLY i ON users (id)'];
  const apart = await timed(async () => {
    for (let i = 0; i < rounds; i++) await engine.observe(base, index, false, content, step);
  });
  report('observe outside of a transaction, with the way back', apart / rounds, 'ms per statement');
  expect(elapsed / rounds / statements.length).toBeLessThan(10);
});
