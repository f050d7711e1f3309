/**
 * Mixed traffic: the plan in virtual time, forward, with every live version answering requests at the stated rates,
 * each answer beside that of a twin that is never migrated. A sample, never a proof; the same seed gives the same recording.
 */
import { EngineFault, type Engine } from '../engine/engine.ts';
import type { Moment, Player } from '../engine/player.ts';
import { Mirror } from '../explore/mirror.ts';
import { prepareGround, setUpOf, texts, type Ground } from '../explore/ground.ts';
import { describable, refuseIntervention, Transitions } from '../explore/transitions.ts';
import { textOf, typeProbe } from '../explore/programs.ts';
import { loadPlan } from '../plan/load.ts';
import type { BackfillStep, CdcStep, Check, Plan, PlanError, Statement, Step } from '../plan/model.ts';
import type { Recording, RecordedStep } from '../report/recording.ts';
import { duration } from '../report/words.ts';
import { BackfillRun, type BatchOutcome, type ScriptColumns } from './backfill.ts';
import { DriftMeter } from './drift.ts';
import { countTables, fill, keysPerRow, planGrowth } from './fill.ts';
import { noHold, type HoldOf } from './hold.ts';
import { judgeLocks } from './judge.ts';
import { Mirrors } from './mirrors.ts';
import { backfillTable, defaultPace, paceAssumptions, readsReplica, Schedule, type Pace } from './pace.ts';
import { Recorder } from './recorder.ts';
import { ReplicaLag, type StepLag } from './replica-lag.ts';
import { Replica } from './replica.ts';
import { Pods } from './rollout.ts';
import { stepHolds, stepLags } from './step-holds.ts';
import { momentOf, Stream, timeOf } from './stream.ts';
import { parentIn, sequencesIn, Survey } from './survey.ts';
import { Twins } from './twins.ts';
import { assumedPerSecond, Workload } from './workload.ts';

export interface SimulateProgress {
  readonly phase: 'boot' | 'fill' | 'traffic';
  readonly step: string | null;
  /** Virtual time. */
  readonly seconds: number;
  readonly requests: number;
}

export interface SimulateOptions {
  readonly seed?: number;
  readonly pace?: Partial<Pace>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SimulateProgress) => void;
  /** In place of the forecast's locks. */
  readonly holdOf?: HoldOf;
}

export type Simulation =
  | { readonly ok: true; readonly recording: Recording; readonly plan: Plan }
  | { readonly ok: false; readonly errors: readonly PlanError[]; readonly sources: ReadonlyMap<string, string> };

const defaultSeed = 1;
const batchesBetweenMeasures = 10;
/** Batches that a backfill goes on for after it has caught up, while requests make new work for it. */
const mostSmall = 30;

/** So many, each of its own. */
export type Engines = (count: number) => Promise<readonly Engine[]>;

/** The run was ended from outside; what was recorded is kept. */
class Ended extends Error {}

/** `engines`: one for the database that is migrated, one for its twin; with a replica, one more for either. */
export async function simulate(
  file: string,
  read: (path: string) => Promise<string>,
  engines: Engines,
  options: SimulateOptions = {},
): Promise<Simulation> {
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) return loaded;
  const { plan } = loaded;
  const run = new Run(plan, options);
  const error = await run.play(engines);
  if (error !== null) return { ok: false, errors: [error], sources: plan.sources };
  return { ok: true, recording: run.recording(), plan };
}

/** What the steps lock, and how far they leave a replica behind, by the same forecast as in a rehearsal. */
async function forecastSteps(plan: Plan, ground: Ground, seed: number): Promise<StepForecasts> {
  const observed = await new Survey(plan, ground, seed).observeAll();
  const judgement = judgeLocks(plan, observed, parentIn(ground), sequencesIn(ground));
  const holds = stepHolds(judgement);
  const holdOf: HoldOf = (step) => {
    const hold = holds.get(step);
    return hold === undefined ? noHold(step) : Promise.resolve(hold);
  };
  return { holdOf, lags: stepLags(judgement) };
}

interface StepForecasts {
  readonly holdOf: HoldOf;
  readonly lags: ReadonlyMap<Step, StepLag>;
}

/** A step that does not go through ends the plan. */
type StepEnd = Pick<RecordedStep, 'result' | 'note'>;
const done: StepEnd = { result: 'done', note: null };

interface World {
  readonly twins: Twins;
  readonly actual: Player;
  readonly workload: Workload;
  readonly schedule: Schedule;
  readonly stream: Stream;
  readonly pods: Pods;
  readonly drift: DriftMeter;
  readonly mirrors: Mirrors;
  readonly replica: Replica | null;
  readonly scripts: ReadonlyMap<BackfillStep, ScriptColumns>;
}

