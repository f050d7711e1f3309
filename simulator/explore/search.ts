/**
 * The search: every state that the plan can be in, breadth first. Going forward each position is closed
 * under every write of every live version, every batch, every statement of a request in flight; then
 * from every state the way back is walked, and what is new there is explored in full, which includes
 * rolling out again.
 */
import type { SchemaId } from '../engine/engine.ts';
import type { BackfillStep, Check, Plan, Statement, Step } from '../plan/model.ts';
import { difference, showAnswer, showRows, type Answer } from './answer.ts';
import { freshJob, Jobs, remembers, type JobStep } from './jobs.ts';
import type { Move, Position } from './positions.ts';
import {
  callStatement,
  keyAnswer,
  typeProbe,
  type Action,
  type KeyedAnswer,
  type Offer,
  type Programs,
} from './programs.ts';
import { lastUndone, stateKey, type Flight, type Node, type SearchEvent, type StateFields } from './state.ts';
import { describable, type MigrateResult, type Need, type Result, type Transitions } from './transitions.ts';
import { Collector, type Violation } from './violations.ts';
import { Reference, stepStatement, type Progress } from './worlds.ts';

export interface SearchLimits {
  readonly maxStates: number;
  readonly maxContents: number;
  /** Longest history of writes; null: none. */
  readonly maxWrites: number | null;
  /** True when the search must end now. */
  readonly stop: () => string | null;
  readonly onProgress: (step: string | null, states: number) => void;
}

export interface SearchInput {
  readonly plan: Plan;
  readonly positions: readonly Position[];
  readonly programs: Programs;
  readonly transitions: Transitions;
  readonly first: Reference;
  readonly second: Reference | null;
  /** The schema at each position when nothing goes wrong; undefined where the plain run did not get. */
  readonly nominal: ReadonlyMap<number, SchemaId>;
  /** Digest in which the order of columns does not count. */
  readonly schemaDigest: (schema: SchemaId) => Promise<string>;
  readonly usesRandom: boolean;
  /** Looks at the states in which a backfill begins, before anything happens there. */
  readonly beforeJob: (search: Search, position: Position, entries: readonly Node[]) => Promise<void>;
  readonly start: { readonly schema: SchemaId; readonly content: number };
}

const maxFlights = 2;

/** Thrown inside the search when a limit is met; what was found is kept. */
export class Cut extends Error {}

interface Evaluation {
  readonly successors: readonly Draft[];
  readonly violations: readonly Violation[];
  readonly damaged: boolean;
  readonly broken: boolean;
  readonly batch: Draft | null;
  /** True when a running job has nothing left to do, or there is none. */
  readonly finished: boolean;
}

interface Draft {
  readonly fields: StateFields;
  readonly event: SearchEvent;
  readonly write: boolean;
}

interface Arrival {
  readonly node: Node;
  readonly move: Move;
}

export class Search {
  readonly collector = new Collector();
  readonly nodes: Node[] = [];
  /** `position|version|request` that was run. */
  readonly exercised = new Set<string>();
  /** Version and request, for those that the reference accepted at least once. */
  readonly accepted = new Set<string>();
  private readonly visited = new Map<string, Node>();
  private readonly jobs: Jobs;
  private missing: Need[] = [];
  private readonly missingMoves = new Map<
    string,
    { schema: SchemaId; statements: readonly string[]; transactional: boolean; contents: Set<number> }
  >();
  private readonly migrated = new Map<string, MigrateResult>();
  private readonly digestOf = new Map<SchemaId, string>();
  private readonly finishedNodes = new WeakMap<Node, boolean>();
  /** Backfills that a check has shown can't be begun again: that is said once, not by what follows from it. */
  readonly noRestart = new Set<BackfillStep>();
  /** Backfills that never end: they are not run. */
  readonly endless = new Set<BackfillStep>();
  /** States that a check stopped, with the move that they could not make. */
  readonly stopped: { readonly node: Node; readonly move: Move; readonly failed: FailedCheck }[] = [];
  readonly want = (schema: SchemaId, content: number, call: number): Result | null => {
    const need = { schema, content, call };
    if (this.input.transitions.has(need)) return this.input.transitions.get(need);
    this.missing.push(need);
    return null;
  };

  constructor(
    readonly input: Omit<SearchInput, 'first' | 'second'>,
    references: (want: Search['want']) => { readonly first: Reference; readonly second: Reference | null },
    private readonly limits: SearchLimits,
  ) {
    this.jobs = new Jobs(input.transitions, this.want);
    const { first, second } = references(this.want);
    this.first = first;
    this.second = second;
  }

  readonly first: Reference;
  readonly second: Reference | null;

  // ---- the two phases -------------------------------------------------------------------------

  /** Everything that can be reached without a rollback, position by position. */
  async forward(): Promise<void> {
    const root = this.addRoot();
    const byPosition = new Map<number, Node[]>([[root.position, [root]]]);
    const order = this.input.positions.filter((p) => p.phase !== 'rolling-back');
    for (const position of order) {
      const entries = byPosition.get(position.id) ?? [];
      if (position.job !== null) await this.input.beforeJob(this, position, entries);
      const leavers = await this.close(position, entries);
      byPosition.delete(position.id);
      const move = position.forward;
      if (move === null) continue;
      const arrived = await this.moveAll(leavers, move);
      byPosition.set(move.to, [...(byPosition.get(move.to) ?? []), ...arrived]);
    }
  }

