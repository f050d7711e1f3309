/** What features build on. Made once at activation, which starts no process and loads no simulator. */
import * as vscode from 'vscode';
import { DebugSeam } from './debug-seam.ts';
import { PlayheadStore } from './debug/playhead.ts';
import { Fixes } from './fixes/fixes.ts';
import { LoadedPlans } from './loaded-plans.ts';
import { Rehearsals } from './rehearsal/rehearsals.ts';
import { SimulatorProcess } from './rehearsal/simulator-process.ts';
import { idleMs } from './settings.ts';
import { StageSeam } from './stage-seam.ts';

/** The longest that a timer takes. */
const longestDelayMs = 2 ** 31 - 1;

export interface StartOptions {
  readonly onLost?: (reason: string) => void;
  /** How long it may rest before it is stopped; for as long as it takes, if it is not given. */
  readonly idleMs?: () => number;
}

export interface Services {
  readonly extensionUri: vscode.Uri;
  /** Plans as they are typed. */
  readonly plans: LoadedPlans;
  /** Reports, and whether they are still true. */
  readonly rehearsals: Rehearsals;
  /** Loads plans. A process of its own, so that a rehearsal at work never delays what is typed. */
  readonly loader: SimulatorProcess;
  /** Rehearses plans. */
  readonly rehearser: SimulatorProcess;
  /** Where a debug session stands. */
  readonly playhead: PlayheadStore;
  /** Another process, for what needs an engine of its own; whoever asks for it stops it. */
  readonly startSimulator: (options: StartOptions) => SimulatorProcess;
  /** Tries fixes, with less of the processor than anything else gets. */
  readonly checker: SimulatorProcess;
  /** What is known to mend a finding. */
  readonly fixes: Fixes;
  /** How a finding is stepped through: whoever can do it registers here. */
  readonly debug: DebugSeam;
  /** How a history is shown on the stage: whoever can do it registers here. */
  readonly stage: StageSeam;
  readonly log: (line: string) => void;
}

/** Between two rehearsals somebody types: a process that only tries fixes need not stay for it. */
const checkerIdleMs = 10_000;

/** A part of the extension: subscribes to what it needs, and gives what ends it. */
export type Feature = (services: Services) => vscode.Disposable;

export function createServices(context: vscode.ExtensionContext): Services {
  const log = logger(context);
  // Extensions run where Node runs: these files are always on a disk, unlike those of the workspace.
  const script = context.asAbsolutePath('dist/simulator-process.cjs');
  const loader = new SimulatorProcess({ script, idleMs, log });
  const rehearser = new SimulatorProcess({ script, idleMs, log });
  const checker = new SimulatorProcess({ script, idleMs: () => checkerIdleMs, log });
  const plans = new LoadedPlans(loader, log);
  const rehearsals = new Rehearsals(rehearser, () => vscode.workspace.isTrusted);
  const fixes = new Fixes(checker, rehearsals);
  const debug = new DebugSeam();
  const stage = new StageSeam();
  const playhead = new PlayheadStore();
  // It holds what was played, and is stopped by whoever started it.
  const startSimulator: Services['startSimulator'] = (options) =>
    new SimulatorProcess({ script, idleMs: () => longestDelayMs, log, ...options });
  const processes = { loader, rehearser, checker, startSimulator };
  context.subscriptions.push(fixes, plans, rehearsals, loader, rehearser, checker, playhead);
  return { extensionUri: context.extensionUri, plans, rehearsals, ...processes, fixes, debug, stage, playhead, log };
}

/** The channel is made with its first line. */
function logger(context: vscode.ExtensionContext): (line: string) => void {
  let channel: vscode.LogOutputChannel | null = null;
  return (line) => {
    if (channel === null) {
      channel = vscode.window.createOutputChannel('Cutover Log', { log: true });
      context.subscriptions.push(channel);
    }
    channel.info(line);
  };
}
