/**
 * What is known to mend the findings of the plans on screen. After a rehearsal its findings are gone through in the
 * background, in a process of their own; a change of the text, or another rehearsal, ends that at once.
 */
import * as vscode from 'vscode';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import { openDocument } from '../plans.ts';
import type { ConfirmedFix } from '../rehearsal/protocol.ts';
import type { PlanRehearsal, Rehearsals } from '../rehearsal/rehearsals.ts';
import type { SimulatorProcess } from '../rehearsal/simulator-process.ts';
import { limitsOf } from '../settings.ts';

interface Check {
  readonly rehearsal: PlanRehearsal;
  readonly abort: AbortController;
  /** Findings that nobody has looked at yet; the next one first. */
  readonly waiting: Finding[];
}

/** Nothing is asked of the workspace: the texts that were rehearsed go along. */
const read = (path: string) => Promise.reject(new Error(`${path} was not part of the rehearsal`));

export class Fixes {
  /** By report, so that what is undone has its fixes again. */
  private readonly known = new WeakMap<PlanReport, Map<string, readonly ConfirmedFix[]>>();
  private check: Check | null = null;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly subscription: vscode.Disposable;

  /** Fires for the plan of which more is known. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly simulator: SimulatorProcess,
    private readonly rehearsals: Rehearsals,
  ) {
    this.subscription = rehearsals.onDidChange((rehearsal) => this.follow(rehearsal));
  }

  /** Null while it is not known. */
  get(uri: vscode.Uri, findingId: string): readonly ConfirmedFix[] | null {
    const { report, isCurrent } = this.rehearsals.get(uri);
    return report === null || !isCurrent ? null : (this.known.get(report)?.get(findingId) ?? null);
  }

  /** When it is known; null when it will not be, since the text has changed or somebody does not want to wait. */
  async wait(
    uri: vscode.Uri,
    findingId: string,
    token?: vscode.CancellationToken,
  ): Promise<readonly ConfirmedFix[] | null> {
    const { report } = this.rehearsals.get(uri);
    this.begin(uri, findingId);
    this.prefer(uri, findingId);
    const isOver = () => {
      const now = this.rehearsals.get(uri);
      return token?.isCancellationRequested === true || now.report !== report || !now.isCurrent || this.check === null;
    };
    const known = () => this.get(uri, findingId);
    if (known() !== null || isOver()) return known();
    return new Promise((resolve) => {
      const look = () => {
        if (known() === null && !isOver()) return;
        subscription.dispose();
        resolve(known());
      };
      const events = [this.onDidChange, this.rehearsals.onDidChange, token?.onCancellationRequested];
      const subscription = vscode.Disposable.from(...events.flatMap((event) => event?.(look) ?? []));
    });
  }

  dispose(): void {
    this.stop();
    vscode.Disposable.from(this.subscription, this.changed).dispose();
  }

  private follow(rehearsal: PlanRehearsal): void {
    const { uri, state, isCurrent, report } = rehearsal;
    const isOurs = this.check?.rehearsal.uri.toString() === uri.toString();
    const isSame = isOurs && this.check?.rehearsal.report === report;
    if (state === 'running' || (isOurs && (!isCurrent || !isSame))) this.stop();
    if (state !== 'fresh' || report === null || isSame || openDocument(uri) === null) return;
    this.start(rehearsal, report);
  }

  private start(rehearsal: PlanRehearsal, report: PlanReport): void {
    this.stop();
    const known = this.known.get(report) ?? new Map<string, readonly ConfirmedFix[]>();
    this.known.set(report, known);
    const waiting = report.findings.filter(({ id, allowed }) => allowed === null && !known.has(id));
    const check = { rehearsal, abort: new AbortController(), waiting };
    if (waiting.length === 0) return;
    this.check = check;
    void this.goThrough(check, report, known);
  }

  private async goThrough(
    check: Check,
    report: PlanReport,
    known: Map<string, readonly ConfirmedFix[]>,
  ): Promise<void> {
    const { rehearsal, abort, waiting } = check;
    const { uri, sources } = rehearsal;
    const rehearsed = { report, sources };
    const limits = limitsOf(uri);
    const { signal } = abort;
    for (let finding = waiting.shift(); finding !== undefined && !signal.aborted; finding = waiting.shift()) {
      const reply = await this.simulator.fixes(rehearsed, finding.id, limits, { read, signal }).catch(() => null);
      if (signal.aborted) return;
      // Of one that could not be tried nothing is known.
      if (reply?.ok === true) known.set(finding.id, reply.fixes);
      if (waiting.length === 0 && this.check === check) this.check = null;
      this.changed.fire(uri);
    }
  }

  /** What another plan's rehearsal has ended goes on when somebody asks. */
  private begin(uri: vscode.Uri, findingId: string): void {
    const rehearsal = this.rehearsals.get(uri);
    const isOurs = this.check?.rehearsal.report === rehearsal.report;
    if (rehearsal.report === null || rehearsal.state !== 'fresh' || isOurs) return;
    if (this.get(uri, findingId) === null) this.start(rehearsal, rehearsal.report);
  }

  private prefer(uri: vscode.Uri, findingId: string): void {
    if (this.check?.rehearsal.uri.toString() !== uri.toString()) return;
    const { waiting } = this.check;
    const at = waiting.findIndex(({ id }) => id === findingId);
    waiting.unshift(...waiting.splice(at, at === -1 ? 0 : 1));
  }

  private stop(): void {
    this.check?.abort.abort();
    this.check = null;
  }
}
