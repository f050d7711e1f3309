/**
 * The simulator's process: the one place of the extension where the simulator runs. It is started by
 * `simulator-process.ts`, answers `SimulatorCalls`, and may be killed at any moment.
 */
import { constants, setPriority } from 'node:os';
import { createBirpc } from 'birpc';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { requestRuns, type RequestRun } from '../../simulator/explore/coverage.ts';
import { allowEdit } from '../../simulator/fixes/allow.ts';
import { PlanDocument } from '../../simulator/fixes/document.ts';
import { confirmedFixes } from '../../simulator/fixes/fixes.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import { Player } from '../../simulator/player/player.ts';
import {
  openPlan,
  openRun,
  rehearse,
  replay,
  type Opened,
  type OpenedRun,
  type Progress,
  type RehearseOptions,
  type Rehearsal,
} from '../../simulator/rehearse.ts';
import { renderText } from '../../simulator/report/text.ts';
import { throttled } from '../../simulator/report/throttled.ts';
import { eventText, oneLine } from '../../simulator/report/words.ts';
import { simulate, type SimulateProgress } from '../../simulator/traffic/simulate.ts';
import { languageCalls } from '../language/analysis/calls.ts';
import type {
  Fault,
  FixesReply,
  HostCalls,
  Limits,
  PlanFile,
  PlayReply,
  PlayRequest,
  RehearseReply,
  Rehearsed,
  SimulateReply,
  SimulatorCalls,
  TrafficRequest,
  TextEdit,
} from './protocol.ts';
import type { Plan } from '../../simulator/plan/model.ts';
import type { Finding } from '../../simulator/report/model.ts';

const progressIntervalMs = 100;
/** How long a search may take to come to an end of its own; then its engine is closed under it. */
const cancelGraceMs = 200;
const textWidth = 100;

/**
 * The next engine boots while nobody waits. One that a job has left in order is used again, since it is warm: what it starts
 * with is emptied first. One that was cancelled or lost is not.
 */
class Engines {
  private spare: Promise<Engine> | null = null;

  async take(): Promise<Engine> {
    const taken = this.spare ?? createPgliteEngine({});
    this.spare = null;
    return taken;
  }

  giveBack(engine: Promise<Engine>): void {
    if (this.spare === null) this.spare = engine;
    else void engine.then((each) => each.close());
  }

  prepare(): void {
    if (this.spare !== null) return;
    this.spare = createPgliteEngine({});
    // Whoever takes it hears of the failure.
    this.spare.catch(() => {});
  }
}

const engines = new Engines();
const jobs = new Map<number, AbortController>();

const host = createBirpc<HostCalls, SimulatorCalls>(
  {
    load: (job, plan) => loadPlan(plan.path, reader(job)),
    rehearse: (job, plan, limits) => guarded(() => rehearseJob(job, plan, limits)),
    replay: (job, plan, findingId, limits) =>
      guarded(() =>
        withEngine(job, (engine, signal) =>
          replay(plan.path, reader(job), engine, findingId, { ...limits, signal, onProgress: reporter(job) }),
        ),
      ),
    ...languageCalls(reader),
    play: (job, plan, request, limits) =>
      play(job, plan, request, limits).catch((error: unknown) => ({
        ok: false,
        message: messageOf(error),
        errors: [],
      })),
    fork: (_job, history, moment, command) => guarded(() => played().fork(history, moment, command)),
    ask: (_job, history, moment, sql, probe) => guarded(() => played().ask(history, moment, sql, probe)),
    fixes: (job, rehearsed, findingId, limits) => guarded(() => fixesJob(job, rehearsed, findingId, limits)),
    allow: (_job, rehearsed, finding, reason) => allowJob(rehearsed, finding, reason),
    coverage: (_job, rehearsed) => coverageJob(rehearsed),
    simulate: (job, plan, traffic, limits) => guarded(() => simulateJob(job, plan, traffic, limits)),
    cancel: (job) => jobs.get(job)?.abort(),
  },
  {
    post: (data) => process.send?.(data),
    on: (receive) => process.on('message', receive),
    eventNames: ['progress', 'traffic'],
    timeout: -1,
  },
);

