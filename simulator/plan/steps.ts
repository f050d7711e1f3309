/** The steps of a plan and of a way back. */
import { backfillForm } from './backfill.ts';
import { cdcStep, type KnownStreams } from './cdc.ts';
import { within } from './databases.ts';
import { keyPlace, placeOf, report } from './loading.ts';
import type { Loading } from './loading.ts';
import type { BackfillStep, Check, MigrateStep, Rollback, RollbackStep, Sql, Step, VerifyStep } from './model.ts';
import { nearest } from './nearest.ts';
import { queryOf, refuseHoles, scriptOf } from './texts.ts';
import type { Script } from './texts.ts';
import { parseCount, parseDuration } from './units.ts';
import { allowOf, amountOf } from './values.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

const actions = ['migrate', 'deploy', 'backfill', 'verify', 'cdc'] as const;
type Action = (typeof actions)[number];

/** Keys that mean something for one kind of step only. */
const belongsTo: Readonly<Record<string, Action>> = {
  flag: 'deploy',
  batch: 'backfill',
  pause: 'backfill',
  by: 'backfill',
  transaction: 'migrate',
};

const a = (action: Action): string => `a ${action} step`;

function isTrue(tree: Tree, key: string): boolean {
  const value = entryOf(tree, key)?.value;
  return value?.kind === 'scalar' && value.value === true;
}

/** The step's action; null after an error. */
function actionOf(
  loading: Loading,
  tree: Tree,
  allowed: readonly Action[],
): { readonly action: Action; readonly entry: Entry } | null {
  if (tree.kind !== 'map') return null;
  const found = tree.entries.flatMap((entry) => {
    const action = allowed.find((each) => each === entry.key);
    return action === undefined ? [] : [{ action, entry }];
  });
  const [first, second] = found;
  const names = allowed.map((each) => `\`${each}\``);
  const oneOf = `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
  if (first === undefined) {
    // With a key that nobody knows, that key is what is wrong, and was reported.
    const known = [
      'name',
      'on',
      'rollback',
      'offline',
      'wait',
      'point-of-no-return',
      'allow',
      ...Object.keys(belongsTo),
    ];
    if (tree.entries.every(({ key }) => known.includes(key)))
      report(loading, 'no-action', `A step needs one of ${oneOf}.`, placeOf(loading, tree));
    return null;
  }
  if (second !== undefined) {
    report(
      loading,
      'several-actions',
      `A step is one change: it can't have both \`${first.action}\` and \`${second.action}\`.`,
      keyPlace(loading, second.entry),
    );
  }
  checkOn(loading, tree, first.action);
  for (const entry of tree.entries) {
    const owner = belongsTo[entry.key];
    if (owner === undefined || owner === first.action) continue;
    report(
      loading,
      'misplaced-key',
      `\`${entry.key}\` belongs to ${a(owner)}, and this is ${a(first.action)}.`,
      keyPlace(loading, entry),
    );
  }
  return first;
}

/** A step of several statements, each of which may run elsewhere, says it at each. */
function checkOn(loading: Loading, tree: Tree, action: Action): void {
  const on = entryOf(tree, 'on');
  if (on === undefined || action === 'migrate' || action === 'backfill') return;
  const instead = {
    deploy: 'a deploy runs no SQL, and the requests of its version say it themselves',
    verify: 'each query of a check says it itself, as `{ on: …, sql: … }`',
    cdc: 'a stream says it inside of `cdc`: `from:` is the database of its table, `on:` the one that it writes to',
  }[action];
  report(
    loading,
    'misplaced-key',
    `\`on\` belongs to a migrate or a backfill step, and this is ${a(action)}: ${instead}.`,
    keyPlace(loading, on),
  );
}

function notInTransaction(loading: Loading, sql: Sql, why: string): void {
  for (const { transactional, location } of sql.statements) {
    if (!transactional)
      report(loading, 'not-in-transaction', `Postgres does not run this statement in a transaction${why}.`, location);
  }
}

