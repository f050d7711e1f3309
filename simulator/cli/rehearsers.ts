/** Those who rehearse plans: this thread, and others beside it, each with an engine of its own. */
import { createBirpc } from 'birpc';
import type { MessagePort, Worker } from 'node:worker_threads';
import type { Engine } from '../engine/engine.ts';
import type { Progress, Rehearsal, RehearseOptions } from '../rehearse.ts';
import { throttled } from '../report/throttled.ts';
import type { Simulator } from './run.ts';

export type Limits = Omit<RehearseOptions, 'signal' | 'onProgress'>;

export interface Rehearser {
  rehearse(file: string, limits: Limits, onProgress: (progress: Progress) => void): Promise<Rehearsal>;
  /** What is at work comes to an end soon, with what was found. */
  cancel(): void;
  close(): Promise<void>;
}

type Read = (path: string) => Promise<string>;

/** One engine for all plans: it begins each with an empty database, and what it has learned of one helps with variants of it. */
export class Engines {
  private engine: Promise<Engine> | null = null;
  private isUsed = false;

  constructor(private readonly start: () => Promise<Engine>) {}

  /** It boots while the first plan is being read. One under which something failed is not lent again. */
  async lend<T>(work: (engine: () => Promise<Engine>) => Promise<T>): Promise<T> {
    const engine = (this.engine ??= this.start());
    engine.catch(() => {});
    try {
      return await work(() => {
        this.isUsed = true;
        return engine;
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** An invalid plan never asks for it: then nobody waits for it, and that it did not start is no failure. */
  async close(): Promise<void> {
    const { engine, isUsed } = this;
    this.engine = null;
    this.isUsed = false;
    const closed = engine?.then((started) => started.close()).catch(() => {});
    if (isUsed) await closed;
  }
}

/** Rehearses in this thread. */
export class OwnRehearser implements Rehearser {
  private readonly engines: Engines;
  private readonly controller = new AbortController();

  constructor(
    private readonly simulator: Pick<Simulator, 'rehearse' | 'startEngine'>,
    private readonly read: Read,
  ) {
    this.engines = new Engines(simulator.startEngine);
  }

  rehearse(file: string, limits: Limits, onProgress: (progress: Progress) => void): Promise<Rehearsal> {
    const { signal } = this.controller;
    return this.engines.lend((engine) =>
      this.simulator.rehearse(file, this.read, engine, { ...limits, signal, onProgress }),
    );
  }

  cancel(): void {
    this.controller.abort();
  }

  close(): Promise<void> {
    return this.engines.close();
  }
}

/** As it crosses from thread to thread, where an error would lose what it holds. */
type Reply =
  | { readonly ok: true; readonly rehearsal: Rehearsal }
  | { readonly ok: false; readonly name: string; readonly message: string; readonly sql: string | null };

interface ThreadCalls {
  rehearse(file: string, limits: Limits): Promise<Reply>;
  cancel(): void;
}

interface HostCalls {
  progress(progress: Progress): void;
}

/** What an error of another thread is here. */
class ThreadFault extends Error {
  constructor({ name, message, sql }: Reply & { ok: false }) {
    super(message);
    this.name = name;
    this.sql = sql;
  }

  readonly sql: string | null;
}

/** Rehearses in a thread that `serveRehearser` serves. */
export class ThreadRehearser implements Rehearser {
  private onProgress: (progress: Progress) => void = () => {};
  private readonly thread;
  /** It ended by itself, which it should not. */
  private readonly lost: Promise<never>;

  constructor(private readonly worker: Worker) {
    this.thread = createBirpc<ThreadCalls, HostCalls>(
      { progress: (progress) => this.onProgress(progress) },
      {
        post: (data) => worker.postMessage(data),
        on: (receive) => worker.on('message', receive),
        eventNames: ['cancel'],
        timeout: -1,
      },
    );
    this.lost = new Promise((_, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('the thread that rehearsed it has ended')));
    });
    this.lost.catch(() => {});
  }

  async rehearse(file: string, limits: Limits, onProgress: (progress: Progress) => void): Promise<Rehearsal> {
    this.onProgress = onProgress;
    const reply = await Promise.race([this.thread.rehearse(file, limits), this.lost]);
    if (!reply.ok) throw new ThreadFault(reply);
    return reply.rehearsal;
  }

  cancel(): void {
    void this.thread.cancel();
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

const progressIntervalMs = 80;

/** The other end: in the thread. */
export function serveRehearser(port: MessagePort, simulator: Promise<Simulator>, read: Read): void {
  const rehearser = simulator.then((loaded) => new OwnRehearser(loaded, read));
  const host = createBirpc<HostCalls, ThreadCalls>(
    {
      rehearse: async (file, limits) => {
        const own = await rehearser;
        return own
          .rehearse(
            file,
            limits,
            throttled(progressIntervalMs, (progress) => void host.progress(progress)),
          )
          .then((rehearsal): Reply => ({ ok: true, rehearsal }), failed);
      },
      cancel: () => void rehearser.then((own) => own.cancel()),
    },
    {
      post: (data) => port.postMessage(data),
      on: (receive) => port.on('message', receive),
      eventNames: ['progress'],
      timeout: -1,
    },
  );
}

function failed(error: unknown): Reply {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const sql = error instanceof Error && 'sql' in error && typeof error.sql === 'string' ? error.sql : null;
  return { ok: false, name, message, sql };
}
