/**
 * Makes the evidence of a statement: what differs between the snapshots before and after it, the locks
 * that were seen in between, and what Postgres said in its debug messages.
 */
import { withoutDatabase } from './databases.ts';
import { lockModes } from './engine.ts';
import type { LockTaken, StatementEvidence } from './engine.ts';
import type { LockWatch } from './locks.ts';
import type { IndexWalk } from './plan-scan.ts';
import type { Reply, SqlError } from './protocol.ts';
import type { Relation, Snapshot } from './snapshot.ts';

/** What is known of the step that the statement belongs to. */
export interface StepMemory {
  /** The relations that were there when it began. */
  readonly original: ReadonlyMap<number, Relation>;
  /** Tables that the step itself has emptied: work on them does not grow with what they held. */
  readonly emptied: Set<number>;
}

export interface Observation {
  readonly sql: string;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly reply: Reply;
  readonly locks: LockWatch;
  readonly walBytes: number;
  /** What a query reads from end to end in the order of an index. */
  readonly walks: readonly IndexWalk[];
  /** Tables on either side of a foreign key that was validated. */
  readonly validated: ReadonlySet<number>;
  /** Of tables with another file: those that hold nothing now. */
  readonly emptyFiles: ReadonlySet<number>;
}

const tableKinds = new Set(['r', 'p', 'm', 'f']);
const lockKinds: Readonly<Record<string, LockTaken['kind']>> = { i: 'index', I: 'index', S: 'sequence', v: 'view' };

export function evidenceOf(memory: StepMemory, seen: Observation): StatementEvidence {
  const rewritten = replaced(seen).filter(({ oid, table }) => memory.original.has(oid) && !isNew(memory, table ?? oid));
  const tables = rewritten.filter((relation) => relation.kind === 'r' || relation.kind === 'm');
  for (const { oid } of tables) if (wasEmptied(seen, oid)) memory.emptied.add(oid);
  const rewrites = rewritten.filter(({ oid, table }) => !memory.emptied.has(table ?? oid));
  const { error } = seen.reply;
  return {
    sql: withoutDatabase(seen.sql),
    locks: locksIn(memory, seen),
    rewrites: rewrites
      .filter((relation) => relation.kind === 'i' || tables.includes(relation))
      .map((relation) => ({
        relation: relation.name,
        kind: relation.kind === 'i' ? ('index' as const) : ('table' as const),
        table: ownerOf(seen, relation)?.name ?? relation.name,
      }))
      .sort(by(({ relation }) => relation)),
    scans: scansIn(memory, seen, new Set(rewrites.map(({ oid }) => oid))),
    builds: buildsIn(memory, seen),
    touched: touchedIn(seen),
    walBytes: seen.walBytes,
    lockTimeoutMs: seen.before.lockTimeoutMs,
    statementTimeoutMs: seen.before.statementTimeoutMs,
    inTransaction: seen.reply.inTransaction,
    error: shortError(error),
  };
}

export function shortError(error: SqlError | null): StatementEvidence['error'] {
  return error === null ? null : { sqlstate: error.sqlstate, message: error.message };
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : 1);
}

/** Made, or emptied, by the step itself. */
export function isNew({ original, emptied }: StepMemory, table: number): boolean {
  return !original.has(table) || emptied.has(table);
}

/** Relations that are still there, in another file. */
export function replaced({ before, after }: Pick<Observation, 'before' | 'after'>): Relation[] {
  return [...before.relations.values()].filter(({ oid, filenode }) => {
    const now = after.relations.get(oid);
    return now !== undefined && filenode !== 0 && now.filenode !== filenode;
  });
}

/** The name that it had when the statement began; of one that the statement made, the name it has now. */
function find({ before, after }: Observation, oid: number): Relation | undefined {
  return before.relations.get(oid) ?? after.relations.get(oid);
}

function ownerOf(seen: Observation, relation: Relation): Relation | undefined {
  return relation.table === null ? undefined : find(seen, relation.table);
}

/** TRUNCATE gives a table another file as well, in which there is nothing. */
function wasEmptied(seen: Observation, oid: number): boolean {
  const [before, now] = [seen.before.relations.get(oid), seen.after.relations.get(oid)];
  if (now?.kind === 'm') return !now.populated;
  return seen.emptyFiles.has(oid) && before !== undefined && saysRewritten(seen, before) === undefined;
}

type Counter = 'scans' | 'inserted' | 'updated' | 'deleted' | 'vacuums';

function grew({ before, after }: Observation, oid: number, counter: Counter): number {
  const [from, to] = [before.relations.get(oid)?.[counter] ?? 0, after.relations.get(oid)?.[counter] ?? 0];
  // A TRUNCATE forgets what its transaction has counted.
  return Math.max(0, to - from);
}

