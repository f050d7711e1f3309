/** Links to the stage: made of the history that is shown, and followed when somebody opens one. */
import * as vscode from 'vscode';
import type { Playhead } from '../../webview/protocol.ts';
import { copyText } from './files.ts';
import { decodeLink, encodeLink } from './link.ts';
import type { Stage } from './stage.ts';
import type { Told } from './told.ts';

const authority = 'cutover.cutover';
const path = '/stage';

export async function copyLink(stage: Stage, at: Playhead): Promise<void> {
  const told = stage.told(at);
  if (stage.plan === null || told === null) return;
  const link = linkTo(stage.plan, told);
  if (link === null) {
    const why = vscode.l10n.t('Only a plan that is saved in the workspace can be linked to.');
    void vscode.window.showInformationMessage(why);
    return;
  }
  await copyText(link.toString());
}

/** Null where the plan is in no folder of the workspace. */
export function linkTo(plan: vscode.Uri, told: Told): vscode.Uri | null {
  if (plan.scheme === 'untitled' || vscode.workspace.getWorkspaceFolder(plan) === undefined) return null;
  const query = encodeLink({ plan: vscode.workspace.asRelativePath(plan, false), told });
  return vscode.Uri.from({ scheme: vscode.env.uriScheme, authority, path, query });
}

/** A link is from somebody else. Its SQL is run only when whoever opens it has read it, and agrees. */
export async function openLink(link: vscode.Uri, show: (plan: vscode.Uri, told: Told) => void): Promise<void> {
  const read = link.path === path ? decodeLink(link.query) : null;
  if (read === null) {
    void vscode.window.showErrorMessage(vscode.l10n.t('This link leads to no place on the stage.'));
    return;
  }
  const plan = await findPlan(read.plan);
  if (plan === null || !(await isAgreed(read.told))) return;
  await vscode.window.showTextDocument(plan, { preview: false });
  show(plan, read.told);
}

async function findPlan(name: string): Promise<vscode.Uri | null> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const candidates = folders.map((folder) => ({ folder, uri: vscode.Uri.joinPath(folder.uri, name) }));
  const there = await Promise.all(candidates.map(({ uri }) => exists(uri)));
  const found = candidates.filter((_, i) => there[i] === true);
  if (found.length === 0) {
    const why = vscode.l10n.t(
      'The link is to {0}, which is not in this workspace. Open the folder that has it first.',
      name,
    );
    void vscode.window.showInformationMessage(why);
    return null;
  }
  if (found.length === 1) return found[0]?.uri ?? null;
  const items = found.map(({ folder, uri }) => ({ label: folder.name, description: name, uri }));
  const title = vscode.l10n.t('Which folder is the link about?');
  return (await vscode.window.showQuickPick(items, { title }))?.uri ?? null;
}

function exists(uri: vscode.Uri): Thenable<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}

async function isAgreed({ forks }: Told): Promise<boolean> {
  const sql = forks.flatMap(({ command }) => (command.kind === 'sql' ? [command.sql.trim()] : []));
  if (sql.length === 0) return true;
  if (!vscode.workspace.isTrusted) {
    const why = vscode.l10n.t('The link has SQL in it, which runs only in a trusted workspace.');
    void vscode.window.showInformationMessage(why);
    return false;
  }
  const run = vscode.l10n.t('Run It');
  const question = vscode.l10n.t('The link has SQL in it. Run it in the embedded Postgres?');
  const detail = `${sql.join('\n\n')}\n\n${vscode.l10n.t('No database of yours is touched.')}`;
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, run)) === run;
}
