/** What can happen in one state: the answers of every live version, the next batch, the next statement of a request in flight. */
import type { BackfillStep, Plan } from '../plan/model.ts';
import { difference, showRows, touchedNone, type Answer, type KeyedAnswer } from './answer.ts';
import type { Blame } from './blame.ts';
import { freshJob, Jobs, remembers, type JobStep } from './jobs.ts';
import type { Position } from './positions.ts';
import type { Action, Offer, Programs } from './programs.ts';
import { plain, type Draft, type Flight, type Node, type SearchEvent, type StateFields } from './state.ts';
import { upToDate, type Replica } from './replica.ts';
import type { Streams } from './streams.ts';
import { Tally } from './tally.ts';
import type { Result, Transitions } from './transitions.ts';
import type { Violation } from './violations.ts';
import type { Wants } from './wants.ts';
import { stepStatement, type Progress, type Reference } from './worlds.ts';

/** Requests that are between two of their commits at once. */
export const maxFlights = 2;
export const maxFlightsAfterRollback = 1;

/** In place of a set of worlds: the second reference was told something that it could not follow. */
const ignorant = -2;

function hasEffect(answer: Answer): boolean {
  return answer.ok && (answer.touched !== false || answer.rows !== null);
}

export interface Evaluation {
  readonly successors: readonly Draft[];
  readonly violations: readonly Violation[];
  readonly damaged: boolean;
  readonly broken: boolean;
  readonly batch: Draft | null;
  /** True when a running job has nothing left to do, or there is none. */
  readonly finished: boolean;
}

export interface EvaluatorInput {
  readonly plan: Plan;
  readonly programs: Programs;
  readonly transitions: Transitions;
  readonly usesRandom: boolean;
  readonly positions: readonly Position[];
}

export class Evaluator {
  readonly tally: Tally;
  /** Version and request, for those that the reference accepted at least once. */
  readonly accepted = new Set<string>();
  /** Backfills that a check has shown can't be begun again: that is said once, not by what follows from it. */
  readonly noRestart = new Set<BackfillStep>();
  /** Backfills that never end: they are not run. */
  readonly endless = new Set<BackfillStep>();
  readonly jobs: Jobs;
  private readonly first: Reference;
  private readonly second: Reference | null;
  private readonly streams: Streams;
  private readonly replica: Replica;

  constructor(
    private readonly input: EvaluatorInput,
    private readonly wants: Wants,
    references: { readonly first: Reference; readonly second: Reference | null },
    copies: { readonly streams: Streams; readonly replica: Replica },
    private readonly blame: Blame,
  ) {
    this.first = references.first;
    this.second = references.second;
    this.streams = copies.streams;
    this.replica = copies.replica;
    this.tally = new Tally(input.plan, input.positions.length);
    this.jobs = new Jobs(input.transitions, wants.want, input.usesRandom);
  }

  evaluate(position: Position, node: Node, mayWrite: boolean): Evaluation {
    const missingBefore = this.wants.count;
    this.tally.begin();
    const violations: Violation[] = [];
    const successors: Draft[] = [];
    const settled = this.settle(position, node, violations);
    if (settled === null || settled === 'never')
      return { successors, violations, damaged: true, broken: false, batch: null, finished: false };
    for (const version of position.live) this.probeReads(position, node, version, settled, violations, successors);
    // An error leaves the content as it is; what is read wrongly stays wrong.
    const damaged = violations.some((v) => v.outcome?.ok !== false && v.rule !== 'stale-read');
    const job = this.evaluateJob(position, node);
    if (damaged && this.wants.count === missingBefore)
      return { successors: [], violations, damaged, broken: false, batch: null, finished: job.finished };
    if (job.violation !== null) violations.push(job.violation);
    successors.push(...job.drafts);
    this.deliver(position, node, violations, successors);
    if (node.replica !== upToDate) successors.push(this.catchUp(node));
    this.advanceFlights(position, node, violations, successors);
    if (mayWrite) for (const version of position.live) this.tryWrites(position, node, version, violations, successors);
    const broken = violations.some((v) => v.action !== null && v.rule !== 'stale-read');
    const batch = job.drafts.find((d) => d.event.kind === 'batch') ?? null;
    return { successors, violations, damaged, broken, batch, finished: job.finished };
  }

