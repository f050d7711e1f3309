/** SQL at a moment: the content is loaded on its schema, and nothing stays behind. */
import type { CallStatement, Engine, SchemaId } from '../engine/engine.ts';
import type { ContentId, MigrateResult, Transitions } from '../explore/transitions.ts';
import { fileSource } from '../plan/source.ts';
import { parseSql } from '../plan/sql.ts';
import type { Statement } from '../plan/model.ts';
import type { Answered } from './model.ts';

interface At {
  readonly schema: SchemaId;
  readonly content: ContentId;
}

type Parsed =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly message: string };

const refused: Readonly<Record<string, string>> = {
  TransactionStmt: 'A transaction is around it already: BEGIN, COMMIT and the like can not stand here.',
  VariableSetStmt: 'Settings of the session can not be changed here.',
};

export class Query {
  constructor(
    private readonly engine: Engine,
    private readonly transitions: Transitions,
  ) {}

  /** In a transaction that is read-only and is rolled back. */
  async read(at: At, sql: string): Promise<Answered> {
    const parsed = parse(sql);
    if (!parsed.ok) return parsed;
    const readOnly: CallStatement = { pieces: ['SET TRANSACTION READ ONLY'], as: null, returnsRows: false };
    const call = { statements: [readOnly, ...parsed.statements.map(callOf)], writes: false };
    const task = { content: this.transitions.contents.text(at.content), calls: [call] };
    const [[outcome] = []] = await this.engine.run(at.schema, [task], { clock: 'request', seed: 1 });
    if (outcome === undefined) return { ok: false, message: 'the engine gave no answer' };
    if (!outcome.ok) return { ok: false, message: explained(outcome.sqlstate, outcome.message) };
    const last = parsed.statements.at(-1);
    const result = outcome.results.at(-1);
    const columns = last?.returnsRows === true ? await this.columns(at.schema, last.text) : [];
    return { ok: true, columns, rows: result?.rows ?? null, touched: result?.touched ?? 0 };
  }

  /** Committed: the state that it leads to, schema changes included. */
  async write(
    at: At,
    sql: string,
  ): Promise<
    | (Pick<MigrateResult & { ok: true }, 'schema' | 'content' | 'changes'> & { readonly ok: true })
    | { readonly ok: false; readonly message: string }
  > {
    const parsed = parse(sql);
    if (!parsed.ok) return parsed;
    const transactional = parsed.statements.every((s) => s.transactional);
    if (!transactional && parsed.statements.length > 1)
      return { ok: false, message: 'What runs outside of a transaction has to stand alone.' };
    const texts = parsed.statements.map((s) => s.text);
    const [result] = await this.transitions.migrate(at.schema, texts, transactional, [at.content]);
    if (result === undefined) return { ok: false, message: 'the engine gave no answer' };
    return result.ok ? result : { ok: false, message: `error ${result.sqlstate}: ${result.message}` };
  }

  private async columns(schema: SchemaId, sql: string): Promise<readonly string[]> {
    const [described] = await this.engine.describe(schema, [sql]);
    return described?.ok === true ? described.columns.map((c) => c.name) : [];
  }
}

function parse(sql: string): Parsed {
  const parsed = parseSql(fileSource('', sql));
  if (!parsed.ok) return { ok: false, message: parsed.error.message };
  if (parsed.statements.length === 0) return { ok: false, message: 'There is nothing to run.' };
  for (const { statement, holes } of parsed.statements) {
    const why = refused[statement.node];
    if (why !== undefined) return { ok: false, message: why };
    if (holes.length > 0) return { ok: false, message: 'There are no parameters here: write the values.' };
  }
  return { ok: true, statements: parsed.statements.map((s) => s.statement) };
}

function callOf(statement: Statement): CallStatement {
  return { pieces: [statement.text], as: null, returnsRows: statement.returnsRows };
}

/** 25006: a write in a read-only transaction. */
function explained(sqlstate: string, message: string): string {
  const shown = `error ${sqlstate}: ${message}`;
  return sqlstate === '25006'
    ? `${shown}. Nothing was changed: a moment is read-only. Begin with ! to fork the history with a change.`
    : shown;
}
