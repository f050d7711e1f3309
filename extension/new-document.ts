/** New documents: text that is nowhere on a disk yet, under a name by which it is known as a plan. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { openDocument } from './plans.ts';

/** In the workspace's folder, where it is saved without a question; at home where there is none. */
function folder(): vscode.Uri {
  return vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
}

/** `name.cutover.yaml`, else `name-2.cutover.yaml` and so on; `beside`: the folder that it would be saved to. */
export async function openNew(name: string, text: string, beside = folder()): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(await freeUri(beside, name));
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, new vscode.Position(0, 0), text);
  await vscode.workspace.applyEdit(edit);
  const start = new vscode.Range(0, 0, 0, 0);
  await vscode.window.showTextDocument(document, { preview: false, selection: start });
  return document;
}

async function freeUri(folder: vscode.Uri, name: string): Promise<vscode.Uri> {
  for (let number = 1; ; number++) {
    const file = vscode.Uri.joinPath(folder, `${name}${number === 1 ? '' : `-${number}`}.cutover.yaml`);
    const uri = vscode.Uri.from({ scheme: 'untitled', path: file.path });
    if (openDocument(uri) === null && !(await exists(file))) return uri;
  }
}

async function exists(file: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
}
