/** What the debugger shows: the states of a replay, moment by moment, with forks and questions that change nothing recorded. */
import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { Forked, Moment, Recording } from '../../simulator/player/model.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan, openRun, replay, type OpenedRun } from '../../simulator/rehearse.ts';

const isNull = 'examples/rename-column/backfill-is-null.cutover.yaml';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const fromDisk = (path: string): Promise<string> => readFile(path, 'utf8');
const start = (): Promise<Engine> => Promise.resolve(engine);

async function play(file: string, finding: string | null): Promise<{ player: Player; recording: Recording }> {
  const opened = await openPlan(file, fromDisk, start, finding);
  if (!opened.ok) throw new Error(opened.message);
  const player = new Player(opened.playable, engine);
  return { player, recording: await player.record() };
}

async function playRun(
  run: OpenedRun,
  finding: string | null,
  engine: Engine,
): Promise<{ player: Player; recording: Recording }> {
  const opened = run.playable(finding);
  if (!opened.ok) throw new Error(opened.message);
  const player = new Player(opened.playable, engine);
  return { player, recording: await player.record() };
}

const lines = (moments: readonly Moment[]): string[] => moments.map((m) => `${m.title} [${m.live.join(' ')}]`);

function rows({ views, history }: Recording, moment: number): unknown {
  return views[history.moments[moment]?.view ?? -1]?.tables[0]?.rows;
}

describe("a finding's trace", () => {
  let player: Player;
  let recording: Recording;
  beforeAll(async () => void ({ player, recording } = await play(isNull, 'lost-write-switch-reads')));

  test('is played moment by moment', () => {
    expect(lines(recording.history.moments)).toMatchInlineSnapshot(`
      [
        "start [v1]",
        "expand [v1]",
        "dual write (rolling out) [v1 v2]",
        "v2 change_email(email: 'a', id: 1) [v1 v2]",
        "v1 change_email(email: 'b', id: 1) [v1 v2]",
        "dual write [v2]",
        "backfill (running) [v2]",
        "backfill [v2]",
        "switch reads [v3]",
        "v3 get_user(id: 1) [v3]",
      ]
    `);
  });

  test('the last moment shows what differs: the column of the row that the reader gets', () => {
    const last = recording.history.moments.at(-1);
    expect(last?.shown?.rule).toBe('lost-write');
    expect([last?.expected, last?.actual]).toEqual(["(1, 'b')", "(1, 'a')"]);
    expect(recording.views[last?.view ?? -1]?.differences).toEqual([
      {
        kind: 'cell',
        table: 'users',
        row: 'id=1',
        column: 'email_address',
        counterpart: 'users.email',
        now: 'a',
        reference: 'b',
        readBy: ['v3'],
      },
    ]);
  });

  test('what no live version reads yet is said so', () => {
    const { view } = recording.history.moments[4] as Moment;
    expect(recording.views[view]?.differences).toMatchObject([{ column: 'email_address', readBy: [] }]);
  });

  test('earlier moments keep their contents', () => {
    expect(rows(recording, 0)).toEqual([['1', 'ada@example.com']]);
    expect(rows(recording, 3)).toEqual([['1', 'a', 'a']]);
    expect(rows(recording, 4)).toEqual([['1', 'b', 'a']]);
  });

  test('SQL is answered at the moment', async () => {
    const sql = 'SELECT email_address AS new FROM users';
    expect(await player.ask(0, 4, sql)).toEqual({ ok: true, columns: ['new'], rows: [['a']], touched: 1 });
    expect(await player.ask(0, 0, sql)).toMatchObject({
      ok: false,
      message: expect.stringContaining('email_address') as string,
    });
  });

  test.each([
    ['DELETE FROM users', 'Nothing was changed'],
    ['WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone', 'Nothing was changed'],
    ['DROP TABLE users', 'Nothing was changed'],
    ['COMMIT; DELETE FROM users', 'A transaction is around it'],
    ['SET TRANSACTION READ WRITE; DELETE FROM users', 'Settings of the session'],
    ["SELECT set_config('transaction_read_only', 'off', false); DELETE FROM users", 'error 25'],
    ['SELECT :id', 'no parameters'],
    ['SELEC 1', 'syntax error'],
  ])('%s is refused, and says so', async (sql, why) => {
    const answer = await player.ask(0, 4, sql);
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining(why) as string });
    expect(await player.ask(0, 4, 'SELECT count(*) FROM users')).toMatchObject({ rows: [['1']] });
  });

  test('a fork has another future, and the recorded one stays', async () => {
    const before = JSON.stringify(recording.history);
    const params = { id: '1', email: 'c' };
    const forked = await player.fork(0, 4, { kind: 'request', version: 'v2', request: 'change_email', params });
    if (!forked.ok) throw new Error(forked.message);
    expect(forked.history.from).toEqual({ history: 0, moment: 4 });
    expect(forked.history.moments.slice(0, 5)).toEqual(recording.history.moments.slice(0, 5));
    expect(lines(forked.history.moments).slice(5, 7)).toEqual([
      "v2 change_email(id: 1, email: 'c') [v1 v2]",
      'dual write [v2]',
    ]);
    // It ends at the end of the plan, with nothing lost.
    const reader = forked.history.moments.find((m) => m.position === 'switch reads');
    expect(reader?.probes.filter((p) => p.shown !== null)).toEqual([]);
    expect(forked.history.moments.at(-1)?.position).toBe('contract');
    expect(JSON.stringify(recording.history)).toBe(before);
    expect(await player.ask(0, 4, 'SELECT email FROM users')).toMatchObject({ rows: [['b']] });
    expect(await player.ask(forked.history.id, 4, 'SELECT email FROM users')).toMatchObject({ rows: [['b']] });
    expect(await player.ask(forked.history.id, 5, 'SELECT email FROM users')).toMatchObject({ rows: [['c']] });
  });

  test('a fork by SQL may change rows and tables', async () => {
    const forked = await player.fork(0, 4, { kind: 'sql', sql: 'UPDATE users SET email_address = email' });
    if (!forked.ok) throw new Error(forked.message);
    const reader = forked.history.moments.find((m) => m.position === 'switch reads');
    expect(reader?.probes.filter((p) => p.shown !== null)).toEqual([]);
    const altered = await player.fork(0, 4, { kind: 'sql', sql: 'DROP TABLE users' });
    expect(altered.ok && altered.history.moments.at(-1)?.shown?.rule).toBe('migrate-fails');
  });

  test('a fork by rollback goes back one step, and out again', async () => {
    const forked = await player.fork(0, 5, { kind: 'rollback' });
    if (!forked.ok) throw new Error(forked.message);
    expect(lines(forked.history.moments).slice(6, 8)).toEqual(['roll back dual write [v1 v2]', 'dual write [v2]']);
  });

  test('what can not be done is said', async () => {
    const fork = (version: string, request: string, params: Record<string, string>) =>
      player.fork(0, 4, { kind: 'request', version, request, params });
    expect(await fork('v3', 'get_user', { id: '1' })).toEqual({
      ok: false,
      message: 'v3 is not live here (v1, v2)',
    });
    expect(await fork('v1', 'get', {})).toEqual({ ok: false, message: 'v1 has no request get' });
    expect(await fork('v1', 'get_user', {})).toEqual({ ok: false, message: 'get_user takes id' });
    expect(await player.fork(0, 0, { kind: 'rollback' })).toEqual({
      ok: false,
      message: 'there is no way back from here',
    });
  });
});

