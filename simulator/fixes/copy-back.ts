/** A way back that first copies what was written to the new column alone. */
import type { Node } from '@pgsql/types';
import type { BackfillStep, Step } from '../plan/model.ts';
import { batched } from '../traffic/alternatives-batches.ts';
import { backfill, parseOne, tableOf, textOf } from '../traffic/alternatives-tree.ts';
import { fillHoles, lexSql } from '../plan/lexer.ts';
import { before, stepNamed, type Candidate, type FixContext } from './context.ts';
import type { Item } from './document.ts';
import { laidOut } from './words.ts';

const rules: readonly string[] = ['rollback-loses-writes', 'rollback-fails', 'rollback-breaks-requests'];

export function copyBack(context: FixContext): readonly Candidate[] {
  const step = stepNamed(context, context.finding.step);
  const item = step === null ? null : context.document.step(step.index);
  if (!rules.includes(context.finding.rule) || step === null || item === null) return [];
  const copies = copiesBack(context, step);
  if (copies.length === 0) return [];
  const title = `Copy the writes back on the way back of ${step.name}`;
  const list = context.document.items(item, 'rollback');
  if (!context.document.has(item, 'rollback')) {
    const lines = ['rollback:', ...indentedItems(copies)];
    return [{ title, edits: [context.document.append(item, lines)] }];
  }
  if (list !== null) return inList(context, title, list, copies);
  if (step.rollback.kind !== 'sql') return [];
  // The column that it copies to may be there only afterwards, or only before.
  const own = [
    '- migrate: |',
    ...(context.document.sql(item, 'rollback')?.value ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  ];
  return [
    [...own, ...copies],
    [...copies, ...own],
  ].flatMap((items) => {
    const edit = context.document.replaceValue(item, 'rollback', ['', ...items.map((line) => `  ${line}`)]);
    return edit === null ? [] : [{ title, edits: [edit] }];
  });
}

function inList(
  { document }: FixContext,
  title: string,
  list: readonly Item[],
  copies: readonly string[],
): readonly Candidate[] {
  const [first, last] = [list[0], list.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [
    { title, edits: [document.before(first, copies)] },
    { title, edits: [document.after(last, copies)] },
  ];
}

function indentedItems(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

/** Items of a way back: one for every column that an earlier backfill has copied to another as it is. */
export function copiesBack(context: FixContext, step: Step): readonly string[] {
  const backfills = context.plan.steps
    .slice(0, step.index)
    .filter((each): each is BackfillStep => each.kind === 'backfill');
  return backfills.flatMap((each) => copyItem(context, step, each) ?? []);
}

function copyItem(context: FixContext, step: Step, { form, batch, pauseMs }: BackfillStep): readonly string[] | null {
  if (form.kind !== 'statement' && form.kind !== 'range') return null;
  const lexed = lexSql(form.statement.text);
  const tree = lexed.ok ? parseOne(fillHoles(form.statement.text, lexed.holes)) : null;
  if (tree === null || !('UpdateStmt' in tree)) return null;
  const { relation, targetList = [], fromClause } = tree.UpdateStmt;
  const state = before(context, step);
  const table = state === null ? null : tableOf(state.catalog, relation);
  const copies = targetList.map(reversed);
  if (relation === undefined || table === null || fromClause !== undefined || copies.includes(null)) return null;
  const statement = batched(table, { UpdateStmt: { relation, targetList: copies.flatMap((each) => each ?? []) } });
  if (statement === null) return null;
  const [sql = ''] = backfill(statement).statements;
  return [
    '- backfill: |',
    ...laidOut(sql).map((line) => `    ${line}`),
    `  batch: ${batch ?? 1000}`,
    ...(pauseMs > 0 ? [`  pause: ${pauseMs}ms`] : []),
  ];
}

/** `new = old` as `old = new`; null for anything that is not one column as it is. */
function reversed(node: Node): Node | null {
  if (!('ResTarget' in node)) return null;
  const { name = '', val } = node.ResTarget;
  if (val === undefined || !('ColumnRef' in val)) return null;
  const column: Node = { ColumnRef: { fields: [{ String: { sval: name } }] } };
  return { ResTarget: { name: textOf(val.ColumnRef.fields?.at(-1)), val: column } };
}
