/** Moves between positions: a step's SQL on every content, checks as gates, and what may not be in flight. */
import type { SchemaId } from '../engine/engine.ts';
import type { Check, Statement, Step, StreamPlan } from '../plan/model.ts';
import { showRows } from './answer.ts';
import type { Blame, FailedCheck } from './blame.ts';
import { freshJob } from './jobs.ts';
import type { Move, Position } from './positions.ts';
import { callStatement, keyAnswer, textOf, typeProbe, type Programs } from './programs.ts';
import { plain, type Draft, type Node, type StateFields } from './state.ts';
import { upToDate, type Replica } from './replica.ts';
import type { Streams } from './streams.ts';
import { describable, type MigrateResult, type Transitions } from './transitions.ts';
import type { Collector } from './violations.ts';
import type { Wants } from './wants.ts';
import type { Reference } from './worlds.ts';

export interface MoverInput {
  readonly steps: readonly Step[];
  readonly positions: readonly Position[];
  readonly programs: Programs;
  readonly transitions: Transitions;
  /** The schema at each position when nothing goes wrong; undefined where the plain run did not get. */
  readonly nominal: ReadonlyMap<number, SchemaId>;
  /** Digest in which the order of columns does not count. */
  readonly schemaDigest: (schema: SchemaId) => Promise<string>;
}

interface Arrival {
  readonly from: Node;
  readonly node: Node;
  readonly fresh: boolean;
}

export class Mover {
  private readonly missingMoves = new Map<
    string,
    { schema: SchemaId; statements: readonly string[]; transactional: boolean; contents: Set<number> }
  >();
  private readonly missingCaptures: { readonly schema: SchemaId; readonly tables: readonly string[] }[] = [];
  private readonly migrated = new Map<string, MigrateResult>();
  private readonly digestOf = new Map<SchemaId, string>();
  /** States that a check stopped, with the move that they could not make. */
  readonly stopped: {
    readonly node: Node;
    readonly move: Move;
    readonly failed: FailedCheck;
    /** It holds once the streams have delivered what they have. */
    readonly heals: boolean;
  }[] = [];

  constructor(
    private readonly input: MoverInput,
    private readonly wants: Wants,
    private readonly copies: { readonly streams: Streams; readonly replica: Replica },
    private readonly references: { readonly first: Reference; readonly second: Reference | null },
    private readonly collector: Collector,
    private readonly blame: Blame,
    private readonly add: (parent: Node, draft: Draft) => { readonly node: Node; readonly fresh: boolean },
  ) {}

  private positionOf(id: number): Position {
    return this.input.positions[id] as Position;
  }

  async make(nodes: readonly Node[], move: Move): Promise<readonly { from: Node; node: Node; fresh: boolean }[]> {
    const out: { from: Node; node: Node; fresh: boolean }[] = [];
    let open = nodes.filter((n) => this.blocked(n, move) === null);
    if (move.action.kind === 'verify') await this.prepareChecks(open, move.action.checks);
    while (open.length > 0) {
      this.missingMoves.clear();
      const again: Node[] = [];
      for (const node of open) {
        const arrived = this.makeMove(node, move);
        if (arrived === 'missing') again.push(node);
        else if (arrived !== null) out.push({ from: node, ...this.add(node, arrived) });
      }
      await this.wants.compute();
      await this.computeMoves();
      open = again;
    }
    if (move.completesRollback) await this.compareSchemas(out, move);
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
    for (const { schema, tables } of this.missingCaptures.splice(0))
      await this.input.transitions.capture(schema, tables);
  }

  /** Why a state can't make a move now: requests in flight must end first. */
  blocked(node: Node, move: Move): string | null {
    const from = this.positionOf(node.position);
    const to = this.positionOf(move.to);
    if (this.waits(move, from, to) && (!this.copies.streams.isCaughtUp(node.streams) || node.replica !== upToDate))
      return 'caught-up';
    // Rolled out and back again and again, a step that changes rows would make a queue ever longer.
    if (move.action.kind === 'sql' && this.copies.streams.isFull(node.streams)) return 'streams';
    if (node.flights.length === 0 || from.stepIndex === to.stepIndex) return null;
    const dead = node.flights.filter((f) => !from.live.includes(f.version));
    if (move.step.offline) return 'offline';
    // A schema is taken back only when what would need it has ended; forward, the plan says so by `wait`.
    const waits = move.step.wait === 'drained' || (move.direction === 'down' && move.action.kind === 'sql');
    if (waits && dead.length > 0) return 'drained';
    return dead.some((f) => f.age >= 1) ? 'age' : null;
  }

  /** Into a step that waits, and out of it on the way back. */
  private waits({ step, direction }: Move, from: Position, to: Position): boolean {
    return step.wait === 'caught-up' && (direction === 'down' || from.stepIndex !== to.stepIndex);
  }

