/**
 * Requests as the engine runs them: for each version and each combination of parameters, the call that
 * answers it, and the answer that a client reads from the outcome.
 */
import { inDatabase } from '../engine/databases.ts';
import type { CallPiece, CallStatement, SchemaId, StatementResult } from '../engine/engine.ts';
import type { Plan, Request, RequestStatement, Statement, Value, Version } from '../plan/model.ts';
import { renderStatement } from '../plan/sql.ts';
import {
  canonicalRows,
  sequence,
  sortPlaces,
  touchedNone,
  touchedOf,
  type Answer,
  type AnswerRows,
  type KeyedAnswer,
  type SortPlaces,
  type Touched,
} from './answer.ts';
import { qualifiedName } from '../engine/catalog.ts';
import { Shared } from './intern.ts';
import { combinations, type ParamDomain, type Params } from './domain.ts';
import { type CallId, type Result, type Transitions, describable } from './transitions.ts';

/** A request with its parameters' values: what a client sends, whatever version answers. */
export interface Action {
  readonly id: number;
  readonly request: string;
  readonly params: Params;
}

/** Fields of a named row, as typed literals for later statements; null when there was no row. */
export type NamedRow = Readonly<Record<string, string>> | null;
export type NamedRows = Readonly<Record<string, NamedRow>>;

export interface Offer {
  readonly action: Action;
  readonly request: Request;
  readonly read: boolean;
  /** More than one commit: other requests may run in between. */
  readonly stepwise: boolean;
}

export class Programs {
  private readonly actions = new Map<string, Action>();
  private readonly offersByVersion = new Map<string, readonly Offer[]>();
  private readonly callIds = new Map<string, CallId>();
  private readonly wholeCalls = new WeakMap<Request, Map<number, CallId>>();
  private readonly answers = new Shared<KeyedAnswer>();
  private readonly versions: ReadonlyMap<string, Version>;
  private readonly senders = new Map<string, Map<number, boolean>>();
  private readonly reads = new WeakMap<Request, boolean>();
  private readonly telling = new WeakMap<Request, ReadonlySet<number>>();
  /** Requests whose combinations were too many: name → [searched, all]. */
  readonly limited = new Map<string, readonly [number, number]>();

  constructor(
    private readonly plan: Plan,
    private readonly transitions: Transitions,
    private readonly domains: ReadonlyMap<string, ReadonlyMap<string, ParamDomain>>,
    private readonly isReadRequest: (request: Request) => boolean,
    /** Names of the requests that are offered; null: all. */
    private readonly offered: ReadonlySet<string> | null = null,
  ) {
    this.versions = new Map(plan.versions.map((v) => [v.name, v]));
  }

  /** The same, offering these requests alone. */
  only(requests: ReadonlySet<string>): Programs {
    return new Programs(this.plan, this.transitions, this.domains, this.isReadRequest, requests);
  }

  version(name: string): Version {
    const version = this.versions.get(name);
    if (version === undefined) throw new RangeError(`no version ${name}`);
    return version;
  }

  action(request: string, params: Params): Action {
    const key = JSON.stringify([request, [...params].sort(([a], [b]) => (a < b ? -1 : 1))]);
    let action = this.actions.get(key);
    if (action === undefined) this.actions.set(key, (action = { id: this.actions.size, request, params }));
    return action;
  }

  /** The values that a version can send for a parameter. */
  values(version: Version, request: string, param: string): readonly Value[] {
    const common = this.domains.get(request)?.get(param)?.values ?? [];
    return [...new Set([...common, ...(version.params.get(param) ?? [])])];
  }

  /** True when this version has the request and can send these values. */
  canSend(versionName: string, action: Action): boolean {
    let known = this.senders.get(versionName);
    if (known === undefined) this.senders.set(versionName, (known = new Map()));
    let can = known.get(action.id);
    if (can === undefined) known.set(action.id, (can = this.findCanSend(versionName, action)));
    return can;
  }

