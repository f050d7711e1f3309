/** Which documents are plans, and where the files are that they name. */
import * as vscode from 'vscode';
import type { PlanFile } from './rehearsal/protocol.ts';

export const planGlob = '**/*.cutover.{yaml,yml}';

/** For providers of completion, hover, code lenses and the like. */
export const planSelector: vscode.DocumentSelector = { pattern: planGlob };

const planName = /\.cutover\.ya?ml$/;

/** Not the old text in a diff, or another version that some provider shows. */
const readOnlySchemes: readonly string[] = ['git', 'gitlens', 'vscode-local-history', 'output'];

export function isPlanUri(uri: vscode.Uri): boolean {
  return planName.test(uri.path) && !readOnlySchemes.includes(uri.scheme);
}

export function isPlan(document: vscode.TextDocument): boolean {
  return isPlanUri(document.uri);
}

/** The plan of the active editor; while the focus is in a page beside it, the one plan that is visible. */
export function activePlan(): vscode.TextDocument | null {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  if (activeTextEditor !== undefined) return isPlan(activeTextEditor.document) ? activeTextEditor.document : null;
  const plans = new Set(visibleTextEditors.map(({ document }) => document).filter(isPlan));
  const [only] = plans;
  return plans.size === 1 && only !== undefined ? only : null;
}

/** The simulator knows paths, the editor knows URIs: of the plan's own file system, whatever that is. */
export function planFile(plan: vscode.Uri): PlanFile {
  const folder = vscode.workspace.getWorkspaceFolder(plan)?.uri.path ?? '';
  return { path: plan.path, root: folder.endsWith('/') ? folder : `${folder}/` };
}

/** The URI of a path that the simulator asks for or reports. */
export function fileUri(plan: vscode.Uri, path: string): vscode.Uri {
  const forward = path.replaceAll('\\', '/');
  const absolute = forward.startsWith('/') ? forward : `/${forward}`;
  if (plan.scheme !== 'untitled' || absolute === plan.path) return plan.with({ path: absolute });
  // A plan that is not saved yet names files of the folder that it will be saved to.
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file('/');
  return folder.with({ path: absolute });
}

/** The text on screen, saved or not; else the one on disk. */
export async function readText(uri: vscode.Uri): Promise<string> {
  const open = openDocument(uri);
  if (open !== null) return open.getText();
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

export function openDocument(uri: vscode.Uri): vscode.TextDocument | null {
  const key = uri.toString();
  return vscode.workspace.textDocuments.find((each) => !each.isClosed && each.uri.toString() === key) ?? null;
}

/** Whether texts that were read, by path, are what is on screen. Files that are not open are taken to be as they were. */
export function areOnScreen(plan: vscode.Uri, sources: ReadonlyMap<string, string>): boolean {
  return [...sources].every(([path, text]) => {
    const open = openDocument(fileUri(plan, path));
    return open === null || open.getText() === text;
  });
}

/** What a command was given: a link hands over a URI's parts. */
export function givenUri(argument: unknown): vscode.Uri | null {
  if (argument instanceof vscode.Uri) return argument;
  const isParts = argument !== null && typeof argument === 'object' && 'scheme' in argument && 'path' in argument;
  return isParts ? vscode.Uri.from(argument as vscode.Uri) : null;
}