  /**
   * What the tables hold once the streams have delivered everything. Null: that has to be computed first; `never`: they
   * do not come to an end, which is a finding, and nothing is followed from here.
   */
  private settle(position: Position, node: Node, violations: Violation[]): StateFields | 'never' | null {
    if (this.streams.isCaughtUp(node.streams)) return node;
    const drained = this.streams.drain(this.wants.want, node.schema, node.content, node.streams);
    if (drained === null) return null;
    if (drained.kind === 'drained') return { ...plain(node), content: drained.content };
    violations.push(this.blame.streamViolation(position, node, drained));
    return 'never';
  }

  private deliver(position: Position, node: Node, violations: Violation[], successors: Draft[]): void {
    const deliveries = this.streams.deliveries(this.wants.want, node.schema, node.content, node.streams) ?? [];
    for (const delivery of deliveries) {
      if (delivery.kind === 'delivered') {
        const { content, streams, event } = delivery;
        successors.push({ fields: { ...plain(node), content, streams }, write: false, event });
        // What fails now may work when another stream has delivered; what comes again has worked already.
      } else if (delivery.event.again)
        violations.push(this.blame.streamViolation(position, node, { kind: 'fails', events: [], failure: delivery }));
    }
  }

  private catchUp(node: Node): Draft {
    const replica = this.replica.caughtUpByOne(node.replica);
    const event = { kind: 'catch-up', left: this.replica.lag(replica).length } as const;
    return { fields: { ...plain(node), replica }, write: false, event };
  }

  private probeReads(
    position: Position,
    node: Node,
    version: string,
    settled: StateFields,
    violations: Violation[],
    successors: Draft[],
  ): void {
    for (const offer of this.input.programs.offers(version)) {
      if (!offer.read) continue;
      this.tally.ran(version, offer.request.name);
      const shown = offer.request.onReplica ? this.replica.shown(node) : node;
      const result = this.wants.want(
        shown.schema,
        shown.content,
        this.input.programs.call(offer.request, offer.action, 0, true),
      );
      const judged = result === null ? null : this.judgeShown(node, shown, version, offer, result);
      const refused = this.probeAccepts(shown, offer);
      if (result === null || judged === null || refused === null) continue;
      if (result.ok) this.accepted.add(`${version}|${offer.request.name}`);
      const answer = this.input.programs.answer(shown.schema, offer.request, result).answer;
      const isRight = refused === '' && judged.difference === null;
      if (!isRight || judged.expected !== null) this.tally.compared(version, offer.request.name, isRight);
      if (refused !== '') violations.push(this.blame.unreadable(position, node, version, offer, answer, refused));
      else if (judged.difference !== null) {
        const { expected, difference: kind } = judged;
        const violation = this.blame.readViolation(position, node, version, offer, answer, expected, kind);
        // What is read rightly once everything has arrived is stale, and not lost.
        const isLate = answer.ok && (settled !== node || shown !== node);
        const later = isLate ? this.judgeRead(settled, version, offer) : null;
        if (isLate && later === null) continue;
        violations.push(later !== null && later.difference === null ? this.blame.stale(violation) : violation);
      }
      // Where an outcome was unknown, a client that has read it knows it from then on.
      else if (judged.narrowed && node.flights.length === 0 && shown === node)
        successors.push({
          fields: { ...plain(node), first: judged.first, second: judged.second },
          write: false,
          event: { kind: 'request', version, action: offer.action, statement: null, answer, flight: null },
        });
    }
  }

