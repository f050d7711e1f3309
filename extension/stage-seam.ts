/** Where the stage is asked for, by features that do not know it. */
import type * as vscode from 'vscode';
import type { Told } from './stage/told.ts';

/** Shows a history of a plan on the stage, played again. */
export type ShowHistory = (plan: vscode.Uri, told: Told) => Promise<void>;

export class StageSeam {
  private run: ShowHistory | null = null;

  register(run: ShowHistory): { dispose: () => void } {
    this.run = run;
    return { dispose: () => (this.run = null) };
  }

  async show(plan: vscode.Uri, told: Told): Promise<void> {
    await this.run?.(plan, told);
  }
}
