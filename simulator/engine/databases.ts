/**
 * Further databases, as one Postgres has them: each is a namespace of its own, and a statement that runs there says so
 * in front of its text. Only the namespace is then searched, so that a name of another database is as unknown as it
 * would be on another server. All contents stay one content, and all catalogs one schema.
 */
import { quoteIdent } from './catalog.ts';

const open = '/*cutover:on ';
const close = '*/';

/** The text of a statement that runs in this further database; null: the first one. */
export function inDatabase(database: string | null, sql: string): string {
  // No comment ends in a name.
  return database === null ? sql : `${open}${encodeURIComponent(database).replaceAll('*', '%2A')}${close}${sql}`;
}

/** The reverse. */
export function splitDatabase(text: string): { readonly database: string | null; readonly sql: string } {
  if (!text.startsWith(open)) return { database: null, sql: text };
  const end = text.indexOf(close);
  return {
    database: decodeURIComponent(text.slice(open.length, end)),
    sql: text.slice(end + close.length),
  };
}

const marks = /\/\*cutover:on ([^*]*)\*\//g;

/** One or more statements without what says where they run. */
export function withoutDatabase(text: string): string {
  return text.replaceAll(marks, '');
}

/** The same for readers, who want to know it. */
export function shownDatabase(text: string): string {
  return text.replaceAll(marks, (_, name: string) => `-- on ${decodeURIComponent(name)}\n`);
}

export function createDatabase(name: string): string {
  return `CREATE SCHEMA ${quoteIdent(name)}`;
}

export function searchDatabase(database: string | null): string {
  return `SET search_path TO ${database === null ? 'public' : quoteIdent(database)}`;
}
