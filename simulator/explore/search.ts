/**
 * The search: every state that the plan can be in, breadth first. Going forward each position is closed
 * under every write of every live version, every batch, every statement of a request in flight; then
 * from every state the way back is walked, and what is new there is explored in full, which includes
 * rolling out again.
 */
import type { SchemaId } from '../engine/engine.ts';
import type { BackfillStep, Statement } from '../plan/model.ts';
import type { Answer } from './answer.ts';
import { Blame } from './blame.ts';
import { Evaluator, type Evaluation, type EvaluatorInput } from './evaluate.ts';
import { runJobs, type JobRun, type JobStart } from './job-run.ts';
import { Mover, type MoverInput } from './moves.ts';
import type { Move, Position } from './positions.ts';
import { typeProbe, type Offer } from './programs.ts';
import { Replica, upToDate } from './replica.ts';
import {
  Events,
  FlightSets,
  Node,
  plain,
  stateKey,
  type Draft,
  type SearchEvent,
  type StateFields,
  type Way,
} from './state.ts';
import { noStreams, Streams } from './streams.ts';
import { describable } from './transitions.ts';
import type { Collector, Violation } from './violations.ts';
import { Wants } from './wants.ts';
import type { Reference, Want } from './worlds.ts';

export interface SearchLimits {
  /** What states, results and contents take in memory, as estimated: the same on every machine. */
  readonly maxMegabytes: number;
  readonly maxStates: number;
  readonly maxContents: number;
  /** Longest history of writes; null: none. */
  readonly maxWrites: number | null;
  /** True when the search must end now. */
  readonly stop: () => string | null;
  readonly onProgress: (step: string | null, states: number) => void;
}

export interface SearchInput extends EvaluatorInput, MoverInput {
  /** Looks at the states in which a backfill begins, before anything happens there. */
  readonly beforeJob: (search: Search, position: Position, entries: readonly Node[]) => Promise<void>;
  readonly start: { readonly schema: SchemaId; readonly content: number };
}

/** Thrown inside the search when a limit is met; what was found is kept. */
export class Cut extends Error {}

export class Search {
  readonly nodes: Node[] = [];
  private readonly visited = new Map<string, Node>();
  private readonly flightSets = new FlightSets();
  private readonly events = new Events();
  /** Moves, batches and crashes past which a history is one that goes round for ever. */
  private readonly longestPath: number;
  readonly wants: Wants;
  readonly first: Reference;
  readonly second: Reference | null;
  readonly blame: Blame;
  readonly streams: Streams;
  readonly replica: Replica;
  readonly evaluator: Evaluator;
  readonly mover: Mover;

