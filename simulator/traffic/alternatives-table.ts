/** What to run in place of an ALTER TABLE that works under a strong lock: first what is quick, then the work apart. */
import type { AlterTableCmd, AlterTableStmt, ColumnDef, Constraint, Node, RangeVar } from '@pgsql/types';
import type { Catalog, Table } from '../engine/engine.ts';
import { attachPartition } from './alternatives-partition.ts';
import {
  allOf,
  alone,
  alterTable,
  backfill,
  column,
  columnsIn,
  isNotNull,
  migrate,
  nameOf,
  other,
  string,
  tableOf,
  textOf,
  write,
} from './alternatives-tree.ts';
import type { Alternative, AlternativeStep } from './alternatives-tree.ts';
import { batched } from './alternatives-batches.ts';

export interface Target {
  readonly relation: RangeVar;
  readonly table: Table | null;
  readonly catalog: Catalog;
}

type Steps = readonly AlternativeStep[];

/** Each command of the statement on its own; those that have no alternative as they are. */
export function alterTableAlternatives(statement: AlterTableStmt, catalog: Catalog): readonly Alternative[] {
  const { relation } = statement;
  if (relation === undefined || statement.objtype !== 'OBJECT_TABLE') return [];
  const target = { relation, table: tableOf(catalog, relation), catalog };
  const commands = (statement.cmds ?? []).flatMap((node) => ('AlterTableCmd' in node ? [node.AlterTableCmd] : []));
  const found = commands.map((command) => commandAlternatives(target, command));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.every((each) => each.length === 0)) return [];
  // Of several commands those that have two ways are taken at their last, which splits off the most.
  const steps = commands.flatMap((command, i) => found[i]?.at(-1)?.steps ?? [migrate(alterTable(relation, command))]);
  return [other('One command at a time, and the work apart from the strong lock', steps)];
}

function commandAlternatives(target: Target, command: AlterTableCmd): readonly Alternative[] {
  const { subtype, def, name = '' } = command;
  if (subtype === 'AT_AddConstraint' && def !== undefined && 'Constraint' in def) {
    return addConstraint(target, def.Constraint);
  }
  if (subtype === 'AT_SetNotNull') {
    return [
      other('Prove it with a CHECK first', setNotNull(target, [name])),
      other('NOT VALID first, then VALIDATE (PostgreSQL 18 or later)', laterNotNull(target, name)),
    ];
  }
  if (subtype === 'AT_AddColumn' && def !== undefined && 'ColumnDef' in def) return addColumn(target, def.ColumnDef);
  if (subtype === 'AT_AttachPartition' && def !== undefined && 'PartitionCmd' in def) {
    return attachPartition(target, def.PartitionCmd);
  }
  return [];
}

function add(relation: RangeVar, constraint: Constraint): string {
  return alterTable(relation, { subtype: 'AT_AddConstraint', def: { Constraint: constraint } });
}

function addConstraint(target: Target, constraint: Constraint): readonly Alternative[] {
  const steps = constraintSteps(target, constraint);
  if (steps === null) return [];
  const indexed = constraint.contype === 'CONSTR_UNIQUE' || constraint.contype === 'CONSTR_PRIMARY';
  return [other(indexed ? 'Build the index concurrently first' : 'NOT VALID first, then VALIDATE', steps)];
}

function constraintSteps(target: Target, constraint: Constraint): Steps | null {
  const { relation } = target;
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN':
      return inTwo(relation, constraint, [...(constraint.fk_attrs ?? []).map(textOf), 'fkey']);
    case 'CONSTR_CHECK': {
      const columns = columnsIn(constraint.raw_expr);
      return inTwo(relation, constraint, [...(columns.length === 1 ? columns : []), 'check']);
    }
    case 'CONSTR_NOTNULL':
      return inTwo(relation, constraint, [...(constraint.keys ?? []).map(textOf), 'not_null']);
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY':
      return constraint.indexname === undefined ? byIndex(target, constraint) : null;
    default:
      return null;
  }
}

/** Not valid first: what is there is looked at later, under a lock that lets reads and writes go on. */
function inTwo(relation: RangeVar, constraint: Constraint, names: readonly string[]): Steps | null {
  if (constraint.skip_validation === true) return null;
  const conname = constraint.conname ?? nameOf(relation, ...names);
  return [
    migrate(add(relation, { ...constraint, conname, skip_validation: true, initially_valid: false })),
    migrate(validate(relation, conname)),
  ];
}

function validate(relation: RangeVar, name: string): string {
  return alterTable(relation, { subtype: 'AT_ValidateConstraint', name });
}

function byIndex(target: Target, constraint: Constraint): Steps {
  const { relation, table } = target;
  const keys = (constraint.keys ?? []).map(textOf);
  const primary = constraint.contype === 'CONSTR_PRIMARY';
  const name = constraint.conname ?? (primary ? nameOf(relation, 'pkey') : nameOf(relation, ...keys, 'key'));
  const params = (columns: readonly string[]): Node[] =>
    columns.map((name) => ({
      IndexElem: { name, ordering: 'SORTBY_DEFAULT', nulls_ordering: 'SORTBY_NULLS_DEFAULT' },
    }));
  const index = write({
    IndexStmt: {
      idxname: name,
      relation,
      accessMethod: 'btree',
      indexParams: params(keys),
      indexIncludingParams: params((constraint.including ?? []).map(textOf)),
      options: constraint.options ?? [],
      unique: true,
      nulls_not_distinct: constraint.nulls_not_distinct === true,
      concurrent: true,
    },
  });
  const { keys: _keys, including: _including, options: _options, nulls_not_distinct: _distinct, ...rest } = constraint;
  const use = add(relation, { ...rest, conname: name, indexname: name });
  const nullable = primary ? keys.filter((key) => !isKnownNotNull(table, key)) : [];
  if (nullable.length === 0) return [alone(index), migrate(use)];
  // A primary key makes its columns NOT NULL, and would look for NULLs itself.
  const proof = proofOf(target, nullable);
  return [...proof.steps, alone(index), migrate(use, proof.drop)];
}

