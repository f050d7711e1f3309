/** Keeps the problems of every plan up to date: errors as it is typed, findings when it is rehearsed, stale ones at once. */
import * as vscode from 'vscode';
import type { LoadedPlan } from '../loaded-plans.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import type { Services } from '../services.ts';
import { findingDiagnostics, movedDiagnostic, stale } from './findings.ts';
import { errorDiagnostics } from './plan-errors.ts';
import { DiagnosticShelf } from './shelf.ts';

export function showDiagnostics(services: Services): vscode.Disposable {
  const diagnostics = new Diagnostics(services);
  return vscode.Disposable.from(
    diagnostics,
    services.plans.onDidChange((loaded) => void diagnostics.showErrors(loaded)),
    services.plans.onDidClose((uri) => diagnostics.clearErrors(uri)),
    // The editor asks for fixes again only when the problems of a place are said again.
    services.fixes.onDidChange((uri) => diagnostics.say(uri)),
    services.rehearsals.onDidChange((rehearsal) => void diagnostics.showFindings(rehearsal)),
    vscode.workspace.onDidChangeTextDocument((event) => diagnostics.move(event)),
  );
}

class Diagnostics {
  private readonly errors = new DiagnosticShelf('cutover-plan');
  private readonly findings = new DiagnosticShelf('cutover');

  constructor(private readonly services: Services) {}

  async showErrors({ uri, result }: LoadedPlan): Promise<void> {
    const errors = result.ok ? [] : result.errors.map(({ location, ...error }) => ({ ...error, ...location }));
    this.errors.set(uri, await errorDiagnostics(uri, errors, result.ok ? new Map() : result.sources));
  }

  clearErrors(uri: vscode.Uri): void {
    this.errors.set(uri, []);
  }

  async showFindings(rehearsal: PlanRehearsal): Promise<void> {
    const { uri, state, isCurrent, report } = rehearsal;
    if (report === null) return this.findings.set(uri, []);
    if (!isCurrent) return this.markStale(uri);
    // Nothing has changed but how far another run is.
    if (state === 'running') return;
    const loaded = this.services.plans.get(uri);
    // Errors of loading are shown already while the plan is open.
    const errors = loaded?.result.ok === false ? [] : report.errors;
    const shown = await errorDiagnostics(uri, errors, rehearsal.sources);
    // It may have changed meanwhile.
    if (this.services.rehearsals.get(uri) !== rehearsal) return;
    this.findings.set(uri, [...shown, ...findingDiagnostics(rehearsal, this.services.extensionUri)]);
  }

  say(uri: vscode.Uri): void {
    this.findings.set(uri, this.findings.get(uri));
  }

  /** Findings stay with their lines. Errors are made anew a moment later. */
  move({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    for (const plan of this.findings.plans()) {
      const placed = this.findings.get(plan);
      if (!placed.some(({ uri }) => uri.toString() === document.uri.toString())) continue;
      this.findings.set(
        plan,
        placed.map((each) => movedDiagnostic(each, document.uri, contentChanges)),
      );
    }
  }

  dispose(): void {
    this.errors.dispose();
    this.findings.dispose();
  }

  private markStale(uri: vscode.Uri): void {
    this.findings.set(uri, this.findings.get(uri).map(stale));
  }
}
