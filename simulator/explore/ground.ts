/** What all searches of a plan stand on: the plan on the engine, one plain run through it, and the domains. */
import { parseContent } from '../engine/content.ts';
import { createDatabase } from '../engine/databases.ts';
import type { Catalog, Engine, SchemaId } from '../engine/engine.ts';
import type { BackfillStep, Plan, PlanError, Request, Sql, Statement } from '../plan/model.ts';
import { planStatements } from '../plan/statements.ts';
import { checkBackfill } from './repeats.ts';
import { knownSchema, type KnownSchema } from './columns.ts';
import { DomainFinder, withKeysOfOthers, type DomainView, type ParamDomain } from './domain.ts';
import { Mirror } from './mirror.ts';
import { buildPositions, type MoveAction, type Position } from './positions.ts';
import { onlyRead, Programs, textOf } from './programs.ts';
import { Search, type SearchLimits } from './search.ts';
import { noStreams } from './streams.ts';
import type { Transitions } from './transitions.ts';
import { Collector } from './violations.ts';
import { Reference, type Want } from './worlds.ts';

/** Rows that a table of the reference may hold beyond the seed. */
const extraRows = 2;

export interface Ground {
  readonly engine: Engine;
  readonly transitions: Transitions;
  readonly positions: readonly Position[];
  /** The position at the end of the plan. */
  readonly last: number;
  readonly start: { readonly schema: SchemaId; readonly content: number };
  /** The schema at each position that a run without requests gets to. */
  readonly nominal: ReadonlyMap<number, SchemaId>;
  /** The same with what the tables then hold. */
  readonly nominalStates: ReadonlyMap<number, NominalState>;
  /** What the tables hold at the end of that run; null when it did not get there. */
  readonly finalContent: number | null;
  readonly catalogs: ReadonlyMap<SchemaId, Catalog>;
  readonly domains: ReadonlyMap<string, ReadonlyMap<string, ParamDomain>>;
  readonly programs: Programs;
  readonly usesRandom: boolean;
}

export interface NominalState {
  readonly schema: SchemaId;
  readonly content: number;
}

export type GroundResult =
  | { readonly ok: true; readonly ground: Ground }
  | { readonly ok: false; readonly error: PlanError };

type Base = Pick<Ground, 'engine' | 'transitions' | 'positions' | 'start' | 'nominal'>;

/** Loads the plan into the engine and finds out what a search needs to know. Fails when schema or seed do not load. */
export async function prepareGround(plan: Plan, engine: Engine, transitions: Transitions): Promise<GroundResult> {
  const { positions, last } = buildPositions(plan);
  transitions.mirror = new Mirror(plan);
  const setUp = setUpOf(plan);
  const started = await engine.start(texts(setUp.schema), texts(setUp.seed));
  if (!started.ok) return { ok: false, error: startError(plan, setUp, started) };
  const start = { schema: started.schema, content: transitions.internContent(started.content) };
  const plainRun = await runPlain(plan, { engine, transitions, positions, start, nominal: new Map() });
  const catalogs = new Map<SchemaId, Catalog>();
  for (const schema of new Set([start.schema, ...plainRun.nominal.values()]))
    catalogs.set(schema, await engine.catalog(schema));
  const domains = await findDomains(plan, engine, {
    transitions,
    positions,
    start,
    catalogs,
    nominal: plainRun.nominal,
  });
  const programs = new Programs(plan, transitions, domains, await readTest(plan, engine, start.schema));
  const usesRandom =
    [...catalogs.values()].some((c) => c.usesRandom) || planStatements(plan).some((s) => s.functions.some(isRandom));
  const ground = { engine, transitions, positions, last, start, ...plainRun, catalogs, domains, programs, usesRandom };
  await describeReferences(plan, ground);
  return { ok: true, ground };
}

/** A statement of the schema or the seed; without one, what makes the database. */
interface SetUpStatement {
  readonly text: string;
  readonly statement: Statement | null;
}

interface SetUp {
  readonly schema: readonly SetUpStatement[];
  readonly seed: readonly SetUpStatement[];
}

/** What makes the databases of a plan, in order. */
export function setUpOf(plan: Plan): SetUp {
  const given = (sql: Sql | null): SetUpStatement[] =>
    (sql?.statements ?? []).map((statement) => ({ text: textOf(statement), statement }));
  const further = plan.databases.flatMap(({ name, schema }) => [
    { text: createDatabase(name), statement: null },
    ...given(schema),
  ]);
  return {
    schema: [...given(plan.schema), ...further],
    seed: [...given(plan.seed), ...plan.databases.flatMap(({ seed }) => given(seed))],
  };
}