function reader(job: number): (path: string) => Promise<string> {
  return (path) => host.readText(job, path);
}

async function rehearseJob(job: number, plan: PlanFile, limits: Limits): Promise<RehearseReply> {
  const rehearsal = await withEngine(job, (engine, signal) =>
    rehearse(plan.path, reader(job), engine, { ...limits, signal, onProgress: reporter(job) }),
  );
  const { report, sources } = rehearsal;
  const traces = new Map(report.findings.map((finding) => [finding.id, finding.trace.map(traceLine)]));
  return { ok: true, report, sources, text: reportText(rehearsal, plan), traces };
}

/** In the background: whoever types or rehearses meanwhile goes first. */
async function fixesJob(
  job: number,
  { report, sources }: Rehearsed,
  findingId: string,
  limits: Limits,
): Promise<FixesReply> {
  setPriority(constants.priority.PRIORITY_LOW);
  const finding = report.findings.find(({ id }) => id === findingId);
  if (finding === undefined) return { ok: true, fixes: [] };
  const input = { file: report.file, sources, report, finding };
  const fixes = await withEngine(job, (engine, signal) => confirmedFixes(input, engine, { ...limits, signal }));
  return { ok: true, fixes };
}

async function allowJob(rehearsed: Rehearsed, finding: Finding, reason: string): Promise<TextEdit | null> {
  const plan = await planOf(rehearsed);
  if (plan === null) return null;
  return allowEdit(plan, new PlanDocument(plan.sources.get(plan.file) ?? ''), finding, reason);
}

async function coverageJob(rehearsed: Rehearsed): Promise<readonly RequestRun[]> {
  const plan = await planOf(rehearsed);
  return plan === null ? [] : requestRuns(plan, rehearsed.report);
}

async function planOf({ report, sources }: Rehearsed): Promise<Plan | null> {
  const loaded = await loadPlan(report.file, (path) => Promise.resolve(sources.get(path) ?? ''));
  return loaded.ok ? loaded.plan : null;
}

function traceLine(event: Parameters<typeof eventText>[0]): string {
  return oneLine(event.result === '' ? eventText(event) : `${eventText(event)} → ${event.result}`);
}

/** What is played on: a plan that was rehearsed once, or one that was only opened. */
interface Held {
  readonly file: string;
  readonly engine: Engine;
  readonly run: OpenedRun | null;
}

let held: Held | null = null;
let player: Player | null = null;

function played(): Player {
  if (player === null) throw new Error('nothing is being played');
  return player;
}

/** The engine is not closed: it answers what is asked of the player, as long as this process lives. */
async function play(job: number, plan: PlanFile, request: PlayRequest, limits: Limits): Promise<PlayReply> {
  const controller = new AbortController();
  jobs.set(job, controller);
  player = null;
  const options = { ...limits, signal: controller.signal, onProgress: reporter(job) };
  const { opened, engine } = await open(plan.path, reader(job), request.finding, options).finally(() =>
    jobs.delete(job),
  );
  if (!opened.ok || engine === null)
    return opened.ok ? { ok: false, message: 'there is no engine', errors: [] } : opened;
  player = new Player(opened.playable, engine, request.versions);
  return { ok: true, recording: await player.record() };
}

