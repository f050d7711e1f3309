/** The SQL texts of a plan: each place allows other statements and other parameters. */
import { placed, within } from './databases.ts';
import { report } from './loading.ts';
import { keyPlace, placeOf } from './loading.ts';
import type { Loading } from './loading.ts';
import type { Location, Sql, Statement } from './model.ts';
import { nearest } from './nearest.ts';
import { parseSql } from './sql.ts';
import type { PlacedHole, PlacedStatement } from './sql.ts';
import type { TextSource } from './source.ts';
import { entryOf } from './yaml.ts';
import type { Tree } from './yaml.ts';

/** A text of the plan or of a file that it names; null if it is neither (which the schema has said), or can't be read. */
export function textOf(loading: Loading, tree: Tree): TextSource | null {
  if (tree.kind === 'scalar') return typeof tree.value === 'string' ? tree.source : null;
  const file = entryOf(tree, 'file');
  if (tree.kind !== 'map' || tree.entries.length !== 1 || file?.value.kind !== 'scalar') return null;
  const text = loading.files.get(String(file.value.value));
  if (text === undefined) return null;
  if (text.ok) return text.source;
  report(loading, text.code, text.message, keyPlace(loading, file));
  return null;
}

/** Idle and transaction timers end the session of an embedded Postgres for good. */
const droppedSettings = new Set(['idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout']);

/** Two ways in which YAML ends a plain text before its SQL ends. */
function yamlTrap(loading: Loading, tree: Tree): string | null {
  if (tree.kind !== 'scalar') return null;
  if (tree.cutByComment)
    return 'In YAML, ` #` begins a comment that ends the text: put the SQL in quotes or write it after `|`.';
  const before = loading.source.text.slice(0, tree.at).trimEnd();
  return before.endsWith(',') ? 'Inside of [ ] a comma ends a text: put SQL in quotes there.' : null;
}

/** The statements of a text, none of them empty; null after an error. */
export function statementsOf(loading: Loading, tree: Tree, what: string): readonly PlacedStatement[] | null {
  const sql = tree.kind === 'map' ? entryOf(tree, 'sql') : undefined;
  if (sql !== undefined) return statementsOf(within(loading, entryOf(tree, 'on')), sql.value, what);
  const source = textOf(loading, tree);
  if (source === null) return null;
  const parsed = parseSql(source);
  if (!parsed.ok) {
    const help = yamlTrap(loading, tree);
    loading.errors.push({
      ...parsed.error,
      message: help === null ? parsed.error.message : `${parsed.error.message}. ${help}`,
    });
    return null;
  }
  if (parsed.statements.length === 0) {
    report(
      loading,
      'empty-sql',
      `${what} has no SQL.`,
      tree.kind === 'scalar' ? placeOf(loading, tree) : source.locate(0),
    );
    return null;
  }
  const kept = parsed.statements.filter(
    ({ statement, detail }) => statement.node !== 'VariableSetStmt' || !droppedSettings.has(detail ?? ''),
  );
  return kept.map((statement) => placed(loading, statement));
}

const holeText = ({ piece }: PlacedHole): string =>
  piece.kind === 'param' ? `:${piece.name}` : `:${piece.row}.${piece.column}`;

/** For scripts and checks, which are the same for everyone: no parameters. */
export function refuseHoles(loading: Loading, statements: readonly PlacedStatement[], what: string): void {
  for (const hole of statements.flatMap(({ holes }) => holes)) {
    report(
      loading,
      'unexpected-parameter',
      `${what} takes no parameters, and \`${holeText(hole)}\` is one.`,
      hole.location,
    );
  }
}

/** Where parameters are allowed, they are written by name. */
export function refuseDollars(loading: Loading, statements: readonly PlacedStatement[]): void {
  for (const { dollar } of statements) {
    if (dollar !== null)
      report(loading, 'sql-parameter', 'Parameters are written by name here: `:id`, not `$1`.', dollar);
  }
}

