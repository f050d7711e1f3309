/** Help with writing plans, as the editor asks for it. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { closeAll, cutover, openPlan, replaceText } from './helpers.ts';

/** The place behind a text. */
function behind(document: vscode.TextDocument, text: string): vscode.Position {
  const at = document.getText().indexOf(text);
  if (at === -1) throw new Error(`${text} is not in the plan`);
  return document.positionAt(at + text.length);
}

async function completions(
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<readonly vscode.CompletionItem[]> {
  const list = await vscode.commands.executeCommand<vscode.CompletionList>(
    'vscode.executeCompletionItemProvider',
    document.uri,
    position,
  );
  // What the editor itself proposes from the words of the document is not ours.
  return list.items.filter(({ kind }) => kind !== vscode.CompletionItemKind.Text);
}

function nameOf({ label }: vscode.CompletionItem): string {
  return typeof label === 'string' ? label : label.label;
}

suite('writing a plan', () => {
  teardown(closeAll);

  test('versions, parameters and columns are offered where they can stand', async () => {
    const document = await openPlan('stock');
    await replaceText(document, 'deploy: v2', 'deploy: ');
    const versions = await completions(document, behind(document, 'deploy: '));
    assert.deepEqual(versions.map(nameOf).toSorted(), ['v1', 'v2']);
    const parameters = await completions(document, behind(document, 'WHERE id = :'));
    assert.ok(parameters.map(nameOf).includes('id'));
    const columns = await completions(document, behind(document, 'SELECT id, '));
    assert.ok(columns.map(nameOf).includes('qty'));
  });

  test('a kind of step that is chosen brings its lines, at the right columns', async () => {
    const document = await openPlan('stock');
    const end = document.lineAt(document.lineCount - 1).range.end;
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, end, '\n  - ');
    await vscode.workspace.applyEdit(edit);
    const editor = vscode.window.activeTextEditor;
    const last = document.lineAt(document.lineCount - 1).range.end;
    assert.ok(editor);
    editor.selection = new vscode.Selection(last, last);
    const step = (await completions(document, last)).find((item) => nameOf(item) === 'verify');
    assert.ok(step?.insertText instanceof vscode.SnippetString);
    await editor.insertSnippet(step.insertText, step.range as vscode.Range, {
      undoStopAfter: true,
      undoStopBefore: true,
      keepWhitespace: true,
    });
    assert.match(
      document.getText(),
      /\n {2}- name: name\n {4}verify:\n {6}- name: every row is copied\n {8}empty: SELECT$/,
    );
  });

  test('a version says what it answers and where it is live; a parameter what was searched', async () => {
    const { services } = await cutover();
    const document = await openPlan('stock');
    await services.rehearsals.rehearse(document.uri);
    const hoverAt = async (position: vscode.Position) => {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        position,
      );
      return hovers.flatMap(({ contents }) => contents.map((each) => (each as vscode.MarkdownString).value)).join('\n');
    };
    assert.match(await hoverAt(behind(document, 'deploy: v')), /\*\*v2\*\*[\s\S]*Live from step \d/);
    assert.match(await hoverAt(behind(document, 'WHERE id = :')), /The last search tried, in `\w+\.id`: `1`/);
    assert.match(await hoverAt(behind(document, '\nsteps')), /The deploys, in order/);
  });

  test('a deploy leads to its version, and a version is renamed everywhere', async () => {
    const document = await openPlan('stock');
    const place = behind(document, 'deploy: v');
    const [target] = await vscode.commands.executeCommand<vscode.LocationLink[]>(
      'vscode.executeDefinitionProvider',
      document.uri,
      place,
    );
    assert.equal(document.lineAt(target?.targetRange.start.line ?? 0).text, '  v2:');
    const references = await vscode.commands.executeCommand<vscode.Location[]>(
      'vscode.executeReferenceProvider',
      document.uri,
      place,
    );
    const places = references.map(({ range }) => document.getText(range));
    assert.ok(places.length > 1 && places.every((each) => each === 'v2'));
    const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit>(
      'vscode.executeDocumentRenameProvider',
      document.uri,
      place,
      'new',
    );
    await vscode.workspace.applyEdit(edit);
    assert.ok(!/\bv2\b/.test(document.getText()));
    const { result } = await (await cutover()).services.plans.load(document.uri);
    assert.ok(result.ok);
  });

  test('the outline has sections, versions and steps', async () => {
    const document = await openPlan('stock');
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      document.uri,
    );
    const names = symbols.map(({ name }) => name);
    assert.ok(names.includes('versions') && names.includes('steps'));
    const versions = symbols.find(({ name }) => name === 'versions')?.children ?? [];
    assert.deepEqual(
      versions.map(({ name }) => name),
      ['v1', 'v2'],
    );
  });
});