  /** A read of what a replica shows is right if the reference would have said so at any moment since. */
  judgeShown(
    node: StateFields,
    shown: StateFields,
    version: string,
    offer: Offer,
    result: Result,
  ): ReturnType<Evaluator['judge']> {
    const keyed = this.input.programs.answer(shown.schema, offer.request, result);
    const now = this.judge(node, version, offer.action, keyed, 0);
    if (shown === node || now === null || now.difference === null) return now;
    for (const then of this.replica.lag(node.replica)) {
      const judged = this.judge({ ...node, ...then }, version, offer.action, keyed, 0);
      if (judged === null || judged.difference === null) return judged;
    }
    return now;
  }

  /** The rows that `accepts` refuses, shown; '' when none. A row that the reference would refuse as well is not counted. */
  probeAccepts(node: StateFields, offer: Offer): string | null {
    const call = this.input.programs.acceptsCall(offer.request, offer.action);
    if (call === null) return '';
    const result = this.wants.want(node.schema, node.content, call);
    if (result === null) return null;
    const rows = result.ok ? (result.results[result.results.length - 1]?.rows ?? []) : [];
    if (rows.length === 0) return '';
    for (const world of this.first.worlds(node.first)) {
      const there = this.wants.want(this.first.schema, world.content, call);
      if (there === null) return null;
      const refused = there.ok ? (there.results[there.results.length - 1]?.rows ?? []) : [];
      if (JSON.stringify(refused) === JSON.stringify(rows)) return '';
    }
    return showRows(rows);
  }

  private tryWrites(
    position: Position,
    node: Node,
    version: string,
    violations: Violation[],
    successors: Draft[],
  ): void {
    for (const offer of this.input.programs.offers(version)) {
      if (offer.read) continue;
      this.tally.ran(version, offer.request.name);
      const draft = offer.stepwise
        ? this.begin(position, node, version, offer, violations)
        : this.tryWrite(position, node, version, offer, violations);
      if (draft !== null) successors.push(draft);
    }
  }

  /** One write run whole: a violation, a successor, or neither (it was refused, here and in the reference). */
  tryWrite(position: Position, node: Node, version: string, offer: Offer, violations: Violation[]): Draft | null {
    const nonce = this.input.usesRandom ? node.writes : 0;
    const result = this.wants.want(
      node.schema,
      node.content,
      this.input.programs.call(offer.request, offer.action, nonce, false),
    );
    if (result === null) return null;
    const keyed = this.input.programs.answer(node.schema, offer.request, result);
    const judged = this.judge(node, version, offer.action, keyed, nonce);
    if (judged === null) return null;
    if (judged.difference !== null || judged.expected !== null)
      this.tally.compared(version, offer.request.name, judged.difference === null);
    if (judged.difference !== null) {
      violations.push(
        this.blame.writeViolation(position, node, version, offer, keyed.answer, judged.expected, judged.difference),
      );
      return null;
    }
    if (!keyed.answer.ok || judged.expected?.ok === false) return null;
    this.accepted.add(`${version}|${offer.request.name}`);
    const streams = this.streams.within(node.streams, result.changes);
    if (streams === null) return null;
    const fields: StateFields = {
      ...plain(node),
      content: result.content,
      streams,
      first: judged.first,
      second: judged.second,
      newer: judged.newer,
    };
    if (this.first.grown(judged.first) || this.second?.grown(judged.second) === true) return null;
    return {
      fields: plain(fields),
      write: true,
      event: { kind: 'request', version, action: offer.action, statement: null, answer: keyed.answer, flight: null },
    };
  }

