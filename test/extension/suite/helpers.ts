/** What the suites share: the extension, plans on screen, and waiting for what is announced. Nothing sleeps. */
import * as vscode from 'vscode';
import type { Cutover } from '../../../extension/extension.ts';
import type { PlanRehearsal } from '../../../extension/rehearsal/rehearsals.ts';

/** What was measured, for the end of the run. */
export const notes: string[] = [];

export async function cutover(): Promise<Cutover> {
  const extension = vscode.extensions.getExtension<Cutover>('cutover.cutover');
  if (extension === undefined) throw new Error('the extension is not installed');
  return extension.activate();
}

export function planUri(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error('no folder is open');
  return vscode.Uri.joinPath(folder.uri, `${name}.cutover.yaml`);
}

/** On screen, as if somebody had selected it: a document that an extension opens is held long after it is closed. */
export async function openPlan(name: string): Promise<vscode.TextDocument> {
  const uri = planUri(name);
  await vscode.commands.executeCommand('vscode.open', uri);
  const document = vscode.window.activeTextEditor?.document;
  if (document?.uri.toString() !== uri.toString()) throw new Error(`${name} did not open`);
  return document;
}

/** Leaves nothing on screen, and nothing unsaved. */
export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments.filter((each) => each.isDirty)) {
    await vscode.commands.executeCommand('vscode.open', document.uri);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

/** As if typed: the first occurrence of a text becomes another. */
export async function replaceText(document: vscode.TextDocument, old: string, text: string): Promise<void> {
  const at = document.getText().indexOf(old);
  if (at === -1) throw new Error(`${old} is not in the plan`);
  const edit = new vscode.WorkspaceEdit();
  const range = new vscode.Range(document.positionAt(at), document.positionAt(at + old.length));
  edit.replace(document.uri, range, text);
  await vscode.workspace.applyEdit(edit);
}

/** Resolves when what an event announces makes the value one that is wanted; at once if it is so already. */
export function until<T>(event: vscode.Event<unknown>, value: () => T, isWanted: (value: T) => boolean): Promise<T> {
  const now = value();
  if (isWanted(now)) return Promise.resolve(now);
  return new Promise((resolve) => {
    const subscription = event(() => {
      const next = value();
      if (!isWanted(next)) return;
      subscription.dispose();
      resolve(next);
    });
  });
}

export function ours(uri: vscode.Uri): readonly vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter((each) => each.source === 'cutover');
}

export function diagnosticsUntil(
  uri: vscode.Uri,
  isWanted: (diagnostics: readonly vscode.Diagnostic[]) => boolean,
): Promise<readonly vscode.Diagnostic[]> {
  return until(vscode.languages.onDidChangeDiagnostics, () => ours(uri), isWanted);
}

export async function rehearsalUntil(
  uri: vscode.Uri,
  isWanted: (rehearsal: PlanRehearsal) => boolean,
): Promise<PlanRehearsal> {
  const { rehearsals } = (await cutover()).services;
  return until(rehearsals.onDidChange, () => rehearsals.get(uri), isWanted);
}

export function codeOf(diagnostic: vscode.Diagnostic | undefined): string {
  const code = diagnostic?.code;
  return String(typeof code === 'object' ? code.value : code);
}

/** Sets a setting of the workspace for the time of a test. */
export async function withSetting<T>(name: string, value: unknown, work: () => Promise<T>): Promise<T> {
  const configuration = () => vscode.workspace.getConfiguration('cutover');
  await configuration().update(name, value, vscode.ConfigurationTarget.Workspace);
  try {
    return await work();
  } finally {
    await configuration().update(name, undefined, vscode.ConfigurationTarget.Workspace);
  }
}

/** Its processes would outlive the host for a moment. */
export async function releaseExtension(): Promise<void> {
  await closeAll();
  const { rehearser, loader, checker } = (await cutover()).services;
  for (const process of [rehearser, loader, checker]) process.stop('the tests are over');
}
