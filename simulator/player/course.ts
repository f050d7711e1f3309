/** The plan's own course from any state, step by step and phase by phase, forward or one step back. */
import { EngineFault } from '../engine/engine.ts';
import { checkResult, type FailedCheck } from '../explore/blame.ts';
import { rowsIn } from '../explore/job-run.ts';
import { freshJob, manyRows, Pace, type JobStep } from '../explore/jobs.ts';
import { streamMove } from '../explore/moves.ts';
import type { Move, MoveAction, Position } from '../explore/positions.ts';
import { textOf, typeProbe } from '../explore/programs.ts';
import type { Search } from '../explore/search.ts';
import type { Node, SearchEvent } from '../explore/state.ts';
import { traceEvent } from '../explore/trace.ts';
import { describable } from '../explore/transitions.ts';
import type { Violation } from '../explore/violations.ts';
import type { BackfillStep, Location, Plan } from '../plan/model.ts';
import { nodeAfter, shownOf, type Beat } from './beat.ts';
import { deliver } from './deliver.ts';
import type { Requests } from './requests.ts';

/** Batches of one row with which a backfill begins; fewer where tables are large, since each is a moment that shows them. */
const fineBatches = 20;
const fewBatches = 5;
/** Rows in a batch after that, where the plan does not say. */
const usualBatch = 1000;
/** Of a backfill with more batches than these together, the first and the last are shown. */
const firstShown = 40;
const lastShown = 20;

export class Course {
  constructor(
    private readonly plan: Plan,
    private readonly positions: readonly Position[],
    private readonly search: Search,
    private readonly requests: Requests,
    /** What is left out, in words. */
    private readonly left: Set<string>,
  ) {}

  position(node: Node): Position {
    return this.positions[node.position] as Position;
  }

  /** What is left of the plan from a state on, until its end or until it is stuck. */
  async forward(node: Node): Promise<Beat[]> {
    const beats: Beat[] = [];
    let at = node;
    for (;;) {
      const settled = await this.settle(at);
      beats.push(...settled);
      const last = settled.at(-1);
      if (last?.stuck === true) return beats;
      at = last?.node ?? at;
      const { forward } = this.position(at);
      if (forward === null) return beats;
      const beat = await this.move(at, forward);
      beats.push(beat);
      if (beat.stuck) return beats;
      at = beat.node;
    }
  }

  /** The way back of the step that the plan stands in. Null: there is none. */
  async back(node: Node): Promise<Beat[] | null> {
    const { step, back } = this.position(node);
    if (back === null) return null;
    const beats: Beat[] = [];
    let at = node;
    for (let move: Move | null = back; move !== null;) {
      const beat = await this.move(at, move);
      beats.push(beat);
      if (beat.stuck) return beats;
      at = beat.node;
      const here = this.position(at);
      if (here.step !== step) return beats;
      // The end of a rollout is rolled back into the rollout: that is a place to stop at.
      if (here.phase !== 'rolling-back') return beats;
      const settled = await this.settle(at);
      beats.push(...settled);
      if (settled.at(-1)?.stuck === true) return beats;
      at = settled.at(-1)?.node ?? at;
      move = here.back;
    }
    return beats;
  }

  /** Requests in flight run to their ends, then a running job. */
  private async settle(node: Node): Promise<Beat[]> {
    const beats: Beat[] = [];
    let at = node;
    for (let flight = at.flights[0]; flight !== undefined; flight = at.flights[0]) {
      await this.requests.prepare(at);
      const beat = await this.requests.statement(at, flight.id, null);
      beats.push(beat);
      at = beat.node;
    }
    const batches = await this.batches(at);
    at = batches.at(-1)?.node ?? at;
    if (batches.at(-1)?.stuck === true) return [...beats, ...batches];
    return [...beats, ...batches, ...(await this.deliveries(at))];
  }

