/** The texts that something was made of: read once, and then always the same, however the plan is edited meanwhile. */
import type * as vscode from 'vscode';
import { areOnScreen, fileUri, readText } from '../plans.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';

export class Texts {
  private readonly known: Map<string, string>;

  /** `known`: what was read already, by path. The rest is read as it is on screen. */
  constructor(
    readonly plan: vscode.Uri,
    known: ReadonlyMap<string, string> = new Map(),
  ) {
    this.known = new Map(known);
  }

  get sources(): ReadonlyMap<string, string> {
    return this.known;
  }

  readonly read = async (path: string): Promise<string> => {
    const text = this.known.get(path) ?? (await readText(fileUri(this.plan, path)));
    this.known.set(path, text);
    return text;
  };

  equalsTexts({ known }: Texts): boolean {
    return this.equals(known);
  }

  equals(sources: ReadonlyMap<string, string>): boolean {
    return sources.size === this.known.size && [...sources].every(([path, text]) => this.known.get(path) === text);
  }

  /** Whether they are what is on screen. A rehearsal of the same texts also knows of files that are not open. */
  isCurrent(rehearsal: PlanRehearsal): boolean {
    if (!areOnScreen(this.plan, this.known)) return false;
    return rehearsal.report === null || !this.equals(rehearsal.sources) || rehearsal.isCurrent;
  }
}