  private findCanSend(versionName: string, action: Action): boolean {
    const version = this.version(versionName);
    const request = version.requests.get(action.request);
    if (request === undefined) return false;
    for (const [param, value] of action.params) {
      const owners = [...this.versions.values()].filter((v) => v.params.get(param)?.includes(value) === true);
      const common = this.domains.get(action.request)?.get(param)?.values.includes(value) === true;
      if (owners.length > 0 && !common && !owners.includes(version)) return false;
    }
    return true;
  }

  /** Every request of a version with every combination of its parameters. */
  offers(versionName: string): readonly Offer[] {
    const known = this.offersByVersion.get(versionName);
    if (known !== undefined) return known;
    const version = this.version(versionName);
    const offers: Offer[] = [];
    for (const request of version.requests.values()) {
      if (this.offered?.has(request.name) === false) continue;
      const read = this.isRead(request);
      const { list, total } = combinations(request.params, (p) => this.values(version, request.name, p));
      if (list.length < total) this.limited.set(request.name, [list.length, total]);
      for (const params of list) offers.push(this.offer(request, params, read));
    }
    this.offersByVersion.set(versionName, offers);
    return offers;
  }

  isRead(request: Request): boolean {
    let read = this.reads.get(request);
    if (read === undefined) this.reads.set(request, (read = this.isReadRequest(request)));
    return read;
  }

  isStepwise(request: Request): boolean {
    return endOfCommit(request, 0) < request.statements.length && !this.isRead(request);
  }

  offer(request: Request, params: Params, read = this.isRead(request)): Offer {
    const stepwise = this.isStepwise(request);
    return { action: this.action(request.name, params), request, read, stepwise };
  }

  /** The call that answers an action in one transaction. */
  call(request: Request, action: Action, nonce: number, read: boolean): CallId {
    let byAction = this.wholeCalls.get(request);
    if (byAction === undefined) this.wholeCalls.set(request, (byAction = new Map()));
    const key = action.id * 4096 + nonce;
    let id = byAction.get(key);
    if (id === undefined) {
      const statements = request.statements.map((s) => callStatement(s, action.params));
      id = this.transitions.callId({ call: { statements, writes: !read }, clock: 'request', nonce });
      byAction.set(key, id);
    }
    return id;
  }

  /** Counts the rows of a read's answer that the version's `accepts` refuses; null when it takes any. */
  acceptsCall(request: Request, action: Action): CallId | null {
    if (request.accepts === null) return null;
    const last = request.statements[request.statements.length - 1];
    if (last === undefined || !last.returnsRows) return null;
    const key = `accepts|${request.definedIn}|${request.name}|${action.id}`;
    let id = this.callIds.get(key);
    if (id === undefined) {
      const pieces = [
        inDatabase(last.database, 'SELECT answer.* FROM ('),
        ...renderStatement(last, action.params),
        `\n) AS answer WHERE (${request.accepts.text}) IS NOT TRUE`,
      ];
      const before = request.statements.slice(0, -1).map((s) => callStatement(s, action.params));
      const statements = [...before, { pieces, as: null, returnsRows: true }];
      id = this.transitions.callId({ call: { statements, writes: false }, clock: 'request', nonce: 0 });
      this.callIds.set(key, id);
    }
    return id;
  }

  /**
   * What a request that commits more than once runs in its next transaction: the statements from `first` on, without
   * those that need a named row which isn't there. No call: none is left.
   */
  commitCall(
    request: Request,
    first: number,
    action: Action,
    rows: NamedRows,
    nonce: number,
  ): { readonly call: CallId | null; readonly run: readonly number[] } {
    const own = new Set<string>();
    const run: number[] = [];
    const statements: CallStatement[] = [];
    for (let i = first; i < endOfCommit(request, first); i += 1) {
      const statement = request.statements[i] as RequestStatement;
      const filled = fillFields(callStatement(statement, action.params), rows, own);
      if (statement.as !== null) own.add(statement.as);
      if (filled === null) continue;
      run.push(i);
      // A name is of use only to those that run with it.
      statements.push({ ...filled, as: endOfCommit(request, first) === first + 1 ? null : statement.as });
    }
    if (statements.length === 0) return { call: null, run };
    const key = `one|${nonce}|${JSON.stringify(statements)}`;
    let id = this.callIds.get(key);
    if (id === undefined) {
      const writes = run.some((i) => mayWrite(request.statements[i] as RequestStatement));
      id = this.transitions.callId({ call: { statements, writes }, clock: 'request', nonce });
      this.callIds.set(key, id);
    }
    return { call: id, run };
  }

