/**
 * Goes through a plan once, forward and down each way back, and asks the engine what every SQL does there and
 * which locks the requests of the live versions take.
 */
import { lockModes } from '../engine/engine.ts';
import type { Call, LockMode, Rows, RunOptions, StatementEvidence } from '../engine/engine.ts';
import { plainJob, type Ground, type NominalState } from '../explore/ground.ts';
import type { Move, MoveAction, Position } from '../explore/positions.ts';
import { callStatement, textOf } from '../explore/programs.ts';
import type { Plan, Request, RollbackStep, Statement, Step } from '../plan/model.ts';
import { conflicts, isWaitedFor, stronger } from './conflicts.ts';
import { tableName } from './sizes.ts';

/** SQL of a step, or of its way back, as it was seen to run. */
export interface Observed {
  readonly step: Step;
  readonly part: Step | RollbackStep;
  readonly direction: 'up' | 'down';
  readonly statements: readonly Statement[];
  readonly evidence: readonly StatementEvidence[];
  readonly transactional: boolean;
  /** Where it was run from. */
  readonly state: NominalState;
  /** What the requests that are answered while it runs lock. Empty when nothing of it could be in their way. */
  readonly users: readonly User[];
}

/** A request of a live version, with the strongest lock that it takes on each table. */
export interface User {
  readonly version: string;
  readonly request: string;
  readonly locks: RequestLocks;
}

/** A request's locks on tables, the strongest each. */
export type RequestLocks = ReadonlyMap<string, LockMode>;

/** Combinations of parameters that are tried until one is accepted. */
const maxTries = 6;

const heldLocks = `SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, l.mode
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p', 'm', 'v')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg_temp%'`;

export class Survey {
  private readonly requests = new Map<string, RequestLocks>();
  private readonly evidence = new Map<string, readonly StatementEvidence[]>();

  constructor(
    private readonly plan: Plan,
    private readonly ground: Ground,
    private readonly seed: number,
  ) {}

  /** The SQL of all steps, in order, with that of its ways back behind each. */
  async observeAll(): Promise<readonly Observed[]> {
    const observed: Observed[] = [];
    for (const step of this.plan.steps) {
      const before = this.ground.positions.find((p) => p.forward?.step === step);
      const state = before === undefined ? undefined : this.ground.nominalStates.get(before.id);
      const sql = state === undefined ? null : oneTransaction(step);
      if (before !== undefined && state !== undefined && sql !== null)
        observed.push(await this.observe({ step, part: step, direction: 'up', ...sql, state }, before.live));
      observed.push(...(await this.wayBack(step)));
    }
    return observed;
  }

  /** From where the step ends, link by link. */
  private async wayBack(step: Step): Promise<readonly Observed[]> {
    const observed: Observed[] = [];
    let position = this.ground.positions.find((p) => p.step === step && p.phase === 'done');
    let state: NominalState | null = this.ground.nominalStates.get(position?.id ?? -1) ?? null;
    let part: Step | RollbackStep | null = null;
    while (position?.back?.step === step && state !== null) {
      const move: Move = position.back;
      if (position.job !== null) state = await plainJob(this.plan, this.ground, state, position.job);
      if (state !== null && move.action.kind === 'sql') {
        const sql = part === move.part ? null : wayBackSql(step, move.part);
        const { part: of } = move;
        if (sql !== null)
          observed.push(await this.observe({ step, part: of, direction: 'down', ...sql, state }, position.live));
        state = await this.migrated(move.action, state);
      }
      part = move.part;
      const next: Position | undefined = this.ground.positions[move.to];
      position = next?.phase === 'rolling-back' ? next : undefined;
    }
    return observed;
  }

  private async migrated(
    action: MoveAction & { kind: 'sql' },
    { schema, content }: NominalState,
  ): Promise<NominalState | null> {
    const texts = action.statements.map(textOf);
    const [result] = await this.ground.transitions.migrate(schema, texts, action.transactional, [content]);
    return result?.ok === true ? result : null;
  }

  private async observe(run: Omit<Observed, 'evidence' | 'users'>, live: readonly string[]): Promise<Observed> {
    const { state, transactional } = run;
    const texts = run.statements.map(textOf);
    const key = JSON.stringify([state.schema, transactional, texts]);
    let evidence = this.evidence.get(key);
    if (evidence === undefined) {
      const content = this.ground.transitions.contents.text(state.content);
      const options: RunOptions = { clock: 'step', seed: this.seed };
      evidence = await this.ground.engine.observe(state.schema, texts, transactional, content, options);
      this.evidence.set(key, evidence);
    }
    const couldBlock = evidence.some((e) =>
      e.locks.some((lock) => isWaitedFor(lock) && conflicts(lock.mode, 'RowExclusiveLock')),
    );
    const writes = run.statements.some((s) => s.modifies) || evidence.some((e) => e.touched.length > 0);
    const users = couldBlock || writes ? await this.usersAt(state, live) : [];
    return { ...run, evidence, users };
  }

