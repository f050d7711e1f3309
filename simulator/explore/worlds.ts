/**
 * The reference: what the app would have answered had nobody migrated. It is a set of worlds, since the
 * outcome of a request may be unknown (one in flight, or one whose process died): an answer is right if
 * one of them gives it. A second reference, the last version on the last schema, judges what only newer
 * versions can say.
 */
import type { Change, SchemaId, StatementResult } from '../engine/engine.ts';
import type { Request } from '../plan/model.ts';
import { difference, touchedNone, touchedOf, type Answer, type KeyedAnswer, type Touched } from './answer.ts';
import { Interner } from './intern.ts';
import {
  answeringStatement,
  endOfCommit,
  keyAnswer,
  refused,
  typedLiteral,
  typeProbe,
  type Action,
  type NamedRow,
  type NamedRows,
  type Programs,
} from './programs.ts';
import { describable, type CallId, type ContentId, type Result, type Transitions } from './transitions.ts';

/** How far a request that commits statement by statement has come. */
export interface Progress {
  readonly action: Action;
  readonly nonce: number;
  /** Index of the next statement. */
  readonly next: number;
  readonly rows: NamedRows;
  readonly touched: Touched;
  /** What the client will have got, as far as it is known. */
  readonly answer: Answer;
}

export interface World {
  readonly content: ContentId;
  /** Requests in flight, by the number the search gave them. */
  readonly flights: Readonly<Record<string, Progress>>;
}

/** What a request may be answered now, each with the world after it. */
export type Answers = readonly { readonly answer: KeyedAnswer; readonly world: World }[];

/** Gives a result, or null after noting that it has to be computed. */
export type Want = (schema: SchemaId, content: ContentId, call: CallId) => Result | null;

const emptyAnswer: Answer = { ok: true, rows: null, sorted: null, touched: false };

interface Committed {
  readonly content: ContentId;
  readonly progress: Progress;
  readonly sql: string;
  readonly failed: boolean;
  readonly changes: readonly Change[] | null;
}

/** Runs the next transaction of a request that has several: one statement, or those in one database. Null: a transition is missing. */
export function stepStatement(
  programs: Programs,
  transitions: Transitions,
  want: Want,
  schema: SchemaId,
  content: ContentId,
  request: Request,
  progress: Progress,
): Committed | null {
  const first = progress.next;
  if (first >= request.statements.length) return { content, progress, sql: '', failed: false, changes: null };
  const next = endOfCommit(request, first);
  const { call, run } = programs.commitCall(request, first, progress.action, progress.rows, progress.nonce);
  const result = call === null ? 'nothing' : want(schema, content, call);
  if (result === null) return null;
  const sql = call === null ? '' : transitions.spec(call).call.statements.map(describable).join(';\n');
  if (result !== 'nothing' && !result.ok) {
    const ended = { ...progress, next: request.statements.length, answer: refused(result.error) };
    return { content: result.content, progress: ended, sql, failed: true, changes: null };
  }
  const given = new Map(result === 'nothing' ? [] : run.map((i, at) => [i, result.results[at]] as const));
  const places = request.statements.slice(first, next).map((_, i) => first + i);
  const after = places.reduce((now, i) => withResult(programs, transitions, schema, request, now, i, given.get(i)), {
    ...progress,
    next,
  });
  const ran = result === 'nothing' ? { content, changes: null } : result;
  return { content: ran.content, progress: after, sql, failed: false, changes: ran.changes };
}