  private makeMove(node: Node, move: Move): Draft | 'missing' | null {
    const from = this.positionOf(node.position);
    const to = this.positionOf(move.to);
    const crossing = from.stepIndex !== to.stepIndex;
    const flights = crossing
      ? node.flights.map((f) => (from.live.includes(f.version) ? f : { ...f, age: f.age + 1 }))
      : node.flights;
    const floor = move.direction === 'up' ? Math.max(node.floor, this.floorOf(move)) : node.floor;
    const base: StateFields = {
      ...plain(node),
      position: move.to,
      flights,
      floor,
      job: to.job === null ? null : freshJob,
      streams: this.waits(move, from, to) ? this.copies.streams.acknowledged(node.streams) : node.streams,
    };
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
        const heals = this.healsByItself(node, action.checks);
        if (heals === null) return 'missing';
        if (move.direction === 'up') this.stopped.push({ node, move, failed, heals });
        else if (heals) return null;
        else this.collector.add(this.blame.checkViolation(node, move, failed));
        return null;
      }
      case 'sql': {
        const statements = action.statements.map(textOf);
        const result = this.migrateResult(node, statements, action.transactional);
        if (result === null) return 'missing';
        if (result.ok) {
          const { schema, content, changes } = result;
          const expected = this.expected(node, action.statements);
          if (expected === null) return 'missing';
          const streams = this.copies.streams.with(base.streams, changes);
          return arrive({ schema, content, streams, ...expected }, 'done');
        }
        this.collector.add(
          this.blame.moveViolation(node, move, result, action.statements[result.statement] ?? action.statements[0]),
        );
        return null;
      }
      case 'cdc':
        return this.makeCapture(node, move, base, arrive);
    }
  }

  /** What the references may hold after a step. Null: missing. */
  private expected(
    { first, second }: StateFields,
    statements: readonly Statement[],
  ): Pick<StateFields, 'first' | 'second'> | null {
    const refreshes = statements.filter((s) => s.node === 'RefreshMatViewStmt').map(textOf);
    if (refreshes.length === 0) return { first, second };
    const after = this.references.first.refreshed(first, refreshes);
    const other = this.references.second;
    const afterOther = other === null || second < 0 ? second : other.refreshed(second, refreshes);
    return after === null || afterOther === null ? null : { first: after, second: afterOther };
  }

  /** Starts or stops a stream: from here on the engine says what changes in other tables than before. */
  private makeCapture(
    node: Node,
    move: Move,
    base: StateFields,
    arrive: (fields: Partial<StateFields>, result: string) => Draft,
  ): Draft | 'missing' | null {
    if (move.action.kind !== 'cdc') return null;
    const { action, stream } = move.action;
    const streams =
      action === 'start'
        ? this.copies.streams.started(base.streams, stream)
        : this.copies.streams.stopped(base.streams, stream);
    const tables = this.copies.streams.tables(streams);
    const captured = this.input.transitions.captured(node.schema, tables);
    if (captured === undefined) {
      this.missingCaptures.push({ schema: node.schema, tables });
      return 'missing';
    }
    if (captured.ok)
      return arrive({ schema: captured.schema, streams }, streamMove(action, stream, base, this.copies.streams));
    this.collector.add(this.blame.moveViolation(node, move, { ...captured, statement: 0 }, undefined));
    return null;
  }

  /** True when a check that fails holds once the streams have delivered everything. Null: missing. */
  private healsByItself(node: Node, checks: readonly Check[]): boolean | null {
    if (this.copies.streams.isCaughtUp(node.streams)) return false;
    const drained = this.copies.streams.drain(this.wants.want, node.schema, node.content, node.streams);
    if (drained === null) return null;
    if (drained.kind !== 'drained') return false;
    const failed = this.failedCheck({ schema: node.schema, content: drained.content }, checks);
    return failed === 'missing' ? null : failed === null;
  }

  /**
   * What a declared point of no return leaves of the way back: its own, while nothing later has begun; after
   * that it ends the walk.
   */
  private floorOf(move: Move): number {
    if (move.step.pointOfNoReturn) return move.step.index;
    const before = this.input.steps.slice(0, move.step.index).findLast((s) => s.pointOfNoReturn);
    return before === undefined ? 0 : before.index + 1;
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

  async prepareChecks(nodes: readonly { readonly schema: SchemaId }[], checks: readonly Check[]): Promise<void> {
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
      const result = this.wants.want(state.schema, state.content, call);
      if (result === null) return 'missing';
      if (!result.ok)
        return {
          check,
          expected: 'the check runs',
          actual: `error ${result.error.sqlstate}: ${result.error.message}`,
          sqlstate: result.error.sqlstate,
        };
      const rows = queries.map((q, i) => this.input.programs.rows(state.schema, q, result.results[i]) ?? []);
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

  private async compareSchemas(arrivals: readonly Arrival[], move: Move): Promise<void> {
    for (const { node, from } of arrivals) {
      const before = this.input.nominal.get(move.to);
      if (before === undefined || before === node.schema || move.action.kind === 'nothing') continue;
      if ((await this.digest(before)) === (await this.digest(node.schema))) continue;
      this.collector.add(this.blame.schemaViolation(from, move));
    }
  }

  private async digest(schema: SchemaId): Promise<string> {
    let digest = this.digestOf.get(schema);
    if (digest === undefined) this.digestOf.set(schema, (digest = await this.input.schemaDigest(schema)));
    return digest;
  }
}

function moveKey(schema: SchemaId, statements: readonly string[], transactional: boolean, content: number): string {
  return `${schema}|${content}|${transactional}|${statements.join('\u0000')}`;
}

function sameQueries(
  queries: readonly Statement[],
  rows: readonly (readonly (readonly (string | null)[])[])[],
): boolean {
  const [a, b] = rows.map((r) => keyAnswer({ ok: true, rows: r, sorted: null, touched: false }).key);
  return a === b;
}

/** What a step does that starts or stops a stream, in words. */
export function streamMove(
  action: 'start' | 'stop',
  stream: StreamPlan,
  base: Pick<StateFields, 'streams'>,
  streams: Streams,
): string {
  if (action === 'start') return `${stream.name} mirrors ${stream.table.table} from now on`;
  const pending = streams.running(base.streams).find((r) => r.stream.name === stream.name)?.queue.length ?? 0;
  return `${stream.name} is stopped${pending === 0 ? '' : `, ${pending === 1 ? '1 change' : `${pending} changes`} undelivered`}`;
}
