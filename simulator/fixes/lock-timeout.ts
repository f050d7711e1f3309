/** `lock_timeout` first in a step: what can't have its lock gives up soon, and nobody queues behind it. */
import type { MigrateStep, Sql, Step } from '../plan/model.ts';
import { setLockTimeout, settingOf, stepNamed, type Candidate, type FixContext } from './context.ts';
import type { Item, TextEdit } from './document.ts';

const rules: readonly string[] = ['lock-queue', 'blocking-lock'];

export function lockTimeout(context: FixContext): readonly Candidate[] {
  const { finding } = context;
  if (!rules.includes(finding.rule)) return [];
  // One note can stand for several steps.
  const others = finding.consequences.filter(({ rule }) => rule === 'lock-queue').map(({ step }) => step);
  const steps = [...new Set([finding.step, ...others])].flatMap((name) => stepNamed(context, name) ?? []);
  const edits = steps.flatMap((step) => stepEdits(context, step));
  const where = steps.length === 1 ? (steps[0]?.name ?? '') : `${steps.length} steps`;
  return edits.length === 0
    ? []
    : [{ title: `Give up soon when the lock is not free: lock_timeout in ${where}`, edits }];
}

function stepEdits({ document }: FixContext, step: Step): readonly TextEdit[] {
  const item = document.step(step.index);
  if (item === null) return [];
  const edits = step.kind === 'migrate' ? [...prepend(document, item, 'migrate', step)] : [];
  const { rollback } = step;
  if (rollback.kind === 'sql') return [...edits, ...prepend(document, item, 'rollback', rollback)];
  if (rollback.kind !== 'steps') return edits;
  const parts = document.items(item, 'rollback') ?? [];
  return [
    ...edits,
    ...rollback.steps.flatMap((part, i) => {
      const of = parts[i];
      return part.kind === 'migrate' && of !== undefined ? prepend(document, of, 'migrate', part) : [];
    }),
  ];
}

function prepend(
  document: FixContext['document'],
  item: Item,
  key: string,
  { sql, transactional }: Pick<MigrateStep, 'transactional'> & { readonly sql: Sql },
): readonly TextEdit[] {
  const own = document.sql(item, key);
  const [first] = sql.statements;
  if (own === null || first === undefined || sql.statements.some((each) => settingOf(each) === 'lock_timeout'))
    return [];
  // CONCURRENTLY stands in nobody's way while it waits, and leaves an invalid index behind when it gives up.
  if (sql.statements.some((each) => !each.transactional)) return [];
  // What commits statement by statement can't set anything for one transaction only.
  const set = transactional ? setLockTimeout : setLockTimeout.replace(' LOCAL', '');
  return document.prependSql(item, key, set) ?? [];
}
