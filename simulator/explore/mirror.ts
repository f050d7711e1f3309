/**
 * What the streams of a plan run for each change. What does nothing whatever the tables hold, since the change is none that
 * the stream is about, is not waited for: Postgres' planner says so.
 */
import { qualifiedName } from '../engine/catalog.ts';
import type { Call, CallStatement, Change, Content, Engine, Rows, SchemaId } from '../engine/engine.ts';
import type { Plan, Statement, StreamPlan } from '../plan/model.ts';
import { describable, type Transitions } from './transitions.ts';
import { typedLiteral } from './programs.ts';

export class Mirror {
  private readonly streams: readonly StreamPlan[];
  /** What a delivery runs → it never touches a row. */
  private readonly inert = new Map<string, boolean>();

  constructor(plan: Plan) {
    this.streams = plan.steps.flatMap((s) => (s.kind === 'cdc' && s.action === 'start' ? [s.stream] : []));
  }

  /** What the delivery of a change runs; null when there is nothing to deliver. */
  delivery(stream: StreamPlan, change: Change): readonly CallStatement[] | null {
    const statements = deliveryOf(stream, change);
    return statements === null || this.inert.get(keyOf(statements)) === true ? null : statements;
  }

  /** Asks Postgres about the changes that it has not been asked about yet. To be done before they are delivered. */
  async learn(engine: Engine, schema: SchemaId, content: Content, changes: Iterable<Change>): Promise<void> {
    const unknown = new Map<string, readonly CallStatement[]>();
    for (const change of changes)
      for (const stream of this.streams) {
        const statements = deliveryOf(stream, change);
        const key = statements === null ? '' : keyOf(statements);
        if (statements !== null && !this.inert.has(key)) unknown.set(key, statements);
      }
    if (unknown.size === 0) return;
    const asked = [...unknown];
    const calls = asked.map(([, statements]): Call => ({ statements: statements.map(explained), writes: false }));
    const [outcomes = []] = await engine.run(schema, [{ content, calls }], { clock: 'request', seed: 0 });
    asked.forEach(([key], i) => {
      const outcome = outcomes[i];
      this.inert.set(key, outcome?.ok === true && outcome.results.every((r) => neverTouches(r.rows)));
    });
  }
}

/** A set of transitions knows it before any stream of the plan runs. */
export function mirrorOf(transitions: Transitions): Mirror {
  if (transitions.mirror === null) throw new Error('streams are delivered before anybody has said which there are');
  return transitions.mirror;
}

function keyOf(statements: readonly CallStatement[]): string {
  return statements.map((s) => describable(s)).join(';\n');
}

function explained(statement: CallStatement): CallStatement {
  return { pieces: [`EXPLAIN (FORMAT JSON, COSTS OFF) ${describable(statement)}`], as: null, returnsRows: true };
}

/** The planner has seen that the condition is false for every row there could be. */
function neverTouches(rows: Rows | null): boolean {
  const text = rows?.[0]?.[0];
  if (typeof text !== 'string') return false;
  const [explanation] = JSON.parse(text) as { Plan?: Explained }[];
  const plan = explanation?.Plan;
  const [input, second] = plan?.Plans ?? [];
  return (
    plan?.['Node Type'] === 'ModifyTable' &&
    second === undefined &&
    input?.['Node Type'] === 'Result' &&
    input['One-Time Filter'] === 'false'
  );
}

interface Explained {
  readonly 'Node Type'?: string;
  readonly 'One-Time Filter'?: string;
  readonly Plans?: readonly Explained[];
}

/** The source as the engine names tables. */
export function sourceOf({ table }: StreamPlan): string {
  return qualifiedName(table.schema ?? 'public', table.table);
}

/** What the delivery of a change runs; null when the stream does not mirror it. */
function deliveryOf(stream: StreamPlan, change: Change): readonly CallStatement[] | null {
  if (change.table !== sourceOf(stream)) return null;
  const sql = stream.apply[change.kind];
  return sql === null ? null : sql.statements.map((s) => deliveryStatement(s, change));
}

function deliveryStatement(statement: Statement, change: Change): CallStatement {
  const pieces = statement.pieces.map((piece) => {
    if (piece.kind === 'text') return piece.text;
    return piece.kind === 'field'
      ? valueOf(change, piece.row === 'old' ? 'old' : 'new', piece.column)
      : `:${piece.name}`;
  });
  return { pieces: [pieces.join('')], as: null, returnsRows: statement.returnsRows };
}

function valueOf(change: Change, row: 'old' | 'new', column: string): string {
  const exact = change.columns.findIndex((c) => c.name === column);
  const place = exact >= 0 ? exact : change.columns.findIndex((c) => c.name === column.toLowerCase());
  const described = change.columns[place];
  // Postgres says that there is no such column, where it is used.
  if (described === undefined) return `(SELECT "${column.replaceAll('"', '""')}" FROM (SELECT) AS "${row}")`;
  return typedLiteral(change[row]?.[place] ?? null, described.type);
}
