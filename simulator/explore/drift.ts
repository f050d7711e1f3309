/**
 * Drift put in on purpose where a backfill wrote: a stale row, a missing one, one too many, a NULL. A check that
 * passes all the same, while the readers to come would be told something wrong, verifies nothing.
 */
import type { Catalog, Column, Table } from '../engine/engine.ts';
import type { BackfillStep, DeployStep, Plan, TableRef, VerifyStep } from '../plan/model.ts';
import { showAnswer } from './answer.ts';
import { planViolation } from './blame.ts';
import { backfillTargets, switches, type BackfillTarget } from './checks.ts';
import { sameTable } from './columns.ts';
import { freshByType } from './domain.ts';
import type { Ground } from './ground.ts';
import type { Search } from './search.ts';
import { plain, triggersOff, type Node } from './state.ts';
import type { Violation } from './violations.ts';

type Kind = 'stale' | 'missing' | 'extra' | 'null';

/** One place where drift of a kind can be put; the first of the statements that Postgres takes is it. */
interface Place {
  readonly kind: Kind;
  readonly what: string;
  readonly tries: readonly string[];
  /** Run afterwards: they fail where a foreign key, which is off with the triggers, does not hold. */
  readonly guards: readonly string[];
}

/** Rows of a table that are tried: the readers' domain has two keys of the seed. */
const rowsTried = 2;

/** Puts drift where a backfill wrote, and looks whether the checks before the switch see it. */
export async function checkVerifySeesDrift(search: Search, plan: Plan, ground: Ground): Promise<void> {
  for (const { backfill, deploy, verifies } of switches(plan)) {
    const verify = verifies[0];
    if (verify === undefined) continue;
    const entry = ground.positions.find((p) => p.forward?.step === verify && p.forward.action.kind === 'verify');
    const node = search.nodes.find(
      (n) => n.position === entry?.id && !n.rolledBack && !n.damaged && n.writes === 0 && search.isCaughtUp(n),
    );
    // Readers who are told something wrong as it is tell nothing of the drift.
    if (node === undefined || (await search.wrongRead(node, deploy.version)) !== null) continue;
    const catalog = await ground.engine.catalog(node.schema);
    const places = placesOf(backfill, catalog, keysRead(search, deploy.version));
    await new Tries(search, node, verify, deploy, verifies).all(places);
  }
}

/** The values that a version's reads are asked for. */
function keysRead(search: Search, version: string): readonly string[] {
  const reads = search.input.programs.offers(version).filter((o) => o.read);
  const values = reads.flatMap((o) => [...o.action.params.values()]).filter((v) => v !== null);
  return [...new Set(values)];
}

class Tries {
  private readonly checks;
  private head: Violation | null = null;

  constructor(
    private readonly search: Search,
    private readonly node: Node,
    private readonly verify: VerifyStep,
    private readonly deploy: DeployStep,
    verifies: readonly VerifyStep[],
  ) {
    this.checks = verifies.flatMap((v) => v.checks);
  }

  /** One finding: the other kinds that are missed as well are listed under the first. */
  async all(places: readonly Place[]): Promise<void> {
    const missed = new Set<Kind>();
    for (const place of places) {
      if (missed.has(place.kind)) continue;
      const violation = await this.missedAt(place);
      if (violation === null) continue;
      missed.add(place.kind);
      if (this.head === null) this.search.collector.add(violation);
      else this.search.collector.addTo(this.head, { ...violation, subject: place.kind });
      this.head ??= violation;
    }
  }

  private async missedAt(place: Place): Promise<Violation | null> {
    for (const sql of place.tries) {
      const content = await this.drifted(sql, place.guards);
      if (content === null) continue;
      const state = { ...plain(this.node), content };
      const failed = await this.search.wants.settle(() => this.search.mover.failedCheck(state, this.checks) ?? 'holds');
      if (failed !== 'holds') return null;
      const seen = await this.search.wrongRead(state, this.deploy.version);
      if (seen === null) continue;
      return {
        ...planViolation(
          'verify-misses-drift',
          this.verify,
          `with ${place.what}, the check still passes; ${this.deploy.version} would then read ${showAnswer(seen.actual)}`,
        ),
        node: this.node,
        version: this.deploy.version,
        tail: [{ kind: 'drift', step: this.verify, sql, what: place.what }],
        expected: seen.expected === null ? null : showAnswer(seen.expected),
        actual: showAnswer(seen.actual),
        location: this.verify.checks[0]?.location ?? this.verify.location,
      };
    }
    return null;
  }

  /** What the tables hold with a drift in them; null when Postgres does not take it, or nothing changes. */
  private async drifted(sql: string, guards: readonly string[]): Promise<number | null> {
    const { transitions } = this.search.input;
    const { schema, content } = this.node;
    const statements = [triggersOff, sql, ...guards].map((text) => ({ pieces: [text], as: null, returnsRows: false }));
    const call = transitions.callId({ call: { statements, writes: true }, clock: 'step', nonce: 0 });
    const result = await transitions.one({ schema, content, call });
    return result.ok && result.content !== content ? result.content : null;
  }
}

// ---- where drift can be put ---------------------------------------------------------------------