export function texts(statements: readonly SetUpStatement[]): readonly string[] {
  return statements.map(({ text }) => text);
}

function startError(
  plan: Plan,
  setUp: SetUp,
  started: {
    readonly sqlstate: string;
    readonly message: string;
    readonly statement: number;
    readonly part?: 'schema' | 'seed';
  },
): PlanError {
  const part = started.part ?? 'schema';
  const failed = setUp[part][started.statement]?.statement;
  const location = failed?.location ?? plan.schema.location;
  const where = failed?.database == null ? '' : ` of \`${failed.database}\``;
  return {
    code: `${part}-fails`,
    message: `The ${part}${where} does not load: ${started.message} (${started.sqlstate})`,
    location,
    suggestion: null,
  };
}

/** Goes through the plan once with no requests at all. */
async function runPlain(plan: Plan, base: Base): Promise<Pick<Ground, 'nominal' | 'nominalStates' | 'finalContent'>> {
  const { positions, transitions, start } = base;
  const nominal = new Map<number, SchemaId>([[0, start.schema]]);
  const nominalStates = new Map<number, NominalState>([[0, start]]);
  const programs = new Programs(plan, transitions, new Map(), () => false);
  const probe = makeSearch(
    plan,
    { ...base, usesRandom: false, finalContent: null, last: 0 },
    programs,
    new Collector(),
    unlimited,
  );
  let state: PlainState = { ...start, streams: noStreams };
  for (let at = positions[0]; at !== undefined && at.forward !== null; at = positions[at.forward.to]) {
    const next = await plainMove(probe, state, at.job, at.forward.action);
    if (next === null) return { nominal, nominalStates, finalContent: null };
    state = next;
    // What is captured is no part of the schema that is meant here.
    const plain = await transitions.capture(state.schema, []);
    const schema = plain.ok ? plain.schema : state.schema;
    nominal.set(at.forward.to, schema);
    nominalStates.set(at.forward.to, { schema, content: state.content });
  }
  return { nominal, nominalStates, finalContent: state.content };
}

interface PlainState extends NominalState {
  readonly streams: number;
}

/** A running job to its end, then a move, and all that the streams have to deliver after each; null when one fails. */
async function plainMove(
  probe: Search,
  from: PlainState,
  job: BackfillStep | null,
  action: MoveAction,
): Promise<PlainState | null> {
  const { streams } = probe;
  const { transitions } = probe.input;
  let state = from;
  if (job !== null) {
    const [run] = await probe.runJobs([state], job);
    if (run?.kind !== 'finished') return null;
    const filled = { ...state, content: run.content, streams: streams.with(state.streams, run.changes) };
    const drained = await probe.delivered(filled);
    if (drained === null) return null;
    state = drained;
  }
  if (action.kind === 'sql') {
    const texts = action.statements.map(textOf);
    const [result] = await transitions.migrate(state.schema, texts, action.transactional, [state.content]);
    if (result?.ok !== true) return null;
    const { schema, content, changes } = result;
    return probe.delivered({ schema, content, streams: streams.with(state.streams, changes) });
  }
  if (action.kind !== 'cdc') return state;
  const { action: what, stream } = action;
  const after = what === 'start' ? streams.started(state.streams, stream) : streams.stopped(state.streams, stream);
  const captured = await transitions.capture(state.schema, streams.tables(after));
  return captured.ok ? { ...state, schema: captured.schema, streams: after } : null;
}

export const unlimited: SearchLimits = {
  maxMegabytes: Infinity,
  maxStates: Infinity,
  maxContents: Infinity,
  maxWrites: null,
  stop: () => null,
  onProgress: () => undefined,
};

async function findDomains(
  plan: Plan,
  engine: Engine,
  known: Pick<Ground, 'transitions' | 'positions' | 'start' | 'catalogs' | 'nominal'>,
): Promise<Ground['domains']> {
  const { catalogs, start, positions, nominal } = known;
  const seedCatalog = catalogs.get(start.schema) as Catalog;
  const schemas = new Map<SchemaId, KnownSchema>();
  for (const [schema, catalog] of catalogs) schemas.set(schema, await knownSchema(engine, schema, catalog));
  const view = (version: string): DomainView => {
    const position = positions.find((p) => p.live.includes(version) && nominal.has(p.id));
    const schema = (position === undefined ? undefined : nominal.get(position.id)) ?? start.schema;
    return { schema, ...(schemas.get(schema) ?? { catalog: seedCatalog, views: new Map() }) };
  };
  const seed = parseContent(known.transitions.contents.text(start.content));
  const finder = new DomainFinder(plan, engine, seed, seedCatalog, view, [...schemas.values()]);
  const domains = new Map<string, ReadonlyMap<string, ParamDomain>>();
  for (const name of new Set(plan.versions.flatMap((v) => [...v.requests.keys()])))
    domains.set(name, await finder.request(name));
  return withKeysOfOthers(domains);
}

