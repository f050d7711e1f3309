/**
 * Makes a catalog of the facts read from Postgres: tables with columns and keys, readable lines, and the
 * digests by which schemas are told apart.
 */
import { createHash } from 'node:crypto';
import type { Catalog, Column, Table } from './engine.ts';
import type { FactRow, Facts } from './facts.ts';

/** What the engine itself needs of a schema, beside what it tells others. */
export interface SchemaFacts {
  readonly catalog: Catalog;
  readonly tables: readonly StoredTable[];
  readonly sequences: readonly StoredSequence[];
  /** Something is checked only at the commit. */
  readonly deferrable: boolean;
  /** What DDL does could depend on the content: a function of the user's could run it. */
  readonly dynamicDdl: boolean;
  readonly hasFunctions: boolean;
  /** A trigger or rule fires even while content is loaded. */
  readonly alwaysFires: boolean;
  /** Something fires or is checked when rows are written: a trigger, a rule, a foreign key. */
  readonly fires: boolean;
}

/** A table or materialized view that holds rows, as it is loaded and dumped. */
export interface StoredTable {
  readonly name: string;
  /** Quoted, with its schema. */
  readonly sql: string;
  readonly columns: readonly StoredColumn[];
  /** Postgres lets nobody write to it but a REFRESH. */
  readonly isMaterializedView: boolean;
}

export interface StoredColumn {
  readonly sql: string;
  readonly generated: boolean;
}

export interface StoredSequence {
  readonly name: string;
  readonly sql: string;
}

const randomFunctions =
  /\b(random|random_normal|gen_random_uuid|gen_random_bytes|uuid_generate_v\w+|uuidv[47]|gen_salt|setseed|tablesample)\b/i;
const ddlInFunction = /\b(execute|create|alter|drop)\b/i;

/** True when the text may call a function whose value is random. */
export function mentionsRandom(sql: string): boolean {
  return randomFunctions.test(sql);
}

export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function qualifiedName(schema: string | null, name: string | null): string {
  return schema === 'public' ? (name ?? '') : `${schema}.${name}`;
}

