/** Puts what the search saw into words: the rule, the step it belongs to, expected and actual. */
import type { RuleId } from '../findings/catalog.ts';
import type { BackfillStep, Check, Plan, Statement, Step } from '../plan/model.ts';
import { showAnswer, type Answer } from './answer.ts';
import type { JobStep } from './jobs.ts';
import type { Move, Position } from './positions.ts';
import type { Offer } from './programs.ts';
import { lastUndone, type Node, type SearchEvent } from './state.ts';
import type { Drained } from './streams.ts';
import type { MigrateResult } from './transitions.ts';
import type { Violation } from './violations.ts';

export interface FailedCheck {
  readonly check: Check;
  readonly expected: string;
  readonly actual: string;
  readonly sqlstate: string | null;
}

/** What a trace says of a check that the plan does not get past. */
export function checkResult({ check, actual, sqlstate }: FailedCheck): string {
  return sqlstate === null ? `"${check.name}" does not hold` : `"${check.name}": ${actual}`;
}

/** A violation that names no request. */
export function planViolation(rule: Violation['rule'], step: Step, message: string): Violation {
  return {
    rule,
    step,
    node: null,
    event: null,
    version: null,
    action: null,
    definedIn: null,
    expected: null,
    actual: null,
    sqlstate: null,
    message,
    location: step.location,
    outcome: null,
  };
}

/** Of deliveries that go on for ever: so many tell. */
const shownEchoes = 4;

export class Blame {
  constructor(private readonly plan: Plan) {}

  /** The step a violation belongs to, and whether it shows after a way back. */
  private place(position: Position, node: Node): { step: Step; down: boolean } {
    const undone = node.direction === 'down' ? lastUndone(node) : null;
    const step = undone ?? position.step ?? (this.plan.steps[0] as Step);
    return { step, down: undone !== null };
  }

  private requestEvent(version: string, offer: Offer, answer: Answer): SearchEvent {
    return { kind: 'request', version, action: offer.action, statement: null, answer, flight: null };
  }

  readViolation(
    position: Position,
    node: Node,
    version: string,
    offer: Offer,
    answer: Answer,
    expected: Answer | null,
    kind: string,
  ): Violation {
    const { step, down } = this.place(position, node);
    const rule =
      kind === 'fails'
        ? down
          ? 'rollback-breaks-requests'
          : 'request-fails'
        : kind === 'accepted'
          ? 'request-accepted'
          : down
            ? 'rollback-loses-writes'
            : 'lost-write';
    return {
      ...this.common(node, step, version, offer, answer, expected),
      rule,
      event: this.requestEvent(version, offer, answer),
      message: answer.ok
        ? `${version} reads ${showAnswer(answer)} where the app without the migration reads ${expected === null ? 'something else' : showAnswer(expected)}`
        : `${version}.${offer.request.name} fails: ${answer.message}`,
    };
  }

  unreadable(
    position: Position,
    node: Node,
    version: string,
    offer: Offer,
    answer: Answer,
    refused: string,
  ): Violation {
    const { step } = this.place(position, node);
    return {
      ...this.common(node, step, version, offer, answer, null),
      rule: 'unreadable-answer',
      expected: offer.request.accepts?.text ?? null,
      event: this.requestEvent(version, offer, answer),
      message: `${version} reads ${refused}, which its code can not take (accepts: ${offer.request.accepts?.text ?? ''})`,
    };
  }

  writeViolation(
    position: Position,
    node: Node,
    version: string,
    offer: Offer,
    answer: Answer,
    expected: Answer | null,
    kind: string,
  ): Violation {
    const { step, down } = this.place(position, node);
    const breaks = kind === 'fails' || kind === 'accepted';
    const forward = kind === 'fails' ? 'request-fails' : kind === 'accepted' ? 'request-accepted' : 'wrong-answer';
    const rule = down ? (breaks ? 'rollback-breaks-requests' : 'rollback-loses-writes') : forward;
    const was = expected === null ? 'something else' : showAnswer(expected);
    const message = {
      fails: `${version}.${offer.request.name} fails: ${answer.ok ? '' : answer.message}`,
      accepted: `${version}.${offer.request.name} is accepted; the app without the migration refuses it (${was})`,
    }[kind];
    return {
      ...this.common(node, step, version, offer, answer, expected),
      rule,
      event: this.requestEvent(version, offer, answer),
      ...this.hintFor(rule, kind, `${version}.${offer.request.name}`, answer),
      message:
        message ??
        `${version}.${offer.request.name} gives "${showAnswer(answer)}" where the app without the migration gives "${was}"`,
    };
  }

  /** Where what the rule says does not fit. */
  private hintFor(rule: RuleId, kind: string, request: string, answer: Answer): { readonly hint?: string } {
    // It found the rows; what it tells of them is another matter.
    if (rule === 'wrong-answer' && kind === 'rows')
      return { hint: `Let what ${request} returns be what it returned before the migration.` };
    // Nothing got past a constraint: it says yes, and has done nothing.
    if (rule === 'request-accepted' && answer.ok && answer.touched === false)
      return {
        hint: `Let ${request} give the error, as the app without the migration does: it says yes and does nothing.`,
      };
    return {};
  }

  private common(
    node: Node,
    step: Step,
    version: string,
    offer: Offer,
    answer: Answer,
    expected: Answer | null,
  ): Omit<Violation, 'rule' | 'message' | 'event'> {
    return {
      step,
      node,
      version,
      action: offer.action,
      definedIn: offer.request.definedIn,
      expected: expected === null ? null : showAnswer(expected),
      actual: showAnswer(answer),
      sqlstate: answer.ok ? null : answer.sqlstate,
      location: offer.request.location,
      outcome: answer,
    };
  }

