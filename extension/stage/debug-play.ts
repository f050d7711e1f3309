/** What a debug session plays, as the stage shows it: the session's playhead is the stage's. */
import type * as vscode from 'vscode';
import type { Answered, ForkCommand } from '../../simulator/player/model.ts';
import type { Forking, PlayReady, Playhead } from '../../webview/protocol.ts';
import type { Debugged, PlayheadStore } from '../debug/playhead.ts';
import { messageOf } from './stage-player.ts';
import { Texts } from './texts.ts';
import type { Rehearsals } from '../rehearsal/rehearsals.ts';

export class DebugPlay {
  /** Where the page wants to be; the session is asked for one place after the other, and for the last in any case. */
  private wanted: Playhead | null = null;
  private asked: Playhead | null = null;

  constructor(
    private readonly store: PlayheadStore,
    private readonly rehearsals: Rehearsals,
  ) {}

  /** The session that plays this plan. */
  of(plan: vscode.Uri | null): Debugged | null {
    const { debugged } = this.store;
    return debugged !== null && debugged.plan.toString() === plan?.toString() ? debugged : null;
  }

  part({ plan, sources, playhead }: Debugged): PlayReady {
    const { recording, views, histories } = playhead;
    return {
      kind: 'ready',
      finding: recording.finding?.id ?? null,
      by: 'debugger',
      recording,
      views: [...views],
      histories: [...histories],
      playhead: placeOf(playhead),
      isCurrent: new Texts(plan, sources).isCurrent(this.rehearsals.get(plan)),
    };
  }

  /** A session that stops where it was sent tells the page nothing new. */
  isEcho({ playhead }: Debugged): boolean {
    return this.asked !== null && isSame(this.asked, placeOf(playhead));
  }

  async moveTo(playhead: Playhead): Promise<void> {
    this.wanted = playhead;
    if (this.asked !== null) return;
    while (this.wanted !== null) {
      const next: Playhead = this.wanted;
      this.wanted = null;
      this.asked = next;
      try {
        await this.store.goTo({ moment: next.moment, probe: next.probe }, next.history);
      } catch {
        // There is no such place in the session, or no session any more: it stays where it is.
      } finally {
        this.asked = null;
      }
    }
  }

  async fork(history: number, moment: number, command: ForkCommand): Promise<Forking> {
    try {
      return { ok: true, history: await this.store.fork(history, moment, command) };
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  }

  async ask({ session }: Debugged, { history, moment, probe }: Playhead, sql: string): Promise<Answered> {
    try {
      return (await session.customRequest('cutover.ask', { history, moment, probe, sql })) as Answered;
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  }
}

export function placeOf({ history, cursor }: Debugged['playhead']): Playhead {
  return { history: history.id, moment: cursor.moment, probe: cursor.probe };
}

function isSame(a: Playhead, b: Playhead): boolean {
  return a.history === b.history && a.moment === b.moment && a.probe === b.probe;
}
