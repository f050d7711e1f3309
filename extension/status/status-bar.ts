/** One item of the status bar: the verdict on the plan in the active editor. */
import * as vscode from 'vscode';
import { activePlan } from '../plans.ts';
import type { Services } from '../services.ts';
import { statusOf } from './status-text.ts';

export interface StatusBar extends vscode.Disposable {
  /** What it says; null while it is hidden. */
  text(): string | null;
}

export function showStatus(services: Services): StatusBar {
  const item = vscode.window.createStatusBarItem('cutover.verdict', vscode.StatusBarAlignment.Left, 50);
  item.name = 'Cutover';
  let shown: string | null = null;
  const update = () => {
    const plan = activePlan()?.uri;
    if (plan === undefined) {
      shown = null;
      return item.hide();
    }
    const loaded = services.plans.get(plan);
    const status = statusOf({
      rehearsal: services.rehearsals.get(plan),
      mistakes: loaded?.result.ok === false ? loaded.result.errors.length : 0,
      isTrusted: vscode.workspace.isTrusted,
    });
    shown = status.text;
    item.text = status.text;
    item.tooltip = status.tooltip;
    item.command = { command: status.command, title: status.tooltip };
    // A spinner says nothing to a screen reader.
    item.accessibilityInformation = { label: status.text.replace(/^\$\([^)]*\) /, '') };
    item.show();
  };
  /** For menus: *Cancel* is there while there is something to cancel. */
  let isRunning = false;
  const tell = () => {
    const now = services.rehearsals.all().some(({ state }) => state === 'running');
    if (now !== isRunning) void vscode.commands.executeCommand('setContext', 'cutover.running', now);
    isRunning = now;
  };
  update();
  const subscriptions = vscode.Disposable.from(
    item,
    services.rehearsals.onDidChange(() => {
      update();
      tell();
    }),
    services.plans.onDidChange(update),
    vscode.window.onDidChangeActiveTextEditor(update),
    vscode.workspace.onDidGrantWorkspaceTrust(update),
  );
  return { text: () => shown, dispose: () => subscriptions.dispose() };
}
