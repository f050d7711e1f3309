/** A finding's trace, line by line in the plan: peeked at, where the finding shows. */
import * as vscode from 'vscode';
import type { Services } from '../services.ts';

export async function showTrace({ rehearsals }: Services, plan: vscode.Uri, findingId: string): Promise<void> {
  // A link in a hover gives the URI as data.
  const uri = vscode.Uri.from(plan);
  const { report } = rehearsals.get(uri);
  const finding = report?.findings.find(({ id }) => id === findingId);
  if (finding === undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t('This finding is gone: the plan was rehearsed again.'));
    return;
  }
  const lines = [...finding.trace.map(({ line }) => line), finding.line].flatMap((line) => line ?? []);
  const places = [...new Set(lines)].map((line) => new vscode.Location(uri, new vscode.Position(line - 1, 0)));
  await vscode.window.showTextDocument(uri, { preserveFocus: false });
  const at = new vscode.Position(finding.line - 1, finding.column - 1);
  await vscode.commands.executeCommand('editor.action.peekLocations', uri, at, places, 'peek');
}