  /** From every state reached so far, all ways back, and everything that can follow. */
  async rollBack(): Promise<void> {
    const agenda = new Agenda();
    for (const node of this.nodes) if (!node.damaged) agenda.push(node, 'back');
    for (let batch = agenda.pop(); batch !== null; batch = agenda.pop()) {
      this.check(this.position(batch.position));
      const position = this.position(batch.position);
      let leavers = batch.back;
      if (batch.full.length > 0) {
        const fresh = await this.expand(position, batch.full);
        for (const node of fresh) agenda.push(node, 'full');
        const alive = batch.full.filter((n) => !n.damaged);
        leavers = [...leavers, ...alive];
        if (position.forward !== null)
          for (const n of await this.moveAll(
            alive.filter((a) => this.finishedNodes.get(a) === true),
            position.forward,
          ))
            agenda.push(n, 'full');
      }
      for (const n of await this.goBack(position, leavers)) agenda.push(n, 'full');
    }
  }

  /** Plays one write from a state and then only the plan, forward and back: used by the sweep. */
  async follow(starts: readonly Node[]): Promise<void> {
    this.noWrites = true;
    const agenda = new Agenda();
    for (const node of starts) agenda.push(node, 'full');
    for (let batch = agenda.pop(); batch !== null; batch = agenda.pop()) {
      const position = this.position(batch.position);
      this.check(position);
      for (const node of await this.expand(position, batch.full)) agenda.push(node, 'full');
      const alive = batch.full.filter((n) => !n.damaged);
      if (position.forward !== null)
        for (const n of await this.moveAll(
          alive.filter((a) => this.finishedNodes.get(a) === true),
          position.forward,
        ))
          agenda.push(n, 'full');
      for (const n of await this.goBack(position, alive)) agenda.push(n, 'full');
    }
    this.noWrites = false;
  }

  private noWrites = false;

  private addRoot(): Node {
    const { start } = this.input;
    const fields: StateFields = {
      position: 0,
      schema: start.schema,
      content: start.content,
      first: this.first.initial(),
      second: this.second?.initial() ?? -1,
      newer: -1,
      flights: [],
      job: null,
      floor: 0,
    };
    const known = this.visited.get(stateKey(fields, 0));
    if (known !== undefined) return known;
    const root: Node = {
      ...fields,
      id: 0,
      parent: null,
      event: null,
      writes: 0,
      others: 0,
      direction: 'up',
      rolledBack: false,
      damaged: false,
      broken: false,
      back: null,
      batch: null,
    };
    this.nodes.push(root);
    this.visited.set(stateKey(fields, 0), root);
    return root;
  }

  private position(id: number): Position {
    return this.input.positions[id] as Position;
  }

  private check(position: Position): void {
    this.limits.onProgress(position.step?.name ?? null, this.nodes.length);
    const reason = this.limits.stop();
    if (reason !== null) throw new Cut(reason);
    if (this.nodes.length > this.limits.maxStates) throw new Cut(`more than ${this.limits.maxStates} states`);
    if (this.input.transitions.contents.size > this.limits.maxContents)
      throw new Cut(`more than ${this.limits.maxContents} different contents`);
  }

  /** Adds a state unless it is known. */
  private add(parent: Node, draft: Draft): { readonly node: Node; readonly fresh: boolean } {
    const move = draft.event.kind === 'move' ? draft.event.move : null;
    const writes = parent.writes + (draft.write ? 1 : 0);
    const key = stateKey(draft.fields, this.input.usesRandom ? writes : 0);
    const known = this.visited.get(key);
    if (known !== undefined) return { node: known, fresh: false };
    const node: Node = {
      ...draft.fields,
      id: this.nodes.length,
      parent,
      event: draft.event,
      writes,
      others: parent.others + (draft.write ? 0 : 1),
      direction: move?.direction ?? parent.direction,
      rolledBack: parent.rolledBack || move?.direction === 'down',
      damaged: false,
      broken: false,
      back: null,
      batch: null,
    };
    this.nodes.push(node);
    this.visited.set(key, node);
    return { node, fresh: true };
  }

  // ---- closing one position -------------------------------------------------------------------

  /** Closes a position under everything that happens in it; gives the states it can be left in. */
  private async close(position: Position, entries: readonly Node[]): Promise<readonly Node[]> {
    const levels = new Map<number, Node[]>();
    const push = (n: Node): void => void (levels.get(n.writes)?.push(n) ?? levels.set(n.writes, [n]));
    entries.forEach(push);
    const all: Node[] = [];
    while (levels.size > 0) {
      this.check(position);
      const level = Math.min(...levels.keys());
      const nodes = levels.get(level) ?? [];
      levels.delete(level);
      all.push(...nodes);
      for (const fresh of await this.expand(position, nodes)) push(fresh);
    }
    return all.filter((n) => !n.damaged && this.finishedNodes.get(n) === true);
  }