/** What a request has come to know by one of its statements; without a result it was not run. */
function withResult(
  programs: Programs,
  transitions: Transitions,
  schema: SchemaId,
  request: Request,
  progress: Progress,
  index: number,
  given: StatementResult | undefined,
): Progress {
  const statement = request.statements[index];
  if (statement === undefined) return progress;
  const { as } = statement;
  const rows =
    as === null
      ? progress.rows
      : { ...progress.rows, [as]: namedRow(transitions, schema, statement, given?.rows?.[0] ?? null) };
  if (given === undefined) return { ...progress, rows };
  const touched = programs.touched(request, progress.touched, index, given);
  const isAnswer = answeringStatement(request) === index;
  const before = progress.answer.ok ? progress.answer : { rows: null, sorted: null };
  const answered = isAnswer ? programs.rows(schema, statement, given) : before.rows;
  const sorted = isAnswer ? programs.sorted(schema, statement, answered) : before.sorted;
  return { ...progress, rows, touched, answer: { ok: true, rows: answered, sorted, touched: touchedOf(touched) } };
}

function namedRow(
  transitions: Transitions,
  schema: SchemaId,
  statement: Request['statements'][number],
  row: readonly (string | null)[] | null,
): NamedRow {
  if (row === null) return null;
  const columns = transitions.columns(schema, describable(typeProbe(statement)));
  return Object.fromEntries(columns.map((c, i) => [c.name, typedLiteral(row[i] ?? null, c.type)]));
}

export interface ReferenceInput {
  readonly schema: SchemaId;
  /** Finds the request as this reference answers it; null when it has none. */
  readonly requestFor: (action: Action) => Request | null;
  readonly start: ContentId;
  readonly programs: Programs;
  readonly transitions: Transitions;
  readonly want: Want;
  /** Rows of each table of a content. */
  readonly countRows: (content: ContentId) => readonly number[];
  /** Rows that a table may hold beyond what it starts with. */
  readonly extraRows: number;
}

/** One reference: its schema, the version that answers there, and the row bound. */
export class Reference {
  private readonly sets = new Interner();
  private readonly byId: (readonly World[])[] = [];
  private readonly asked = new Map<string, Answers>();
  private readonly afters = new WeakMap<Answers, Map<string, ReturnType<Reference['after']>>>();
  private readonly advancedSets = new Map<number, readonly World[]>();
  private readonly crashed = new Map<string, number>();
  private readonly grownSets = new Map<number, boolean>();
  /** Row counts of a content by table, for the bound on growth. */
  private readonly counts = new Map<ContentId, readonly number[]>();

  readonly schema: SchemaId;
  private readonly programs: Programs;
  private readonly transitions: Transitions;
  private readonly want: Want;

  constructor(private readonly input: ReferenceInput) {
    this.schema = input.schema;
    this.programs = input.programs;
    this.transitions = input.transitions;
    this.want = input.want;
  }

  private requestFor(action: Action): Request | null {
    return this.input.requestFor(action);
  }

  initial(): number {
    return this.intern([{ content: this.input.start, flights: {} }]);
  }

  worlds(id: number): readonly World[] {
    return this.byId[id] ?? [];
  }

  private intern(worlds: readonly World[]): number {
    const keyed = new Map(worlds.map((w) => [`${w.content}|${JSON.stringify(w.flights, flightReplacer)}`, w]));
    const keys = [...keyed.keys()].sort();
    const id = this.sets.id(keys.join('\n'));
    if (id === this.byId.length) this.byId.push(keys.map((k) => keyed.get(k) as World));
    return id;
  }

  /**
   * A step has filled materialized views anew. Without the migration somebody may have done so by now as well, or not:
   * both are possible from here on. Null: something has to be computed first.
   */
  refreshed(set: number, statements: readonly string[]): number | null {
    let worlds = this.worlds(set);
    for (const sql of statements) {
      const statement = { pieces: [sql], as: null, returnsRows: false };
      const call = { call: { statements: [statement], writes: true }, clock: 'step', nonce: 0 } as const;
      const id = this.transitions.callId(call);
      const results = worlds.map((world) => ({ world, result: this.want(this.schema, world.content, id) }));
      if (results.some(({ result }) => result === null)) return null;
      // One that the migration has made is none of theirs.
      const filled = results.flatMap(({ world, result }) =>
        result?.ok === true ? [{ ...world, content: result.content }] : [],
      );
      worlds = worlds.concat(filled);
    }
    return this.intern(worlds);
  }