  /** Which references an answer of this version to this action is held against. */
  private judges(node: StateFields, version: string, action: Action): readonly ('first' | 'second')[] {
    const { plan, programs } = this.input;
    const has1 = this.first.has(action) && programs.canSend(plan.versions[0]?.name ?? '', action);
    const has2 = this.knows(node, action);
    if (node.newer === -1) return has1 ? ['first'] : has2 ? ['second'] : [];
    if (node.second === ignorant) return [];
    const bit = 1 << plan.versions.findIndex((v) => v.name === version);
    if ((node.newer & bit) !== 0) return has2 ? ['second'] : has1 ? ['first'] : [];
    return [...(has1 ? (['first'] as const) : []), ...(has2 ? (['second'] as const) : [])];
  }

  /** True when the second reference can answer an action. */
  private knows(node: StateFields, action: Action): boolean {
    return this.second !== null && node.second !== ignorant && this.second.has(action);
  }

  judge(
    node: StateFields,
    version: string,
    action: Action,
    actual: KeyedAnswer,
    nonce: number,
  ): {
    readonly difference: ReturnType<typeof difference>;
    readonly expected: Answer | null;
    readonly first: number;
    readonly second: number;
    readonly newer: number;
    /** The answer rules out some of the worlds that were possible before. */
    readonly narrowed: boolean;
  } | null {
    const judges = this.judges(node, version, action);
    const canFirst =
      this.first.has(action) && this.input.programs.canSend(this.input.plan.versions[0]?.name ?? '', action);
    const asked1 = canFirst ? this.first.ask(node.first, action, nonce) : [];
    const asked2 = this.knows(node, action) ? (this.second?.ask(node.second, action, nonce) ?? null) : [];
    if (asked1 === null || asked2 === null) return null;
    // A request that the last version no longer has may not run on the last schema: that is no opinion.
    const informed2 = asked2.filter((a) => a.answer.answer.ok || !a.answer.answer.sqlstate.startsWith('42'));
    const candidates = judges.flatMap((j) => (j === 'first' ? asked1 : informed2));
    const after1 = asked1.length === 0 ? null : this.first.after(asked1, actual);
    const after2 = asked2.length === 0 || this.second === null ? null : this.second.after(asked2, actual);
    // A write that no reference can make sense of, or that the second can't: from here on that has nothing to say.
    const lost2 = hasEffect(actual.answer) && (after2 === null ? !canFirst : after2.none);
    const after = {
      first: after1?.set ?? node.first,
      second: lost2 ? ignorant : (after2?.set ?? node.second),
      narrowed: after1?.narrowed === true || after2?.narrowed === true,
    };
    const newer = canFirst ? node.newer : node.newer & this.senders(action);
    const same =
      candidates.some((c) => c.answer.key === actual.key) ||
      candidates.some((c) => difference(actual.answer, c.answer.answer) === null);
    // Nothing to hold it against: only what no reference could ever say is an error then.
    if (candidates.length === 0)
      return {
        difference: !actual.answer.ok && actual.answer.sqlstate.startsWith('42') ? 'fails' : null,
        expected: null,
        ...after,
        newer,
      };
    const expected = candidates[0]?.answer.answer ?? null;
    return {
      difference: same || expected === null ? null : difference(actual.answer, expected),
      expected,
      ...after,
      newer,
    };
  }

  private senders(action: Action): number {
    const { plan, programs } = this.input;
    return plan.versions.reduce((mask, v, i) => (programs.canSend(v.name, action) ? mask | (1 << i) : mask), 0);
  }

