/**
 * What the streams of a plan run for each change. Postgres' planner says what of it is the same: a change that the stream
 * is not about does nothing whatever the tables hold, and need not be waited for; and two updates with the same plan do
 * the same, whatever else was in the rows that they come from.
 */
import { qualifiedName } from '../engine/catalog.ts';
import { inDatabase, splitDatabase } from '../engine/databases.ts';
import type { Call, CallStatement, Change, Content, Engine, Rows, SchemaId } from '../engine/engine.ts';
import type { Plan, Sql, Statement, StreamPlan } from '../plan/model.ts';
import { describable, type Transitions } from './transitions.ts';
import { typedLiteral } from './programs.ts';

export class Mirror {
  private readonly streams: readonly StreamPlan[];
  /** What a delivery runs → what does the same and was seen first; null where it never touches a row. */
  private readonly known = new Map<string, readonly CallStatement[] | null>();
  private readonly byPlan = new Map<string, readonly CallStatement[]>();

  constructor(plan: Plan) {
    this.streams = plan.steps.flatMap((s) => (s.kind === 'cdc' && s.action === 'start' ? [s.stream] : []));
  }

  /** What the delivery of a change runs; null when there is nothing to deliver. */
  delivery(stream: StreamPlan, change: Change): readonly CallStatement[] | null {
    const rendered = deliveryOf(stream, change);
    if (rendered === null) return null;
    const known = this.known.get(keyOf(rendered));
    return known === undefined ? rendered : known;
  }

  /** Asks Postgres about the changes that it has not been asked about yet. To be done before they are delivered. */
  async learn(engine: Engine, schema: SchemaId, content: Content, changes: Iterable<Change>): Promise<void> {
    const unknown = new Map<string, { readonly sql: Sql; readonly rendered: readonly CallStatement[] }>();
    for (const change of changes)
      for (const stream of this.streams) {
        const sql = stream.apply[change.kind];
        const rendered = deliveryOf(stream, change);
        if (sql === null || rendered === null || this.known.has(keyOf(rendered))) continue;
        unknown.set(keyOf(rendered), { sql, rendered });
      }
    if (unknown.size === 0) return;
    const asked = [...unknown];
    const calls = asked.map(([, { rendered }]): Call => ({
      statements: [...steady, ...rendered.map(explained)],
      writes: false,
    }));
    const [outcomes = []] = await engine.run(schema, [{ content, calls }], { clock: 'request', seed: 0 });
    asked.forEach(([key, { sql, rendered }], i) => {
      const outcome = outcomes[i];
      const plans = outcome?.ok === true ? outcome.results.slice(steady.length).map((r) => planIn(r.rows)) : [];
      this.known.set(key, this.sameAs(sql, rendered, plans));
    });
  }

  private sameAs(sql: Sql, rendered: readonly CallStatement[], plans: readonly (Explained | null)[]): CallStatements {
    if (plans.length === 0 || plans.includes(null)) return rendered;
    if (plans.every((plan) => plan !== null && neverTouches(plan))) return null;
    // What an ON CONFLICT sets is not in a plan.
    if (!sql.statements.every((s) => s.node === 'UpdateStmt' || s.node === 'DeleteStmt')) return rendered;
    const key = JSON.stringify([sql.statements.map((s) => [s.node, s.target]), plans]);
    const first = this.byPlan.get(key);
    if (first === undefined) this.byPlan.set(key, rendered);
    return first ?? rendered;
  }
}

type CallStatements = readonly CallStatement[] | null;

/** A set of transitions knows it before any stream of the plan runs. */
export function mirrorOf(transitions: Transitions): Mirror {
  if (transitions.mirror === null) throw new Error('streams are delivered before anybody has said which there are');
  return transitions.mirror;
}

function keyOf(statements: readonly CallStatement[]): string {
  return statements.map((s) => describable(s)).join(';\n');
}

/** Which way to the rows is the cheaper one depends on what the tables held before, and is to be the same each time. */
const steady = ['seqscan', 'bitmapscan'].map((way): CallStatement => ({
  pieces: [`SET LOCAL enable_${way} = off`],
  as: null,
  returnsRows: false,
}));

function explained(statement: CallStatement): CallStatement {
  const { database, sql } = splitDatabase(describable(statement));
  const text = inDatabase(database, `EXPLAIN (VERBOSE, FORMAT JSON, COSTS OFF) ${sql}`);
  return { pieces: [text], as: null, returnsRows: true };
}

function planIn(rows: Rows | null): Explained | null {
  const text = rows?.[0]?.[0];
  if (typeof text !== 'string') return null;
  const [explanation] = JSON.parse(text) as { Plan?: Explained }[];
  return explanation?.Plan ?? null;
}

/** The planner has seen that the condition is false for every row there could be. */
function neverTouches(plan: Explained): boolean {
  const [input, second] = plan.Plans ?? [];
  return (
    plan['Node Type'] === 'ModifyTable' &&
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
  const text = inDatabase(statement.database, pieces.join(''));
  return { pieces: [text], as: null, returnsRows: statement.returnsRows };
}

function valueOf(change: Change, row: 'old' | 'new', column: string): string {
  const exact = change.columns.findIndex((c) => c.name === column);
  const place = exact >= 0 ? exact : change.columns.findIndex((c) => c.name === column.toLowerCase());
  const described = change.columns[place];
  // Postgres says that there is no such column, where it is used.
  if (described === undefined) return `(SELECT "${column.replaceAll('"', '""')}" FROM (SELECT) AS "${row}")`;
  return typedLiteral(change[row]?.[place] ?? null, described.type);
}
