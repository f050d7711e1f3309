/**
 * Steps that commit statement by statement: if one dies half way, can it be run again? Asked of the engine:
 * the statements up to there, and then the whole step from its start.
 */
import { planViolation } from '../explore/blame.ts';
import type { Ground, NominalState } from '../explore/ground.ts';
import { textOf } from '../explore/programs.ts';
import type { Violation } from '../explore/violations.ts';
import type { Statement } from '../plan/model.ts';
import type { TraceEvent } from '../report/model.ts';
import type { Observed } from './survey.ts';

type Ran =
  | { readonly ok: true; readonly state: NominalState }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly statement: number };

export async function findNotAtomic(ground: Ground, observed: readonly Observed[]): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for (const each of observed) {
    if (each.transactional || each.statements.length < 2) continue;
    const violation = await tryAgain(ground, each);
    if (violation !== null) violations.push(violation);
  }
  return violations;
}

async function tryAgain(ground: Ground, observed: Observed): Promise<Violation | null> {
  const { statements, state } = observed;
  let at = state;
  for (let done = 1; done < statements.length; done += 1) {
    const last = statements[done - 1];
    const ran = last === undefined ? null : await run(ground, at, [last]);
    if (ran?.ok !== true) return null;
    at = ran.state;
    // Settings end with the session that has died.
    if (at.schema === state.schema && at.content === state.content) continue;
    const again = await run(ground, at, statements);
    if (!again.ok) return notAtomic(observed, done, again);
  }
  return null;
}

async function run(ground: Ground, from: NominalState, statements: readonly Statement[]): Promise<Ran> {
  let state = from;
  for (const [i, statement] of statements.entries()) {
    const [result] = await ground.transitions.migrate(state.schema, [textOf(statement)], false, [state.content]);
    if (result === undefined) throw new Error('the engine gave no result');
    if (!result.ok) return { ...result, statement: i };
    state = result;
  }
  return { ok: true, state };
}

function notAtomic(observed: Observed, done: number, failed: Ran & { ok: false }): Violation {
  const { step, statements, direction } = observed;
  const down = direction === 'down';
  const named = `"${step.name}"`;
  const message = `${down ? `the way back of ${named}` : named} commits statement by statement; if it dies after ${done} of ${statements.length} and is run again, it fails: ${failed.message}`;
  const event = (i: number, result: string): TraceEvent => ({
    kind: down ? 'rollback' : 'step',
    step: step.name,
    version: null,
    request: null,
    params: {},
    sql: statements[i]?.text ?? '',
    result,
    line: statements[i]?.location.line ?? null,
  });
  const crash: TraceEvent = { ...event(-1, 'the migration is killed and begun again'), kind: 'crash' };
  return {
    ...planViolation('migration-not-atomic', step, message),
    location: statements[failed.statement]?.location ?? step.location,
    sqlstate: failed.sqlstate,
    expected: 'run again, it goes through',
    actual: `error ${failed.sqlstate}: ${failed.message}`,
    trace: [
      ...statements.slice(0, done).map((_, i) => event(i, 'committed')),
      crash,
      ...statements.slice(0, failed.statement).map((_, i) => event(i, 'committed')),
      event(failed.statement, `error ${failed.sqlstate}: ${failed.message}`),
    ],
    subject: direction,
  };
}