/** Parameters that only a backfill has, and only these. */
export function refuseOtherParams(
  loading: Loading,
  statements: readonly PlacedStatement[],
  allowed: readonly string[],
  what: string,
): void {
  for (const hole of statements.flatMap(({ holes }) => holes)) {
    if (hole.piece.kind === 'param' && allowed.includes(hole.piece.name)) continue;
    const meant = hole.piece.kind === 'param' ? nearest(hole.piece.name, allowed) : null;
    const suggestion = meant === null ? null : `:${meant}`;
    const known =
      allowed.length === 0 ? 'no parameters' : `only ${allowed.map((name) => `\`:${name}\``).join(' and ')}`;
    report(
      loading,
      'unexpected-parameter',
      `${what} takes ${known}, and \`${holeText(hole)}\` is another.`,
      hole.location,
      suggestion,
    );
  }
}

export function refuseTransactions(loading: Loading, statements: readonly PlacedStatement[], remedy: string): void {
  for (const { statement } of statements) {
    if (statement.node !== 'TransactionStmt') continue;
    const word = statement.text.split(/\s/)[0]?.toUpperCase() ?? '';
    report(loading, 'transaction-statement', `${word} can't stand here. ${remedy}`, statement.location);
  }
}

const begins = (placed: PlacedStatement | undefined): boolean =>
  placed?.detail === 'TRANS_STMT_BEGIN' || placed?.detail === 'TRANS_STMT_START';

export interface Script {
  readonly sql: Sql;
  /** BEGIN and COMMIT were written around it. */
  readonly wrapped: Location | null;
}

/** DDL and seeds: several statements, no parameters; a BEGIN and COMMIT around all of it are taken off. */
export function scriptOf(loading: Loading, tree: Tree, what: string): Script | null {
  const all = statementsOf(loading, tree, what);
  if (all === null) return null;
  const [first] = all;
  const isWrapped = begins(first) && all.length > 1 && all.at(-1)?.detail === 'TRANS_STMT_COMMIT';
  const statements = isWrapped ? all.slice(1, -1) : all;
  refuseTransactions(
    loading,
    statements,
    'A BEGIN at the start and a COMMIT at the end are allowed, around all of the text.',
  );
  refuseHoles(loading, statements, what);
  if (statements.length === 0) {
    report(loading, 'empty-sql', `${what} has nothing to run.`, placeOf(loading, tree));
    return null;
  }
  const sql = {
    statements: statements.map(({ statement }) => statement),
    location: statements[0]?.statement.location ?? placeOf(loading, tree),
  };
  return { sql, wrapped: isWrapped && first !== undefined ? first.statement.location : null };
}

/** A text that has to be exactly one statement. */
export function singleStatement(loading: Loading, tree: Tree, what: string, remedy: string): PlacedStatement | null {
  const statements = statementsOf(loading, tree, what);
  if (statements === null) return null;
  const [first, second] = statements;
  if (second !== undefined)
    report(loading, 'several-statements', `${what} is one statement. ${remedy}`, second.statement.location);
  if (first === undefined) report(loading, 'empty-sql', `${what} has nothing to run.`, placeOf(loading, tree));
  return second === undefined ? (first ?? null) : null;
}

/** A query of a check or of a script's `read`: one SELECT that changes nothing. */
export function queryOf(loading: Loading, tree: Tree, what: string): PlacedStatement | null {
  const placed = singleStatement(loading, tree, what, 'Write one SELECT.');
  if (placed === null) return null;
  const { statement } = placed;
  if (isPlainSelect(statement)) return placed;
  report(loading, 'not-a-query', `${what} must be a SELECT that changes nothing.`, statement.location);
  return null;
}

function isPlainSelect(statement: Statement): boolean {
  return statement.node === 'SelectStmt' && statement.returnsRows && !statement.modifies;
}
