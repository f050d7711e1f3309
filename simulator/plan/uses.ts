/**
 * Where values go: which column each parameter is compared with or written to, and what a column is written from. Aliases,
 * CTEs and subqueries are followed to the tables behind them.
 */
import { body, isNode, list, strings, tableRef, tagged, text, throughCasts } from './ast.ts';
import type { Node } from './ast.ts';
import type { ColumnWrite, ParamUse, TableRef } from './model.ts';

interface Origin {
  readonly tables: readonly TableRef[];
  readonly column: string;
}

/** What a query gives: columns by name with where they come from, and tables of which it gives everything. */
interface Derived {
  readonly outputs: ReadonlyMap<string, Origin>;
  readonly stars: readonly TableRef[];
}

interface Source {
  readonly alias: string;
  readonly derived: Derived;
}

interface Scope {
  readonly sources: Source[];
  readonly ctes: ReadonlyMap<string, Derived>;
  readonly parent: Scope | null;
}

/** What a value is made of. */
interface Made {
  readonly params: Set<string>;
  readonly columns: Map<string, Origin>;
}

const nothing: Derived = { outputs: new Map(), stars: [] };
const flipped: Readonly<Record<string, string>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** The parameter at a place of the tree, or null where there is none. */
export type ParamAt = (location: number) => string | null;

class UseFinder {
  private readonly found = new Map<string, ParamUse>();
  private readonly written = new Map<string, ColumnWrite>();

  constructor(private readonly paramAt: ParamAt) {}

  uses(): readonly ParamUse[] {
    return [...this.found.values()];
  }

  writes(): readonly ColumnWrite[] {
    return [...this.written.values()];
  }

  statement(tag: string, node: Node, parent: Scope | null): Derived {
    switch (tag) {
      case 'SelectStmt':
        return this.query(node, parent);
      case 'InsertStmt':
        return this.insert(node, parent);
      case 'UpdateStmt':
        return this.update(node, parent);
      case 'DeleteStmt':
        return this.remove(node, parent);
      case 'MergeStmt':
        return this.merge(node, parent);
      default:
        this.expression(node, parent ?? { sources: [], ctes: new Map(), parent: null });
        return nothing;
    }
  }

  private add(param: string, origin: Origin, operator: string): void {
    const use: ParamUse = { param, tables: origin.tables, column: origin.column, operator };
    this.found.set(JSON.stringify(use), use);
  }

  /** A value that a column is given. */
  private write(table: TableRef, column: string | null, value: unknown, scope: Scope): void {
    if (column === null) return;
    const bare = throughCasts(value);
    const plain = body(bare, 'ParamRef') !== null || body(bare, 'ColumnRef') !== null;
    const made: Made = { params: new Set(), columns: new Map() };
    this.madeOf(value, scope, made);
    const isAll = [...made.columns.values()].some((origin) => origin.column === '*');
    const [params, columns] = [[...made.params], [...made.columns.values()]];
    const write: ColumnWrite = { table, column: isAll ? '*' : column, params, columns, plain };
    this.written.set(JSON.stringify(write), write);
  }

  /** Of a subquery, what it gives: not what it chooses rows by. */
  private madeOf(value: unknown, scope: Scope, made: Made): void {
    if (Array.isArray(value)) for (const item of value) this.madeOf(item, scope, made);
    if (!isNode(value)) return;
    const select = body(value, 'SelectStmt');
    const reference = body(value, 'ColumnRef');
    const param = body(value, 'ParamRef') === null ? null : this.param(value);
    if (param !== null) made.params.add(param);
    if (reference !== null) {
      const origin = columnOrAll(strings(reference['fields']), scope);
      if (origin !== null) made.columns.set(JSON.stringify(origin), origin);
    } else if (select === null) this.madeOf(Object.values(value), scope, made);
    else this.madeOf(select['targetList'], this.scopeOf(select, scope), made);
  }

  /** Where the names in the list of a query are looked for. */
  private scopeOf(select: Node, parent: Scope): Scope {
    const scope = this.enter(select, parent);
    for (const item of list(select['fromClause'])) this.from(item, scope);
    return scope;
  }

  private param(value: unknown): string | null {
    const reference = body(throughCasts(value), 'ParamRef');
    const location = reference?.['location'];
    // Offset 0 is left out of the JSON.
    return reference === null ? null : this.paramAt(typeof location === 'number' ? location : 0);
  }

