/** The commands. Files, terminal, clock and the simulator itself are handed in; the result is an exit code. */
import type { Engine, EngineFault } from '../engine/engine.ts';
import type { PlanResult } from '../plan/model.ts';
import type { rehearse, replay, RehearseOptions } from '../rehearse.ts';
import type { simulate } from '../traffic/simulate.ts';
import { renderJson } from '../report/json.ts';
import type { PlanReport } from '../report/model.ts';
import { renderReplay } from '../report/replay.ts';
import { renderPlanErrors, renderText } from '../report/text.ts';
import { oneLine, visible } from '../report/words.ts';
import { readArguments, type Command, type Options } from './arguments.ts';
import { helpText } from './help.ts';
import { progressLine, searchParts, type Terminal } from './progress.ts';
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

async function rehearsePlans(files: readonly string[], options: Options, io: Surroundings): Promise<ExitCode> {
  return withEngines(io, async (engines, simulator, signal) => {
    const reports: PlanReport[] = [];
    const codes: ExitCode[] = [];
    for (const file of files) {
      if (signal.aborted) {
        io.err.write(`cutover: stopped before ${visible(file)}\n`);
        codes.push(exitCodes.unproven);
        continue;
      }
      try {
        const { report, sources } = await engines.lend((engine, onProgress) =>
          simulator.rehearse(file, io.readFile, engine, { ...limits(options), signal, onProgress }),
        );
        if (options.format === 'text') {
          const gap = reports.length > 0 ? '\n' : '';
          io.out.write(gap + renderText(report, { ...io.out, sources, elapsed: true }));
        }
        reports.push(report);
        codes.push(exitCodes[report.verdict]);
      } catch (error) {
        // The plans after it are rehearsed all the same.
        codes.push(fault(io, error, file));
      }
    }
    if (options.format === 'json') io.out.write(renderJson({ cutover: 1, plans: reports }));
    return worst(codes);
  });
}

async function replayFinding(command: Extract<Command, { kind: 'replay' }>, io: Surroundings): Promise<ExitCode> {
  const { plan, finding: id, options } = command;
  return withEngines(io, async (engines, simulator, signal) => {
    const result = await engines.lend((engine, onProgress) =>
      simulator.replay(plan, io.readFile, engine, id, { ...limits(options), signal, onProgress }),
    );
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

async function sourceOf(plan: string, io: Surroundings): Promise<ReadonlyMap<string, string>> {
  return new Map([[plan, await io.readFile(plan)]]);
}

function limits(options: Options): RehearseOptions {
  return {
    ...(options.maxStates === null ? {} : { maxStates: options.maxStates }),
    ...(options.stragglers === 0 ? {} : { stragglers: options.stragglers }),
    ...(options.timeoutMs === null ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.seed === null ? {} : { seed: options.seed }),
  };
}

/** One engine for all plans: it begins each with an empty database, and what it has learned of one helps with variants of it. */
class Engines {
  private engine: Promise<Engine> | null = null;

  constructor(
    private readonly simulator: Simulator,
    private readonly io: Surroundings,
  ) {}

  /** It boots while the first plan is being read. One that somebody closed, or that did not start, is not lent again. */
  async lend<T>(
    work: (engine: () => Promise<Engine>, onProgress: NonNullable<RehearseOptions['onProgress']>) => Promise<T>,
  ): Promise<T> {
    const engine = (this.engine ??= this.simulator.startEngine());
    engine.catch(() => {});
    const progress = progressLine(this.io.err, this.io.now, searchParts);
    try {
      return await work(() => engine, progress.update);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      progress.clear();
    }
  }

  /** An invalid plan never asks for it: that it did not start is then no failure. */
  async close(): Promise<void> {
    const { engine } = this;
    this.engine = null;
    await engine?.then((started) => started.close()).catch(() => {});
  }
}

async function withEngines(
  io: Surroundings,
  work: (engines: Engines, simulator: Simulator, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const simulator = await io.load();
  const engines = new Engines(simulator, io);
  try {
    return await interruptible(io, (signal) => work(engines, simulator, signal));
  } finally {
    await engines.close();
  }
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