  /** The first statement of a request that commits one by one. */
  begin(position: Position, node: Node, version: string, offer: Offer, violations: Violation[]): Draft | null {
    if (node.flights.length >= (node.rolledBack ? maxFlightsAfterRollback : maxFlights)) return null;
    const id = ['f0', 'f1', 'f2'].find((f) => !node.flights.some((n) => n.id === f)) ?? 'f3';
    const nonce = this.input.usesRandom ? node.writes : 0;
    const progress: Progress = {
      action: offer.action,
      nonce,
      next: 0,
      rows: {},
      touched: touchedNone,
      answer: { ok: true, rows: null, sorted: null, touched: false },
    };
    const flight: Flight = { id, version, progress, age: 0 };
    const canFirst = this.input.programs.canSend(this.input.plan.versions[0]?.name ?? '', offer.action);
    const begun: StateFields = {
      ...plain(node),
      first: canFirst ? this.first.begin(node.first, id, offer.action, nonce) : node.first,
      second: node.second === ignorant ? ignorant : (this.second?.begin(node.second, id, offer.action, nonce) ?? -1),
      newer: canFirst && this.first.has(offer.action) ? node.newer : node.newer & this.senders(offer.action),
      flights: [...node.flights, flight],
    };
    const draft = this.step(position, node, begun, flight, violations);
    return draft === null ? null : { ...draft, write: true };
  }

  private advanceFlights(position: Position, node: Node, violations: Violation[], successors: Draft[]): void {
    for (const flight of node.flights) {
      const draft = this.step(position, node, node, flight, violations);
      if (draft !== null) successors.push(draft);
      const died = node.crashed ? null : this.crash(node, flight);
      if (died !== null) successors.push(died);
    }
  }

  /** The process that a request in flight ran in has died. */
  crash(node: Node, flight: Flight): Draft | null {
    const first = this.first.crash(node.first, flight.id);
    const second = this.second === null || node.second < 0 ? node.second : this.second.crash(node.second, flight.id);
    if (first === null || second === null) return null;
    const flights = node.flights.filter((f) => f.id !== flight.id);
    return {
      fields: { ...plain(node), first, second, flights, crashed: true },
      write: false,
      event: { kind: 'crash', version: flight.version, action: flight.progress.action, flight: flight.id },
    };
  }

  /** The next statement of a request in flight, from `state` (which is `node`, or `node` with the request just begun). */
  step(position: Position, node: Node, state: StateFields, flight: Flight, violations: Violation[]): Draft | null {
    const request = this.input.programs.version(flight.version).requests.get(flight.progress.action.request);
    if (request === undefined) return null;
    const { programs, transitions } = this.input;
    const step = stepStatement(
      programs,
      transitions,
      this.wants.want,
      node.schema,
      node.content,
      request,
      flight.progress,
    );
    if (step === null) return null;
    const streams = this.streams.within(node.streams, step.changes);
    if (streams === null) return null;
    const done = step.progress.next >= request.statements.length;
    const event: SearchEvent = {
      kind: 'request',
      version: flight.version,
      action: flight.progress.action,
      statement: flight.progress.next,
      answer: done ? step.progress.answer : null,
      flight: flight.id,
    };
    const rest = state.flights.filter((f) => f.id !== flight.id);
    if (!done) {
      const flights = [...rest, { ...flight, progress: step.progress }].sort((a, b) => (a.id < b.id ? -1 : 1));
      return { fields: plain({ ...state, content: step.content, streams, flights }), write: false, event };
    }
    const offer = programs.offer(request, flight.progress.action.params, false);
    const judged = this.judgeEnd(state, flight, step.progress.answer);
    if (judged === null) return null;
    if (judged.difference !== null || judged.compared)
      this.tally.compared(flight.version, request.name, judged.difference === null);
    if (judged.difference !== null) {
      violations.push({
        ...this.blame.writeViolation(
          position,
          node,
          flight.version,
          offer,
          step.progress.answer,
          judged.expected,
          judged.difference,
        ),
        event,
      });
      return null;
    }
    if (step.progress.answer.ok) this.accepted.add(`${flight.version}|${request.name}`);
    const fields = plain({
      ...state,
      content: step.content,
      streams,
      flights: rest,
      first: judged.first,
      second: judged.second,
    });
    if (this.first.grown(judged.first) || this.second?.grown(judged.second) === true) return null;
    return { fields, write: false, event };
  }

