/** The stage in the editor: what its page is told, what the page asks of its host, and what the plan's editor shows of it. */
import assert from 'node:assert/strict';
import { setup, suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { PlayReady, Stage as Parts } from '../../../webview/protocol.ts';
import { closeAll, cutover, notes, openPlan, rehearsalUntil, until } from './helpers.ts';

const lost = 'lost-write-switch-reads';

/** What the page has been told, once it is as wanted. */
async function partsUntil(isWanted: (parts: Parts) => boolean): Promise<Parts> {
  const { stage } = (await cutover()).stage;
  return until(stage.onDidShow, () => stage.parts, isWanted);
}

const isReady = ({ play }: Parts): boolean => play.kind === 'ready';

async function readyUntil(isWanted: (play: PlayReady) => boolean): Promise<PlayReady> {
  const { play } = await partsUntil(({ play }) => play.kind === 'ready' && isWanted(play));
  assert.ok(play.kind === 'ready');
  return play;
}

/** The page is a real one: it has to load, and to ask. */
async function listening(): Promise<void> {
  const { stage } = await cutover();
  while (!stage.isListening) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function openStage(name = 'backfill-is-null'): Promise<vscode.TextDocument> {
  const document = await openPlan(name);
  await vscode.commands.executeCommand('cutover.openStage', document.uri);
  return document;
}

suite('stage', () => {
  setup(async () => {
    const { services } = await cutover();
    for (const { uri } of services.rehearsals.all()) services.rehearsals.forget(uri);
  });

  teardown(closeAll);

  test('shows the report and the recording of the lost write, with the focus where it was', async () => {
    const document = await openPlan('backfill-is-null');
    const begun = performance.now();
    await vscode.commands.executeCommand('cutover.openStage', document.uri);
    await listening();
    notes.push(`the stage's first snapshot came ${Math.round(performance.now() - begun)} ms after the command`);
    assert.equal(vscode.window.activeTextEditor?.document, document);
    const parts = await partsUntil(isReady);
    notes.push(`its first recording came ${Math.round(performance.now() - begun)} ms after the command`);
    assert.equal(parts.plan?.name, 'backfill-is-null.cutover.yaml');
    assert.equal(parts.rehearsal.state, 'fresh');
    assert.equal(parts.rehearsal.report?.verdict, 'unsafe');
    const play = await readyUntil(({ finding }) => finding === lost);
    assert.equal(play.by, 'stage');
    assert.ok(play.isCurrent);
    const at = play.histories[0]?.moments[play.playhead.moment];
    assert.equal(at?.shown?.rule, 'lost-write');
  });

  test('another finding is played when it is chosen, and the plan itself', async () => {
    const document = await openStage();
    const { stage, calls } = (await cutover()).stage;
    await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
    const first = await readyUntil(({ finding }) => finding === lost);
    const others = stage.parts.rehearsal.report?.findings.filter(({ id }) => id !== lost) ?? [];
    const [other] = others;
    assert.ok(other !== undefined);
    for (const finding of [other.id, null, lost]) {
      const begun = performance.now();
      calls.choose(finding);
      const play = await readyUntil((each) => each.finding === finding);
      notes.push(`choosing ${finding ?? 'the plan'} took ${Math.round(performance.now() - begun)} ms`);
      assert.equal(play.recording.finding?.id ?? null, finding);
    }
    assert.equal((await readyUntil(() => true)).recording, first.recording);
  });

  test('a fork has the answer that the engine gives', async () => {
    await openStage();
    const { stage, calls } = (await cutover()).stage;
    const play = await readyUntil(({ finding }) => finding === lost);
    const moment = play.histories[0]?.moments.findIndex(({ position }) => position.startsWith('backfill')) ?? 0;
    const seen: number[] = [];
    const subscription = stage.onDidShow(({ play }) => {
      if (play?.kind === 'ready') seen.push(play.histories.length);
    });
    const sql = 'UPDATE users SET email_address = email';
    const forking = await calls.fork(0, moment, { kind: 'sql', sql });
    subscription.dispose();
    assert.deepEqual(forking, { ok: true, history: 1 });
    // It was shown before it was answered.
    assert.deepEqual(seen, [2]);
    const place = { history: 1, moment: moment + 1, probe: null };
    const answer = await calls.ask(place, 'SELECT count(*) FROM users WHERE email_address IS DISTINCT FROM email');
    assert.deepEqual(answer.ok && answer.rows, [['0']]);
    // The same again is the same history.
    assert.deepEqual(await calls.fork(0, moment, { kind: 'sql', sql }), { ok: true, history: 1 });
    const refused = await calls.fork(0, moment, { kind: 'sql', sql: 'UPDATE nothing SET x = 1' });
    assert.ok(!refused.ok && /nothing/.test(refused.message));
  });
});
