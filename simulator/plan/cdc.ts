/** Streams of changes: what starts one, with the SQL that it runs for each change, and what stops it. */
import { placedRef, within } from './databases.ts';
import { keyPlace, placeOf, report } from './loading.ts';
import type { Loading } from './loading.ts';
import { changeKinds, type CdcStep, type ChangeKind, type Sql, type StreamPlan, type TableRef } from './model.ts';
import { nearest } from './nearest.ts';
import { refuseDollars, refuseTransactions, statementsOf } from './texts.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

/** The streams that the steps so far have started, and whether each still runs. */
export type KnownStreams = Map<string, { readonly stream: StreamPlan; running: boolean }>;

type Base = Omit<CdcStep, 'kind' | 'action' | 'stream'>;

/** Which rows a change of each kind has. */
const rowsOf: Readonly<Record<ChangeKind, readonly string[]>> = {
  insert: ['new'],
  update: ['new', 'old'],
  delete: ['old'],
};

export function cdcStep(loading: Loading, entry: Entry, base: Base, known: KnownStreams): CdcStep | null {
  if (entry.value.kind !== 'map') return null;
  const stop = entryOf(entry.value, 'stop');
  return stop === undefined ? started(loading, entry, base, known) : stopped(loading, stop, base, known);
}

function started(loading: Loading, entry: Entry, base: Base, known: KnownStreams): CdcStep | null {
  const source = within(loading, entryOf(entry.value, 'from'));
  const target = within(loading, entryOf(entry.value, 'on'));
  const nameEntry = entryOf(entry.value, 'name');
  const name = nameText(nameEntry?.value);
  const table = tableOf(source, entryOf(entry.value, 'table'));
  const insert = applyOf(target, entry.value, 'insert');
  const update = applyOf(target, entry.value, 'update');
  const remove = applyOf(target, entry.value, 'delete');
  if (name === null || table === null) return null;
  if (changeKinds.every((kind) => isAbsent(entryOf(entry.value, kind))))
    report(
      loading,
      'missing-key',
      'A stream needs what it runs for at least one of `insert`, `update` and `delete`.',
      keyPlace(loading, entry),
    );
  if (known.get(name)?.running === true && nameEntry !== undefined)
    report(
      loading,
      'duplicate-name',
      `The stream \`${name}\` runs already: stop it first, or give this one another name.`,
      placeOf(loading, nameEntry.value),
    );
  const stream: StreamPlan = {
    name,
    table: placedRef(source, table),
    apply: { insert, update, delete: remove },
    ignoresStreams: nameText(entryOf(entry.value, 'origin')?.value) === 'none',
    location: keyPlace(loading, entry),
  };
  known.set(name, { stream, running: true });
  return { ...base, kind: 'cdc', action: 'start', stream };
}

function stopped(loading: Loading, stop: Entry, base: Base, known: KnownStreams): CdcStep | null {
  const name = nameText(stop.value);
  const found = name === null ? undefined : known.get(name);
  if (name !== null && found?.running !== true) {
    const running = [...known].flatMap(([each, { running: isRunning }]) => (isRunning ? [each] : []));
    const message =
      found === undefined
        ? `No earlier step starts a stream \`${name}\`.`
        : `The stream \`${name}\` is stopped already.`;
    report(loading, 'unknown-stream', message, placeOf(loading, stop.value), nearest(name, running));
  }
  if (found === undefined) return null;
  found.running = false;
  return { ...base, kind: 'cdc', action: 'stop', stream: found.stream };
}

function isAbsent(entry: Entry | undefined): boolean {
  return entry === undefined || (entry.value.kind === 'scalar' && entry.value.value === null);
}

/** `users`, `app.users`, `"Users"`. */
function tableOf(loading: Loading, entry: Entry | undefined): TableRef | null {
  const written = nameText(entry?.value);
  if (entry === undefined || written === null) return null;
  const parts = (written.match(/"(?:[^"]|"")+"|[^."\s]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
  );
  const table = parts.at(-1);
  if (table !== undefined && parts.length <= 2) return { schema: parts.at(-2) ?? null, table };
  report(
    loading,
    'invalid-value',
    '`table` must be one table, such as `users` or `app.users`.',
    placeOf(loading, entry.value),
  );
  return null;
}

function applyOf(loading: Loading, tree: Tree, kind: ChangeKind): Sql | null {
  const entry = entryOf(tree, kind);
  if (entry === undefined || isAbsent(entry)) return null;
  const statements = statementsOf(loading, entry.value, `The \`${kind}\` of a stream`);
  if (statements === null) return null;
  refuseTransactions(loading, statements, 'What a stream runs for one change is one transaction.');
  refuseDollars(loading, statements);
  for (const { statement } of statements)
    if (!statement.transactional)
      report(
        loading,
        'not-in-transaction',
        'Postgres does not run this statement in a transaction, and what a stream runs is one.',
        statement.location,
      );
  checkHoles(
    loading,
    kind,
    statements.flatMap(({ holes }) => holes),
  );
  const [first] = statements;
  return first === undefined
    ? null
    : { statements: statements.map(({ statement }) => statement), location: first.statement.location };
}

type Hole = NonNullable<ReturnType<typeof statementsOf>>[number]['holes'][number];

/** A stream knows the row that changed and nothing else. */
function checkHoles(loading: Loading, kind: ChangeKind, holes: readonly Hole[]): void {
  const rows = rowsOf[kind];
  const known = rows.map((row) => `\`:${row}.column\``).join(' and ');
  for (const { piece, location } of holes) {
    if (piece.kind === 'param') {
      const message = `The \`${kind}\` of a stream takes only ${known}, and \`:${piece.name}\` is another.`;
      report(loading, 'unexpected-parameter', message, location, `:${rows[0] ?? 'new'}.${piece.name}`);
    } else if (piece.kind === 'field' && !rows.includes(piece.row)) {
      const meant = nearest(piece.row, rows);
      const why =
        piece.row === 'new' || piece.row === 'old'
          ? `A row that is ${kind}ed has no \`${piece.row}\`.`.replace('eed', 'ed')
          : `There is no row \`${piece.row}\`.`;
      report(
        loading,
        'unknown-row',
        `${why} The \`${kind}\` of a stream takes ${known}.`,
        location,
        `:${meant ?? rows[0] ?? 'new'}.${piece.column}`,
      );
    }
  }
}