  constructor(
    readonly input: SearchInput,
    references: (want: Want) => { readonly first: Reference; readonly second: Reference | null },
    readonly collector: Collector,
    private readonly limits: SearchLimits,
  ) {
    this.wants = new Wants(input.transitions);
    this.longestPath = 6 * input.positions.length + 60;
    this.blame = new Blame(input.plan);
    this.streams = new Streams(input.transitions, input.usesRandom);
    const { first, second } = references(this.wants.want);
    this.first = first;
    this.second = second;
    this.replica = new Replica(input.plan);
    const copies = { streams: this.streams, replica: this.replica };
    this.evaluator = new Evaluator(input, this.wants, { first, second }, copies, this.blame);
    this.mover = new Mover(input, this.wants, copies, { first, second }, this.collector, this.blame, (parent, draft) =>
      this.add(parent, this.seenLater(parent, draft) ?? draft),
    );
  }

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
    const agenda = new Agenda(this.input.positions);
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
            alive.filter((a) => a.finished),
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
    const agenda = new Agenda(this.input.positions);
    for (const node of starts) agenda.push(node, 'full');
    for (let batch = agenda.pop(); batch !== null; batch = agenda.pop()) {
      const position = this.position(batch.position);
      this.check(position);
      for (const node of await this.expand(position, batch.full)) agenda.push(node, 'full');
      const alive = batch.full.filter((n) => !n.damaged);
      if (position.forward !== null)
        for (const n of await this.moveAll(
          alive.filter((a) => a.finished),
          position.forward,
        ))
          agenda.push(n, 'full');
      for (const n of await this.goBack(position, alive)) agenda.push(n, 'full');
    }
    this.noWrites = false;
  }

  private noWrites = false;

  /** Forgets the states. Those that lead to a violation are held by it; the first stays, since it tells whose they are. */
  letGo(): void {
    this.nodes.splice(1);
    this.visited.clear();
    this.mover.stopped.splice(0);
  }

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
      crashed: false,
      floor: 0,
      streams: noStreams,
      replica: upToDate,
    };
    const key = this.key(fields, 0, 0, 0);
    const known = this.visited.get(key);
    if (known !== undefined) return known;
    const way: Way = { parent: null, event: null, writes: 0, others: 0, direction: 'up', stage: 0 };
    return this.keep(key, new Node(0, fields, way));
  }

  private keep(key: string, node: Node): Node {
    this.nodes.push(node);
    this.visited.set(key, node);
    return node;
  }

  private position(id: number): Position {
    return this.input.positions[id] as Position;
  }

  private check(position: Position): void {
    this.limits.onProgress(position.step?.name ?? null, this.nodes.length);
    const reason = this.limits.stop();
    if (reason !== null) throw new Cut(reason);
    if (this.megabytes > this.limits.maxMegabytes) throw new Cut('the memory that a search may hold');
    if (this.nodes.length > this.limits.maxStates) throw new Cut(`more than ${this.limits.maxStates} states`);
    if (this.input.transitions.contents.size > this.limits.maxContents)
      throw new Cut(`more than ${this.limits.maxContents} different contents`);
  }

  /** What closes has its most states after a few writes. Where they still get more, it is not worth to go on to the bounds. */
  private checkGrowth(writes: number, before: number, states: number): void {
    if (this.limits.maxWrites !== null || writes < growsNoMore || states < 500) return;
    if (states > before * 1.2) throw new Cut('histories that go on and on');
  }

  private get megabytes(): number {
    const { computed, contents } = this.input.transitions;
    return (this.nodes.length * bytesOfState + computed * bytesOfResult + contents.letters) / 1e6;
  }

  /**
   * Where histories are bounded, a plan is rolled back and rolled out again once in each; how far that has
   * come then tells states apart.
   */
  private key(fields: StateFields, writes: number, stage: Node['stage'], flights: number): string {
    const bounded = this.limits.maxWrites !== null;
    return stateKey(fields, this.input.usesRandom ? writes : 0, flights, bounded ? stage : 0);
  }

  /** Adds a state unless it is known. */
  private add(parent: Node, draft: Draft): { readonly node: Node; readonly fresh: boolean } {
    const move = draft.event.kind === 'move' ? draft.event.move : null;
    const writes = parent.writes + (draft.write ? 1 : 0);
    const others = parent.others + (draft.write ? 0 : 1);
    const stage = nextStage(parent.stage, move?.direction ?? null);
    if (this.limits.maxWrites === null && (writes > longestClosing || others > this.longestPath))
      throw new Cut('histories that go on and on');
    const flights = this.flightSets.id(draft.fields.flights);
    const key = this.key(draft.fields, writes, stage, flights);
    const known = this.visited.get(key);
    const direction = move?.direction ?? parent.direction;
    const way: Way = { parent, event: this.events.shared(draft.event), writes, others, stage, direction };
    if (known !== undefined) {
      const shorter = !known.expanded && (writes < known.writes || (writes === known.writes && others < known.others));
      if (shorter) known.reachedBy(way);
      return { node: known, fresh: shorter };
    }
    const fields = { ...draft.fields, flights: this.flightSets.set(flights) };
    return { node: this.keep(key, new Node(this.nodes.length, fields, way)), fresh: true };
  }

  // ---- closing one position -------------------------------------------------------------------

  /** Closes a position under everything that happens in it; gives the states it can be left in. */
  private async close(position: Position, entries: readonly Node[]): Promise<readonly Node[]> {
    const levels = new Map<number, Node[]>();
    const push = (n: Node): void => void (levels.get(n.writes)?.push(n) ?? levels.set(n.writes, [n]));
    entries.forEach(push);
    const all: Node[] = [];
    let before = Infinity;
    while (levels.size > 0) {
      this.check(position);
      const level = Math.min(...levels.keys());
      const nodes = levels.get(level) ?? [];
      levels.delete(level);
      this.checkGrowth(level, before, nodes.length);
      before = nodes.length;
      for (const node of nodes) if (!node.expanded) all.push(node);
      for (const fresh of await this.expand(position, nodes)) push(fresh);
    }
    return [...new Set(all)].filter((n) => !n.damaged && n.finished);
  }

  /** Evaluates states of one position; gives the new states in it. */
  private async expand(position: Position, given: readonly Node[]): Promise<readonly Node[]> {
    const nodes = [...new Set(given)].filter((n) => !n.expanded);
    await this.prepare(position, nodes);
    const fresh: Node[] = [];
    let open: readonly Node[] = nodes;
    while (open.length > 0) {
      const again: Node[] = [];
      for (const node of open) {
        const before = this.wants.count;
        const evaluation = this.evaluator.evaluate(position, node, this.mayWrite(node));
        if (this.wants.count > before) again.push(node);
        else fresh.push(...this.accept(node, evaluation));
      }
      if (again.length > 0) await this.wants.compute();
      open = again;
    }
    return fresh;
  }

  private mayWrite(node: Node): boolean {
    return !this.noWrites && (this.limits.maxWrites === null || node.writes < this.limits.maxWrites);
  }

  private accept(node: Node, evaluation: Evaluation): Node[] {
    for (const violation of evaluation.violations) this.collector.add(violation);
    this.keepTally(node);
    node.expanded = true;
    node.damaged = evaluation.damaged;
    node.broken = evaluation.broken;
    node.finished = evaluation.finished;
    const fresh: Node[] = [];
    for (const each of evaluation.successors) {
      const draft = this.seenLater(node, each);
      if (draft === null) continue;
      const added = this.add(node, draft);
      if (added.fresh) fresh.push(added.node);
      if (each === evaluation.batch) node.batch = added.node;
      if (brings(draft.event)) node.delivered ??= added.node;
    }
    return fresh;
  }

  /** The replica sees later what has changed; null: it would be too far behind, and sees something first. */
  private seenLater(parent: Node, draft: Draft): Draft | null {
    const replica = this.replica.after(parent, draft.fields, draft.event.kind === 'move');
    if (replica === null) return null;
    return replica === draft.fields.replica ? draft : { ...draft, fields: { ...draft.fields, replica } };
  }

  /** What a way back leaves is told by the triangle, until the plan has come forward again. */
  private keepTally({ position, direction }: Node): void {
    this.evaluator.tally.keep(position, direction === 'up');
  }

  private readonly prepared = new Set<string>();

  /** Asks once for the column types of everything that will be read on these schemas. */
  private async prepare(position: Position, nodes: readonly Node[]): Promise<void> {
    const unknown = new Map<SchemaId, Set<string>>();
    for (const node of nodes)
      for (const version of [...position.live, ...node.flights.map((f) => f.version)])
        for (const { schema } of [node, ...this.replica.lag(node.replica)]) {
          if (this.prepared.has(`${schema}|${version}`)) continue;
          this.prepared.add(`${schema}|${version}`);
          unknown.set(schema, (unknown.get(schema) ?? new Set()).add(version));
        }
    for (const [schema, versions] of unknown)
      for (const version of versions) await this.describeVersion(schema, version);
    const form = position.job?.form;
    if (form?.kind !== 'script') return;
    for (const schema of new Set(nodes.map((n) => n.schema)))
      await this.input.transitions.describe(schema, [describable(typeProbe(form.read))]);
  }

  statementsOf(version: string): readonly Statement[] {
    return [...this.input.programs.version(version).requests.values()].flatMap((r) => r.statements);
  }

  /** Makes a move from each of these states; gives the new states it leads to. */
  private async moveAll(nodes: readonly Node[], move: Move): Promise<readonly Node[]> {
    return (await this.mover.make(nodes, move)).filter((a) => a.fresh).map((a) => a.node);
  }

  private async goBack(position: Position, nodes: readonly Node[]): Promise<readonly Node[]> {
    const { back } = position;
    if (back === null) {
      for (const node of nodes) node.back = 'no-plan';
      return [];
    }
    const inside = position.phase === 'rolling-back';
    const once = this.limits.maxWrites !== null;
    const may = nodes.filter((n) => back.step.index >= n.floor && !(once && n.stage === 2) && (!inside || n.finished));
    const results = await this.mover.make(may, back);
    const fresh: Node[] = [];
    for (const r of results) {
      r.from.back = r.node;
      if (r.fresh) fresh.push(r.node);
    }
    for (const node of may) if (node.back === null && this.mover.blocked(node, back) === null) node.back = 'fails';
    return fresh;
  }

  /** Runs a job on with nothing else going on; used by the checks on backfills. */
  runJobs(starts: readonly JobStart[], step: BackfillStep): Promise<readonly JobRun[]> {
    const { transitions } = this.input;
    return runJobs({ jobs: this.evaluator.jobs, wants: this.wants, transitions }, starts, step);
  }

  async describeVersion(schema: SchemaId, version: string): Promise<void> {
    const statements = this.statementsOf(version).filter((s) => s.returnsRows);
    await this.input.transitions.describe(
      schema,
      statements.map((s) => describable(typeProbe(s))),
    );
  }

  /** The first read of a version that is wrong in a state; null when all are right. */
  async wrongRead(
    node: StateFields,
    version: string,
  ): Promise<{ readonly actual: Answer; readonly expected: Answer | null } | null> {
    await this.describeVersion(node.schema, version);
    for (const offer of this.input.programs.offers(version)) {
      if (!offer.read) continue;
      const judged = await this.wants.settle(() => this.evaluator.judgeRead(node, version, offer));
      if (judged.difference !== null) return judged;
    }
    return null;
  }

  /** Nothing is on its way in a stream, nor to the replica. */
  isCaughtUp(node: StateFields): boolean {
    return this.streams.isCaughtUp(node.streams) && node.replica === upToDate;
  }

  /** A state with everything delivered that its streams have. */
  async settled(node: StateFields): Promise<StateFields> {
    const after = await this.delivered(plain(node));
    return after === null ? node : { ...after, streams: node.streams };
  }

  /** The state once the streams have delivered everything; null where they can't, or never end. */
  async delivered<S extends Pick<StateFields, 'schema' | 'content' | 'streams'>>(state: S): Promise<S | null> {
    const { streams, wants } = this;
    if (streams.isCaughtUp(state.streams)) return state;
    const drained = await wants.settle(() => streams.drain(wants.want, state.schema, state.content, state.streams));
    if (drained.kind !== 'drained') return null;
    return { ...state, content: drained.content, streams: streams.drained(state.streams) };
  }

  /** States reached by single writes: used by the sweep. */
  async writeAll(
    writes: readonly { readonly node: Node; readonly version: string; readonly offer: Offer }[],
  ): Promise<readonly Node[]> {
    const fresh: Node[] = [];
    let open = writes;
    while (open.length > 0) {
      const again: (typeof writes)[number][] = [];
      for (const write of open) {
        const before = this.wants.count;
        const violations: Violation[] = [];
        this.evaluator.tally.begin();
        const draft = this.evaluator.tryWrite(
          this.position(write.node.position),
          write.node,
          write.version,
          write.offer,
          violations,
        );
        if (this.wants.count > before) {
          again.push(write);
          continue;
        }
        for (const v of violations) this.collector.add(v);
        this.keepTally(write.node);
        const seen = draft === null ? null : this.seenLater(write.node, draft);
        const added = seen === null ? null : this.add(write.node, seen);
        if (added?.fresh === true) fresh.push(added.node);
      }
      await this.wants.compute();
      open = again;
    }
    return fresh;
  }
}

