/** A fresh database in which statements commit for real. */
import { captureNamed, takeChanges } from './capture.ts';
import type { Call, Content, Outcome, RunOptions, StatementResult } from './engine.ts';
import { leavesCatalogAlone } from './describe.ts';
import { resetSettings } from './reset.ts';
import { CallRunner, isFailure, seedRandom, setMoment, touchedBy } from './run.ts';
import type { StatementFailure } from './run.ts';
import type { Schema, Workspace } from './workspace.ts';

export class SessionHost {
  private schema: Schema | null = null;
  private captures = false;

  constructor(private readonly workspace: Workspace) {
    workspace.empty();
  }

  transaction(call: Call, options: RunOptions): Outcome {
    const { db } = this.workspace;
    setMoment(db, options.clock);
    const runner = new CallRunner(db, `ROLLBACK;${seedRandom(db, options.seed)}BEGIN;\n`);
    let result = runner.run(call.statements);
    if (!isFailure(result)) result = commit(this.workspace, result);
    if (!runner.sent.every(leavesCatalogAlone)) this.schema = null;
    return this.outcome(result);
  }

  autocommit(statements: readonly string[], options: RunOptions): Outcome {
    const { db } = this.workspace;
    setMoment(db, options.clock);
    db.query(`ROLLBACK;${seedRandom(db, options.seed)}`);
    if (!statements.every(leavesCatalogAlone)) this.schema = null;
    return this.outcome(this.each(statements));
  }

  /** Tables that are captured already go by the name that they had when that began. */
  capture(names: readonly string[]): void {
    const { tables } = this.observed().facts.catalog;
    this.captures = captureNamed(this.workspace.db, tables, names).length > 0;
  }

  private observed(): Schema {
    return (this.schema ??= this.workspace.observe());
  }

  content(): Content {
    return this.observed().store.read();
  }

  private each(statements: readonly string[]): StatementFailure | readonly StatementResult[] {
    const results: StatementResult[] = [];
    for (const [statement, sql] of statements.entries()) {
      const reply = this.workspace.db.user(sql);
      if (reply.error !== null) return { sqlstate: reply.error.sqlstate, message: reply.error.message, statement };
      results.push({ rows: reply.rows, touched: touchedBy(reply.tag), skipped: false });
    }
    return results;
  }

  private outcome(result: StatementFailure | readonly StatementResult[]): Outcome {
    resetSettings(this.workspace.db);
    if (this.schema?.facts.dynamicDdl === true) this.schema = null;
    const content = this.content();
    // What committed before a statement that failed is news as well.
    const changes = this.captures ? takeChanges(this.workspace.db) : [];
    if (isFailure(result)) return { ok: false, ...result, content };
    return changes.length === 0
      ? { ok: true, results: result, content }
      : { ok: true, results: result, content, changes };
  }
}

function commit({ db }: Workspace, results: readonly StatementResult[]): StatementFailure | readonly StatementResult[] {
  const { error } = db.attempt('COMMIT');
  if (error === null) return results;
  return { sqlstate: error.sqlstate, message: error.message, statement: Math.max(0, results.length - 1) };
}
