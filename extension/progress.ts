/** A notification with a way to cancel, for what somebody asked for and takes more than a second. */
import * as vscode from 'vscode';
import type { PlanRehearsal } from './rehearsal/rehearsals.ts';
import type { Services } from './services.ts';

const soonMs = 1000;

export async function withProgress(
  { rehearsals }: Services,
  plan: vscode.Uri,
  work: (token: vscode.CancellationToken) => Promise<PlanRehearsal>,
): Promise<PlanRehearsal> {
  const cancellation = new vscode.CancellationTokenSource();
  const done = work(cancellation.token);
  const timer = setTimeout(() => show(rehearsals, plan, cancellation, done), soonMs);
  try {
    return await done;
  } finally {
    clearTimeout(timer);
    cancellation.dispose();
  }
}

function show(
  rehearsals: Services['rehearsals'],
  plan: vscode.Uri,
  cancellation: vscode.CancellationTokenSource,
  done: Promise<PlanRehearsal>,
): void {
  const title = vscode.l10n.t('Rehearsing {0}', vscode.workspace.asRelativePath(plan));
  const location = vscode.ProgressLocation.Notification;
  void vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const subscriptions = vscode.Disposable.from(
      token.onCancellationRequested(() => cancellation.cancel()),
      rehearsals.onDidChange(({ uri, progress: now }) => {
        if (uri.toString() !== plan.toString() || now === null) return;
        const step = now.step === null ? now.phase : `${now.phase}: ${now.step}`;
        progress.report({ message: vscode.l10n.t('{0}, {1} states', step, now.states) });
      }),
    );
    await done.finally(() => subscriptions.dispose());
  });
}
