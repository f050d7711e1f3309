/** A statement that comes again and again gives what it gave the first time: preparing it can't be told from outside. */
import { expect, test } from 'vitest';
import type { Call, Outcome, RunOptions } from '../../simulator/engine/engine.ts';
import { read, request, rowsOf, startWith, statement, step, useEngine, write } from './engine-support.ts';

const held = useEngine();
const times = 6;

/** The same call from the same content, many times over; the outcomes must be one. */
async function again(schema: number, content: string, call: Call, options: RunOptions = request): Promise<Outcome> {
  const calls = Array.from({ length: times }, () => call);
  const [outcomes = []] = await held.engine.run(schema, [{ content, calls }], options);
  expect(outcomes).toHaveLength(times);
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  return outcomes[0] as Outcome;
}

test('rows, tags, errors and contents stay the same', async () => {
  const { schema, content } = await startWith(
    held.engine,
    ['CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n < 100), at timestamptz DEFAULT now())'],
    ['INSERT INTO t VALUES (1, 1)'],
  );
  const returning: Call = { statements: [statement(['UPDATE t SET n = n + 1 RETURNING id, n'])], writes: true };
  expect(await again(schema, content, returning)).toMatchObject({ results: [{ rows: [['1', '2']], touched: 1 }] });
  expect(await again(schema, content, write('UPDATE t SET n = n + 1'))).toMatchObject({
    ok: true,
    results: [{ rows: null, touched: 1 }],
  });
  expect(await again(schema, content, write('DELETE FROM t WHERE id = 7'))).toMatchObject({
    content,
    results: [{ rows: null, touched: 0 }],
  });
  expect(await again(schema, content, write('UPDATE t SET n = 100'))).toMatchObject({ ok: false, sqlstate: '23514' });
  expect(await again(schema, content, read('SELECT nothing FROM t'))).toMatchObject({ ok: false, sqlstate: '42703' });
  expect(await again(schema, content, write('LOCK TABLE t IN SHARE MODE'))).toMatchObject({ ok: true, content });
  expect(rowsOf(await again(schema, content, read('SHOW lock_timeout')))).toEqual([['0']]);
});

test('rows come back also when the statement failed at first', async () => {
  const { schema } = await startWith(held.engine, ['CREATE TABLE t (id int PRIMARY KEY)']);
  const holding = (...ids: number[]) => JSON.stringify({ tables: { t: ids.map((id) => [`${id}`]) }, sequences: {} });
  const call: Call = { statements: [statement(['INSERT INTO t VALUES (1) RETURNING id'])], writes: true };
  const contents = [holding(1), holding(1), holding(1), holding(2), holding(3), holding(4), holding(1), holding(5)];
  const outcomes = await held.engine.run(
    schema,
    contents.map((content) => ({ content, calls: [call] })),
    request,
  );
  const seen = outcomes.map(([outcome]) => (outcome?.ok === true ? outcome.results[0]?.rows : outcome?.sqlstate));
  expect(seen).toEqual(['23505', '23505', '23505', [['1']], [['1']], [['1']], '23505', [['1']]]);
});

test('the clock of a request and that of a step are told apart in constants too', async () => {
  const { schema, content } = await startWith(held.engine, ['CREATE TABLE t (id int)']);
  for (const sql of [`SELECT 'now'::timestamptz`, 'SELECT now()', `SELECT 'now'::timestamptz = now()`]) {
    const atRequest = rowsOf(await again(schema, content, read(sql), request));
    const atStep = rowsOf(await again(schema, content, read(sql), step));
    if (sql.includes('=')) expect([atRequest, atStep]).toEqual([[['t']], [['t']]]);
    else expect(atRequest).not.toEqual(atStep);
    expect(rowsOf(await again(schema, content, read(sql), request))).toEqual(atRequest);
  }
});

test('a star follows the schema', async () => {
  const { schema, content } = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1)']);
  expect(rowsOf(await again(schema, content, read('SELECT * FROM t')))).toEqual([['1']]);
  const [wider] = await held.engine.migrate(
    schema,
    ['ALTER TABLE t ADD COLUMN n int DEFAULT 7'],
    true,
    [content],
    step,
  );
  if (wider?.ok !== true) throw new Error('it should migrate');
  expect(rowsOf(await again(wider.schema, wider.content, read('SELECT * FROM t')))).toEqual([['1', '7']]);
  expect(rowsOf(await again(schema, content, read('SELECT * FROM t')))).toEqual([['1']]);
});

test.each(['DEALLOCATE ALL', `DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$`])(
  'prepared statements that a plan takes away are not missed: %s',
  async (sql) => {
    const { schema, content } = await startWith(held.engine, ['CREATE TABLE t (id int)'], ['INSERT INTO t VALUES (1)']);
    const update = write('UPDATE t SET id = id + 1');
    const before = await again(schema, content, update);
    const [[gone, after] = []] = await held.engine.run(
      schema,
      [{ content, calls: [{ statements: [statement([sql])], writes: false }, update] }],
      request,
    );
    expect(gone).toMatchObject({ ok: true });
    expect(after).toEqual(before);
    expect(await again(schema, content, update)).toEqual(before);
  },
);