describe("the plan's own course", () => {
  test('goes through every phase, with the requests that can be stepped into', async () => {
    const { recording } = await play(isNull, null);
    expect(lines(recording.history.moments)).toMatchInlineSnapshot(`
      [
        "start [v1]",
        "expand [v1]",
        "dual write (rolling out) [v1 v2]",
        "dual write [v2]",
        "backfill (running) [v2]",
        "backfill: one batch [v2]",
        "backfill [v2]",
        "switch reads [v3]",
        "require email_address [v3]",
        "prove email_address [v3]",
        "stop requiring email [v3]",
        "stop dual write (rolling out) [v3 v4]",
        "stop dual write [v4]",
        "contract [v4]",
      ]
    `);
    const rolling = recording.history.moments.find((m) => m.position === 'dual write (rolling out)');
    expect(new Set(rolling?.probes.map((p) => p.title.split('(')[0]))).toEqual(
      new Set(
        ['v1', 'v2'].flatMap((v) => ['sign_up', 'change_email', 'close_account', 'get_user'].map((r) => `${v} ${r}`)),
      ),
    );
    expect(recording.history.moments.flatMap((m) => m.probes).filter((p) => p.shown !== null)).toEqual([]);
  });

  test('knows the lines at which it can be stopped, and for whom', async () => {
    const { recording } = await play(isNull, null);
    const shown = recording.stops.map((s) =>
      s.kind === 'step' ? `${s.place.line} ${s.name}` : `${s.place.line} ${s.request}: ${s.versions.join(' ')}`,
    );
    expect(shown.filter((s) => s.includes('get_user') || s.includes('dual write'))).toMatchInlineSnapshot(`
      [
        "23 get_user: v1 v2",
        "32 get_user: v3 v4",
        "48 dual write",
        "97 stop dual write",
      ]
    `);
  });

  test('a plan that does not load says where', async () => {
    const text =
      'title: x\ndatabase: { schema: CREATE TABLE t (id in) }\nversions: { v1: { get: SELECT 1 } }\nsteps: []';
    const opened = await openPlan('x.cutover.yaml', () => Promise.resolve(text), start, null);
    expect(opened).toMatchObject({ ok: false, message: 'the plan is not valid' });
    expect(opened.ok ? [] : opened.errors.map((e) => e.line)).toEqual([2, 4]);
  });

  test('a finding that is not there is said, with those that are', async () => {
    const opened = await openPlan(isNull, fromDisk, start, 'nothing');
    expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('lost-write-switch-reads') as string });
  });
});