  /** What the streams have to deliver, until nothing is left or one fails. */
  private async deliveries(node: Node): Promise<Beat[]> {
    const { streams, wants, blame } = this.search;
    if (streams.isCaughtUp(node.streams)) return [];
    const drained = await wants.settle(() => streams.drain(wants.want, node.schema, node.content, node.streams));
    const beats: Beat[] = [];
    let at = node;
    for (const event of drained.events) {
      const next = await deliver(this.search, at, event);
      beats.push(this.beat(at, next, event, event.stream.location));
      at = next;
    }
    if (drained.kind === 'drained') return beats;
    const violation = blame.streamViolation(this.position(node), node, drained);
    if (drained.kind === 'fails') {
      const { event } = drained.failure;
      return [...beats, this.failed(at, nodeAfter(at, {}, event, false), event, violation)];
    }
    return beats.map((beat, i) => (i < beats.length - 1 ? beat : { ...beat, shown: shownOf(violation), stuck: true }));
  }

  /** Starts or stops a stream. */
  private async capture(
    node: Node,
    move: Move,
    action: MoveAction & { kind: 'cdc' },
    arrived: Parameters<typeof nodeAfter>[1],
  ): Promise<Beat> {
    const { streams, input, blame } = this.search;
    const after =
      action.action === 'start'
        ? streams.started(node.streams, action.stream)
        : streams.stopped(node.streams, action.stream);
    const captured = await input.transitions.capture(node.schema, streams.tables(after));
    if (captured.ok) {
      const result = streamMove(action.action, action.stream, node, streams);
      return this.arrive(node, move, { ...arrived, schema: captured.schema, streams: after }, result);
    }
    const event: SearchEvent = { kind: 'move', move, result: `error ${captured.sqlstate}: ${captured.message}` };
    const violation = blame.moveViolation(node, move, { ...captured, statement: 0 }, undefined);
    return this.failed(node, nodeAfter(node, {}, event, false), event, violation);
  }

  /** A running job to its end. Of one that takes very many batches those in the middle are left out. */
  private async batches(node: Node): Promise<readonly Beat[]> {
    const { job, step } = this.position(node);
    if (job === null) return [];
    const beats = await this.run(node, job);
    if (beats.length <= firstShown + lastShown) return beats;
    this.left.add(
      `of the ${beats.length} batches of "${step?.name ?? job.name}" the first ${firstShown} and the last ${lastShown} are shown`,
    );
    return [...beats.slice(0, firstShown), ...beats.slice(-lastShown)];
  }

  private async run(node: Node, job: BackfillStep): Promise<readonly Beat[]> {
    const beats: Beat[] = [];
    const { transitions } = this.search.input;
    if (job.form.kind === 'script') await transitions.describe(node.schema, [describable(typeProbe(job.form.read))]);
    const rows = rowsIn(transitions.contents.text(node.content));
    const pace = new Pace(rows, rows > manyRows ? fewBatches : fineBatches, job.batch ?? usualBatch);
    for (let at = node; ;) {
      const from = at;
      const size = pace.size(beats.length);
      const step = await this.search.wants.settle(() =>
        this.search.evaluator.jobs.step(from.schema, from.content, job, from.job ?? freshJob, size),
      );
      if (step.kind === 'finished') return beats;
      if (size > 1 && step.kind === 'batch' && size !== pace.size(beats.length - 1))
        this.left.add(`after ${beats.length} batches of one row, "${job.name}" goes on in batches of ${size}`);
      const beat = this.batch(at, step);
      at = beat.node;
      const isEndless = step.kind === 'batch' && pace.isEndless(beats.length + 1, step.content, step.job);
      beats.push(isEndless ? { ...beat, shown: this.endless(from, step, beats.length + 1, pace), stuck: true } : beat);
      if (isEndless || beat.stuck) return beats;
    }
  }