  /** The answer that a client reads from an outcome of a whole request. */
  answer(schema: SchemaId, request: Request, result: Result): KeyedAnswer {
    if (result.answer === null) {
      const answer: Answer = result.ok ? this.accepted(schema, request, result.results) : refused(result.error);
      result.answer = this.answers.one(keyAnswer(answer));
    }
    return result.answer;
  }

  private accepted(schema: SchemaId, request: Request, results: readonly StatementResult[]): Answer & { ok: true } {
    const touched = results.reduce((now, result, i) => this.touched(request, now, i, result), touchedNone);
    const last = answeringStatement(request);
    const rows = last < 0 ? null : this.rows(schema, request.statements[last] as RequestStatement, results[last]);
    const sorted = last < 0 ? null : this.sorted(schema, request.statements[last] as RequestStatement, rows);
    return { ok: true, rows, sorted, touched: touchedOf(touched) };
  }

  /** What rows a request has touched, with one more of its statements. */
  touched(request: Request, before: Touched, index: number, { touched }: StatementResult): Touched {
    const statement = request.statements[index];
    if (statement?.modifies !== true || touched === 0) return before;
    return { any: true, told: before.told || this.tells(request).has(index) };
  }

  /**
   * The statements of which a client is told how many rows they touched: those that change the tables which the first
   * version changes for this request, else all that change something.
   */
  tells(request: Request): ReadonlySet<number> {
    let told = this.telling.get(request);
    if (told === undefined) this.telling.set(request, (told = tellingStatements(request, this.firstOf(request.name))));
    return told;
  }

  private firstOf(name: string): Request | undefined {
    return this.plan.versions.find((v) => v.requests.has(name))?.requests.get(name);
  }

  /** Where a statement's rows hold what they are sorted by; null when it has no ORDER BY. */
  sorted(schema: SchemaId, statement: Statement, rows: AnswerRows | null): SortPlaces | null {
    if (!statement.ordered || rows === null) return null;
    const columns = this.transitions.columns(schema, describable(typeProbe(statement)));
    return sortPlaces(
      columns.map((c) => c.name.toLowerCase()),
      statement.sortBy,
    );
  }

  /** A statement's rows in the form in which they are compared. */
  rows(schema: SchemaId, statement: Statement, result: StatementResult | undefined): AnswerRows | null {
    if (result?.rows == null) return result?.skipped === true ? [] : null;
    return canonicalRows(result.rows, this.transitions.columnTypes(schema, describable(typeProbe(statement))));
  }
}

function tellingStatements(request: Request, first: Request | undefined): ReadonlySet<number> {
  const targetOf = ({ target }: Statement): string | null =>
    target === null ? null : qualifiedName(target.table.schema ?? 'public', target.table.table);
  const changed = new Set((first?.statements ?? []).filter((s) => s.modifies).map(targetOf));
  const places = request.statements.flatMap((s, i) => (s.modifies ? [i] : []));
  const same = places.filter((i) => changed.has(targetOf(request.statements[i] as RequestStatement)));
  return new Set(same.length > 0 ? same : places);
}

/** True when statements only look at rows; a SET among them says how they look, and is gone with the transaction. */
export function onlyRead(statements: readonly Statement[]): boolean {
  const looks = statements.filter((s) => s.node !== 'VariableSetStmt');
  return looks.length > 0 && looks.every((s) => s.node === 'SelectStmt' && !s.modifies);
}

