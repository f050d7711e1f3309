/** What a statement's parse tree says: which tables, columns and functions it names, and what Postgres lets be done with it. */
import { body, isNode, list, strings, tableRef, text } from './ast.ts';
import type { Node } from './ast.ts';
import type { Statement, TableRef } from './model.ts';

export type Facts = Pick<
  Statement,
  | 'node'
  | 'returnsRows'
  | 'ordered'
  | 'sortBy'
  | 'modifies'
  | 'functions'
  | 'tables'
  | 'columns'
  | 'target'
  | 'renamesTo'
  | 'nullTests'
  | 'skipsConflicts'
  | 'transactional'
>;

interface Found {
  readonly functions: Set<string>;
  readonly columns: Set<string>;
  readonly tables: Map<string, TableRef>;
  modifies: boolean;
}

const modifying = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
const droppedRelations = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);
/** In these the relation that is named is an index or a sequence, not a table. */
const otherObjects = new Set(['OBJECT_INDEX', 'OBJECT_SEQUENCE', 'REINDEX_OBJECT_INDEX']);
/** Sub-commands of ALTER TABLE whose name is a column's; of the others it is a constraint's, a trigger's or an owner's. */
const columnCommand = /Column|NotNull|Identity|Expression|Statistics|Storage|Compression/;

function addTable(found: Found, ref: TableRef | null): void {
  if (ref !== null) found.tables.set(JSON.stringify([ref.schema, ref.table]), ref);
}

function addColumns(found: Found, names: readonly (string | null)[]): void {
  for (const name of names) if (name !== null) found.columns.add(name.toLowerCase());
}

/** Names of columns that are not column references: definitions, targets, keys. */
function definedColumns(tag: string, node: Node): readonly (string | null)[] {
  const targets = (items: unknown): (string | null)[] =>
    list(items).map((item) => text(body(item, 'ResTarget')?.['name']));
  switch (tag) {
    case 'ColumnDef':
      return [text(node['colname'])];
    case 'IndexElem':
      return [text(node['name'])];
    case 'AlterTableCmd':
      return columnCommand.test(text(node['subtype']) ?? '') ? [text(node['name'])] : [];
    case 'Constraint':
      return ['keys', 'fk_attrs', 'pk_attrs'].flatMap((key) => strings(node[key]));
    case 'JoinExpr':
      return strings(node['usingClause']);
    case 'RenameStmt':
      return node['renameType'] === 'OBJECT_COLUMN' ? [text(node['subname']), text(node['newname'])] : [];
    case 'InsertStmt':
      return [
        ...targets(node['cols']),
        ...targets(isNode(node['onConflictClause']) ? node['onConflictClause']['targetList'] : []),
      ];
    case 'UpdateStmt':
    case 'MergeWhenClause':
      return targets(node['targetList']);
    default:
      return [];
  }
}

function visitTagged(found: Found, tag: string, node: Node): void {
  if (modifying.has(tag)) found.modifies = true;
  addColumns(found, definedColumns(tag, node));
  if (tag === 'FuncCall' || tag === 'CallStmt') {
    const call = tag === 'CallStmt' && isNode(node['funccall']) ? node['funccall'] : node;
    const name = strings(call['funcname']).at(-1);
    if (name !== undefined && name !== null) found.functions.add(name.toLowerCase());
  }
  if (tag === 'ColumnRef') {
    const fields = strings(node['fields']);
    addColumns(found, [fields.at(-1) ?? '*']);
  }
  if (tag === 'DropStmt' && droppedRelations.has(text(node['removeType']) ?? '')) {
    for (const object of list(node['objects'])) {
      const names = strings(body(object, 'List')?.['items']);
      const table = names.at(-1);
      if (table !== undefined && table !== null) addTable(found, { schema: names.at(-2) ?? null, table });
    }
  }
}

/** A CTE sees those before it, or all of them if the list is recursive; the query itself sees all. */
function visitWith(found: Found, clause: Node, known: ReadonlySet<string>): ReadonlySet<string> {
  const ctes = list(clause['ctes']).map((cte) => body(cte, 'CommonTableExpr') ?? {});
  const all = new Set([...known, ...ctes.flatMap((cte) => text(cte['ctename']) ?? [])]);
  const seen = new Set(known);
  for (const cte of ctes) {
    visit(found, cte['ctequery'], clause['recursive'] === true ? all : seen);
    const name = text(cte['ctename']);
    if (name !== null) seen.add(name);
  }
  return all;
}

const skippedKeys = new Set(['withClause', 'sequence']);

function visitBody(found: Found, node: Node, known: ReadonlySet<string>, tag: string | null): void {
  const ref = tableRef(node);
  if (ref !== null && !(ref.schema === null && known.has(ref.table))) addTable(found, ref);
  const ctes = isNode(node['withClause']) ? visitWith(found, node['withClause'], known) : known;
  const notATable = ['objtype', 'renameType', 'kind'].some((key) => otherObjects.has(text(node[key]) ?? ''));
  for (const [key, value] of Object.entries(node)) {
    if (skippedKeys.has(key) || (notATable && key === 'relation')) continue;
    // What is written to is a real table, even if a CTE has its name.
    visit(found, value, key === 'relation' && tag !== null && modifying.has(tag) ? new Set() : ctes);
  }
}

