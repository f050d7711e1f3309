/** Runs of tests: one after the other, each plan rehearsed once, whoever else asks for the same rehearsal. */
import * as vscode from 'vscode';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import type { Services } from '../services.ts';
import { coveredLines, type CoveredLine } from './coverage-lines.ts';
import type { TestItems } from './items.ts';
import { failure } from './messages.ts';
import { isOfWayBack, outcomesOf, terminalText, type Outcome } from './outcomes.ts';

type Kind = 'run' | 'debug' | 'coverage';

export class TestRuns {
  private queue: Promise<void> = Promise.resolve();
  private readonly details = new WeakMap<vscode.FileCoverage, readonly CoveredLine[]>();

  constructor(
    private readonly controller: vscode.TestController,
    private readonly items: TestItems,
    private readonly services: Services,
  ) {}

  handler(kind: Kind): vscode.TestRunProfile['runHandler'] {
    return (request, token) => {
      const turn = this.queue.then(() => this.perform(kind, request, token));
      this.queue = turn.catch((error: unknown) => this.services.log(`a test run failed: ${String(error)}`));
      return turn;
    };
  }

  loadCoverage(coverage: vscode.FileCoverage): vscode.FileCoverageDetail[] {
    return (this.details.get(coverage) ?? []).map(({ line, count, branches }) => {
      const at = new vscode.Position(line, 0);
      const shown = branches.map(({ label, ran }) => new vscode.BranchCoverage(ran, at, label));
      return new vscode.StatementCoverage(count, at, shown);
    });
  }

  private async perform(kind: Kind, request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const leaves = await this.leavesOf(request);
    const run = this.controller.createTestRun(request);
    try {
      for (const each of leaves) run.enqueued(each);
      const plans = new Map(
        leaves.flatMap((item) => this.items.dataOf(item)?.plan ?? []).map((uri) => [uri.toString(), uri]),
      );
      for (const uri of plans.values()) {
        if (token.isCancellationRequested || run.token.isCancellationRequested) break;
        const own = leaves.filter((item) => this.items.dataOf(item)?.plan.toString() === uri.toString());
        await this.performPlan(kind, run, uri, own, token);
      }
      if (token.isCancellationRequested) for (const each of leaves) run.skipped(each);
    } finally {
      run.end();
    }
  }

  private async performPlan(
    kind: Kind,
    run: vscode.TestRun,
    uri: vscode.Uri,
    leaves: readonly vscode.TestItem[],
    token: vscode.CancellationToken,
  ): Promise<void> {
    for (const each of leaves) run.started(each);
    const rehearsal = await this.rehearse(uri, token, run);
    if (token.isCancellationRequested) return;
    const { report, state } = rehearsal;
    if (report === null || state !== 'fresh') {
      for (const each of leaves) run.errored(each, new vscode.TestMessage(whyNot(rehearsal)));
      return;
    }
    const elapsed = report.exploration.elapsedMs / Math.max(1, leaves.length);
    const outcomes = outcomesOf(report, this.items.placesOf(uri));
    for (const item of leaves) {
      const data = this.items.dataOf(item);
      const found = outcomes.find(({ step }) => step === data?.step);
      if (data?.direction == null || found === undefined) run.skipped(item);
      else tell(run, item, rehearsal, found[data.direction], elapsed);
    }
    if (kind === 'coverage') await this.addCoverage(run, rehearsal);
    if (kind === 'debug') await this.debug(rehearsal, leaves);
  }

  /** One that is under way already is waited for and not begun again, also when somebody's typing has begun it meanwhile. */
  private async rehearse(
    uri: vscode.Uri,
    token: vscode.CancellationToken,
    run: vscode.TestRun,
  ): Promise<PlanRehearsal> {
    const { rehearsals } = this.services;
    const isRunning = () => rehearsals.get(uri).state === 'running';
    const begin = () => rehearsals.rehearse(uri, token);
    let result = isRunning() ? null : await begin();
    while ((result === null || result.state === 'cancelled') && isRunning() && !token.isCancellationRequested) {
      run.appendOutput(terminalText([vscode.l10n.t('A rehearsal of this plan is under way; its result is taken.')]));
      result = await this.settled(uri, token);
    }
    return result ?? rehearsals.get(uri);
  }

