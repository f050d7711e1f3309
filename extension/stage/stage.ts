/**
 * What the stage shows, part by part, and what becomes of it: the plan with its rehearsal, what is played of it, by the stage
 * itself or by a debug session, and its traffic. It knows no page: whoever shows it follows `onDidShow` and `onDidMove`.
 */
import * as vscode from 'vscode';
import type { Answered, ForkCommand, Moment } from '../../simulator/player/model.ts';
import type { Forking, PlayPart, Playhead, Stage as Parts } from '../../webview/protocol.ts';
import { placesOf } from '../outline.ts';
import { fileUri, planFile } from '../plans.ts';
import type { Services } from '../services.ts';
import { idleMs } from '../settings.ts';
import { DebugPlay, placeOf } from './debug-play.ts';
import { EditorLine, type MarkedLine } from './editor-line.ts';
import { PlanPlay } from './plan-play.ts';
import { noRehearsal, rehearsalPart } from './rehearsal-part.ts';
import { StagePlayer } from './stage-player.ts';
import { isThere, tell, type Told } from './told.ts';
import { Traffic } from './traffic.ts';

export interface Moved {
  readonly playhead: Playhead;
  readonly answering: number;
}

/** Plans whose recordings are kept. */
const mostPlays = 4;
const followKey = 'cutover.stage.follow';

export class Stage {
  private readonly showed = new vscode.EventEmitter<Partial<Parts>>();
  private readonly moves = new vscode.EventEmitter<Moved>();
  private readonly stood = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable;
  private readonly player: StagePlayer;
  private readonly debugged: DebugPlay;
  private readonly traffic: Traffic;
  private readonly plays = new Map<string, PlanPlay>();
  private uri: vscode.Uri | null = null;
  private isVisible = false;
  /** Forks under way: a history that is being made is not left for another plan. */
  private forking = 0;
  /** Number of the page's last move. */
  private lastMove = 0;
  /** What was last sent of a debug session: another session, or another history, is sent whole. */
  private sentOfSession = '';
  /** Whether the traffic was last sent as current; null where there is none. */
  private sentTraffic: boolean | null = null;

  readonly line = new EditorLine();
  readonly onDidShow = this.showed.event;
  readonly onDidMove = this.moves.event;
  /** The playhead is somewhere else, whoever has moved it. */
  readonly onDidStand = this.stood.event;

  constructor(
    private readonly services: Services,
    private readonly memory: vscode.Memento,
  ) {
    const { startSimulator, rehearsals, playhead } = services;
    this.player = new StagePlayer(startSimulator({ idleMs }));
    this.debugged = new DebugPlay(playhead, rehearsals);
    this.traffic = new Traffic(startSimulator, rehearsals);
    this.subscriptions = vscode.Disposable.from(
      this.showed,
      this.moves,
      this.stood,
      this.line,
      this.traffic,
      rehearsals.onDidChange(({ uri }) => {
        if (this.isShown(uri)) this.rehearsed();
      }),
      playhead.onDidMove(() => this.debuggerMoved()),
      this.traffic.onDidChange((plan) => {
        if (!this.isShown(plan)) return;
        this.sentTraffic = this.trafficIsCurrent();
        this.showed.fire({ traffic: this.trafficPart() });
      }),
      vscode.workspace.onDidChangeTextDocument(({ contentChanges }) => {
        if (contentChanges.length > 0) this.touch();
      }),
      vscode.window.onDidChangeTextEditorSelection((selection) => this.cursorMoved(selection)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.trusted()),
    );
  }

  // ---- what is shown --------------------------------------------------------------------------

  get plan(): vscode.Uri | null {
    return this.uri;
  }

  get follow(): boolean {
    return this.memory.get(followKey, true);
  }

  /** Everything, whole. */
  get parts(): Parts {
    return {
      plan: this.uri === null ? null : { uri: this.uri.toString(), name: nameOf(this.uri) },
      rehearsal: this.rehearsal(),
      play: this.playPart(),
      traffic: this.trafficPart(),
      follow: this.follow,
    };
  }

  /** Plays in a process, which nothing is lost with. */
  get process(): StagePlayer {
    return this.player;
  }

  /** The history up to a place, as it can be played again; without one, up to where the playhead stands. */
  told(at?: Playhead): Told | null {
    const part = this.playPart();
    if (part.kind !== 'ready') return null;
    const place = at ?? part.playhead;
    return isThere(part.histories, place) ? tell(part.finding, part.histories, place) : null;
  }

  /** The texts that are played, by path. */
  get sources(): ReadonlyMap<string, string> {
    return this.debugged.of(this.uri)?.sources ?? this.play()?.played?.texts.sources ?? new Map();
  }

  /** A plan is not left while a debugger plays it, or a future of it is being made. */
  get isPinned(): boolean {
    return this.debugged.of(this.uri) !== null || this.forking > 0;
  }

  /** Nothing is played for a page that nobody sees. */
  setVisible(isVisible: boolean): void {
    if (this.isVisible === isVisible) return;
    this.isVisible = isVisible;
    this.playOwn();
    this.mark();
  }