export function describeSchema(facts: Facts): SchemaFacts {
  const index = new FactIndex(facts);
  const stored = index.relations.filter((r) => r.kind === 'r');
  // One that was never filled can't even be read.
  const materialized = index.relations.filter((r) => r.kind === 'm' && r.populated === 't');
  const lines = [...new Set(schemaLines(facts, index))].sort();
  const order = stored.concat(index.relations.filter((r) => r.kind === 'p')).map((r) => {
    const names = index.columns(r.oid).map((c) => c.name);
    return `${index.name(r.oid)}: ${JSON.stringify(names)}`;
  });
  const sources = facts.functions.map((f) => f.definition ?? '');
  return {
    catalog: {
      tables: index.relations.filter((r) => r.kind === 'r' || r.kind === 'p').map((r) => readTable(r, index)),
      views: namesOf(index, ['v', 'm']),
      viewQueries: Object.fromEntries(
        index.relations
          .filter((r) => r.kind === 'v' || r.kind === 'm')
          .map((r) => [index.name(r.oid), r.definition ?? '']),
      ),
      sequences: namesOf(index, ['S']),
      digest: digestOf([...lines, ...order.sort()]),
      unorderedDigest: digestOf(lines),
      lines,
      usesRandom: [...lines, ...sources].some(mentionsRandom),
      hasTriggers: facts.triggers.length > 0,
    },
    tables: [...stored, ...materialized].map((r) => storedTable(r, index)).sort(byName),
    sequences: index.relations
      .filter((r) => r.kind === 'S')
      .map((r) => ({ name: index.name(r.oid), sql: `${quoteIdent(r.schema ?? '')}.${quoteIdent(r.name ?? '')}` }))
      .sort(byName),
    deferrable:
      facts.constraints.some((c) => c.deferrable === 't') ||
      facts.triggers.some((trigger) => trigger.deferrable === 't'),
    fires:
      facts.triggers.length + facts.rules.length > 0 ||
      facts.constraints.some((c) => c.kind === 'f' || c.deferrable === 't'),
    alwaysFires: [...facts.triggers, ...facts.rules].some((each) => each.enabled === 'A' || each.enabled === 'R'),
    hasFunctions: facts.functions.length > 0,
    dynamicDdl:
      lines.some((line) => line.startsWith('event trigger')) ||
      facts.functions.some((f) => ddlInFunction.test(f.source ?? '')),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function digestOf(lines: readonly string[]): string {
  return createHash('sha1').update(lines.join('\n')).digest('hex');
}

function namesOf(index: FactIndex, kinds: readonly string[]): string[] {
  return index.relations
    .filter((r) => kinds.includes(r.kind ?? ''))
    .map((r) => index.name(r.oid))
    .sort();
}

function names(json: string | null): string[] {
  return json === null ? [] : (JSON.parse(json) as string[]);
}

/** The facts, found by relation or type. */
class FactIndex {
  readonly relations: readonly FactRow<'relations'>[];
  readonly types: ReadonlyMap<string | null, FactRow<'types'>>;
  private readonly byOid: ReadonlyMap<string | null, FactRow<'relations'>>;
  private readonly columnsOf: ReadonlyMap<string | null, FactRow<'columns'>[]>;
  private readonly constraintsOf: ReadonlyMap<string | null, FactRow<'constraints'>[]>;
  private readonly indexesOf: ReadonlyMap<string | null, FactRow<'indexes'>[]>;
  private readonly domainConstraints: ReadonlyMap<string | null, FactRow<'constraints'>[]>;

  constructor(facts: Facts) {
    this.relations = facts.relations;
    this.byOid = new Map(facts.relations.map((r) => [r.oid, r]));
    this.types = new Map(facts.types.map((t) => [t.oid, t]));
    this.columnsOf = group(facts.columns, (c) => c.relation);
    this.constraintsOf = group(facts.constraints, (c) => c.relation);
    this.domainConstraints = group(facts.constraints, (c) => c.domain);
    this.indexesOf = group(facts.indexes, (i) => i.relation);
  }

  name(oid: string | null): string {
    const relation = this.byOid.get(oid);
    return relation === undefined ? `#${oid}` : qualifiedName(relation.schema, relation.name);
  }

  /** Empty for a relation that is not the user's, such as an extension's. */
  kind(oid: string | null): string {
    return this.byOid.get(oid)?.kind ?? '';
  }

  columns(oid: string | null): readonly FactRow<'columns'>[] {
    return this.columnsOf.get(oid) ?? [];
  }

  constraints(oid: string | null): readonly FactRow<'constraints'>[] {
    return this.constraintsOf.get(oid) ?? [];
  }

  indexes(oid: string | null): readonly FactRow<'indexes'>[] {
    return this.indexesOf.get(oid) ?? [];
  }

  parents(relation: FactRow<'relations'>): readonly string[] {
    return names(relation.parents).map((oid) => this.name(oid));
  }

  /** The type under any number of domains, and the checks of those domains. */
  resolve(column: FactRow<'columns'>): { base: string; oid: string | null; notNull: boolean; checks: string[] } {
    let [base, oid] = [column.typeName ?? '', column.typeOid];
    let notNull = column.notNull === 't';
    const checks: string[] = [];
    for (let type = this.types.get(oid); type?.kind === 'd'; type = this.types.get(oid)) {
      notNull ||= type.notNull === 't';
      for (const check of this.domainConstraints.get(oid) ?? []) {
        if (check.kind === 'c') checks.push(check.definition ?? '');
      }
      [base, oid] = [type.baseName ?? '', type.baseOid];
    }
    return { base: base.startsWith('_') ? `${base.slice(1)}[]` : base, oid, notNull, checks };
  }
}

function group<T>(rows: readonly T[], key: (row: T) => string | null): Map<string | null, T[]> {
  const groups = new Map<string | null, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}

function storedTable(relation: FactRow<'relations'>, index: FactIndex): StoredTable {
  return {
    name: index.name(relation.oid),
    sql: `${quoteIdent(relation.schema ?? '')}.${quoteIdent(relation.name ?? '')}`,
    columns: index.columns(relation.oid).map((c) => ({ sql: quoteIdent(c.name ?? ''), generated: c.generated !== '' })),
    isMaterializedView: relation.kind === 'm',
  };
}

function readTable(relation: FactRow<'relations'>, index: FactIndex): Table {
  const constraints = index.constraints(relation.oid);
  const primary = constraints.find((c) => c.kind === 'p');
  const columns = index.columns(relation.oid);
  return {
    name: index.name(relation.oid),
    schema: relation.schema ?? '',
    relation: relation.name ?? '',
    columns: columns.map((column) => readColumn(column, index)),
    primaryKey: names(primary?.columns ?? null),
    uniques: readUniques(relation, index),
    foreignKeys: constraints
      .filter((c) => c.kind === 'f')
      .map((c) => ({ columns: names(c.columns), table: index.name(c.references), references: names(c.referenced) })),
    checks: [
      ...constraints
        .filter((c) => c.kind === 'c')
        .map((c) => ({ columns: names(c.columns), definition: c.definition ?? '' })),
      ...columns.flatMap((column) =>
        index.resolve(column).checks.map((definition) => ({ columns: [column.name ?? ''], definition })),
      ),
    ],
    partitionOf: relation.isPartition === 't' ? (index.parents(relation)[0] ?? null) : null,
    partitioned: relation.kind === 'p',
  };
}

/** Unique constraints and whole, valid unique indexes, without the primary key. */
function readUniques(relation: FactRow<'relations'>, index: FactIndex): string[][] {
  const primary = index.constraints(relation.oid).find((c) => c.kind === 'p');
  const found = index
    .indexes(relation.oid)
    .filter((i) => i.unique === 't' && i.partial !== 't' && i.valid === 't' && i.name !== primary?.name)
    .map((i) => i.columns ?? '[]');
  return [...new Set(found)].sort().map((json) => names(json));
}

function readColumn(column: FactRow<'columns'>, index: FactIndex): Column {
  const { base, oid, notNull } = index.resolve(column);
  const type = index.types.get(oid);
  return {
    name: column.name ?? '',
    type: column.type ?? '',
    baseType: base,
    notNull,
    generated: column.generated !== '',
    hasDefault: column.generated === '' && (column.default !== null || column.identity !== ''),
    enumLabels: type?.kind === 'e' ? names(type.labels) : null,
  };
}

const relationWords: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

/** One line for each object and column. */
function schemaLines(facts: Facts, index: FactIndex): string[] {
  const on = (oid: string | null, name: string | null) => `${index.name(oid)}.${name}`;
  return [
    ...facts.namespaces.map((n) => `schema ${n.name}`),
    ...facts.relations.filter((r) => r.kind !== 'S').map((r) => relationLine(r, index)),
    ...facts.columns.filter((c) => ['r', 'p', 'f'].includes(index.kind(c.relation))).map((c) => columnLine(c, index)),
    // That a column is not null is said with the column; the constraint's name is of no consequence.
    ...facts.constraints
      .filter((c) => c.kind !== 'n' || c.validated === 'f')
      .filter((c) => index.kind(c.relation) !== '' || index.types.has(c.domain))
      .map((c) => constraintLine(c, index)),
    ...facts.indexes
      .filter((i) => index.kind(i.relation) !== '')
      .filter((i) => i.ofConstraint !== 't' || i.valid !== 't' || i.marks !== '')
      .map((i) => words('index', on(i.relation, i.name), i.definition, i.marks, i.valid === 't' ? null : 'invalid')),
    ...facts.types.map(typeLine),
    ...facts.functions.map((f) =>
      words('function', `${qualifiedName(f.schema, f.name)}(${f.arguments})`, f.definition),
    ),
    ...facts.triggers.map((t) => words('trigger', on(t.relation, t.name), t.definition, enabledWord(t.enabled))),
    ...facts.rules.map((r) => words('rule', on(r.relation, r.name), r.definition, enabledWord(r.enabled))),
    ...facts.policies.map((p) => words('policy', on(p.relation, p.name), p.definition)),
    ...facts.sequences.map((s) =>
      words('sequence', index.name(s.relation), s.definition, s.owner && `owned by ${on(s.owner, s.ownerColumn)}`),
    ),
    ...facts.privileges.map((p) => p.line ?? ''),
    ...facts.others.map((o) => o.line ?? ''),
  ];
}

function words(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(' ');
}

function enabledWord(enabled: string | null): string | null {
  return { D: 'disabled', R: 'enabled replica', A: 'enabled always' }[enabled ?? ''] ?? null;
}

function relationLine(relation: FactRow<'relations'>, index: FactIndex): string {
  const parents = index.parents(relation).join(', ');
  return words(
    relation.persistence === 'u' ? 'unlogged' : null,
    relationWords[relation.kind ?? ''] ?? 'relation',
    index.name(relation.oid),
    relation.partitionKey && `partition by ${relation.partitionKey}`,
    parents === '' ? null : `${relation.isPartition === 't' ? 'partition of' : 'inherits'} ${parents}`,
    relation.bound,
    relation.definition,
    relation.kind === 'm' && relation.populated !== 't' ? 'with no data' : null,
    relation.rowSecurity && `row security ${relation.rowSecurity}`,
    { f: 'replica identity full', n: 'replica identity nothing' }[relation.replicaIdentity ?? ''] ?? null,
    relation.options && `with (${relation.options})`,
  );
}

function columnLine(column: FactRow<'columns'>, index: FactIndex): string {
  const generated = { s: 'stored', v: 'virtual' }[column.generated ?? ''];
  const identity = { a: 'always', d: 'by default' }[column.identity ?? ''];
  return words(
    `column ${index.name(column.relation)}.${column.name}`,
    column.type,
    column.collation && `collate ${column.collation}`,
    column.notNull === 't' ? 'not null' : null,
    generated === undefined
      ? column.default && `default ${column.default}`
      : `generated ${generated} as (${column.default})`,
    identity === undefined ? null : `generated ${identity} as identity`,
  );
}

function constraintLine(constraint: FactRow<'constraints'>, index: FactIndex): string {
  const domain = index.types.get(constraint.domain);
  const owner = domain === undefined ? index.name(constraint.relation) : qualifiedName(domain.schema, domain.name);
  return words(`constraint ${owner}.${constraint.name}`, constraint.definition);
}

function typeLine(type: FactRow<'types'>): string {
  const name = qualifiedName(type.schema, type.name);
  if (type.kind === 'e') return `enum ${name} (${names(type.labels).join(', ')})`;
  if (type.kind === 'd') {
    return words(
      'domain',
      name,
      type.base,
      type.notNull === 't' ? 'not null' : null,
      type.default && `default ${type.default}`,
    );
  }
  return `type ${name} (${type.attributes})`;
}