/** From the rehearsal that is held, if it is of these texts: then nothing is rehearsed again. */
async function open(
  file: string,
  read: (path: string) => Promise<string>,
  finding: string | null,
  options: RehearseOptions & { readonly signal: AbortSignal },
): Promise<{ readonly opened: Opened; readonly engine: Engine | null }> {
  if (held?.run != null && (await isOf(held, file, read)))
    return { opened: held.run.playable(finding), engine: held.engine };
  const before = held;
  held = null;
  // One engine in memory at a time; and it knows the plan that was edited.
  const taken = before === null ? engines.take() : Promise.resolve(before.engine);
  const close = (): void => void taken.then((engine) => engine.close()).catch(() => {});
  options.signal.addEventListener('abort', close);
  // The plan's own course needs no search.
  const begin = async (): Promise<{ readonly run: OpenedRun | null; readonly opened: Opened }> => {
    if (finding === null) return { run: null, opened: await openPlan(file, read, () => taken, null, options) };
    const run = await openRun(file, read, () => taken, options);
    return { run, opened: run.playable(finding) };
  };
  const { run, opened } = await begin().catch((error: unknown) => {
    close();
    throw error;
  });
  const engine = await taken.catch(() => null);
  if (options.signal.aborted || engine === null) return { opened, engine: null };
  held = { file, engine, run };
  return { opened, engine };
}

async function isOf({ file, run }: Held, asked: string, read: (path: string) => Promise<string>): Promise<boolean> {
  if (file !== asked || run === null) return false;
  const same = [...run.sources].map(async ([path, text]) => (await read(path).catch(() => null)) === text);
  return (await Promise.all(same)).every(Boolean);
}

/** Two engines, one for each database; the process is ended by whoever asked, and they with it. */
async function simulateJob(
  job: number,
  plan: PlanFile,
  { requests }: TrafficRequest,
  limits: Limits,
): Promise<SimulateReply> {
  const controller = new AbortController();
  const { signal } = controller;
  jobs.set(job, controller);
  const started: Promise<Engine>[] = [];
  const start = () => {
    const engine = createPgliteEngine({});
    started.push(engine);
    return engine;
  };
  const options = { ...limits, signal, pace: { requests }, onProgress: trafficReporter(job) };
  const result = await simulate(
    plan.path,
    reader(job),
    (count) => Promise.all(Array.from({ length: count }, start)),
    options,
  ).finally(() => {
    jobs.delete(job);
    for (const engine of started) void engine.then((each) => each.close()).catch(() => {});
  });
  if (result.ok) return { ok: true, recording: result.recording };
  return { ok: false, message: result.errors[0]?.message ?? 'the plan is not valid' };
}

async function withEngine<T>(
  job: number,
  work: (engine: () => Promise<Engine>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  let taken: Promise<Engine> | null = null;
  let timer: NodeJS.Timeout | null = null;
  const close = () => void taken?.then((engine) => engine.close()).catch(() => {});
  signal.addEventListener('abort', () => (timer = setTimeout(close, cancelGraceMs)));
  jobs.set(job, controller);
  try {
    // It boots while the plan is read.
    engines.prepare();
    const result = await work(() => (taken ??= engines.take()), signal);
    if (taken !== null && !signal.aborted) engines.giveBack(taken);
    else close();
    return result;
  } catch (error) {
    close();
    throw error;
  } finally {
    jobs.delete(job);
    if (timer !== null) clearTimeout(timer);
    if (taken !== null) engines.prepare();
  }
}

function reporter(job: number): (progress: Progress) => void {
  return throttled(progressIntervalMs, (progress) => host.progress(job, progress));
}

function trafficReporter(job: number): (progress: SimulateProgress) => void {
  return throttled(progressIntervalMs, (progress) => host.traffic(job, progress));
}

async function guarded<T>(work: () => Promise<T>): Promise<T | Fault> {
  try {
    return await work();
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function reportText({ report, sources }: Rehearsal, { root }: PlanFile): string {
  const shown = (path: string) => (path.startsWith(root) ? path.slice(root.length) : path);
  const errors = report.errors.map((error) => ({ ...error, file: shown(error.file) }));
  return renderText(
    { ...report, file: shown(report.file), errors },
    {
      colour: false,
      width: textWidth,
      sources: new Map([...sources].map(([path, text]) => [shown(path), text])),
      elapsed: true,
    },
  );
}

// The host is gone: nobody is left to answer.
process.on('disconnect', () => process.exit());
