/**
 * The domain: the few values that each parameter of each request takes in the search, and the many
 * that the sweep tries. What the plan states is used as it is; the rest comes from the column that the
 * parameter meets and the type that Postgres infers.
 */
import { inDatabase } from '../engine/databases.ts';
import type { Catalog, Column, Engine, ParsedContent, SchemaId, Table } from '../engine/engine.ts';
import { constantsInCheck, refusesNull } from '../plan/sql.ts';
import type { Plan, Request, Statement, Value, Version } from '../plan/model.ts';
import { findColumns, type KeyColumn, type KnownSchema } from './columns.ts';

export type Params = ReadonlyMap<string, Value>;

export interface ParamDomain {
  readonly values: readonly Value[];
  /** True when the plan states it: then the sweep leaves it alone. */
  readonly stated: boolean;
  /** True when the parameter meets a key. */
  readonly key: boolean;
  /** The table of that key, as the catalog names it. */
  readonly keyTable: string | null;
  /** True when it meets a column that is known; an argument of a function does not. */
  readonly placed: boolean;
  /** Base type, such as `int4`. */
  readonly type: string;
  /** Whether a NULL can be sent to where it goes. */
  readonly nullable: boolean;
}

/** The schema against which a version's parameters are understood. */
export interface DomainView extends KnownSchema {
  readonly schema: SchemaId;
}

export const maxCombinations = 64;

export const freshByType: Readonly<Record<string, readonly [string, string]>> = {
  bool: ['true', 'false'],
  int2: ['7', '8'],
  int4: ['7', '8'],
  int8: ['7', '8'],
  numeric: ['7.25', '8.5'],
  float4: ['7.25', '8.5'],
  float8: ['7.25', '8.5'],
  money: ['7.25', '8.5'],
  text: ['a', 'b'],
  varchar: ['a', 'b'],
  bpchar: ['a', 'b'],
  char: ['a', 'b'],
  name: ['a', 'b'],
  citext: ['a', 'b'],
  date: ['2024-02-03', '2024-03-04'],
  timestamp: ['2024-02-03 04:05:06', '2024-03-04 05:06:07'],
  timestamptz: ['2024-02-03 04:05:06+00', '2024-03-04 05:06:07+00'],
  time: ['04:05:06', '05:06:07'],
  timetz: ['04:05:06+00', '05:06:07+00'],
  interval: ['1 day', '2 days'],
  uuid: ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'],
  json: ['{"k": 1}', '{"k": 2}'],
  jsonb: ['{"k": 1}', '{"k": 2}'],
  bytea: ['\\x0a', '\\x0b'],
  inet: ['10.0.0.1', '10.0.0.2'],
  cidr: ['10.0.0.0/8', '192.168.0.0/16'],
  macaddr: ['08:00:2b:01:02:03', '08:00:2b:01:02:04'],
  bit: ['1', '0'],
  varbit: ['1', '0'],
  int4range: ['[1,2)', '[3,4)'],
  int8range: ['[1,2)', '[3,4)'],
  numrange: ['[1,2)', '[3,4)'],
  daterange: ['[2024-01-01,2024-02-01)', '[2024-03-01,2024-04-01)'],
  tsvector: ['a', 'b'],
  oid: ['7', '8'],
};

