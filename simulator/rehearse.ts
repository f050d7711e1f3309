/** A rehearsal: plan in, report out, with progress and cancel on the way. */
import { EngineFault, type Engine } from './engine/engine.ts';
import { addStalePlans, findStalePlans, type StalePlan } from './explore/cached-plan.ts';
import { checkPlan, judgeStops } from './explore/checks.ts';
import { Conclusion } from './explore/conclude.ts';
import { checkVerifySeesDrift } from './explore/drift.ts';
import { requestGroups } from './explore/footprint.ts';
import { makeSearch, prepareGround, unlimited, type Ground } from './explore/ground.ts';
import { replayViolation } from './explore/replay.ts';
import { Cut, type Search, type SearchLimits } from './explore/search.ts';
import { onlyWithStragglers, withLongerLives } from './explore/stragglers.ts';
import { sweep } from './explore/sweep.ts';
import { mergeCells, pointOfNoReturn, rollbackTriangle } from './explore/triangle.ts';
import { Transitions } from './explore/transitions.ts';
import { Collector, type Violation } from './explore/violations.ts';
import { loadPlan } from './plan/load.ts';
import type { Plan, PlanError, PlanResult, Step } from './plan/model.ts';
import { planStatements } from './plan/statements.ts';
import type { Finding, PlanReport, TraceEvent } from './report/model.ts';
import { confirmedAdvice } from './traffic/advice.ts';
import { findNotAtomic } from './traffic/atomic.ts';
import { judgeLocks, lockFindings } from './traffic/judge.ts';
import { stepForecasts } from './traffic/steps.ts';
import { parentIn, sequencesIn, Survey } from './traffic/survey.ts';

export interface Progress {
  readonly phase: 'boot' | 'reference' | 'locks' | 'forward' | 'rollback' | 'sweep' | 'replay';
  readonly step: string | null;
  readonly states: number;
  readonly transitions: number;
  readonly findings: number;
}

export interface RehearseOptions {
  readonly maxStates?: number;
  readonly timeoutMs?: number;
  readonly seed?: number;
  /** 1: each version is also searched as living one deploy longer than planned. */
  readonly stragglers?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Rehearsal {
  readonly report: PlanReport;
  readonly sources: ReadonlyMap<string, string>;
}

const defaults = { maxStates: 150_000, timeoutMs: 120_000, seed: 1 };

interface Attempt {
  /** Longest history of writes; null: any. */
  readonly maxWrites: number | null;
  readonly maxStates: number;
  readonly maxContents: number;
  readonly maxMegabytes: number;
  readonly isLast: boolean;
}

/** First every history; where there are too many of them, or they never end, those of up to so many writes. */
const attempts: readonly Attempt[] = [
  { maxWrites: null, maxStates: 20_000, maxContents: 4_000, maxMegabytes: 16, isLast: false },
  { maxWrites: 4, maxStates: 80_000, maxContents: Infinity, maxMegabytes: 26, isLast: false },
  { maxWrites: 3, maxStates: Infinity, maxContents: Infinity, maxMegabytes: 66, isLast: true },
];

export async function rehearse(
  file: string,
  read: (path: string) => Promise<string>,
  engine: () => Promise<Engine>,
  options: RehearseOptions = {},
): Promise<Rehearsal> {
  const { report, sources } = await openRun(file, read, engine, options);
  return { report, sources };
}

/** One event of a trace as it was played again. */
export interface ReplayLine {
  readonly event: TraceEvent;
  readonly result: string;
  /** What the reference gives, where it is known. */
  readonly reference: string | null;
  readonly differs: boolean;
  /** Every table after the event, as a content; empty where nothing was played. */
  readonly content: string;
}

export type Replay =
  | { readonly ok: true; readonly finding: Finding; readonly lines: readonly ReplayLine[] }
  | { readonly ok: false; readonly message: string; readonly rehearsal: Rehearsal };

/** Plays one finding's trace statement by statement on a fresh database. */
export async function replay(
  file: string,
  read: (path: string) => Promise<string>,
  engine: () => Promise<Engine>,
  findingId: string,
  options: RehearseOptions = {},
): Promise<Replay> {
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) return { ok: false, message: 'the plan is not valid', rehearsal: invalid(file, loaded) };
  const run = new Run(loaded.plan, options);
  const report = await run.report(engine);
  const finding = report.findings.find((f) => f.id === findingId);
  if (finding === undefined)
    return { ok: false, message: `no finding ${findingId}`, rehearsal: { report, sources: loaded.plan.sources } };
  return { ok: true, finding, lines: await run.replay(finding) };
}

