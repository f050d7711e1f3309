/** Quick fixes: offered when a rehearsal has confirmed them, and the finding is gone once one is applied. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { closeAll, codeOf, cutover, diagnosticsUntil, openPlan, ours, rehearsalUntil, until } from './helpers.ts';

async function actionsAt(document: vscode.TextDocument, rule: string): Promise<readonly vscode.CodeAction[]> {
  const found = await diagnosticsUntil(document.uri, (all) => all.some((each) => codeOf(each) === rule));
  const range = found.find((each) => codeOf(each) === rule)?.range;
  const kind = vscode.CodeActionKind.QuickFix.value;
  return vscode.commands.executeCommand<vscode.CodeAction[]>(
    'vscode.executeCodeActionProvider',
    document.uri,
    range,
    kind,
  );
}

suite('fixes', () => {
  teardown(closeAll);

  test('IS NULL becomes IS DISTINCT FROM, and the next rehearsal finds the write again', async () => {
    const { services } = await cutover();
    const document = await openPlan('backfill-is-null');
    await services.rehearsals.rehearse(document.uri);
    const id =
      services.rehearsals.get(document.uri).report?.findings.find(({ rule }) => rule === 'lost-write')?.id ?? '';
    await until(
      services.fixes.onDidChange,
      () => services.fixes.get(document.uri, id),
      (fixes) => fixes !== null,
    );
    const actions = await actionsAt(document, 'lost-write');
    assert.deepEqual(
      actions.map(({ title, isPreferred }) => [title, isPreferred ?? false]),
      [
        ['Backfill: compare with IS DISTINCT FROM', true],
        ['Allow lost-write here, with a reason', false],
      ],
    );
    const [fix] = actions;
    assert.ok(fix?.edit !== undefined);
    await vscode.workspace.applyEdit(fix.edit);
    assert.match(document.getText(), /WHERE email_address IS DISTINCT FROM email ORDER BY/);
    await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
    await services.rehearsals.rehearse(document.uri);
    const left = await diagnosticsUntil(document.uri, (all) =>
      all.every((each) => !each.message.startsWith('(stale)')),
    );
    assert.equal(
      left.some((each) => codeOf(each) === 'lost-write'),
      false,
    );
  });

  test('an allowance is accepted, with the words that it asks for', async () => {
    const { services } = await cutover();
    const document = await openPlan('stock');
    await services.rehearsals.rehearse(document.uri);
    const allow = (await actionsAt(document, 'lost-write')).at(-1);
    assert.ok(allow?.edit !== undefined);
    await vscode.workspace.applyEdit(allow.edit);
    const { command = '', arguments: all = [] } = allow.command ?? {};
    await vscode.commands.executeCommand(command, ...(all as readonly unknown[]));
    const { selection } = vscode.window.activeTextEditor ?? {};
    assert.equal(document.getText(selection), 'why this is acceptable');
    assert.match(document.getText(), /\n {4}allow: \[\{ rule: lost-write, reason: "why this is acceptable" \}\]/);
    const { report } = await services.rehearsals.rehearse(document.uri);
    assert.equal(report?.findings.find(({ rule }) => rule === 'lost-write')?.allowed, 'why this is acceptable');
  });

  test('nothing is offered for a finding of a text that has changed, nor for what is not ours', async () => {
    const { services } = await cutover();
    const document = await openPlan('stock');
    await services.rehearsals.rehearse(document.uri);
    const found = await diagnosticsUntil(document.uri, (all) => all.length > 0);
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), '# more\n');
    await vscode.workspace.applyEdit(edit);
    await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
    assert.ok(found.length > 0 && ours(document.uri).length > 0);
    assert.deepEqual(await actionsAt(document, 'lost-write'), []);
  });
});
