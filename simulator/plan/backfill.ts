/** The four forms of a backfill. */
import { placedRef, within } from './databases.ts';
import { keyPlace, placeOf, report } from './loading.ts';
import type { Loading } from './loading.ts';
import type { BackfillForm, Statement } from './model.ts';
import type { PlacedStatement } from './sql.ts';
import {
  queryOf,
  refuseDollars,
  refuseOtherParams,
  refuseTransactions,
  singleStatement,
  statementsOf,
} from './texts.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

const asList = 'A list of statements makes each of them a batch that commits on its own.';
const batches = 'Each batch of a backfill is one transaction of its own.';

/** The statements must be fit for a batch: no BEGIN, no VACUUM, no `$1`. */
function checkStatements(loading: Loading, statements: readonly PlacedStatement[]): void {
  refuseTransactions(loading, statements, batches);
  refuseDollars(loading, statements);
  for (const { statement } of statements) {
    if (statement.transactional) continue;
    report(
      loading,
      'not-in-transaction',
      'Postgres does not run this statement in a transaction: make it a `migrate` step.',
      statement.location,
    );
  }
}

const uses = (placed: PlacedStatement, name: string): boolean =>
  placed.holes.some(({ piece }) => piece.kind === 'param' && piece.name === name);

/** `users.id` or `public.users.id`. */
function keyOf(
  loading: Loading,
  entry: Entry,
): { table: { schema: string | null; table: string }; column: string } | null {
  const written = nameText(entry.value) ?? '';
  const parts = (written.match(/"(?:[^"]|"")+"|[^."]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
  );
  const column = parts.at(-1);
  const table = parts.at(-2);
  // Without a dot the schema has said so.
  if (column === undefined || table === undefined) return null;
  if (parts.length > 3) {
    report(
      loading,
      'invalid-value',
      '`by` must be a column with its table, such as `users.id`.',
      placeOf(loading, entry.value),
    );
    return null;
  }
  return { table: { schema: parts.at(-3) ?? null, table }, column };
}

function rangeOf(loading: Loading, placed: PlacedStatement, by: Entry): BackfillForm | null {
  const key = keyOf(loading, by);
  refuseOtherParams(loading, [placed], ['from', 'to'], 'A backfill with `by`');
  const absent = ['from', 'to'].filter((name) => !uses(placed, name));
  if (absent.length > 0) {
    report(
      loading,
      'missing-parameter',
      `A backfill with \`by\` goes through ranges of the key: its statement has to use ${absent.map((name) => `\`:${name}\``).join(' and ')}.`,
      keyPlace(loading, by),
    );
  }
  if (key === null) return null;
  return { kind: 'range', statement: placed.statement, by: { ...key, table: placedRef(loading, key.table) } };
}

function statementForm(loading: Loading, tree: Tree, by: Entry | undefined): BackfillForm | null {
  const placed = singleStatement(loading, tree, 'A backfill', asList);
  if (placed === null) return null;
  checkStatements(loading, [placed]);
  if (by !== undefined) return rangeOf(loading, placed, by);
  const range = placed.holes.find(
    ({ piece }) => piece.kind === 'param' && (piece.name === 'from' || piece.name === 'to'),
  );
  if (range !== undefined) {
    report(
      loading,
      'missing-key',
      '`:from` and `:to` are the ends of a key range: say which key with `by: table.column`.',
      range.location,
    );
  } else refuseOtherParams(loading, [placed], ['batch'], 'A backfill');
  return { kind: 'statement', statement: placed.statement, batched: uses(placed, 'batch') };
}

function listForm(loading: Loading, items: readonly Tree[]): BackfillForm | null {
  const statements = items.map((item) =>
    singleStatement(loading, item, 'An item of a backfill', 'Write the others as items of their own.'),
  );
  const known = statements.flatMap((statement) => statement ?? []);
  checkStatements(loading, known);
  refuseOtherParams(loading, known, [], 'A statement of a list, which is run once,');
  return known.length === statements.length
    ? { kind: 'list', statements: known.map(({ statement }) => statement) }
    : null;
}

/** In `write`, every parameter is a column of the row that was read. */
function writesOf(loading: Loading, tree: Tree): readonly Statement[] | null {
  const sql = tree.kind === 'map' ? entryOf(tree, 'sql') : undefined;
  if (sql !== undefined) return writesOf(within(loading, entryOf(tree, 'on')), sql.value);
  const items = tree.kind === 'seq' ? tree.items : [tree];
  const written = items.map((item) => statementsOf(loading, item, 'The `write` of a backfill'));
  const known = written.flatMap((statements) => statements ?? []);
  checkStatements(loading, known);
  for (const { piece, location } of known.flatMap(({ holes }) => holes)) {
    if (piece.kind !== 'field' || piece.row === 'row') continue;
    report(
      loading,
      'unknown-row',
      `The row that was read is named \`row\`; its columns are \`:column\` or \`:row.column\`.`,
      location,
      `:row.${piece.column}`,
    );
  }
  return written.includes(null) ? null : known.map(({ statement }) => statement);
}

function scriptForm(loading: Loading, readTree: Tree, writeTree: Tree): BackfillForm | null {
  const read = queryOf(loading, readTree, 'The `read` of a backfill');
  const write = writesOf(loading, writeTree);
  if (read !== null) {
    refuseDollars(loading, [read]);
    refuseOtherParams(loading, [read], ['batch'], 'The `read` of a backfill');
  }
  if (read === null || write === null) return null;
  return { kind: 'script', read: read.statement, write, batched: uses(read, 'batch') };
}

export function backfillForm(loading: Loading, tree: Tree, by: Entry | undefined): BackfillForm | null {
  const read = entryOf(tree, 'read')?.value;
  const write = entryOf(tree, 'write')?.value;
  const isScript = read !== undefined || write !== undefined;
  if (by !== undefined && (tree.kind === 'seq' || isScript)) {
    report(
      loading,
      'misplaced-key',
      '`by` goes with a backfill of one statement, which uses `:from` and `:to`.',
      keyPlace(loading, by),
    );
  }
  if (tree.kind === 'seq') return listForm(loading, tree.items);
  if (!isScript) return statementForm(loading, tree, by);
  return read === undefined || write === undefined ? null : scriptForm(loading, read, write);
}
