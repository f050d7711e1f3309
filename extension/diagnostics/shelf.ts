/** Diagnostics by the plan that they come from: two plans may speak of the same SQL file. */
import * as vscode from 'vscode';

export interface Placed {
  readonly uri: vscode.Uri;
  readonly diagnostic: vscode.Diagnostic;
}

export class DiagnosticShelf {
  private readonly collection: vscode.DiagnosticCollection;
  private readonly byPlan = new Map<string, readonly Placed[]>();

  constructor(name: string) {
    this.collection = vscode.languages.createDiagnosticCollection(name);
  }

  get(plan: vscode.Uri): readonly Placed[] {
    return this.byPlan.get(plan.toString()) ?? [];
  }

  plans(): readonly vscode.Uri[] {
    return [...this.byPlan.keys()].map((key) => vscode.Uri.parse(key, true));
  }

  set(plan: vscode.Uri, placed: readonly Placed[]): void {
    const files = new Map([...this.get(plan), ...placed].map(({ uri }) => [uri.toString(), uri]));
    if (placed.length === 0) this.byPlan.delete(plan.toString());
    else this.byPlan.set(plan.toString(), placed);
    const all = [...this.byPlan.values()].flat();
    for (const [key, uri] of files) {
      const here = all.filter((each) => each.uri.toString() === key).map(({ diagnostic }) => diagnostic);
      this.collection.set(uri, here);
    }
  }

  dispose(): void {
    this.collection.dispose();
  }
}