describe('a plan that was rehearsed once', () => {
  let own: Engine;
  let run: OpenedRun;
  beforeAll(async () => {
    own = await createPgliteEngine({});
    run = await openRun(isNull, fromDisk, () => Promise.resolve(own));
  });
  afterAll(() => own.close());

  test('is played for any of its findings, and for its own course, with nothing rehearsed again', async () => {
    const { findings, exploration } = run.report;
    expect(findings.length).toBeGreaterThan(1);
    const before = own.stats.statements;
    for (const id of [...findings.map((f) => f.id), null]) {
      const { recording } = await playRun(run, id, own);
      const alone = await play(isNull, id);
      expect(recording).toEqual(alone.recording);
    }
    expect(own.stats.statements - before).toBeLessThan(exploration.statements);
  });

  test('two that are played do not disturb each other, not even at the same time', async () => {
    const lost = (): ReturnType<typeof playRun> => playRun(run, 'lost-write-switch-reads', own);
    const course = (): ReturnType<typeof playRun> => playRun(run, null, own);
    const [a, b, c] = await Promise.all([lost(), course(), lost()]);
    expect(c.recording).toEqual(a.recording);
    const params = { id: '1', email: 'c' };
    const change = { kind: 'request', version: 'v2', request: 'change_email', params } as const;
    const together = await Promise.all([
      a.player.fork(0, 4, change),
      b.player.fork(0, 2, change),
      c.player.fork(0, 4, { kind: 'sql', sql: 'UPDATE users SET email_address = email' }),
      b.player.fork(0, 3, { kind: 'rollback' }),
      a.player.ask(0, 4, 'SELECT email, email_address FROM users'),
      b.player.ask(0, 0, 'SELECT email FROM users'),
    ]);
    expect(together[4]).toMatchObject({ rows: [['b', 'a']] });
    expect(together[5]).toMatchObject({ rows: [['ada@example.com']] });
    // Views are numbered in the order in which they are first seen.
    const probed = (forked: Forked) =>
      JSON.stringify(forked.ok ? forked.history.moments : forked).replaceAll(/"view":\d+/g, '');
    expect(probed(together[0])).toBe(probed(await (await lost()).player.fork(0, 4, change)));
    expect(probed(together[1])).toBe(probed(await (await course()).player.fork(0, 2, change)));
  });

  test('a plan that does not load has its report, and is not played', async () => {
    const broken = await openRun('x.cutover.yaml', () => Promise.resolve('title: x'), start);
    expect(broken.report.verdict).toBe('invalid');
    expect(broken.playable(null)).toMatchObject({ ok: false, message: 'the plan is not valid' });
  });

  test('what was cancelled is not played: its engine is gone', async () => {
    const closing = await createPgliteEngine({});
    const cancelled = await openRun(isNull, fromDisk, () => Promise.resolve(closing), {
      onProgress: ({ phase, states }) => {
        if (phase === 'forward' && states > 0) void closing.close();
      },
    });
    expect(cancelled.report.exploration.cut).toBe('cancelled');
    expect(cancelled.playable(null)).toMatchObject({ ok: false, message: 'the rehearsal was cut (cancelled)' });
  });
});

test('a finding that is read from the plan shows where its step is reached', async () => {
  const { recording } = await play(isNull, 'missing-verify-switch-reads');
  const shown = recording.history.moments.filter((m) => m.shown !== null);
  expect(shown.map((m) => [m.position, m.shown?.rule])).toEqual([['switch reads', 'missing-verify']]);
});

test('only the versions that are named are tried', async () => {
  const opened = await openPlan(isNull, fromDisk, start, null);
  if (!opened.ok) throw new Error(opened.message);
  const { history } = await new Player(opened.playable, engine, ['v2']).record();
  expect(new Set(history.moments.flatMap((m) => m.probes).map((p) => p.event?.version))).toEqual(new Set(['v2']));
});

