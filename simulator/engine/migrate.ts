/** Maps contents through DDL: what schema and what content come out of each, or which error. */
import { changesNow, takeChanges } from './capture.ts';
import { SqlFailure } from './database.ts';
import type { Counted } from './database.ts';
import { splitDatabase } from './databases.ts';
import type { Change, Content, MigrateOutcome, SchemaId } from './engine.ts';
import { resetSettings } from './reset.ts';
import { isFailure, ownSettings, seedRandom, setMoment } from './run.ts';
import type { StatementFailure } from './run.ts';
import { edgeOf } from './workspace.ts';
import type { Migration, Schema, Workspace } from './workspace.ts';

export function migrateContents(
  workspace: Workspace,
  schema: SchemaId,
  migration: Migration,
  contents: readonly Content[],
): Counted<MigrateOutcome>[] {
  return migration.transactional
    ? inTransactions(workspace, schema, migration, contents)
    : outsideOfTransactions(workspace, schema, migration, contents);
}

/** Each content in a transaction that is rolled back; the engine stays on the schema. */
function inTransactions(
  workspace: Workspace,
  id: SchemaId,
  migration: Migration,
  contents: readonly Content[],
): Counted<MigrateOutcome>[] {
  const { db } = workspace;
  const from = workspace.goTo(id);
  const plain = workspace.plainOf(id);
  let known = workspace.targetOf(plain, migration);
  if (known !== null && !sameForEveryContent(migration, from, known)) known = null;
  return contents.map((content) =>
    db.counting<MigrateOutcome>(() => {
      from.store.load(content);
      const failure = attempt(workspace, migration);
      if (failure !== null) {
        from.store.undo(content);
        return { ok: false, ...failure };
      }
      if (known === null) db.query(ownSettings);
      const to: Schema = known ?? workspace.observe();
      if (sameForEveryContent(migration, from, to)) known = to;
      const after = to.store.read(ownSettings);
      const schema = workspace.migratedId(id, to);
      const changes = plain === id ? [] : changesNow(db);
      from.store.undo(content);
      workspace.learn(edgeOf(plain, to.id, migration, content));
      return migrated(schema, after, changes);
    }),
  );
}

function attempt({ db }: Workspace, { statements, options }: Migration): StatementFailure | null {
  setMoment(db, options.clock);
  let before = `ROLLBACK;BEGIN;${seedRandom(db, options.seed)}\n`;
  for (const [statement, sql] of statements.entries()) {
    const { error } = db.user(sql, before);
    if (error !== null) return { sqlstate: error.sqlstate, message: error.message, statement };
    before = '';
  }
  const { error } = db.attempt(`${before}SET CONSTRAINTS ALL IMMEDIATE`);
  if (error === null) return null;
  return { sqlstate: error.sqlstate, message: error.message, statement: Math.max(0, statements.length - 1) };
}

const plainStatement =
  /^\s*(alter|create\s+(?!or\s+replace\s+(function|procedure)|function|procedure)|drop|comment|update|insert|delete|set|reset|lock|truncate|grant|revoke)\b/i;

/** Only code can make different schemas of different contents. */
function sameForEveryContent({ statements }: Migration, from: Schema, to: Schema): boolean {
  return (
    !from.facts.dynamicDdl &&
    !to.facts.dynamicDdl &&
    statements.every((sql) => plainStatement.test(splitDatabase(sql).sql))
  );
}

/** Whatever the rows are, they are left as they are; what is found out by a look at one content holds for all. */
const rowless =
  /^\s*(create\s+(unique\s+)?index|drop\s+index|reindex|vacuum|analyze|set|reset|comment|alter\s+type\s[^;]*\sadd\s+value|alter\s+table\s+(only\s+)?[\w."]+\s+validate\s+constraint\s+[\w"]+\s*;?\s*$)/i;

/**
 * Runs for real on the first content. Where it can't change rows, another content comes out the same
 * if the new schema takes it; else it too is run for real, for its rows or its error.
 */
function outsideOfTransactions(
  workspace: Workspace,
  id: SchemaId,
  migration: Migration,
  contents: readonly Content[],
): Counted<MigrateOutcome>[] {
  let shortcut: SchemaId | null = null;
  const leavesRows = migration.statements.every((sql) => rowless.test(splitDatabase(sql).sql));
  return contents.map((content) =>
    workspace.db.counting<MigrateOutcome>(() => {
      if (shortcut !== null && accepts(workspace, shortcut, content)) {
        // As if they had run: how many there are is not to depend on what was asked before.
        workspace.db.statements += migration.statements.length;
        return { ok: true, schema: shortcut, content };
      }
      const result = runForReal(workspace, id, migration, content);
      if (isFailure(result)) return { ok: false, ...result };
      if (leavesRows && result.content === content) shortcut = result.schema;
      return migrated(result.schema, result.content, result.changes);
    }),
  );
}

function migrated(schema: SchemaId, content: Content, changes: readonly Change[]): MigrateOutcome {
  return { ok: true, schema, content, ...(changes.length === 0 ? {} : { changes }) };
}

function accepts(workspace: Workspace, id: SchemaId, content: Content): boolean {
  const { store } = workspace.goTo(id);
  try {
    store.load(content, 'strict');
    return true;
  } catch (error) {
    if (error instanceof SqlFailure) return false;
    throw error;
  }
}

function runForReal(
  workspace: Workspace,
  id: SchemaId,
  migration: Migration,
  content: Content,
): StatementFailure | { schema: SchemaId; content: Content; changes: readonly Change[] } {
  const { db } = workspace;
  const from = workspace.goTo(id);
  from.store.load(content);
  setMoment(db, migration.options.clock);
  db.query(`ROLLBACK;${seedRandom(db, migration.options.seed)}`);
  const failure = firstError(workspace, migration.statements);
  resetSettings(db);
  const now = workspace.observe();
  const plain = workspace.plainOf(id);
  const schema = workspace.migratedId(id, now);
  const changes = plain === id ? [] : takeChanges(db);
  workspace.recapture();
  if (failure !== null) {
    // An invalid index, a half-detached partition: not a schema to go on from.
    workspace.settle(now.id === plain ? now : null);
    return failure;
  }
  workspace.settle(now);
  const after = now.store.read();
  workspace.learn(edgeOf(plain, now.id, migration, content));
  return { schema, content: after, changes };
}

function firstError({ db }: Workspace, statements: readonly string[]): StatementFailure | null {
  for (const [statement, sql] of statements.entries()) {
    const { error } = db.user(sql);
    if (error !== null) return { sqlstate: error.sqlstate, message: error.message, statement };
  }
  return null;
}
