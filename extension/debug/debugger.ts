/** The debugger in the editor: sessions of type `cutover`, how they are begun, and who follows them. */
import * as vscode from 'vscode';
import type { Finding } from '../../simulator/report/model.ts';
import { activePlan, fileUri, givenUri, isPlanUri, planFile, readText } from '../plans.ts';
import type { Services } from '../services.ts';
import { limitsOf } from '../settings.ts';
import { CutoverAdapter } from './adapter.ts';
import { ProcessClient } from './process-client.ts';

const type = 'cutover';

export function debugPlans(services: Services): vscode.Disposable {
  // The editor asks these whether lines can have breakpoints, and whether F5 is ours.
  void vscode.commands.executeCommand('setContext', 'cutover.hasPlans', true);
  const follow = () => vscode.commands.executeCommand('setContext', 'cutover.planIsActive', activePlan() !== null);
  void follow();
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(() => void follow()),
    vscode.debug.registerDebugConfigurationProvider(type, new Configurations()),
    vscode.debug.registerDebugAdapterDescriptorFactory(type, {
      createDebugAdapterDescriptor: (session) =>
        new vscode.DebugAdapterInlineImplementation(new InlineAdapter(services, session)),
    }),
    vscode.debug.onDidTerminateDebugSession((session) => services.playhead.clear(session)),
    services.debug.register(async (plan, id) => {
      await (id === null ? debugPlan(plan) : debugFinding(services, plan, id));
    }),
    vscode.commands.registerCommand('cutover.debugPlan', (plan?: unknown) => debugPlan(plan)),
    vscode.commands.registerCommand('cutover.debugFinding', (plan?: unknown, finding?: unknown) =>
      debugFinding(services, plan, typeof finding === 'string' ? finding : undefined),
    ),
  );
}

/** Debugs the plan that is given, or the one on screen. */
async function debugPlan(argument: unknown): Promise<boolean> {
  const plan = planOf(argument);
  return plan !== null && start(plan, { name: vscode.workspace.asRelativePath(plan) });
}

/**
 * Debugs the trace of a finding: the one with the id that is given, else the one at the cursor, else one that is picked.
 * A plan that was not rehearsed yet is rehearsed first.
 */
export async function debugFinding(services: Services, argument?: unknown, id?: string): Promise<boolean> {
  const plan = planOf(argument);
  if (plan === null || !isTrusted()) return false;
  const finding = id ?? (await chooseFinding(services, plan));
  return finding !== null && start(plan, { name: finding, finding, stopOnEntry: false });
}

function planOf(argument: unknown): vscode.Uri | null {
  const given = givenUri(argument);
  const plan = given !== null && isPlanUri(given) ? given : (activePlan()?.uri ?? null);
  if (plan === null) void vscode.window.showInformationMessage(vscode.l10n.t('Open a plan (*.cutover.yaml) first.'));
  return plan;
}

function isTrusted(): boolean {
  if (!vscode.workspace.isTrusted)
    void vscode.window.showInformationMessage(vscode.l10n.t('Plans run only in a trusted workspace.'));
  return vscode.workspace.isTrusted;
}

function start(plan: vscode.Uri, launch: { name: string; finding?: string; stopOnEntry?: boolean }): Thenable<boolean> {
  const folder = vscode.workspace.getWorkspaceFolder(plan);
  return vscode.debug.startDebugging(folder, { type, request: 'launch', plan: plan.toString(), ...launch });
}

async function chooseFinding({ rehearsals }: Services, plan: vscode.Uri): Promise<string | null> {
  const known = rehearsals.get(plan);
  const { report } = known.isCurrent && known.report !== null ? known : await rehearsals.rehearse(plan);
  const findings = (report?.findings ?? []).filter(({ trace }) => trace.length > 0);
  if (findings.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no finding to debug.'));
    return null;
  }
  const here = findings.find((finding) => isAtCursor(plan, finding));
  if (here !== undefined) return here.id;
  const items = findings.map(({ id, rule, step, message }) => ({
    label: rule,
    description: step,
    detail: message,
    id,
  }));
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Which finding?') }))?.id ?? null;
}

function isAtCursor(plan: vscode.Uri, { line }: Finding): boolean {
  const editor = vscode.window.activeTextEditor;
  return editor?.document.uri.toString() === plan.toString() && editor.selection.active.line === line - 1;
}

class Configurations implements vscode.DebugConfigurationProvider {
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [{ type, request: 'launch', name: vscode.l10n.t('Debug the plan in the editor'), plan: '${file}' }];
  }

  /** F5 with no launch.json: the plan on screen. */
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (!isTrusted()) return undefined;
    if (typeof given['plan'] === 'string' && given['plan'] !== '') return given;
    const plan = planOf(undefined);
    if (plan === null) return undefined;
    const name = given.name || vscode.workspace.asRelativePath(plan);
    return { ...given, type, request: 'launch', name, plan: plan.toString() };
  }

  /** A path, of the folder or absolute, becomes a URI: the workspace may be on no disk. */
  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    return { ...given, plan: uriOf(String(given['plan']), folder).toString() };
  }
}

/** URIs, paths of a disk, and paths in a folder. */
function uriOf(path: string, folder?: vscode.WorkspaceFolder): vscode.Uri {
  if (path.includes('://')) return vscode.Uri.parse(path, true);
  const isAbsolute = /^([A-Za-z]:)?[\\/]/.test(path);
  return isAbsolute || folder === undefined ? vscode.Uri.file(path) : vscode.Uri.joinPath(folder.uri, path);
}

/** One session: the adapter, with the editor around it. */
class InlineAdapter implements vscode.DebugAdapter {
  private readonly messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  private readonly adapter: CutoverAdapter;
  private readonly client: ProcessClient;

  readonly onDidSendMessage = this.messages.event;

  constructor(services: Services, session: vscode.DebugSession) {
    const plan = uriOf(String(session.configuration['plan']), session.workspaceFolder);
    const sources = new Map<string, string>();
    this.client = new ProcessClient({
      start: services.startSimulator,
      planFile: () => planFile(plan),
      read: async (path) => {
        const text = await readText(fileUri(plan, path));
        sources.set(path, text);
        return text;
      },
      limits: () => limitsOf(plan),
    });
    this.adapter = new CutoverAdapter({
      send: (message) => this.messages.fire(message),
      client: this.client,
      toPlanPath: (path) => uriOf(path).path,
      toSource: (path) => {
        const uri = fileUri(plan, path);
        return { name: uri.path.split('/').at(-1) ?? uri.path, path: uri.toString() };
      },
      onMoved: (playhead) => services.playhead.set({ session, plan, sources, playhead }),
      onFailed: (message) => void vscode.window.showErrorMessage(message),
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    void this.adapter.handle(message as Parameters<CutoverAdapter['handle']>[0]);
  }

  dispose(): void {
    this.client.close();
    this.messages.dispose();
  }
}
