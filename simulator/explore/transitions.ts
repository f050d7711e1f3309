/**
 * One transition is computed once. What a call does depends on the schema and the content alone, so
 * results are kept by (schema, content, call), and what is missing is sent to the engine in batches.
 */
import {
  EngineFault,
  type Call,
  type CallStatement,
  type CaptureOutcome,
  type Change,
  type Content,
  type DescribedColumn,
  type Engine,
  type MigrateOutcome,
  type Outcome,
  type RunOptions,
  type SchemaId,
  type StatementResult,
  type Task,
} from '../engine/engine.ts';
import { Interner, Shared } from './intern.ts';
import type { KeyedAnswer } from './answer.ts';
import type { Mirror } from './mirror.ts';

export type ContentId = number;
export type CallId = number;
export type Clock = 'request' | 'step';

/** An outcome with its content interned. Results that are alike share what they hold. */
export type Result = (
  | { readonly ok: true; readonly results: readonly StatementResult[] }
  | { readonly ok: false; readonly error: CallError }
) & {
  readonly content: ContentId;
  /** Of tables that a stream mirrors; null when there are none. */
  readonly changes: readonly Change[] | null;
  /** As a client reads it; filled when that is first asked. */
  answer: KeyedAnswer | null;
};

export interface CallError {
  readonly sqlstate: string;
  readonly message: string;
  readonly statement: number;
}

export type MigrateResult =
  | {
      readonly ok: true;
      readonly schema: SchemaId;
      readonly content: ContentId;
      readonly changes: readonly Change[] | null;
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly statement: number };

/** A call as the search names it. */
export interface CallSpec {
  readonly call: Call;
  readonly clock: Clock;
  /** Differs between calls that must not share random values; `content`: drawn anew for every content. */
  readonly nonce: number | 'content';
}

export interface Need {
  readonly schema: SchemaId;
  readonly content: ContentId;
  readonly call: CallId;
}

const stride = 2 ** 22;

