/** What the page shows, as signals; and what it remembers for itself over a reload. The one place that its parts share. */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { History, Moment, View } from '../simulator/player/model.ts';
import type { Finding, PlanReport } from '../simulator/report/model.ts';
import { momentOf, type Target } from './model/course.ts';
import type {
  HostCalls,
  PlayPart,
  PlayReady,
  Playhead,
  RehearsalPart,
  Stage,
  StagePlan,
  TrafficPart,
} from './protocol.ts';

export type Pane = 'row' | 'events' | 'sql' | 'what-if' | 'traffic';

/** The row whose biography is shown. `key` is as recordings name rows: `id=1`. */
export interface RowChoice {
  readonly table: string;
  readonly key: string;
}

/** What is kept over a reload: choices of whoever looks, nothing that can be had again. */
export interface Remembered {
  readonly plan: string | null;
  readonly pane: Pane;
  /** Null: the row that the finding is about. */
  readonly row: RowChoice | null;
  /** The request whose SQL is compared. Null: that of the playhead, or of the finding. */
  readonly request: string | null;
  readonly matrixOpen: boolean;
  /** Whether every way back is shown, and not only how far each step reaches. */
  readonly waysBackOpen: boolean;
  /** Whether the requests that were tried at a moment are listed under it. */
  readonly triedOpen: boolean;
}

export const nothingRemembered: Remembered = {
  plan: null,
  pane: 'row',
  row: null,
  request: null,
  matrixOpen: true,
  waysBackOpen: false,
  triedOpen: false,
};

const noRehearsal: RehearsalPart = { state: 'none', report: null, isCurrent: false, progress: null, message: null };

/** Where the page keeps what it remembers: the editor's own store. */
export interface Memory {
  get(): Remembered | null;
  set(remembered: Remembered): void;
}

export class Store {
  /** False until the host has said what there is. */
  readonly isReady = signal(false);
  readonly plan = signal<StagePlan | null>(null);
  readonly rehearsal = signal<RehearsalPart>(noRehearsal);
  readonly play = signal<PlayPart>({ kind: 'none' });
  readonly traffic = signal<TrafficPart>({ kind: 'none' });
  readonly follow = signal(true);
  readonly remembered: Signal<Remembered>;
  /** Moves at once, before anybody is told. */
  readonly playhead = signal<Playhead>({ history: 0, moment: 0, probe: null });
  /** What was just done, for a screen reader; the sentence at the playhead has a region of its own. */
  readonly announcement = signal('');

  readonly report: ReadonlySignal<PlanReport | null> = computed(() => this.rehearsal.value.report);
  readonly ready: ReadonlySignal<PlayReady | null> = computed(() =>
    this.play.value.kind === 'ready' ? this.play.value : null,
  );
  readonly history: ReadonlySignal<History | null> = computed(
    () => this.ready.value?.histories[this.playhead.value.history] ?? null,
  );
  readonly moment: ReadonlySignal<Moment | null> = computed(() => {
    const { moment, probe } = this.playhead.value;
    const main = this.history.value?.moments[moment] ?? null;
    return probe === null ? main : (main?.probes[probe] ?? main);
  });
  readonly view: ReadonlySignal<View | null> = computed(() => this.viewOf(this.moment.value));
  /** The finding whose history is played. */
  readonly finding: ReadonlySignal<Finding | null> = computed(() => this.ready.value?.recording.finding ?? null);

  /** The finding whose history is played, or is being opened. Null: the plan's own course, or nothing. */
  readonly chosen: ReadonlySignal<string | null> = computed(() =>
    this.play.value.kind === 'none' ? null : this.play.value.finding,
  );
  /** The dialog, menu or list that is open over the page. One at a time. */
  readonly open = signal<'help' | 'export' | 'histories' | null>(null);

  /** Where to go once the history that was asked for is there. */
  target: { readonly finding: string | null; readonly target: Target } | null = null;
  private moves = 0;

  constructor(
    readonly host: HostCalls,
    private readonly memory: Memory,
  ) {
    // What an older page has remembered may lack what is remembered now.
    this.remembered = signal({ ...nothingRemembered, ...memory.get() });
  }

  viewOf(moment: Moment | null): View | null {
    return moment === null ? null : (this.ready.value?.views[moment.view] ?? null);
  }

  show(parts: Partial<Stage>): void {
    batch(() => this.take(parts));
  }

  private take(parts: Partial<Stage>): void {
    if (parts.plan !== undefined) this.plan.value = parts.plan;
    if (parts.rehearsal !== undefined) this.rehearsal.value = parts.rehearsal;
    if (parts.traffic !== undefined) this.traffic.value = parts.traffic;
    if (parts.follow !== undefined) this.follow.value = parts.follow;
    if (parts.play !== undefined) {
      const before = this.ready.peek();
      this.play.value = parts.play;
      if (parts.play.kind === 'ready') this.arrive(parts.play, before);
    }
    this.isReady.value = true;
  }

  private arrive(play: PlayReady, before: PlayReady | null): void {
    const wanted = this.target?.finding === play.finding ? this.target.target : null;
    const [opened] = play.histories;
    const moment = wanted === null || opened === undefined ? null : momentOf(opened, wanted);
    this.target = null;
    if (!this.hasMovedOn(play, before)) this.playhead.value = play.playhead;
    if (moment !== null) this.moveTo({ history: play.playhead.history, moment, probe: null });
  }

  /** A snapshot of the same recording crosses a move of this page, which the host will hear of. */
  private hasMovedOn(play: PlayReady, before: PlayReady | null): boolean {
    const isSame = before !== null && before.finding === play.finding && before.by === play.by;
    const { history, moment } = this.playhead.peek();
    const isThere = play.histories[history]?.moments[moment] !== undefined;
    return isSame && isThere && play.answering !== undefined && play.answering < this.moves;
  }

  /** Moved by somebody else. Where this page has moved on since, its own move counts. */
  moved(playhead: Playhead, answering: number): void {
    if (answering >= this.moves) this.playhead.value = playhead;
  }

  /** Moves the playhead, here at once and then everywhere. Places that do not exist are ignored. */
  moveTo(playhead: Playhead): void {
    const history = this.ready.value?.histories[playhead.history];
    const moment = history?.moments[playhead.moment];
    if (moment === undefined) return;
    if (playhead.probe !== null && moment.probes[playhead.probe] === undefined) return;
    const now = this.playhead.value;
    if (now.history === playhead.history && now.moment === playhead.moment && now.probe === playhead.probe) return;
    this.playhead.value = playhead;
    this.moves += 1;
    this.host.moveTo(playhead, this.moves);
  }

  goToMoment(moment: number): void {
    this.moveTo({ ...this.playhead.value, moment, probe: null });
  }

  remember(change: Partial<Remembered>): void {
    this.remembered.value = { ...this.remembered.value, ...change };
    this.memory.set(this.remembered.value);
  }
}