/** In one transaction, unless a statement can't or `transaction: false` says so. */
function isTransactional(loading: Loading, { sql, wrapped }: Script, stated: Entry | undefined): boolean {
  const said = stated?.value.kind === 'scalar' ? stated.value.value : null;
  if (wrapped !== null && said === false) {
    report(
      loading,
      'transaction-statement',
      'The text says BEGIN and COMMIT, and the step says `transaction: false`. Take one of them out.',
      wrapped,
    );
  }
  if (said === true || wrapped !== null) {
    notInTransaction(loading, sql, said === true ? ': take out `transaction: true`' : ': take out BEGIN and COMMIT');
    return true;
  }
  return said !== false && sql.statements.every(({ transactional }) => transactional);
}

function checkOf(loading: Loading, tree: Tree, index: number): Check | null {
  if (tree.kind !== 'map') return null;
  const name = nameText(entryOf(tree, 'name')?.value) ?? `check ${index + 1}`;
  const equal = entryOf(tree, 'equal');
  const empty = entryOf(tree, 'empty');
  const location = placeOf(loading, tree);
  if ((equal === undefined) === (empty === undefined)) {
    const known = tree.entries.every(({ key }) => ['name', 'equal', 'empty'].includes(key));
    if (known)
      report(loading, 'no-action', 'A check needs either `equal: [query, query]` or `empty: query`.', location);
    return null;
  }
  const trees = empty !== undefined ? [empty.value] : equal?.value.kind === 'seq' ? equal.value.items : [];
  const queries = trees.flatMap((each) => queryOf(loading, each, 'A query of a check') ?? []);
  refuseHoles(loading, queries, 'A check');
  const [first, second] = queries.map(({ statement }) => statement);
  if (empty !== undefined) return first === undefined ? null : { kind: 'empty', name, query: first, location };
  return first === undefined || second === undefined
    ? null
    : { kind: 'equal', name, queries: [first, second], location };
}

/** What a step has whatever it does. */
function baseOf(
  loading: Loading,
  tree: Tree,
  index: number,
  name: string,
  rollback: Rollback,
): Omit<VerifyStep, 'kind' | 'checks'> {
  const wait = nameText(entryOf(tree, 'wait')?.value);
  return {
    index,
    name,
    location: placeOf(loading, tree),
    allow: allowOf(loading, entryOf(tree, 'allow')?.value),
    offline: isTrue(tree, 'offline'),
    wait: wait === 'drained' || wait === 'caught-up' ? wait : null,
    pointOfNoReturn: isTrue(tree, 'point-of-no-return'),
    rollback,
  };
}

type Base = ReturnType<typeof baseOf>;

function migrateStep(loading: Loading, tree: Tree, entry: Entry, base: Base): MigrateStep | null {
  const script = scriptOf(loading, entry.value, 'A migration');
  if (script === null) return null;
  return {
    ...base,
    kind: 'migrate',
    sql: script.sql,
    transactional: isTransactional(loading, script, entryOf(tree, 'transaction')),
  };
}

function backfillStep(loading: Loading, tree: Tree, entry: Entry, base: Base): BackfillStep | null {
  const form = backfillForm(loading, entry.value, entryOf(tree, 'by'));
  const batch = entryOf(tree, 'batch');
  const rows = amountOf(batch?.value, parseCount);
  if (form === null) return null;
  const usesBatch = form.kind === 'range' || (form.kind !== 'list' && form.batched);
  if (batch !== undefined && !usesBatch) {
    report(
      loading,
      'misplaced-key',
      '`batch` has no effect here: the backfill does not use `:batch`.',
      keyPlace(loading, batch),
    );
  } else if (batch !== undefined && rows !== null && (rows < 1 || !Number.isInteger(rows))) {
    report(
      loading,
      'invalid-value',
      '`batch` must be a whole number of rows, at least 1.',
      placeOf(loading, batch.value),
    );
  }
  return {
    ...base,
    kind: 'backfill',
    form,
    batch: rows,
    pauseMs: amountOf(entryOf(tree, 'pause')?.value, parseDuration) ?? 0,
  };
}

