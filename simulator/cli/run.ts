/** The commands. Files, terminal, clock and the simulator itself are handed in; the result is an exit code. */
import { dirname } from 'node:path';
import type { Engine, EngineFault } from '../engine/engine.ts';
import type { PlanResult } from '../plan/model.ts';
import type { Rehearsal, rehearse, replay } from '../rehearse.ts';
import type { simulate } from '../traffic/simulate.ts';
import { renderJson } from '../report/json.ts';
import type { PlanReport } from '../report/model.ts';
import { renderReplay } from '../report/replay.ts';
import { renderPlanErrors, renderText } from '../report/text.ts';
import { oneLine, visible } from '../report/words.ts';
import { readArguments, type Command, type Options } from './arguments.ts';
import { helpText } from './help.ts';
import { PlanQueue } from './plan-queue.ts';
import { progressLine, searchParts, type ProgressFacts, type Terminal } from './progress.ts';
import { Engines, OwnRehearser, type Limits, type Rehearser } from './rehearsers.ts';
import { simulatePlan } from './simulate.ts';

/** The simulator's parts, loaded when a command needs them. */
export interface Simulator {
  readonly loadPlan: (file: string, read: (path: string) => Promise<string>) => Promise<PlanResult>;
  readonly rehearse: typeof rehearse;
  readonly replay: typeof replay;
  readonly simulate: typeof simulate;
  readonly startEngine: () => Promise<Engine>;
}

export interface Surroundings {
  readonly version: string;
  readonly out: Terminal & { readonly colour: boolean };
  readonly err: Terminal;
  readonly now: () => number;
  /** Prints the stack of what should not have happened. */
  readonly debug: boolean;
  readonly readFile: (path: string) => Promise<string>;
  readonly writeFile: (path: string, text: string) => Promise<void>;
  /** Calls back at each Ctrl-C; gives what stops that. */
  readonly onInterrupt: (callback: () => void) => () => void;
  readonly load: () => Promise<Simulator>;
  readonly cores: number;
  /** Starts as many that rehearse beside this thread. */
  readonly beside: (count: number) => readonly Rehearser[];
}

export type ExitCode = 0 | 1 | 2 | 3;

const exitCodes = { safe: 0, unsafe: 1, invalid: 2, unproven: 3 } as const;
/** Worst first: of several plans the worst one gives the exit code. */
const bySeverity: readonly ExitCode[] = [2, 1, 3, 0];

export async function run(argv: readonly string[], io: Surroundings): Promise<ExitCode> {
  const parsed = readArguments(argv);
  if (!parsed.ok) return misuse(io, parsed.message);
  const { command } = parsed;
  const missing = await unreadable(command, io);
  if (missing !== null) return complain(io, missing);
  try {
    return await perform(command, io);
  } catch (error) {
    return fault(io, error);
  }
}

function perform(command: Command, io: Surroundings): Promise<ExitCode> {
  switch (command.kind) {
    case 'help':
      io.out.write(helpText);
      return Promise.resolve(0);
    case 'version':
      io.out.write(`${io.version}\n`);
      return Promise.resolve(0);
    case 'check':
      return checkPlans(command.plans, command.options, io);
    case 'rehearse':
      return rehearsePlans(command.plans, command.options, io);
    case 'replay':
      return replayFinding(command, io);
    case 'simulate':
      return interruptible(io, (signal) => simulatePlan(command, io, signal));
  }
}

function misuse(io: Surroundings, message: string): ExitCode {
  return complain(io, `${message}\nTry: cutover --help`);
}

function complain(io: Surroundings, message: string): ExitCode {
  io.err.write(`cutover: ${message}\n`);
  return 2;
}

/** What is said when a file of the command line can't be read; null when all can. */
async function unreadable(command: Command, io: Surroundings): Promise<string | null> {
  const plans = 'plan' in command ? [command.plan] : 'plans' in command ? command.plans : [];
  for (const plan of plans) {
    try {
      await io.readFile(plan);
    } catch (error) {
      return `${visible(plan)}: ${readFailure(error)}`;
    }
  }
  return null;
}

function readFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
  if (code === 'EISDIR') return 'is a directory; give a plan, such as plan.cutover.yaml';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read';
  return error instanceof Error ? oneLine(error.message) : 'can not be read';
}

/** A plan's statement that the engine did not survive, or a defect: said in a sentence, without a stack. */
function fault(io: Surroundings, error: unknown, file?: string): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`cutover: ${file === undefined ? '' : `${visible(file)}: `}${oneLine(message)}`];
  if (isEngineFault(error) && error.sql !== null) lines.push(`  in the statement: ${oneLine(error.sql)}`);
  if (io.debug && error instanceof Error) lines.push(error.stack ?? '');
  io.err.write(`${lines.join('\n')}\n`);
  return 3;
}

/** By name: the class itself would load the engine. */
function isEngineFault(error: unknown): error is EngineFault {
  return error instanceof Error && error.name === 'EngineFault';
}

function worst(codes: readonly ExitCode[]): ExitCode {
  return bySeverity.find((code) => codes.includes(code)) ?? 0;
}

async function checkPlans(files: readonly string[], options: Options, io: Surroundings): Promise<ExitCode> {
  const { loadPlan } = await io.load();
  const checked = [];
  for (const file of files) checked.push({ file, result: await loadPlan(file, io.readFile) });
  if (options.format === 'json') io.out.write(checkJson(checked));
  else for (const { file, result } of checked) io.out.write(checkText(file, result, io));
  return checked.every(({ result }) => result.ok) ? 0 : 2;
}

function checkText(file: string, result: PlanResult, io: Surroundings): string {
  if (!result.ok) return renderPlanErrors(file, result.errors, { ...io.out, sources: result.sources });
  const { versions, steps, title } = result.plan;
  return `✓ valid: ${visible(title)}\n  ${visible(file)}: ${versions.length} versions, ${steps.length} steps\n`;
}

function checkJson(checked: readonly { readonly file: string; readonly result: PlanResult }[]): string {
  const plans = checked.map(({ file, result }) => ({
    file,
    valid: result.ok,
    errors: result.ok ? [] : result.errors.map(({ location, ...rest }) => ({ ...rest, ...location })),
  }));
  return `${JSON.stringify({ cutover: 1, plans }, null, 2)}\n`;
}

/** Memory is what limits it: each holds a Postgres. */
const mostAtATime = 4;

async function rehearsePlans(files: readonly string[], options: Options, io: Surroundings): Promise<ExitCode> {
  const own = new OwnRehearser(await io.load(), io.readFile);
  const rehearsers = [own, ...io.beside(Math.min(io.cores, mostAtATime, files.length) - 1)];
  const course = new Course(files, options, io);
  try {
    return await interruptible(io, async (signal) => {
      signal.addEventListener('abort', () => rehearsers.forEach((each) => each.cancel()));
      await Promise.all(rehearsers.map((each) => course.follow(each, signal)));
      return course.end();
    });
  } finally {
    await Promise.all(rehearsers.map((each) => each.close()));
  }
}

type Rehearsed =
  | { readonly kind: 'report'; readonly rehearsal: Rehearsal }
  | { readonly kind: 'fault'; readonly error: unknown }
  | { readonly kind: 'stopped' };

/** Plans that are rehearsed in any order, and told of in the order in which they were given. */
class Course {
  private readonly queue: PlanQueue;
  private readonly results: (Rehearsed | undefined)[] = [];
  private readonly running = new Set<number>();
  private readonly progress;
  private readonly reports: PlanReport[] = [];
  private readonly codes: ExitCode[] = [];

  constructor(
    private readonly files: readonly string[],
    private readonly options: Options,
    private readonly io: Surroundings,
  ) {
    this.queue = new PlanQueue(files);
    this.progress = progressLine(io.err, io.now, searchParts);
  }

  /** Gives one plan after the other to a rehearser, until none is left. */
  async follow(rehearser: Rehearser, signal: AbortSignal): Promise<void> {
    let directory: string | null = null;
    for (;;) {
      const index = this.queue.next(directory);
      if (index === null) return;
      directory = dirname(this.files[index] ?? '');
      this.running.add(index);
      const result = signal.aborted ? ({ kind: 'stopped' } as const) : await this.rehearse(rehearser, index);
      this.running.delete(index);
      this.settle(index, result);
    }
  }

