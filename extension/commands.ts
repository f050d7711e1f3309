/** The commands of the palette. Each takes the plan's URI, or is about the plan in the active editor. */
import * as vscode from 'vscode';
import { rulePage } from './diagnostics/findings.ts';
import { source } from './diagnostics/plan-errors.ts';
import { activePlan, givenUri, isPlanUri, planGlob } from './plans.ts';
import type { PlanRehearsal } from './rehearsal/rehearsals.ts';
import { withProgress } from './progress.ts';
import type { ReportChannel } from './report-channel.ts';
import type { Services } from './services.ts';

export function registerCommands(services: Services, reports: ReportChannel): vscode.Disposable {
  const commands: Readonly<Record<string, (argument?: unknown) => unknown>> = {
    'cutover.rehearse': (plan) => rehearseOne(services, plan),
    'cutover.rehearseAll': () => rehearseAll(services),
    'cutover.showReport': (plan) => showReport(services, reports, plan),
    'cutover.cancel': () => services.rehearsals.cancelAll(),
    'cutover.openRule': (rule) => openRule(services, rule),
    'cutover.restartEngine': () => restart(services),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
}

/** The plan that was given, else the one on screen, else one that is picked. */
export async function choosePlan(argument: unknown): Promise<vscode.Uri | null> {
  const given = givenUri(argument);
  if (given !== null && isPlanUri(given)) return given;
  const active = activePlan();
  if (active !== null) return active.uri;
  const plans = await vscode.workspace.findFiles(planGlob, '**/node_modules/**');
  if (plans.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no plan (*.cutover.yaml) in this workspace.'));
    return null;
  }
  const items = plans
    .map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Which plan?') }))?.uri ?? null;
}

async function rehearseOne(services: Services, argument: unknown): Promise<PlanRehearsal | null> {
  const plan = await choosePlan(argument);
  if (plan === null || !trusted()) return null;
  const rehearsal = await withProgress(services, plan, (token) => services.rehearsals.rehearse(plan, token));
  tellFailure(rehearsal);
  return rehearsal;
}

async function rehearseAll(services: Services): Promise<readonly PlanRehearsal[]> {
  if (!trusted()) return [];
  const plans = await vscode.workspace.findFiles(planGlob, '**/node_modules/**');
  const rehearsals: PlanRehearsal[] = [];
  for (const plan of plans.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const rehearsal = await withProgress(services, plan, (token) => services.rehearsals.rehearse(plan, token));
    rehearsals.push(rehearsal);
    if (rehearsal.state === 'cancelled') break;
  }
  return rehearsals;
}

/** Says why not, when it is not. */
function trusted(): boolean {
  if (!vscode.workspace.isTrusted) void offerTrust();
  return vscode.workspace.isTrusted;
}

async function offerTrust(): Promise<void> {
  const manage = vscode.l10n.t('Manage Workspace Trust');
  const why = vscode.l10n.t('Cutover runs the SQL of a plan only in a trusted workspace.');
  const choice = await vscode.window.showInformationMessage(why, manage);
  if (choice === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}

/** What went wrong by itself is told; what somebody cancelled is not. */
function tellFailure({ state, message }: PlanRehearsal): void {
  if (state !== 'failed') return;
  void vscode.window.showErrorMessage(vscode.l10n.t('The rehearsal failed: {0}', message ?? ''));
}

async function showReport(services: Services, reports: ReportChannel, argument: unknown): Promise<void> {
  const plan = await choosePlan(argument);
  if (plan === null || reports.show(plan)) return;
  await rehearseOne(services, plan);
  reports.show(plan);
}

/** The rule that was given, else that of the finding at the cursor, else one that is picked. */
async function openRule(services: Services, argument: unknown): Promise<void> {
  const rule = typeof argument === 'string' ? argument : (ruleAtCursor() ?? (await pickRule(services)));
  if (rule === null) return;
  await vscode.commands.executeCommand('markdown.showPreview', rulePage(services.extensionUri, rule));
}

function ruleAtCursor(): string | null {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return null;
  const here = vscode.languages
    .getDiagnostics(editor.document.uri)
    .filter((each) => each.source === source && each.range.start.line <= editor.selection.active.line)
    .find((each) => each.range.end.line >= editor.selection.active.line);
  return typeof here?.code === 'object' ? String(here.code.value) : null;
}

async function pickRule({ extensionUri }: Services): Promise<string | null> {
  const folder = vscode.Uri.joinPath(extensionUri, 'docs', 'findings');
  const pages = await vscode.workspace.fs.readDirectory(folder);
  const names = pages.map(([name]) => name.replace(/\.md$/, ''));
  return (await vscode.window.showQuickPick(names, { title: vscode.l10n.t('Which rule?') })) ?? null;
}

function restart({ rehearsals, rehearser, loader, checker }: Services): void {
  rehearsals.cancelAll();
  for (const process of [rehearser, loader, checker]) process.stop(vscode.l10n.t('the engine was restarted'));
}