  jobViolation(position: Position, node: Node, error: JobStep & { kind: 'error' }): Violation {
    const step = position.step as Step;
    const job = position.job as BackfillStep;
    const back = position.phase === 'rolling-back';
    return {
      rule: back ? 'rollback-fails' : node.job?.again === true ? 'backfill-not-idempotent' : 'migrate-fails',
      step,
      node,
      event: {
        kind: 'batch',
        step: job,
        sql: error.sql,
        what: `error ${error.sqlstate}: ${error.message}`,
        reads: error.reads,
      },
      version: null,
      action: null,
      definedIn: null,
      expected: 'the batch runs',
      actual: `error ${error.sqlstate}: ${error.message}`,
      sqlstate: error.sqlstate,
      message: `the ${back ? 'way back' : 'backfill'} fails: ${error.message}`,
      location: job.location,
      outcome: { ok: false, sqlstate: error.sqlstate, message: error.message },
    };
  }

  endlessViolation(position: Position, node: Node, step: JobStep & { kind: 'batch' }): Violation {
    const job = position.job as BackfillStep;
    return {
      ...planViolation(
        'backfill-never-ends',
        position.step as Step,
        'a batch touches rows and changes nothing: it is run for ever',
      ),
      node,
      location: job.location,
      event: { kind: 'batch', step: job, sql: step.sql, what: step.what, reads: false },
    };
  }

  /** Deliveries that fail, and that would fail for ever; or that go on for ever. */
  streamViolation(position: Position, node: Node, drained: Exclude<Drained, { kind: 'drained' }>): Violation {
    const { step } = this.place(position, node);
    if (drained.kind === 'echoes') {
      const names = [...new Set(drained.events.map((e) => `"${e.stream.name}"`))].sort();
      const shown = drained.events.slice(0, shownEchoes);
      return {
        ...planViolation(
          'stream-echo',
          step,
          `what ${names.join(' and ')} ${names.length === 1 ? 'delivers' : 'deliver'} is a change that is delivered again, for ever`,
        ),
        node,
        tail: shown.slice(0, -1),
        event: shown[shown.length - 1] ?? null,
        expected: 'the streams come to an end',
        actual: `after ${drained.events.length} deliveries there is more to deliver`,
        location: drained.streams[0]?.location ?? step.location,
        subject: names.join(' '),
      };
    }
    const { event, message, sqlstate } = drained.failure;
    return {
      ...planViolation(
        'stream-fails',
        step,
        event.again
          ? `what "${event.stream.name}" has delivered fails when it comes once more, and the stream is stuck: ${message}`
          : `what "${event.stream.name}" delivers fails, and the stream is stuck: ${message}`,
      ),
      node,
      tail: drained.events,
      event,
      expected: 'the change is delivered',
      actual: `error ${sqlstate}: ${message}`,
      sqlstate,
      location: event.stream.location,
      outcome: { ok: false, sqlstate, message },
      subject: `${event.stream.name}|${sqlstate}`,
    };
  }

  /** Of a read that is right once everything has been delivered. */
  stale(violation: Violation): Violation {
    return {
      ...violation,
      rule: 'stale-read',
      message: `${violation.message}, until the streams and replicas have caught up`,
    };
  }

  moveViolation(
    node: Node,
    move: Move,
    error: MigrateResult & { ok: false },
    statement: Statement | undefined,
  ): Violation {
    const down = move.direction === 'down';
    return {
      ...planViolation(
        down ? 'rollback-fails' : 'migrate-fails',
        move.step,
        `${down ? `the way back of "${move.step.name}"` : `"${move.step.name}"`} fails: ${error.message}`,
      ),
      node,
      event: { kind: 'move', move, result: `error ${error.sqlstate}: ${error.message}` },
      expected: down ? 'the way back runs' : 'the step runs',
      actual: `error ${error.sqlstate}: ${error.message}`,
      sqlstate: error.sqlstate,
      location: statement?.location ?? move.step.location,
      outcome: { ok: false, sqlstate: error.sqlstate, message: error.message },
    };
  }

  checkViolation(node: Node, move: Move, failed: FailedCheck): Violation {
    const down = move.direction === 'down';
    return {
      ...planViolation(
        down ? 'rollback-fails' : 'verify-stops',
        move.step,
        failed.sqlstate === null
          ? `the check "${failed.check.name}" does not hold on a state that can be reached: the plan can not go on`
          : `the check "${failed.check.name}" does not run (${failed.actual}): the plan can not go on`,
      ),
      node,
      event: { kind: 'move', move, result: checkResult(failed) },
      // Class 42: what it names is not there, whatever the tables hold.
      ...(failed.sqlstate?.startsWith('42') === true
        ? { hint: 'Mend the check: its SQL does not run on the schema that is there by then.' }
        : {}),
      expected: failed.expected,
      actual: failed.actual,
      sqlstate: failed.sqlstate,
      location: failed.check.location,
    };
  }

  schemaViolation(from: Node, move: Move): Violation {
    return {
      ...planViolation(
        'rollback-changes-schema',
        move.step,
        `the way back of "${move.step.name}" leaves another schema than there was before it`,
      ),
      node: from,
      event: { kind: 'move', move, result: 'leaves another schema than before the step' },
      expected: 'the schema before the step',
      location: move.step.rollback.kind === 'unstated' ? move.step.location : move.step.rollback.location,
    };
  }
}