/** A plan on the engine, ready to be played; with a finding, the search that it comes from and what led to it. */
export interface Playable {
  readonly plan: Plan;
  readonly ground: Ground;
  readonly search: Search;
  readonly finding: Finding | null;
  /** Null where the finding is read from the plan, or there is none. */
  readonly violation: Violation | null;
}

export type Opened =
  | { readonly ok: true; readonly playable: Playable }
  | { readonly ok: false; readonly message: string; readonly errors: PlanReport['errors'] };

/**
 * A rehearsal that can be played. Its engine stays the caller's: for as long as something is played it has to stay open, and
 * nothing else may be rehearsed or opened on it, which begins with another database. What is played does not disturb each other.
 */
export interface OpenedRun extends Rehearsal {
  /** What led to a finding; with null, the plan's own course. Nothing is rehearsed again. */
  readonly playable: (findingId: string | null) => Opened;
}

/** Rehearses a plan once, and keeps what any of its findings can be played from. */
export async function openRun(
  file: string,
  read: (path: string) => Promise<string>,
  engine: () => Promise<Engine>,
  options: RehearseOptions = {},
): Promise<OpenedRun> {
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) {
    const rehearsal = invalid(file, loaded);
    return { ...rehearsal, playable: () => notValid(rehearsal.report.errors) };
  }
  const run = new Run(loaded.plan, options);
  const report = await run.report(engine);
  run.letGo();
  return { report, sources: loaded.plan.sources, playable: (findingId) => run.playable(report, findingId) };
}

/** Gets a plan ready to be played, or one finding's trace, for which it is rehearsed first. */
export async function openPlan(
  file: string,
  read: (path: string) => Promise<string>,
  engine: () => Promise<Engine>,
  findingId: string | null,
  options: RehearseOptions = {},
): Promise<Opened> {
  if (findingId !== null) return (await openRun(file, read, engine, options)).playable(findingId);
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) return notValid(loaded.errors.map(reportError));
  return new Run(loaded.plan, options).open(engine);
}

function notValid(errors: PlanReport['errors']): Opened {
  return { ok: false, message: 'the plan is not valid', errors };
}

function invalid(file: string, loaded: PlanResult & { ok: false }): Rehearsal {
  return {
    report: { ...emptyReport(file, ''), verdict: 'invalid', errors: loaded.errors.map(reportError) },
    sources: loaded.sources,
  };
}

function reportError(error: PlanError): PlanReport['errors'][number] {
  const { code, message, location, suggestion } = error;
  return { code, message, ...location, suggestion };
}

function emptyReport(file: string, title: string): PlanReport {
  return {
    file,
    title,
    verdict: 'unproven',
    exploration: {
      complete: false,
      states: 0,
      transitions: 0,
      elapsedMs: 0,
      neverExercised: [],
      answers: [],
      statements: 0,
      writeBound: null,
      domain: {},
      cut: null,
    },
    steps: [],
    rollback: [],
    pointOfNoReturn: null,
    findings: [],
    errors: [],
  };
}

class Run {
  private readonly started = Date.now();
  private phase: Progress['phase'] = 'boot';
  private step: string | null = null;
  private readonly searches: Search[] = [];
  private collector = new Collector();
  private ground: Ground | null = null;
  private forecasts: ReturnType<typeof stepForecasts> = new Map();
  /** The searches with stragglers. */
  private lingering: readonly Search[] = [];
  private stalePlans: readonly StalePlan[] = [];
  private conclusion: Conclusion | null = null;
  private transitions: Transitions | null = null;
  private cut: string | null = null;
  /** There is nothing to play on any more. One that was lost begins anew by itself. */
  private engineClosed = false;
  private writeBound: number | null = null;
  private statementsBefore = 0;
  /** The search is over: what is left is short, and no limit cuts it. */
  private finishing = false;

