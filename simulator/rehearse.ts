/** A rehearsal: plan in, report out, with progress and cancel on the way. */
import { EngineFault, type Catalog, type Engine, type SchemaId } from './engine/engine.ts';
import { parseContent } from './engine/content.ts';
import { checkBackfill, checkPlan, checkVerifySeesDrift, judgeStops } from './explore/checks.ts';
import { classify } from './explore/classify.ts';
import { maxFlights, maxFlightsAfterRollback } from './explore/evaluate.ts';
import { DomainFinder, type ParamDomain } from './explore/domain.ts';
import { buildPositions, positionLabel, type Position } from './explore/positions.ts';
import { Programs } from './explore/programs.ts';
import { replayViolation } from './explore/replay.ts';
import { planViolation } from './explore/blame.ts';
import { Cut, Search, type SearchLimits } from './explore/search.ts';
import { sweep } from './explore/sweep.ts';
import { traceOf } from './explore/trace.ts';
import { pointOfNoReturn, rollbackTriangle } from './explore/triangle.ts';
import { Transitions } from './explore/transitions.ts';
import { Collector, type Group, type Violation } from './explore/violations.ts';
import { Reference, type Want } from './explore/worlds.ts';
import { ruleOf } from './findings/catalog.ts';
import { loadPlan } from './plan/load.ts';
import type { Plan, PlanResult, Request, Step } from './plan/model.ts';
import type { Finding, PlanReport, TraceEvent } from './report/model.ts';

export interface Progress {
  readonly phase: 'boot' | 'reference' | 'forward' | 'rollback' | 'sweep' | 'replay';
  readonly step: string | null;
  readonly states: number;
  readonly transitions: number;
  readonly findings: number;
}

export interface RehearseOptions {
  readonly maxStates?: number;
  readonly timeoutMs?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Rehearsal {
  readonly report: PlanReport;
  readonly sources: ReadonlyMap<string, string>;
}

const defaults = { maxStates: 300_000, timeoutMs: 120_000, seed: 1 };
/** Contents past which every history is too much, and histories are bounded in length. */
const unboundedContents = 4_000;
const unboundedStates = 20_000;
const defaultWriteBound = 4;
const extraRows = 2;

export async function rehearse(
  file: string,
  read: (path: string) => Promise<string>,
  engine: () => Promise<Engine>,
  options: RehearseOptions = {},
): Promise<Rehearsal> {
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) return invalid(file, loaded);
  const run = new Run(loaded.plan, options);
  const report = await run.report(engine);
  return { report, sources: loaded.plan.sources };
}

