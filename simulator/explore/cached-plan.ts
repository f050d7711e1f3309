/**
 * Pods that live through a step with statements that they prepared before it, as drivers do: Postgres refuses to run
 * one whose columns are others now, or whose parameters had a type that no longer fits. Asked of Postgres: prepared on
 * the schema before, planned again after the step. What a pod that starts after it can't prepare either is no matter
 * of what is held: the request itself fails.
 */
import { inDatabase } from '../engine/databases.ts';
import type { Outcome, RunOptions, Session } from '../engine/engine.ts';
import type { Plan, Request, RequestStatement } from '../plan/model.ts';
import { placeOf } from '../plan/sql.ts';
import { setUpOf, texts, type Ground } from './ground.ts';
import type { Move, Position } from './positions.ts';
import { callStatement, fillFields, textOf, typedLiteral, type Action } from './programs.ts';
import type { Search } from './search.ts';
import type { Node, SearchEvent } from './state.ts';
import { describable } from './transitions.ts';
import type { Violation } from './violations.ts';

/** A statement that a version's pods can't run any more after a move. */
export interface StalePlan {
  readonly from: Position;
  readonly move: Move;
  readonly version: string;
  readonly request: Request;
  readonly statement: number;
  readonly places: Places;
  readonly sqlstate: string;
  readonly message: string;
}

/** How a statement is prepared: as drivers do it, or with its values written in where Postgres can't type a place. */
type Places = 'numbered' | 'filled';

interface Prepared {
  readonly version: string;
  readonly request: Request;
  readonly statement: number;
  readonly places: Places;
}

const options: RunOptions = { clock: 'request', seed: 1 };
/** "cached plan must not change result type"; what else there is, is about the type of a parameter. */
const changedResult = '0A000';
/** What Postgres plans, and keeps the columns of. */
const planned = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** Goes through the plan's schema changes once, on empty tables: what a statement returns does not depend on rows. */
export async function findStalePlans(plan: Plan, ground: Ground): Promise<readonly StalePlan[]> {
  const moves = schemaMoves(plan, ground);
  if (!moves.some((m) => m.prepared.length > 0)) return [];
  const session = await ground.engine.session();
  const found: StalePlan[] = [];
  if (!(await session.autocommit(texts(setUpOf(plan).schema), options)).ok) return [];
  for (const { from, move, prepared } of moves) {
    const ready = await prepareAll(session, prepared);
    if (!(await makeMove(session, move))) break;
    for (const [index, { sqlstate, message }] of await explainAll(session, ready)) {
      const held = ready[index] as Prepared;
      if (await canAnew(session, held, ready.length)) found.push({ from, move, ...held, sqlstate, message });
    }
    await session.autocommit(
      ready.map((_, i) => `DEALLOCATE ${nameOf(i)}`),
      options,
    );
  }
  return found;
}

/** Every move that runs SQL, with what the pods hold that are live before and after it. */
function schemaMoves(
  plan: Plan,
  ground: Ground,
): readonly { readonly from: Position; readonly move: Move; readonly prepared: readonly Prepared[] }[] {
  return ground.positions.flatMap((from) => {
    const move = from.forward;
    if (move === null || move.action.kind !== 'sql') return [];
    const to = ground.positions[move.to];
    const changes = ground.nominal.get(from.id) !== ground.nominal.get(move.to);
    const survivors = plan.versions.filter(
      (v) => v.prepares && from.live.includes(v.name) && to?.live.includes(v.name) === true,
    );
    // A window stops the pods, and those that start after it prepare anew.
    const held = changes && !move.step.offline ? survivors.flatMap((v) => heldBy(v.name, v.requests.values())) : [];
    return [{ from, move, prepared: held }];
  });
}

function heldBy(version: string, requests: Iterable<Request>): readonly Prepared[] {
  return [...requests].flatMap((request) =>
    request.statements.flatMap(({ node }, statement) =>
      planned.has(node) ? [{ version, request, statement, places: 'numbered' as const }] : [],
    ),
  );
}

/** No name of the engine's own: what begins otherwise goes with the session. */
function nameOf(index: number): string {
  return `held_by_a_pod_${index}`;
}

function statementOf({ request, statement }: Pick<Prepared, 'request' | 'statement'>): RequestStatement {
  return request.statements[statement] as RequestStatement;
}

function prepareSql(held: Prepared, index: number): string {
  const { database, pieces } = statementOf(held);
  const filled = pieces.map((piece) => (piece.kind === 'text' ? piece.text : 'NULL')).join('');
  const text = held.places === 'filled' ? filled : numbered(pieces);
  return inDatabase(database, `PREPARE ${nameOf(index)} AS ${text}`);
}

/** A number for each place, as the engine has it: one parameter may be used as two types. */
function numbered(pieces: RequestStatement['pieces']): string {
  let places = 0;
  const seen = new Set<string>();
  return pieces
    .map((piece, at) => {
      if (piece.kind === 'text') return piece.text;
      places += 1;
      if (piece.kind === 'field') return `$${places}`;
      const { cast } = placeOf(pieces, at, seen.has(piece.name));
      seen.add(piece.name);
      return `$${places}${cast}`;
    })
    .join('');
}

/** `values`: of each place. */
function executeSql(index: number, places: Places, values: readonly string[]): string {
  const list = places === 'filled' || values.length === 0 ? '' : `(${values.join(', ')})`;
  return `EXECUTE ${nameOf(index)}${list}`;
}

