/** Where the debug session stands: followed, and moved, by whatever shows the same history. */
import * as vscode from 'vscode';
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

  /** Moves the debugger: it stops there, and everybody is told. */
  async goTo(cursor: Cursor, history?: number): Promise<void> {
    await this.state?.session.customRequest('cutover.goto', { ...cursor, history });
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
