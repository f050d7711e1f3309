/**
 * What clients send: each request of the first version at the rate that the plan states for its table, answered by
 * whichever version the request comes to.
 */
import type { PlayProgram } from '../engine/player.ts';
import type { ParamDomain } from '../explore/domain.ts';
import type { Ground } from '../explore/ground.ts';
import { answeringStatement, commitsOf } from '../explore/programs.ts';
import type { Plan, Request, Statement, TableRef, Value } from '../plan/model.ts';
import { placeOf } from '../plan/sql.ts';
import type { Recording } from '../report/recording.ts';
import type { Touches } from './hold.ts';
import type { Random } from './random.ts';
import { drawer, type Draw } from './values.ts';

/** Taken for a table of which the plan does not say it. */
export const assumedPerSecond = { read: 100, write: 10 } as const;
export const assumedRows = 10_000_000;

export interface ClientRequest {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly table: string | null;
  readonly perSecond: number;
  readonly stated: boolean;
  readonly params: readonly string[];
  readonly draws: readonly Draw[];
}

/** How one version answers a request: the number of its program, and what a judge has to know of it. */
export interface Answerer {
  readonly program: number;
  readonly request: Request;
  /** The statement whose rows a client gets; -1: none. */
  readonly answering: number;
  /** Several commits: other requests may run in between. */
  readonly stepwise: boolean;
  /** The first statement of each commit. */
  readonly commits: readonly number[];
  /** It changes nothing. */
  readonly reads: boolean;
  readonly touches: Touches;
}

export class Workload {
  readonly requests: readonly ClientRequest[];
  readonly leftOut: Recording['leftOut'];
  readonly programs: PlayProgram[] = [];
  readonly versions: readonly string[];
  readonly perSecond: number;
  readonly writesPerSecond: number;
  /** By version, then by request; undefined: that version does not have it. */
  private readonly answerers: (Answerer | undefined)[][];
  private readonly rising: number[] = [];

  constructor(
    private readonly plan: Plan,
    private readonly ground: Ground,
    keys: number,
    grows: (table: string) => boolean,
  ) {
    this.versions = plan.versions.map((v) => v.name);
    const first = plan.versions[0];
    this.requests = [...(first?.requests.values() ?? [])].map((r) => this.clientRequest(r, keys, grows));
    const known = new Set(this.requests.map((r) => r.name));
    const later = new Set(plan.versions.flatMap((v) => [...v.requests.keys()].filter((name) => !known.has(name))));
    this.leftOut = [...later].map((what) => ({
      what,
      why: `${first?.name} has no such request: nothing to compare with`,
    }));
    let sum = 0;
    for (const request of this.requests) this.rising.push((sum += request.perSecond));
    this.perSecond = sum;
    this.writesPerSecond = this.requests.reduce((n, r) => n + (r.kind === 'write' ? r.perSecond : 0), 0);
    const numbers = new Map<string, Answerer>();
    this.answerers = plan.versions.map((version) =>
      this.requests.map((client) => {
        const request = version.requests.get(client.name);
        return request === undefined ? undefined : this.answerer(client, request, numbers);
      }),
    );
  }

  pick(random: Random): number {
    const at = random.fraction() * this.perSecond;
    const found = this.rising.findIndex((until) => at < until);
    return found < 0 ? this.requests.length - 1 : found;
  }

  values(request: ClientRequest, random: Random): readonly Value[] {
    return request.draws.map((draw) => draw(random));
  }

  answererOf(version: number, request: number): Answerer | undefined {
    return this.answerers[version]?.[request];
  }

  /** Numbers of requests of the first version that make rows. */
  inserting(): readonly number[] {
    return this.requests.flatMap((client, i) => {
      const request = this.plan.versions[0]?.requests.get(client.name);
      return request !== undefined && insertTargets(request).length > 0 ? [i] : [];
    });
  }

  private clientRequest(request: Request, keys: number, grows: (table: string) => boolean): ClientRequest {
    const kind = this.ground.programs.isRead(request) ? 'read' : 'write';
    const table = mainTable(request, kind);
    const params = [...new Set(this.plan.versions.flatMap((v) => v.requests.get(request.name)?.params ?? []))];
    const domains = this.ground.domains.get(request.name);
    const draws = params.map((p) => drawer(domains?.get(p) ?? noDomain, keys, grows));
    return { name: request.name, kind, table, params, draws, ...this.rate(kind, table) };
  }

