/** Traces as reports show them: the events from the start to a finding, in words. */
import { shownDatabase } from '../engine/databases.ts';
import type { Plan, Statement } from '../plan/model.ts';
import type { TraceEvent } from '../report/model.ts';
import { showAnswer } from './answer.ts';
import type { Position } from './positions.ts';
import { endOfCommit, textOf } from './programs.ts';
import { pathTo, type Node, type SearchEvent } from './state.ts';
import type { Violation } from './violations.ts';

/** Every event of a violation, with the state it happens in. */
export function eventsOf(violation: Violation): readonly { readonly event: SearchEvent; readonly before: Node }[] {
  if (violation.node === null) return [];
  const path = pathTo(violation.node);
  const events: { event: SearchEvent; before: Node }[] = [];
  path.forEach((node, i) => {
    const before = path[i - 1];
    if (node.event !== null && before !== undefined) events.push({ event: node.event, before });
  });
  for (const event of violation.tail ?? []) events.push({ event, before: violation.node });
  if (violation.event !== null) events.push({ event: violation.event, before: violation.node });
  return events;
}

export function traceOf(violation: Violation, plan: Plan, positions: readonly Position[]): TraceEvent[] {
  if (violation.trace !== undefined) return [...violation.trace];
  const events = eventsOf(violation);
  if (events.length === 0) return [planEvent(violation)];
  return events.map(({ event, before }) => traceEvent(event, plan, positions, positions[before.position]));
}

/** A finding that is read from the plan has its step as its trace. */
function planEvent(violation: Violation): TraceEvent {
  const { step } = violation;
  return {
    kind: 'step',
    step: step.name,
    version: null,
    request: null,
    params: {},
    sql: stepSql(step),
    result: violation.message,
    line: step.location.line,
  };
}

/** Statements for readers, each with the database that it runs in, unless that is the first. */
export function shownSql(statements: readonly Statement[]): string {
  return statements.map((s) => shownDatabase(textOf(s))).join(';\n');
}

function stepSql(step: Violation['step']): string {
  if (step.kind === 'migrate') return shownSql(step.sql.statements);
  return '';
}

/** An event in words, as it happens at a position. */
export function traceEvent(
  event: SearchEvent,
  plan: Plan,
  positions: readonly Position[],
  position: Position | undefined,
): TraceEvent {
  const step = position?.step?.name ?? null;
  const base = { step, version: null, request: null, params: {}, sql: '', result: '', line: null };
  switch (event.kind) {
    case 'move':
      return { ...base, ...moveEvent(event, positions) };
    case 'request':
      return { ...base, ...requestEvent(event, plan), kind: 'request' };
    case 'prepared':
      return {
        ...base,
        kind: 'request',
        version: event.version,
        request: event.action.request,
        params: Object.fromEntries(event.action.params),
        sql: shownDatabase(event.sql),
        result: event.result,
        line: statementLine(event, plan),
      };
    case 'batch':
      return {
        ...base,
        kind: 'batch',
        sql: shownDatabase(event.sql),
        result: event.what,
        line: event.step.location.line,
      };
    case 'crash':
      return {
        ...base,
        kind: 'crash',
        version: event.version,
        request: event.action.request,
        params: Object.fromEntries(event.action.params),
        result: 'the process died before the rest',
      };
    case 'deliver':
      return {
        ...base,
        kind: 'deliver',
        sql: shownDatabase(event.sql),
        result: `${event.stream.name}${event.again ? ', once more' : ''}: ${event.what}`,
        line: event.stream.location.line,
      };
    case 'catch-up':
      return {
        ...base,
        kind: 'deliver',
        result: event.left === 0 ? 'the replica has caught up' : `the replica catches up, ${event.left} behind`,
      };
    case 'restart':
      return {
        ...base,
        kind: 'crash',
        result: 'the backfill is killed and begun again',
        line: event.step.location.line,
      };
    case 'drift':
      return {
        ...base,
        kind: 'step',
        step: event.step.name,
        sql: shownDatabase(event.sql),
        result: `drift put in on purpose: ${event.what}`,
        line: event.step.location.line,
      };
  }
}

function moveEvent(
  { move, result }: SearchEvent & { kind: 'move' },
  positions: readonly Position[],
): Pick<TraceEvent, 'kind' | 'step' | 'sql' | 'result' | 'line'> {
  return {
    kind: move.direction === 'down' ? 'rollback' : 'step',
    step: move.step.name,
    sql: move.action.kind === 'sql' ? shownSql(move.action.statements) : '',
    result: result === 'done' ? arrival(positions[move.to]) : result,
    line: move.part.location.line,
  };
}

function statementLine(event: SearchEvent & { kind: 'prepared' }, plan: Plan): number | null {
  const request = plan.versions.find((v) => v.name === event.version)?.requests.get(event.action.request);
  return request?.statements[event.statement]?.location.line ?? null;
}

function requestEvent(
  event: SearchEvent & { kind: 'request' },
  plan: Plan,
): Pick<TraceEvent, 'version' | 'request' | 'params' | 'sql' | 'result' | 'line'> {
  const request = plan.versions.find((v) => v.name === event.version)?.requests.get(event.action.request);
  const statements = request?.statements ?? [];
  const first = event.statement ?? 0;
  const end = request === undefined || event.statement === null ? statements.length : endOfCommit(request, first);
  const shown = statements.slice(first, end);
  const which = end === first + 1 ? `statement ${end}` : `statements ${first + 1} to ${end}`;
  const part = event.statement === null ? '' : `${which} of ${statements.length}: `;
  return {
    version: event.version,
    request: event.action.request,
    params: Object.fromEntries(event.action.params),
    sql: `${request?.onReplica === true ? '-- on a replica\n' : ''}${shownSql(shown)}`,
    result: `${part}${event.answer === null ? 'committed' : showAnswer(event.answer)}`,
    line: request?.location.line ?? null,
  };
}

/** What a position that was arrived at means: who is live, what runs. */
function arrival(position: Position | undefined): string {
  if (position === undefined) return 'done';
  const live = position.live.join(' and ');
  switch (position.phase) {
    case 'rolling':
      return `rolling out: ${live} live`;
    case 'running':
      return position.live.length > 0 ? `begins, ${live} live` : 'begins, the app is stopped';
    case 'part':
      return 'committed, more to come';
    case 'rolling-back':
      return `on the way back, ${live} live`;
    case 'start':
      return `back at the start, ${live} live`;
    case 'done':
      return position.step?.kind === 'deploy' ? `${live} live` : 'done';
  }
}
