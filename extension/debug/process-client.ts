/** Plays a plan in a process of its own, which lives as long as the session. */
import type { Limits, PlanFile } from '../rehearsal/protocol.ts';
import type { Job, SimulatorProcess } from '../rehearsal/simulator-process.ts';
import type { PlayerClient } from './client.ts';

export interface ProcessClientOptions {
  readonly start: (options: { readonly onLost: (reason: string) => void }) => SimulatorProcess;
  readonly planFile: () => PlanFile;
  readonly read: Job['read'];
  readonly limits: () => Limits;
}

export class ProcessClient implements PlayerClient {
  private readonly process: SimulatorProcess;
  private lost: (reason: string) => void = () => {};

  constructor(private readonly options: ProcessClientOptions) {
    this.process = options.start({ onLost: (reason) => this.lost(reason) });
  }

  get pid(): number | null {
    return this.process.pid;
  }

  open(
    { finding, versions }: Parameters<PlayerClient['open']>[0],
    onProgress: (message: string) => void,
    signal: AbortSignal,
  ) {
    const { planFile, read, limits } = this.options;
    const job: Job = {
      read,
      signal,
      onProgress: ({ phase, step, states }) =>
        onProgress(`${step === null ? phase : `${phase}: ${step}`}, ${states} states`),
    };
    return this.process.play(planFile(), { finding, versions }, limits(), job);
  }

  fork(...[history, moment, command]: Parameters<PlayerClient['fork']>): ReturnType<PlayerClient['fork']> {
    return this.process.fork(history, moment, command, { read: this.options.read });
  }

  ask(...[history, moment, sql, probe]: Parameters<PlayerClient['ask']>): ReturnType<PlayerClient['ask']> {
    return this.process.ask(history, moment, sql, probe, { read: this.options.read });
  }

  onLost(listener: (reason: string) => void): void {
    this.lost = listener;
  }

  close(): void {
    this.process.stop('the session has ended');
  }
}