  constructor(
    private readonly plan: Plan,
    private readonly options: RehearseOptions,
  ) {}

  async report(engine: () => Promise<Engine>): Promise<PlanReport> {
    const base = { ...emptyReport(this.plan.file, this.plan.title), steps: this.plan.steps.map(stepReport) };
    try {
      this.progress();
      const booted = await engine();
      this.statementsBefore = booted.stats.statements;
      const error = await this.prepare(booted);
      if (error !== null) return { ...base, verdict: 'invalid', errors: [error] };
      await this.judgeLocks();
      await this.explore();
      if ((this.options.stragglers ?? 0) > 0 && this.cut === null) await this.exploreStragglers();
      return await this.finish(base);
    } catch (error) {
      return await this.salvage(base, error);
    }
  }

  /** What was found stays found when the engine is lost or somebody cancels. */
  private async salvage(base: PlanReport, error: unknown): Promise<PlanReport> {
    if (error instanceof Cut) {
      this.cut = error.message;
      return await this.finish(base);
    }
    if (!(error instanceof EngineFault)) throw error;
    const cancelled = error.reason === 'closed';
    this.engineClosed = cancelled;
    this.cut = cancelled ? 'cancelled' : error.message;
    const report = await this.finish(base, !cancelled).catch((again: unknown) => {
      if (!(again instanceof EngineFault)) throw again;
      return this.finish(base, false);
    });
    if (cancelled) return report;
    const location = this.locate(error.sql);
    const message = error.sql === null ? error.message : `${error.message}: ${error.sql}`;
    return {
      ...report,
      verdict: 'unproven',
      errors: [{ code: `engine-${error.reason}`, message, ...location, suggestion: null }],
    };
  }

  /** Where a statement stands in the plan, as well as it can be told. */
  private locate(sql: string | null): { file: string; line: number; column: number } {
    const all = planStatements(this.plan);
    const found = all.find(
      (s) => sql !== null && (sql.includes(s.text) || s.pieces.every((p) => p.kind !== 'text' || sql.includes(p.text))),
    );
    return found?.location ?? { file: this.plan.file, line: 1, column: 1 };
  }

  private progress(): void {
    this.options.onProgress?.({
      phase: this.phase,
      step: this.step,
      states: this.stateCount(),
      transitions: this.transitions?.computed ?? 0,
      findings: this.collector.groups.length,
    });
  }

  private stateCount(): number {
    return this.searches.reduce((n, s) => n + s.nodes.length, 0);
  }

  private stopReason(): string | null {
    if (this.options.signal?.aborted === true) return 'cancelled';
    const limit = this.options.timeoutMs ?? defaults.timeoutMs;
    return Date.now() - this.started > limit ? `the time limit of ${limit / 1000} s` : null;
  }

  private get seed(): number {
    return this.options.seed ?? defaults.seed;
  }

  private async prepare(engine: Engine): Promise<PlanReport['errors'][number] | null> {
    this.phase = 'reference';
    this.transitions = new Transitions(engine, this.seed, () => {
      this.progress();
      const reason = this.stopReason();
      if (reason !== null && !this.finishing) throw new Cut(reason);
    });
    const prepared = await prepareGround(this.plan, engine, this.transitions);
    if (!prepared.ok) return reportError(prepared.error);
    this.ground = prepared.ground;
    return null;
  }

  private async explore(): Promise<void> {
    const ground = this.ground as Ground;
    for (const violation of checkPlan(this.plan)) this.collector.add(violation);
    try {
      for (const group of requestGroups(this.plan, ground.catalogs.values())) await this.exploreGroup(ground, group);
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      this.cut = error.message;
    }
  }

  /** What the steps lock, and for how long; what a step that dies half way leaves. */
  private async judgeLocks(): Promise<void> {
    const ground = this.ground as Ground;
    this.phase = 'locks';
    this.progress();
    const before = ground.engine.stats.statements;
    try {
      await this.observeLocks(ground);
      // The figure in the report is the search's.
      this.statementsBefore += ground.engine.stats.statements - before;
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      this.cut = error.message;
    }
  }