class Run {
  private readonly started = performance.now();
  private readonly pace: Pace;
  private readonly seed: number;
  private readonly recorder: Recorder;
  private world: World | null = null;
  private tables: Recording['tables'] = [];
  private readonly assumed = new Set<string>();
  private phase: SimulateProgress['phase'] = 'boot';
  private current: { step: Step; from: number } | null = null;
  private cut: string | null = null;
  private forecasts: StepForecasts = { holdOf: noHold, lags: new Map() };
  /** The plan went through to its end. */
  private ends = true;

  constructor(
    private readonly plan: Plan,
    private readonly options: SimulateOptions,
  ) {
    this.pace = { ...defaultPace, ...options.pace };
    this.seed = options.seed ?? defaultSeed;
    this.recorder = new Recorder(plan.versions.map((v) => v.name));
  }

  /** What is wrong with the plan, if its schema or seed does not load. */
  async play(engines: Engines): Promise<PlanError | null> {
    try {
      this.check();
      const copies = readsReplica(this.plan);
      const [actual, twin, ...more] = await engines(copies ? 4 : 2);
      this.check();
      if (actual === undefined || twin === undefined || (copies && more.length < 2)) throw new Error('too few engines');
      const error = await this.prepare(actual, twin, copies ? more.slice(0, 2) : []);
      if (error !== null) return error;
      await this.goThrough(this.world as World);
    } catch (error) {
      if (error instanceof Ended) this.cut = error.message;
      else if (error instanceof EngineFault) this.cut = faultText(error);
      else throw error;
      if (this.current !== null) this.endStep(this.current.step, this.current.from, { result: 'cut', note: null });
      await this.world?.twins.settle().catch(() => {});
    }
    return null;
  }

  recording(): Recording {
    const { world, plan } = this;
    const traffic = (world?.workload.requests ?? []).map(({ name, kind, table, perSecond, stated }) => ({
      request: name,
      kind,
      table,
      perSecond,
      stated,
    }));
    const facts = {
      file: plan.file,
      title: plan.title,
      seed: this.seed,
      traffic,
      tables: this.tables,
      assumptions: [...this.assumed],
      leftOut: [...(world?.workload.leftOut ?? []), ...leftOutOf(plan)],
      probes: world?.drift.probes.length ?? 0,
    };
    return this.recorder.finish(facts, this.cut);
  }

  /** Called between batches: progress, and the end from outside. */
  private check(): void {
    const stream = this.world?.stream;
    this.options.onProgress?.({
      phase: this.phase,
      step: this.current?.step.name ?? null,
      seconds: stream?.second ?? 0,
      requests: stream?.ran ?? 0,
    });
    if (this.options.signal?.aborted === true) throw new Ended('cancelled');
    const { timeoutMs } = this.options;
    if (timeoutMs !== undefined && performance.now() - this.started > timeoutMs)
      throw new Ended(`the time limit of ${timeoutMs / 1000} s`);
  }

  private async prepare(actual: Engine, twin: Engine, copies: readonly Engine[]): Promise<PlanError | null> {
    const { plan, pace, seed } = this;
    const prepared = await prepareGround(plan, actual, new Transitions(actual, seed, () => this.check()));
    if (!prepared.ok) return prepared.error;
    const { ground } = prepared;
    const { holdOf } = this.options;
    this.forecasts =
      holdOf === undefined ? await forecastSteps(plan, ground, seed) : { holdOf, lags: new Map<Step, StepLag>() };
    const catalog = await actual.catalog(ground.start.schema);
    const growth = planGrowth(plan, catalog);
    const copied = new Set(growth.copied.map((t) => t.name));
    const workload = new Workload(
      plan,
      ground,
      pace.rows * keysPerRow,
      (t) => growth.byRequests.has(t) || copied.has(t),
    );
    const scripts = await describeScripts(plan, ground);
    const players = await Promise.all([actual.player(), twin.player()]);
    const twins = new Twins(...players, ground.usesRandom);
    const replicaTwins = await twinsOf(copies, ground.usesRandom);
    const pods = new Pods(plan.versions.length, pace.pods, 0);
    const moment = (atMs: number): Moment => momentOf(seed, atMs);
    const lag = new ReplicaLag(pace.replicaLagMs);
    const replica = replicaTwins === null ? null : new Replica(replicaTwins, lag, ground.usesRandom, moment);
    const migrated = replica?.following(players[0], timeOf) ?? players[0];
    const mirrors = new Mirrors(migrated, new Mirror(plan), pace.streamLagMs, this.recorder, moment);
    const stream = new Stream({
      mirrors,
      replica,
      plan,
      pace,
      seed,
      workload,
      twins,
      recorder: this.recorder,
      pods,
      onBatch: () => this.check(),
    });
    const drift = new DriftMeter(plan, workload, twins, seed, pace.rows * keysPerRow);
    const schedule = new Schedule(plan, pace, workload.perSecond, workload.writesPerSecond);
    this.world = { twins, actual: migrated, replica, workload, schedule, stream, pods, drift, mirrors, scripts };
    this.phase = 'fill';
    for (const pair of replicaTwins === null ? [twins] : [twins, replicaTwins]) {
      await Promise.all([pair.actual, pair.twin].map((player) => this.begin(player, workload)));
      await fill(pair, workload, growth, { rows: pace.rows, moment: stream.moment(), onBatch: () => this.check() });
    }
    this.tables = await countTables(players[0], plan, catalog, growth, stream.moment());
    this.assume(this.world);
    return null;
  }

