/** What is kept over a reload of the window: the plan on the stage, and the history that was shown of it. */
import * as vscode from 'vscode';
import { readTold } from './told-reader.ts';
import type { Stage } from './stage.ts';
import type { Told } from './told.ts';

const key = 'cutover.stage.shown';
/** Moving is quick, and what is written is written to a disk. */
const pauseMs = 300;

export interface Shown {
  readonly plan: vscode.Uri;
  /** Null where nothing was played. */
  readonly told: Told | null;
}

export class StageMemory {
  private timer: NodeJS.Timeout | null = null;
  private readonly subscriptions: vscode.Disposable;

  constructor(
    private readonly stage: Stage,
    private readonly memory: vscode.Memento,
  ) {
    this.subscriptions = vscode.Disposable.from(
      stage.onDidShow(() => this.soon()),
      stage.onDidStand(() => this.soon()),
    );
  }

  /** Null when there is nothing, or what was remembered can't be read any more. */
  get(): Shown | null {
    const value = this.memory.get<{ readonly plan?: unknown; readonly told?: unknown }>(key);
    if (typeof value?.plan !== 'string') return null;
    try {
      return { plan: vscode.Uri.parse(value.plan, true), told: readTold(value.told) };
    } catch {
      return null;
    }
  }

  /** At once: what waits to be written is written. */
  async write(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { plan } = this.stage;
    if (plan === null) return;
    const told = this.stage.told();
    const before = this.get();
    // While it is played again nothing of it is known: what was remembered of the same plan stays.
    if (told === null && before?.plan.toString() === plan.toString()) return;
    const value = { plan: plan.toString(), told };
    if (JSON.stringify(value) !== JSON.stringify(this.memory.get(key))) await this.memory.update(key, value);
  }

  dispose(): void {
    if (this.timer !== null) void this.write();
    this.subscriptions.dispose();
  }

  private soon(): void {
    this.timer ??= setTimeout(() => void this.write(), pauseMs);
  }
}