test('a request that commits twice is in flight between, and the reference may be anywhere in it', async () => {
  const text = `title: two commits
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a int, b int)
  seed: INSERT INTO t VALUES (1, 0, 0)
versions:
  v1:
    get: SELECT id, a, b FROM t WHERE id = :id
    set:
      sql: [UPDATE t SET a = :x WHERE id = :id, UPDATE t SET b = :x WHERE id = :id]
      transaction: false
steps:
  - name: add c
    migrate: ALTER TABLE t ADD COLUMN c int
    rollback: ALTER TABLE t DROP COLUMN c
`;
  const opened = await openPlan('t.cutover.yaml', () => Promise.resolve(text), start, null);
  if (!opened.ok) throw new Error(opened.message);
  const player = new Player(opened.playable, engine);
  const { views } = await player.record();
  const params = { id: '1', x: '5' };
  const forked = await player.fork(0, 0, { kind: 'request', version: 'v1', request: 'set', params });
  if (!forked.ok) throw new Error(forked.message);
  const [, half, whole] = forked.history.moments;
  expect(half?.flights).toEqual([{ version: 'v1', request: 'set', params, done: 1, of: 2 }]);
  expect(whole?.flights).toEqual([]);
  const view = [...views, ...forked.views][half?.view ?? -1];
  expect(view?.tables[0]?.rows).toEqual([['1', '5', '0']]);
  expect(view?.reference.map((tables) => tables[0]?.rows[0]?.join(' ')).toSorted()).toEqual([
    '1 0 0',
    '1 5 0',
    '1 5 5',
  ]);
  expect(view?.differences).toEqual([]);
});

/** Plans of every rule, and examples of each kind of step: all of them would take longer than they tell. */
async function plansWithFindings(): Promise<string[]> {
  const all = await readdir('test/plans', { recursive: true });
  const own = all.filter((e) => e.endsWith('/has.cutover.yaml')).map((e) => `test/plans/${e}`);
  const families = ['rename-column', 'cents-to-decimal'];
  const renames = (await readdir('examples', { recursive: true })).filter((e) =>
    families.some((family) => e.startsWith(`${family}/`)),
  );
  const others = [
    'cdc-rename/stopped-too-early',
    'replica-reads/replica-not-caught-up',
    'cross-database-move/dual-write',
  ];
  return [...own, ...renames.map((e) => `examples/${e}`), ...others.map((e) => `examples/${e}.cutover.yaml`)];
}

test('every finding of the plans under test is played: shown where it is, plain data, with the states that a replay has', async () => {
  const other = await createPgliteEngine({});
  const rules = new Set<string>();
  let compared = 0;
  for (const file of await plansWithFindings()) {
    const run = await openRun(file, fromDisk, start);
    for (const finding of run.report.findings) {
      const what = `${file} ${finding.id}`;
      const { player, recording } = await playRun(run, finding.id, engine);
      rules.add(finding.rule);
      const { moments } = recording.history;
      expect(moments.find((m) => m.shown !== null)?.shown?.rule, what).toBe(finding.rule);
      expect(JSON.parse(JSON.stringify(recording)), what).toEqual(recording);
      // A replay is a rehearsal as well: one of each rule will do. What was observed and forecast has no contents.
      if (file.startsWith('examples')) continue;
      const replayed = await replay(file, fromDisk, () => Promise.resolve(other), finding.id);
      if (!replayed.ok || replayed.lines.some((line) => line.content === '')) continue;
      const played = moments.slice(1);
      expect(
        played.map((_, i) => JSON.parse(player.content(0, i + 1)) as unknown),
        what,
      ).toEqual(replayed.lines.map((l) => JSON.parse(l.content) as unknown));
      expect(played.map((m) => m.event)).toEqual(finding.trace);
      compared += 1;
    }
  }
  await other.close();
  expect(compared).toBeGreaterThan(15);
  expect(rules.size).toBeGreaterThan(20);
}, 600_000);