  private async begin(player: Player, workload: Workload): Promise<void> {
    const moment = { clockMs: Date.UTC(2024, 0, 1), seed: 0 };
    const { schema, seed } = setUpOf(this.plan);
    for (const part of [schema, seed]) {
      const loaded = await player.script(texts(part), moment);
      if (!loaded.ok) throw new Error(`the schema loaded once, and not again: ${loaded.message}`);
    }
    await player.define(workload.programs);
  }

  private assume({ workload, schedule, replica }: World): void {
    for (const { stated, table, kind } of workload.requests) {
      if (!stated)
        this.assumed.add(
          `${assumedPerSecond[kind]} ${kind}s/s of ${table ?? 'no table'}, which the plan does not state`,
        );
    }
    for (const each of paceAssumptions(this.plan, this.pace)) this.assumed.add(each);
    if (replica === null) return;
    const apart = duration(schedule.soakMs);
    this.assumed.add(`the steps are ${apart} apart: a replica has that long to catch up in between`);
  }

  private async goThrough(world: World): Promise<void> {
    const { stream, schedule } = world;
    this.phase = 'traffic';
    await this.measure(world);
    for (const step of this.plan.steps) {
      if (!stream.stopped) await stream.advance(stream.now + schedule.soakMs, schedule.budget('soak'));
      if (!step.offline) {
        stream.stopped = false;
        await stream.advance(stream.now + schedule.windowMs, schedule.budget('window'));
      }
      if (step.wait === 'drained') await stream.drain();
      if (step.wait === 'caught-up') {
        await stream.catchUp(schedule.budget('window'));
        if (world.mirrors.stuck !== null) {
          const note = `it waits for the stream ${world.mirrors.stuck}, which is stuck`;
          this.endStep(step, stream.second, { result: 'failed', note });
          this.ends = false;
          break;
        }
      }
      const end = await this.take(world, step);
      if (end.result === 'failed') {
        this.ends = false;
        break;
      }
      // The app is not started between two steps that it is stopped for.
      if (this.plan.steps[step.index + 1]?.offline !== true || !step.offline) stream.stopped = false;
      if (!stream.stopped) await stream.advance(stream.now + schedule.windowMs, schedule.budget('window'));
      await this.measure(world);
    }
    stream.stopped = false;
    const end = Math.max(stream.now + schedule.windowMs, this.pace.durationMs);
    await stream.advance(this.ends ? end : stream.now + schedule.soakMs, schedule.budget('end'));
    await stream.drain();
    await this.measure(world);
  }

  private async measure({ drift, pods, stream, twins }: World): Promise<void> {
    await twins.settle();
    this.recorder.drifted(stream.second, await drift.measure(pods.live, stream.step, stream.moment()));
  }

  private async take(world: World, step: Step): Promise<StepEnd> {
    const { stream } = world;
    const from = stream.second;
    stream.begin(step.index);
    if (step.offline) {
      await stream.drain();
      stream.stopped = true;
    }
    this.current = { step, from };
    const end = await this.act(world, step);
    this.endStep(step, from, end);
    this.current = null;
    return end;
  }

  private endStep(step: Step, from: number, end: StepEnd): void {
    const to = this.world?.stream.second ?? from;
    this.recorder.step({ name: step.name, kind: step.kind, line: step.location.line, from, to, ...end });
  }