  private async observeLocks(ground: Ground): Promise<void> {
    const observed = await new Survey(this.plan, ground, this.seed).observeAll();
    const judgement = judgeLocks(this.plan, observed, parentIn(ground), sequencesIn(ground));
    const advice = await confirmedAdvice(judgement, ground);
    for (const { head, followers } of lockFindings(this.plan, judgement, advice)) {
      this.collector.add(head);
      for (const follower of followers) this.collector.addTo(head, follower);
    }
    this.stalePlans = await findStalePlans(this.plan, ground);
    for (const violation of await findNotAtomic(ground, observed)) this.collector.add(violation);
    this.forecasts = stepForecasts(this.plan, judgement);
  }

  /** The same searches with pods that live one deploy longer than planned: added is what is found only then. */
  private async exploreStragglers(): Promise<void> {
    const ground = this.ground as Ground;
    const longer = withLongerLives(this.plan, ground);
    if (longer === null) return;
    const known = { collector: this.collector, searches: this.searches.splice(0) };
    this.collector = new Collector();
    try {
      for (const group of requestGroups(this.plan, ground.catalogs.values())) await this.exploreGroup(longer, group);
      for (const search of this.searches) await judgeStops(search, this.plan);
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      this.cut = `with stragglers: ${error.message}`;
    } finally {
      this.lingering = this.searches.splice(0, Infinity, ...known.searches);
      const found = this.collector;
      this.collector = known.collector;
      for (const violation of await onlyWithStragglers(found, this.lingering, known, ground.positions))
        this.collector.add(violation);
    }
  }

  /** Every history of these requests; where there are too many, every history up to a number of writes. */
  private async exploreGroup(ground: Ground, group: ReadonlySet<string>): Promise<void> {
    const before = this.collector.copy();
    for (const attempt of attempts) {
      this.collector = before.copy();
      if (attempt.maxWrites !== null) this.writeBound = Math.min(this.writeBound ?? Infinity, attempt.maxWrites);
      if (await this.attempt(ground, group, attempt)) return;
      this.searches.pop();
    }
  }

  /** One search; false when there is too much for it, and a bound should be tried. */
  private async attempt(ground: Ground, group: ReadonlySet<string>, attempt: Attempt): Promise<boolean> {
    const { maxWrites, isLast } = attempt;
    const maxStates = this.options.maxStates ?? defaults.maxStates;
    const limits: SearchLimits = {
      maxStates: Math.min(maxStates, attempt.maxStates),
      maxContents: ground.transitions.contents.size + attempt.maxContents,
      maxWrites,
      maxMegabytes: attempt.maxMegabytes,
      stop: () => this.stopReason(),
      onProgress: (step) => {
        this.step = step;
        this.progress();
      },
    };
    const search = makeSearch(this.plan, ground, ground.programs.only(group), this.collector, limits);
    this.searches.push(search);
    try {
      await this.phases(ground, search);
      return true;
    } catch (error) {
      if (error instanceof Cut && !isLast && this.stopReason() === null) return false;
      throw error;
    }
  }

  private async phases(ground: Ground, search: Search): Promise<void> {
    this.phase = 'forward';
    await search.forward();
    addStalePlans(search, this.stalePlans);
    await checkVerifySeesDrift(search, this.plan, ground);
    this.phase = 'rollback';
    await search.rollBack();
    this.phase = 'sweep';
    await sweep(search, search.input, ground.domains);
  }

  private async finish(base: PlanReport, canReplay = true): Promise<PlanReport> {
    const { ground } = this;
    this.finishing = true;
    if (ground === null || this.searches.length === 0)
      return { ...base, exploration: { ...base.exploration, cut: this.cut, elapsedMs: Date.now() - this.started } };
    this.phase = 'replay';
    if (canReplay) for (const search of this.searches) await judgeStops(search, this.plan);
    const conclusion = new Conclusion(
      this.plan,
      ground,
      this.searches,
      this.collector,
      this.seed,
      this.cut === null,
      this.lingering,
    );
    this.conclusion = conclusion;
    const neverExercised = conclusion.neverExercised();
    // What is asked of causes afterwards is no part of the search.
    const transitions = ground.transitions.computed;
    const { findings, errors } = await conclusion.findings(canReplay);
    const cells = mergeCells(
      this.plan,
      this.searches.map((s) => rollbackTriangle(this.plan, ground.positions, s.nodes)),
    );
    const steps = base.steps.map((step) => ({ ...step, ...this.forecasts.get(step.name) }));
    const unsafe = findings.some((f) => f.severity === 'error' && f.allowed === null);
    const complete = this.cut === null && errors.length === 0;
    return {
      ...base,
      verdict: unsafe ? 'unsafe' : complete ? 'safe' : 'unproven',
      exploration: {
        complete,
        states: this.stateCount(),
        transitions,
        elapsedMs: Date.now() - this.started,
        neverExercised,
        answers: conclusion.answers(neverExercised),
        statements: ground.engine.stats.statements - this.statementsBefore,
        writeBound: this.writeBound,
        domain: conclusion.domainReport(),
        cut: this.cut,
      },
      steps,
      rollback: [...cells],
      pointOfNoReturn: pointOfNoReturn(this.plan, cells),
      findings,
      errors,
    };
  }