function isKnownNotNull(table: Table | null, name: string): boolean {
  return table?.columns.some((each) => each.name === name && each.notNull) ?? false;
}

/** A CHECK that is validated under a weak lock, and spares the scan of what comes after. */
function proofOf({ relation }: Target, columns: readonly string[]): { steps: Steps; drop: string } {
  const name = nameOf(relation, ...columns, 'is_set');
  const check: Constraint = {
    contype: 'CONSTR_CHECK',
    conname: name,
    is_enforced: true,
    skip_validation: true,
    ...proving(columns.map((each) => isNotNull(column(each)))),
  };
  return {
    steps: [migrate(add(relation, check)), migrate(validate(relation, name))],
    drop: alterTable(relation, { subtype: 'AT_DropConstraint', name }),
  };
}

function proving(conditions: readonly Node[]): Pick<Constraint, 'raw_expr'> {
  const all = allOf(conditions);
  return all === undefined ? {} : { raw_expr: all };
}

function setNotNull(target: Target, columns: readonly string[]): Steps {
  const { relation } = target;
  const proof = proofOf(target, columns);
  const set = columns.map((name): AlterTableCmd => ({ subtype: 'AT_SetNotNull', name }));
  return [...proof.steps, migrate(alterTable(relation, ...set), proof.drop)];
}

function laterNotNull({ relation }: Target, name: string): Steps {
  const constraint: Constraint = { contype: 'CONSTR_NOTNULL', is_enforced: true, keys: [string(name)] };
  return inTwo(relation, constraint, [name, 'not_null']) ?? [];
}

/** Kept with the column: what costs nothing when it is a constant. */
const cheap = new Set(['CONSTR_DEFAULT', 'CONSTR_NOTNULL', 'CONSTR_NULL']);
const filledByPostgres = new Set(['CONSTR_GENERATED', 'CONSTR_IDENTITY']);
const serialTypes = new Set(['smallserial', 'serial', 'bigserial', 'serial2', 'serial4', 'serial8']);

/** Whether Postgres itself fills the column for the rows that are there, with no way to do so later. */
export function isFilledByPostgres(def: ColumnDef): boolean {
  const type = textOf(def.typeName?.names?.at(-1));
  return serialTypes.has(type) || constraintsOf(def).some(({ contype }) => filledByPostgres.has(contype ?? ''));
}

function constraintsOf(def: ColumnDef): readonly Constraint[] {
  return (def.constraints ?? []).flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
}

function addColumn(target: Target, def: ColumnDef): readonly Alternative[] {
  if (isFilledByPostgres(def)) return [];
  const constraints = constraintsOf(def);
  const others = constraints.filter(({ contype }) => !cheap.has(contype ?? ''));
  const after = others.map((each) => constraintSteps(target, onColumn(each, def.colname ?? '')));
  if (after.includes(null)) return [];
  const later = after.flatMap((steps) => steps ?? []);
  const found: Alternative[] = [];
  if (others.length > 0) {
    const kept = constraints.filter(({ contype }) => cheap.has(contype ?? ''));
    const title = 'Add the column first, its constraints apart';
    found.push(other(title, [migrate(alterTable(target.relation, adding(def, kept))), ...later]));
  }
  const filled = fillLater(target, def, constraints);
  if (filled !== null) found.push(other('Add the column empty, and fill it in batches', [...filled, ...later]));
  return found;
}

function adding(def: ColumnDef, constraints: readonly Constraint[]): AlterTableCmd {
  const kept = constraints.map((each): Node => ({ Constraint: each }));
  return { subtype: 'AT_AddColumn', def: { ColumnDef: { ...def, constraints: kept } } };
}

/** A column's constraint as one of the table. */
function onColumn(constraint: Constraint, name: string): Constraint {
  if (constraint.contype === 'CONSTR_FOREIGN') return { ...constraint, fk_attrs: [string(name)] };
  return constraint.contype === 'CONSTR_CHECK' ? constraint : { ...constraint, keys: [string(name)] };
}

function fillLater(target: Target, def: ColumnDef, constraints: readonly Constraint[]): Steps | null {
  const { relation, table } = target;
  const name = def.colname ?? '';
  const value = constraints.find(({ contype }) => contype === 'CONSTR_DEFAULT')?.raw_expr;
  if (value === undefined || table === null) return null;
  const empty: Node = { NullTest: { arg: column(name), nulltesttype: 'IS_NULL' } };
  const update = batched(table, {
    UpdateStmt: { relation, targetList: [{ ResTarget: { name, val: value } }], whereClause: empty },
  });
  if (update === null) return null;
  const required = constraints.some(({ contype }) => contype === 'CONSTR_NOTNULL');
  return [
    migrate(
      alterTable(relation, adding(def, [])),
      alterTable(relation, { subtype: 'AT_ColumnDefault', name, def: value }),
    ),
    backfill(update),
    ...(required ? setNotNull(target, [name]) : []),
  ];
}
