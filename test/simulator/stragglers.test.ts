/** What if a version lives on: the history in which it stays live one deploy longer than planned. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { ForkCommand, Forked, Moment, Recording, View } from '../../simulator/player/model.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan } from '../../simulator/rehearse.ts';

const plan = 'examples/rename-column/plan.cutover.yaml';

let engine: Engine;
let player: Player;
let recording: Recording;
const views: View[] = [];

beforeAll(async () => {
  engine = await createPgliteEngine({});
  const opened = await openPlan(
    plan,
    (path) => readFile(path, 'utf8'),
    () => Promise.resolve(engine),
    null,
  );
  if (!opened.ok) throw new Error(opened.message);
  player = new Player(opened.playable, engine);
  recording = await player.record();
  views.push(...recording.views);
});
afterAll(() => engine.close());

const at = (moments: readonly Moment[], position: string): number =>
  moments.findLastIndex((m) => m.position === position);
const lines = (moments: readonly Moment[]): string[] => moments.map((m) => `${m.title} [${m.live.join(' ')}]`);

async function fork(history: number, moment: number, command: ForkCommand): Promise<Forked & { ok: true }> {
  const forked = await player.fork(history, moment, command);
  if (!forked.ok) throw new Error(forked.message);
  views.splice(forked.firstView, Infinity, ...forked.views);
  return forked;
}

const livesOn = (version: string): ForkCommand => ({ kind: 'straggler', version });
const change = (version: string, email: string): ForkCommand => ({
  kind: 'request',
  version,
  request: 'change_email',
  params: { id: '1', email },
});

test('it is said at each moment which version could: the one that the latest deploy replaces', () => {
  expect(recording.history.moments.map((m) => `${m.position}: ${m.stragglers.join(' ')}`)).toEqual([
    'start: ',
    'expand: ',
    'dual write (rolling out): v1',
    'dual write: v1',
    'backfill (running): v1',
    'backfill (running): v1',
    'backfill: v1',
    'verify: v1',
    'switch reads: v2',
    'require email_address: v2',
    'prove email_address: v2',
    'stop requiring email: v2',
    'stop dual write (rolling out): v3',
    'stop dual write: v3',
    'contract: v3',
  ]);
});

describe('v1 lives on past the backfill', () => {
  let alive: Forked & { ok: true };
  beforeAll(async () => void (alive = await fork(0, at(recording.history.moments, 'verify'), livesOn('v1'))));

  test('it is live until the next deploy is done, and its requests are tried', () => {
    const { title, command, from, moments } = alive.history;
    expect({ title, command, from }).toEqual({
      title: 'what if: v1 lives on',
      command: livesOn('v1'),
      from: { history: 0, moment: 7 },
    });
    expect(moments.slice(0, 8)).toEqual(recording.history.moments.slice(0, 8));
    expect(lines(moments).slice(7, 10)).toEqual(['verify [v2]', 'v1 lives on [v1 v2]', 'switch reads [v3]']);
    expect(moments.at(-1)?.position).toBe('contract');
    expect(new Set(moments[8]?.probes.map((p) => p.event?.version))).toEqual(new Set(['v1', 'v2']));
    // It does so already, and is not asked for again.
    expect(moments.slice(7, 10).map((m) => m.stragglers)).toEqual([['v1'], [], ['v2']]);
  });

  test('what it writes leaves the new column stale, and the next version reads that', async () => {
    const wrote = await fork(alive.history.id, 8, change('v1', 'late'));
    const [, , reading] = wrote.history.moments.slice(8);
    expect(lines(wrote.history.moments).slice(8, 11)).toEqual([
      'v1 lives on [v1 v2]',
      "v1 change_email(id: 1, email: 'late') [v1 v2]",
      'switch reads [v3]',
    ]);
    expect(views[reading?.view ?? -1]?.differences).toMatchObject([
      { column: 'email_address', now: 'ada@example.com', reference: 'late', readBy: ['v3'] },
    ]);
    const stale = reading?.probes.find((p) => p.event?.request === 'get_user' && p.event.params['id'] === '1');
    expect(stale?.shown).toMatchObject({
      rule: 'lost-write',
      expected: "(1, 'late')",
      actual: "(1, 'ada@example.com')",
    });
    // As the engine has it.
    expect(await player.ask(wrote.history.id, 10, 'SELECT email, email_address FROM users')).toMatchObject({
      rows: [['late', 'ada@example.com']],
    });
    // Without the straggler nobody could have written so.
    expect(await player.fork(0, 7, change('v1', 'late'))).toEqual({ ok: false, message: 'v1 is not live here (v2)' });
  });

  test('the check is a gate for what it writes before', async () => {
    const early = await fork(0, at(recording.history.moments, 'backfill'), livesOn('v1'));
    expect(lines(early.history.moments).slice(7, 10)).toEqual([
      'v1 lives on [v1 v2]',
      'verify [v1 v2]',
      'switch reads [v3]',
    ]);
    const wrote = await fork(early.history.id, 7, change('v1', 'late'));
    expect(wrote.history.moments.at(-1)?.shown?.rule).toBe('verify-stops');
  });

  test('the plan is rolled back with it, and it is live there too', async () => {
    const back = await fork(alive.history.id, 8, { kind: 'rollback' });
    expect(lines(back.history.moments).slice(8, 12)).toEqual([
      'v1 lives on [v1 v2]',
      'roll back verify [v1 v2]',
      'verify [v1 v2]',
      'switch reads [v3]',
    ]);
  });

  test('once it has ended, it does not come back', async () => {
    const back = await fork(alive.history.id, 9, { kind: 'rollback' });
    expect(lines(back.history.moments).slice(9, 11)).toEqual(['switch reads [v3]', 'roll back switch reads [v2]']);
    expect(back.history.moments.at(-1)?.position).toBe('contract');
  });
});

test('while a version rolls out, the one it replaces can live on, through the rollout after that', async () => {
  const rolling = at(recording.history.moments, 'stop dual write (rolling out)');
  const forked = await fork(0, rolling, livesOn('v3'));
  expect(lines(forked.history.moments).slice(rolling)).toEqual([
    'stop dual write (rolling out) [v3 v4]',
    'v3 lives on [v3 v4]',
    'stop dual write [v3 v4]',
    // No deploy follows.
    'contract [v3 v4]',
  ]);
  // v3 writes a column that is gone.
  const failing = forked.history.moments.at(-1)?.probes.filter((p) => p.shown !== null) ?? [];
  expect(new Set(failing.map((p) => `${p.event?.version} ${p.event?.request} ${p.shown?.rule}`))).toEqual(
    new Set(['v3 sign_up request-fails', 'v3 change_email request-fails']),
  );
});

test('three versions at once: the straggler comes first, and what it reads is said', async () => {
  const text = `title: three
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text)
  seed: INSERT INTO t VALUES (1, 'x')
versions:
  v1:
    get: SELECT id, a FROM t WHERE id = :id
    set: UPDATE t SET a = :a WHERE id = :id
  v2: { extends: v1 }
  v3: { extends: v2, set: "UPDATE t SET b = :a WHERE id = :id", get: "SELECT id, b FROM t WHERE id = :id" }
steps:
  - migrate: ALTER TABLE t ADD COLUMN b text
    rollback: ALTER TABLE t DROP COLUMN b
  - backfill: UPDATE t SET b = a WHERE id IN (SELECT id FROM t WHERE b IS DISTINCT FROM a LIMIT :batch)
  - { name: two, deploy: v2 }
  - { name: three, deploy: v3 }
`;
  const opened = await openPlan(
    't.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
    null,
  );
  if (!opened.ok) throw new Error(opened.message);
  const other = new Player(opened.playable, engine);
  const { history } = await other.record();
  const alive = await other.fork(0, at(history.moments, 'two (rolling out)'), livesOn('v1'));
  if (!alive.ok) throw new Error(alive.message);
  expect(lines(alive.history.moments).slice(-5)).toEqual([
    'two (rolling out) [v1 v2]',
    'v1 lives on [v1 v2]',
    'two [v1 v2]',
    'three (rolling out) [v1 v2 v3]',
    'three [v3]',
  ]);
  const rolling = at(alive.history.moments, 'three (rolling out)');
  const params = { id: '1', a: 'new' };
  const wrote = await other.fork(alive.history.id, rolling, { kind: 'request', version: 'v3', request: 'set', params });
  if (!wrote.ok) throw new Error(wrote.message);
  const moment = wrote.history.moments[rolling + 1];
  const differences = [...wrote.views].flatMap((view) => view.differences);
  expect(differences).toContainEqual(expect.objectContaining({ column: 'a', readBy: ['v1', 'v2'] }));
  expect(moment?.probes.filter((p) => p.shown !== null).map((p) => p.event?.version)).toEqual(['v1', 'v2']);
});

test('what can not live on is said', async () => {
  expect(await player.fork(0, 0, livesOn('v1'))).toEqual({
    ok: false,
    message: 'v1 can not live on here (nobody can)',
  });
  expect(await player.fork(0, 7, livesOn('v3'))).toEqual({ ok: false, message: 'v3 can not live on here (v1)' });
});