  /** The plan alone: nothing is searched. */
  async open(engine: () => Promise<Engine>): Promise<Opened> {
    this.progress();
    const error = await this.prepare(await engine());
    if (error !== null) return { ok: false, message: error.message, errors: [error] };
    this.finishing = true;
    return { ok: true, playable: this.ownCourse(this.ground as Ground) };
  }

  /** After the report: states that lead to no finding are not needed any more, and take most of the memory. */
  letGo(): void {
    for (const search of [...this.searches, ...this.lingering]) search.letGo();
  }

  playable({ findings, errors }: PlanReport, findingId: string | null): Opened {
    const { ground, conclusion } = this;
    if (ground === null || conclusion === null || this.engineClosed) {
      const cut = this.cut === null ? '' : ` (${this.cut})`;
      return { ok: false, message: errors[0]?.message ?? `the rehearsal was cut${cut}`, errors };
    }
    if (findingId === null) return { ok: true, playable: this.ownCourse(ground) };
    const finding = findings.find((f) => f.id === findingId);
    if (finding === undefined) {
      const known = findings.map((f) => f.id).join(', ');
      const cut = this.cut === null ? '' : ` (the rehearsal was cut: ${this.cut})`;
      return { ok: false, message: `no finding ${findingId}${cut}; there is ${known || 'none'}`, errors };
    }
    const violation = conclusion.heads.get(findingId) ?? null;
    if (violation === null || violation.node === null)
      return { ok: true, playable: { ...this.ownCourse(ground), finding } };
    const { search } = conclusion.replayInput(violation);
    // With stragglers other versions are live.
    const { positions } = search.input;
    return { ok: true, playable: { plan: this.plan, ground: { ...ground, positions }, search, finding, violation } };
  }

  private ownCourse(ground: Ground): Playable {
    const search = makeSearch(this.plan, ground, ground.programs, new Collector(), unlimited);
    return { plan: this.plan, ground, search, finding: null, violation: null };
  }

  /** Plays a finding's trace again, with what each event left in the tables. */
  async replay(finding: Finding): Promise<readonly ReplayLine[]> {
    const head = this.conclusion?.heads.get(finding.id);
    if (this.conclusion === null || head === undefined) return [];
    // Locks and what they cost are estimated for production: there is nothing to play on a few rows.
    if (head.node === null)
      return finding.trace.map((event) => ({
        event,
        result: event.result,
        reference: null,
        differs: false,
        content: '',
      }));
    const lines: ReplayLine[] = [];
    await replayViolation(this.conclusion.replayInput(head), head, (played, content) => {
      const event = finding.trace[lines.length];
      if (event === undefined) return;
      const isLast = lines.length === finding.trace.length - 1;
      const failed = played.outcome !== null && !played.outcome.ok ? played.outcome : null;
      const result = failed === null ? event.result : `error ${failed.sqlstate}: ${failed.message}`;
      lines.push({ event, result, reference: isLast ? finding.expected : null, differs: isLast, content });
    });
    return lines;
  }
}

/** The partitioned table that a table is a part of, on any schema of the plan. */
function stepReport(step: Step): PlanReport['steps'][number] {
  return {
    name: step.name,
    kind: step.kind,
    line: step.location.line,
    locks: [],
    rewrites: [],
    scans: [],
    forecast: null,
  };
}