  private batch(at: Node, step: Exclude<JobStep, { kind: 'finished' }>): Beat {
    const position = this.position(at);
    const job = position.job;
    if (job === null) throw new RangeError('no job runs here');
    const what = step.kind === 'error' ? `error ${step.sqlstate}: ${step.message}` : step.what;
    const event: SearchEvent = { kind: 'batch', step: job, sql: step.sql, what, reads: step.reads };
    if (step.kind === 'batch')
      return this.beat(
        at,
        nodeAfter(
          at,
          { content: step.content, job: step.job, streams: this.search.streams.with(at.streams, step.changes) },
          event,
          false,
        ),
        event,
        job.location,
      );
    const violation = this.search.blame.jobViolation(position, at, step);
    return this.failed(at, nodeAfter(at, {}, event, false), event, violation);
  }

  private endless(node: Node, step: JobStep & { kind: 'batch' }, done: number, { longest }: Pace): Beat['shown'] {
    const shown = shownOf(this.search.blame.endlessViolation(this.position(node), node, step));
    if (done < longest) return shown;
    return { ...shown, message: `after ${done} batches, batches go on touching rows: it is taken to run for ever` };
  }

  /** Makes a move: to where it leads, or, when it fails, to nowhere. */
  async move(node: Node, move: Move): Promise<Beat> {
    const to = this.positions[move.to] as Position;
    const crossing = this.position(node).stepIndex !== to.stepIndex;
    const arrived = {
      position: move.to,
      job: to.job === null ? null : freshJob,
      flights: crossing ? node.flights.map((f) => ({ ...f, age: f.age + 1 })) : node.flights,
    };
    const { action } = move;
    const place = move.part.location;
    const stays = (result: string): SearchEvent => ({ kind: 'move', move, result });
    if (action.kind === 'nothing') return this.arrive(node, move, arrived, 'done');
    if (action.kind === 'verify') {
      await this.search.mover.prepareChecks([node], action.checks);
      const failed: FailedCheck | null = await this.search.wants.settle(() =>
        this.search.mover.failedCheck(node, action.checks),
      );
      if (failed === null) return this.arrive(node, move, arrived, 'the checks pass');
      const event = stays(checkResult(failed));
      const violation = this.search.blame.checkViolation(node, move, failed);
      return {
        ...this.failed(node, nodeAfter(node, {}, event, false), event, violation),
        place: failed.check.location,
      };
    }
    if (action.kind === 'cdc') return this.capture(node, move, action, arrived);
    const texts = action.statements.map(textOf);
    const [result] = await this.search.input.transitions.migrate(node.schema, texts, action.transactional, [
      node.content,
    ]);
    if (result === undefined) throw new EngineFault('the engine gave no answer', 'died', texts[0] ?? null);
    if (result.ok) {
      const { schema, content, changes } = result;
      const streams = this.search.streams.with(node.streams, changes);
      return this.arrive(node, move, { ...arrived, schema, content, streams }, 'done');
    }
    const event = stays(`error ${result.sqlstate}: ${result.message}`);
    const statement = action.statements[result.statement] ?? action.statements[0];
    const violation = this.search.blame.moveViolation(node, move, result, statement);
    return { ...this.failed(node, nodeAfter(node, {}, event, false), event, violation), place };
  }

  private arrive(node: Node, move: Move, fields: Parameters<typeof nodeAfter>[1], result: string): Beat {
    const event: SearchEvent = { kind: 'move', move, result };
    return this.beat(node, nodeAfter(node, fields, event, false), event, move.part.location);
  }

  private beat(before: Node, node: Node, event: SearchEvent, place: Location): Beat {
    const shown = traceEvent(event, this.plan, this.positions, this.position(before));
    return { event: shown, node, place, expected: null, actual: null, shown: null, stuck: false };
  }

  private failed(before: Node, node: Node, event: SearchEvent, violation: Violation): Beat {
    const { expected, actual, location } = violation;
    return { ...this.beat(before, node, event, location), expected, actual, shown: shownOf(violation), stuck: true };
  }
}