/** One event of a trace as it was played again. */
export interface ReplayLine {
  readonly event: TraceEvent;
  readonly result: string;
  /** What the reference gives, where it is known. */
  readonly reference: string | null;
  readonly differs: boolean;
  /** Every table after the event, as a content. */
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

function invalid(file: string, loaded: PlanResult & { ok: false }): Rehearsal {
  const errors = loaded.errors.map((e) => ({
    code: e.code,
    message: e.message,
    ...e.location,
    suggestion: e.suggestion,
  }));
  return { report: { ...emptyReport(file, ''), verdict: 'invalid', errors }, sources: loaded.sources };
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

/** What the searches share: the plan on the engine, the plain run through it, the domains. */
interface Ground {
  readonly engine: Engine;
  readonly transitions: Transitions;
  readonly positions: readonly Position[];
  readonly last: number;
  readonly start: { readonly schema: SchemaId; readonly content: number };
  readonly nominal: Map<number, SchemaId>;
  readonly finalContent: number | null;
  readonly catalogs: Map<SchemaId, Catalog>;
  readonly domains: ReadonlyMap<string, ReadonlyMap<string, ParamDomain>>;
  readonly programs: Programs;
  readonly usesRandom: boolean;
}

class Run {
  private readonly started = Date.now();
  private phase: Progress['phase'] = 'boot';
  private step: string | null = null;
  private search: Search | null = null;
  private ground: Ground | null = null;
  private cut: string | null = null;
  private writeBound: number | null = null;
  private statementsBefore = 0;
  /** The search is over: what is left is short, and no limit cuts it. */
  private finishing = false;
  private readonly heads = new Map<string, Violation>();

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
      const invalid = await this.prepare(booted);
      if (invalid !== null) return { ...base, verdict: 'invalid', errors: [invalid] };
      await this.explore();
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
    const all = [
      ...this.plan.schema.statements,
      ...(this.plan.seed?.statements ?? []),
      ...this.plan.versions.flatMap((v) => [...v.requests.values()].flatMap((r) => r.statements)),
      ...this.plan.steps.flatMap((s) => (s.kind === 'migrate' ? s.sql.statements : [])),
    ];
    const found = all.find(
      (s) => sql !== null && (sql.includes(s.text) || s.pieces.every((p) => p.kind !== 'text' || sql.includes(p.text))),
    );
    return found?.location ?? { file: this.plan.file, line: 1, column: 1 };
  }

  private progress(): void {
    this.options.onProgress?.({
      phase: this.phase,
      step: this.step,
      states: this.search?.nodes.length ?? 0,
      transitions: this.ground?.transitions.computed ?? 0,
      findings: this.search?.collector.groups.length ?? 0,
    });
  }

  private stopReason(): string | null {
    if (this.options.signal?.aborted === true) return 'cancelled';
    const limit = this.options.timeoutMs ?? defaults.timeoutMs;
    return Date.now() - this.started > limit ? `the time limit of ${limit / 1000} s` : null;
  }

  // ---- preparing ------------------------------------------------------------------------------

  private async prepare(engine: Engine): Promise<PlanReport['errors'][number] | null> {
    this.phase = 'reference';
    const transitions = new Transitions(engine, this.options.seed ?? defaults.seed, () => {
      this.progress();
      const reason = this.stopReason();
      if (reason !== null && !this.finishing) throw new Cut(reason);
    });
    const { positions, last } = buildPositions(this.plan);
    const started = await engine.start(
      this.plan.schema.statements.map((s) => s.text),
      (this.plan.seed?.statements ?? []).map((s) => s.text),
    );
    if (!started.ok) return this.startError(started);
    const start = { schema: started.schema, content: transitions.internContent(started.content) };
    const catalogs = new Map<SchemaId, Catalog>([[start.schema, await engine.catalog(start.schema)]]);
    const plainRun = await this.plainRun(engine, transitions, positions, start);
    for (const schema of new Set(plainRun.nominal.values()))
      if (!catalogs.has(schema)) catalogs.set(schema, await engine.catalog(schema));
    const seedCatalog = catalogs.get(start.schema) as Catalog;
    const view = (version: string): { schema: SchemaId; catalog: Catalog } => {
      const position = positions.find((p) => p.live.includes(version) && plainRun.nominal.has(p.id));
      const schema = (position === undefined ? undefined : plainRun.nominal.get(position.id)) ?? start.schema;
      return { schema, catalog: catalogs.get(schema) ?? seedCatalog };
    };
    const finder = new DomainFinder(
      this.plan,
      engine,
      parseContent(transitions.contents.text(start.content)),
      seedCatalog,
      view,
    );
    const domains = new Map<string, ReadonlyMap<string, ParamDomain>>();
    for (const name of new Set(this.plan.versions.flatMap((v) => [...v.requests.keys()])))
      domains.set(name, await finder.request(name));
    const volatile = await engine.volatileFunctions(start.schema, [
      ...new Set(
        this.plan.versions.flatMap((v) =>
          [...v.requests.values()].flatMap((r) => r.statements.flatMap((s) => s.functions)),
        ),
      ),
    ]);
    const isRead = (request: Request): boolean =>
      request.statements.every(
        (s) => s.node === 'SelectStmt' && !s.modifies && !s.functions.some((f) => volatile.has(f)),
      );
    const programs = new Programs(this.plan, transitions, domains, isRead);
    const usesRandom =
      [...catalogs.values()].some((c) => c.usesRandom) ||
      this.plan.versions.some((v) =>
        [...v.requests.values()].some((r) => r.statements.some((s) => s.functions.some(isRandom))),
      );
    this.ground = { engine, transitions, positions, last, start, ...plainRun, catalogs, domains, programs, usesRandom };
    return null;
  }

  private startError(started: {
    readonly sqlstate: string;
    readonly message: string;
    readonly statement: number;
    readonly part?: 'schema' | 'seed';
  }): PlanReport['errors'][number] {
    const part = started.part ?? 'schema';
    const sql = part === 'seed' ? this.plan.seed : this.plan.schema;
    const location = sql?.statements[started.statement]?.location ??
      sql?.location ?? { file: this.plan.file, line: 1, column: 1 };
    return {
      code: `${part}-fails`,
      message: `The ${part} does not load: ${started.message} (${started.sqlstate})`,
      ...location,
      suggestion: null,
    };
  }

  /** Goes through the plan once with no requests at all: the schema at each position, and what the last one holds. */
  private async plainRun(
    engine: Engine,
    transitions: Transitions,
    positions: readonly Position[],
    start: { readonly schema: SchemaId; readonly content: number },
  ): Promise<{ nominal: Map<number, SchemaId>; finalContent: number | null }> {
    const nominal = new Map<number, SchemaId>([[0, start.schema]]);
    let { schema, content } = start;
    const probe = this.makeSearch(
      { engine, transitions, positions, start, nominal },
      null,
      unlimited(() => this.stopReason()),
    );
    for (let at = positions[0]; at !== undefined && at.forward !== null; at = positions[at.forward.to]) {
      const { action, to } = at.forward;
      if (at.job !== null) {
        const run = await probe.runJob(schema, content, at.job, 300);
        if (run.kind !== 'finished') return { nominal, finalContent: null };
        content = run.content;
      }
      if (action.kind === 'sql') {
        const texts = action.statements.map((s) => s.text);
        const [result] = await transitions.migrate(schema, texts, action.transactional, [content]);
        if (result?.ok !== true) return { nominal, finalContent: null };
        ({ schema, content } = result);
      }
      nominal.set(to, schema);
    }
    return { nominal, finalContent: content };
  }

  private makeSearch(
    ground: Pick<Ground, 'engine' | 'transitions' | 'positions' | 'start' | 'nominal'>,
    full: Ground | null,
    limits: SearchLimits,
  ): Search {
    const digests = new Map<SchemaId, Promise<string>>();
    const schemaDigest = (schema: SchemaId): Promise<string> => {
      const known = digests.get(schema) ?? ground.engine.catalog(schema).then((c) => c.unorderedDigest);
      digests.set(schema, known);
      return known;
    };
    const programs = full?.programs ?? new Programs(this.plan, ground.transitions, new Map(), () => false);
    const input = {
      plan: this.plan,
      positions: ground.positions,
      programs,
      transitions: ground.transitions,
      nominal: ground.nominal,
      schemaDigest,
      usesRandom: full?.usesRandom ?? false,
      beforeJob: checkBackfill,
      start: ground.start,
    };
    return new Search(input, (want) => this.references(ground, full, programs, want), limits);
  }

  private references(
    ground: Pick<Ground, 'transitions' | 'start' | 'positions'>,
    full: Ground | null,
    programs: Programs,
    want: Want,
  ): { first: Reference; second: Reference | null } {
    const { transitions, start } = ground;
    const counts = (content: number): readonly number[] =>
      Object.values(parseContent(transitions.contents.text(content)).tables).map((rows) => rows.length);
    const requestOf =
      (version: string) =>
      (action: { readonly request: string }): Request | null =>
        programs.version(version).requests.get(action.request) ?? null;
    const first = new Reference(
      start.schema,
      requestOf(this.plan.versions[0]?.name ?? ''),
      start.content,
      programs,
      transitions,
      want,
      counts,
      extraRows,
    );
    if (full === null || full.finalContent === null || !this.needsSecond(programs)) return { first, second: null };
    const schema = full.nominal.get(full.last);
    const version = full.positions[full.last]?.live[0];
    if (schema === undefined || version === undefined) return { first, second: null };
    return {
      first,
      second: new Reference(
        schema,
        requestOf(version),
        full.finalContent,
        programs,
        transitions,
        want,
        counts,
        extraRows,
      ),
    };
  }

  /** A second reference is needed when some version can say what the first can't. */
  private needsSecond(programs: Programs): boolean {
    const first = this.plan.versions[0];
    return this.plan.versions.some((v) =>
      programs
        .offers(v.name)
        .some((o) => first?.requests.has(o.action.request) !== true || !programs.canSend(first.name, o.action)),
    );
  }

  // ---- exploring ------------------------------------------------------------------------------

  private async explore(): Promise<void> {
    const ground = this.ground as Ground;
    try {
      this.phase = 'forward';
      await this.describeReferences(ground);
      if (!(await this.attempt(null, unboundedContents))) {
        this.writeBound = defaultWriteBound;
        await this.attempt(defaultWriteBound, Infinity);
      }
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      this.cut = error.message;
    }
  }

  private async describeReferences(ground: Ground): Promise<void> {
    const probe = this.makeSearch(
      ground,
      ground,
      unlimited(() => this.stopReason()),
    );
    await probe.describeVersion(ground.start.schema, this.plan.versions[0]?.name ?? '');
    const last = ground.positions[ground.last]?.live[0];
    const schema = ground.nominal.get(ground.last);
    if (last !== undefined && schema !== undefined) await probe.describeVersion(schema, last);
  }

  /** One search; false when there is too much for the bound given, and a shorter bound should be tried. */
  private async attempt(maxWrites: number | null, maxContents: number): Promise<boolean> {
    const ground = this.ground as Ground;
    const limits: SearchLimits = {
      maxStates: Math.min(
        this.options.maxStates ?? defaults.maxStates,
        maxWrites === null ? unboundedStates : Infinity,
      ),
      maxContents: ground.transitions.contents.size + maxContents,
      maxWrites,
      stop: () => this.stopReason(),
      onProgress: (step) => {
        this.step = step;
        this.progress();
      },
    };
    const search = this.makeSearch(ground, ground, limits);
    this.search = search;
    for (const violation of checkPlan(this.plan)) search.collector.add(violation);
    try {
      this.phase = 'forward';
      await search.forward();
      await checkVerifySeesDrift(search, this.plan, ground.positions);
      this.phase = 'rollback';
      await search.rollBack();
      this.phase = 'sweep';
      await sweep(search, search.input, ground.domains);
      return true;
    } catch (error) {
      if (error instanceof Cut && maxWrites === null && this.stopReason() === null) return false;
      throw error;
    }
  }

  // ---- reporting ------------------------------------------------------------------------------

  private async finish(base: PlanReport, canReplay = true): Promise<PlanReport> {
    const { search, ground } = this;
    this.finishing = true;
    if (search === null || ground === null)
      return { ...base, exploration: { ...base.exploration, cut: this.cut, elapsedMs: Date.now() - this.started } };
    if (canReplay) await judgeStops(search, this.plan);
    const neverExercised = this.neverExercised(search, ground);
    const { findings, errors } = await this.findings(search, ground, canReplay);
    const cells = rollbackTriangle(this.plan, ground.positions, search.nodes);
    const unsafe = findings.some((f) => f.severity === 'error' && f.allowed === null);
    const complete = this.cut === null && errors.length === 0;
    return {
      ...base,
      verdict: unsafe ? 'unsafe' : complete ? 'safe' : 'unproven',
      exploration: {
        complete,
        states: search.nodes.length,
        transitions: ground.transitions.computed,
        elapsedMs: Date.now() - this.started,
        neverExercised,
        statements: ground.engine.stats.statements - this.statementsBefore,
        writeBound: this.writeBound,
        domain: this.domainReport(ground),
        cut: this.cut,
      },
      rollback: [...cells],
      pointOfNoReturn: pointOfNoReturn(this.plan, cells),
      findings,
      errors,
    };
  }

  private domainReport(ground: Ground): Record<string, (string | null)[]> {
    const domain: Record<string, (string | null)[]> = {};
    for (const [request, params] of ground.domains)
      for (const param of params.keys()) {
        const values = new Set(
          this.plan.versions.flatMap((v) =>
            v.requests.has(request) ? [...ground.programs.values(v, request, param)] : [],
          ),
        );
        domain[`${request}.${param}`] = [...values];
      }
    if (this.plan.versions.some((v) => [...v.requests.values()].some((r) => ground.programs.isStepwise(r))))
      domain['requests in flight'] = [
        `${maxFlights} at once`,
        `${maxFlightsAfterRollback} after a way back`,
        'one process dies',
      ];
    for (const [request, [searched, all]] of ground.programs.limited)
      domain[request] = [`${searched} of ${all} combinations`];
    return domain;
  }

  /** Requests that were not run where their version is live, and those that were refused wherever they ran. */
  private neverExercised(search: Search, ground: Ground): string[] {
    const missing: string[] = [];
    for (const version of this.plan.versions) {
      const positions = ground.positions.filter((p) => p.live.includes(version.name) && p.phase !== 'rolling-back');
      for (const request of version.requests.keys()) {
        const name = `${version.name}.${request}`;
        const not = positions.filter((p) => !search.evaluator.exercised.has(`${p.id}|${version.name}|${request}`));
        if (not.length === positions.length) missing.push(name);
        else for (const p of not) missing.push(`${name} at ${positionLabel(p)}`);
        if (
          this.cut === null &&
          not.length < positions.length &&
          !search.evaluator.accepted.has(`${version.name}|${request}`)
        )
          missing.push(`${name} (refused wherever it ran)`);
      }
    }
    if (missing.length > 0 && this.cut === null) search.collector.add(this.neverExercisedViolation(missing));
    return missing;
  }

  private neverExercisedViolation(missing: readonly string[]): Violation {
    const step = this.plan.steps.find((s) => missing.some((m) => m.includes(`at ${s.name}`))) ?? this.plan.steps[0];
    if (step === undefined) throw new RangeError('a plan has steps');
    const shown = missing.slice(0, 5).join(', ');
    return planViolation(
      'never-exercised',
      step,
      `${missing.length > 5 ? `${shown} and ${missing.length - 5} more` : shown}: never run, or never accepted; nothing was shown about them`,
    );
  }

  private async findings(
    search: Search,
    ground: Ground,
    canReplay: boolean,
  ): Promise<{ findings: Finding[]; errors: PlanReport['errors'] }> {
    this.phase = 'replay';
    const errors: PlanReport['errors'] = [];
    const findings: Finding[] = [];
    const groups = await this.classified(search, ground, canReplay);
    for (const group of groups) {
      // What can't be replayed any more, since the engine is gone, is no finding.
      if (!canReplay && group.head.node !== null) continue;
      if (group.head.node !== null) {
        const replay = await replayViolation(
          { plan: this.plan, engine: ground.engine, search, seed: this.options.seed ?? defaults.seed },
          group.head,
        );
        if (!replay.ok) {
          errors.push(this.notReproduced(group.head, replay.why));
          continue;
        }
      }
      const finding = this.finding(group, ground, findings);
      this.heads.set(finding.id, group.head);
      findings.push(finding);
    }
    findings.sort((a, b) => this.stepIndex(a.step) - this.stepIndex(b.step));
    return { findings: [...findings, ...this.unusedAllowances(findings)], errors };
  }

  /** Exact rules; two that turn out to be the same rule at the same step become one. */
  private async classified(search: Search, ground: Ground, canAsk: boolean): Promise<readonly Group[]> {
    if (!canAsk) return search.collector.groups;
    const collector = new Collector();
    for (const group of search.collector.groups) {
      const head = await classify(search, group.head, ground.positions, (c) =>
        parseContent(ground.transitions.contents.text(c)),
      );
      collector.add(head);
      for (const follower of group.followers) collector.addTo(head, follower);
    }
    return collector.groups;
  }

  private notReproduced(violation: Violation, why: string): PlanReport['errors'][number] {
    const message = `A defect of Cutover: ${violation.rule} at "${violation.step.name}" did not come out again when its trace was replayed (${why}). It is no finding.`;
    return { code: 'not-reproduced', message, ...violation.location, suggestion: null };
  }

  private stepIndex(name: string): number {
    return this.plan.steps.findIndex((s) => s.name === name);
  }

  private finding(group: Group, ground: Ground, before: readonly Finding[]): Finding {
    const { head } = group;
    const rule = ruleOf(head.rule);
    const id = `${head.rule}-${slug(head.step.name)}`;
    const twins = before.filter((f) => f.id === id || f.id.startsWith(`${id}-`)).length;
    const allow = [...head.step.allow, ...this.plan.allow].find((a) => a.rule === head.rule);
    return {
      id: twins === 0 ? id : `${id}-${twins + 1}`,
      rule: head.rule,
      severity: head.severity ?? rule.severity,
      step: head.step.name,
      cause: head.cause ?? null,
      version: head.version,
      request: head.action?.request ?? null,
      message: head.message,
      expected: head.expected,
      actual: head.actual,
      sqlstate: head.sqlstate,
      line: head.location.line,
      column: head.location.column,
      allowed: allow?.reason ?? null,
      hint: rule.hint,
      consequences: group.followers.map((f) => ({
        rule: f.rule,
        step: f.step.name,
        version: f.version,
        request: f.action?.request ?? null,
        message: f.message,
      })),
      trace: traceOf(head, this.plan, ground.positions),
    };
  }

  /** An allowance that matches nothing hides nothing, and is itself reported. */
  private unusedAllowances(findings: readonly Finding[]): Finding[] {
    const unused = [
      ...this.plan.allow.map((a) => ({ allow: a, step: null as Step | null })),
      ...this.plan.steps.flatMap((s) => s.allow.map((a) => ({ allow: a, step: s as Step | null }))),
    ].filter(
      ({ allow, step }) => !findings.some((f) => f.rule === allow.rule && (step === null || f.step === step.name)),
    );
    return unused.map(({ allow, step }, i) => ({
      id: `unused-allow-${i + 1}`,
      rule: 'unused-allow',
      severity: 'info',
      step: step?.name ?? this.plan.steps[0]?.name ?? '',
      cause: null,
      version: null,
      request: null,
      message: `the allowance of ${allow.rule} matches no finding`,
      expected: null,
      actual: null,
      sqlstate: null,
      line: allow.location.line,
      column: allow.location.column,
      allowed: null,
      hint: 'Remove it: an allowance that matches nothing would hide the next finding of its rule.',
      consequences: [],
      trace: [],
    }));
  }

  /** Plays a finding's trace again, with what each event left in the tables. */
  async replay(finding: Finding): Promise<readonly ReplayLine[]> {
    const { search, ground } = this;
    const head = this.heads.get(finding.id);
    if (search === null || ground === null || head === undefined) return [];
    const lines: ReplayLine[] = [];
    await replayViolation(
      { plan: this.plan, engine: ground.engine, search, seed: this.options.seed ?? defaults.seed },
      head,
      (played, content) => {
        const event = finding.trace[lines.length];
        if (event === undefined) return;
        const isLast = lines.length === finding.trace.length - 1;
        const result =
          played.outcome === null || played.outcome.ok
            ? event.result
            : `error ${played.outcome.sqlstate}: ${played.outcome.message}`;
        lines.push({ event, result, reference: isLast ? finding.expected : null, differs: isLast, content });
      },
    );
    return lines;
  }
}

function unlimited(stop: () => string | null): SearchLimits {
  return { maxStates: Infinity, maxContents: Infinity, maxWrites: null, stop, onProgress: () => undefined };
}

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

function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
}

function isRandom(name: string): boolean {
  return /^(random|random_normal|gen_random_uuid|gen_random_bytes|uuid_generate_v\d.*|uuidv\d)$/.test(name);
}