  /** Shows a plan; one that was never rehearsed is rehearsed if `rehearses`. */
  open(plan: vscode.Uri, { rehearses }: { readonly rehearses: boolean }): void {
    if (!this.isShown(plan)) {
      this.play()?.cancel();
      this.uri = plan;
      this.sentOfSession = '';
      this.sentTraffic = this.trafficIsCurrent();
      this.showed.fire(this.parts);
    }
    const { state } = this.services.rehearsals.get(plan);
    if (rehearses && state === 'none') this.rehearse();
    this.playOwn();
    this.mark();
  }

  /** Plays a history again. `settled` hears what kept it from being all there. */
  retell(plan: vscode.Uri, told: Told, settled: (problem: string | null) => void): void {
    this.open(plan, { rehearses: true });
    this.play()?.retell(told, settled);
  }

  // ---- what is asked of it --------------------------------------------------------------------

  rehearse(): void {
    if (this.uri !== null && vscode.workspace.isTrusted) void this.services.rehearsals.rehearse(this.uri);
  }

  cancelRehearsal(): void {
    if (this.uri !== null) this.services.rehearsals.cancel(this.uri);
  }

  choose(finding: string | null): void {
    if (this.debugged.of(this.uri) === null) {
      this.play()?.choose(finding);
      return;
    }
    const why = vscode.l10n.t('The plan is being debugged. Another finding is shown when the session has ended.');
    void vscode.window.showInformationMessage(why);
  }

  cancelPlay(): void {
    this.play()?.cancel();
  }

  moveTo(playhead: Playhead, number: number): void {
    this.lastMove = number;
    if (this.debugged.of(this.uri) !== null) void this.debugged.moveTo(playhead);
    else if (this.play()?.moveTo(playhead) === true) this.mark();
  }

  async fork(history: number, moment: number, command: ForkCommand): Promise<Forking> {
    const debugged = this.debugged.of(this.uri);
    this.forking += 1;
    try {
      if (debugged !== null) return await this.debugged.fork(history, moment, command);
      return (await this.play()?.fork(history, moment, command)) ?? notPlayed();
    } finally {
      this.forking -= 1;
    }
  }

  async ask(playhead: Playhead, sql: string): Promise<Answered> {
    const debugged = this.debugged.of(this.uri);
    if (debugged !== null) return this.debugged.ask(debugged, playhead, sql);
    return (await this.play()?.ask(playhead, sql)) ?? notPlayed();
  }

  async setFollow(follow: boolean): Promise<void> {
    const kept = this.memory.update(followKey, follow);
    this.mark();
    this.showed.fire({ follow });
    await kept;
  }

  simulate(): void {
    if (this.uri !== null && vscode.workspace.isTrusted) void this.traffic.simulate(this.uri);
  }

  cancelSimulation(): void {
    if (this.uri !== null) this.traffic.cancel(this.uri);
  }

  /** The page is closed: nothing is played for it any more, and what was played is let go. */
  close(): void {
    this.setVisible(false);
    this.lastMove = 0;
    for (const play of this.plays.values()) play.dispose();
    this.plays.clear();
    if (this.uri !== null) this.traffic.cancel(this.uri);
    this.player.stop();
  }

  dispose(): void {
    for (const play of this.plays.values()) play.dispose();
    this.player.stop();
    this.subscriptions.dispose();
  }

  // ---- parts ----------------------------------------------------------------------------------

  private isShown(plan: vscode.Uri): boolean {
    return this.uri?.toString() === plan.toString();
  }

  private play(): PlanPlay | null {
    if (this.uri === null) return null;
    const key = this.uri.toString();
    const known = this.plays.get(key);
    if (known !== undefined) return known;
    const play = new PlanPlay(this.uri, this.player, this.services.rehearsals, () => vscode.workspace.isTrusted);
    this.plays.set(key, play);
    play.onDidChange(() => {
      if (this.isShown(play.plan) && this.debugged.of(play.plan) === null) this.played();
    });
    for (const [oldest, each] of this.plays) {
      if (this.plays.size <= mostPlays || oldest === key) break;
      each.dispose();
      this.plays.delete(oldest);
    }
    return play;
  }

  /** Only for a page that is seen, and while no debugger plays. */
  private playOwn(): void {
    if (this.isVisible && this.debugged.of(this.uri) === null) this.play()?.update();
  }

  private rehearsal(): Parts['rehearsal'] {
    if (this.uri === null) return noRehearsal;
    return rehearsalPart(this.services.rehearsals.get(this.uri), vscode.workspace.isTrusted);
  }

  private playPart(): PlayPart {
    const debugged = this.debugged.of(this.uri);
    if (debugged !== null) return this.debugged.part(debugged);
    const part = this.play()?.part ?? { kind: 'none' };
    return part.kind === 'ready' ? { ...part, answering: this.lastMove } : part;
  }

  private trafficPart(): Parts['traffic'] {
    return this.uri === null ? { kind: 'none' } : this.traffic.part(this.uri);
  }

  // ---- what happens elsewhere -----------------------------------------------------------------