  /** A new scope in which the WITH of a statement is known. */
  private enter(node: Node, parent: Scope | null): Scope {
    const ctes = new Map(parent?.ctes);
    const clause = isNode(node['withClause']) ? node['withClause'] : {};
    for (const item of list(clause['ctes'])) {
      const cte = body(item, 'CommonTableExpr');
      const name = text(cte?.['ctename']);
      const query = tagged(cte?.['ctequery']);
      if (name === null || query === null) continue;
      if (clause['recursive'] === true) ctes.set(name, nothing);
      const derived = this.statement(query.tag, query.body, { sources: [], ctes, parent });
      ctes.set(name, renamed(derived, strings(cte?.['aliascolnames'])));
    }
    return { sources: [], ctes, parent };
  }

  private query(node: Node, parent: Scope | null): Derived {
    const scope = this.enter(node, parent);
    if (isNode(node['larg']) && isNode(node['rarg'])) {
      const left = this.query(node['larg'], scope);
      this.query(node['rarg'], scope);
      return left;
    }
    const conditions = list(node['fromClause']).flatMap((item) => this.from(item, scope));
    for (const condition of conditions) this.expression(condition, scope);
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'fromClause' && key !== 'withClause') this.expression(value, scope);
    }
    return outputsOf(list(node['targetList']), scope);
  }

  /** Adds the sources of a FROM item; gives the join conditions, which see sources that come later. */
  private from(item: unknown, scope: Scope): readonly unknown[] {
    const node = tagged(item);
    if (node === null) return [];
    const alias = isNode(node.body['alias']) ? node.body['alias'] : null;
    switch (node.tag) {
      case 'RangeVar':
        this.addTable(node.body, scope);
        return [];
      case 'RangeSubselect': {
        const query = tagged(node.body['subquery']);
        const outer = node.body['lateral'] === true ? scope : { ...scope, sources: [] };
        const derived = query === null ? nothing : this.statement(query.tag, query.body, outer);
        scope.sources.push({
          alias: text(alias?.['aliasname']) ?? '',
          derived: renamed(derived, strings(alias?.['colnames'])),
        });
        return [];
      }
      case 'JoinExpr':
        return [...this.from(node.body['larg'], scope), ...this.from(node.body['rarg'], scope), node.body['quals']];
      case 'RangeTableSample':
        return this.from(node.body['relation'], scope);
      default:
        scope.sources.push({ alias: text(alias?.['aliasname']) ?? '', derived: nothing });
        return [node.body];
    }
  }

  private addTable(range: Node, scope: Scope, isTarget = false): void {
    const ref = tableRef(range);
    if (ref === null) return;
    const alias = (isNode(range['alias']) ? text(range['alias']['aliasname']) : null) ?? ref.table;
    const cte = ref.schema === null && !isTarget ? scope.ctes.get(ref.table) : undefined;
    scope.sources.push({ alias, derived: cte ?? { outputs: new Map(), stars: [ref] } });
  }

  private target(node: Node, scope: Scope): TableRef | null {
    const range = isNode(node['relation']) ? node['relation'] : null;
    if (range !== null) this.addTable(range, scope, true);
    return range === null ? null : tableRef(range);
  }

  private insert(node: Node, parent: Scope | null): Derived {
    const scope = this.enter(node, parent);
    const table = isNode(node['relation']) ? tableRef(node['relation']) : null;
    const columns = list(node['cols']).map((column) => text(body(column, 'ResTarget')?.['name']));
    const select = body(node['selectStmt'], 'SelectStmt');
    if (select !== null && table !== null) {
      this.inserted(select, table, columns, scope);
      this.query(select, scope);
    }
    const inner: Scope = { ...scope, sources: [] };
    this.target(node, inner);
    if (table !== null) inner.sources.push({ alias: 'excluded', derived: { outputs: new Map(), stars: [table] } });
    const conflict = isNode(node['onConflictClause']) ? node['onConflictClause'] : {};
    this.assignments(list(conflict['targetList']), table, inner);
    this.expression(conflict['whereClause'], inner);
    return this.returning(node, { ...inner, sources: inner.sources.slice(0, 1) });
  }

  /** Values by position. Without a column list the table's order decides, which only the catalog knows: `#1`, `#2`, … */
  private inserted(select: Node, table: TableRef, columns: readonly (string | null)[], parent: Scope): void {
    const scope = this.scopeOf(select, parent);
    for (const side of ['larg', 'rarg']) {
      const part = select[side];
      if (isNode(part)) this.inserted(part, table, columns, scope);
    }
    const rows = list(select['valuesLists']).map((row) => list(body(row, 'List')?.['items']));
    const selected = list(select['targetList']).map((item) => body(item, 'ResTarget')?.['val']);
    for (const row of selected.length > 0 ? [...rows, selected] : rows) {
      for (const [index, value] of row.entries()) {
        const param = this.param(value);
        const column = columns.length === 0 ? `#${index + 1}` : (columns[index] ?? null);
        if (param !== null && column !== null) this.add(param, { tables: [table], column }, 'assign');
        this.write(table, column, value, scope);
      }
    }
  }

  private assignments(targets: readonly unknown[], table: TableRef | null, scope: Scope): void {
    for (const item of targets) {
      const target = body(item, 'ResTarget');
      const column = text(target?.['name']);
      const multiple = body(target?.['val'], 'MultiAssignRef');
      const index = multiple?.['colno'];
      const values = list(body(multiple?.['source'], 'RowExpr')?.['args']);
      const value = typeof index === 'number' ? values[index - 1] : target?.['val'];
      const param = this.param(value);
      const indirect = list(target?.['indirection']).length > 0;
      if (param !== null && column !== null && table !== null && !indirect)
        this.add(param, { tables: [table], column }, 'assign');
      // Of `(a, b) = (SELECT …)` either may be made of all that is selected.
      if (table !== null) this.write(table, column, value ?? multiple?.['source'], scope);
      this.expression(target?.['val'], scope);
    }
  }

  private update(node: Node, parent: Scope | null): Derived {
    const scope = this.enter(node, parent);
    const table = this.target(node, scope);
    const conditions = list(node['fromClause']).flatMap((item) => this.from(item, scope));
    for (const condition of conditions) this.expression(condition, scope);
    this.assignments(list(node['targetList']), table, scope);
    this.expression(node['whereClause'], scope);
    return this.returning(node, scope);
  }

  private remove(node: Node, parent: Scope | null): Derived {
    const scope = this.enter(node, parent);
    this.target(node, scope);
    const conditions = list(node['usingClause']).flatMap((item) => this.from(item, scope));
    for (const condition of conditions) this.expression(condition, scope);
    this.expression(node['whereClause'], scope);
    return this.returning(node, scope);
  }

  private merge(node: Node, parent: Scope | null): Derived {
    const scope = this.enter(node, parent);
    const table = this.target(node, scope);
    for (const condition of this.from(node['sourceRelation'], scope)) this.expression(condition, scope);
    this.expression(node['joinCondition'], scope);
    for (const item of list(node['mergeWhenClauses'])) {
      const clause = body(item, 'MergeWhenClause') ?? {};
      const columns = list(clause['targetList']).map((column) => text(body(column, 'ResTarget')?.['name']));
      const values = list(clause['values']);
      for (const [index, value] of values.entries()) {
        const param = this.param(value);
        const column = columns.length === 0 ? `#${index + 1}` : (columns[index] ?? null);
        if (param !== null && column !== null && table !== null) this.add(param, { tables: [table], column }, 'assign');
        if (table !== null) this.write(table, column, value, scope);
      }
      this.assignments(list(clause['targetList']), table, scope);
      this.expression([values, clause['condition']], scope);
    }
    return this.returning(node, scope);
  }

  private returning(node: Node, scope: Scope): Derived {
    const clause = isNode(node['returningClause']) ? node['returningClause'] : {};
    const targets = [...list(clause['exprs']), ...list(node['returningList'])];
    this.expression(targets, scope);
    return outputsOf(targets, scope);
  }

  private expression(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) {
      for (const item of value) this.expression(item, scope);
      return;
    }
    if (!isNode(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (isNode(inner) && /^(Select|Insert|Update|Delete|Merge)Stmt$/.test(key)) {
        this.statement(key, inner, scope);
        continue;
      }
      if (key === 'A_Expr' && isNode(inner)) this.comparison(inner, scope);
      this.expression(inner, scope);
    }
  }

  private comparison(node: Node, scope: Scope): void {
    const operator = strings(node['name']).at(-1) ?? '';
    const left = node['lexpr'];
    const right = node['rexpr'];
    const items = list(body(right, 'List')?.['items']);
    switch (node['kind']) {
      case 'AEXPR_OP':
        if (flipped[operator] !== undefined) this.compared(left, right, operator, scope);
        return;
      case 'AEXPR_NOT_DISTINCT':
        this.compared(left, right, '=', scope);
        return;
      case 'AEXPR_IN':
        if (operator === '=') for (const item of items) this.pair(left, item, 'IN', scope);
        return;
      case 'AEXPR_BETWEEN':
      case 'AEXPR_BETWEEN_SYM':
        this.pair(left, items[0], 'BETWEEN-low', scope);
        this.pair(left, items[1], 'BETWEEN-high', scope);
        // `:p BETWEEN low AND high`: the parameter is at least the one and at most the other.
        this.pair(items[0], left, '<=', scope);
        this.pair(items[1], left, '>=', scope);
    }
  }

  /** `col op :p` or `:p op col`, or rows of them. */
  private compared(left: unknown, right: unknown, operator: string, scope: Scope): void {
    const lefts = list(body(left, 'RowExpr')?.['args']);
    const rights = list(body(right, 'RowExpr')?.['args']);
    if (lefts.length > 0 && lefts.length === rights.length) {
      for (const [index, item] of lefts.entries()) this.compared(item, rights[index], operator, scope);
      return;
    }
    this.pair(left, right, operator, scope);
    const back = flipped[operator] ?? operator;
    this.pair(right, left, back, scope);
  }

  private pair(column: unknown, param: unknown, operator: string, scope: Scope): void {
    const name = this.param(param);
    const reference = body(throughCasts(column), 'ColumnRef');
    if (name === null || reference === null) return;
    const origin = resolve(strings(reference['fields']), scope);
    if (origin !== null) this.add(name, origin, operator);
  }
}

