/**
 * The rehearsals of all plans, and whether each still speaks of the text on screen. Everything that shows a
 * result asks here and follows `onDidChange`.
 */
import * as vscode from 'vscode';
import type { Replay } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import { areOnScreen, fileUri, isPlanUri, openDocument, planFile, readText } from '../plans.ts';
import { limitsOf } from '../settings.ts';
import type { Fault, Progress, RehearseReply } from './protocol.ts';
import type { SimulatorProcess } from './simulator-process.ts';

/**
 * `none`: never rehearsed. `running`: waiting or at work. `fresh`: the report is of the text on screen.
 * `stale`: the text has changed since. `cancelled`, `failed`: the last attempt gave no full report.
 */
export type RehearsalState = 'none' | 'running' | 'fresh' | 'stale' | 'cancelled' | 'failed';

/** A snapshot; it never changes. */
export interface PlanRehearsal {
  readonly uri: vscode.Uri;
  readonly state: RehearsalState;
  /** The last report there is, also while another rehearsal runs. */
  readonly report: PlanReport | null;
  /** Whether that report is of the text on screen. What is not must not be shown as true. */
  readonly isCurrent: boolean;
  /** The texts that the report is of, by path: its plan and the files that it names. */
  readonly sources: ReadonlyMap<string, string>;
  /** Version of the plan's document that was rehearsed; null if it was read from disk. */
  readonly version: number | null;
  /** The report as the command line would print it. */
  readonly text: string;
  /** For each finding, by its id: a line for each event of its trace. */
  readonly traces: ReadonlyMap<string, readonly string[]>;
  /** Null unless it is at work. */
  readonly progress: Progress | null;
  /** Why it failed. */
  readonly message: string | null;
}

interface Entry {
  snapshot: PlanRehearsal;
  run: AbortController | null;
}

const watched = '**/*.{cutover.yaml,cutover.yml,sql}';

