/** When a plan is rehearsed without being asked: when it is opened or saved, or at a pause in typing; as the setting says. */
import * as vscode from 'vscode';
import { activePlan, isPlan } from './plans.ts';
import type { Services } from './services.ts';
import { rehearseMode } from './settings.ts';

/** Going through files in passing rehearses none of them. */
const lookMs = 400;
const pauseMs = 700;

export function rehearseWhenDue(services: Services): vscode.Disposable {
  const triggers = new Triggers(services);
  return vscode.Disposable.from(
    triggers,
    vscode.window.onDidChangeActiveTextEditor(() => triggers.looked()),
    vscode.workspace.onDidSaveTextDocument((document) => triggers.saved(document)),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) triggers.typed(document);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => triggers.looked()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('cutover.rehearse')) triggers.looked();
      if (change.affectsConfiguration('cutover.stragglers')) triggers.askedOtherwise();
    }),
  );
}

class Triggers {
  private look: NodeJS.Timeout | undefined;
  private readonly pauses = new Map<string, NodeJS.Timeout>();

  constructor(private readonly services: Services) {
    this.looked();
  }

  /** A plan is on screen, and nobody has rehearsed it as it is on disk. */
  looked(): void {
    clearTimeout(this.look);
    this.look = setTimeout(() => {
      const plan = activePlan();
      if (plan === null || rehearseMode(plan.uri) === 'manual') return;
      const { state } = this.services.rehearsals.get(plan.uri);
      if (state === 'none' || (state === 'stale' && !plan.isDirty)) this.rehearse(plan.uri);
    }, lookMs);
  }

  /** The plan on screen is the same; what is asked of it is not. */
  askedOtherwise(): void {
    const plan = activePlan();
    if (plan !== null && rehearseMode(plan.uri) !== 'manual') this.rehearse(plan.uri);
  }

  saved(document: vscode.TextDocument): void {
    for (const plan of this.plansOf(document)) {
      const { state, isCurrent } = this.services.rehearsals.get(plan);
      // Saving what was rehearsed while it was typed tells nothing new.
      if (rehearseMode(plan) !== 'manual' && !(state === 'fresh' && isCurrent)) this.rehearse(plan);
    }
  }

  typed(document: vscode.TextDocument): void {
    for (const plan of this.plansOf(document)) {
      if (rehearseMode(plan) !== 'onType') continue;
      const key = plan.toString();
      clearTimeout(this.pauses.get(key));
      this.pauses.set(
        key,
        setTimeout(() => {
          this.pauses.delete(key);
          this.rehearse(plan);
        }, pauseMs),
      );
    }
  }

  dispose(): void {
    clearTimeout(this.look);
    for (const timer of this.pauses.values()) clearTimeout(timer);
  }

  /** A plan itself; or the plans that were rehearsed with this file. */
  private plansOf(document: vscode.TextDocument): readonly vscode.Uri[] {
    return isPlan(document) ? [document.uri] : this.services.rehearsals.usersOf(document.uri);
  }

  private rehearse(plan: vscode.Uri): void {
    if (vscode.workspace.isTrusted) void this.services.rehearsals.rehearse(plan);
  }
}
