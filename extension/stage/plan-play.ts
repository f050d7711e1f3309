/**
 * What is played of one plan: which finding, its recording, and where the playhead stands. It follows the plan's rehearsal:
 * what is played is of the texts that the report is of.
 */
import * as vscode from 'vscode';
import type { Answered, ForkCommand } from '../../simulator/player/model.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import type { Forking, PlayPart, PlayReady, Playhead } from '../../webview/protocol.ts';
import type { Progress } from '../rehearsal/protocol.ts';
import type { Rehearsals } from '../rehearsal/rehearsals.ts';
import { choiceOf, chosenIn, type Choice } from './choice.ts';
import type { Played, StagePlayer } from './stage-player.ts';
import { firstPlace, isThere, type Told } from './told.ts';
import { Texts } from './texts.ts';

/** Something that takes no longer is not announced: it would only flicker. */
const soonMs = 300;

/** A recording, and where it was left. */
interface Left {
  readonly played: Played;
  readonly playhead: Playhead;
}

interface Run {
  readonly texts: Texts;
  readonly finding: string | null;
  readonly controller: AbortController;
}

/** A history that is to be played again, and who hears how that went: null when it is all there. */
interface Retelling {
  readonly told: Told;
  readonly settled: (problem: string | null) => void;
}

const nothing: PlayPart = { kind: 'none' };

export class PlanPlay {
  private readonly changed = new vscode.EventEmitter<void>();
  private choice: Choice = { kind: 'first' };
  /** In place of a recording; null when that is shown. */
  private instead: PlayPart | null = nothing;
  private now: Left | null = null;
  /** Of the same texts, by finding: going back to one is at once, and its forks are still there. */
  private readonly left = new Map<string | null, Left>();
  private run: Run | null = null;
  /** What was tried last is not tried again by itself. */
  private tried: { readonly report: PlanReport | null; readonly finding: string | null } | null = null;
  private retelling: Retelling | null = null;
  private wasCurrent = true;

  readonly onDidChange = this.changed.event;

  constructor(
    readonly plan: vscode.Uri,
    private readonly player: StagePlayer,
    private readonly rehearsals: Rehearsals,
    private readonly isTrusted: () => boolean,
  ) {}

  get part(): PlayPart {
    return this.instead ?? this.ready() ?? nothing;
  }

  /** Null while nothing is played. */
  get playhead(): Playhead | null {
    return this.instead === null ? (this.now?.playhead ?? null) : null;
  }

  get played(): Played | null {
    return this.instead === null ? (this.now?.played ?? null) : null;
  }

  choose(finding: string | null): void {
    this.settle(null);
    this.choice = choiceOf(finding, this.rehearsals.get(this.plan).report);
    this.tried = null;
    this.update(true);
  }

  /** Plays a history again, as soon as the plan has been rehearsed. */
  retell(told: Told, settled: (problem: string | null) => void): void {
    this.settle(null);
    this.retelling = { told, settled };
    this.choice = choiceOf(told.finding, this.rehearsals.get(this.plan).report);
    this.tried = null;
    this.update(true);
  }

  /** Plays what is due, if anything is. `asked`: somebody wants it now, whatever is under way. */
  update(asked = false): void {
    if (!this.isTrusted()) return;
    const { report, sources, state } = this.rehearsals.get(this.plan);
    if (state === 'running' && !(asked && report !== null)) return;
    if (report === null && this.choice.kind !== 'course') return;
    if (report?.verdict === 'invalid') {
      this.drop(nothing);
      return;
    }
    const finding = report === null ? null : chosenIn(report, this.choice);
    const id = finding?.id ?? null;
    if (finding !== null) this.choice = choiceOf(finding.id, report);
    if (this.tried?.report === report && this.tried.finding === id) return;
    this.tried = { report, finding: id };
    if (report === null) {
      void this.play(new Texts(this.plan), id);
      return;
    }
    for (const [key, { played }] of this.left) if (!played.texts.equals(sources)) this.left.delete(key);
    const known = this.left.get(id);
    if (known === undefined) void this.play(new Texts(this.plan, sources), id);
    else void this.arrive(known);
  }

  cancel(): void {
    this.run?.controller.abort();
  }

  moveTo(playhead: Playhead): boolean {
    if (this.now === null || this.instead !== null || !isThere(this.now.played.histories, playhead)) return false;
    this.now = { ...this.now, playhead };
    this.left.set(this.now.played.finding, this.now);
    return true;
  }

