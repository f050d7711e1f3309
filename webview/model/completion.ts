/** What is offered while SQL is typed: the tables and columns that there are at a moment, and the words of SQL. */
import type { TableView } from '../../simulator/player/model.ts';

export interface Suggestion {
  readonly kind: 'column' | 'table' | 'keyword';
  readonly label: string;
  /** Where it belongs: `users`; for a table its columns. */
  readonly detail: string;
}

const keywords = [
  'SELECT', 'FROM', 'WHERE', 'AND', 'OR', 'NOT', 'NULL', 'IS', 'IN', 'LIKE', 'BETWEEN', 'EXISTS', 'DISTINCT', 'AS', 'ON',
  'JOIN', 'LEFT JOIN', 'INNER JOIN', 'GROUP BY', 'HAVING', 'ORDER BY', 'LIMIT', 'OFFSET', 'UNION', 'WITH', 'CASE', 'WHEN',
  'THEN', 'ELSE', 'END', 'INSERT INTO', 'VALUES', 'UPDATE', 'SET', 'DELETE FROM', 'RETURNING', 'IS DISTINCT FROM',
  'IS NOT NULL', 'IS NULL', 'count(*)', 'coalesce', 'ALTER TABLE', 'ADD COLUMN', 'DROP COLUMN', 'TRUE', 'FALSE',
]; // prettier-ignore

/** After these comes the name of a table. */
const beforeTable = /\b(?:from|join|update|into|table)\s+(?:only\s+)?[\w"]*$/i;
const qualified = /([\w"]+)\.[\w"]*$/;

/** The tables that are named, with the names given to them: `users u` → u: users. */
function aliases(sql: string, tables: readonly TableView[]): ReadonlyMap<string, TableView> {
  const named = new Map<string, TableView>();
  for (const table of tables) {
    const short = table.name.split('.').at(-1) ?? table.name;
    named.set(short, table);
    named.set(table.name, table);
    const uses = new RegExp(`\\b${short.replace(/\W/g, '\\$&')}"?\\s+(?:as\\s+)?([a-z_]\\w*)`, 'gi');
    for (const [, alias] of sql.matchAll(uses)) if (alias !== undefined) named.set(alias, table);
  }
  return named;
}

function columnsOf(table: TableView): Suggestion[] {
  return table.columns.map((label) => ({ kind: 'column', label, detail: table.name }));
}

function isNamed(sql: string, { name }: TableView): boolean {
  const short = name.split('.').at(-1) ?? name;
  return new RegExp(`\\b${short.replace(/\W/g, '\\$&')}\\b`, 'i').test(sql);
}

/** `before` is the text up to the cursor, `whole` all of it. */
export function suggestions(before: string, whole: string, tables: readonly TableView[]): readonly Suggestion[] {
  const owner = qualified.exec(before)?.[1]?.replaceAll('"', '');
  if (owner !== undefined) {
    const table = aliases(whole, tables).get(owner);
    return table === undefined ? [] : columnsOf(table);
  }
  const tableNames = tables.map(({ name, columns }): Suggestion => ({
    kind: 'table',
    label: name,
    detail: columns.join(', '),
  }));
  if (beforeTable.test(before)) return tableNames;
  // Columns of the tables that are named; of all, where none is yet.
  const used = tables.filter((table) => isNamed(whole, table));
  const columns = (used.length > 0 ? used : tables).flatMap(columnsOf);
  const words = keywords.map((label): Suggestion => ({ kind: 'keyword', label, detail: '' }));
  return [...columns, ...tableNames, ...words];
}