export class Rehearsals {
  private readonly entries = new Map<string, Entry>();
  private readonly changed = new vscode.EventEmitter<PlanRehearsal>();
  private readonly subscriptions: vscode.Disposable[] = [this.changed];
  /** One engine in memory at a time. */
  private queue: Promise<unknown> = Promise.resolve();
  private watching = false;

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly simulator: SimulatorProcess,
    private readonly isTrusted: () => boolean,
  ) {
    this.subscriptions.push(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.compare(document.uri, document.getText());
      }),
      // What was typed and thrown away is no longer the plan.
      vscode.workspace.onDidCloseTextDocument(({ uri }) => void this.compareWithDisk(uri)),
    );
  }

  get(uri: vscode.Uri): PlanRehearsal {
    return this.entries.get(uri.toString())?.snapshot ?? none(uri);
  }

  all(): readonly PlanRehearsal[] {
    return [...this.entries.values()].map(({ snapshot }) => snapshot);
  }

  /** Plans whose last report was made from this file. */
  usersOf(file: vscode.Uri): readonly vscode.Uri[] {
    return this.all()
      .filter((each) => sourceOf(each, file) !== null)
      .map(({ uri }) => uri);
  }

  /** Rehearses the text on screen; a rehearsal of the same plan that is under way is cancelled. Never rejects. */
  async rehearse(uri: vscode.Uri, token?: vscode.CancellationToken): Promise<PlanRehearsal> {
    if (!this.isTrusted())
      return { ...this.get(uri), message: vscode.l10n.t('Plans run only in a trusted workspace.') };
    this.watch();
    const entry = this.entry(uri);
    entry.run?.abort();
    const run = new AbortController();
    entry.run = run;
    const subscription = token?.onCancellationRequested(() => run.abort());
    if (token?.isCancellationRequested === true) run.abort();
    this.publish(entry, { state: 'running', progress: null, message: null });
    const turn = this.queue.then(() => this.perform(entry, run));
    this.queue = turn;
    try {
      return await turn;
    } finally {
      subscription?.dispose();
    }
  }

  cancel(uri: vscode.Uri): void {
    this.entries.get(uri.toString())?.run?.abort();
  }

  cancelAll(): void {
    for (const { run } of this.entries.values()) run?.abort();
  }

  /** One finding's trace, played again with the content of every table after each event. */
  async replay(uri: vscode.Uri, findingId: string, token?: vscode.CancellationToken): Promise<Replay | Fault> {
    if (!this.isTrusted()) return { ok: false, message: vscode.l10n.t('Plans run only in a trusted workspace.') };
    const controller = new AbortController();
    const subscription = token?.onCancellationRequested(() => controller.abort());
    const read = (path: string) => readText(fileUri(uri, path));
    const turn = this.queue.then(() =>
      this.simulator
        .replay(planFile(uri), findingId, limitsOf(uri), { read, signal: controller.signal })
        .catch((error: unknown): Fault => ({ ok: false, message: messageOf(error) })),
    );
    this.queue = turn;
    return turn.finally(() => subscription?.dispose());
  }

  /** The plan is gone. */
  forget(uri: vscode.Uri): void {
    const entry = this.entries.get(uri.toString());
    if (entry === undefined) return;
    entry.run?.abort();
    entry.run = null;
    this.entries.delete(uri.toString());
    this.changed.fire(none(uri));
  }

  dispose(): void {
    this.cancelAll();
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private entry(uri: vscode.Uri): Entry {
    const key = uri.toString();
    const entry = this.entries.get(key) ?? { snapshot: none(uri), run: null };
    this.entries.set(key, entry);
    return entry;
  }

  private publish(entry: Entry, change: Partial<PlanRehearsal>): void {
    entry.snapshot = { ...entry.snapshot, ...change };
    this.changed.fire(entry.snapshot);
  }

  private async perform(entry: Entry, run: AbortController): Promise<PlanRehearsal> {
    const { uri } = entry.snapshot;
    let version: number | null = null;
    const job = {
      signal: run.signal,
      onProgress: (progress: Progress) => {
        if (entry.run === run) this.publish(entry, { progress });
      },
      read: (path: string) => {
        const file = fileUri(uri, path);
        if (file.toString() === uri.toString()) version = openDocument(uri)?.version ?? null;
        return readText(file);
      },
    };
    const reply = run.signal.aborted
      ? null
      : await this.simulator
          .rehearse(planFile(uri), limitsOf(uri), job)
          .catch((error: unknown): Fault => ({ ok: false, message: messageOf(error) }));
    // A newer rehearsal of this plan has taken over, or the plan is gone.
    if (entry.run !== run) return { ...entry.snapshot, state: 'cancelled', progress: null };
    entry.run = null;
    this.publish(entry, { progress: null, ...this.outcome(entry.snapshot, reply, version, run.signal.aborted) });
    return entry.snapshot;
  }

  private outcome(
    before: PlanRehearsal,
    reply: RehearseReply | null,
    version: number | null,
    cancelled: boolean,
  ): Partial<PlanRehearsal> {
    // What was found before somebody cancelled is kept, unless a full report is there already.
    const found = reply?.ok === true && reply.report.findings.length > 0;
    if (cancelled && (before.report !== null || !found)) return { state: 'cancelled' };
    if (reply === null) return { state: 'cancelled' };
    if (!reply.ok) return { state: 'failed', message: reply.message };
    const { report, sources, text, traces } = reply;
    const isCurrent = areOnScreen(before.uri, sources);
    const state = cancelled ? 'cancelled' : isCurrent ? 'fresh' : 'stale';
    return { state, report, sources, text, traces, version, isCurrent };
  }

  /** A report is of texts, not of versions: what is undone is fresh again. */
  private compare(file: vscode.Uri, text: string | null): void {
    for (const entry of this.entries.values()) {
      const { snapshot } = entry;
      const source = sourceOf(snapshot, file);
      if (source === null) continue;
      const isCurrent = text !== null && text === source && areOnScreen(snapshot.uri, snapshot.sources);
      if (isCurrent === snapshot.isCurrent) continue;
      const settled = snapshot.state === 'fresh' || snapshot.state === 'stale';
      this.publish(entry, settled ? { isCurrent, state: isCurrent ? 'fresh' : 'stale' } : { isCurrent });
    }
  }

  private async compareWithDisk(file: vscode.Uri): Promise<void> {
    if (this.usersOf(file).length === 0) return;
    const text = await readText(file).catch(() => null);
    this.compare(file, text);
  }

  /** Files that are not open change too: a checkout, another tool. */
  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    const watcher = vscode.workspace.createFileSystemWatcher(watched, true);
    this.subscriptions.push(
      watcher,
      watcher.onDidChange((uri) => void this.compareWithDisk(uri)),
      watcher.onDidDelete((uri) => {
        if (isPlanUri(uri) && openDocument(uri) === null) this.forget(uri);
        else void this.compareWithDisk(uri);
      }),
    );
  }
}

function none(uri: vscode.Uri): PlanRehearsal {
  return {
    uri,
    state: 'none',
    report: null,
    isCurrent: false,
    sources: new Map(),
    version: null,
    text: '',
    traces: new Map(),
    progress: null,
    message: null,
  };
}

function sourceOf({ uri, sources }: PlanRehearsal, file: vscode.Uri): string | null {
  const key = file.toString();
  for (const [path, text] of sources) if (fileUri(uri, path).toString() === key) return text;
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
