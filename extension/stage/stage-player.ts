/**
 * Plays plans for the stage in a process of its own. What was played stays here as plain data; the process is stopped when it
 * has rested for a while, and what was played in it is played again when somebody asks something of it.
 */
import * as vscode from 'vscode';
import type { Answered, ForkCommand, History, Recording, View } from '../../simulator/player/model.ts';
import type { Forking, Playhead } from '../../webview/protocol.ts';
import { planFile } from '../plans.ts';
import type { Progress } from '../rehearsal/protocol.ts';
import type { SimulatorProcess } from '../rehearsal/simulator-process.ts';
import { limitsOf } from '../settings.ts';
import { knownFork, type ToldFork } from './told.ts';
import type { Texts } from './texts.ts';

/** A recording with the forks that were made of it. */
export interface Played {
  readonly finding: string | null;
  readonly texts: Texts;
  readonly recording: Recording;
  /** Each change makes new lists: what was handed out stays as it was. */
  views: readonly View[];
  histories: readonly History[];
}

export type Playing = { readonly ok: true; readonly played: Played } | { readonly ok: false; readonly message: string };

export interface PlayOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

interface Failure {
  readonly ok: false;
  readonly message: string;
}

export class StagePlayer {
  /** What the process holds now, and which process that is. */
  private loaded: { readonly played: Played; readonly generation: number | null } | null = null;
  /** It holds one recording at a time. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly simulator: SimulatorProcess) {}

  get pid(): number | null {
    return this.simulator.pid;
  }

  play(texts: Texts, finding: string | null, options: PlayOptions): Promise<Playing> {
    return this.inTurn(async () => {
      if (options.signal.aborted) return { ok: false, message: vscode.l10n.t('It was cancelled.') };
      const reply = await this.open(texts, finding, options);
      if (!reply.ok) return reply;
      const { recording } = reply;
      const played: Played = { finding, texts, recording, views: recording.views, histories: [recording.history] };
      this.loaded = { played, generation: this.simulator.generation };
      return { ok: true, played };
    });
  }

  /** One that was made before answers with the history that it made. */
  fork(played: Played, history: number, moment: number, command: ForkCommand): Promise<Forking> {
    return this.inTurn(async () => {
      const known = knownFork(played.histories, history, { moment, command });
      if (known !== null) return { ok: true, history: known.id };
      const failure = await this.load(played);
      if (failure !== null) return failure;
      const forked = await this.simulator.fork(history, moment, command, { read: played.texts.read });
      if (!forked.ok) return forked;
      const { history: made, views, firstView } = forked;
      played.views = [...played.views.slice(0, firstView), ...views];
      played.histories = [...played.histories, made];
      return { ok: true, history: made.id };
    });
  }

  /** Forks one after the other, each from the history before. Gives the last history, and why it went no further. */
  async retell(played: Played, forks: readonly ToldFork[]): Promise<{ history: number; message: string | null }> {
    let history = 0;
    for (const { moment, command } of forks) {
      const forked = await this.fork(played, history, moment, command);
      if (!forked.ok) return { history, message: forked.message };
      ({ history } = forked);
    }
    return { history, message: null };
  }

  ask(played: Played, { history, moment, probe }: Playhead, sql: string): Promise<Answered> {
    return this.inTurn(async () => {
      const failure = await this.load(played);
      return failure ?? this.simulator.ask(history, moment, sql, probe, { read: played.texts.read });
    });
  }

  /** As after a while without a question. What was played stays. */
  rest(): void {
    this.simulator.stop(vscode.l10n.t('it was idle'));
  }

  stop(): void {
    this.loaded = null;
    this.simulator.stop(vscode.l10n.t('the stage was closed'));
  }

  private open(texts: Texts, finding: string | null, options: Partial<PlayOptions>) {
    this.loaded = null;
    const limits = limitsOf(texts.plan);
    return this.simulator.play(planFile(texts.plan), { finding, versions: null }, limits, {
      read: texts.read,
      ...options,
    });
  }

  /** Plays again what the process does not hold, with all its forks. */
  private async load(played: Played): Promise<Failure | null> {
    if (this.loaded?.played === played && this.loaded.generation === this.simulator.generation) return null;
    const reply = await this.open(played.texts, played.finding, {});
    if (!reply.ok) return reply;
    for (const { id, from, command, moments } of played.histories) {
      if (from === null || command === null) continue;
      const again = await this.simulator.fork(from.history, from.moment, command, { read: played.texts.read });
      if (!again.ok || again.history.id !== id || again.history.moments.length !== moments.length)
        return { ok: false, message: vscode.l10n.t('The plan does not play as it did. Rehearse it again.') };
    }
    this.loaded = { played, generation: this.simulator.generation };
    return null;
  }

  private inTurn<T>(work: () => Promise<T | Failure>): Promise<T | Failure> {
    const turn = this.queue.then(work).catch((error: unknown): Failure => ({ ok: false, message: messageOf(error) }));
    this.queue = turn;
    return turn;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