  has(action: Action): boolean {
    return this.requestFor(action) !== null;
  }

  /** Every answer that a request may get now, with the worlds after it. Null: something has to be computed first. */
  ask(set: number, action: Action, nonce: number): Answers | null {
    const key = `${set}|${action.id}|${nonce}`;
    const known = this.asked.get(key);
    if (known !== undefined) return known;
    const answers = this.askAgain(set, action, nonce);
    if (answers !== null) this.asked.set(key, answers);
    return answers;
  }

  private askAgain(set: number, action: Action, nonce: number): Answers | null {
    const request = this.requestFor(action);
    if (request === null) return [];
    const worlds = this.advanced(set);
    if (worlds === null) return null;
    const stepwise = this.programs.isStepwise(request);
    const read = this.programs.isRead(request);
    const answers: { answer: KeyedAnswer; world: World }[] = [];
    let missing = false;
    for (const world of worlds) {
      if (stepwise) {
        const end = this.runToEnd(world, request, {
          action,
          nonce,
          next: 0,
          rows: {},
          touched: touchedNone,
          answer: emptyAnswer,
        });
        if (end === null) missing = true;
        else answers.push(end);
        continue;
      }
      const result = this.want(this.schema, world.content, this.programs.call(request, action, nonce, read));
      if (result === null) missing = true;
      else
        answers.push({
          answer: this.programs.answer(this.schema, request, result),
          world: { ...world, content: result.content },
        });
    }
    return missing ? null : answers;
  }

  private runToEnd(world: World, request: Request, start: Progress): { answer: KeyedAnswer; world: World } | null {
    let { content } = world;
    let progress = start;
    while (progress.next < request.statements.length) {
      const step = stepStatement(this.programs, this.transitions, this.want, this.schema, content, request, progress);
      if (step === null) return null;
      ({ content, progress } = step);
    }
    return { answer: keyAnswer(progress.answer), world: { ...world, content } };
  }

  /** The worlds that gave this answer; `narrowed` when others are ruled out by it. */
  after(
    answers: Answers,
    actual: KeyedAnswer,
  ): { readonly set: number; readonly narrowed: boolean; readonly none: boolean } {
    let known = this.afters.get(answers);
    if (known === undefined) this.afters.set(answers, (known = new Map()));
    const key = actual.answer.ok ? actual.key : 'refused';
    let result = known.get(key);
    if (result === undefined) {
      const right = answers.filter(
        (a) => a.answer.key === actual.key || difference(actual.answer, a.answer.answer) === null,
      );
      // Judged by the other reference: this one goes on as it would have.
      const kept = right.length > 0 ? right : answers;
      result = {
        set: this.intern(kept.map((a) => a.world)),
        narrowed: kept.length < answers.length,
        none: right.length === 0,
      };
      known.set(key, result);
    }
    return result;
  }

  /** A request has begun: it may take effect from now on. */
  begin(set: number, flight: string, action: Action, nonce: number): number {
    if (!this.has(action)) return set;
    const progress: Progress = { action, nonce, next: 0, rows: {}, touched: touchedNone, answer: emptyAnswer };
    return this.intern(this.worlds(set).map((w) => ({ ...w, flights: { ...w.flights, [flight]: progress } })));
  }

  /** A request has ended with an answer: the worlds in which it got that answer remain. Null: missing; [] and the expected answers when none. */
  finish(
    set: number,
    flight: string,
    actual: Answer,
  ): { readonly set: number; readonly expected: readonly Answer[] } | null {
    const worlds = this.advanced(set);
    if (worlds === null) return null;
    const ended = worlds.filter((w) => this.isComplete(w.flights[flight]));
    const expected = ended.map((w) => w.flights[flight]?.answer ?? emptyAnswer);
    const right = ended.filter(
      (w) => w.flights[flight] === undefined || difference(actual, w.flights[flight].answer) === null,
    );
    return { set: this.intern(right.map((w) => without(w, flight))), expected };
  }