/** Measured: how the heap grew with the number of each, garbage aside. */
const bytesOfState = 600;
const bytesOfResult = 250;

/** Writes after which a position that closes has fewer states with each more: of the examples the last has its most after six. */
const growsNoMore = 8;

/** Writes past which a history is one that grows for ever. */
const longestClosing = 24;

/** 0: never rolled back; 1: on the way back; 2: rolled out again. */
function nextStage(stage: Node['stage'], direction: Move['direction'] | null): Node['stage'] {
  if (direction === 'down') return 1;
  return direction === 'up' && stage > 0 ? 2 : stage;
}

interface AgendaBatch {
  readonly position: number;
  readonly full: Node[];
  readonly back: Node[];
}

/**
 * What is still to be done: fewest writes first; among these the position from which the way back is longest, so that
 * all that comes down to a position is there when its turn comes. States of a position together.
 */
class Agenda {
  private readonly byWrites = new Map<number, Map<number, AgendaBatch>>();
  private readonly ranks: readonly number[];

  constructor(positions: readonly Position[]) {
    this.ranks = positions.map(rank);
  }

  push(node: Node, what: 'full' | 'back'): void {
    let level = this.byWrites.get(node.writes);
    if (level === undefined) this.byWrites.set(node.writes, (level = new Map()));
    let batch = level.get(node.position);
    if (batch === undefined) level.set(node.position, (batch = { position: node.position, full: [], back: [] }));
    batch[what].push(node);
  }

  pop(): AgendaBatch | null {
    if (this.byWrites.size === 0) return null;
    const writes = Math.min(...this.byWrites.keys());
    const level = this.byWrites.get(writes) as Map<number, AgendaBatch>;
    const position = [...level.keys()].reduce((a, b) => ((this.ranks[b] ?? 0) > (this.ranks[a] ?? 0) ? b : a));
    const batch = level.get(position) as AgendaBatch;
    level.delete(position);
    if (level.size === 0) this.byWrites.delete(writes);
    return batch;
  }
}

/** To a stream's copy, or to the replica, what it has not got yet. */
function brings(event: SearchEvent): boolean {
  return event.kind === 'catch-up' || (event.kind === 'deliver' && !event.again);
}

/** Higher, the longer the way back to the start: within a step the end, then the way back link by link, then the beginning. */
function rank(position: Position): number {
  const within = { start: 0, rolling: 1, running: 1, part: 1, 'rolling-back': 500 - (position.id % 400), done: 999 };
  return position.stepIndex * 1000 + within[position.phase];
}
