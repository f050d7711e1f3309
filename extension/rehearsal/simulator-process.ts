/**
 * The host's end of the simulator's process: started on first use, killed when it has been idle for a while.
 * The process holds nothing that can't be had again, so it may die at any moment; calls under way then
 * reject with `SimulatorLost`, and the next call starts another.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createBirpc, type BirpcReturn } from 'birpc';
import type { Answered, ForkCommand, Forked } from '../../simulator/player/model.ts';
import type { PlanResult } from '../../simulator/plan/model.ts';
import type { Replay } from '../../simulator/rehearse.ts';
import type { RequestRun } from '../../simulator/explore/coverage.ts';
import type { Finding } from '../../simulator/report/model.ts';
import type { LanguageCalls } from '../language/protocol.ts';
import type {
  Fault,
  FixesReply,
  HostCalls,
  Limits,
  PlanFile,
  PlayReply,
  PlayRequest,
  Progress,
  RehearseReply,
  Rehearsed,
  SimulateProgress,
  SimulateReply,
  SimulatorCalls,
  TextEdit,
  TrafficRequest,
} from './protocol.ts';

/** How long a cancelled job may take to answer before its process is killed. */
const cancelPatienceMs = 500;

export class SimulatorLost extends Error {
  override readonly name = 'SimulatorLost';
}

/** What a job asks of whoever started it. */
export interface Job {
  readonly read: (path: string) => Promise<string>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onTraffic?: (progress: SimulateProgress) => void;
  readonly signal?: AbortSignal;
}

export interface SimulatorOptions {
  /** The bundle of worker.ts. */
  readonly script: string;
  readonly idleMs: () => number;
  readonly log: (line: string) => void;
  /** The process ended without having been stopped. */
  readonly onLost?: (reason: string) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly calls: BirpcReturn<SimulatorCalls, HostCalls>;
}

export class SimulatorProcess {
  private running: Running | null = null;
  private readonly jobs = new Map<number, Job>();
  private lastJob = 0;
  private started = 0;
  private idle: NodeJS.Timeout | null = null;

  constructor(private readonly options: SimulatorOptions) {}

  /** Null while there is no process. */
  get pid(): number | null {
    return this.running?.child.pid ?? null;
  }

  /** Which process runs, by its number among those that were started; null while there is none. What one holds the next does not. */
  get generation(): number | null {
    return this.running === null ? null : this.started;
  }

  /** When the process that runs now is gone; at once if there is none. */
  stopped(): Promise<void> {
    const { running } = this;
    return running === null ? Promise.resolve() : new Promise((resolve) => running.child.once('exit', () => resolve()));
  }

  load(plan: PlanFile, job: Job): Promise<PlanResult> {
    return this.call(job, (calls, number) => calls.load(number, plan));
  }

  rehearse(plan: PlanFile, limits: Limits, job: Job): Promise<RehearseReply> {
    return this.call(job, (calls, number) => calls.rehearse(number, plan, limits));
  }

  replay(plan: PlanFile, findingId: string, limits: Limits, job: Job): Promise<Replay | Fault> {
    return this.call(job, (calls, number) => calls.replay(number, plan, findingId, limits));
  }

  language<T>(job: Job, ask: (calls: LanguageCalls, number: number) => Promise<T>): Promise<T> {
    return this.call(job, ask);
  }

  play(plan: PlanFile, request: PlayRequest, limits: Limits, job: Job): Promise<PlayReply> {
    return this.call(job, (calls, number) => calls.play(number, plan, request, limits));
  }

  fork(history: number, moment: number, command: ForkCommand, job: Job): Promise<Forked> {
    return this.call(job, (calls, number) => calls.fork(number, history, moment, command));
  }

  ask(history: number, moment: number, sql: string, probe: number | null, job: Job): Promise<Answered> {
    return this.call(job, (calls, number) => calls.ask(number, history, moment, sql, probe));
  }

  fixes(rehearsed: Rehearsed, findingId: string, limits: Limits, job: Job): Promise<FixesReply> {
    return this.call(job, (calls, number) => calls.fixes(number, rehearsed, findingId, limits));
  }

  allow(rehearsed: Rehearsed, finding: Finding, reason: string, job: Job): Promise<TextEdit | null> {
    return this.call(job, (calls, number) => calls.allow(number, rehearsed, finding, reason));
  }

  coverage(rehearsed: Rehearsed, job: Job): Promise<readonly RequestRun[]> {
    return this.call(job, (calls, number) => calls.coverage(number, rehearsed));
  }

  simulate(plan: PlanFile, traffic: TrafficRequest, limits: Limits, job: Job): Promise<SimulateReply> {
    return this.call(job, (calls, number) => calls.simulate(number, plan, traffic, limits));
  }

  /** Kills the process; the next call starts another. */
  stop(reason: string): void {
    const { running } = this;
    this.running = null;
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = null;
    if (running === null) return;
    running.calls.$close(new SimulatorLost(reason));
    running.child.kill('SIGKILL');
  }

  dispose(): void {
    this.stop('Cutover was deactivated');
  }

  private async call<T>(job: Job, ask: (calls: Running['calls'], number: number) => Promise<T>): Promise<T> {
    const running = (this.running ??= this.start());
    const number = ++this.lastJob;
    this.jobs.set(number, job);
    if (this.idle !== null) clearTimeout(this.idle);
    let patience: NodeJS.Timeout | null = null;
    const cancel = () => {
      void running.calls.cancel(number);
      patience = setTimeout(() => {
        if (this.running === running) this.stop('it did not stop when it was asked to');
      }, cancelPatienceMs);
    };
    if (job.signal?.aborted === true) cancel();
    job.signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await ask(running.calls, number);
    } finally {
      job.signal?.removeEventListener('abort', cancel);
      if (patience !== null) clearTimeout(patience);
      this.jobs.delete(number);
      if (this.jobs.size === 0) this.rest();
    }
  }

  private rest(): void {
    if (this.running === null) return;
    this.idle = setTimeout(() => this.stop('it was idle'), this.options.idleMs());
    this.idle.unref();
  }

  private start(): Running {
    this.started += 1;
    const child = fork(this.options.script, [], {
      // Maps, which plans and reports are made of, cross as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      // In the desktop's extension host the executable is Electron, which is to act as Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    const calls = createBirpc<SimulatorCalls, HostCalls>(
      {
        readText: (job, path) => {
          const read = this.jobs.get(job)?.read;
          return read === undefined ? Promise.reject(new Error('the job has ended')) : read(path);
        },
        progress: (job, progress) => this.jobs.get(job)?.onProgress?.(progress),
        traffic: (job, progress) => this.jobs.get(job)?.onTraffic?.(progress),
      },
      {
        // A process that is gone says so by its `exit`.
        post: (data) => child.send(data, () => {}),
        on: (receive) => child.on('message', receive),
        eventNames: ['cancel'],
        timeout: -1,
      },
    );
    const running = { child, calls };
    child.stderr?.on('data', (data: Buffer) => this.options.log(data.toString().trimEnd()));
    child.on('error', (error) => this.lost(running, error.message));
    child.on('exit', (code, signal) => this.lost(running, `it ended with ${signal ?? `code ${code}`}`));
    return running;
  }

  private lost(running: Running, reason: string): void {
    if (this.running !== running) return;
    this.options.log(`The simulator's process was lost: ${reason}`);
    this.stop(reason);
    this.options.onLost?.(reason);
  }
}
