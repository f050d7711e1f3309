/** What to run in place of statements on partitioned tables. */
import type { IndexStmt, Node, PartitionBoundSpec, PartitionCmd, RangeVar } from '@pgsql/types';
import type { Catalog, Table } from '../engine/engine.ts';
import {
  allOf,
  alone,
  alterTable,
  column,
  isNotNull,
  migrate,
  nameOf,
  operator,
  other,
  parseOne,
  string,
  tableOf,
  write,
} from './alternatives-tree.ts';
import type { Alternative } from './alternatives-tree.ts';
import type { Target } from './alternatives-table.ts';

/** The partition proves by a CHECK that its rows fit, so that attaching it reads nothing. */
export function attachPartition({ relation, catalog, table }: Target, command: PartitionCmd): readonly Alternative[] {
  const { name: partition, bound } = command;
  const key = table === null ? null : partitionKey(catalog, table);
  if (partition === undefined || bound === undefined || key === null) return [];
  const condition = fits(key, bound);
  if (condition === null) return [];
  const name = nameOf(partition, 'fits');
  const check: Node = {
    Constraint: {
      contype: 'CONSTR_CHECK',
      conname: name,
      is_enforced: true,
      skip_validation: true,
      raw_expr: condition,
    },
  };
  return [
    other('Prove with a CHECK first that the rows fit', [
      migrate(alterTable(partition, { subtype: 'AT_AddConstraint', def: check })),
      migrate(alterTable(partition, { subtype: 'AT_ValidateConstraint', name })),
      migrate(
        alterTable(relation, { subtype: 'AT_AttachPartition', def: { PartitionCmd: command } }),
        alterTable(partition, { subtype: 'AT_DropConstraint', name }),
      ),
    ]),
  ];
}

/** The one column or expression that the table is partitioned by, read from the catalog's line by the parser. */
function partitionKey(catalog: Catalog, { name }: Table): Node | null {
  const start = `partitioned table ${name} partition by `;
  const line = catalog.lines.find((each) => each.startsWith(start));
  if (line === undefined) return null;
  const tree = parseOne(`CREATE TABLE t () PARTITION BY ${line.slice(start.length)}`);
  const params = tree !== null && 'CreateStmt' in tree ? (tree.CreateStmt.partspec?.partParams ?? []) : [];
  const [only] = params;
  if (params.length !== 1 || only === undefined || !('PartitionElem' in only)) return null;
  const { name: named, expr } = only.PartitionElem;
  return expr ?? (named === undefined ? null : column(named));
}

function fits(key: Node, bound: PartitionBoundSpec): Node | null {
  if (bound.is_default === true) return null;
  if (bound.strategy === 'l') {
    const list = bound.listdatums ?? [];
    if (list.some((each) => 'A_Const' in each && each.A_Const.isnull === true)) return null;
    const among: Node = {
      A_Expr: { kind: 'AEXPR_IN', name: [string('=')], lexpr: key, rexpr: { List: { items: list } } },
    };
    return allOf([isNotNull(key), among]) ?? null;
  }
  if (bound.strategy !== 'r') return null;
  const [[lower], [upper]] = [bound.lowerdatums ?? [], bound.upperdatums ?? []];
  const limits = [
    ...(lower === undefined || isUnbounded(lower) ? [] : [operator('>=', key, lower)]),
    ...(upper === undefined || isUnbounded(upper) ? [] : [operator('<', key, upper)]),
  ];
  return allOf([isNotNull(key), ...limits]) ?? null;
}

/** MINVALUE and MAXVALUE are column names to the parser. */
function isUnbounded(node: Node): boolean {
  return 'ColumnRef' in node;
}

/** An index of a partitioned table can't be built concurrently, but those of its partitions can, one by one. */
export function partitionedIndex(catalog: Catalog, table: Table, index: IndexStmt): readonly Alternative[] {
  const { relation, idxname } = index;
  const partitions = catalog.tables
    .filter(({ partitionOf }) => partitionOf === table.name)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (relation === undefined || idxname === undefined || partitions.some(({ partitioned }) => partitioned)) return [];
  // ONLY is the lack of `inh`.
  const { inh: _inh, ...parent } = relation;
  const builds = partitions.map((partition) => {
    const owner: RangeVar = {
      relname: partition.relation,
      schemaname: partition.schema,
      inh: true,
      relpersistence: 'p',
    };
    const name = nameOf(owner, ...(index.indexParams ?? []).map(elementName), 'idx');
    return { owner, name, sql: write({ IndexStmt: { ...index, relation: owner, idxname: name, concurrent: true } }) };
  });
  const schemaname = tableOf(catalog, relation)?.schema ?? 'public';
  const attach = builds.map(({ name, owner }) =>
    write({
      AlterTableStmt: {
        relation: { relname: idxname, schemaname, inh: true, relpersistence: 'p' },
        objtype: 'OBJECT_INDEX',
        cmds: [
          {
            AlterTableCmd: {
              subtype: 'AT_AttachPartition',
              def: { PartitionCmd: { name: { ...owner, relname: name } } },
              behavior: 'DROP_RESTRICT',
            },
          },
        ],
      },
    }),
  );
  return [
    other('Build the index of each partition concurrently, then attach them', [
      migrate(write({ IndexStmt: { ...index, relation: parent } })),
      ...builds.map(({ sql }) => alone(sql)),
      migrate(...attach),
    ]),
  ];
}

function elementName(node: Node): string {
  return 'IndexElem' in node ? (node.IndexElem.name ?? 'expr') : 'expr';
}