describe('a long backfill', () => {
  const many = (rows: number, backfill: string): string => `title: many rows
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text, n int DEFAULT 0)
  seed: INSERT INTO t SELECT i, 'a' || i FROM generate_series(1, ${rows}) i
versions:
  v1:
    get: SELECT id, a FROM t WHERE id = :id
    set: UPDATE t SET a = :a WHERE id = :id
steps:
  - name: add b
    migrate: ALTER TABLE t ADD COLUMN b text
    rollback: ALTER TABLE t DROP COLUMN b
  - name: copy
${backfill}
`;
  const statement = `    backfill: |
      UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE b IS DISTINCT FROM a ORDER BY id LIMIT :batch)`;
  const range = '    backfill: UPDATE t SET b = a WHERE id BETWEEN :from AND :to\n    by: t.id';
  const script = `    backfill:
      read: SELECT id, a FROM t WHERE b IS DISTINCT FROM a ORDER BY id LIMIT :batch
      write: UPDATE t SET b = :a WHERE id = :id`;

  async function playText(text: string): Promise<{ player: Player; recording: Recording }> {
    const opened = await openPlan('x.cutover.yaml', () => Promise.resolve(text), start, null);
    if (!opened.ok) throw new Error(opened.message);
    const player = new Player(opened.playable, engine);
    return { player, recording: await player.record() };
  }

  test.each([
    ['a statement', statement],
    ['a range of keys', range],
    ['a script', script],
  ])('%s with more rows than can be looked at one by one comes to its end, in few moments', async (_, backfill) => {
    const { player, recording } = await playText(many(500, backfill));
    const { moments } = recording.history;
    expect(moments.at(-1)?.position).toBe('copy');
    expect(moments.length).toBeLessThan(20);
    expect(recording.notes).toContain('after 5 batches of one row, "copy" goes on in batches of 1000');
    const last = moments.length - 1;
    expect(await player.ask(0, last, 'SELECT count(*) FROM t WHERE b = a')).toMatchObject({ rows: [['500']] });
    // The first batches are of one row.
    const first = moments.findIndex((m) => m.event?.kind === 'batch');
    const done = 'SELECT count(*) FROM t WHERE b = a';
    const half = await player.ask(0, first + (backfill === script ? 1 : 0), done);
    expect(half).toMatchObject({ rows: [['1']] });
  });

  test('with two thousand rows what is recorded stays small, and says what it leaves out', async () => {
    const { recording } = await playText(many(2000, statement));
    const { moments } = recording.history;
    expect(moments.at(-1)?.position).toBe('copy');
    expect(JSON.stringify(recording).length).toBeLessThan(15_000_000);
    expect(recording.notes).toContain('requests that write are not tried at every moment: the tables are too large');
    // At first all are tried, and reads always.
    const tried = moments.map((m) => new Set(m.probes.map((p) => p.event?.request)));
    expect(tried[0]).toEqual(new Set(['get', 'set']));
    expect(tried.at(-1)).toEqual(new Set(['get']));
  });

  test('a few more rows than there are batches of one row are copied one by one, then together', async () => {
    const { recording } = await playText(many(22, statement));
    const batches = recording.history.moments.filter((m) => m.event?.kind === 'batch');
    expect(batches.map((m) => m.event?.result)).toEqual([
      ...Array.from({ length: 20 }, () => '1 row touched'),
      '2 rows touched',
    ]);
    expect(batches.every((m) => m.probes.some((p) => p.event?.request === 'set'))).toBe(true);
  });

  test('one that goes on for ever is stopped, and those of its batches that are left out are counted', async () => {
    const counting = '    backfill: UPDATE t SET n = n + 1 WHERE id IN (SELECT id FROM t ORDER BY id LIMIT :batch)';
    const { recording } = await playText(many(2, counting));
    const { moments } = recording.history;
    expect(moments.at(-1)?.shown).toMatchObject({
      rule: 'backfill-never-ends',
      message: 'after 308 batches, batches go on touching rows: it is taken to run for ever',
    });
    expect(moments.filter((m) => m.event?.kind === 'batch')).toHaveLength(60);
    expect(recording.notes).toContain('of the 308 batches of "copy" the first 40 and the last 20 are shown');
  });

  test('one that changes nothing is stopped at once', async () => {
    const idle = '    backfill: UPDATE t SET n = 0 WHERE id IN (SELECT id FROM t ORDER BY id LIMIT :batch)';
    const { recording } = await playText(many(2, idle));
    const batches = recording.history.moments.filter((m) => m.event?.kind === 'batch');
    expect(batches.at(-1)?.shown?.rule).toBe('backfill-never-ends');
    expect(batches.length).toBeLessThan(3);
  });
});

test('moments at which all is the same share what was tried there', async () => {
  const { player, recording } = await play(isNull, null);
  const statements = engine.stats.statements;
  const forked = await player.fork(0, 1, { kind: 'sql', sql: 'UPDATE users SET email = email' });
  if (!forked.ok) throw new Error(forked.message);
  expect(forked.history.moments.slice(3).map((m) => m.position)).toEqual(
    recording.history.moments.slice(2).map((m) => m.position),
  );
  // The course again, with nothing tried anew.
  expect(engine.stats.statements - statements).toBeLessThan(60);
});