  /** The process died: what it had done stays, the rest never comes. */
  crash(set: number, flight: string): number | null {
    const key = `${set}|${flight}`;
    let after = this.crashed.get(key);
    if (after === undefined) {
      const worlds = this.advanced(set);
      if (worlds === null) return null;
      this.crashed.set(key, (after = this.intern(worlds.map((w) => without(w, flight)))));
    }
    return after;
  }

  private isComplete(progress: Progress | undefined): boolean {
    if (progress === undefined) return true;
    const request = this.requestFor(progress.action);
    return request === null || progress.next >= request.statements.length;
  }

  /** The worlds of a set with all that its requests in flight may have done by now. Null: missing. */
  advanced(set: number): readonly World[] | null {
    let worlds = this.advancedSets.get(set);
    if (worlds === undefined) {
      const all = this.advanceAll(this.worlds(set));
      if (all === null) return null;
      this.advancedSets.set(set, (worlds = all));
    }
    return worlds;
  }

  /** All worlds that the requests in flight may have led to by now. */
  private advanceAll(worlds: readonly World[]): readonly World[] | null {
    if (worlds.every((w) => Object.keys(w.flights).length === 0)) return worlds;
    const seen = new Map<string, World>();
    const open = [...worlds];
    let missing = false;
    for (let world = open.pop(); world !== undefined; world = open.pop()) {
      const key = `${world.content}|${JSON.stringify(world.flights, flightReplacer)}`;
      if (seen.has(key)) continue;
      seen.set(key, world);
      for (const [flight, progress] of Object.entries(world.flights)) {
        const next = this.advanceOne(world, flight, progress);
        if (next === null) missing = true;
        else if (next !== world) open.push(next);
      }
    }
    return missing ? null : [...seen.values()];
  }

  private advanceOne(world: World, flight: string, progress: Progress): World | null {
    const request = this.requestFor(progress.action);
    if (request === null || progress.next >= request.statements.length) return world;
    if (this.programs.isStepwise(request)) {
      const step = stepStatement(
        this.programs,
        this.transitions,
        this.want,
        this.schema,
        world.content,
        request,
        progress,
      );
      return step === null ? null : { content: step.content, flights: { ...world.flights, [flight]: step.progress } };
    }
    const call = this.programs.call(request, progress.action, progress.nonce, false);
    const result = this.want(this.schema, world.content, call);
    if (result === null) return null;
    const answer = this.programs.answer(this.schema, request, result).answer;
    return {
      content: result.content,
      flights: { ...world.flights, [flight]: { ...progress, next: request.statements.length, answer } },
    };
  }

  /** True when a table of some world has grown past the bound. */
  grown(set: number): boolean {
    let grown = this.grownSets.get(set);
    if (grown === undefined) {
      const base = this.rowCounts(this.input.start);
      const past = (w: World): boolean =>
        this.rowCounts(w.content).some((n, i) => n > (base[i] ?? 0) + this.input.extraRows);
      this.grownSets.set(set, (grown = this.worlds(set).some(past)));
    }
    return grown;
  }

  private rowCounts(content: ContentId): readonly number[] {
    let counts = this.counts.get(content);
    if (counts === undefined) this.counts.set(content, (counts = this.input.countRows(content)));
    return counts;
  }
}

function without(world: World, flight: string): World {
  const { [flight]: _gone, ...flights } = world.flights;
  return { ...world, flights };
}

/** Actions are told apart by their number; maps don't survive JSON. */
export function flightReplacer(key: string, value: unknown): unknown {
  return key === 'action' && value !== null && typeof value === 'object' && 'id' in value ? value.id : value;
}