function requestStatements(plan: Plan): readonly Statement[] {
  return plan.versions.flatMap((v) => [...v.requests.values()].flatMap((r) => r.statements));
}

/** A request is a read when it can't change anything: what its functions may do, Postgres says. */
async function readTest(plan: Plan, engine: Engine, schema: SchemaId): Promise<(request: Request) => boolean> {
  const functions = new Set(requestStatements(plan).flatMap((s) => s.functions));
  const volatile = await engine.volatileFunctions(schema, [...functions]);
  return (request) =>
    onlyRead(request.statements) && !request.statements.some((s) => s.functions.some((f) => volatile.has(f)));
}

/** What a backfill that nothing disturbs makes of a state; null when it does not come to an end. */
export async function plainJob(
  plan: Plan,
  ground: Ground,
  state: NominalState,
  job: BackfillStep,
): Promise<NominalState | null> {
  const probe = makeSearch(plan, ground, ground.programs, new Collector(), unlimited);
  const [run] = await probe.runJobs([state], job);
  return run?.kind === 'finished' ? { schema: state.schema, content: run.content } : null;
}

async function describeReferences(plan: Plan, ground: Ground): Promise<void> {
  const probe = makeSearch(plan, ground, ground.programs, new Collector(), unlimited);
  await probe.describeVersion(ground.start.schema, plan.versions[0]?.name ?? '');
  const last = ground.positions[ground.last]?.live[0];
  const schema = ground.nominal.get(ground.last);
  if (last !== undefined && schema !== undefined) await probe.describeVersion(schema, last);
}

/** A search of the requests that `programs` offers. */
export function makeSearch(
  plan: Plan,
  ground: Base & Pick<Ground, 'usesRandom' | 'finalContent' | 'last'>,
  programs: Programs,
  collector: Collector,
  limits: SearchLimits,
): Search {
  const digests = new Map<SchemaId, Promise<string>>();
  const schemaDigest = (schema: SchemaId): Promise<string> => {
    const known = digests.get(schema) ?? ground.engine.catalog(schema).then((c) => c.unorderedDigest);
    digests.set(schema, known);
    return known;
  };
  const { positions, transitions, nominal, usesRandom, start } = ground;
  const input = {
    plan,
    steps: plan.steps,
    positions,
    programs,
    transitions,
    nominal,
    schemaDigest,
    usesRandom,
    beforeJob: checkBackfill,
    start,
  };
  return new Search(input, (want) => references(plan, ground, programs, want), collector, limits);
}

function references(
  plan: Plan,
  ground: Base & Pick<Ground, 'finalContent' | 'last'>,
  programs: Programs,
  want: Want,
): { first: Reference; second: Reference | null } {
  const { transitions, start, finalContent } = ground;
  const countRows = (content: number): readonly number[] =>
    Object.values(parseContent(transitions.contents.text(content)).tables).map((rows) => rows.length);
  const make = (schema: SchemaId, version: string, content: number): Reference => {
    // What the last version no longer has, it answers as the last one that had it.
    const before = plan.versions.slice(0, plan.versions.findIndex((v) => v.name === version) + 1);
    const requestFor = (action: { readonly request: string }): Request | null =>
      before.findLast((v) => v.requests.has(action.request))?.requests.get(action.request) ?? null;
    return new Reference({ schema, requestFor, start: content, programs, transitions, want, countRows, extraRows });
  };
  const first = make(start.schema, plan.versions[0]?.name ?? '', start.content);
  const schema = ground.nominal.get(ground.last);
  const version = ground.positions[ground.last]?.live[0];
  if (finalContent === null || schema === undefined || version === undefined || !needsSecond(plan, programs))
    return { first, second: null };
  return { first, second: make(schema, version, finalContent) };
}

/** A second reference is needed when some version can say what the first can't. */
function needsSecond(plan: Plan, programs: Programs): boolean {
  const first = plan.versions[0];
  if (first === undefined) return false;
  return plan.versions.some((v) =>
    programs
      .offers(v.name)
      .some((o) => !first.requests.has(o.action.request) || !programs.canSend(first.name, o.action)),
  );
}

function isRandom(name: string): boolean {
  return /^(random|random_normal|gen_random_uuid|gen_random_bytes|uuid_generate_v\d.*|uuidv\d)$/.test(name);
}