function visit(found: Found, value: unknown, ctes: ReadonlySet<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(found, item, ctes);
    return;
  }
  if (!isNode(value)) return;
  for (const [tag, inner] of Object.entries(value)) {
    if (isNode(inner) && /^[A-Z]/.test(tag)) {
      visitTagged(found, tag, inner);
      visitBody(found, inner, ctes, tag);
    }
  }
  if (Object.keys(value).every((key) => !/^[A-Z]/.test(key))) visitBody(found, value, ctes, null);
}

function returnsRows(tag: string, node: Node): boolean {
  if (tag === 'SelectStmt') return node['intoClause'] === undefined;
  if (modifying.has(tag)) return node['returningClause'] !== undefined || list(node['returningList']).length > 0;
  return ['ExplainStmt', 'VariableShowStmt', 'FetchStmt', 'ExecuteStmt'].includes(tag);
}

function targetOf(tag: string, node: Node): Statement['target'] {
  const table = modifying.has(tag) && isNode(node['relation']) ? tableRef(node['relation']) : null;
  if (table === null) return null;
  const inner =
    tag === 'MergeStmt' ? list(node['mergeWhenClauses']).map((clause) => body(clause, 'MergeWhenClause') ?? {}) : [];
  const columns = [
    ...definedColumns(tag, node),
    ...inner.flatMap((clause) => definedColumns('MergeWhenClause', clause)),
  ];
  // An INSERT without a list writes all columns, whatever its ON CONFLICT names.
  const all = tag === 'InsertStmt' && list(node['cols']).length === 0;
  return { table, columns: all ? [] : [...new Set(columns.filter((name) => name !== null))] };
}

const hasOption = (node: Node, name: string): boolean =>
  list(node['params'] ?? node['options']).some((option) => {
    const element = body(option, 'DefElem');
    return element?.['defname'] === name && !optionIsOff(element['arg']);
  });

/** `(CONCURRENTLY false)`: an option may be written out and switched off. */
function optionIsOff(value: unknown): boolean {
  const written = text(body(value, 'String')?.['sval'])?.toLowerCase();
  const off = isNode(body(value, 'Boolean')) && body(value, 'Boolean')?.['boolval'] !== true;
  return off || written === 'false' || written === 'off';
}

/** What Postgres refuses inside of a transaction block. */
function isTransactional(tag: string, node: Node): boolean {
  switch (tag) {
    case 'IndexStmt':
      return node['concurrent'] !== true;
    case 'DropStmt':
      return node['concurrent'] !== true;
    case 'ReindexStmt':
      return (
        !hasOption(node, 'concurrently') &&
        !['REINDEX_OBJECT_DATABASE', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_SCHEMA'].includes(
          text(node['kind']) ?? '',
        )
      );
    case 'VacuumStmt':
      return node['is_vacuumcmd'] !== true;
    case 'ClusterStmt':
      return isNode(node['relation']);
    case 'AlterTableStmt':
      return !list(node['cmds']).some((command) => {
        const partition = body(body(command, 'AlterTableCmd')?.['def'], 'PartitionCmd');
        return partition?.['concurrent'] === true;
      });
    default:
      return !['CreatedbStmt', 'DropdbStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt', 'AlterSystemStmt'].includes(
        tag,
      );
  }
}

/** Items of the ORDER BY up to the first that is an expression. */
function sortedBy(select: Node): (string | number)[] {
  const items: (string | number)[] = [];
  for (const entry of list(select['sortClause'])) {
    const item = sortItem(body(entry, 'SortBy')?.['node']);
    if (item === null) break;
    items.push(item);
  }
  return items;
}

function sortItem(node: unknown): string | number | null {
  const column = body(node, 'ColumnRef');
  if (column !== null) return text(body(list(column['fields']).at(-1), 'String')?.['sval']);
  const place = body(node, 'A_Const')?.['ival'];
  const value = isNode(place) ? place['ival'] : null;
  return typeof value === 'number' ? value : null;
}

/** Columns that are asked for being NULL, anywhere below a node. */
function nullTestsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(nullTestsIn);
  if (!isNode(value)) return [];
  const test = body(value, 'NullTest');
  if (test !== null && test['nulltesttype'] === 'IS_NULL') {
    const column = text(body(list(body(test['arg'], 'ColumnRef')?.['fields']).at(-1), 'String')?.['sval']);
    if (column !== null) return [column.toLowerCase()];
  }
  return Object.values(value).flatMap(nullTestsIn);
}

export function factsOf(tag: string, node: Node): Facts {
  const found: Found = { functions: new Set(), columns: new Set(), tables: new Map(), modifies: false };
  visit(found, { [tag]: node }, new Set());
  return {
    node: tag,
    returnsRows: returnsRows(tag, node),
    ordered: tag === 'SelectStmt' && list(node['sortClause']).length > 0,
    sortBy: tag === 'SelectStmt' ? sortedBy(node) : [],
    modifies: found.modifies,
    functions: [...found.functions],
    tables: [...found.tables.values()],
    columns: [...found.columns],
    target: targetOf(tag, node),
    renamesTo: tag === 'RenameStmt' && node['renameType'] === 'OBJECT_TABLE' ? text(node['newname']) : null,
    nullTests: [...new Set(nullTestsIn(node))],
    skipsConflicts: isNode(node['onConflictClause']) && node['onConflictClause']['action'] === 'ONCONFLICT_NOTHING',
    transactional: isTransactional(tag, node),
  };
}