  /** A table's rate is shared by the requests of its kind. */
  private rate(kind: 'read' | 'write', table: string | null): { perSecond: number; stated: boolean } {
    const requests = [...(this.plan.versions[0]?.requests.values() ?? [])];
    const sharing = requests.filter((r) => {
      const theirs = this.ground.programs.isRead(r) ? 'read' : 'write';
      return theirs === kind && mainTable(r, theirs) === table;
    }).length;
    const facts = table === null ? undefined : this.plan.production.get(table);
    const stated = kind === 'read' ? facts?.reads : facts?.writes;
    return { perSecond: (stated ?? assumedPerSecond[kind]) / Math.max(1, sharing), stated: stated !== undefined };
  }

  private answerer(client: ClientRequest, request: Request, numbers: Map<string, Answerer>): Answerer {
    const key = JSON.stringify([request.definedIn, request.name]);
    let found = numbers.get(key);
    if (found === undefined) {
      const answering = answeringStatement(request);
      const domains = this.ground.domains.get(request.name);
      const domainOf = (param: string): ParamDomain => domains?.get(param) ?? noDomain;
      const { programs } = this.ground;
      const played = programOf(request, client.params, answering, domainOf, programs.tells(request));
      const program = this.programs.push(played) - 1;
      // A replica is asked once, whole.
      const stepwise = !request.onReplica && programs.isStepwise(request);
      const reads = programs.isRead(request);
      found = {
        program,
        request,
        answering,
        stepwise,
        commits: commitsOf(request),
        reads,
        touches: touchesOf(request.statements),
      };
      numbers.set(key, found);
    }
    return found;
  }
}

const noDomain: ParamDomain = {
  values: [],
  stated: false,
  placed: false,
  key: false,
  keyTable: null,
  type: 'text',
  nullable: true,
};

export function tableName({ schema, table }: TableRef): string {
  return schema === null || schema === 'public' ? table : `${schema}.${table}`;
}

/** Tables that a request inserts into. */
export function insertTargets(request: Request): readonly string[] {
  return request.statements.flatMap((s) =>
    s.node === 'InsertStmt' && s.target !== null ? [tableName(s.target.table)] : [],
  );
}

/** What a write changes first; what a read names first. */
function mainTable(request: Request, kind: 'read' | 'write'): string | null {
  const target = request.statements.find((s) => s.target !== null)?.target?.table;
  const ref = kind === 'write' && target !== undefined ? target : request.statements.flatMap((s) => s.tables)[0];
  return ref === undefined ? null : tableName(ref);
}

function touchesOf(statements: readonly Statement[]): Touches {
  const writes = new Set(statements.flatMap((s) => (s.target === null ? [] : [tableName(s.target.table)])));
  return { writes, reads: new Set(statements.flatMap((s) => s.tables.map(tableName))) };
}

function mayBeFraction({ type, values }: ParamDomain): boolean {
  return /^(numeric|float[48])$/.test(type) || values.some((v) => v !== null && /^-?\d+\.\d+$/.test(v));
}

function isWhole({ type }: ParamDomain): boolean {
  return /^int[248]$/.test(type);
}

function programOf(
  request: Request,
  params: readonly string[],
  answering: number,
  domainOf: (param: string) => ParamDomain,
  telling: ReadonlySet<number>,
): PlayProgram {
  const statements = request.statements.map((statement, s) => {
    const seen = new Set<string>();
    const pieces = statement.pieces.map((piece, at) => {
      if (piece.kind === 'text') return piece.text;
      if (piece.kind === 'field') return { row: piece.row, column: piece.column };
      const { cast, calculates, isLone } = placeOf(statement.pieces, at, seen.has(piece.name));
      seen.add(piece.name);
      const domain = domainOf(piece.name);
      const typed = isLone && isWhole(domain) ? `::${domain.type}` : cast;
      return { param: params.indexOf(piece.name), cast: typed, calculates: calculates && mayBeFraction(domain) };
    });
    const { as, returnsRows, modifies, database } = statement;
    return { pieces, as, returnsRows, modifies, tells: telling.has(s), database };
  });
  return { statements, atomic: request.transaction, commits: commitsOf(request), answering };
}
