/** What stands above the steps, and what their hovers say. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { closeAll, cutover, openPlan, rehearsalUntil, replaceText, withSetting } from './helpers.ts';

async function lenses(document: vscode.TextDocument): Promise<Record<string, readonly string[]>> {
  await (await cutover()).services.plans.load(document.uri);
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    'vscode.executeCodeLensProvider',
    document.uri,
    1000,
  );
  const byLine: Record<string, string[]> = {};
  for (const { range, command } of found) {
    const step = document.lineAt(range.start.line).text.trim();
    (byLine[step] ??= []).push(command?.title ?? '');
  }
  return byLine;
}

suite('lenses', () => {
  teardown(closeAll);

  test('say what is known of each step: nothing, then a verdict, then that it is stale', async () => {
    const document = await openPlan('stock');
    const { services } = await cutover();
    services.rehearsals.forget(document.uri);
    assert.deepEqual(new Set(Object.values(await lenses(document)).flat()), new Set(['$(beaker) rehearse']));
    await services.rehearsals.rehearse(document.uri);
    const known = await lenses(document);
    assert.match(known['- name: add quantity']?.join(' | ') ?? '', /^✓ held \| AccessExclusiveLock on stock, about/);
    assert.deepEqual(known['- name: switch']?.slice(0, 1), ['✗ 1 finding']);
    assert.deepEqual(known['- name: switch']?.slice(-3), ['show trace: lost-write', 'debug', 'stage']);
    await replaceText(document, 'title:', '# more\ntitle:');
    await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
    assert.deepEqual(new Set(Object.values(await lenses(document)).flat()), new Set(['? stale: rehearse']));
  });

  test('are not there when the setting says so', async () => {
    const document = await openPlan('stock');
    await withSetting('codeLens', false, async () => assert.deepEqual(await lenses(document), {}));
  });

  test('the trace of a finding is shown in the plan', async () => {
    const document = await openPlan('stock');
    const { services } = await cutover();
    const { report } = await services.rehearsals.rehearse(document.uri);
    const finding = report?.findings.find(({ rule }) => rule === 'lost-write');
    await vscode.commands.executeCommand('cutover.showTrace', document.uri, finding?.id);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
    assert.equal(vscode.window.activeTextEditor?.selection.active.line, (finding?.line ?? 0) - 1);
  });

  test('a hover on a step says what was seen, and what is assumed', async () => {
    const document = await openPlan('stock');
    const { services } = await cutover();
    await services.plans.load(document.uri);
    await services.rehearsals.rehearse(document.uri);
    const line = document.getText().slice(0, document.getText().indexOf('- name: add quantity')).split('\n').length - 1;
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      new vscode.Position(line, 8),
    );
    const text = hovers.flatMap(({ contents }) =>
      contents.map((each) => (typeof each === 'string' ? each : each.value)),
    );
    assert.match(text.join('\n'), /\| stock \| AccessExclusiveLock \|/);
    assert.match(text.join('\n'), /Assumed: reads 100, writes 10/);
  });
});