  /** Evaluates states of one position; gives the new states in it. */
  private async expand(position: Position, nodes: readonly Node[]): Promise<readonly Node[]> {
    await this.prepare(position, nodes);
    const fresh: Node[] = [];
    let open: readonly Node[] = nodes;
    while (open.length > 0) {
      this.missing = [];
      const again: Node[] = [];
      for (const node of open) {
        const before = this.missing.length;
        const evaluation = this.evaluate(position, node);
        if (this.missing.length > before) again.push(node);
        else fresh.push(...this.accept(node, evaluation));
      }
      if (again.length > 0) await this.compute();
      open = again;
    }
    return fresh;
  }

  private async compute(): Promise<void> {
    const needs = this.missing;
    this.missing = [];
    await this.input.transitions.ensure(needs);
  }

  private accept(node: Node, evaluation: Evaluation): Node[] {
    for (const violation of evaluation.violations) this.collector.add(violation);
    node.damaged = evaluation.damaged;
    node.broken = evaluation.broken;
    this.finishedNodes.set(node, evaluation.finished);
    const fresh: Node[] = [];
    for (const draft of evaluation.successors) {
      const added = this.add(node, draft);
      if (added.fresh) fresh.push(added.node);
      if (draft === evaluation.batch) node.batch = added.node;
    }
    return fresh;
  }

  private readonly prepared = new Set<string>();

  /** Asks once for the column types of everything that will be read on these schemas. */
  private async prepare(position: Position, nodes: readonly Node[]): Promise<void> {
    for (const schema of new Set(nodes.map((n) => n.schema))) {
      const key = `${schema}|${position.id}`;
      if (this.prepared.has(key)) continue;
      this.prepared.add(key);
      const statements = position.live.flatMap((v) => this.statementsOf(v));
      const job = position.job?.form;
      const read = job?.kind === 'script' ? [job.read] : [];
      const flights = nodes.flatMap((n) => n.flights.flatMap((f) => this.statementsOf(f.version)));
      await this.input.transitions.describe(
        schema,
        [...statements, ...read, ...flights].filter((s) => s.returnsRows).map((s) => describable(typeProbe(s))),
      );
    }
  }

  statementsOf(version: string): readonly Statement[] {
    return [...this.input.programs.version(version).requests.values()].flatMap((r) => r.statements);
  }

  // ---- what happens in one state --------------------------------------------------------------

  private evaluate(position: Position, node: Node): Evaluation {
    const violations: Violation[] = [];
    const successors: Draft[] = [];
    for (const version of position.live) this.probeReads(position, node, version, violations);
    const damaged = violations.length > 0;
    const job = this.evaluateJob(position, node);
    if (damaged || this.missing.length > 0)
      return { successors: [], violations, damaged, broken: false, batch: null, finished: job.finished };
    if (job.violation !== null) violations.push(job.violation);
    successors.push(...job.drafts);
    this.advanceFlights(position, node, violations, successors);
    if (!this.noWrites && (this.limits.maxWrites === null || node.writes < this.limits.maxWrites))
      for (const version of position.live) this.tryWrites(position, node, version, violations, successors);
    const broken = violations.some((v) => v.action !== null);
    return { successors, violations, damaged, broken, batch: job.drafts[0] ?? null, finished: job.finished };
  }

  private probeReads(position: Position, node: Node, version: string, violations: Violation[]): void {
    for (const offer of this.input.programs.offers(version)) {
      if (!offer.read) continue;
      this.exercised.add(`${position.id}|${version}|${offer.request.name}`);
      const result = this.want(
        node.schema,
        node.content,
        this.input.programs.call(offer.request, offer.action, 0, true),
      );
      const judged =
        result === null
          ? null
          : this.judge(node, version, offer.action, this.input.programs.answer(node.schema, offer.request, result), 0);
      const refused = this.probeAccepts(node, offer);
      if (result === null || judged === null || refused === null) continue;
      if (result.ok) this.accepted.add(`${version}|${offer.request.name}`);
      const answer = this.input.programs.answer(node.schema, offer.request, result).answer;
      if (refused !== '') violations.push(this.unreadable(position, node, version, offer, answer, refused));
      else if (judged.difference !== null)
        violations.push(this.readViolation(position, node, version, offer, answer, judged.expected, judged.difference));
    }
  }

  /** The rows that `accepts` refuses, shown; '' when none. A row that the reference would refuse as well is not counted. */
  private probeAccepts(node: Node, offer: Offer): string | null {
    const call = this.input.programs.acceptsCall(offer.request, offer.action);
    if (call === null) return '';
    const result = this.want(node.schema, node.content, call);
    if (result === null) return null;
    const rows = result.ok ? (result.outcome.results[result.outcome.results.length - 1]?.rows ?? []) : [];
    if (rows.length === 0) return '';
    for (const world of this.first.worlds(node.first)) {
      const there = this.want(this.first.schema, world.content, call);
      if (there === null) return null;
      const refused = there.ok ? (there.outcome.results[there.outcome.results.length - 1]?.rows ?? []) : [];
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
      this.exercised.add(`${position.id}|${version}|${offer.request.name}`);
      const draft = offer.stepwise
        ? this.begin(position, node, version, offer, violations)
        : this.tryWrite(position, node, version, offer, violations);
      if (draft !== null) successors.push(draft);
    }
  }

