/**
 * The tables of a plan with their columns, over its whole length: those of `database.schema`, and what its migrations add, rename
 * and drop. Read from parse trees, statement by statement, so that one that is half typed hides no other.
 */
import { parseSync } from 'libpg-query';
import { body, isNode, list, strings, text as textIn, type Node } from '../../../simulator/plan/ast.ts';
import { lexSql } from '../../../simulator/plan/lexer.ts';

export interface Column {
  readonly name: string;
  /** As the DDL says it, without what is said of lengths; empty where it is not known. */
  readonly type: string;
  /** The step that adds it; null if it is there from the start. */
  readonly addedBy: string | null;
  /** The step that drops it, or renames it; null if it stays. */
  readonly droppedBy: string | null;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly addedBy: string | null;
  readonly droppedBy: string | null;
}

/** DDL, and the step that runs it; null for the schema at the start. */
export interface Ddl {
  readonly text: string;
  readonly step: string | null;
}

interface Growing {
  name: string;
  columns: Column[];
  addedBy: string | null;
  droppedBy: string | null;
}

/** A larger schema is read in part; its tables come first in any dump. */
const mostStatements = 5000;

/** To be called once the parser is loaded. */
export function tablesOfPlan(scripts: readonly Ddl[]): readonly Table[] {
  const tables = new Tables();
  for (const { text, step } of scripts) for (const statement of statementsOf(text)) tables.read(statement, step);
  return tables.all();
}

/** The parse tree of each statement that has one. */
function statementsOf(text: string): readonly Node[] {
  const lexed = lexSql(text);
  if (!lexed.ok) return [];
  const ends = lexed.tokens.filter(({ start, end }) => text.slice(start, end) === ';').map(({ start }) => start);
  const starts = [0, ...ends.map((end) => end + 1)].slice(0, mostStatements);
  return starts.flatMap((start, index) => {
    try {
      return list(parseSync(text.slice(start, ends[index] ?? text.length)).stmts).flatMap((raw) =>
        isNode(raw) && isNode(raw['stmt']) ? [raw['stmt']] : [],
      );
    } catch {
      return [];
    }
  });
}

class Tables {
  private readonly byName = new Map<string, Growing>();

  all(): readonly Table[] {
    return [...this.byName.values()];
  }

  read(statement: Node, step: string | null): void {
    const create = body(statement, 'CreateStmt');
    const alter = body(statement, 'AlterTableStmt');
    const rename = body(statement, 'RenameStmt');
    const drop = body(statement, 'DropStmt');
    const view = body(statement, 'ViewStmt');
    const copy = body(statement, 'CreateTableAsStmt');
    if (create !== null) this.create(create, step);
    if (alter !== null) this.alter(alter, step);
    if (rename !== null) this.rename(rename, step);
    if (drop !== null) this.drop(drop, step);
    if (view !== null) this.derive(view['view'], view['query'], list(view['aliases']), step);
    const into = copy === null ? null : copy['into'];
    if (copy !== null && isNode(into)) this.derive(into['rel'], copy['query'], list(into['colNames']), step);
  }

  private add(name: string | null, columns: readonly Column[], step: string | null): void {
    if (name === null) return;
    this.byName.set(name, { name, columns: [...columns], addedBy: step, droppedBy: null });
  }

  private create(node: Node, step: string | null): void {
    const parents = list(node['inhRelations']).flatMap((parent) => this.columnsOf(body(parent, 'RangeVar')));
    const own = list(node['tableElts']).flatMap((element) => {
      const like = body(element, 'TableLikeClause');
      if (like !== null) return this.columnsOf(like['relation']);
      const column = columnOf(body(element, 'ColumnDef'), step);
      return column === null ? [] : [column];
    });
    this.add(relationName(node['relation']), [...parents, ...own], step);
  }

  private alter(node: Node, step: string | null): void {
    const table = this.byName.get(relationName(node['relation']) ?? '');
    if (table === undefined) return;
    for (const command of list(node['cmds']).map((each) => body(each, 'AlterTableCmd'))) {
      if (command === null) continue;
      const added = command['subtype'] === 'AT_AddColumn' ? columnOf(body(command['def'], 'ColumnDef'), step) : null;
      if (added !== null) put(table, added);
      if (command['subtype'] === 'AT_DropColumn') end(table, textIn(command['name']), step);
    }
  }