  /** What the requests of these versions lock. */
  private async usersAt(state: NominalState, live: readonly string[]): Promise<readonly User[]> {
    const all = live.flatMap((version) =>
      [...this.ground.programs.version(version).requests.values()].map((request) => ({
        version,
        request,
        key: `${state.schema}|${request.definedIn}|${request.name}`,
      })),
    );
    const unknown = new Map(all.filter(({ key }) => !this.requests.has(key)).map((each) => [each.key, each]));
    if (unknown.size > 0) await this.askLocks([...unknown.values()], state);
    return all.map(({ version, request, key }) => ({
      version,
      request: request.name,
      locks: this.requests.get(key) ?? new Map(),
    }));
  }

  /** Runs requests and looks at what each holds before it would commit; of those refused with all values, the tree tells. */
  private async askLocks(
    asked: readonly { readonly version: string; readonly request: Request; readonly key: string }[],
    { schema, content }: NominalState,
  ): Promise<void> {
    const calls = asked.map(({ version, request }) => this.lockCalls(version, request));
    const task = { content: this.ground.transitions.contents.text(content), calls: calls.flat() };
    const [outcomes = []] = await this.ground.engine.run(schema, [task], { clock: 'request', seed: this.seed });
    let at = 0;
    for (const [i, { request, key }] of asked.entries()) {
      const own = outcomes.slice(at, (at += calls[i]?.length ?? 0));
      const held = own.flatMap((o) => (o.ok ? [o.results.at(-1)?.rows ?? []] : []));
      this.requests.set(key, held.length === 0 ? this.writtenLocks(request) : strongest(held.flat()));
    }
  }

  private lockCalls(version: string, request: Request): readonly Call[] {
    const offers = this.ground.programs.offers(version).filter((o) => o.request === request);
    return offers.slice(0, maxTries).map((offer) => ({
      statements: [
        ...request.statements.map((s) => callStatement(s, offer.action.params)),
        { pieces: [heldLocks], as: null, returnsRows: true },
      ],
      writes: true,
    }));
  }

  /** What the parse tree says: tables that are written, and those that are read. */
  private writtenLocks(request: Request): RequestLocks {
    const locks = new Map<string, LockMode>();
    for (const statement of request.statements) {
      for (const ref of statement.tables) locks.set(tableName(ref), locks.get(tableName(ref)) ?? 'AccessShareLock');
      if (statement.target !== null) locks.set(tableName(statement.target.table), 'RowExclusiveLock');
    }
    return locks;
  }
}

/** Of table and mode, each table's strongest. */
function strongest(held: Rows): RequestLocks {
  const locks = new Map<string, LockMode>();
  for (const [table, mode] of held) {
    const taken = lockModes.find((m) => m === mode);
    if (table === null || table === undefined || taken === undefined) continue;
    locks.set(table, stronger(locks.get(table) ?? taken, taken));
  }
  return locks;
}

/** The partitioned table that a partition belongs to, in any schema that the plan goes through. */
export function parentIn(ground: Ground): (table: string) => string | null {
  const tables = [...ground.catalogs.values()].flatMap((c) => c.tables);
  const parents = new Map(tables.map((t) => [t.name, t.partitionOf]));
  return (table) => parents.get(table) ?? null;
}

/** What has one row, whatever is said of tables. */
export function sequencesIn(ground: Ground): ReadonlySet<string> {
  return new Set([...ground.catalogs.values()].flatMap((c) => c.sequences));
}

interface StepSql {
  readonly statements: readonly Statement[];
  readonly transactional: boolean;
}

/** A step's SQL, or the one statement that a backfill is. */
function oneTransaction(step: Step | RollbackStep): StepSql | null {
  if (step.kind === 'migrate') return { statements: step.sql.statements, transactional: step.transactional };
  if (step.kind !== 'backfill') return null;
  const { form } = step;
  if (form.kind === 'statement' && !form.batched) return { statements: [form.statement], transactional: true };
  return form.kind === 'list' && form.statements.length === 1
    ? { statements: form.statements, transactional: true }
    : null;
}

function wayBackSql(step: Step, part: Step | RollbackStep): StepSql | null {
  if (part !== step) return part.kind === 'migrate' ? oneTransaction(part) : null;
  const { rollback } = step;
  return rollback.kind === 'sql'
    ? { statements: rollback.sql.statements, transactional: rollback.transactional }
    : null;
}