  private act(world: World, step: Step): Promise<StepEnd> {
    switch (step.kind) {
      case 'migrate':
        return this.migrate(world, step);
      case 'deploy':
        return this.deploy(world, step);
      case 'backfill':
        return this.backfill(world, step);
      case 'verify':
        return this.verify(world, step.checks);
      case 'cdc':
        return this.cdc(world, step);
    }
  }

  private async migrate(
    { stream, actual, schedule, twins, replica }: World,
    step: Step & { kind: 'migrate' },
  ): Promise<StepEnd> {
    const hold = await this.forecasts.holdOf(step);
    for (const each of hold.assumptions) this.assumed.add(each);
    stream.holds = { begun: stream.now, list: hold.holds };
    const lag = this.lagOf(step);
    const until = stream.now + hold.durationMs;
    if (lag !== null) replica?.lag.writes(lag, until - Math.min(lag.workMs, hold.durationMs), until);
    replica?.locked(stream.now, hold.holds);
    await stream.advance(stream.now + hold.durationMs, schedule.budget('window'));
    const { statements } = step.sql;
    const moment = stream.moment();
    const call = {
      statements: statements.map((s) => ({ pieces: [textOf(s)], as: null, returnsRows: s.returnsRows })),
      writes: true,
    };
    await twins.settle();
    const result = step.transactional
      ? await actual.transaction(call, moment, true)
      : await actual.script(statements.map(textOf), moment);
    // The twin fills its views at the same time, where it has them: an app without the migration does so now and then, too.
    for (const { node, text } of statements)
      if (result.ok && node === 'RefreshMatViewStmt') await twins.twin.script([text], moment);
    await stream.mirror();
    stream.holds = { begun: 0, list: [] };
    if (!result.ok) refuseIntervention(result, statements[result.statement]?.text ?? null);
    return result.ok ? done : { result: 'failed', note: `${result.message} (${result.sqlstate})` };
  }

  private async cdc({ stream, twins, mirrors }: World, step: CdcStep): Promise<StepEnd> {
    await stream.mirror();
    await twins.settle();
    await mirrors.step(step);
    const { name, table } = step.stream;
    return { ...done, note: step.action === 'start' ? `${name} mirrors ${table.table}` : `${name} is stopped` };
  }

  private async deploy({ stream, pods, schedule, workload }: World, step: Step & { kind: 'deploy' }): Promise<StepEnd> {
    const version = workload.versions.indexOf(step.version);
    if (step.flag !== null || step.offline) {
      pods.moveAll(version);
      return done;
    }
    for (let pod = 0; pod < pods.all; pod++) {
      pods.move(version);
      await stream.advance(stream.now + this.pace.rolloutMs / pods.all, schedule.budget('rollout') / pods.all);
    }
    return done;
  }

  /** Null: it leaves a replica no further behind than usual, or there is none. */
  private lagOf(step: Step): StepLag | null {
    const lag = this.forecasts.lags.get(step);
    if (lag === undefined || lag.behindMs === 0 || lag.workMs === 0 || this.world?.replica == null) return null;
    const seconds = ((lag.workMs + lag.behindMs) / lag.workMs).toFixed(1);
    this.assumed.add(`a replica takes ${seconds} s to replay what ${step.name} writes in a second`);
    return lag;
  }

  private async backfill(world: World, step: BackfillStep): Promise<StepEnd> {
    const { replica, stream } = world;
    const lag = this.lagOf(step);
    if (lag !== null) replica?.lag.writes(lag, stream.now);
    const end = await this.batches(world, step);
    replica?.lag.ends(stream.now);
    return end;
  }

  private async batches(world: World, step: BackfillStep): Promise<StepEnd> {
    const { stream, actual, schedule, scripts } = world;
    const table = backfillTable(step);
    const pace = schedule.backfill(step, table);
    const job = new BackfillRun(step, actual, scripts.get(step) ?? []);
    const rows = await this.rowsOf(world, table);
    const record = this.recorder.backfill(step.name, rows);
    const count = { full: 0, small: 0, touched: 0 };
    const mostFull = 10 * Math.ceil(Math.max(rows, this.pace.rows) / pace.batch) + 100;
    const budget = schedule.backfillBudget(pace, Math.ceil(rows / pace.batch));
    for (;;) {
      // Once it has caught up, batches are and come as they do in production, and so does the traffic.
      const caughtUp = count.small > 0;
      if (caughtUp) await stream.advance(stream.now + pace.real.ms, schedule.budget('window'));
      else await stream.advance(stream.now + pace.batchMs, budget);
      const size = caughtUp ? pace.real.batch : pace.batch;
      const result = await this.batch(world, job, size, pace.real.ms);
      const said = `${count.touched} rows written in ${count.full + count.small} batches`;
      if (result.kind === 'error') return { result: 'failed', note: result.message };
      if (result.kind === 'finished') return { ...done, note: said };
      count.touched += result.touched;
      if (result.touched < size && step.form.kind !== 'list') count.small++;
      else count.full++;
      record(stream.second, count.touched);
      if (count.full % batchesBetweenMeasures === 0) await this.measure(world);
      if (count.full > mostFull) return { result: 'failed', note: `it does not end: ${said}` };
      if (count.small > mostSmall) return { ...done, note: `${said}; it still found rows when it was left` };
    }
  }

