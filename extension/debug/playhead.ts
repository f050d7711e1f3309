/** Where the debug session stands: followed, and moved, by whatever shows the same history. */
import * as vscode from 'vscode';
import type { ForkCommand } from '../../simulator/player/model.ts';
import type { Playhead } from './adapter.ts';
import type { Cursor } from './walk.ts';

/** A session, and the texts that it plays, by path. */
export interface Debugged {
  readonly session: vscode.DebugSession;
  readonly plan: vscode.Uri;
  readonly sources: ReadonlyMap<string, string>;
  readonly playhead: Playhead;
}

export class PlayheadStore {
  private readonly moved = new vscode.EventEmitter<Playhead | null>();
  private state: Debugged | null = null;

  /** Null when the session has ended. */
  readonly onDidMove = this.moved.event;

  /** Null while nothing is being debugged. */
  get current(): Playhead | null {
    return this.state?.playhead ?? null;
  }

  get session(): vscode.DebugSession | null {
    return this.state?.session ?? null;
  }

  /** What is being debugged, with what it plays. */
  get debugged(): Debugged | null {
    return this.state;
  }

  /** Moves the debugger: it stops there, and everybody is told. The focus stays with whoever asked. */
  async goTo(cursor: Cursor, history?: number): Promise<void> {
    if (this.state === null) return;
    await this.state.session.customRequest('cutover.goto', { ...cursor, history, preserveFocus: true });
  }

  /** Another future in the debugger, which stops in it. Rejects with why there is none. */
  async fork(history: number, moment: number, command: ForkCommand): Promise<number> {
    if (this.state === null) throw new Error(vscode.l10n.t('The debug session has ended.'));
    const at = { command, history, moment, preserveFocus: true };
    const made = (await this.state.session.customRequest('cutover.fork', at)) as { readonly history: number };
    return made.history;
  }

  set(debugged: Debugged): void {
    this.state = debugged;
    this.moved.fire(debugged.playhead);
  }

  clear(session: vscode.DebugSession): void {
    if (this.state?.session.id !== session.id) return;
    this.state = null;
    this.moved.fire(null);
  }

  dispose(): void {
    this.moved.dispose();
  }
}
