/** The stage in the editor: what its page is told, what the page asks of its host, and what the plan's editor shows of it. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { PlayReady, Stage as Parts } from '../../../webview/protocol.ts';
import type { Moved, Stage } from '../../../extension/stage/stage.ts';
import { closeAll, cutover, notes, openPlan, planUri, rehearsalUntil, replaceText, until } from './helpers.ts';

const lost = 'lost-write-switch-reads';

async function partsUntil(isWanted: (parts: Parts) => boolean): Promise<Parts> {
  const { stage } = (await cutover()).stage;
  return until(stage.onDidShow, () => stage.parts, isWanted);
}

async function readyUntil(isWanted: (play: PlayReady) => boolean = () => true): Promise<PlayReady> {
  const { play } = await partsUntil(({ play }) => play.kind === 'ready' && isWanted(play));
  assert.ok(play.kind === 'ready');
  return play;
}

/** The page is a real one: it has to load, and to ask. */
async function listening(wanted = true): Promise<void> {
  const { stage } = await cutover();
  while (stage.isListening !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Opened, with the lost write played. */
async function openStage(): Promise<{ document: vscode.TextDocument; play: PlayReady }> {
  const document = await openPlan('backfill-is-null');
  await vscode.commands.executeCommand('cutover.openStage', document.uri);
  return { document, play: await readyUntil(({ finding }) => finding === lost) };
}

async function next<T>(event: vscode.Event<T>): Promise<T> {
  return new Promise((resolve) => {
    const subscription = event((value) => {
      subscription.dispose();
      resolve(value);
    });
  });
}

/** Index of the first moment of a step. */
function momentOf({ histories }: PlayReady, step: string, history = 0): number {
  return histories[history]?.moments.findIndex((each) => each.step?.name === step) ?? -1;
}

function markedLine({ line }: Stage): number | null {
  return line.current?.line ?? null;
}

/** Resolves when the editor's cursor is where the debugger stands. */
async function shownInEditor(document: vscode.TextDocument): Promise<void> {
  const { playhead } = (await cutover()).services;
  await until(
    vscode.window.onDidChangeTextEditorSelection,
    () => vscode.window.visibleTextEditors.find((each) => each.document === document)?.selection.active.line,
    (line) => line === (playhead.current?.moment.place.line ?? 0) - 1,
  );
}

/** In place of a dialog, which tests can't answer. */
async function answering<T>(
  dialog: 'showWarningMessage' | 'showInputBox' | 'showSaveDialog' | 'showErrorMessage' | 'showInformationMessage',
  answer: (...given: readonly unknown[]) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const window = vscode.window as unknown as Record<string, unknown>;
  const own = window[dialog];
  window[dialog] = (...given: readonly unknown[]) => Promise.resolve(answer(...given));
  try {
    return await work();
  } finally {
    window[dialog] = own;
  }
}

suite('stage', () => {
  teardown(async () => {
    const { services, stage } = await cutover();
    const { playhead } = services;
    await stage.stage.setFollow(true);
    if (playhead.session !== null) await vscode.debug.stopDebugging(playhead.session);
    await closeAll();
  });

  test('shows the report and the recording of the lost write, with the focus where it was', async () => {
    const document = await openPlan('backfill-is-null');
    const { services } = await cutover();
    services.rehearsals.forget(document.uri);
    const begun = performance.now();
    await vscode.commands.executeCommand('cutover.openStage', document.uri);
    await listening();
    notes.push(`the stage's first snapshot came ${Math.round(performance.now() - begun)} ms after the command`);
    assert.equal(vscode.window.activeTextEditor?.document, document);
    const play = await readyUntil();
    notes.push(`its first recording came ${Math.round(performance.now() - begun)} ms after the command`);
    const { plan, rehearsal } = (await cutover()).stage.stage.parts;
    assert.equal(plan?.name, 'backfill-is-null.cutover.yaml');
    assert.deepEqual([rehearsal.state, rehearsal.report?.verdict], ['fresh', 'unsafe']);
    assert.deepEqual([play.finding, play.by, play.isCurrent], [lost, 'stage', true]);
    assert.equal(play.histories[0]?.moments[play.playhead.moment]?.shown?.rule, 'lost-write');
  });

  test('another finding is played when it is chosen, and the plan itself', async () => {
    const { play: first } = await openStage();
    const { stage, calls } = (await cutover()).stage;
    const other = stage.parts.rehearsal.report?.findings.find(({ id }) => id !== lost);
    assert.ok(other !== undefined);
    for (const finding of [other.id, null, lost]) {
      const begun = performance.now();
      calls.choose(finding);
      const play = await readyUntil((each) => each.finding === finding);
      notes.push(`choosing ${finding ?? 'the plan'} took ${Math.round(performance.now() - begun)} ms`);
      assert.equal(play.recording.finding?.id ?? null, finding);
    }
    // What was played before is still there.
    assert.equal((await readyUntil()).recording, first.recording);
  });

  test('the line of the playhead is marked and shown, with nobody’s cursor moved', async () => {
    const { document, play } = await openStage();
    const { stage, calls } = (await cutover()).stage;
    const editor = vscode.window.activeTextEditor;
    const before = editor?.selection;
    const moment = momentOf(play, 'switch reads');
    calls.moveTo({ history: 0, moment, probe: null }, 1);
    const line = (play.histories[0]?.moments[moment]?.place.line ?? 0) - 1;
    assert.deepEqual([stage.line.current?.uri.toString(), stage.line.current?.line], [document.uri.toString(), line]);
    await until(
      vscode.window.onDidChangeTextEditorVisibleRanges,
      () => editor?.visibleRanges ?? [],
      (ranges) => ranges.some((range) => range.start.line <= line && line <= range.end.line),
    );
    assert.deepEqual(editor?.selection, before);
    assert.equal(vscode.window.activeTextEditor, editor);
    calls.setFollow(false);
    await partsUntil(({ follow }) => !follow);
    assert.equal(markedLine(stage), null);
    await vscode.commands.executeCommand('cutover.stage.toggleFollow');
    assert.equal(markedLine(stage), line);
  });

  test('the cursor on the lines of another step moves the playhead', async () => {
    const { document, play } = await openStage();
    const { stage, calls } = (await cutover()).stage;
    calls.moveTo({ history: 0, moment: momentOf(play, 'switch reads'), probe: null }, 7);
    const moved = next<Moved>(stage.onDidMove);
    const line = document.getText().slice(0, document.getText().indexOf('- name: dual write')).split('\n').length - 1;
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor?.document === document);
    editor.selection = new vscode.Selection(line + 1, 0, line + 1, 0);
    await until(
      vscode.window.onDidChangeTextEditorSelection,
      () => editor.selection.active.line,
      (now) => now === line + 1,
    );
    // A key, as somebody would press it.
    await vscode.commands.executeCommand('cursorMove', { to: 'up' });
    const to = { history: 0, moment: momentOf(play, 'dual write'), probe: null };
    assert.deepEqual(await moved, { playhead: to, answering: 7 });
    const { play: now } = stage.parts;
    assert.deepEqual(now.kind === 'ready' && now.playhead, to);
  });

  test('a fork has the answer that the engine gives', async () => {
    const { play } = await openStage();
    const { stage, calls } = (await cutover()).stage;
    const moment = momentOf(play, 'backfill');
    const shown: number[] = [];
    const subscription = stage.onDidShow(({ play }) => {
      if (play?.kind === 'ready') shown.push(play.histories.length);
    });
    const sql = 'UPDATE users SET email_address = email';
    const forking = await calls.fork(0, moment, { kind: 'sql', sql });
    subscription.dispose();
    assert.deepEqual(forking, { ok: true, history: 1 });
    // It was shown before it was answered.
    assert.deepEqual(shown, [2]);
    const place = { history: 1, moment: moment + 1, probe: null };
    const differing = 'SELECT count(*) FROM users WHERE email_address IS DISTINCT FROM email';
    const answer = await calls.ask(place, differing);
    assert.deepEqual(answer.ok && answer.rows, [['0']]);
    // The same again is the same history.
    assert.deepEqual(await calls.fork(0, moment, { kind: 'sql', sql }), { ok: true, history: 1 });
    const refused = await calls.fork(0, moment, { kind: 'sql', sql: 'UPDATE nothing SET x = 1' });
    assert.ok(!refused.ok && refused.message.includes('nothing'));
    const back = await calls.fork(1, moment + 1, { kind: 'rollback' });
    assert.deepEqual(back, { ok: true, history: 2 });
    // A process that was stopped meanwhile is started again, and holds the same.
    stage.process.rest();
    assert.equal(stage.process.pid, null);
    const later = await calls.ask(place, differing);
    assert.deepEqual(later.ok && later.rows, [['0']]);
  });

  test('a version that lives on is another future', async () => {
    const { play } = await openStage();
    const { calls } = (await cutover()).stage;
    const moments = play.histories[0]?.moments ?? [];
    const moment = moments.findIndex(({ stragglers }) => stragglers.length > 0);
    const version = moments[moment]?.stragglers[0] ?? '';
    const forking = await calls.fork(0, moment, { kind: 'straggler', version });
    assert.deepEqual(forking, { ok: true, history: 1 });
    const { histories } = await readyUntil();
    const live = histories[1]?.moments.slice(moment + 1).filter((each) => each.live.includes(version)).length ?? 0;
    assert.ok(live > moments.slice(moment + 1).filter((each) => each.live.includes(version)).length);
  });

  test('a debugger moves the stage, the stage moves it, and takes no focus', async () => {
    const { document, play } = await openStage();
    const { services, stage: open } = await cutover();
    const { stage, calls } = open;
    const mine = momentOf(play, 'dual write');
    calls.moveTo({ history: 0, moment: mine, probe: null }, 1);
    calls.debug(lost);
    const debugged = await readyUntil(({ by }) => by === 'debugger');
    assert.deepEqual([debugged.finding, debugged.isCurrent, stage.line.current], [lost, true, null]);
    await until(
      services.playhead.onDidMove,
      () => services.playhead.current?.moment.shown,
      (shown) => shown?.rule === 'lost-write',
    );
    await until(
      vscode.debug.onDidChangeActiveStackItem,
      () => vscode.debug.activeStackItem,
      (item) => item instanceof vscode.DebugStackFrame,
    );
    const moved = next<Moved>(stage.onDidMove);
    await vscode.commands.executeCommand('workbench.action.debug.stepBack');
    const { playhead, answering: number } = await moved;
    assert.deepEqual([playhead.moment, number], [(services.playhead.current?.history.moments.length ?? 0) - 2, 1]);
    await shownInEditor(document);
    const { panel } = open;
    assert.ok(panel !== null);
    panel.reveal(undefined, false);
    await until(panel.onDidChangeViewState, () => panel.active, Boolean);
    const told: Moved[] = [];
    const subscription = stage.onDidMove((each) => told.push(each));
    for (const [i, moment] of [2, 3, 4].entries()) calls.moveTo({ history: 0, moment, probe: null }, 2 + i);
    await until(
      services.playhead.onDidMove,
      () => services.playhead.current?.cursor.moment,
      (now) => now === 4,
    );
    await shownInEditor(document);
    subscription.dispose();
    // The page knows already where it went.
    assert.deepEqual(told, []);
    const forked = await calls.fork(0, 4, { kind: 'rollback' });
    assert.deepEqual(forked, { ok: true, history: 1 });
    assert.equal((await readyUntil()).histories.length, 2);
    assert.equal(services.playhead.current?.history.id, 1);
    const answer = await calls.ask({ history: 0, moment: 0, probe: null }, 'SELECT count(*) FROM users');
    assert.ok(answer.ok);
    await vscode.debug.stopDebugging(services.playhead.session ?? undefined);
    const own = await readyUntil(({ by }) => by === 'stage');
    assert.deepEqual([own.playhead.moment, own.histories.length], [mine, 1]);
  });

  test('what is typed makes it stale, undoing it current; another rehearsal plays the same finding anew', async () => {
    const { document, play } = await openStage();
    const { services, stage: open } = await cutover();
    const moment = momentOf(play, 'backfill');
    open.calls.moveTo({ history: 0, moment, probe: null }, 1);
    const line = open.stage.line.current?.line ?? -1;
    await replaceText(document, 'title:', '# more\ntitle:');
    await readyUntil(({ isCurrent }) => !isCurrent);
    await services.plans.load(document.uri);
    // Its recording is of the old text: the step is where it is now.
    open.calls.moveTo({ history: 0, moment: momentOf(play, 'dual write'), probe: null }, 2);
    open.calls.moveTo({ history: 0, moment, probe: null }, 3);
    assert.match(document.lineAt(open.stage.line.current?.line ?? 0).text, /- name: backfill/);
    await replaceText(document, '# more\n', '');
    await readyUntil(({ isCurrent }) => isCurrent);
    await replaceText(document, 'title:', '# more\ntitle:');
    await services.rehearsals.rehearse(document.uri);
    const again = await readyUntil(({ isCurrent, recording }) => isCurrent && recording !== play.recording);
    assert.deepEqual([again.finding, again.playhead.moment], [lost, moment]);
    assert.equal(open.stage.line.current?.line, line + 1);
  });

  test('a page that was hidden is told everything when it is back', async () => {
    const { document } = await openStage();
    const { panel, calls } = (await cutover()).stage;
    await listening();
    await vscode.window.showTextDocument(planUri('stock'), { viewColumn: panel?.viewColumn ?? 2, preserveFocus: true });
    await listening(false);
    await vscode.window.showTextDocument(document);
    panel?.reveal(undefined, true);
    await listening();
    const parts = await calls.ready();
    assert.deepEqual(Object.keys(parts).toSorted(), ['follow', 'plan', 'play', 'rehearsal', 'traffic']);
    assert.deepEqual([parts.plan?.uri, parts.play.kind], [document.uri.toString(), 'ready']);
  });

  test('a window that is loaded again shows the same history', async () => {
    const { play } = await openStage();
    const { stage: open } = await cutover();
    const moment = momentOf(play, 'backfill');
    await open.calls.fork(0, moment, { kind: 'rollback' });
    open.calls.moveTo({ history: 1, moment: moment + 1, probe: null }, 1);
    await open.memory.write();
    open.panel?.dispose();
    assert.equal(open.panel, null);
    await open.restore(vscode.window.createWebviewPanel('cutover.stage', '', vscode.ViewColumn.Beside));
    const again = await readyUntil(({ histories }) => histories.length === 2);
    assert.deepEqual(again.playhead, { history: 1, moment: moment + 1, probe: null });
    assert.deepEqual(again.histories[1]?.command, { kind: 'rollback' });
    await listening();
  });

  test('it follows the plan on screen', async () => {
    await openStage();
    const stock = await openPlan('stock');
    const { plan } = await partsUntil(({ plan }) => plan?.uri === stock.uri.toString());
    assert.equal(plan?.name, 'stock.cutover.yaml');
    assert.equal((await cutover()).stage.panel?.title, 'Stage: stock.cutover.yaml');
    const back = await openPlan('backfill-is-null');
    await partsUntil(({ plan, play }) => plan?.uri === back.uri.toString() && play.kind === 'ready');
  });
});

suite('stage: traffic', () => {
  teardown(closeAll);

  test('is simulated, is stale when the plan is another, and is cancelled', async () => {
    const document = await openPlan('stock');
    await vscode.commands.executeCommand('cutover.openStage', document.uri);
    const { calls } = (await cutover()).stage;
    const begun = performance.now();
    calls.simulate();
    await partsUntil(({ traffic }) => traffic.kind === 'running' && traffic.requests > 0);
    const { traffic } = await partsUntil(({ traffic }) => traffic.kind !== 'running');
    notes.push(`simulated traffic took ${Math.round(performance.now() - begun)} ms`);
    assert.ok(traffic.kind === 'ready' && traffic.isCurrent);
    assert.deepEqual(
      traffic.recording.steps.map(({ name }) => name),
      ['add quantity', 'fill', 'switch'],
    );
    await replaceText(document, 'title:', '# more\ntitle:');
    await partsUntil(({ traffic }) => traffic.kind === 'ready' && !traffic.isCurrent);
    calls.simulate();
    await partsUntil(({ traffic }) => traffic.kind === 'running' && traffic.phase !== 'boot');
    calls.cancelSimulation();
    await partsUntil(({ traffic }) => traffic.kind === 'cancelled');
  });
});

suite('stage: what leaves it', () => {
  teardown(closeAll);

  test('a link leads to the same history, with its SQL run only when somebody agrees', async () => {
    const { document, play } = await openStage();
    const { stage: open } = await cutover();
    const moment = momentOf(play, 'backfill');
    const sql = "UPDATE users SET email_address = 'x & y + z%'";
    assert.ok((await open.calls.fork(0, moment, { kind: 'sql', sql })).ok);
    const at = { history: 1, moment: moment + 2, probe: null };
    open.calls.copyLink(at);
    let link = '';
    while (!link.includes('cutover.cutover')) link = await vscode.env.clipboard.readText();
    open.panel?.dispose();
    await closeAll();
    const asked: unknown[] = [];
    const follow = (answer: string | undefined) =>
      answering(
        'showWarningMessage',
        (...given) => {
          asked.push(given[1]);
          return answer;
        },
        () => open.follow(vscode.Uri.parse(link, true)),
      );
    await follow(undefined);
    assert.equal(open.panel, null);
    await follow('Run It');
    assert.match((asked[1] as { detail: string }).detail, /x & y \+ z%/);
    const again = await readyUntil(({ histories }) => histories.length === 2);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
    assert.deepEqual([again.finding, again.playhead], [lost, at]);
    assert.deepEqual(again.histories[1]?.command, { kind: 'sql', sql });
  });

  test('a link that is none, or to a plan that is not there, is told and nothing else', async () => {
    const { stage: open } = await cutover();
    const uri = (query: string, path = '/stage') =>
      vscode.Uri.from({ scheme: vscode.env.uriScheme, authority: 'cutover.cutover', path, query });
    const said: unknown[] = [];
    const say = (text: unknown) => void said.push(text);
    await answering('showErrorMessage', say, () => open.follow(uri('plan=../x.cutover.yaml')));
    await answering('showErrorMessage', say, () => open.follow(uri('plan=stock.cutover.yaml', '/other')));
    await answering('showInformationMessage', say, () => open.follow(uri('plan=gone.cutover.yaml')));
    assert.deepEqual(said, [
      'This link leads to no place on the stage.',
      'This link leads to no place on the stage.',
      'The link is to gone.cutover.yaml, which is not in this workspace. Open the folder that has it first.',
    ]);
    assert.equal(open.panel, null);
  });

  test('a picture and a text are saved where somebody says', async () => {
    const { document } = await openStage();
    const { calls } = (await cutover()).stage;
    const target = vscode.Uri.joinPath(document.uri, '..', 'stage.png');
    const offered: vscode.SaveDialogOptions[] = [];
    const written = async (): Promise<Uint8Array> => {
      for (;;) {
        const bytes = await vscode.workspace.fs.readFile(target).then(
          (each) => each,
          () => null,
        );
        if (bytes !== null) return bytes;
      }
    };
    await answering(
      'showSaveDialog',
      (options) => {
        offered.push(options as vscode.SaveDialogOptions);
        return target;
      },
      async () => {
        calls.save('png', '../lost: write', Buffer.from([137, 80, 0, 255]).toString('base64'));
        assert.deepEqual([...(await written())], [137, 80, 0, 255]);
      },
    );
    assert.match(offered[0]?.defaultUri?.path ?? '', /\/lost- write\.png$/);
    await vscode.workspace.fs.delete(target);
  });

  test('a lesson is a plan beside the plan, and is started with its history', async () => {
    const { play } = await openStage();
    const { stage: open, lessons, services } = await cutover();
    const moment = momentOf(play, 'backfill');
    await open.calls.fork(0, moment, { kind: 'rollback' });
    const answers = ['A copy that passes over rows', 'Which rows?'];
    const saved = await answering(
      'showInputBox',
      () => answers.shift(),
      async () => {
        open.calls.saveLesson({ history: 1, moment: moment + 1, probe: null });
        const name = 'a-copy-that-passes-over-rows.lesson.cutover.yaml';
        const active = () => vscode.window.activeTextEditor?.document.uri;
        await until(vscode.window.onDidChangeActiveTextEditor, active, (uri) => uri?.path.endsWith(name) === true);
        return active() as vscode.Uri;
      },
    );
    const { report } = await services.rehearsals.rehearse(saved);
    assert.equal(report?.verdict, 'unsafe');
    await vscode.commands.executeCommand('cutover.startLesson', saved);
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document?.isUntitled);
    const { play: again } = await partsUntil(
      ({ plan, play }) => plan?.uri === document.uri.toString() && play.kind === 'ready' && play.histories.length === 2,
    );
    const at = { history: 1, moment: moment + 1, probe: null };
    assert.deepEqual(again.kind === 'ready' && again.playhead, at);
    const solved = next(lessons.onDidSolve);
    await replaceText(document, 'email_address IS NULL ORDER', 'email_address IS DISTINCT FROM email ORDER');
    await services.rehearsals.rehearse(document.uri);
    await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
    assert.equal((await solved).title, 'A copy that passes over rows');
    await vscode.workspace.fs.delete(saved);
    await lessons.forget();
  });
});
