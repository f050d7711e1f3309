/**
 * Runs a step's statements on one content and says of each what Postgres was seen to do for it. What runs in
 * a transaction is rolled back; what can't is run for real, as migrate.ts does. No statement is judged by
 * its text: a DO block that runs DDL gives the evidence of that DDL.
 */
import { quoteLiteral } from './catalog.ts';
import type { Database } from './database.ts';
import type { Content, SchemaId, StatementEvidence } from './engine.ts';
import { evidenceOf, isNew, replaced, shortError, validatedForeignKey } from './evidence.ts';
import type { StepMemory } from './evidence.ts';
import { LockWatch } from './locks.ts';
import { fullIndexScans } from './plan-scan.ts';
import type { Reply } from './protocol.ts';
import { resetSettings } from './reset.ts';
import { seedRandom, setMoment } from './run.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Relation, Snapshot } from './snapshot.ts';
import { edgeOf } from './workspace.ts';
import type { Migration, Schema, Workspace } from './workspace.ts';

export function observeMigration(
  workspace: Workspace,
  id: SchemaId,
  migration: Migration,
  content: Content,
): StatementEvidence[] {
  const { db } = workspace;
  const from = workspace.goTo(id);
  from.store.load(content);
  setMoment(db, migration.options.clock);
  db.query(`ROLLBACK;${seedRandom(db, migration.options.seed)}`);
  const evidence = migration.transactional
    ? inTransaction(workspace, from, migration, content)
    : forReal(workspace, from, migration, content);
  // Plans of functions were made without sequential scans, and would be kept.
  if (from.facts.catalog.hasTriggers || from.facts.hasFunctions) db.query('DISCARD PLANS');
  return evidence;
}

function inTransaction(
  workspace: Workspace,
  from: Schema,
  { statements }: Migration,
  content: Content,
): StatementEvidence[] {
  const { db } = workspace;
  const observer = new Observer(db, 'transaction');
  const evidence = observer.runAll(statements);
  const last = evidence.at(-1);
  if (last?.error === null) {
    // What the commit would check; an error of it is the last statement's, as in migrate.ts.
    const { error } = db.attempt('SET CONSTRAINTS ALL IMMEDIATE');
    evidence[evidence.length - 1] = { ...last, error: shortError(error) };
  }
  if (observer.committed) {
    resetSettings(db);
    workspace.settle(null);
  } else {
    db.query(`ROLLBACK;${from.store.sequencesSql(content)}`);
  }
  return evidence;
}

function forReal(workspace: Workspace, from: Schema, migration: Migration, content: Content): StatementEvidence[] {
  const { db } = workspace;
  const evidence = new Observer(db, 'top level').runAll(migration.statements);
  resetSettings(db);
  const now = workspace.observe();
  if (evidence.every(({ error }) => error === null)) {
    workspace.settle(now);
    workspace.learn(edgeOf(from.id, now.id, migration, content));
  } else {
    // An invalid index, a half-detached partition: not a schema to go on from.
    workspace.settle(now.id === from.id ? now : null);
  }
  return evidence;
}

/**
 * What a statement is observed under. Every message to the client is a moment to look at the locks, and at this
 * level there is one before each commit.
 *
 * On a table of two rows a sequential scan is always cheapest. Without it the planner takes any index that
 * helps, as it would in production: a sequential scan that is still there has no alternative. Nor may it read
 * an index alone: in a function nothing would show that it read all of it. And it looks up what it joins: on a few
 * rows it would rather go through both tables, also where one of them is a list of the few rows that are meant.
 */
const observed = {
  client_min_messages: 'debug5',
  enable_seqscan: 'off',
  enable_indexonlyscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;

function observedSql(local: boolean): string {
  const set = local ? 'SET LOCAL' : 'SET';
  return Object.entries(observed)
    .map(([name, value]) => `${set} ${name}=${value};`)
    .join('');
}

/** Observes the statements of one step, in a transaction that it begins or each on its own. */
class Observer {
  private before: Snapshot;
  private readonly memory: StepMemory;
  /** A statement ended the transaction that it was in. */
  committed = false;

  constructor(
    private readonly db: Database,
    kind: 'transaction' | 'top level',
  ) {
    this.before = takeSnapshot(db);
    this.memory = { original: this.before.relations, emptied: new Set() };
    this.local = kind === 'transaction';
    // Before it no query has run in the transaction: SET TRANSACTION may come first.
    if (this.local) db.query('BEGIN');
  }

  /** Whether a setting is to end with the transaction. */
  private local: boolean;

  /** Up to the first that fails. */
  runAll(statements: readonly string[]): StatementEvidence[] {
    const evidence: StatementEvidence[] = [];
    for (const sql of statements) {
      const one = this.run(sql);
      evidence.push(one);
      if (one.error !== null) break;
    }
    return evidence;
  }

  private run(sql: string): StatementEvidence {
    const { db, before } = this;
    db.query(observedSql(this.local));
    const locks = new LockWatch(db.gauges, [...before.relations.keys()]);
    const walBefore = db.gauges.walBytes();
    const reply = db.user(sql, '', locks.onOutput);
    const walBytes = db.gauges.walBytes() - walBefore;
    locks.look();
    this.noteEnd(reply);
    const walks = fullIndexScans(db, sql, reply);
    const validated = reply.error === null ? validatedTables(db, this.memory, reply, locks) : new Set<number>();
    const after = takeSnapshot(db);
    const emptyFiles = emptyAmong(db, replaced({ before, after }));
    this.before = after;
    return evidenceOf(this.memory, { sql, before, after, reply, locks, walBytes, walks, validated, emptyFiles });
  }

  private noteEnd(reply: Reply): void {
    // In a transaction that has failed nothing can be asked; the counters of use outlive it.
    if (reply.error !== null) this.db.attempt('ROLLBACK');
    if (!this.local || reply.inTransaction) return;
    this.committed = true;
    this.local = false;
  }
}

/**
 * Both tables of every foreign key that was validated, with their partitions. How the check reads them is up
 * to the planner, and on a few rows it may not read one of them at all.
 */
function validatedTables(db: Database, memory: StepMemory, { notices }: Reply, locks: LockWatch): ReadonlySet<number> {
  const names = notices.map(validatedForeignKey).filter((name) => name !== null);
  if (names.length === 0) return new Set();
  const reply = db.query(`
    SELECT o.conrelid, pg_relation_size(o.conrelid), r.side, p.relid::oid
    FROM pg_constraint o, unnest(ARRAY[o.conrelid, o.confrelid]) r(side)
    LEFT JOIN LATERAL pg_partition_tree(r.side) p ON true
    WHERE o.contype = 'f' AND o.conname IN (${names.map(quoteLiteral).join(',')})`);
  // Of a table that the step has made and not filled there is nothing to look up in the other.
  const rows = (reply.rows ?? []).filter(([from, size]) => size !== '0' || !isNew(memory, Number(from)));
  const oids = rows.flatMap(([, , side, partition]) => [Number(side), Number(partition)]);
  return new Set(oids.filter((oid) => locks.sawLocked(oid)));
}

function emptyAmong(db: Database, relations: readonly Relation[]): ReadonlySet<number> {
  if (relations.length === 0) return new Set();
  const oids = relations.map(({ oid }) => oid).join(',');
  const { rows } = db.query(`SELECT oid FROM pg_class WHERE oid IN (${oids}) AND pg_relation_size(oid) = 0`);
  return new Set((rows ?? []).map(([oid]) => Number(oid)));
}
