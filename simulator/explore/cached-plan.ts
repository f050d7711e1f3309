/**
 * Pods that live through a step with statements that they prepared before it, as drivers do: Postgres refuses to run
 * one whose columns are others now. Asked of Postgres: prepared on the schema before, and again after the step.
 */
import { inDatabase, splitDatabase } from '../engine/databases.ts';
import type { Outcome, RunOptions, Session } from '../engine/engine.ts';
import type { Plan, Request, RequestStatement } from '../plan/model.ts';
import { setUpOf, texts, type Ground } from './ground.ts';
import type { Move, Position } from './positions.ts';
import { callStatement, fillFields, textOf, typeProbe, type Action } from './programs.ts';
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
  readonly sqlstate: string;
  readonly message: string;
}

interface Prepared {
  readonly version: string;
  readonly request: Request;
  readonly statement: number;
  readonly sql: string;
}

const options: RunOptions = { clock: 'request', seed: 1 };
/** "cached plan must not change result type". */
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
    for (const [index, failed] of await explainAll(session, ready)) {
      const { version, request, statement } = ready[index] as Prepared;
      if (failed.sqlstate !== changedResult) continue;
      found.push({ from, move, version, request, statement, sqlstate: failed.sqlstate, message: failed.message });
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
    request.statements.flatMap((s, statement) => {
      if (!s.returnsRows || !planned.has(s.node)) return [];
      return [{ version, request, statement, sql: describable(typeProbe(s)) }];
    }),
  );
}

/** No name of the engine's own: what begins otherwise goes with the session. */
function nameOf(index: number): string {
  return `held_by_a_pod_${index}`;
}

/** A statement with something around it, where it runs. */
function around(text: string, wrap: (sql: string) => string): string {
  const { database, sql } = splitDatabase(text);
  return inDatabase(database, wrap(sql));
}

function prepareText(index: number, text: string): string {
  return around(text, (sql) => `PREPARE ${nameOf(index)} AS ${sql}`);
}

/** Those that can be prepared, under names that go by their order. */
async function prepareAll(session: Session, all: readonly Prepared[]): Promise<readonly Prepared[]> {
  const ready: Prepared[] = [];
  for (let rest = all; rest.length > 0;) {
    const sql = rest.map((p, i) => prepareText(ready.length + i, p.sql));
    const outcome = await session.autocommit(sql, options);
    const done = outcome.ok ? rest.length : outcome.statement;
    ready.push(...rest.slice(0, done));
    rest = rest.slice(done + 1);
  }
  return ready;
}

/** The prepared statements that Postgres does not plan again, by their index. Nothing is executed. */
async function explainAll(
  session: Session,
  ready: readonly Prepared[],
): Promise<readonly (readonly [number, Outcome & { ok: false }])[]> {
  const failed: (readonly [number, Outcome & { ok: false }])[] = [];
  for (let next = 0; next < ready.length;) {
    const rest = ready.slice(next);
    const sql = rest.map((p, i) => around(p.sql, () => `EXPLAIN EXECUTE ${nameOf(next + i)}`));
    const outcome = await session.autocommit(sql, options);
    if (outcome.ok) break;
    next += outcome.statement;
    failed.push([next, outcome]);
    next += 1;
  }
  return failed;
}

async function makeMove(session: Session, move: Move): Promise<boolean> {
  if (move.action.kind !== 'sql') return true;
  const { statements, transactional } = move.action;
  if (!transactional) return (await session.autocommit(statements.map(textOf), options)).ok;
  const call = statements.map((s) => ({ pieces: [textOf(s)], as: null, returnsRows: s.returnsRows }));
  return (await session.transaction({ statements: call, writes: true }, options)).ok;
}

/** Adds the findings of a search's requests, each with the history of a plan in which nobody writes. */
export function addStalePlans(search: Search, stale: readonly StalePlan[]): void {
  for (const each of stale) {
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
  const statement = request.statements[stale.statement] as RequestStatement;
  const held = (what: 'prepare' | 'execute', result: string): SearchEvent => {
    const text = filledText(statement, action);
    const sql = what === 'prepare' ? prepareText(0, text) : around(text, () => `EXECUTE ${nameOf(0)}`);
    return { kind: 'prepared', what, version, action, statement: stale.statement, sql, result };
  };
  const aborts = request.transaction && request.statements.length > 1 ? ', and its transaction is aborted' : '';
  const isStar = statement.columns.includes('*');
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
    ...(isStar
      ? {
          hint: `Name the columns in ${version}.${request.name} instead of \`*\`, and deploy that before "${move.step.name}": a list survives an added column.`,
        }
      : {}),
  };
}

/** The statement with its parameters' values; rows that an earlier statement named are NULL. */
function filledText(statement: RequestStatement, action: Action): string {
  const filled = fillFields(callStatement(statement, action.params), {});
  return describable(filled ?? typeProbe(statement));
}