  private rename(node: Node, step: string | null): void {
    const table = this.byName.get(relationName(node['relation']) ?? '');
    const [from, to] = [textIn(node['subname']), textIn(node['newname'])];
    if (table === undefined || to === null) return;
    if (node['renameType'] === 'OBJECT_TABLE' || node['renameType'] === 'OBJECT_VIEW') {
      table.droppedBy = step;
      this.add(to, table.columns, step);
    }
    const column = table.columns.find(({ name, droppedBy }) => name === from && droppedBy === null);
    if (node['renameType'] !== 'OBJECT_COLUMN' || column === undefined) return;
    end(table, from, step);
    put(table, { ...column, name: to, addedBy: step, droppedBy: null });
  }

  private drop(node: Node, step: string | null): void {
    if (node['removeType'] !== 'OBJECT_TABLE' && node['removeType'] !== 'OBJECT_VIEW') return;
    for (const object of list(node['objects'])) {
      const table = this.byName.get(strings(body(object, 'List')?.['items']).at(-1) ?? '');
      if (table !== undefined) table.droppedBy = step;
    }
  }

  /** A view, or a table made of a query: the names of its columns, where the query says them. */
  private derive(relation: unknown, query: unknown, aliases: readonly unknown[], step: string | null): void {
    const named = aliases.flatMap((alias) => textIn(body(alias, 'String')?.['sval']) ?? []);
    const select = body(query, 'SelectStmt');
    const targets = list(select?.['targetList']).flatMap((target) => this.targetNames(target, select ?? {}));
    const names = targets.map((name, index) => named[index] ?? name);
    const plain = (name: string): Column => ({ name, type: '', addedBy: step, droppedBy: null });
    this.add(relationName(relation), (names.length > 0 ? names : named).map(plain), step);
  }

  private targetNames(target: unknown, select: Node): readonly string[] {
    const result = body(target, 'ResTarget');
    const fields = list(body(result?.['val'], 'ColumnRef')?.['fields']);
    if (fields.some((field) => body(field, 'A_Star') !== null))
      return list(select['fromClause']).flatMap((from) =>
        this.columnsOf(body(from, 'RangeVar')).map(({ name }) => name),
      );
    const name = textIn(result?.['name']) ?? strings(fields).at(-1) ?? null;
    return name === null ? [] : [name];
  }

  private columnsOf(relation: unknown): readonly Column[] {
    const table = this.byName.get(relationName(relation) ?? '');
    return (table?.columns ?? []).filter(({ droppedBy }) => droppedBy === null);
  }
}

/** A column that comes back after it was dropped is there again. */
function put(table: Growing, column: Column): void {
  table.columns = [...table.columns.filter(({ name }) => name !== column.name), column];
}

function end(table: Growing, name: string | null, step: string | null): void {
  table.columns = table.columns.map((each) => (each.name === name ? { ...each, droppedBy: step } : each));
}

function relationName(relation: unknown): string | null {
  return isNode(relation) ? textIn((body(relation, 'RangeVar') ?? relation)['relname']) : null;
}

function columnOf(definition: Node | null, step: string | null): Column | null {
  const name = textIn(definition?.['colname']);
  if (definition === null || name === null) return null;
  const type = isNode(definition['typeName']) ? typeText(definition['typeName']) : '';
  return { name, type, addedBy: step, droppedBy: null };
}

const plainTypes: Readonly<Record<string, string>> = {
  int4: 'integer',
  int8: 'bigint',
  int2: 'smallint',
  bool: 'boolean',
  float8: 'double precision',
  float4: 'real',
  bpchar: 'char',
};

function typeText(type: Node): string {
  const name = strings(type['names']).at(-1) ?? '';
  return `${plainTypes[name] ?? name}${'[]'.repeat(list(type['arrayBounds']).length)}`;
}
