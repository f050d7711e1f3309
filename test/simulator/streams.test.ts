/** Streams of changes and replicas in a rehearsal: what is found, how it is told, and what is no finding. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { Player } from '../../simulator/player/player.ts';
import type { Moment } from '../../simulator/player/model.ts';
import { openPlan, rehearse, replay } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import { find, lines, serious } from './report-words.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const fromDisk = (path: string): Promise<string> => readFile(path, 'utf8');
const start = (): Promise<Engine> => Promise.resolve(engine);

const head = `title: t
database:
  schema: CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL)
  seed: INSERT INTO a VALUES (1, 1)
params: { id: [1, 2] }
`;
const v1 = `versions:
  v1:
    add: INSERT INTO a VALUES (:id, 5)
    set: UPDATE a SET v = 7 WHERE id = :id
    remove: DELETE FROM a WHERE id = :id
    get: SELECT id, v FROM a WHERE id = :id
`;
const newTable = `steps:
  - name: table b
    migrate: CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL)
    rollback: DROP TABLE b
`;
const upsert = 'INSERT INTO b VALUES (:new.id, :new.v) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v';
const stream = (parts: string): string => `  - name: mirror
    cdc: { name: m, table: a, ${parts} }
    rollback: TRUNCATE b
`;
const whole = stream(`insert: '${upsert}', update: '${upsert}', delete: DELETE FROM b WHERE id = :old.id`);

async function run(text: string): Promise<PlanReport> {
  const { report } = await rehearse('p.cutover.yaml', () => Promise.resolve(text), start);
  expect(report.errors).toEqual([]);
  return report;
}

describe('a stream', () => {
  test('that can be run twice, and on any state, is no finding, and every history is followed', async () => {
    const report = await run(head + v1 + newTable + whole);
    expect(report.verdict).toBe('safe');
    expect(report.exploration).toMatchObject({ complete: true, writeBound: null });
    expect(report.exploration.domain).toMatchObject({ 'changes in a stream': expect.anything() });
    expect(report.rollback.every((cell) => cell.result === 'safe')).toBe(true);
  });

  test('is stuck on a change that comes once more', async () => {
    const report = await run(head + v1 + newTable + stream("insert: 'INSERT INTO b VALUES (:new.id, :new.v)'"));
    expect(serious(report)).toEqual(['stream-fails @ mirror']);
    const finding = find(report, 'stream-fails');
    expect(finding.sqlstate).toBe('23505');
    expect(lines(finding.trace)).toEqual([
      'step table b: done',
      'step mirror: m mirrors a from now on',
      'request v1 add: accepted, rows touched',
      'deliver mirror: m: 1 row touched',
      'deliver mirror: m, once more: error 23505: duplicate key value violates unique constraint "b_pkey"',
    ]);
  });

  test('says that the row has no such column', async () => {
    const report = await run(head + v1 + newTable + stream("insert: 'INSERT INTO b VALUES (:new.id, :new.w)'"));
    expect(find(report, 'stream-fails')).toMatchObject({ sqlstate: '42703', message: expect.stringContaining('"w"') });
  });

  test('is stuck on what a later step takes away', async () => {
    const gone = '  - name: too early\n    migrate: DROP TABLE b\n    rollback: none\n    point-of-no-return: true\n';
    const report = await run(head + v1 + newTable + whole + gone);
    expect(serious(report)).toEqual(['stream-fails @ too early']);
  });

  test('that comes after the copy misses what is written in between', async () => {
    const copy = `  - name: copy
    backfill: INSERT INTO b SELECT * FROM a WHERE id NOT IN (SELECT id FROM b) ORDER BY id LIMIT :batch
    rollback: TRUNCATE b
`;
    const v2 = `  v2:
    extends: v1
    get: SELECT id, v FROM b WHERE id = :id
`;
    const read = '  - name: switch\n    wait: caught-up\n    deploy: v2\n    flag: b\n';
    const late = await run(head + v1 + v2 + newTable + copy + whole + read);
    expect(serious(late)).toEqual(['lost-write @ switch']);
    const early = await run(head + v1 + v2 + newTable + whole + copy + read);
    // It reads what comes late, since v2 writes where v1 does.
    expect(serious(early)).toEqual([]);
    expect(find(early, 'stale-read')).toMatchObject({ severity: 'warning', step: 'switch', version: 'v2' });
  });

  test('is told of what a migration and a backfill change', async () => {
    const steps = `  - name: all
    migrate: UPDATE a SET v = v + 10
    rollback: UPDATE a SET v = v - 10
  - name: compare
    wait: caught-up
    verify: [equal: [SELECT v FROM a WHERE id = 1, SELECT v FROM b WHERE id = 1]]
`;
    const silent = 'versions:\n  v1:\n    get: SELECT id, v % 10 FROM a WHERE id = :id\n';
    const report = await run(head + silent + newTable + whole + steps);
    expect(serious(report)).toEqual([]);
    expect(report.exploration.neverExercised).toEqual([]);
  });

  test('a check that runs before everything has been delivered is only warned of', async () => {
    const check = '  - name: compare\n    verify: [empty: SELECT b.id FROM a JOIN b USING (id) WHERE a.v <> b.v]\n';
    const report = await run(head + v1 + newTable + whole + check);
    expect(serious(report)).toEqual([]);
    expect(find(report, 'verify-stops').message).toContain('until the streams have caught up');
    const waits = await run(
      head + v1 + newTable + whole + check.replace('compare\n', 'compare\n    wait: caught-up\n'),
    );
    expect(waits.findings.map((f) => f.rule)).not.toContain('verify-stops');
  });

  test('of a table that is not there does not start', async () => {
    const report = await run(head + v1 + newTable + whole.replace('table: a', 'table: nobody'));
    expect(find(report, 'migrate-fails')).toMatchObject({ step: 'mirror', sqlstate: '42P01' });
  });
});

describe('two streams', () => {
  const back = (origin: string): string => `  - name: mirror back
    cdc:
      name: n
      table: b
      ${origin}
      update: INSERT INTO a VALUES (:new.id, :new.v) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v
      insert: INSERT INTO a VALUES (:new.id, :new.v) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v
`;
  const forward = stream(`origin: none, insert: '${upsert}', update: '${upsert}'`);

  test('that feed each other are found, with the round that they go', async () => {
    const report = await run(
      head +
        v1.replace(/ {4}remove.*\n/, '') +
        newTable +
        stream(`insert: '${upsert}', update: '${upsert}'`) +
        back('# both'),
    );
    expect(serious(report)).toEqual(['stream-echo @ mirror back']);
    const { trace, message } = find(report, 'stream-echo');
    expect(message).toContain('"m" and "n"');
    expect(lines(trace).slice(-3)).toEqual([
      'deliver mirror back: m: 1 row touched',
      'deliver mirror back: n: 1 row touched',
      'deliver mirror back: m: 1 row touched',
    ]);
  });

  test('that leave out what the other has written are not', async () => {
    const report = await run(head + v1.replace(/ {4}remove.*\n/, '') + newTable + forward + back('origin: none'));
    expect(serious(report)).toEqual([]);
  });
});

describe('a replica', () => {
  const file = (name: string): string => `examples/replica-reads/${name}.cutover.yaml`;

  test('has not the column that a reader names', async () => {
    const { report } = await rehearse(file('column-not-there'), fromDisk, start);
    const finding = find(report, 'request-fails');
    expect(finding).toMatchObject({ sqlstate: '42703', step: 'dual write', version: 'v2', request: 'get_user' });
    const again = await replay(file('column-not-there'), fromDisk, start, finding.id);
    if (!again.ok) throw new Error(again.message);
    // The history is played on the primary; the read is answered where the column has not arrived.
    expect(again.lines.at(-2)?.content).not.toBe(again.lines.at(-1)?.content);
    expect(again.lines.at(-1)?.result).toContain('42703');
  });

  test('that lags behind rightly is no finding', async () => {
    const plan = `${head}versions:
  v1:
    set: UPDATE a SET v = 7 WHERE id = :id
    get: { sql: 'SELECT id, v FROM a WHERE id = :id', on: replica }
steps:
  - name: another column
    migrate: ALTER TABLE a ADD COLUMN w int
    rollback: ALTER TABLE a DROP COLUMN w
`;
    const report = await run(plan);
    expect(report.findings.filter((f) => f.version !== null && f.rule !== 'lock-queue')).toEqual([]);
    expect(report.exploration.domain['replica']).toEqual(['up to 2 commits behind']);
  });
});

describe('in the debugger', () => {
  const shown = (moments: readonly Moment[]): string[] => moments.map((m) => `${m.title} → ${m.event?.result ?? ''}`);

  async function play(file: string, finding: string | null): Promise<Player> {
    const opened = await openPlan(file, fromDisk, start, finding);
    if (!opened.ok) throw new Error(opened.message);
    return new Player(opened.playable, engine);
  }

  test('deliveries are moments of a plan that is played with no requests, and queues can be seen', async () => {
    const player = await play('examples/cdc-move-table/plan.cutover.yaml', null);
    const { history } = await player.record();
    expect(shown(history.moments).slice(0, 6)).toMatchInlineSnapshot(`
      [
        "start → ",
        "expand → done",
        "mirror → forward mirrors members from now on",
        "backfill (running) → begins, v1 live",
        "backfill: one batch → 1 row touched",
        "backfill → done",
      ]
    `);
    const at = history.moments.findIndex((m) => m.title === 'mirror');
    expect(history.moments[at]?.queues).toEqual([{ stream: 'forward', waiting: [], again: null }]);
    const fork = await player.fork(history.id, at, {
      kind: 'request',
      version: 'v1',
      request: 'change_email',
      params: { id: '1', email: 'x' },
    });
    if (!fork.ok) throw new Error(fork.message);
    const [request, ...then] = fork.history.moments.slice(at + 1);
    expect(request?.queues?.[0]?.waiting).toHaveLength(1);
    expect(shown(then).slice(0, 2)).toMatchInlineSnapshot(`
      [
        "mirror: delivery → forward: 1 row touched",
        "backfill (running) → begins, v1 live",
      ]
    `);
  });

  test("a finding's trace shows what each delivery left", async () => {
    const player = await play('test/plans/stream-fails/has.cutover.yaml', 'stream-fails-mirror');
    const { history } = await player.record();
    expect(shown(history.moments)).toMatchInlineSnapshot(`
      [
        "start → ",
        "new table → done",
        "mirror → forward mirrors items from now on",
        "v1 add(id: 2, title: 'a') → accepted, rows touched",
        "mirror: delivery → forward: 1 row touched",
        "mirror: delivery → forward, once more: error 23505: duplicate key value violates unique constraint "things_pkey"",
      ]
    `);
    expect(history.moments.at(-2)?.queues).toEqual([
      { stream: 'forward', waiting: [], again: expect.stringContaining('INSERT INTO things') },
    ]);
  });
});
