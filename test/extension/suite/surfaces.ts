/** The status bar and the report. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { PlanRehearsal } from '../../../extension/rehearsal/rehearsals.ts';
import { closeAll, cutover, openPlan, rehearsalUntil, replaceText, until } from './helpers.ts';

suite('status bar and report', () => {
  teardown(closeAll);

  test('the status bar follows the plan on screen', async () => {
    const { services, status } = await cutover();
    const document = await openPlan('stock');
    services.rehearsals.forget(document.uri);
    assert.equal(status.text(), '$(play) Cutover: rehearse');
    const done = services.rehearsals.rehearse(document.uri);
    assert.equal(status.text(), '$(sync~spin) Cutover: waiting');
    await done;
    assert.equal(status.text(), '$(error) Cutover: unsafe, 1 error, 1 warning');
    await replaceText(document, 'title:', '# more\ntitle:');
    await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
    assert.equal(status.text(), '$(history) Cutover: stale');
    await closeAll();
    assert.equal(status.text(), null);
  });

  test('the report is the one of the command line, and says when it is of an older text', async () => {
    const { services, reports } = await cutover();
    const document = await openPlan('stock');
    await services.rehearsals.rehearse(document.uri);
    await vscode.commands.executeCommand('cutover.showReport', document.uri);
    assert.match(
      reports.text(),
      /^✗ unsafe: 1 error, 1 warning\n {2}Rename stock.qty to stock.quantity\n {2}stock\.cutover\.yaml\n/,
    );
    assert.match(reports.text(), /✗ error lost-write at step 3, switch/);
    // What the panel shows is a document, which comes with the panel.
    const shown = () => vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'output')?.getText() ?? '';
    await until(vscode.workspace.onDidChangeTextDocument, shown, (text) => text === reports.text());
    // It does not take the focus from the plan.
    assert.equal(vscode.window.activeTextEditor?.document, document);
    await replaceText(document, 'title:', '# more\ntitle:');
    await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
    assert.match(reports.text(), /^The plan has changed since this rehearsal\.\n✗ unsafe/);
    // Where the panel is scrolled to.
    assert.match(reports.text(), /\n✗ unsafe: 1 error, 1 warning\nThe plan has changed since this rehearsal\.\n$/);
  });

  test('the page of a rule opens as a page', async () => {
    await vscode.commands.executeCommand('cutover.openRule', 'lost-write');
    const active = () => vscode.window.tabGroups.activeTabGroup.activeTab;
    const tab = await until(vscode.window.tabGroups.onDidChangeTabs, active, (each) => each !== undefined);
    assert.match(tab?.label ?? '', /^Preview lost-write\.md$/);
    assert.ok(tab?.input instanceof vscode.TabInputWebview);
  });

  test('all plans are rehearsed one after the other, until somebody cancels', async () => {
    const { services } = await cutover();
    for (const { uri } of services.rehearsals.all()) services.rehearsals.forget(uri);
    const all = vscode.commands.executeCommand<readonly PlanRehearsal[]>('cutover.rehearseAll');
    const states = () => services.rehearsals.all().map(({ state }) => state);
    await until(services.rehearsals.onDidChange, states, (now) => now.length === 2 && now.includes('fresh'));
    await vscode.commands.executeCommand('cutover.cancel');
    assert.deepEqual(
      (await all).map(({ state }) => state),
      ['fresh', 'cancelled'],
    );
  });
});