/** Gives a derived table the column names of its alias: `AS t (a, b)`. */
function renamed(derived: Derived, names: readonly (string | null)[]): Derived {
  if (names.length === 0) return derived;
  const outputs = [...derived.outputs.entries()].map(([name, origin], index): [string, Origin] => [
    names[index] ?? name,
    origin,
  ]);
  return { outputs: new Map(outputs), stars: derived.stars };
}

function originIn(source: Source, column: string): Origin | null {
  const output = source.derived.outputs.get(column);
  if (output !== undefined) return output;
  return source.derived.stars.length === 0 ? null : { tables: source.derived.stars, column };
}

/** A qualified column is found by its alias; another may belong to any table in scope, the innermost first. */
function resolve(fields: readonly (string | null)[], scope: Scope): Origin | null {
  const column = fields.at(-1);
  const qualifier = fields.at(-2);
  if (column === undefined || column === null) return null;
  const origins: Origin[] = [];
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (typeof qualifier === 'string') {
      const source = at.sources.find(({ alias }) => alias === qualifier);
      if (source !== undefined) return originIn(source, column);
    } else {
      // `excluded` has the columns of the target, but is only meant where it is said.
      origins.push(
        ...at.sources.filter(({ alias }) => alias !== 'excluded').flatMap((source) => originIn(source, column) ?? []),
      );
    }
  }
  const [first] = origins;
  if (first === undefined) return null;
  const tables = origins.filter((origin) => origin.column === first.column).flatMap((origin) => origin.tables);
  return { tables: unique(tables), column: first.column };
}

