/** A request of a version: its statements, the rows that they name, its parameters. */
import { within } from './databases.ts';
import { placeOf, report } from './loading.ts';
import type { Loading } from './loading.ts';
import type { Request, RequestStatement } from './model.ts';
import { nearest } from './nearest.ts';
import { checkExpression } from './sql.ts';
import type { PlacedStatement } from './sql.ts';
import { refuseDollars, refuseTransactions, singleStatement, statementsOf } from './texts.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

interface NamedStatement {
  readonly placed: PlacedStatement;
  readonly as: string | null;
}

const oneTransaction =
  'A list of statements is one transaction; with `transaction: false` each statement commits on its own.';

function namedStatement(loading: Loading, name: string, item: Tree): readonly NamedStatement[] | null {
  const row = nameText(entryOf(item, 'as')?.value);
  const sql = entryOf(item, 'sql')?.value;
  const here = within(loading, entryOf(item, 'on'));
  if (sql === undefined) {
    const statements = statementsOf(loading, item, `The request \`${name}\``);
    return statements?.map((placed) => ({ placed, as: null })) ?? null;
  }
  const placed = singleStatement(
    here,
    sql,
    row === null ? 'A statement of a request' : `The statement that gives the row \`${row}\``,
    'Write the others as items of their own.',
  );
  if (placed === null) return null;
  if (row !== null && !placed.statement.returnsRows) {
    report(
      loading,
      'no-rows',
      `This statement gives no row that could be named \`${row}\`. Use a SELECT, or RETURNING.`,
      placed.statement.location,
    );
  }
  return [{ placed, as: row }];
}

/** Null when a text in it could not be read. */
function statementList(loading: Loading, name: string, tree: Tree): readonly NamedStatement[] | null {
  if (tree.kind !== 'seq') return namedStatement(loading, name, tree);
  const items = tree.items.map((item) => namedStatement(loading, name, item));
  return items.includes(null) ? null : items.flatMap((item) => item ?? []);
}

/** `:row.column` needs a row that an earlier statement has named. */
function checkRows(loading: Loading, statements: readonly NamedStatement[]): void {
  const rows = new Set<string>();
  for (const { placed, as } of statements) {
    for (const { piece, location } of placed.holes) {
      if (piece.kind === 'param' && piece.name === 'batch') {
        report(
          loading,
          'unexpected-parameter',
          "`:batch` is the size of a backfill's batch; a request has none.",
          location,
        );
      }
      if (piece.kind !== 'field' || rows.has(piece.row)) continue;
      const known = statements.flatMap((each) => each.as ?? []);
      const message = known.includes(piece.row)
        ? `The row \`${piece.row}\` is named by a later statement: \`:${piece.row}.${piece.column}\` has no value yet.`
        : `No earlier statement of this request names its row \`${piece.row}\`, with \`{ as: ${piece.row}, sql: … }\`.`;
      const meant = nearest(piece.row, rows);
      report(loading, 'unknown-row', message, location, meant === null ? null : `:${meant}.${piece.column}`);
    }
    if (as === null) continue;
    if (rows.has(as))
      report(
        loading,
        'duplicate-name',
        `Two statements of this request name their row \`${as}\`.`,
        placed.statement.location,
      );
    rows.add(as);
  }
}

function checkTransaction(loading: Loading, statements: readonly NamedStatement[], transaction: boolean): void {
  refuseTransactions(
    loading,
    statements.map(({ placed }) => placed),
    oneTransaction,
  );
  for (const { placed } of transaction ? statements : []) {
    if (placed.statement.transactional) continue;
    report(
      loading,
      'not-in-transaction',
      'Postgres does not run this statement in a transaction. Say `transaction: false`.',
      placed.statement.location,
    );
  }
}

/** A replica takes no writes. What its functions do, Postgres refuses there as well, and says so when it is run. */
function checkReads(loading: Loading, statements: readonly NamedStatement[]): void {
  for (const { placed } of statements) {
    const { node, modifies, location, database } = placed.statement;
    if (database !== null)
      report(loading, 'misplaced-key', 'The replica is one of the first database: leave out `on` here.', location);
    if (node === 'SelectStmt' && !modifies) continue;
    report(
      loading,
      'not-a-query',
      'A replica is only read: every statement must be a SELECT that changes nothing.',
      location,
    );
  }
}

function acceptsOf(
  loading: Loading,
  entry: Entry | undefined,
  statements: readonly NamedStatement[],
): Request['accepts'] {
  const tree = entry?.value;
  if (tree?.kind !== 'scalar' || typeof tree.value !== 'string') return null;
  const error =
    tree.value.trim() === ''
      ? { code: 'empty-sql', message: '`accepts` is empty.', location: placeOf(loading, tree), suggestion: null }
      : checkExpression(tree.source);
  if (error !== null) loading.errors.push(error);
  if (statements.at(-1)?.placed.statement.returnsRows === false) {
    report(
      loading,
      'no-rows',
      '`accepts` is about the rows of the answer, and this request gives none.',
      placeOf(loading, tree),
    );
  }
  const indent = tree.source.text.length - tree.source.text.trimStart().length;
  return { text: tree.source.text.trim(), location: tree.source.locate(indent) };
}

export function requestOf(loading: Loading, entry: Entry, version: string): Request | null {
  const { key: name, value } = entry;
  const isDetailed = value.kind === 'map' && entryOf(value, 'file') === undefined;
  const sql = isDetailed ? entryOf(value, 'sql')?.value : value;
  const on = isDetailed ? entryOf(value, 'on') : undefined;
  const onReplica = nameText(on?.value) === 'replica';
  const here = onReplica ? loading : within(loading, on);
  const named = sql === undefined ? null : statementList(here, name, sql);
  if (named === null) return null;
  const stated = isDetailed ? entryOf(value, 'transaction')?.value : undefined;
  const transaction = !(stated?.kind === 'scalar' && stated.value === false);
  const placed = named.map((each) => each.placed);
  checkTransaction(loading, named, transaction);
  if (onReplica) checkReads(loading, named);
  checkRows(loading, named);
  refuseDollars(loading, placed);
  const params = new Set(
    placed.flatMap(({ holes }) => holes.flatMap(({ piece }) => (piece.kind === 'param' ? [piece.name] : []))),
  );
  const statements = named.map(({ placed: { statement }, as }): RequestStatement => ({ ...statement, as }));
  return {
    name,
    definedIn: version,
    statements,
    transaction,
    onReplica,
    accepts: isDetailed ? acceptsOf(loading, entryOf(value, 'accepts'), named) : null,
    params: [...params],
    location: loading.source.locate(entry.keyAt),
  };
}