  async fork(history: number, moment: number, command: ForkCommand): Promise<Forking> {
    const { played } = this;
    if (played === null) return { ok: false, message: nothingPlayed() };
    const forking = await this.player.fork(played, history, moment, command);
    if (forking.ok) this.changed.fire();
    return forking;
  }

  async ask(playhead: Playhead, sql: string): Promise<Answered> {
    const { played } = this;
    return played === null ? { ok: false, message: nothingPlayed() } : this.player.ask(played, playhead, sql);
  }

  /** A text has changed: what is shown may be of an older one now, or not any more. */
  touch(): void {
    const part = this.ready();
    if (part !== null && part.isCurrent !== this.wasCurrent) this.changed.fire();
  }

  dispose(): void {
    this.cancel();
    this.settle(null);
    this.changed.dispose();
  }

  private ready(): PlayReady | null {
    if (this.now === null || this.instead !== null) return null;
    const { played, playhead } = this.now;
    const { finding, recording, views, histories } = played;
    const isCurrent = played.texts.isCurrent(this.rehearsals.get(this.plan));
    return { kind: 'ready', finding, by: 'stage', recording, views, histories, playhead, isCurrent };
  }

  private publish(): void {
    this.wasCurrent = this.ready()?.isCurrent ?? true;
    this.changed.fire();
  }

  private drop(instead: PlayPart): void {
    if (this.now === null && this.instead === instead) return;
    this.now = null;
    this.left.clear();
    this.instead = instead;
    this.publish();
  }

  private async play(texts: Texts, finding: string | null): Promise<void> {
    // Of the same texts most of the work is the same: it goes on.
    if (this.run !== null && !this.run.texts.equalsTexts(texts)) this.run.controller.abort();
    const run: Run = { texts, finding, controller: new AbortController() };
    this.run = run;
    const loading = this.announce(run);
    const playing = await this.player.play(texts, finding, {
      signal: run.controller.signal,
      onProgress: (progress) => loading.progress(progress),
    });
    loading.end();
    if (this.run !== run) return;
    this.run = null;
    if (playing.ok) {
      const { played } = playing;
      await this.arrive({ played, playhead: this.keptPlace(played) });
      return;
    }
    const { message } = playing;
    this.instead = run.controller.signal.aborted
      ? { kind: 'cancelled', finding }
      : { kind: 'failed', finding, message };
    this.settle(message);
    this.publish();
  }

  /** Says how far it is, unless it is there soon. */
  private announce(run: Run): { progress: (progress: Progress) => void; end: () => void } {
    let message = vscode.l10n.t('starting');
    const show = () => {
      if (this.run !== run) return;
      this.instead = { kind: 'loading', finding: run.finding, message };
      this.publish();
    };
    const timer = setTimeout(show, soonMs);
    if (this.now === null || this.instead !== null) show();
    return {
      progress: ({ phase, step, states }) => {
        message = vscode.l10n.t('{0}, {1} states', step === null ? phase : `${phase}: ${step}`, states);
        if (this.instead?.kind === 'loading') show();
      },
      end: () => clearTimeout(timer),
    };
  }

  /** Where the same finding was looked at before, if there still is such a place. */
  private keptPlace(played: Played): Playhead {
    const before = this.now?.played.finding === played.finding ? this.now.playhead : null;
    return before !== null && isThere(played.histories, before) ? before : firstPlace(played.histories[0]);
  }

  private async arrive(left: Left): Promise<void> {
    const { retelling } = this;
    this.retelling = null;
    const there = retelling === null ? left : await this.playAgain(left, retelling);
    this.left.set(there.played.finding, there);
    // Somebody has chosen another one meanwhile.
    if (this.tried !== null && this.tried.finding !== there.played.finding) return;
    this.now = there;
    this.instead = null;
    this.publish();
  }

  private async playAgain({ played, playhead }: Left, { told, settled }: Retelling): Promise<Left> {
    if (told.finding !== played.finding) {
      settled(vscode.l10n.t('The finding {0} is not there any more.', told.finding ?? ''));
      return { played, playhead };
    }
    const { history, message } = await this.player.retell(played, told.forks);
    const at = { ...told.at, history };
    const isAll = message === null && isThere(played.histories, at);
    settled(isAll ? null : (message ?? vscode.l10n.t('The history is not as long any more.')));
    return { played, playhead: isAll ? at : firstPlace(played.histories[history]) };
  }

  private settle(problem: string | null): void {
    const { retelling } = this;
    this.retelling = null;
    retelling?.settled(problem);
  }
}

function nothingPlayed(): string {
  return vscode.l10n.t('Nothing is being played.');
}