  private async settled(uri: vscode.Uri, token: vscode.CancellationToken): Promise<PlanRehearsal> {
    const { rehearsals } = this.services;
    return new Promise((resolve) => {
      const look = () => {
        const now = rehearsals.get(uri);
        if (now.state === 'running' && !token.isCancellationRequested) return;
        subscription.dispose();
        resolve(now);
      };
      const subscription = vscode.Disposable.from(rehearsals.onDidChange(look), token.onCancellationRequested(look));
    });
  }

  private async debug({ uri, report }: PlanRehearsal, leaves: readonly vscode.TestItem[]): Promise<void> {
    const asked = leaves.flatMap((item) => this.items.dataOf(item) ?? []);
    const found = (report?.findings ?? []).filter((finding) =>
      asked.some(({ step, direction }) => step === finding.step && (direction === 'rollback') === isOfWayBack(finding)),
    );
    const first = found.find(({ severity, allowed }) => severity === 'error' && allowed === null) ?? found[0];
    await this.services.debug.debugFinding(uri, first?.id ?? null);
  }

  private async addCoverage(run: vscode.TestRun, { uri, report, sources }: PlanRehearsal): Promise<void> {
    if (report === null) return;
    const read = () => Promise.reject(new Error('the texts are sent along'));
    const runs = await this.services.loader.coverage({ report, sources }, { read });
    const lines = coveredLines(report, this.items.placesOf(uri), runs);
    const branches = lines.flatMap((each) => each.branches);
    const coverage = new vscode.FileCoverage(
      uri,
      new vscode.TestCoverageCount(lines.filter(({ count }) => count > 0).length, lines.length),
      new vscode.TestCoverageCount(branches.filter(({ ran }) => ran).length, branches.length),
    );
    this.details.set(coverage, lines);
    run.addCoverage(coverage);
  }

  /** What has a way forward or back, below what was asked for, without what was left out. */
  private async leavesOf({ include, exclude }: vscode.TestRunRequest): Promise<readonly vscode.TestItem[]> {
    if (include === undefined) await this.items.findPlans();
    const leaves: vscode.TestItem[] = [];
    const visit = async (item: vscode.TestItem): Promise<void> => {
      if (exclude?.includes(item) === true) return;
      const data = this.items.dataOf(item);
      if (data?.step === null) await this.items.resolve(item);
      if (data?.direction != null) leaves.push(item);
      for (const [, child] of item.children) await visit(child);
    };
    for (const item of include ?? childrenOf(this.controller.items)) await visit(item);
    return [...new Set(leaves)];
  }
}

function whyNot({ state, message }: PlanRehearsal): string {
  if (state === 'stale') return vscode.l10n.t('The plan was changed while it was rehearsed.');
  return message ?? vscode.l10n.t('The rehearsal was cancelled.');
}

function childrenOf(items: vscode.TestItemCollection): readonly vscode.TestItem[] {
  return [...items].map(([, item]) => item);
}

function tell(
  run: vscode.TestRun,
  item: vscode.TestItem,
  rehearsal: PlanRehearsal,
  outcome: Outcome,
  ms: number,
): void {
  const say = (lines: readonly string[]) => {
    if (lines.length > 0) run.appendOutput(terminalText(lines), undefined, item);
  };
  switch (outcome.kind) {
    case 'passed':
      say(outcome.notes);
      return run.passed(item, ms);
    case 'failed':
      say([...outcome.findings.flatMap((finding) => rehearsal.traces.get(finding.id) ?? []), ...outcome.notes]);
      return run.failed(
        item,
        outcome.findings.map((finding) => failure(rehearsal, finding)),
        ms,
      );
    case 'errored':
      return run.errored(item, new vscode.TestMessage(outcome.message), ms);
    case 'skipped':
      say(outcome.notes);
      return run.skipped(item);
  }
}
