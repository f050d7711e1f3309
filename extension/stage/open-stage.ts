/** The stage in the editor: its panel, its commands, its links, and the plan that it is about. */
import * as vscode from 'vscode';
import type { HostCalls, PageCalls } from '../../webview/protocol.ts';
import { choosePlan } from '../commands.ts';
import { activePlan, openDocument } from '../plans.ts';
import type { Services } from '../services.ts';
import { hostCalls } from './calls.ts';
import { openLink } from './links.ts';
import { StageMemory } from './memory.ts';
import { pageOptions, StagePanel, viewType } from './panel.ts';
import { nameOf, Stage } from './stage.ts';
import type { Told } from './told.ts';

const performed: Readonly<Record<string, Parameters<PageCalls['perform']>[0]>> = {
  'cutover.stage.nextEvent': 'next-event',
  'cutover.stage.previousEvent': 'previous-event',
  'cutover.stage.nextStep': 'next-step',
  'cutover.stage.previousStep': 'previous-step',
  'cutover.stage.nextFinding': 'next-finding',
  'cutover.stage.export': 'export',
};

export class OpenStage {
  readonly stage: Stage;
  /** What the page calls; tests call it in its place. */
  readonly calls: HostCalls;
  readonly memory: StageMemory;
  private shown: StagePanel | null = null;
  private readonly subscriptions: vscode.Disposable;

  constructor(
    private readonly services: Services,
    memory: vscode.Memento,
  ) {
    this.stage = new Stage(services, memory);
    this.memory = new StageMemory(this.stage, memory);
    this.calls = hostCalls(this.stage, services);
    this.subscriptions = vscode.Disposable.from(
      this.memory,
      this.stage,
      services.stage.register((plan, told) => Promise.resolve(this.show(plan, told))),
      ...this.commands(),
      vscode.window.registerWebviewPanelSerializer(viewType, {
        deserializeWebviewPanel: (panel) => this.restore(panel),
      }),
      vscode.window.registerUriHandler({
        handleUri: (uri) => this.follow(uri),
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.followEditor()),
      services.playhead.onDidMove(() => this.followDebugger()),
      this.stage.onDidShow((parts) => {
        this.shown?.show(parts);
        if (parts.plan !== undefined) this.entitle();
      }),
      this.stage.onDidMove(({ playhead, answering }) => this.shown?.moved(playhead, answering)),
    );
  }

  /** Null while the stage is closed. */
  get panel(): vscode.WebviewPanel | null {
    return this.shown?.panel ?? null;
  }

  /** Whether a page is there, and was told everything. */
  get isListening(): boolean {
    return this.shown?.isListening ?? false;
  }

  async open(argument?: unknown, finding?: unknown): Promise<void> {
    const plan = await choosePlan(argument);
    if (plan === null) return;
    this.stage.open(plan, { rehearses: true });
    if (typeof finding === 'string') this.stage.choose(finding);
    this.reveal();
  }

  async follow(link: vscode.Uri): Promise<void> {
    await openLink(link, (plan, told) => this.show(plan, told));
  }

  /** Plays a history again, and tells what keeps it from being all there. */
  show(plan: vscode.Uri, told: Told): void {
    this.stage.retell(plan, told, (problem) => {
      if (problem !== null)
        void vscode.window.showWarningMessage(vscode.l10n.t('Not all could be played: {0}', problem));
    });
    this.reveal();
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private commands(): readonly vscode.Disposable[] {
    const { registerCommand } = vscode.commands;
    return [
      registerCommand('cutover.openStage', (plan?: unknown, finding?: unknown) => this.open(plan, finding)),
      registerCommand('cutover.stage.toggleFollow', () => this.stage.setFollow(!this.stage.follow)),
      ...Object.entries(performed).map(([name, command]) => registerCommand(name, () => this.shown?.perform(command))),
    ];
  }

  /** Beside the plan, with the focus where it is. */
  private reveal(): void {
    if (this.shown !== null) {
      this.shown.panel.reveal(undefined, true);
      return;
    }
    const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const options = pageOptions(this.services.extensionUri);
    this.adopt(vscode.window.createWebviewPanel(viewType, vscode.l10n.t('Stage'), beside, options));
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.shown?.panel.dispose();
    const shown = new StagePanel(panel, this.services.extensionUri, this.calls, (isVisible) =>
      this.stage.setVisible(isVisible),
    );
    this.shown = shown;
    setOpen(true);
    this.entitle();
    shown.onDidDispose(() => {
      if (this.shown !== shown) return;
      this.shown = null;
      setOpen(false);
      this.stage.close();
    });
  }

  private entitle(): void {
    const { plan } = this.stage;
    if (this.shown === null) return;
    this.shown.panel.title = plan === null ? vscode.l10n.t('Stage') : vscode.l10n.t('Stage: {0}', nameOf(plan));
  }

  /** After a reload of the window: the same history again, of a plan that may have changed or be gone. */
  async restore(panel: vscode.WebviewPanel): Promise<void> {
    const remembered = this.memory.get();
    const isThere = remembered !== null && (await exists(remembered.plan));
    const plan = isThere ? remembered.plan : (activePlan()?.uri ?? null);
    if (plan !== null && isThere && remembered.told !== null) this.stage.retell(plan, remembered.told, () => {});
    else if (plan !== null) this.stage.open(plan, { rehearses: true });
    this.adopt(panel);
  }

  private followEditor(): void {
    const plan = activePlan();
    if (this.shown === null || plan === null || this.stage.isPinned) return;
    if (plan.uri.toString() !== this.stage.plan?.toString()) this.stage.open(plan.uri, { rehearses: false });
  }

  private followDebugger(): void {
    const { debugged } = this.services.playhead;
    if (this.shown === null || debugged === null) return;
    if (debugged.plan.toString() !== this.stage.plan?.toString()) this.stage.open(debugged.plan, { rehearses: false });
  }
}

function setOpen(isOpen: boolean): void {
  void vscode.commands.executeCommand('setContext', 'cutover.stageOpen', isOpen);
}

async function exists(plan: vscode.Uri): Promise<boolean> {
  if (openDocument(plan) !== null) return true;
  return vscode.workspace.fs.stat(plan).then(
    () => true,
    () => false,
  );
}
