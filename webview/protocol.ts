/**
 * What the stage (a page) and its host (the extension) say to each other. Types only: both sides import this. Each part of
 * what the stage shows is sent whole, never as a difference, so that a page that was hidden has missed nothing.
 */
import type { Answered, ForkCommand, History, Recording, View } from '../simulator/player/model.ts';
import type { Location } from '../simulator/plan/model.ts';
import type { PlanReport } from '../simulator/report/model.ts';
import type { Recording as TrafficRecording } from '../simulator/report/recording.ts';

export interface StagePlan {
  readonly uri: string;
  /** As people know it: relative to the workspace. */
  readonly name: string;
}

/** How the plan's rehearsal stands. `untrusted`: nothing of it may be run. */
export interface RehearsalPart {
  readonly state: 'none' | 'running' | 'fresh' | 'stale' | 'cancelled' | 'failed' | 'untrusted';
  /** The last there is, also while another rehearsal runs. */
  readonly report: PlanReport | null;
  /** Whether it is of the text on screen. */
  readonly isCurrent: boolean;
  readonly progress: {
    readonly phase: string;
    readonly step: string | null;
    readonly states: number;
    readonly findings: number;
  } | null;
  /** Why it failed. */
  readonly message: string | null;
}

/** Where everybody stands: in a moment of a history, or in one of the requests that are tried there. */
export interface Playhead {
  readonly history: number;
  readonly moment: number;
  readonly probe: number | null;
}

/** What is being played. `finding` is null for the plan's own course. */
export type PlayPart =
  | { readonly kind: 'none' }
  | { readonly kind: 'loading'; readonly finding: string | null; readonly message: string }
  | { readonly kind: 'cancelled'; readonly finding: string | null }
  | { readonly kind: 'failed'; readonly finding: string | null; readonly message: string }
  | PlayReady;

export interface PlayReady {
  readonly kind: 'ready';
  readonly finding: string | null;
  /** Who plays it: the stage itself, or a debug session, whose playhead is then the stage's. */
  readonly by: 'stage' | 'debugger';
  readonly recording: Recording;
  /** All there are, those of forks too. Moments name them by their index. */
  readonly views: readonly View[];
  /** By their ids: the one that was opened, then its forks. */
  readonly histories: readonly History[];
  readonly playhead: Playhead;
  /** The number of the last `moveTo` that was known then: where the page has moved on since, its own playhead counts. */
  readonly answering?: number;
  /** Whether it is of the text on screen. */
  readonly isCurrent: boolean;
}

export type TrafficPart =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'running';
      readonly phase: string;
      readonly step: string | null;
      /** Virtual seconds. */
      readonly seconds: number;
      readonly requests: number;
    }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'ready'; readonly recording: TrafficRecording; readonly isCurrent: boolean };

/** All that is shown. */
export interface Stage {
  /** Null: no plan is chosen yet. */
  readonly plan: StagePlan | null;
  readonly rehearsal: RehearsalPart;
  readonly play: PlayPart;
  readonly traffic: TrafficPart;
  /** Whether the plan's line is shown in the editor as the playhead moves, and the other way round. */
  readonly follow: boolean;
}

export type Forking =
  | { readonly ok: true; readonly history: number }
  | { readonly ok: false; readonly message: string };

/** What the page does when it is told to. */
export interface PageCalls {
  /** Parts that have changed, each whole. */
  show(parts: Partial<Stage>): void;
  /**
   * The playhead was moved by the debugger or the editor. `answering` is the number of the last `moveTo` that was known
   * then: a page that has moved on since ignores it.
   */
  moved(playhead: Playhead, answering: number): void;
  /** A command of the palette. */
  perform(command: 'next-event' | 'previous-event' | 'next-step' | 'previous-step' | 'next-finding' | 'export'): void;
}

/** What the page asks of its host. None rejects. */
export interface HostCalls {
  /** The page is there: everything, whole. */
  ready(): Promise<Stage>;
  rehearse(): void;
  cancelRehearsal(): void;
  /** Plays the history of a finding; of null, the plan's own course. */
  choose(finding: string | null): void;
  cancelPlay(): void;
  /** The page has moved its playhead already; `number` counts its moves. */
  moveTo(playhead: Playhead, number: number): void;
  /** Another future from a moment on. Its history comes with `show` before this answers. */
  fork(history: number, moment: number, command: ForkCommand): Promise<Forking>;
  /** SQL at a moment, read-only. */
  ask(playhead: Playhead, sql: string): Promise<Answered>;
  setFollow(follow: boolean): void;
  /** Shows a line of a file in the editor, with the cursor there. */
  reveal(place: Location): void;
  openRule(rule: string): void;
  debug(finding: string | null): void;
  simulate(): void;
  cancelSimulation(): void;
  /** Asks where to, and writes it. `content` is text, or base64 of a picture. */
  save(kind: 'svg' | 'png' | 'markdown', name: string, content: string): void;
  /** Writes the history with its plan as a lesson. */
  saveLesson(playhead: Playhead): void;
  /** A link that opens the plan and plays the history up to here again, on the clipboard. */
  copyLink(playhead: Playhead): void;
  copyText(text: string): void;
}
