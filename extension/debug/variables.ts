/** What a moment holds, as scopes and variables. References are good until the playhead moves. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Difference, Moment, TableView, View } from '../../simulator/player/model.ts';
import { rowName } from './walk.ts';

type Children = () => DebugProtocol.Variable[];

/** What a row's children are, so that a breakpoint can be set on one of its columns. */
export interface RowPlace {
  readonly table: string;
  readonly row: string;
}

export class Variables {
  private readonly children = new Map<number, { readonly of: Children; readonly place: RowPlace | null }>();
  private last = 0;

  /** Forgets what was handed out. Numbers are not used again: an old reference has no meaning. */
  clear(): void {
    this.children.clear();
  }

  get(reference: number): DebugProtocol.Variable[] | null {
    return this.children.get(reference)?.of() ?? null;
  }

  placeOf(reference: number): RowPlace | null {
    return this.children.get(reference)?.place ?? null;
  }

  scopes(moment: Moment, view: View, isRequest: boolean): DebugProtocol.Scope[] {
    const scope = (name: string, of: Children, expensive = false): DebugProtocol.Scope => ({
      name,
      variablesReference: this.hold(of),
      expensive,
    });
    const request = isRequest ? [scope('Request', () => this.request(moment))] : [];
    return [
      ...request,
      scope('Differences', () => this.differences(view.differences)),
      scope('Tables now', () => this.tables(view.tables, true)),
      scope('Reference', () => this.reference(view)),
      scope('Live versions', () => moment.live.map((v, i) => leaf(v, i === 0 ? 'live' : 'live, newer'))),
      scope('Jobs and requests in flight', () => this.running(moment)),
    ];
  }

  /** The rows of an answer, under one variable. */
  rows(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): number {
    return this.hold(() =>
      rows.map((row, i) => this.row({ name: '', columns, key: [], rows }, row, i, false, `[${i}]`)),
    );
  }

  table(table: TableView): DebugProtocol.Variable {
    return this.tables([table], true)[0] as DebugProtocol.Variable;
  }

  private hold(of: Children, place: RowPlace | null = null): number {
    this.last += 1;
    this.children.set(this.last, { of, place });
    return this.last;
  }

  private tables(tables: readonly TableView[], isNow: boolean): DebugProtocol.Variable[] {
    return tables.map((table) => ({
      name: table.name,
      value: table.rows.length === 1 ? '1 row' : `${table.rows.length} rows`,
      type: `(${table.columns.join(', ')})`,
      indexedVariables: table.rows.length,
      variablesReference: this.hold(() =>
        table.rows.map((row, i) => this.row(table, row, i, isNow, rowName(table, row, i))),
      ),
    }));
  }

  private row(
    table: TableView,
    row: readonly (string | null)[],
    index: number,
    isNow: boolean,
    name: string,
  ): DebugProtocol.Variable {
    const place = isNow ? { table: table.name, row: rowName(table, row, index) } : null;
    return {
      name,
      value: `(${row.map(literal).join(', ')})`,
      variablesReference: this.hold(() => table.columns.map((c, i) => leaf(c, literal(row[i] ?? null))), place),
    };
  }

  private reference({ reference }: View): DebugProtocol.Variable[] {
    const [only] = reference;
    if (reference.length === 1 && only !== undefined) return this.tables(only, false);
    return reference.map((tables, i) => ({
      name: `possibility ${i + 1} of ${reference.length}`,
      value: 'an outcome is unknown',
      variablesReference: this.hold(() => this.tables(tables, false)),
    }));
  }

  private differences(all: readonly Difference[]): DebugProtocol.Variable[] {
    if (all.length === 0) return [leaf('none', 'the tables are as the reference has them')];
    // What a live version reads comes first: the rest nobody sees yet, or any more.
    return all.toSorted((a, b) => Number(b.readBy.length > 0) - Number(a.readBy.length > 0)).map((d) => this.one(d));
  }

  private one(difference: Difference): DebugProtocol.Variable {
    const { table, row, column, kind, now, reference, counterpart, readBy } = difference;
    const reader = readBy.length === 0 ? 'no live version reads it' : `read by ${readBy.join(' and ')}`;
    const where = `${table}[${row}]`;
    if (kind === 'missing-row') return leaf(where, `missing; the reference has ${reference ?? ''}; ${reader}`);
    if (kind === 'extra-row') return leaf(where, `${now ?? ''}, which the reference has not; ${reader}`);
    return {
      name: `${where}.${column ?? ''}`,
      value: `${literal(now)} ≠ ${literal(reference)}, ${reader}`,
      variablesReference: this.hold(() => [
        leaf('now', literal(now)),
        leaf('reference', literal(reference)),
        leaf('compared with', counterpart ?? ''),
        leaf('live versions that read it', readBy.join(', ') || 'none'),
      ]),
    };
  }

  private request({ event, expected, actual }: Moment): DebugProtocol.Variable[] {
    const params = Object.entries(event?.params ?? {}).map(([name, value]) => leaf(`:${name}`, literal(value)));
    return [
      ...params,
      leaf('sql', event?.sql ?? ''),
      ...(actual === null ? [] : [leaf('answer', actual)]),
      ...(expected === null ? [] : [leaf('the reference answers', expected)]),
    ];
  }

  private running({ job, flights }: Moment): DebugProtocol.Variable[] {
    const jobs = job === null ? [] : [leaf(job, 'a backfill is running')];
    const requests = flights.map(({ version, request, params, done, of }) => ({
      name: `${version} ${request}`,
      value: `${done} of ${of} statements committed`,
      variablesReference: this.hold(() => Object.entries(params).map(([n, v]) => leaf(`:${n}`, literal(v)))),
    }));
    const all = [...jobs, ...requests];
    return all.length > 0 ? all : [leaf('none', 'nothing runs')];
  }
}

function leaf(name: string, value: string): DebugProtocol.Variable {
  return { name, value, variablesReference: 0 };
}

export function literal(value: string | null): string {
  if (value === null) return 'NULL';
  return /^-?\d{1,18}(\.\d+)?$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}