  /** One batch; the rows of a script are written one by one, requests in between. */
  private async batch(
    { stream, schedule, twins }: World,
    job: BackfillRun,
    size: number,
    ms: number,
  ): Promise<Exclude<BatchOutcome, { kind: 'read' }>> {
    await twins.settle();
    const first = await job.run(stream.moment(), size);
    await stream.mirror();
    if (first.kind !== 'read') return first;
    let touched = 0;
    for (let row = 0; row < first.rows; row++) {
      await stream.advance(stream.now + ms / first.rows, schedule.budget('window') / first.rows);
      await twins.settle();
      const written = await job.run(stream.moment(), size);
      await stream.mirror();
      if (written.kind !== 'batch') return written.kind === 'read' ? { kind: 'finished' } : written;
      touched += written.touched;
    }
    // A row that was read and no longer needed writing was a row all the same.
    return { kind: 'batch', touched: Math.max(touched, first.rows) };
  }

  private async rowsOf({ actual, stream, twins }: World, table: string | null): Promise<number> {
    if (table === null) return 0;
    await twins.settle();
    const name = table.split('.').map((part) => `"${part.replaceAll('"', '""')}"`);
    const counted = await actual.script([`SELECT count(*) FROM ${name.join('.')}`], stream.moment());
    return counted.ok ? Number(counted.rows[0]?.[0]?.[0] ?? 0) : 0;
  }

  /** The checks see one moment; what is on its way then comes later. */
  private async verify({ stream, actual, schedule, twins }: World, checks: readonly Check[]): Promise<StepEnd> {
    await twins.settle();
    for (const check of checks) {
      const queries: readonly Statement[] = check.kind === 'equal' ? check.queries : [check.query];
      const call = {
        statements: queries.map((s) => ({ pieces: [textOf(s)], as: null, returnsRows: true })),
        writes: false,
      };
      const result = await actual.transaction(call, stream.moment(), false);
      if (!result.ok) return { result: 'failed', note: `${check.name}: ${result.message} (${result.sqlstate})` };
      const [a, b] = result.rows.map((rows) => JSON.stringify((rows ?? []).map((r) => JSON.stringify(r)).sort()));
      if (check.kind === 'equal' ? a !== b : a !== '[]')
        return { result: 'failed', note: `${check.name}: the plan stops here` };
    }
    await stream.advance(stream.now + schedule.verifyMs, schedule.budget('window'));
    return done;
  }
}

function leftOutOf(plan: Plan): Recording['leftOut'] {
  const accepts = plan.versions.some((v) => [...v.requests.values()].some((r) => r.accepts !== null));
  const params = plan.versions.some((v) => v.params.size > 0);
  return [
    { what: 'the way back', why: 'the plan is run forward only' },
    ...(accepts ? [{ what: '`accepts`', why: 'answers are compared, not tested' }] : []),
    ...(params ? [{ what: '`params` of a version', why: 'the twin takes no such values' }] : []),
  ];
}

function faultText({ message, sql }: EngineFault): string {
  return sql === null ? message : `${message}: ${sql}`;
}

async function twinsOf([actual, twin]: readonly Engine[], random: boolean): Promise<Twins | null> {
  if (actual === undefined || twin === undefined) return null;
  return new Twins(await actual.player(), await twin.player(), random);
}

/** Names and types of what scripts read, on the schema that they will find. */
async function describeScripts(plan: Plan, ground: Ground): Promise<ReadonlyMap<BackfillStep, ScriptColumns>> {
  const found = new Map<BackfillStep, ScriptColumns>();
  for (const step of plan.steps) {
    if (step.kind !== 'backfill' || step.form.kind !== 'script') continue;
    const position = ground.positions.find((p) => p.job === step);
    const schema = position === undefined ? undefined : ground.nominal.get(position.id);
    if (schema === undefined) continue;
    const [described] = await ground.engine.describe(schema, [describable(typeProbe(step.form.read))]);
    if (described?.ok === true) found.set(step, described.columns);
  }
  return found;
}