function mayWrite(statement: Statement): boolean {
  return statement.modifies || statement.functions.length > 0;
}

/** The first statement behind those that commit together with this one: a transaction is of one database. */
export function endOfCommit({ statements, transaction }: Request, first: number): number {
  if (!transaction) return first + 1;
  const other = statements.findIndex((s, i) => i > first && s.database !== statements[first]?.database);
  return other < 0 ? statements.length : other;
}

/** The first statement of each commit of a request. */
export function commitsOf(request: Request): readonly number[] {
  const firsts: number[] = [];
  for (let s = 0; s < request.statements.length; s = endOfCommit(request, s)) firsts.push(s);
  return firsts;
}

export function refused(outcome: { readonly sqlstate: string; readonly message: string }): Answer {
  return { ok: false, sqlstate: outcome.sqlstate, message: outcome.message };
}

export function keyAnswer(answer: Answer): KeyedAnswer {
  if (!answer.ok) return { answer, key: 'refused' };
  const { touched, rows, sorted } = answer;
  const keys = rows?.map((r) => JSON.stringify(r)) ?? null;
  keys?.sort();
  const order = sorted === null ? 'm' : `${sorted.join()}:${sequence(rows ?? [], sorted)}`;
  const told = touched === null ? '?' : touched ? 't' : 'n';
  return { answer, key: `${told}|${order}|${keys === null ? '-' : keys.join('\n')}` };
}

/** Index of the statement whose rows a client gets: the last that gives rows and names none, else -1. */
export function answeringStatement(request: Request): number {
  for (let i = request.statements.length - 1; i >= 0; i -= 1) {
    const statement = request.statements[i];
    if (statement?.returnsRows === true && (statement.as === null || i === request.statements.length - 1)) return i;
  }
  return -1;
}

/** A statement without parameters as the engine gets it. */
export function textOf({ database, text }: Statement): string {
  return inDatabase(database, text);
}

export function callStatement(
  statement: Statement & { readonly as?: string | null },
  params: ReadonlyMap<string, Value>,
): CallStatement {
  const [first = '', ...rest] = renderStatement(statement, params);
  // A statement begins with a word.
  const pieces = typeof first === 'string' ? [inDatabase(statement.database, first), ...rest] : [first, ...rest];
  return { pieces, as: statement.as ?? null, returnsRows: statement.returnsRows };
}

/** The statement with NULL for every parameter: its columns have the same types whatever the values. */
export function typeProbe(statement: Statement): CallStatement {
  const pieces = statement.pieces.map((p) => {
    if (p.kind === 'text') return p.text;
    return p.kind === 'param' && p.isLoneOperand === true ? 'NULL::int' : 'NULL';
  });
  return { pieces: [inDatabase(statement.database, pieces.join(''))], as: null, returnsRows: statement.returnsRows };
}

/**
 * Writes named rows into a statement, those left open that are named in the same transaction; null when it needs a row
 * that isn't there.
 */
export function fillFields(
  statement: CallStatement,
  rows: NamedRows,
  open: ReadonlySet<string> = new Set(),
): CallStatement | null {
  const pieces: CallPiece[] = [];
  for (const piece of statement.pieces) {
    const last = pieces.at(-1);
    const text = typeof piece === 'string' ? piece : open.has(piece.row) ? null : valueIn(rows, piece);
    if (text === undefined) return null;
    if (text === null) pieces.push(piece);
    else if (typeof last === 'string') pieces[pieces.length - 1] = last + text;
    else pieces.push(text);
  }
  return { ...statement, pieces };
}

/** Undefined when there is no such row. */
function valueIn(rows: NamedRows, { row, column }: CallPiece & object): string | undefined {
  const named = rows[row];
  return named === null || named === undefined ? undefined : (named[column] ?? 'NULL');
}

/** A value as a literal of its type. */
export function typedLiteral(value: string | null, type: string): string {
  if (value === null) return type === '' ? 'NULL' : `NULL::${type}`;
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return type === '' ? quoted : `${quoted}::${type}`;
}
