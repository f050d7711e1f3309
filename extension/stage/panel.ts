/** The panel that shows the stage: its page, and the line to it. A page that is hidden is taken down, and asks for everything when it is back. */
import { createBirpc } from 'birpc';
import * as vscode from 'vscode';
import type { HostCalls, PageCalls, Stage as Parts } from '../../webview/protocol.ts';
import { pageHtml } from './page.ts';

export const viewType = 'cutover.stage';

export class StagePanel {
  private readonly page: PageCalls & { readonly $close: () => void };
  private readonly gone = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable[] = [this.gone];
  private hasAsked = false;
  private isGone = false;

  readonly onDidDispose = this.gone.event;

  constructor(
    readonly panel: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    calls: HostCalls,
    private readonly onVisible: (isVisible: boolean) => void,
  ) {
    const folder = pageFolder(extensionUri);
    panel.webview.options = pageOptions(extensionUri);
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'extension', 'media', 'icon.png');
    this.page = this.connect(calls);
    this.subscriptions.push(
      panel.onDidChangeViewState(() => this.seen()),
      panel.onDidDispose(() => this.close()),
    );
    panel.webview.html = pageHtml({
      cspSource: panel.webview.cspSource,
      base: `${panel.webview.asWebviewUri(folder).toString()}/`,
      language: vscode.env.language,
    });
    this.seen();
  }

  /** Whether a page is there that has asked for everything. */
  get isListening(): boolean {
    return this.hasAsked;
  }

  show(parts: Partial<Parts>): void {
    if (this.hasAsked) this.page.show(parts);
  }

  moved(...[playhead, answering]: Parameters<PageCalls['moved']>): void {
    if (this.hasAsked) this.page.moved(playhead, answering);
  }

  perform(command: Parameters<PageCalls['perform']>[0]): void {
    if (this.hasAsked) this.page.perform(command);
  }

  private connect(calls: HostCalls): StagePanel['page'] {
    const { webview } = this.panel;
    return createBirpc<PageCalls, HostCalls>(
      {
        ...calls,
        ready: () => {
          this.hasAsked = true;
          return calls.ready();
        },
      },
      {
        // A panel that is gone throws, and one that is hidden takes no message: neither is told anything.
        post: async (data) => {
          if (this.isGone) return;
          await Promise.resolve(webview.postMessage(data)).catch(() => {});
        },
        on: (receive) => {
          this.subscriptions.push(webview.onDidReceiveMessage(receive));
        },
        eventNames: ['show', 'moved', 'perform'],
        timeout: -1,
      },
    );
  }

  private seen(): void {
    const { visible } = this.panel;
    if (!visible) this.hasAsked = false;
    this.onVisible(visible);
  }

  private close(): void {
    this.hasAsked = false;
    this.isGone = true;
    this.page.$close();
    this.gone.fire();
    vscode.Disposable.from(...this.subscriptions).dispose();
  }
}

export function pageFolder(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, 'dist', 'webview');
}

export function pageOptions(extensionUri: vscode.Uri): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [pageFolder(extensionUri)] };
}
