/**
 * Requests that can't affect each other are searched apart: two requests belong together when they use the
 * same table, or tables that a foreign key, a partition, a check or a statement ties together. What goes on
 * in one group then can't be seen in another, and the search of each is complete for itself.
 */
import type { Catalog } from '../engine/engine.ts';
import type { Plan, RollbackStep, Statement, Step } from '../plan/model.ts';
import { streamStatements } from '../plan/statements.ts';

/** Groups of request names; one group with all where ties can't be read (triggers, views, functions). */
export function requestGroups(plan: Plan, catalogs: Iterable<Catalog>): readonly ReadonlySet<string>[] {
  const names = [...new Set(plan.versions.flatMap((v) => [...v.requests.keys()]))];
  const ties = new Ties();
  for (const catalog of catalogs) {
    if (isOpaque(catalog)) return [new Set(names)];
    for (const table of catalog.tables) {
      for (const fk of table.foreignKeys) ties.join([table.relation, fk.table.split('.').pop() ?? fk.table]);
      if (table.partitionOf !== null)
        ties.join([table.relation, table.partitionOf.split('.').pop() ?? table.partitionOf]);
    }
  }
  for (const step of plan.steps) {
    const groups = stepTables(step);
    if (groups === null) return [new Set(names)];
    for (const tables of groups) ties.join(tables);
  }
  const tablesOf = (name: string): string[] =>
    plan.versions.flatMap((v) => v.requests.get(name)?.statements.flatMap(tablesIn) ?? []);
  for (const name of names) ties.join(tablesOf(name));
  const groups = new Map<string, Set<string>>();
  for (const name of names) {
    const table = tablesOf(name)[0];
    const key = table === undefined ? '' : ties.find(table);
    groups.set(key, (groups.get(key) ?? new Set()).add(name));
  }
  return [...groups.values()];
}

function isOpaque(catalog: Catalog): boolean {
  return (
    catalog.hasTriggers ||
    catalog.views.length > 0 ||
    catalog.lines.some((l) => /^(function|procedure|rule|policy) /.test(l))
  );
}

function tablesIn(statement: Statement): string[] {
  return statement.tables.map((t) => t.table);
}

/** Tables that each statement of a step ties together; null when a statement's tables can't be read. */
function stepTables(step: Step | RollbackStep): readonly (readonly string[])[] | null {
  const own = ownTables(step);
  if (own === null) return null;
  if (step.rollback.kind === 'sql') return readable(step.rollback.sql.statements, own);
  if (step.rollback.kind !== 'steps') return own;
  const all: (readonly string[])[] = [...own];
  for (const part of step.rollback.steps) {
    const tables = stepTables(part);
    if (tables === null) return null;
    all.push(...tables);
  }
  return all;
}

function ownTables(step: Step | RollbackStep): readonly (readonly string[])[] | null {
  switch (step.kind) {
    case 'migrate':
      return readable(step.sql.statements, []);
    case 'deploy':
      return [];
    case 'backfill': {
      const { form } = step;
      if (form.kind === 'list') return readable(form.statements, []);
      // What a script reads goes into what it writes.
      if (form.kind === 'script') return [[form.read, ...form.write].flatMap(tablesIn)];
      return readable([form.statement], []);
    }
    case 'cdc':
      return step.action === 'stop'
        ? []
        : [[step.stream.table.table, ...streamStatements(step.stream).flatMap(tablesIn)]];
    case 'verify':
      return step.checks.map((c) => (c.kind === 'equal' ? c.queries.flatMap(tablesIn) : tablesIn(c.query)));
  }
}

function readable(
  statements: readonly Statement[],
  before: readonly (readonly string[])[],
): readonly (readonly string[])[] | null {
  if (statements.some((s) => s.node === 'DoStmt' || s.node === 'CallStmt')) return null;
  return [...before, ...statements.map(tablesIn)];
}

/** Sets of names that are tied together (union and find). */
class Ties {
  private readonly parents = new Map<string, string>();

  find(name: string): string {
    const parent = this.parents.get(name) ?? name;
    return parent === name ? name : this.find(parent);
  }

  join(names: readonly string[]): void {
    const [first, ...rest] = names;
    if (first === undefined) return;
    for (const name of rest) this.parents.set(this.find(name), this.find(first));
  }
}