function placesOf(backfill: BackfillStep, catalog: Catalog, keys: readonly string[]): readonly Place[] {
  const places = backfillTargets(backfill).flatMap((target) => {
    const table = tableOf(catalog, target.table);
    return table === null ? [] : placesIn(table, target, catalog, keys);
  });
  const order: readonly Kind[] = ['stale', 'missing', 'extra', 'null'];
  return places.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function tableOf(catalog: Catalog, ref: TableRef): Table | null {
  return catalog.tables.find((t) => sameTable(t, ref)) ?? null;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function nameOf(table: Table): string {
  return `${quoted(table.schema)}.${quoted(table.relation)}`;
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function placesIn(table: Table, target: BackfillTarget, catalog: Catalog, keys: readonly string[]): readonly Place[] {
  const guards = guardsOf(table, catalog);
  const written = new Set(target.columns.map((c) => c.toLowerCase()));
  const isWritten = (c: Column): boolean => written.size === 0 || written.has(c.name.toLowerCase());
  const columns = table.columns.filter((c) => isWritten(c) && !saysWhichRow(table, c) && !c.generated);
  const values = columns.flatMap((c): Place[] => [
    { kind: 'stale', what: `one row of ${table.name} with another ${c.name}`, tries: staleTries(table, c), guards },
    ...(c.notNull
      ? []
      : [
          {
            kind: 'null',
            what: `one row of ${table.name} with a NULL ${c.name}`,
            tries: nullTries(table, c),
            guards,
          } as const,
        ]),
  ]);
  // Rows that both places share can be neither missing nor too many.
  if (!target.inserts) return values;
  return [
    ...values,
    { kind: 'missing', what: `one row of ${table.name} missing`, tries: missingTries(table), guards },
    { kind: 'extra', what: `one row too many in ${table.name}`, tries: extraTries(table, keys), guards },
  ];
}

/** A key, or a part of one; but what tells rows of one parent apart (a tag of a post) is what such a row says. */
function saysWhichRow({ primaryKey, foreignKeys }: Table, { name }: Column): boolean {
  const refers = (column: string): boolean => foreignKeys.some((k) => k.columns.includes(column));
  return refers(name) || (primaryKey.includes(name) && !primaryKey.some(refers));
}

/** The row of a table at a place of its order, among those of which something holds. */
function rowAt(table: Table, index: number, where = 'true'): string {
  const name = nameOf(table);
  return `ctid = (SELECT ctid FROM ${name} WHERE ${where} ORDER BY ctid OFFSET ${index} LIMIT 1)`;
}

const eachRow = Array.from({ length: rowsTried }, (_, index) => index);

function staleTries(table: Table, column: Column): readonly string[] {
  const c = quoted(column.name);
  const name = nameOf(table);
  const fresh = column.enumLabels ?? freshByType[column.baseType] ?? [];
  return eachRow.flatMap((row) => [
    ...fresh.map(
      (v) =>
        `UPDATE ${name} SET ${c} = ${literal(v)} WHERE ${rowAt(table, row, `${c} IS DISTINCT FROM ${literal(v)}`)}`,
    ),
    `UPDATE ${name} SET ${c} = (SELECT o.${c} FROM ${name} o WHERE o.${c} IS DISTINCT FROM ${name}.${c} LIMIT 1) WHERE ${rowAt(table, row)}`,
  ]);
}

function nullTries(table: Table, column: Column): readonly string[] {
  const c = quoted(column.name);
  return eachRow.map((row) => `UPDATE ${nameOf(table)} SET ${c} = NULL WHERE ${rowAt(table, row, `${c} IS NOT NULL`)}`);
}

function missingTries(table: Table): readonly string[] {
  return eachRow.map((row) => `DELETE FROM ${nameOf(table)} WHERE ${rowAt(table, row)}`);
}

/** A row like the first, under another key; where there is no key, the same row again. */
function extraTries(table: Table, keys: readonly string[]): readonly string[] {
  const columns = table.columns.filter((c) => !c.generated);
  const list = columns.map((c) => quoted(c.name)).join(', ');
  const copy = (other: Column | null, value: string): string => {
    const given = columns.map((c) => (c === other ? `CAST(${literal(value)} AS ${c.type})` : quoted(c.name)));
    return `INSERT INTO ${nameOf(table)} (${list}) OVERRIDING SYSTEM VALUE SELECT ${given.join(', ')} FROM ${nameOf(table)} ORDER BY ctid LIMIT 1`;
  };
  const key = columns.filter((c) => table.primaryKey.includes(c.name));
  if (key.length === 0) return [copy(null, '')];
  return key.flatMap((c) =>
    [...new Set([...keys, ...(c.enumLabels ?? freshByType[c.baseType] ?? [])])].map((value) => copy(c, value)),
  );
}

/** For each foreign key of a table, and each that refers to it: a query that fails when a row has nothing to refer to. */
function guardsOf(table: Table, catalog: Catalog): readonly string[] {
  return catalog.tables.flatMap((child) =>
    child.foreignKeys.flatMap((key) => {
      const parent = catalog.tables.find((t) => t.name === key.table);
      if (parent === undefined || (child !== table && parent !== table)) return [];
      const set = key.columns.map((c) => `c.${quoted(c)} IS NOT NULL`).join(' AND ');
      const same = key.columns.map((c, i) => `p.${quoted(key.references[i] ?? '')} = c.${quoted(c)}`).join(' AND ');
      const orphan = `SELECT FROM ${nameOf(child)} c WHERE ${set} AND NOT EXISTS (SELECT FROM ${nameOf(parent)} p WHERE ${same})`;
      return [`SELECT 1 / (CASE WHEN EXISTS (${orphan}) THEN 0 ELSE 1 END)`];
    }),
  );
}