/** Values of the sweep, by type: what conversions trip over. */
const wideText = [
  '',
  ' ',
  ' a ',
  "O'Brien",
  'Ada King Lovelace',
  'naïve ☃ 漢字',
  'NULL',
  '0',
  '-1',
  '10.5',
  'A'.repeat(300),
];
const wideByType: Readonly<Record<string, readonly string[]>> = {
  int2: ['0', '-1', '1', '99', '32767', '-32768'],
  int4: ['0', '-1', '1', '99', '2147483647', '-2147483648'],
  int8: ['0', '-1', '1', '99', '2147483648', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
  numeric: ['0', '-1', '0.5', '-0.01', '10.005', '99999999.99', '0.000001', '12345678901234567890'],
  float4: ['0', '-1', '0.5', '16777217', '1e30'],
  float8: ['0', '-1', '0.5', '0.1', '9007199254740993', '1e100'],
  text: wideText,
  varchar: wideText,
  citext: wideText,
  bpchar: ['', ' ', 'A', 'é'],
  date: ['1970-01-01', '2000-02-29', '0001-01-01', '9999-12-31'],
  timestamp: ['1970-01-01 00:00:00', '2024-03-31 02:30:00', '2024-02-29 23:59:59.999999', '9999-12-31 23:59:59'],
  timestamptz: ['1970-01-01 00:00:00+00', '2024-03-31 01:30:00+00', '2024-02-29 23:59:59.999999+05:30'],
  json: ['{}', '[]', 'null', '"a"', '1', '{"k": null}'],
  jsonb: ['{}', '[]', 'null', '"a"', '1', '{"k": null}'],
};

/** The values that the sweep tries for a parameter. */
export function wideValues(domain: ParamDomain): readonly Value[] {
  const values: Value[] = [...(wideByType[domain.type] ?? [])];
  if (domain.nullable) values.push(null);
  return values.filter((v) => !domain.values.includes(v));
}

/** A statement with `$1…` in place of parameters, one number an occurrence, and the names in that order. */
export function numbered(statement: Statement): { readonly sql: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const sql = statement.pieces
    .map((p) => {
      if (p.kind === 'text') return p.text;
      if (p.kind === 'field') return 'NULL';
      names.push(p.name);
      return `$${names.length}`;
    })
    .join('');
  return { sql: inDatabase(statement.database, sql), names };
}

/** Finds out the domains of all requests. `viewOf` gives where a version first lives. */
export class DomainFinder {
  constructor(
    private readonly plan: Plan,
    private readonly engine: Engine,
    private readonly seedContent: ParsedContent,
    private readonly seedCatalog: Catalog,
    private readonly viewOf: (version: string) => DomainView,
    /** Every schema that the plan goes through. */
    private readonly schemas: readonly KnownSchema[],
  ) {}

  /** Domains of one request by parameter, from every version that has it (the first that has it decides). */
  async request(name: string): Promise<ReadonlyMap<string, ParamDomain>> {
    const domains = new Map<string, ParamDomain>();
    for (const version of this.plan.versions) {
      const request = version.requests.get(name);
      if (request === undefined) continue;
      const missing = request.params.filter((p) => !domains.has(p));
      if (missing.length === 0) continue;
      const types = await this.types(request, this.viewOf(version.name));
      for (const param of missing)
        domains.set(param, this.paramDomain(param, request, version, types.get(param) ?? 'text'));
    }
    return domains;
  }

  private async types(request: Request, view: DomainView): Promise<ReadonlyMap<string, string>> {
    const texts = request.statements.map(numbered);
    const answers = await this.engine.paramTypes(
      view.schema,
      texts.map((t) => t.sql),
    );
    const types = new Map<string, string>();
    answers.forEach((answer, i) => {
      if (!answer.ok) return;
      texts[i]?.names.forEach((name, j) => {
        const type = answer.types[j];
        // `text` is also what Postgres says when nothing tells more.
        if (type !== undefined && (!types.has(name) || types.get(name) === 'text')) types.set(name, type);
      });
    });
    return types;
  }

  private paramDomain(param: string, request: Request, version: Version, type: string): ParamDomain {
    const uses = request.statements.flatMap((s) => s.paramUses.filter((u) => u.param === param));
    const view = this.viewOf(version.name);
    const columns = uses.flatMap((use) => findColumns(view, use));
    const nullable =
      uses.length > 0 && columns.every((c) => !c.column.notNull) && uses.every((u) => u.operator === 'assign');
    const stated = this.plan.params.get(param);
    const key = this.keyOf(view.catalog, columns);
    const base = {
      type: columns[0]?.column.baseType ?? type,
      nullable,
      placed: columns.length > 0,
      key: key !== null,
      keyTable: key?.table.name ?? null,
    };
    if (stated !== undefined) return { ...base, values: stated, stated: true };
    if (key !== null) return { ...base, values: this.keyValues(key), stated: false };
    const compared = uses.some((u) => u.operator !== 'assign');
    const fresh = this.freshValues(columns, type);
    const meetsSeed = compared || columns.some((c) => this.isUniqueForAWhile(c));
    const values = meetsSeed ? [...new Set([...this.seedValues(columns).slice(0, 1), ...fresh])] : fresh;
    const withNull = nullable && this.isOrdinaryNull(param, request.name, columns);
    return { ...base, values: withNull ? [...values, null] : values, stated: false };
  }

  /** Unique in one part of the plan only: a value that a row has already is then taken here and refused there. */
  private isUniqueForAWhile({ table, column }: KeyColumn): boolean {
    const known = this.schemas.flatMap(({ catalog }) => catalog.tables.filter((t) => t.name === table.name));
    const unique = known.filter((t) => t.uniques.some((names) => names.includes(column.name)));
    return unique.length > 0 && unique.length < known.length;
  }

  /**
   * NULL is a value like any other where the plan never comes to refuse it. Where a step makes a column NOT NULL,
   * whether the app ever sends none can't be told from the schema. Small tables only: each value multiplies the states.
   */
  private isOrdinaryNull(param: string, name: string, columns: readonly KeyColumn[]): boolean {
    const small = columns.every((c) => (this.seedContent.tables[c.table.name]?.length ?? 0) <= 1);
    return small && this.plan.versions.every((version) => this.takesNull(param, name, version));
  }

  private takesNull(param: string, name: string, version: Version): boolean {
    const uses =
      version.requests.get(name)?.statements.flatMap((s) => s.paramUses.filter((u) => u.param === param)) ?? [];
    return this.schemas.every((schema) =>
      uses
        .flatMap((use) => findColumns(schema, use))
        .every(({ table, column }) => !column.notNull && !isRequired(table, column)),
    );
  }

  /** The key that these columns are, or refer to. */
  private keyOf(catalog: Catalog, columns: readonly KeyColumn[]): KeyColumn | null {
    for (const { table, column } of columns) {
      const target = followForeignKeys(catalog, table, column.name);
      if (target !== null) return target;
      if (table.primaryKey.includes(column.name)) return { table, column };
    }
    return null;
  }

  private keyValues(key: KeyColumn): readonly Value[] {
    const seed = this.columnValues(key).slice(0, 2);
    const fresh = freshByType[key.column.baseType] ?? ['1', '2'];
    if (/^int[248]$|^numeric$/.test(key.column.baseType)) {
      const largest = this.columnValues(key).reduce(
        (max, v) => (BigInt(v.split('.')[0] ?? '0') > max ? BigInt(v.split('.')[0] ?? '0') : max),
        0n,
      );
      return seed.length === 0 ? ['1', '2'] : [...seed, String(largest + 1n)];
    }
    const absent = fresh.filter((v) => !seed.includes(v));
    return seed.length === 0 ? absent.slice(0, 2) : [...seed, ...absent.slice(0, 1)];
  }

  /** Distinct values of a column in the seed, in order. */
  private columnValues(key: KeyColumn): string[] {
    const tables = this.seedCatalog.tables.filter((t) => t.name === key.table.name || t.partitionOf === key.table.name);
    const values = new Set<string>();
    for (const table of tables) {
      const index = table.columns.findIndex((c) => c.name === key.column.name);
      if (index < 0) continue;
      for (const row of this.seedContent.tables[table.name] ?? []) {
        const value = row[index];
        if (value !== null && value !== undefined) values.add(value);
      }
    }
    return [...values].sort((a, b) => (a.length === b.length ? (a < b ? -1 : 1) : a.length - b.length));
  }

  private seedValues(columns: readonly KeyColumn[]): readonly string[] {
    return columns.flatMap((c) => this.columnValues(c));
  }

  private freshValues(columns: readonly KeyColumn[], type: string): readonly Value[] {
    for (const { table, column } of columns) {
      if (column.enumLabels !== null) return column.enumLabels.slice(0, 2);
      const allowed = table.checks
        .filter((c) => c.columns.length === 1 && c.columns[0] === column.name)
        .flatMap((c) => constantsInCheck(c.definition));
      const isText = /^(text|varchar|bpchar|citext)$/.test(column.baseType);
      if (isText && allowed.length >= 2) return [...new Set(allowed)].slice(0, 2);
    }
    const base = columns[0]?.column.baseType ?? type;
    const known = freshByType[base] ?? freshByType[type];
    if (known !== undefined) return known;
    if (base.startsWith('_') || base.endsWith('[]')) return this.arrayValues(base);
    const seeds = this.seedValues(columns);
    return seeds.length > 0 ? seeds.slice(0, 2) : ['a', 'b'];
  }

  private arrayValues(type: string): readonly Value[] {
    const element = type.startsWith('_') ? type.slice(1) : type.slice(0, -2);
    const fresh = freshByType[element] ?? ['a', 'b'];
    return fresh.map((v) => `{"${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"}`);
  }
}

/** What is only handed to a function takes the keys that a parameter of the same name and type meets elsewhere. */
export function withKeysOfOthers(
  domains: ReadonlyMap<string, ReadonlyMap<string, ParamDomain>>,
): ReadonlyMap<string, ReadonlyMap<string, ParamDomain>> {
  const all = [...domains.values()].flatMap((params) => [...params]);
  const keyLike = (name: string, own: ParamDomain): ParamDomain => {
    if (own.placed || own.stated) return own;
    const other = all.find(([param, domain]) => param === name && domain.key && domain.type === own.type)?.[1];
    return other === undefined ? own : { ...own, values: other.values, key: true, keyTable: other.keyTable };
  };
  return new Map(
    [...domains].map(([request, params]) => [
      request,
      new Map([...params].map(([name, domain]) => [name, keyLike(name, domain)])),
    ]),
  );
}

/** A CHECK that refuses NULL stands for NOT NULL. */
function isRequired(table: Table, column: Column): boolean {
  return table.checks.some((c) => c.columns.includes(column.name) && refusesNull(c.definition));
}

function followForeignKeys(catalog: Catalog, table: Table, column: string, depth = 0): KeyColumn | null {
  for (const fk of table.foreignKeys) {
    const i = fk.columns.indexOf(column);
    const target = catalog.tables.find((t) => t.name === fk.table);
    const name = fk.references[i];
    if (i < 0 || target === undefined || name === undefined) continue;
    const found = target.columns.find((c) => c.name === name);
    if (found === undefined) continue;
    if (target === table || depth > 8) return { table: target, column: found };
    return followForeignKeys(catalog, target, name, depth + 1) ?? { table: target, column: found };
  }
  return null;
}

/** Every combination of the parameters' values; past a bound, each parameter in turn against the first values. */
export function combinations(
  params: readonly string[],
  values: (param: string) => readonly Value[],
): { readonly list: readonly Params[]; readonly total: number } {
  const total = params.reduce((n, p) => n * values(p).length, 1);
  if (total <= maxCombinations) return { list: product(params, values), total };
  const first = new Map(params.map((p) => [p, values(p)[0] ?? null]));
  const list: Params[] = [first, new Map(params.map((p) => [p, values(p)[1] ?? values(p)[0] ?? null]))];
  for (const p of params) for (const v of values(p).slice(1)) list.push(new Map([...first, [p, v]]));
  return { list, total };
}

function product(params: readonly string[], values: (param: string) => readonly Value[]): Params[] {
  let list: Map<string, Value>[] = [new Map()];
  for (const p of params) list = list.flatMap((m) => values(p).map((v) => new Map([...m, [p, v]])));
  return list;
}