  /** One write run whole: a violation, a successor, or neither (it was refused, here and in the reference). */
  tryWrite(position: Position, node: Node, version: string, offer: Offer, violations: Violation[]): Draft | null {
    const nonce = this.input.usesRandom ? node.writes : 0;
    const result = this.want(
      node.schema,
      node.content,
      this.input.programs.call(offer.request, offer.action, nonce, false),
    );
    if (result === null) return null;
    const keyed = this.input.programs.answer(node.schema, offer.request, result);
    const judged = this.judge(node, version, offer.action, keyed, nonce);
    if (judged === null) return null;
    if (judged.difference !== null) {
      violations.push(
        this.writeViolation(position, node, version, offer, keyed.answer, judged.expected, judged.difference),
      );
      return null;
    }
    if (!keyed.answer.ok) return null;
    this.accepted.add(`${version}|${offer.request.name}`);
    const fields: StateFields = {
      ...node,
      content: result.content,
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

  // ---- judging --------------------------------------------------------------------------------

  /** Which references an answer of this version to this action is held against. */
  private judges(node: Node, version: string, action: Action): readonly ('first' | 'second')[] {
    const { plan, programs } = this.input;
    const has1 = this.first.has(action) && programs.canSend(plan.versions[0]?.name ?? '', action);
    const has2 = this.second !== null && this.second.has(action);
    if (node.newer === -1) return has1 ? ['first'] : has2 ? ['second'] : [];
    const bit = 1 << plan.versions.findIndex((v) => v.name === version);
    if ((node.newer & bit) !== 0) return has2 ? ['second'] : has1 ? ['first'] : [];
    return [...(has1 ? (['first'] as const) : []), ...(has2 ? (['second'] as const) : [])];
  }

  private judge(
    node: Node,
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
  } | null {
    const judges = this.judges(node, version, action);
    const canFirst =
      this.first.has(action) && this.input.programs.canSend(this.input.plan.versions[0]?.name ?? '', action);
    const asked1 = canFirst ? this.first.ask(node.first, action, nonce) : [];
    const asked2 = this.second !== null && this.second.has(action) ? this.second.ask(node.second, action, nonce) : [];
    if (asked1 === null || asked2 === null) return null;
    const candidates = judges.flatMap((j) => (j === 'first' ? asked1 : asked2));
    const first = asked1.length === 0 ? node.first : this.first.after(asked1, actual.answer);
    const second = asked2.length === 0 || this.second === null ? node.second : this.second.after(asked2, actual.answer);
    const newer = canFirst ? node.newer : node.newer & this.senders(action);
    const same =
      candidates.some((c) => c.answer.key === actual.key) ||
      candidates.some((c) => difference(actual.answer, c.answer.answer) === null);
    // Nothing to hold it against: only what no reference could ever say is an error then.
    if (candidates.length === 0)
      return {
        difference: !actual.answer.ok && actual.answer.sqlstate.startsWith('42') ? 'fails' : null,
        expected: null,
        first,
        second,
        newer,
      };
    const expected = candidates[0]?.answer.answer ?? null;
    return {
      difference: same || expected === null ? null : difference(actual.answer, expected),
      expected,
      first,
      second,
      newer,
    };
  }

  private senders(action: Action): number {
    const { plan, programs } = this.input;
    return plan.versions.reduce((mask, v, i) => (programs.canSend(v.name, action) ? mask | (1 << i) : mask), 0);
  }

  // ---- requests that commit statement by statement --------------------------------------------

  private begin(position: Position, node: Node, version: string, offer: Offer, violations: Violation[]): Draft | null {
    if (node.flights.length >= maxFlights) return null;
    const id = ['f0', 'f1', 'f2'].find((f) => !node.flights.some((n) => n.id === f)) ?? 'f3';
    const nonce = this.input.usesRandom ? node.writes : 0;
    const progress: Progress = {
      action: offer.action,
      nonce,
      next: 0,
      rows: {},
      touched: false,
      answer: { ok: true, rows: null, ordered: false, touched: false },
    };
    const flight: Flight = { id, version, progress, age: 0 };
    const canFirst = this.input.programs.canSend(this.input.plan.versions[0]?.name ?? '', offer.action);
    const begun: Node = {
      ...node,
      first: canFirst ? this.first.begin(node.first, id, offer.action, nonce) : node.first,
      second: this.second?.begin(node.second, id, offer.action, nonce) ?? -1,
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
      const first = this.first.crash(node.first, flight.id);
      const second = this.second === null ? -1 : this.second.crash(node.second, flight.id);
      if (first === null || second === null) continue;
      const flights = node.flights.filter((f) => f.id !== flight.id);
      successors.push({
        fields: plain({ ...node, first, second, flights }),
        write: false,
        event: { kind: 'crash', version: flight.version, action: flight.progress.action, flight: flight.id },
      });
    }
  }

  /** The next statement of a request in flight, from `state` (which is `node`, or `node` with the request just begun). */
  private step(position: Position, node: Node, state: Node, flight: Flight, violations: Violation[]): Draft | null {
    const request = this.input.programs.version(flight.version).requests.get(flight.progress.action.request);
    if (request === undefined) return null;
    const { programs, transitions } = this.input;
    const step = stepStatement(programs, transitions, this.want, node.schema, node.content, request, flight.progress);
    if (step === null) return null;
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
      return { fields: plain({ ...state, content: step.content, flights }), write: false, event };
    }
    const offer = programs.offer(request, flight.progress.action.params, false);
    const judged = this.judgeEnd(state, flight, step.progress.answer);
    if (judged === null) return null;
    if (judged.difference !== null) {
      violations.push({
        ...this.writeViolation(
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
    const fields = plain({
      ...state,
      content: step.content,
      flights: rest,
      first: judged.first,
      second: judged.second,
    });
    if (this.first.grown(judged.first) || this.second?.grown(judged.second) === true) return null;
    return { fields, write: false, event };
  }

  private judgeEnd(
    state: Node,
    flight: Flight,
    actual: Answer,
  ): { difference: ReturnType<typeof difference>; expected: Answer | null; first: number; second: number } | null {
    const end1 = this.first.finish(state.first, flight.id, actual);
    const end2 = this.second === null ? { set: -1, expected: [] } : this.second.finish(state.second, flight.id, actual);
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
    if (right) return { difference: null, expected: null, ...next };
    const expected = (judges[0] === 'first' ? end1 : end2).expected[0] ?? null;
    return { difference: expected === null ? null : difference(actual, expected), expected, ...next };
  }

  // ---- jobs -----------------------------------------------------------------------------------

  private evaluateJob(
    position: Position,
    node: Node,
  ): { drafts: Draft[]; violation: Violation | null; finished: boolean } {
    if (position.job === null || node.job === null) return { drafts: [], violation: null, finished: true };
    if (this.endless.has(position.job)) return { drafts: [], violation: null, finished: false };
    const step: JobStep | null = this.jobs.step(node.schema, node.content, position.job, node.job);
    if (step === null) return { drafts: [], violation: null, finished: false };
    const drafts: Draft[] = [];
    if (step.kind === 'batch')
      drafts.push({
        fields: plain({ ...node, content: step.content, job: step.job }),
        write: false,
        event: { kind: 'batch', step: position.job, sql: step.sql, what: step.what, reads: step.reads },
      });
    const begun = node.job.next > 0 || node.job.last !== null || node.job.hasRead;
    if (begun && !node.job.again && remembers(position.job.form) && !this.noRestart.has(position.job))
      drafts.push({
        fields: plain({ ...node, job: { ...freshJob, again: true } }),
        write: false,
        event: { kind: 'restart', step: position.job },
      });
    // Nothing remembered, nothing changed, and rows touched: the same batch again, for ever.
    const loops = step.kind === 'batch' && step.content === node.content && !remembers(position.job.form);
    const violation = step.kind === 'error' ? this.jobViolation(position, node, step) : loops ? this.endlessViolation(position, node, step) : null;
    return { drafts, violation, finished: step.kind === 'finished' };
  }

  // ---- moves ----------------------------------------------------------------------------------

  /** Makes a move from each of these states; gives the new states it leads to. */
  private async moveAll(nodes: readonly Node[], move: Move): Promise<readonly Node[]> {
    return (await this.moves(nodes, move)).filter((a) => a.fresh).map((a) => a.node);
  }

  private async goBack(position: Position, nodes: readonly Node[]): Promise<readonly Node[]> {
    const { back } = position;
    if (back === null) {
      for (const node of nodes) node.back = 'no-plan';
      return [];
    }
    const inside = position.phase === 'rolling-back';
    const may = nodes.filter((n) => back.step.index >= n.floor && (!inside || this.finishedNodes.get(n) === true));
    const results = await this.moves(may, back);
    const fresh: Node[] = [];
    for (const r of results) {
      r.from.back = r.node;
      if (r.fresh) fresh.push(r.node);
    }
    for (const node of may) if (node.back === null && this.blocked(node, back) === null) node.back = 'fails';
    return fresh;
  }

  private async moves(
    nodes: readonly Node[],
    move: Move,
  ): Promise<readonly { from: Node; node: Node; fresh: boolean }[]> {
    const out: { from: Node; node: Node; fresh: boolean }[] = [];
    let open = nodes.filter((n) => this.blocked(n, move) === null);
    if (move.action.kind === 'verify') await this.prepareChecks(open, move.action.checks);
    while (open.length > 0) {
      this.missing = [];
      this.missingMoves.clear();
      const again: Node[] = [];
      for (const node of open) {
        const arrived = this.makeMove(node, move);
        if (arrived === 'missing') again.push(node);
        else if (arrived !== null) out.push({ from: node, ...this.add(node, arrived) });
      }
      await this.compute();
      await this.computeMoves();
      open = again;
    }
    if (move.completesRollback) await this.compareSchemas(out.map((o) => ({ node: o.node, move, from: o.from })));
    return out;
  }

  private async computeMoves(): Promise<void> {
    for (const group of this.missingMoves.values()) {
      const contents = [...group.contents];
      const results = await this.input.transitions.migrate(
        group.schema,
        group.statements,
        group.transactional,
        contents,
      );
      contents.forEach((content, i) =>
        this.migrated.set(
          moveKey(group.schema, group.statements, group.transactional, content),
          results[i] as MigrateResult,
        ),
      );
    }
    this.missingMoves.clear();
  }

  /** Why a state can't make a move now: requests in flight must end first. */
  private blocked(node: Node, move: Move): string | null {
    const from = this.position(node.position);
    const to = this.position(move.to);
    if (node.flights.length === 0 || from.stepIndex === to.stepIndex) return null;
    const dead = node.flights.filter((f) => !from.live.includes(f.version));
    if (move.step.offline) return 'offline';
    if (move.direction === 'up' && move.step.wait === 'drained' && dead.length > 0) return 'drained';
    return dead.some((f) => f.age >= 1) ? 'age' : null;
  }

  private makeMove(node: Node, move: Move): Draft | 'missing' | null {
    const from = this.position(node.position);
    const to = this.position(move.to);
    const crossing = from.stepIndex !== to.stepIndex;
    const flights = crossing
      ? node.flights.map((f) => (from.live.includes(f.version) ? f : { ...f, age: f.age + 1 }))
      : node.flights;
    const isPoint = move.direction === 'up' && move.step.pointOfNoReturn;
    const floor = isPoint ? Math.max(node.floor, move.step.index) : node.floor;
    const base: StateFields = plain({
      ...node,
      position: move.to,
      flights,
      floor,
      job: to.job === null ? null : freshJob,
    });
    const arrive = (fields: Partial<StateFields>, result: string): Draft => ({
      fields: { ...base, ...fields },
      write: false,
      event: { kind: 'move', move, result },
    });
    const { action } = move;
    switch (action.kind) {
      case 'nothing':
        return arrive({}, 'done');
      case 'verify': {
        const failed = this.failedCheck(node, action.checks);
        if (failed === 'missing') return 'missing';
        if (failed === null) return arrive({}, 'the checks pass');
        if (move.direction === 'up') this.stopped.push({ node, move, failed });
        else this.collector.add(this.checkViolation(node, move, failed));
        return null;
      }
      case 'sql': {
        const statements = action.statements.map((s) => s.text);
        const result = this.migrateResult(node, statements, action.transactional);
        if (result === null) return 'missing';
        if (result.ok) return arrive({ schema: result.schema, content: result.content }, 'done');
        this.collector.add(
          this.moveViolation(node, move, result, action.statements[result.statement] ?? action.statements[0]),
        );
        return null;
      }
    }
  }

  private migrateResult(node: Node, statements: readonly string[], transactional: boolean): MigrateResult | null {
    const key = moveKey(node.schema, statements, transactional, node.content);
    const known = this.migrated.get(key);
    if (known !== undefined) return known;
    const groupKey = `${node.schema}|${transactional}|${statements.join('\u0000')}`;
    let group = this.missingMoves.get(groupKey);
    if (group === undefined)
      this.missingMoves.set(
        groupKey,
        (group = { schema: node.schema, statements, transactional, contents: new Set() }),
      );
    group.contents.add(node.content);
    return null;
  }

  private async prepareChecks(nodes: readonly Node[], checks: readonly Check[]): Promise<void> {
    const queries = checks.flatMap((c) => (c.kind === 'equal' ? [...c.queries] : [c.query]));
    for (const schema of new Set(nodes.map((n) => n.schema)))
      await this.input.transitions.describe(
        schema,
        queries.map((q) => describable(typeProbe(q))),
      );
  }

  /** The first check that does not hold, with what it saw. */
  failedCheck(
    state: { readonly schema: SchemaId; readonly content: number },
    checks: readonly Check[],
  ): FailedCheck | 'missing' | null {
    for (const check of checks) {
      const queries = check.kind === 'equal' ? [...check.queries] : [check.query];
      const statements = queries.map((q) => callStatement(q, new Map()));
      const call = this.input.transitions.callId({ call: { statements, writes: false }, clock: 'step', nonce: 0 });
      const result = this.want(state.schema, state.content, call);
      if (result === null) return 'missing';
      if (!result.ok)
        return {
          check,
          expected: 'the check runs',
          actual: `error ${result.outcome.sqlstate}: ${result.outcome.message}`,
          sqlstate: result.outcome.sqlstate,
        };
      const rows = queries.map((q, i) => this.input.programs.rows(state.schema, q, result.outcome.results[i]) ?? []);
      const failed = check.kind === 'empty' ? (rows[0]?.length ?? 0) > 0 : !sameQueries(queries, rows);
      if (failed)
        return {
          check,
          expected: check.kind === 'empty' ? 'no row' : showRows(rows[0] ?? []),
          actual: showRows((check.kind === 'empty' ? rows[0] : rows[1]) ?? []),
          sqlstate: null,
        };
    }
    return null;
  }

  private async compareSchemas(arrivals: readonly (Arrival & { from: Node })[]): Promise<void> {
    for (const { node, move, from } of arrivals) {
      const before = this.input.nominal.get(move.to);
      if (before === undefined || before === node.schema || move.action.kind === 'nothing') continue;
      if ((await this.digest(before)) === (await this.digest(node.schema))) continue;
      this.collector.add(this.schemaViolation(from, move));
    }
  }

  private async digest(schema: SchemaId): Promise<string> {
    let digest = this.digestOf.get(schema);
    if (digest === undefined) this.digestOf.set(schema, (digest = await this.input.schemaDigest(schema)));
    return digest;
  }

  // ---- violations -----------------------------------------------------------------------------

  /** The step a violation belongs to, and whether it shows after a way back. */
  private place(position: Position, node: Node): { step: Step; down: boolean } {
    const undone = node.direction === 'down' ? lastUndone(node) : null;
    const step = undone ?? position.step ?? (this.input.plan.steps[0] as Step);
    return { step, down: undone !== null };
  }

  private requestEvent(version: string, offer: Offer, answer: Answer): SearchEvent {
    return { kind: 'request', version, action: offer.action, statement: null, answer, flight: null };
  }

  private readViolation(
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

  private unreadable(
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

  private writeViolation(
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
      message:
        message ??
        `${version}.${offer.request.name} gives "${showAnswer(answer)}" where the app without the migration gives "${was}"`,
    };
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

  private jobViolation(position: Position, node: Node, error: JobStep & { kind: 'error' }): Violation {
    const step = position.step as Step;
    const job = position.job as BackfillStep;
    const back = position.phase === 'rolling-back';
    return {
      rule: back ? 'rollback-fails' : node.job?.again === true ? 'backfill-not-idempotent' : 'migrate-fails',
      step,
      node,
      event: { kind: 'batch', step: job, sql: error.sql, what: `error ${error.sqlstate}: ${error.message}`, reads: error.reads },
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

  private endlessViolation(position: Position, node: Node, step: JobStep & { kind: 'batch' }): Violation {
    const job = position.job as BackfillStep;
    return {
      ...planViolation('backfill-never-ends', position.step as Step, 'a batch touches rows and changes nothing: it is run for ever'),
      node,
      location: job.location,
      event: { kind: 'batch', step: job, sql: step.sql, what: step.what, reads: false },
    };
  }

  private moveViolation(
    node: Node,
    move: Move,
    error: MigrateResult & { ok: false },
    statement: Statement | undefined,
  ): Violation {
    const down = move.direction === 'down';
    return {
      rule: down ? 'rollback-fails' : 'migrate-fails',
      step: move.step,
      node,
      event: { kind: 'move', move, result: `error ${error.sqlstate}: ${error.message}` },
      version: null,
      action: null,
      definedIn: null,
      expected: down ? 'the way back runs' : 'the step runs',
      actual: `error ${error.sqlstate}: ${error.message}`,
      sqlstate: error.sqlstate,
      message: `${down ? `the way back of "${move.step.name}"` : `"${move.step.name}"`} fails: ${error.message}`,
      location: statement?.location ?? move.step.location,
      outcome: { ok: false, sqlstate: error.sqlstate, message: error.message },
    };
  }

  checkViolation(node: Node, move: Move, failed: FailedCheck): Violation {
    const down = move.direction === 'down';
    return {
      rule: down ? 'rollback-fails' : 'verify-stops',
      step: move.step,
      node,
      event: { kind: 'move', move, result: `"${failed.check.name}" does not hold` },
      version: null,
      action: null,
      definedIn: null,
      expected: failed.expected,
      actual: failed.actual,
      sqlstate: failed.sqlstate,
      message: `the check "${failed.check.name}" does not hold on a state that can be reached: the plan can not go on`,
      location: failed.check.location,
      outcome: null,
    };
  }

  private schemaViolation(from: Node, move: Move): Violation {
    return {
      rule: 'rollback-changes-schema',
      step: move.step,
      node: from,
      event: { kind: 'move', move, result: 'leaves another schema than before the step' },
      version: null,
      action: null,
      definedIn: null,
      expected: 'the schema before the step',
      actual: null,
      sqlstate: null,
      message: `the way back of "${move.step.name}" leaves another schema than there was before it`,
      location: move.step.rollback.kind === 'unstated' ? move.step.location : move.step.rollback.location,
      outcome: null,
    };
  }

  /** Runs a job on with nothing else going on; used by the checks on backfills. */
  async runJob(schema: SchemaId, content: number, step: BackfillStep, maxBatches: number): Promise<JobRun> {
    if (step.form.kind === 'script')
      await this.input.transitions.describe(schema, [describable(typeProbe(step.form.read))]);
    let job = freshJob;
    let at = content;
    const events: SearchEvent[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < maxBatches; i += 1) {
      this.missing = [];
      const next = this.jobs.step(schema, at, step, job);
      if (next === null) {
        await this.compute();
        i -= 1;
        continue;
      }
      if (next.kind === 'finished') return { kind: 'finished', content: at, events };
      if (next.kind === 'error') return { kind: 'error', content: at, events, error: next };
      events.push({ kind: 'batch', step, sql: next.sql, what: next.what, reads: next.reads });
      at = next.content;
      job = next.job;
      const key = `${at}|${JSON.stringify(job)}`;
      if (seen.has(key)) return { kind: 'endless', content: at, events };
      seen.add(key);
    }
    return { kind: 'endless', content: at, events };
  }

  /** Asks for anything through `want` until nothing is missing. */
  async settle<T>(ask: () => T | null | 'missing'): Promise<T> {
    for (;;) {
      this.missing = [];
      const value = ask();
      if (this.missing.length === 0 && value !== 'missing') return value as T;
      await this.compute();
    }
  }

  async describeVersion(schema: SchemaId, version: string): Promise<void> {
    const statements = this.statementsOf(version).filter((s) => s.returnsRows);
    await this.input.transitions.describe(schema, statements.map((s) => describable(typeProbe(s))));
  }

  /** The first read of a version that is wrong in a state; null when all are right. */
  async wrongRead(node: Node, version: string): Promise<{ readonly actual: Answer; readonly expected: Answer | null } | null> {
    await this.describeVersion(node.schema, version);
    for (const offer of this.input.programs.offers(version)) {
      if (!offer.read) continue;
      const judged = await this.settle(() => this.judgeRead(node, version, offer));
      if (judged.difference !== null) return judged;
    }
    return null;
  }

  /** How a read of a version compares in a state; null while something is missing. */
  judgeRead(node: Node, version: string, offer: Offer): { readonly difference: ReturnType<typeof difference>; readonly actual: Answer; readonly expected: Answer | null } | null {
    const result = this.want(node.schema, node.content, this.input.programs.call(offer.request, offer.action, 0, true));
    if (result === null) return null;
    const keyed = this.input.programs.answer(node.schema, offer.request, result);
    const judged = this.judge(node, version, offer.action, keyed, 0);
    return judged === null ? null : { difference: judged.difference, actual: keyed.answer, expected: judged.expected };
  }

  /** States reached by single writes: used by the sweep. */
  async writeAll(writes: readonly { readonly node: Node; readonly version: string; readonly offer: Offer }[]): Promise<readonly Node[]> {
    const fresh: Node[] = [];
    let open = writes;
    while (open.length > 0) {
      this.missing = [];
      const again: typeof writes[number][] = [];
      for (const write of open) {
        const before = this.missing.length;
        const violations: Violation[] = [];
        const draft = this.tryWrite(this.position(write.node.position), write.node, write.version, write.offer, violations);
        if (this.missing.length > before) {
          again.push(write);
          continue;
        }
        for (const v of violations) this.collector.add(v);
        const added = draft === null ? null : this.add(write.node, draft);
        if (added?.fresh === true) fresh.push(added.node);
      }
      await this.compute();
      open = again;
    }
    return fresh;
  }
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

export interface FailedCheck {
  readonly check: Check;
  readonly expected: string;
  readonly actual: string;
  readonly sqlstate: string | null;
}

export type JobRun =
  | { readonly kind: 'finished' | 'endless'; readonly content: number; readonly events: readonly SearchEvent[] }
  | {
      readonly kind: 'error';
      readonly content: number;
      readonly events: readonly SearchEvent[];
      readonly error: JobStep & { kind: 'error' };
    };

function moveKey(schema: SchemaId, statements: readonly string[], transactional: boolean, content: number): string {
  return `${schema}|${content}|${transactional}|${statements.join('\u0000')}`;
}

function sameQueries(
  queries: readonly Statement[],
  rows: readonly (readonly (readonly (string | null)[])[])[],
): boolean {
  const [a, b] = rows.map(
    (r, i) => keyAnswer({ ok: true, rows: r, ordered: queries.every((q) => q.ordered) && i >= 0, touched: false }).key,
  );
  return a === b;
}

/** A state's own fields, without those of the node they come from. */
function plain(fields: StateFields): StateFields {
  const { position, schema, content, first, second, newer, flights, job, floor } = fields;
  return { position, schema, content, first, second, newer, flights, job, floor };
}

interface AgendaBatch {
  readonly position: number;
  readonly full: Node[];
  readonly back: Node[];
}

/** What is still to be done, fewest writes first, then fewest other events; states of a position together. */
class Agenda {
  private readonly byCost = new Map<number, Map<number, AgendaBatch>>();

  push(node: Node, what: 'full' | 'back'): void {
    const cost = node.writes * 1000 + node.others;
    let level = this.byCost.get(cost);
    if (level === undefined) this.byCost.set(cost, (level = new Map()));
    let batch = level.get(node.position);
    if (batch === undefined) level.set(node.position, (batch = { position: node.position, full: [], back: [] }));
    batch[what].push(node);
  }

  pop(): AgendaBatch | null {
    if (this.byCost.size === 0) return null;
    const cost = Math.min(...this.byCost.keys());
    const level = this.byCost.get(cost) as Map<number, AgendaBatch>;
    const [position, batch] = level.entries().next().value as [number, AgendaBatch];
    level.delete(position);
    if (level.size === 0) this.byCost.delete(cost);
    return batch;
  }
}