  private async rehearse(rehearser: Rehearser, index: number): Promise<Rehearsed> {
    // The first of those at work is what comes next on the terminal.
    const onProgress = (facts: ProgressFacts): void => {
      if (index === Math.min(...this.running)) this.progress.update(facts);
    };
    try {
      const rehearsal = await rehearser.rehearse(this.files[index] ?? '', limits(this.options), onProgress);
      return { kind: 'report', rehearsal };
    } catch (error) {
      // The plans after it are rehearsed all the same.
      return { kind: 'fault', error };
    }
  }

  private settle(index: number, result: Rehearsed): void {
    this.results[index] = result;
    this.progress.clear();
    for (let next = this.codes.length; next < this.files.length; next++) {
      const due = this.results[next];
      if (due === undefined) return;
      this.codes.push(this.tell(this.files[next] ?? '', due));
    }
  }

  private tell(file: string, result: Rehearsed): ExitCode {
    const { io } = this;
    if (result.kind === 'fault') return fault(io, result.error, file);
    if (result.kind === 'stopped') {
      io.err.write(`cutover: stopped before ${visible(file)}\n`);
      return exitCodes.unproven;
    }
    const { report, sources } = result.rehearsal;
    const gap = this.reports.length > 0 ? '\n' : '';
    if (this.options.format === 'text') io.out.write(gap + renderText(report, { ...io.out, sources, elapsed: true }));
    this.reports.push(report);
    return exitCodes[report.verdict];
  }

  end(): ExitCode {
    if (this.options.format === 'json') this.io.out.write(renderJson({ cutover: 1, plans: this.reports }));
    return worst(this.codes);
  }
}

async function replayFinding(command: Extract<Command, { kind: 'replay' }>, io: Surroundings): Promise<ExitCode> {
  const { plan, finding: id, options } = command;
  const simulator = await io.load();
  const engines = new Engines(simulator.startEngine);
  const progress = progressLine(io.err, io.now, searchParts);
  return interruptible(io, async (signal) => {
    const settings = { ...limits(options), signal, onProgress: progress.update };
    const result = await replayOn(engines, (engine) =>
      simulator.replay(plan, io.readFile, engine, id, settings),
    ).finally(() => progress.clear());
    if (!result.ok) {
      const { report, sources } = result.rehearsal;
      if (report.verdict === 'invalid')
        io.err.write(renderText(report, { ...io.err, colour: false, sources, elapsed: false }));
      const ids = report.findings.map((finding) => visible(finding.id)).join(', ');
      complain(io, result.message + (ids === '' ? '' : `; this plan has ${ids}`));
      return report.verdict === 'unproven' ? 3 : 2;
    }
    const { finding, lines } = result;
    if (options.format === 'json') io.out.write(`${JSON.stringify({ cutover: 1, finding, lines }, null, 2)}\n`);
    else io.out.write(renderReplay(finding, lines, { ...io.out, file: plan, sources: await sourceOf(plan, io) }));
    return 1;
  });
}

async function replayOn<T>(engines: Engines, work: (engine: () => Promise<Engine>) => Promise<T>): Promise<T> {
  try {
    return await engines.lend(work);
  } finally {
    await engines.close();
  }
}

async function sourceOf(plan: string, io: Surroundings): Promise<ReadonlyMap<string, string>> {
  return new Map([[plan, await io.readFile(plan)]]);
}

function limits(options: Options): Limits {
  return {
    ...(options.maxStates === null ? {} : { maxStates: options.maxStates }),
    ...(options.stragglers === 0 ? {} : { stragglers: options.stragglers }),
    ...(options.timeoutMs === null ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.seed === null ? {} : { seed: options.seed }),
  };
}

/** The first Ctrl-C ends the search and keeps what was found; the caller's default handles the second. */
async function interruptible(io: Surroundings, work: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const controller = new AbortController();
  const stop = io.onInterrupt(() => controller.abort());
  try {
    return await work(controller.signal);
  } finally {
    stop();
  }
}
