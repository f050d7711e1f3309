/** What the extension host and the simulator's process say to each other. Types only: both sides import this. */
import type { RequestRun } from '../../simulator/explore/coverage.ts';
import type { TextEdit } from '../../simulator/fixes/document.ts';
import type { ConfirmedFix } from '../../simulator/fixes/fixes.ts';
import type { Answered, ForkCommand, Forked, Recording } from '../../simulator/player/model.ts';
import type { PlanResult } from '../../simulator/plan/model.ts';
import type { Progress, Replay } from '../../simulator/rehearse.ts';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import type { Recording as TrafficRecording } from '../../simulator/report/recording.ts';
import type { SimulateProgress } from '../../simulator/traffic/simulate.ts';
import type { LanguageCalls } from '../language/protocol.ts';

export interface PlanFile {
  /** The path by which the plan is known to the simulator; files that it names are resolved against it. */
  readonly path: string;
  /** A leading part of paths that people need not read: the workspace's folder. */
  readonly root: string;
}

export interface Limits {
  readonly timeoutMs: number;
  /** 1: each version also lives one deploy longer than planned. */
  readonly stragglers: 0 | 1;
}

/** The simulator's process failed, or lost its engine in a way that left no report. */
export interface Fault {
  readonly ok: false;
  readonly message: string;
}

export type RehearseReply =
  | {
      readonly ok: true;
      readonly report: PlanReport;
      /** Every file that was read, by the path that was asked for. */
      readonly sources: ReadonlyMap<string, string>;
      /** The report as the command line would print it. */
      readonly text: string;
      /** For each finding, by its id: a line for each event of its trace. */
      readonly traces: ReadonlyMap<string, readonly string[]>;
    }
  | Fault;

/** What is to be played: a plan's own course, or the trace of one of its findings. */
export interface PlayRequest {
  readonly finding: string | null;
  /** Versions whose requests are tried at each moment; null: all that are live. */
  readonly versions: readonly string[] | null;
}

export type PlayReply =
  | { readonly ok: true; readonly recording: Recording }
  | { readonly ok: false; readonly message: string; readonly errors: PlanReport['errors'] };

/** How much of it is run. */
export interface TrafficRequest {
  /** About how many requests in all. */
  readonly requests: number;
}

export type SimulateReply = { readonly ok: true; readonly recording: TrafficRecording } | Fault;

/** A plan as it was rehearsed. */
export interface Rehearsed {
  readonly report: PlanReport;
  readonly sources: ReadonlyMap<string, string>;
}

export type FixesReply = { readonly ok: true; readonly fixes: readonly ConfirmedFix[] } | Fault;

/** What the simulator's process answers. `job` is a number that the host gives to each call. */
export interface SimulatorCalls extends LanguageCalls {
  load(job: number, plan: PlanFile): Promise<PlanResult>;
  rehearse(job: number, plan: PlanFile, limits: Limits): Promise<RehearseReply>;
  replay(job: number, plan: PlanFile, findingId: string, limits: Limits): Promise<Replay | Fault>;
  /**
   * Plays a plan. The engine stays: what was played can then be asked and forked. One at a time. A finding of texts that
   * were rehearsed for the last one is played without being rehearsed again.
   */
  play(job: number, plan: PlanFile, request: PlayRequest, limits: Limits): Promise<PlayReply>;
  fork(job: number, history: number, moment: number, command: ForkCommand): Promise<Forked>;
  ask(job: number, history: number, moment: number, sql: string, probe: number | null): Promise<Answered>;
  /** Fixes of one finding that another rehearsal has confirmed. */
  fixes(job: number, rehearsed: Rehearsed, findingId: string, limits: Limits): Promise<FixesReply>;
  /** The edit that accepts a finding; null where there is none. `reason` is YAML. */
  allow(job: number, rehearsed: Rehearsed, finding: Finding, reason: string): Promise<TextEdit | null>;
  /** Which requests ran where. */
  coverage(job: number, rehearsed: Rehearsed): Promise<readonly RequestRun[]>;
  /** Mixed traffic in virtual time, on two engines. */
  simulate(job: number, plan: PlanFile, traffic: TrafficRequest, limits: Limits): Promise<SimulateReply>;
  /** Ends the job soon; its call still answers, with what was found. */
  cancel(job: number): void;
}

/** What the host answers while a job runs. */
export interface HostCalls {
  /** The text of a file as it is on screen, else as it is on disk. Rejects if there is none. */
  readText(job: number, path: string): Promise<string>;
  progress(job: number, progress: Progress): void;
  traffic(job: number, progress: SimulateProgress): void;
}

export type { ConfirmedFix, Progress, SimulateProgress, TextEdit };
