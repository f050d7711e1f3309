/** Plans as they are typed: each open plan is loaded again shortly after its text, or that of a file it names, changes. */
import * as vscode from 'vscode';
import type { PlanResult } from '../simulator/plan/model.ts';
import { fileUri, isPlan, openDocument, planFile, readText } from './plans.ts';
import type { SimulatorProcess } from './rehearsal/simulator-process.ts';

/** A pause in typing. */
const pauseMs = 50;

export interface LoadedPlan {
  readonly uri: vscode.Uri;
  /** The document's version that was loaded; null if it was read from disk. */
  readonly version: number | null;
  /** The plan, typed and with locations; or what is wrong with it. */
  readonly result: PlanResult;
}

export class LoadedPlans {
  private readonly plans = new Map<string, LoadedPlan>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** Counts the changes of a plan, and of the files that it names. */
  private readonly changes = new Map<string, number>();
  private lastChange = 0;
  private readonly changed = new vscode.EventEmitter<LoadedPlan>();
  private readonly closed = new vscode.EventEmitter<vscode.Uri>();
  private readonly subscriptions: vscode.Disposable[];

  readonly onDidChange = this.changed.event;
  readonly onDidClose = this.closed.event;

  constructor(
    private readonly simulator: SimulatorProcess,
    private readonly log: (line: string) => void,
  ) {
    this.subscriptions = [
      this.changed,
      this.closed,
      vscode.workspace.onDidOpenTextDocument((document) => this.touch(document)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.touch(document);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)),
    ];
    for (const document of vscode.workspace.textDocuments) this.touch(document);
  }

  /** The last that was loaded; its `version` tells whether the text has changed since. */
  get(uri: vscode.Uri): LoadedPlan | null {
    return this.plans.get(uri.toString()) ?? null;
  }

  /** The plan of the text as it is now. */
  async load(uri: vscode.Uri): Promise<LoadedPlan> {
    const key = uri.toString();
    const change = this.changes.get(key) ?? null;
    const known = this.get(uri);
    if (known !== null && change === null) return known;
    const version = openDocument(uri)?.version ?? null;
    const read = (path: string) => readText(fileUri(uri, path));
    const loaded = { uri, version, result: await this.simulator.load(planFile(uri), { read }) };
    // A slower answer to an older text must not cover that of a newer one.
    if (change !== null && this.changes.get(key) === change) {
      this.changes.delete(key);
      this.plans.set(key, loaded);
      this.changed.fire(loaded);
    }
    return loaded;
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private touch(document: vscode.TextDocument): void {
    if (isPlan(document)) this.schedule(document.uri);
    for (const { uri, result } of this.plans.values()) {
      if (uri.toString() !== document.uri.toString() && names(uri, result, document.uri)) this.schedule(uri);
    }
  }

  private schedule(uri: vscode.Uri): void {
    const key = uri.toString();
    this.changes.set(key, ++this.lastChange);
    clearTimeout(this.timers.get(key));
    const timer = setTimeout(() => {
      this.timers.delete(key);
      this.load(uri).catch((error: unknown) => this.log(`${uri.path} could not be loaded: ${String(error)}`));
    }, pauseMs);
    this.timers.set(key, timer);
  }

  private forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.changes.delete(key);
    if (this.plans.delete(key) || isPlan(document)) this.closed.fire(document.uri);
  }
}

/** A file that was missing may be this one. */
function names(plan: vscode.Uri, result: PlanResult, file: vscode.Uri): boolean {
  const sources = result.ok ? result.plan.sources : result.sources;
  const isMissing = !result.ok && result.errors.some(({ code }) => code === 'missing-file');
  return isMissing || [...sources.keys()].some((path) => fileUri(plan, path).toString() === file.toString());
}