function locksIn(memory: StepMemory, seen: Observation): LockTaken[] {
  const locks: LockTaken[] = [];
  for (const [oid, mode] of seen.locks.taken()) {
    const relation = find(seen, oid);
    // An object of another kind, or one that did not outlive the statement.
    if (relation === undefined) continue;
    const isTable = tableKinds.has(relation.kind);
    locks.push({
      relation: relation.name,
      kind: isTable ? 'table' : (lockKinds[relation.kind] ?? 'other'),
      table: isTable ? relation.name : (ownerOf(seen, relation)?.name ?? null),
      mode: lockModes[mode - 1] ?? 'AccessExclusiveLock',
      created: !memory.original.has(oid),
    });
  }
  return locks.sort(by(({ relation }) => relation));
}

/** Indexes with a file that no relation had before. */
function buildsIn(memory: StepMemory, seen: Observation): { index: string; table: string }[] {
  const files = new Set([...seen.before.relations.values()].map(({ filenode }) => filenode));
  return [...seen.after.relations.values()]
    .filter(({ kind, filenode }) => kind === 'i' && filenode !== 0 && !files.has(filenode))
    .filter(({ table }) => table !== null && !isNew(memory, table))
    .map((index) => ({ index: index.name, table: ownerOf(seen, index)?.name ?? '' }))
    .sort(by(({ index }) => index));
}

/** What a materialized view holds is Postgres' to write, in one go; there is nothing to be batched. */
function touchedIn(seen: Observation): StatementEvidence['touched'] {
  return [...seen.after.relations.values()]
    .filter(({ kind }) => tableKinds.has(kind) && kind !== 'm')
    .map(({ oid, name }) => ({
      table: seen.before.relations.get(oid)?.name ?? name,
      inserted: grew(seen, oid, 'inserted'),
      updated: grew(seen, oid, 'updated'),
      deleted: grew(seen, oid, 'deleted'),
    }))
    .filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0)
    .sort(by(({ table }) => table));
}

function scansIn(memory: StepMemory, seen: Observation, rewritten: ReadonlySet<number>): StatementEvidence['scans'] {
  return [...seen.before.relations.values()]
    .filter(({ kind, oid }) => (kind === 'r' || kind === 'm') && !isNew(memory, oid))
    .filter(
      ({ kind, oid }) =>
        grew(seen, oid, 'scans') > 0 ||
        grew(seen, oid, 'vacuums') > 0 ||
        seen.validated.has(oid) ||
        walkOf(seen, oid) !== undefined ||
        // In the order of an index, or block by block.
        (kind === 'r' && rewritten.has(oid)),
    )
    .map((table) => ({ table: table.name, reason: reasonFor(seen, table) }))
    .sort(by(({ table }) => table));
}

/** What Postgres says that it does with the table, the most telling first. */
function reasonFor(seen: Observation, { oid, relname }: Relation): string {
  const says = (test: (notice: string) => boolean): string | undefined => seen.reply.notices.find(test);
  return (
    saysRewritten(seen, find(seen, oid)) ??
    says((notice) => notice === `verifying table "${relname}"`) ??
    (seen.validated.has(oid) ? says(validatesForeignKey) : undefined) ??
    says((notice) => notice.startsWith('building index ') && notice.includes(` on table "${relname}"`)) ??
    (grew(seen, oid, 'vacuums') > 0 ? 'vacuum' : unspoken(seen, oid))
  );
}

function unspoken(seen: Observation, oid: number): string {
  return grew(seen, oid, 'scans') > 0 ? 'sequential scan' : `scan of all of index ${walkOf(seen, oid)?.index}`;
}

function walkOf({ walks, after }: Observation, oid: number): IndexWalk | undefined {
  const now = after.relations.get(oid);
  return walks.find(({ schema, relname }) => schema === now?.schema && relname === now.relname);
}

/** The message that goes with ALTER TABLE, CLUSTER and VACUUM FULL, on an empty table as well. */
function saysRewritten({ reply }: Observation, table: Relation | undefined): string | undefined {
  if (table === undefined) return undefined;
  return reply.notices.find(
    (notice) =>
      notice === `rewriting table "${table.relname}"` ||
      (/^(vacuuming|clustering) /.test(notice) && notice.includes(`"${table.schema}.${table.relname}"`)),
  );
}

export function validatesForeignKey(notice: string): boolean {
  return notice.startsWith(validating);
}

/** The constraint's name, if this is what the message says. */
export function validatedForeignKey(notice: string): string | null {
  return validatesForeignKey(notice) ? notice.slice(validating.length, -1) : null;
}

const validating = 'validating foreign key constraint "';
