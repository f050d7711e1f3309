/** The step that is missing before a version that does not write a column any more: it drops NOT NULL. */
import type { Node } from '@pgsql/types';
import type { Table } from '../engine/engine.ts';
import type { DeployStep, Request } from '../plan/model.ts';
import { alterTable, column, isNotNull, nameOf } from '../traffic/alternatives-tree.ts';
import { before, setLockTimeout, type Candidate, type FixContext } from './context.ts';
import { copiesBack } from './copy-back.ts';
import { indented, yamlText } from './document.ts';
import { script } from './words.ts';

const notNullViolation = '23502';

export function dropNotNull(context: FixContext): readonly Candidate[] {
  const { finding, plan, document } = context;
  if (finding.sqlstate !== notNullViolation || finding.version === null) return [];
  const deploy = plan.steps.find(
    (each): each is DeployStep => each.kind === 'deploy' && each.version === finding.version,
  );
  const request = plan.versions.find(({ name }) => name === finding.version)?.requests.get(finding.request ?? '');
  const item = deploy === undefined ? null : document.step(deploy.index);
  const state = deploy === undefined ? null : before(context, deploy);
  if (deploy === undefined || request === undefined || item === null || state === null) return [];
  return leftOut(request, state.catalog.tables).flatMap(({ table, columns }) => {
    const name = unused(`stop requiring ${columns.join(', ')}`, plan.steps);
    const title = `Drop NOT NULL on ${table.name}.${columns.join(', ')} before ${deploy.name}`;
    const copies = copiesBack(context, deploy);
    const ways = copies.length === 0 ? [[]] : [copies, []];
    return ways.map((first) => ({ title, edits: [document.before(item, stepLines(name, table, columns, first))] }));
  });
}

/** Columns that must be there, and that an INSERT of the request does not give. */
function leftOut(
  { statements }: Request,
  tables: readonly Table[],
): readonly { readonly table: Table; readonly columns: readonly string[] }[] {
  return statements.flatMap(({ node, target }) => {
    if (node !== 'InsertStmt' || target === null || target.columns.length === 0) return [];
    const { schema, table: name } = target.table;
    const table = tables.find((each) => each.relation === name && each.schema === (schema ?? 'public'));
    const columns = (table?.columns ?? [])
      .filter((each) => each.notNull && !each.hasDefault && !each.generated)
      .filter((each) => !target.columns.includes(each.name) && !table?.primaryKey.includes(each.name))
      .map((each) => each.name);
    return table === undefined || columns.length === 0 ? [] : [{ table, columns }];
  });
}

/** The way back proves that the column is full under a weak lock, so that SET NOT NULL need not look. */
function stepLines(
  name: string,
  { relation, schema }: Table,
  columns: readonly string[],
  copies: readonly string[],
): readonly string[] {
  const of =
    schema === 'public' ? { relname: relation, inh: true } : { relname: relation, schemaname: schema, inh: true };
  const check = nameOf(of, ...columns, 'is_set');
  const tests = columns.map((each): Node => isNotNull(column(each)));
  const [only] = tests;
  const raw: Node = tests.length === 1 && only !== undefined ? only : { BoolExpr: { boolop: 'AND_EXPR', args: tests } };
  const add = alterTable(of, {
    subtype: 'AT_AddConstraint',
    def: {
      Constraint: { contype: 'CONSTR_CHECK', conname: check, is_enforced: true, skip_validation: true, raw_expr: raw },
    },
  });
  const set = alterTable(of, ...columns.map((each) => ({ subtype: 'AT_SetNotNull' as const, name: each })));
  const drop = alterTable(of, ...columns.map((each) => ({ subtype: 'AT_DropNotNull' as const, name: each })));
  const validate = alterTable(of, { subtype: 'AT_ValidateConstraint', name: check });
  const remove = alterTable(of, { subtype: 'AT_DropConstraint', name: check });
  const block = (key: string, statements: readonly string[]) => [`${key}: |`, ...indented(script(statements), 2)];
  const item = ([first = '', ...rest]: readonly string[]) => [`- ${first}`, ...indented(rest, 2)];
  const rollback = [
    ...copies,
    ...item(block('migrate', [setLockTimeout, add])),
    ...item([`migrate: ${validate}`]),
    ...item(block('migrate', [setLockTimeout, set, remove])),
  ];
  return item([
    `name: ${yamlText(name)}`,
    ...block('migrate', [setLockTimeout, drop]),
    'rollback:',
    ...indented(rollback, 2),
  ]);
}

/** Two steps of one name are refused. */
export function unused(name: string, steps: readonly { readonly name: string }[]): string {
  const taken = (candidate: string) => steps.some((each) => each.name === candidate);
  let free = name;
  for (let n = 2; taken(free); n++) free = `${name} ${n}`;
  return free;
}
