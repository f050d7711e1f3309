/** What leaves the stage: pictures and text, into files that somebody picks, and onto the clipboard. */
import * as vscode from 'vscode';
import type { HostCalls } from '../../webview/protocol.ts';

type Kind = Parameters<HostCalls['save']>[0];

const toldMs = 3000;

const kinds: Readonly<Record<Kind, { readonly extension: string; readonly label: () => string }>> = {
  svg: { extension: 'svg', label: () => vscode.l10n.t('Vector Picture') },
  png: { extension: 'png', label: () => vscode.l10n.t('Picture') },
  markdown: { extension: 'md', label: () => vscode.l10n.t('Markdown') },
};

/** Asks where to, beside the plan to begin with. */
export async function save(plan: vscode.Uri, kind: Kind, name: string, content: string): Promise<void> {
  const { extension, label } = kinds[kind];
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(folderOf(plan), `${fileName(name)}.${extension}`),
    filters: { [label()]: [extension] },
  });
  if (target === undefined) return;
  await write(target, kind === 'png' ? bytesOf(content) : new TextEncoder().encode(content));
}

export async function write(target: vscode.Uri, bytes: Uint8Array): Promise<boolean> {
  try {
    await vscode.workspace.fs.writeFile(target, bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(vscode.l10n.t('{0} could not be written: {1}', target.path, why));
    return false;
  }
  tell(vscode.l10n.t('Saved {0}', vscode.workspace.asRelativePath(target)));
  return true;
}

export async function copyText(text: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  tell(vscode.l10n.t('Copied'));
}

function tell(message: string): void {
  vscode.window.setStatusBarMessage(`$(check) ${message}`, toldMs);
}

/** A plan that is not saved yet will be, in the same folder. */
export function folderOf(plan: vscode.Uri): vscode.Uri {
  const folder = vscode.Uri.joinPath(plan, '..');
  if (plan.scheme !== 'untitled') return folder;
  return (vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file('/')).with({ path: folder.path });
}

/** What the page calls it, as a file can be called. */
export function fileName(name: string): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}._ -]+/gu, '-').replaceAll(/^[.\s-]+|[.\s-]+$/g, '');
  return plain === '' ? 'stage' : plain.slice(0, 100);
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64.replace(/^data:[^,]*,/, ''), 'base64'));
}
