/** New plans and lessons, from the command to the message that one is solved. */
import assert from 'node:assert/strict';
import { setup, suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { isPlan } from '../../../extension/plans.ts';
import { closeAll, codeOf, cutover, diagnosticsUntil, rehearsalUntil, replaceText, withSetting } from './helpers.ts';

function onScreen(): vscode.TextDocument {
  const document = vscode.window.activeTextEditor?.document;
  assert.ok(document);
  return document;
}

suite('lessons and new plans', () => {
  setup(async () => (await cutover()).lessons.forget());
  teardown(closeAll);

  test('a new plan is a document of its own, and safe', async () => {
    const { services } = await cutover();
    await vscode.commands.executeCommand('cutover.newPlan');
    const document = onScreen();
    assert.ok(document.isUntitled && document.isDirty && isPlan(document));
    assert.equal(document.languageId, 'yaml');
    const { report, isCurrent } = await services.rehearsals.rehearse(document.uri);
    assert.deepEqual([report?.verdict, isCurrent], ['safe', true]);
    await vscode.commands.executeCommand('cutover.newPlan');
    assert.notEqual(onScreen().uri.toString(), document.uri.toString());
  });

  test('a lesson shows its mistake by itself, and is solved when it is mended', async () => {
    const { lessons } = await cutover();
    await withSetting('rehearse', 'onSave', async () => {
      await vscode.commands.executeCommand('cutover.startLesson', 'backfill-gaps');
      const document = onScreen();
      assert.ok(document.isUntitled && isPlan(document));
      assert.match(document.getText(), /^# Lesson 1 of \d+: .*\n[\s\S]*# Question: /);
      const found = await diagnosticsUntil(document.uri, (all) => all.some((each) => codeOf(each) === 'lost-write'));
      assert.ok(found.length > 0);
      assert.deepEqual([...lessons.solved()], []);
      const solved = new Promise<string>((resolve) => {
        const subscription = lessons.onDidSolve(({ id }) => {
          subscription.dispose();
          resolve(id);
        });
      });
      await replaceText(document, 'email_address IS NULL', 'email_address IS DISTINCT FROM email');
      assert.equal(await solved, 'backfill-gaps');
      assert.deepEqual([...lessons.solved()], ['backfill-gaps']);
    });
  });

  test('a lesson that is open is shown again, not begun anew', async () => {
    await vscode.commands.executeCommand('cutover.startLesson', 'one-step');
    const document = onScreen();
    await replaceText(document, 'title:', '# mine\ntitle:');
    await vscode.commands.executeCommand('cutover.startLesson', 'one-step');
    assert.equal(onScreen(), document);
    assert.match(document.getText(), /# mine/);
  });

  test('what is safe because it does nothing any more solves no lesson', async () => {
    const { lessons, services } = await cutover();
    await vscode.commands.executeCommand('cutover.startLesson', 'readers-first');
    const document = onScreen();
    await replaceText(document, 'deploy: v3', 'deploy: v2');
    const rehearsal = services.rehearsals.rehearse(document.uri);
    await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
    assert.equal((await rehearsal).report?.verdict, 'safe');
    assert.deepEqual([...lessons.solved()], []);
  });
});
