/** `Cutover: New Plan…`: a plan that is safe and says what each part of it is for. */
import * as vscode from 'vscode';
import { openNew } from '../new-document.ts';
import { readText } from '../plans.ts';
import type { Services } from '../services.ts';

export function offerNewPlan({ extensionUri }: Services): vscode.Disposable {
  const starter = vscode.Uri.joinPath(extensionUri, 'extension', 'new-plan', 'starter.cutover.yaml');
  return vscode.commands.registerCommand('cutover.newPlan', async () => {
    await openNew('migration', await readText(starter));
  });
}
