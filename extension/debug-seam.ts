/** Where the debugger is asked for, by features that do not know it. */
import * as vscode from 'vscode';

/** Steps through a finding's trace; without one, through the plan. */
export type DebugFinding = (plan: vscode.Uri, findingId: string | null) => Promise<void>;

export class DebugSeam {
  private run: DebugFinding | null = null;

  get isThere(): boolean {
    return this.run !== null;
  }

  register(run: DebugFinding): vscode.Disposable {
    this.run = run;
    return new vscode.Disposable(() => (this.run = null));
  }

  async debugFinding(plan: vscode.Uri, findingId: string | null): Promise<void> {
    if (this.run !== null) return this.run(plan, findingId);
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no debugger for plans in this version.'));
  }
}
