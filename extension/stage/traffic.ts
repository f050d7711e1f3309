/** Simulated traffic of each plan: a run at a time, in a process that ends with it. */
import * as vscode from 'vscode';
import type { TrafficPart } from '../../webview/protocol.ts';
import { planFile } from '../plans.ts';
import type { Rehearsals } from '../rehearsal/rehearsals.ts';
import type { SimulateProgress, SimulateReply } from '../rehearsal/protocol.ts';
import type { Services } from '../services.ts';
import { limitsOf } from '../settings.ts';
import { messageOf } from './stage-player.ts';
import { Texts } from './texts.ts';

/** A fifth of what the command line runs: somebody is looking on. */
const requests = 30_000;

interface Entry {
  part: TrafficPart;
  texts: Texts;
}

const none: TrafficPart = { kind: 'none' };

export class Traffic {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly entries = new Map<string, Entry>();
  private run: AbortController | null = null;
  private simulating: { readonly plan: vscode.Uri; readonly done: Promise<void> } | null = null;

  /** The plan whose traffic is another now. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly start: Services['startSimulator'],
    private readonly rehearsals: Rehearsals,
  ) {}

  part(plan: vscode.Uri): TrafficPart {
    const entry = this.entries.get(plan.toString());
    if (entry?.part.kind !== 'ready') return entry?.part ?? none;
    return { ...entry.part, isCurrent: entry.texts.isCurrent(this.rehearsals.get(plan)) };
  }

  /** One that runs already, of this or another plan, is cancelled: each takes two engines. */
  async simulate(plan: vscode.Uri): Promise<void> {
    while (this.simulating !== null) {
      this.run?.abort();
      await this.simulating.done;
    }
    const run = new AbortController();
    this.run = run;
    const done = this.perform(plan, run.signal);
    this.simulating = { plan, done };
    await done;
    if (this.run === run) this.simulating = null;
  }

  cancel(plan: vscode.Uri): void {
    if (this.simulating?.plan.toString() === plan.toString()) this.run?.abort();
  }

  dispose(): void {
    this.run?.abort();
    this.changed.dispose();
  }

  private async perform(plan: vscode.Uri, signal: AbortSignal): Promise<void> {
    const texts = new Texts(plan);
    const publish = (part: TrafficPart) => {
      this.entries.set(plan.toString(), { part, texts });
      this.changed.fire(plan);
    };
    const onTraffic = ({ phase, step, seconds, requests }: SimulateProgress) => {
      if (!signal.aborted) publish({ kind: 'running', phase, step, seconds, requests });
    };
    publish({ kind: 'running', phase: 'boot', step: null, seconds: 0, requests: 0 });
    const simulator = this.start({});
    const limits = limitsOf(plan);
    const reply = await simulator
      .simulate(planFile(plan), { requests }, limits, { read: texts.read, signal, onTraffic })
      .catch((error: unknown): SimulateReply => ({ ok: false, message: messageOf(error) }));
    simulator.stop(vscode.l10n.t('the simulation is over'));
    publish(outcome(reply, signal.aborted));
  }
}

function outcome(reply: SimulateReply, cancelled: boolean): TrafficPart {
  if (cancelled) return { kind: 'cancelled' };
  if (!reply.ok) return { kind: 'failed', message: reply.message };
  return { kind: 'ready', recording: reply.recording, isCurrent: true };
}