  /** How the end of a request that committed statement by statement compares, and what it tells of the reference. */
  judgeEnd(
    state: StateFields,
    flight: Flight,
    actual: Answer,
  ): {
    readonly difference: ReturnType<typeof difference>;
    readonly expected: Answer | null;
    readonly first: number;
    readonly second: number;
    /** There was a reference to hold it against. */
    readonly compared: boolean;
  } | null {
    const end1 = this.first.finish(state.first, flight.id, actual);
    const end2 =
      this.second === null || state.second < 0
        ? { set: state.second, expected: [] }
        : this.second.finish(state.second, flight.id, actual);
    if (end1 === null || end2 === null) return null;
    const judges = this.judges(state, flight.version, flight.progress.action);
    const right1 = this.first.worlds(end1.set).length > 0;
    const right2 = this.second !== null && this.second.worlds(end2.set).length > 0;
    const right = judges.length === 0 || judges.some((j) => (j === 'first' ? right1 : right2));
    // A reference that can't explain the answer forgets the request, but goes on.
    const keep = (ok: boolean, reference: Reference | null, set: number, before: number): number =>
      ok || reference === null ? set : (reference.crash(before, flight.id) ?? set);
    const next = {
      first: keep(right1, this.first, end1.set, state.first),
      second: keep(right2, this.second, end2.set, state.second),
    };
    if (right) return { difference: null, expected: null, ...next, compared: judges.length > 0 };
    const expected = (judges[0] === 'first' ? end1 : end2).expected[0] ?? null;
    const differs = expected === null ? null : difference(actual, expected);
    return { difference: differs, expected, ...next, compared: expected !== null };
  }

  private evaluateJob(
    position: Position,
    node: Node,
  ): { drafts: Draft[]; violation: Violation | null; finished: boolean } {
    if (position.job === null || node.job === null) return { drafts: [], violation: null, finished: true };
    if (this.endless.has(position.job)) return { drafts: [], violation: null, finished: false };
    const step: JobStep | null = this.jobs.step(node.schema, node.content, position.job, node.job);
    if (step === null) return { drafts: [], violation: null, finished: false };
    const drafts: Draft[] = [];
    // A batch that has to wait for the streams comes when they have delivered.
    const streams = step.kind === 'batch' ? this.streams.within(node.streams, step.changes) : null;
    if (step.kind === 'batch' && streams !== null)
      drafts.push({
        fields: { ...plain(node), content: step.content, streams, job: step.job },
        write: false,
        event: { kind: 'batch', step: position.job, sql: step.sql, what: step.what, reads: step.reads },
      });
    const begun = node.job.next > 0 || node.job.last !== null || node.job.hasRead;
    if (begun && !node.job.again && remembers(position.job.form) && !this.noRestart.has(position.job))
      drafts.push({
        fields: { ...plain(node), job: { ...freshJob, again: true } },
        write: false,
        event: { kind: 'restart', step: position.job },
      });
    // Nothing remembered, nothing changed, and rows touched: the same batch again, for ever.
    const loops = step.kind === 'batch' && step.content === node.content && !remembers(position.job.form);
    const violation =
      step.kind === 'error'
        ? this.blame.jobViolation(position, node, step)
        : loops
          ? this.blame.endlessViolation(position, node, step)
          : null;
    return { drafts, violation, finished: step.kind === 'finished' };
  }

  /** How a read of a version compares in a state; null while something is missing. */
  judgeRead(
    node: StateFields,
    version: string,
    offer: Offer,
  ): {
    readonly difference: ReturnType<typeof difference>;
    readonly actual: Answer;
    readonly expected: Answer | null;
  } | null {
    const result = this.wants.want(
      node.schema,
      node.content,
      this.input.programs.call(offer.request, offer.action, 0, true),
    );
    if (result === null) return null;
    const keyed = this.input.programs.answer(node.schema, offer.request, result);
    const judged = this.judge(node, version, offer.action, keyed, 0);
    return judged === null ? null : { difference: judged.difference, actual: keyed.answer, expected: judged.expected };
  }
}