  private rehearsed(): void {
    this.showed.fire({ rehearsal: this.rehearsal() });
    this.playOwn();
    this.touch();
  }

  private played(): void {
    this.showed.fire({ play: this.playPart() });
    this.mark();
  }

  /** What is shown is sent again only when it is of another text now, or of this one again. */
  private touch(): void {
    this.play()?.touch();
    const isCurrent = this.trafficIsCurrent();
    if (isCurrent === this.sentTraffic) return;
    this.sentTraffic = isCurrent;
    this.showed.fire({ traffic: this.trafficPart() });
  }

  private trafficIsCurrent(): boolean | null {
    const traffic = this.trafficPart();
    return traffic.kind === 'ready' ? traffic.isCurrent : null;
  }

  private trusted(): void {
    this.showed.fire({ rehearsal: this.rehearsal() });
    if (this.uri !== null && this.isVisible) this.open(this.uri, { rehearses: true });
  }

  private debuggerMoved(): void {
    const debugged = this.debugged.of(this.uri);
    if (debugged === null) {
      const had = this.sentOfSession !== '';
      this.sentOfSession = '';
      if (!had) return;
      this.played();
      this.playOwn();
      return;
    }
    const { session, playhead } = debugged;
    const now = `${session.id} ${playhead.histories.length}`;
    if (now !== this.sentOfSession) this.showed.fire({ play: this.debugged.part(debugged) });
    if (now === this.sentOfSession && !this.debugged.isEcho(debugged))
      this.moves.fire({ playhead: placeOf(playhead), answering: this.lastMove });
    this.sentOfSession = now;
    this.mark();
  }

  /** Somebody goes to the lines of another step: so does the playhead. */
  private cursorMoved({ textEditor, kind }: vscode.TextEditorSelectionChangeEvent): void {
    const byHand =
      kind === vscode.TextEditorSelectionChangeKind.Mouse || kind === vscode.TextEditorSelectionChangeKind.Keyboard;
    const play = this.play();
    if (!byHand || !this.follow || !this.isVisible || play === null || !this.isShown(textEditor.document.uri)) return;
    const { played, playhead } = play;
    if (played === null || playhead === null || this.debugged.of(this.uri) !== null) return;
    const { line } = textEditor.selection.active;
    const step = this.steps().find((place) => place.line <= line && line <= place.endLine)?.name;
    const moments = played.histories[playhead.history]?.moments ?? [];
    if (step === undefined || moments[playhead.moment]?.step?.name === step) return;
    const moment = moments.findIndex((each) => each.step?.name === step);
    if (moment === -1) return;
    const to = { history: playhead.history, moment, probe: null };
    play.moveTo(to);
    this.moves.fire({ playhead: to, answering: this.lastMove });
    this.mark();
  }

  /** Of the text on screen; none while that can't be read. */
  private steps(): ReturnType<typeof placesOf> {
    const result = this.uri === null ? undefined : this.services.plans.get(this.uri)?.result;
    return result?.ok === true ? placesOf(result.plan) : [];
  }

  private mark(): void {
    this.stood.fire();
    const marked = this.lineOfPlayhead();
    const { current } = this.line;
    if (marked?.line === current?.line && marked?.uri.toString() === current?.uri.toString()) return;
    this.line.show(marked);
  }

  /** Null where nothing is to be marked: the debugger marks its own. */
  private lineOfPlayhead(): MarkedLine | null {
    const play = this.play();
    if (!this.follow || !this.isVisible || play === null || this.debugged.of(this.uri) !== null) return null;
    const { played, playhead, plan } = play;
    if (played === null || playhead === null) return null;
    const main = played.histories[playhead.history]?.moments[playhead.moment];
    const moment = playhead.probe === null ? main : main?.probes[playhead.probe];
    return moment === undefined
      ? null
      : this.lineOf(plan, moment, played.texts.isCurrent(this.services.rehearsals.get(plan)));
  }

  /** In an older text lines are elsewhere; the step's is found by its name. */
  private lineOf(plan: vscode.Uri, { event, place, step }: Moment, isCurrent: boolean): MarkedLine | null {
    if (event === null) return null;
    if (!isCurrent) {
      const now = this.steps().find(({ name }) => name === step?.name);
      return now === undefined ? null : { uri: plan, line: now.line };
    }
    const isSeen = vscode.window.visibleTextEditors.some(
      ({ document }) => document.uri.toString() === fileUri(plan, place.file).toString(),
    );
    // SQL in a file of its own that nobody looks at: the step that names it.
    const shown = isSeen || place.file === planFile(plan).path ? place : (step?.place ?? place);
    return { uri: fileUri(plan, shown.file), line: shown.line - 1 };
  }
}

function notPlayed(): { readonly ok: false; readonly message: string } {
  return { ok: false, message: vscode.l10n.t('Nothing is being played.') };
}

export function nameOf(plan: vscode.Uri): string {
  return plan.scheme === 'untitled'
    ? (plan.path.split('/').at(-1) ?? plan.path)
    : vscode.workspace.asRelativePath(plan);
}