/** Those that can be prepared, under names that go by their order. */
async function prepareAll(session: Session, all: readonly Prepared[]): Promise<readonly Prepared[]> {
  const ready: Prepared[] = [];
  for (let rest = all; rest.length > 0;) {
    const sql = rest.map((p, i) => prepareSql(p, ready.length + i));
    const outcome = await session.autocommit(sql, options);
    const done = outcome.ok ? rest.length : outcome.statement;
    ready.push(...rest.slice(0, done));
    const failed = rest[done];
    rest = rest.slice(done + 1);
    // A place whose type can't be told from where it stands: the driver has to say it.
    if (failed?.places === 'numbered') rest = [{ ...failed, places: 'filled' }, ...rest];
  }
  return ready;
}

/** The prepared statements that Postgres does not plan again, by their index. Nothing is executed. */
async function explainAll(
  session: Session,
  ready: readonly Prepared[],
): Promise<readonly (readonly [number, Outcome & { ok: false }])[]> {
  const failed: (readonly [number, Outcome & { ok: false }])[] = [];
  const sql = ready.map(explainSql);
  for (let next = 0; next < sql.length;) {
    const outcome = await session.autocommit(sql.slice(next), options);
    if (outcome.ok) break;
    next += outcome.statement;
    failed.push([next, outcome]);
    next += 1;
  }
  return failed;
}

function explainSql(held: Prepared, index: number): string {
  const { database, pieces } = statementOf(held);
  const values = pieces.filter((piece) => piece.kind !== 'text').map(() => 'NULL');
  return inDatabase(database, `EXPLAIN ${executeSql(index, held.places, values)}`);
}

/** Whether a pod that starts now can prepare it, and have it planned. */
async function canAnew(session: Session, held: Prepared, index: number): Promise<boolean> {
  const prepared = await session.autocommit([prepareSql(held, index)], options);
  if (!prepared.ok) return false;
  const explained = await session.autocommit([explainSql(held, index)], options);
  await session.autocommit([`DEALLOCATE ${nameOf(index)}`], options);
  return explained.ok;
}

async function makeMove(session: Session, move: Move): Promise<boolean> {
  if (move.action.kind !== 'sql') return true;
  const { statements, transactional } = move.action;
  if (!transactional)
    return (
      await session.autocommit(
        statements.map((s) => textOf(s)),
        options,
      )
    ).ok;
  const call = statements.map((s) => ({ pieces: [textOf(s)], as: null, returnsRows: s.returnsRows }));
  return (await session.transaction({ statements: call, writes: true }, options)).ok;
}

/** Adds the findings of a search's requests, each with the history of a plan in which nobody writes. */
export function addStalePlans(search: Search, stale: readonly StalePlan[]): void {
  const isOfResult = (each: StalePlan): boolean => each.sqlstate === changedResult;
  // What Postgres has a message for comes first: a parameter's type that is gone shows as a number.
  for (const each of [...stale.filter(isOfResult), ...stale.filter((s) => !isOfResult(s))]) {
    const offer = search.input.programs.offers(each.version).find((o) => o.action.request === each.request.name);
    const node = search.nodes.find(
      (n) => n.position === each.from.id && n.writes === 0 && !n.rolledBack && !n.damaged && n.flights.length === 0,
    );
    if (offer === undefined || node === undefined) continue;
    search.collector.add(violationOf(each, offer.action, node));
  }
}

function violationOf(stale: StalePlan, action: Action, node: Node): Violation {
  const { version, request, sqlstate, message, move } = stale;
  const statement = statementOf(stale);
  const held = (what: 'prepare' | 'execute', result: string): SearchEvent => {
    const sql = what === 'prepare' ? prepareText(stale, action) : executeText(stale, action);
    return { kind: 'prepared', what, version, action, statement: stale.statement, sql, result };
  };
  const aborts = request.transaction && request.statements.length > 1 ? ', and its transaction is aborted' : '';
  return {
    rule: 'cached-plan',
    step: move.step,
    node,
    tail: [held('prepare', 'prepared'), { kind: 'move', move, result: 'done' }],
    event: held('execute', `error ${sqlstate}: ${message}`),
    version,
    action,
    definedIn: request.definedIn,
    expected: 'it answers as before the step',
    actual: `error ${sqlstate}: ${message}`,
    sqlstate,
    message: `a pod of ${version} that prepared ${request.name} before "${move.step.name}" fails after it: ${message}${aborts}`,
    location: statement.location,
    outcome: { ok: false, sqlstate, message },
    ...hintOf(stale, statement),
  };
}

function hintOf({ version, request, sqlstate, move }: StalePlan, { columns }: RequestStatement): { hint?: string } {
  const name = `${version}.${request.name}`;
  if (sqlstate !== changedResult)
    return {
      hint: `A parameter keeps the type that it was prepared with. Change the type in a new column beside the old one, or deploy before "${move.step.name}" a version in which ${name} casts its parameter from text where it stands.`,
    };
  if (!columns.includes('*')) return {};
  return {
    hint: `Name the columns in ${name} instead of \`*\`, and deploy that before "${move.step.name}": a list survives an added column.`,
  };
}

/** As it is prepared for a call; rows that an earlier statement named are NULL. */
function prepareText(stale: StalePlan, action: Action): string {
  if (stale.places === 'numbered') return prepareSql(stale, 0);
  const { database, ...statement } = statementOf(stale);
  const call = callStatement({ ...statement, database: null }, action.params);
  return inDatabase(database, `PREPARE ${nameOf(0)} AS ${describable(fillFields(call, {}) ?? call)}`);
}

function executeText(stale: StalePlan, { params }: Action): string {
  const { database, pieces } = statementOf(stale);
  const places = pieces.filter((piece) => piece.kind !== 'text');
  const values = places.map((piece) => (piece.kind === 'param' ? (params.get(piece.name) ?? null) : null));
  return inDatabase(
    database,
    executeSql(
      0,
      stale.places,
      values.map((value) => typedLiteral(value, '')),
    ),
  );
}
