/** Findings of a rehearsal as problems: where they stand, what they lead to, and what becomes of them. */
import assert from 'node:assert/strict';
import { setup, suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { closeAll, codeOf, cutover, diagnosticsUntil, openPlan, ours, replaceText } from './helpers.ts';

const { Error: error, Hint: hint, Warning: warning } = vscode.DiagnosticSeverity;

function lostWrite(uri: vscode.Uri): vscode.Diagnostic | undefined {
  return ours(uri).find((each) => codeOf(each) === 'lost-write');
}

function rehearse(uri: vscode.Uri): Thenable<unknown> {
  return vscode.commands.executeCommand('cutover.rehearse', uri);
}

suite('findings', () => {
  setup(async () => {
    const { services } = await cutover();
    for (const { uri } of services.rehearsals.all()) services.rehearsals.forget(uri);
  });
  teardown(closeAll);

  test('the backfill WHERE … IS NULL loses a write: at the reader, with the history that shows it', async () => {
    const document = await openPlan('backfill-is-null');
    await rehearse(document.uri);
    const diagnostics = await diagnosticsUntil(document.uri, (all) => all.length > 1);
    const found = lostWrite(document.uri);
    assert.equal(found?.severity, error);
    assert.equal(document.getText(found.range), 'get_user: SELECT id, email_address FROM users WHERE id = :id');
    assert.match(
      found.message,
      /^switch reads: v3 reads \(1, 'a'\) where the app without the migration reads \(1, 'b'\)/,
    );
    const trace = (found.relatedInformation ?? []).map(({ location, message }) => [
      document.lineAt(location.range.start.line).text.trim().slice(0, 24),
      message,
    ]);
    assert.deepEqual(trace.slice(0, 5), [
      [
        '- name: backfill',
        'Caused by "backfill". With the same writes made by v1 before the plan began, the finding is gone.',
      ],
      ['- name: expand', '1. expand → done'],
      ['- name: dual write', '2. dual write → rolling out: v1 and v2 live'],
      ['change_email: UPDATE use', "3. v2 change_email(email: 'a', id: 1) → accepted, rows touched"],
      ['change_email: UPDATE use', "4. v1 change_email(email: 'b', id: 1) → accepted, rows touched"],
    ]);
    assert.equal(trace.length, 10);
    const warned = diagnostics.find((each) => codeOf(each) === 'missing-verify');
    assert.equal(warned?.severity, warning);
  });

  test('its code leads to the page of the rule', async () => {
    const document = await openPlan('stock');
    await rehearse(document.uri);
    await diagnosticsUntil(document.uri, (all) => all.length > 0);
    const code = lostWrite(document.uri)?.code;
    assert.ok(typeof code === 'object');
    const page = await vscode.workspace.openTextDocument(code.target);
    assert.equal(page.lineAt(0).text, '# lost-write');
  });

  test('at the first letter typed they are stale hints; what is undone makes them true again', async () => {
    const document = await openPlan('stock');
    await rehearse(document.uri);
    await diagnosticsUntil(document.uri, (all) => all.length > 0);
    const before = lostWrite(document.uri)?.range;
    await replaceText(document, 'title: Rename', 'title: A new line\n# Rename');
    const stale = await diagnosticsUntil(document.uri, (all) => all.some(({ severity }) => severity === hint));
    assert.deepEqual([...new Set(stale.map(({ severity }) => severity))], [hint]);
    assert.ok(stale.every(({ message }) => message.startsWith('(stale) ')));
    // It stays with its line.
    assert.equal(lostWrite(document.uri)?.range.start.line, (before?.start.line ?? 0) + 1);
    assert.match(document.getText(lostWrite(document.uri)?.range), /^get_stock: SELECT id, quantity/);
    await vscode.commands.executeCommand('undo');
    await diagnosticsUntil(document.uri, () => lostWrite(document.uri)?.severity === error);
    assert.deepEqual(lostWrite(document.uri)?.range, before);
  });

  test('what is rehearsed is the text on screen, saved or not', async () => {
    const document = await openPlan('stock');
    await rehearse(document.uri);
    await diagnosticsUntil(document.uri, () => lostWrite(document.uri) !== undefined);
    await replaceText(document, 'SELECT id, quantity FROM', 'SELECT id, qty FROM');
    await rehearse(document.uri);
    await diagnosticsUntil(document.uri, (all) => all.length === 0);
    assert.ok(document.isDirty);
    const disk = new TextDecoder().decode(await vscode.workspace.fs.readFile(document.uri));
    assert.match(disk, /SELECT id, quantity FROM/);
    assert.equal((await cutover()).services.rehearsals.get(document.uri).report?.verdict, 'safe');
  });

  test('one that the plan allows is a hint with the reason', async () => {
    const document = await openPlan('stock');
    await replaceText(document, 'title:', 'allow: [{ rule: lost-write, reason: the table is empty }]\ntitle:');
    await rehearse(document.uri);
    await diagnosticsUntil(document.uri, () => lostWrite(document.uri) !== undefined);
    assert.equal(lostWrite(document.uri)?.severity, hint);
    assert.match(lostWrite(document.uri)?.message ?? '', /allowed: the table is empty/);
  });

  test('a mistake that only Postgres sees is shown as one, and once', async () => {
    const document = await openPlan('stock');
    await replaceText(document, 'INSERT INTO stock VALUES (1, 5)', 'INSERT INTO shelf VALUES (1, 5)');
    await rehearse(document.uri);
    const diagnostics = await diagnosticsUntil(document.uri, (all) => all.length > 0);
    assert.equal(diagnostics.length, 1);
    assert.match(diagnostics[0]?.message ?? '', /relation "shelf" does not exist/);
    assert.equal(diagnostics[0]?.range.start.line, 4);
  });
});