export class Transitions {
  readonly contents = new Interner();
  private readonly callKeys = new Interner();
  private readonly calls: CallSpec[] = [];
  private readonly memo = new Map<SchemaId, Map<number, Result>>();
  private readonly captures = new Map<string, CaptureOutcome>();
  private readonly migrateMemo = new Map<string, MigrateResult>();
  private readonly errors = new Shared<CallError>();
  private readonly described = new Map<string, readonly DescribedColumn[]>();
  /** Distinct (schema, content, call) computed so far. */
  computed = 0;
  /** The streams of the plan, once it is known. */
  mirror: Mirror | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly seed: number,
    private readonly onBatch: () => void,
  ) {}

  callId(spec: CallSpec): CallId {
    const id = this.callKeys.id(JSON.stringify([spec.clock, spec.nonce, spec.call.writes, spec.call.statements]));
    if (id === this.calls.length) this.calls.push(spec);
    return id;
  }

  spec(id: CallId): CallSpec {
    const spec = this.calls[id];
    if (spec === undefined) throw new RangeError(`no call ${id}`);
    return spec;
  }

  /** What is known of a call; undefined when it was not computed yet. */
  find(schema: SchemaId, content: ContentId, call: CallId): Result | undefined {
    return this.memo.get(schema)?.get(content * stride + call);
  }

  /** The result of a call that `ensure` was asked for before. */
  get(need: Need): Result {
    const result = this.find(need.schema, need.content, need.call);
    if (result === undefined) throw new Error('a transition was read before it was computed');
    return result;
  }

  async one(need: Need): Promise<Result> {
    await this.ensure([need]);
    return this.get(need);
  }

  /** Computes what is not known yet of these. */
  async ensure(needs: Iterable<Need>): Promise<void> {
    const missing = new Map<
      string,
      { schema: SchemaId; options: RunOptions; byContent: Map<ContentId, Set<CallId>> }
    >();
    for (const need of needs) {
      if (this.find(need.schema, need.content, need.call) !== undefined) continue;
      const spec = this.spec(need.call);
      const nonce = spec.nonce === 'content' ? contentNonce(this.contents.text(need.content)) : spec.nonce;
      const key = `${need.schema}|${spec.clock}|${nonce}`;
      let group = missing.get(key);
      if (group === undefined) {
        group = {
          schema: need.schema,
          options: { clock: spec.clock, seed: randomSeed(this.seed, nonce) },
          byContent: new Map(),
        };
        missing.set(key, group);
      }
      let calls = group.byContent.get(need.content);
      if (calls === undefined) group.byContent.set(need.content, (calls = new Set()));
      calls.add(need.call);
    }
    for (const group of missing.values()) await this.runGroup(group.schema, group.options, group.byContent);
  }

  private async runGroup(
    schema: SchemaId,
    options: RunOptions,
    byContent: ReadonlyMap<ContentId, ReadonlySet<CallId>>,
  ): Promise<void> {
    const entries = [...byContent].map(([content, calls]) => ({ content, calls: [...calls] }));
    // A bound on one message, so that a cancel or a limit is felt soon.
    for (let start = 0; start < entries.length; start += 200) {
      const slice = entries.slice(start, start + 200);
      const tasks: Task[] = slice.map((e) => ({
        content: this.contents.text(e.content),
        calls: e.calls.map((c) => this.spec(c).call),
      }));
      const outcomes = await this.engine.run(schema, tasks, options);
      await this.learn(
        schema,
        slice[0]?.content,
        outcomes.flatMap((task) => task.flatMap((outcome) => (outcome.ok ? (outcome.changes ?? []) : []))),
      );
      slice.forEach((entry, i) => {
        entry.calls.forEach((call, j) => {
          const outcome = outcomes[i]?.[j];
          if (outcome === undefined) throw new Error('the engine answered fewer calls than it was sent');
          this.keep({ schema, content: entry.content, call }, outcome);
        });
      });
      this.onBatch();
    }
  }

  /** What streams will make of these changes. */
  private async learn(schema: SchemaId, content: ContentId | undefined, changes: readonly Change[]): Promise<void> {
    if (changes.length === 0 || this.mirror === null || content === undefined) return;
    await this.mirror.learn(this.engine, schema, this.contents.text(content), changes);
  }

  private keep(need: Need, outcome: Outcome): void {
    if (!outcome.ok) {
      const statement = this.spec(need.call).call.statements[outcome.statement];
      refuseIntervention(outcome, statement === undefined ? null : describable(statement));
    }
    let memo = this.memo.get(need.schema);
    if (memo === undefined) this.memo.set(need.schema, (memo = new Map()));
    const writes = this.spec(need.call).call.writes;
    const content = writes ? this.contents.id(outcome.content) : need.content;
    const result: Result = outcome.ok
      ? { ok: true, results: outcome.results, content, changes: outcome.changes ?? null, answer: null }
      : { ok: false, error: this.errors.one(errorOf(outcome)), content, changes: null, answer: null };
    memo.set(need.content * stride + need.call, result);
    this.computed += 1;
  }

  /** Maps contents through a step's SQL; results in the order of `contents`. */
  async migrate(
    schema: SchemaId,
    statements: readonly string[],
    transactional: boolean,
    contents: readonly ContentId[],
  ): Promise<MigrateResult[]> {
    const key = (content: ContentId): string => `${schema}|${content}|${transactional}|${statements.join('\u0000')}`;
    const missing = [...new Set(contents)].filter((c) => !this.migrateMemo.has(key(c)));
    for (let start = 0; start < missing.length; start += 200) {
      const slice = missing.slice(start, start + 200);
      const texts = slice.map((c) => this.contents.text(c));
      const outcomes = await this.engine.migrate(schema, statements, transactional, texts, {
        clock: 'step',
        seed: this.seed,
      });
      const [first] = outcomes.flatMap((o) => (o.ok ? [o] : []));
      if (first !== undefined)
        await this.learn(
          first.schema,
          this.contents.id(first.content),
          outcomes.flatMap((o) => (o.ok ? (o.changes ?? []) : [])),
        );
      slice.forEach((content, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) throw new Error('the engine answered fewer contents than it was sent');
        if (!outcome.ok) refuseIntervention(outcome, statements[outcome.statement] ?? null);
        this.migrateMemo.set(key(content), this.internMigrate(outcome));
        this.computed += 1;
      });
      this.onBatch();
    }
    return contents.map((c) => this.migrateMemo.get(key(c)) as MigrateResult);
  }

  private internMigrate(outcome: MigrateOutcome): MigrateResult {
    if (!outcome.ok) return outcome;
    const { schema, changes = null } = outcome;
    return { ok: true, schema, content: this.contents.id(outcome.content), changes };
  }

  /** The same schema with these tables captured, once `capture` was asked for it. */
  captured(schema: SchemaId, tables: readonly string[]): CaptureOutcome | undefined {
    return this.captures.get(`${schema}|${JSON.stringify(tables)}`);
  }

  async capture(schema: SchemaId, tables: readonly string[]): Promise<CaptureOutcome> {
    const known = this.captured(schema, tables) ?? (await this.engine.capture(schema, tables));
    this.captures.set(`${schema}|${JSON.stringify(tables)}`, known);
    return known;
  }

  internContent(content: Content): ContentId {
    return this.contents.id(content);
  }

  /** Asks for the column types of statements that give rows, once for each schema. */
  async describe(schema: SchemaId, sqls: Iterable<string>): Promise<void> {
    const unknown = [...new Set(sqls)].filter((sql) => !this.described.has(`${schema}|${sql}`));
    if (unknown.length === 0) return;
    const descriptions = await this.engine.describe(schema, unknown);
    unknown.forEach((sql, i) => {
      const d = descriptions[i];
      this.described.set(`${schema}|${sql}`, d?.ok === true ? d.columns : []);
    });
  }

  isDescribed(schema: SchemaId, sql: string): boolean {
    return this.described.has(`${schema}|${sql}`);
  }

  columns(schema: SchemaId, sql: string): readonly DescribedColumn[] {
    return this.described.get(`${schema}|${sql}`) ?? [];
  }

  columnTypes(schema: SchemaId, sql: string): readonly string[] {
    return this.columns(schema, sql).map((c) => c.type);
  }
}

function errorOf({ sqlstate, message, statement }: CallError): CallError {
  return { sqlstate, message, statement };
}

/**
 * Class 57 is Postgres stopped from outside: a statement that sleeps past the limit, a session ended. That says
 * nothing about what the statement would have done, so it is no outcome to compare.
 */
export function refuseIntervention(
  outcome: { readonly sqlstate: string; readonly message: string },
  sql: string | null,
): void {
  if (!outcome.sqlstate.startsWith('57')) return;
  throw new EngineFault(
    `a statement was stopped (${outcome.message})`,
    outcome.sqlstate === '57014' ? 'timeout' : 'died',
    sql,
  );
}

/** The seed of random() and uuids for a call. */
export function randomSeed(seed: number, nonce: number): number {
  return seed * 1009 + nonce;
}

/** A number that differs between contents, apart from the small ones that count writes (FNV-1a). */
export function contentNonce(content: Content): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < content.length; i += 1) hash = Math.imul(hash ^ content.charCodeAt(i), 0x01000193) >>> 0;
  return 1_000_000 + (hash % 1_000_000_000);
}

/** A statement's text with NULL in its holes: what is described. */
export function describable(statement: CallStatement): string {
  return statement.pieces.map((p) => (typeof p === 'string' ? p : 'NULL')).join('');
}