function verifyStep(loading: Loading, entry: Entry, base: Base): VerifyStep | null {
  if (entry.value.kind !== 'seq') return null;
  const checks = entry.value.items.map((item, index) => checkOf(loading, item, index));
  return checks.includes(null) ? null : { ...base, kind: 'verify', checks: checks.flatMap((check) => check ?? []) };
}

function rollbackStep(from: Loading, tree: Tree, index: number): RollbackStep | null {
  const loading = within(from, entryOf(tree, 'on'));
  const found = actionOf(loading, tree, ['migrate', 'backfill', 'verify']);
  if (found === null) return null;
  const name = nameText(entryOf(tree, 'name')?.value) ?? `rollback step ${index + 1}`;
  const base = baseOf(loading, tree, index, name, { kind: 'unstated' });
  if (found.action === 'migrate') return migrateStep(loading, tree, found.entry, base);
  return found.action === 'backfill'
    ? backfillStep(loading, tree, found.entry, base)
    : verifyStep(loading, found.entry, base);
}

/** Null after an error. */
function rollbackOf(loading: Loading, entry: Entry | undefined): Rollback | null {
  if (entry === undefined) return { kind: 'unstated' };
  const { value } = entry;
  const location = keyPlace(loading, entry);
  if (value.kind === 'seq') {
    const steps = value.items.map((item, index) => rollbackStep(loading, item, index));
    return steps.includes(null) ? null : { kind: 'steps', steps: steps.flatMap((step) => step ?? []), location };
  }
  if (nameText(value)?.trim() === 'none') return { kind: 'none', location };
  const script = scriptOf(loading, value, 'A rollback');
  return script === null
    ? null
    : { kind: 'sql', sql: script.sql, transactional: isTransactional(loading, script, undefined), location };
}

function deployOf(loading: Loading, tree: Tree, entry: Entry, base: Base, versions: ReadonlySet<string>): Step | null {
  const version = nameText(entry.value);
  if (version === null) return null;
  if (!versions.has(version)) {
    report(
      loading,
      'unknown-version',
      `There is no version \`${version}\`.`,
      placeOf(loading, entry.value),
      nearest(version, versions),
    );
    return null;
  }
  return { ...base, kind: 'deploy', version, flag: nameText(entryOf(tree, 'flag')?.value) };
}

function stepOf(
  plan: Loading,
  tree: Tree,
  index: number,
  versions: ReadonlySet<string>,
  streams: KnownStreams,
): Step | null {
  // The way back of a step runs where the step runs, unless it says otherwise.
  const loading = within(plan, entryOf(tree, 'on'));
  const rollback = rollbackOf(loading, entryOf(tree, 'rollback'));
  const found = actionOf(loading, tree, actions);
  if (found === null) return null;
  const name = nameText(entryOf(tree, 'name')?.value) ?? `step ${index + 1}`;
  const base = baseOf(loading, tree, index, name, rollback ?? { kind: 'unstated' });
  switch (found.action) {
    case 'migrate':
      return migrateStep(loading, tree, found.entry, base);
    case 'deploy':
      return deployOf(loading, tree, found.entry, base, versions);
    case 'backfill':
      return backfillStep(loading, tree, found.entry, base);
    case 'verify':
      return verifyStep(loading, found.entry, base);
    case 'cdc':
      return cdcStep(loading, found.entry, base, streams);
  }
}

/** Reports speak of a step by its name. */
function checkNames(loading: Loading, items: readonly Tree[]): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const entry = entryOf(item, 'name');
    const name = nameText(entry?.value) ?? `step ${index + 1}`;
    const before = seen.get(name);
    if (before !== undefined) {
      const place = entry === undefined ? placeOf(loading, item) : placeOf(loading, entry.value);
      report(
        loading,
        'duplicate-name',
        `Two steps have the name \`${name}\`; the first is step ${before + 1} of the plan.`,
        place,
      );
    } else seen.set(name, index);
  }
}

export function stepsOf(loading: Loading, tree: Tree | undefined, versions: ReadonlySet<string>): readonly Step[] {
  const items = tree?.kind === 'seq' ? tree.items : [];
  checkNames(loading, items);
  const streams: KnownStreams = new Map();
  return items.flatMap((item, index) => stepOf(loading, item, index, versions, streams) ?? []);
}