function unique(tables: readonly TableRef[]): readonly TableRef[] {
  return [...new Map(tables.map((ref) => [JSON.stringify([ref.schema, ref.table]), ref])).values()];
}

function outputsOf(targets: readonly unknown[], scope: Scope): Derived {
  const outputs = new Map<string, Origin>();
  const stars: TableRef[] = [];
  for (const item of targets) {
    const target = body(item, 'ResTarget');
    const reference = body(throughCasts(target?.['val']), 'ColumnRef');
    if (reference === null) continue;
    const fields = strings(reference['fields']);
    const last = fields.at(-1);
    if (typeof last === 'string') {
      const origin = resolve(fields, scope);
      if (origin !== null) outputs.set(text(target?.['name']) ?? last, origin);
      continue;
    }
    const qualifier = fields.at(-2);
    for (const source of scope.sources.filter(({ alias }) => typeof qualifier !== 'string' || alias === qualifier)) {
      for (const [name, origin] of source.derived.outputs) outputs.set(name, origin);
      stars.push(...source.derived.stars);
    }
  }
  return { outputs, stars: unique(stars) };
}

/** A column, or all that the sources of a star have: `*`. */
function columnOrAll(fields: readonly (string | null)[], scope: Scope): Origin | null {
  if (fields.at(-1) !== null) return resolve(fields, scope);
  const qualifier = fields.at(-2);
  const meant = scope.sources.filter(({ alias }) => typeof qualifier !== 'string' || alias === qualifier);
  return { tables: unique(meant.flatMap(({ derived }) => derived.stars)), column: '*' };
}

export function usesOf(
  tag: string,
  node: Node,
  paramAt: ParamAt,
): { readonly paramUses: readonly ParamUse[]; readonly writes: readonly ColumnWrite[] } {
  const finder = new UseFinder(paramAt);
  finder.statement(tag, node, null);
  return { paramUses: finder.uses(), writes: finder.writes() };
}
