/** A fresh database in which statements commit for real. */
import type { Call, Content, Outcome, RunOptions, StatementResult } from './engine.ts';
import { leavesCatalogAlone } from './describe.ts';
import { resetSettings } from './reset.ts';
import { CallRunner, isFailure, seedRandom, setMoment, touchedBy } from './run.ts';
import type { StatementFailure } from './run.ts';
import type { Schema, Workspace } from './workspace.ts';

export class SessionHost {
  private schema: Schema | null = null;

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

  content(): Content {
    this.schema ??= this.workspace.observe();
    return this.schema.store.read();
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
    return isFailure(result) ? { ok: false, ...result, content } : { ok: true, results: result, content };
  }
}

function commit({ db }: Workspace, results: readonly StatementResult[]): StatementFailure | readonly StatementResult[] {
  const { error } = db.attempt('COMMIT');
  if (error === null) return results;
  return { sqlstate: error.sqlstate, message: error.message, statement: Math.max(0, results.length - 1) };
}
