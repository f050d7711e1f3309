/** Makes an UPDATE or DELETE of a whole table one of a batch: what the condition selects first by the primary key. */
import type { Node, RangeVar, SelectStmt } from '@pgsql/types';
import type { Table } from '../engine/engine.ts';
import { allOf, anyOf, column, columnsIn, string, write } from './alternatives-tree.ts';

/** With `$1` for the size of a batch; null where there is no key, or another table takes part. */
export function batched(table: Table, statement: Node): Node | null {
  const key = table.primaryKey;
  if (key.length === 0) return null;
  if ('DeleteStmt' in statement) {
    const { relation, whereClause, ...rest } = statement.DeleteStmt;
    if (relation === undefined || rest.usingClause !== undefined || rest.withClause !== undefined) return null;
    return { DeleteStmt: { ...rest, relation, whereClause: within(relation, key, whereClause) } };
  }
  if (!('UpdateStmt' in statement)) return null;
  const { relation, whereClause, ...rest } = statement.UpdateStmt;
  if (relation === undefined || rest.fromClause !== undefined || rest.withClause !== undefined) return null;
  const undone = notYetDone(rest.targetList ?? [], whereClause);
  if (undone === null) return null;
  const condition = allOf([...(whereClause === undefined ? [] : [whereClause]), ...undone]);
  return { UpdateStmt: { ...rest, relation, whereClause: within(relation, key, condition) } };
}

/** A row is done when its columns have the values already: so a batch that finds none ends the backfill. */
function notYetDone(targets: readonly Node[], whereClause: Node | undefined): Node[] | null {
  const differs: Node[] = [];
  const names: string[] = [];
  for (const node of targets) {
    if (!('ResTarget' in node)) return null;
    const { name, val, indirection } = node.ResTarget;
    if (name === undefined || val === undefined || indirection !== undefined) return null;
    if ('MultiAssignRef' in val || 'SetToDefault' in val) return null;
    names.push(name);
    differs.push({
      A_Expr: { kind: 'AEXPR_DISTINCT', name: [string('=')], lexpr: column(name), rexpr: val },
    });
  }
  if (fillsGaps(whereClause, names)) return [];
  const any = anyOf(differs);
  if (any === undefined) return null;
  // What the statement says already need not be said twice.
  return whereClause !== undefined && write(whereClause) === write(any) ? [] : [any];
}

/** `SET a = … WHERE a IS NULL` has its own end. */
function fillsGaps(condition: Node | undefined, names: readonly string[]): boolean {
  if (condition === undefined || !('NullTest' in condition) || condition.NullTest.nulltesttype !== 'IS_NULL')
    return false;
  const [only, ...more] = columnsIn(condition);
  return only !== undefined && more.length === 0 && names.includes(only);
}

function within(relation: RangeVar, key: readonly string[], condition: Node | undefined): Node {
  const columns = key.map(column);
  const select: SelectStmt = {
    op: 'SETOP_NONE',
    limitOption: 'LIMIT_OPTION_COUNT',
    targetList: columns.map((val) => ({ ResTarget: { val } })),
    fromClause: [{ RangeVar: relation }],
    ...(condition === undefined ? {} : { whereClause: condition }),
    sortClause: columns.map((node) => ({
      SortBy: { node, sortby_dir: 'SORTBY_DEFAULT', sortby_nulls: 'SORTBY_NULLS_DEFAULT' },
    })),
    limitCount: { ParamRef: { number: 1 } },
  };
  const [only] = columns;
  const row: Node = { RowExpr: { args: columns, row_format: 'COERCE_IMPLICIT_CAST' } };
  return {
    SubLink: {
      subLinkType: 'ANY_SUBLINK',
      testexpr: columns.length === 1 && only !== undefined ? only : row,
      subselect: { SelectStmt: select },
    },
  };
}
