/** What Postgres says of statements without running them. */
import { quoteLiteral } from './catalog.ts';
import type { Database } from './database.ts';
import { searchDatabase, splitDatabase } from './databases.ts';
import type { DescribedColumn, Description, DescriptionError, ParamTypes } from './engine.ts';
import type { Reply } from './protocol.ts';

export function describeStatements(db: Database, statements: readonly string[]): (Description | DescriptionError)[] {
  const replies = statements.map((sql) => parse(db, sql));
  const types = typeNames(
    db,
    replies.flatMap((reply) => (reply.fields ?? []).map((field) => field.type)),
  );
  const origins = originsOf(
    db,
    replies.flatMap((reply) => (reply.fields ?? []).map((field) => field.table)),
  );
  return replies.map((reply) => {
    if (reply.error !== null) return failed(reply);
    const columns = (reply.fields ?? []).map(({ name, type, table, attribute }) => ({
      name,
      type: types.get(type) ?? 'unknown',
      origin: origins.get(`${table}|${attribute}`) ?? null,
    }));
    return { ok: true, columns };
  });
}

export function parameterTypes(db: Database, statements: readonly string[]): (ParamTypes | DescriptionError)[] {
  const replies = statements.map((sql) => parse(db, sql));
  const types = typeNames(
    db,
    replies.flatMap((reply) => reply.parameters ?? []),
  );
  return replies.map((reply) => {
    if (reply.error !== null) return failed(reply);
    return { ok: true, types: (reply.parameters ?? []).map((oid) => types.get(oid) ?? 'unknown') };
  });
}

function parse(db: Database, sql: string): Reply {
  const { database } = splitDatabase(sql);
  if (database !== null) db.attempt(searchDatabase(database));
  const reply = db.extended((out) => out.parse('', sql).describe('').sync(), sql);
  if (database !== null) db.attempt('RESET search_path');
  return reply;
}

function failed({ error }: Reply): DescriptionError {
  return { ok: false, sqlstate: error?.sqlstate ?? 'XX000', message: error?.message ?? '' };
}

/** Columns of tables by `oid|number`, the tables named as in a content. */
function originsOf(db: Database, tables: readonly number[]): Map<string, NonNullable<DescribedColumn['origin']>> {
  const unique = [...new Set(tables)].filter((oid) => oid !== 0);
  if (unique.length === 0) return new Map();
  const reply = db.query(`
    SELECT c.oid, a.attnum, CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, a.attname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid IN (${unique.join(',')}) AND a.attnum > 0 AND NOT a.attisdropped`);
  return new Map(
    (reply.rows ?? []).map(([oid, number, table, column]) => [
      `${oid}|${number}`,
      { table: table ?? '', column: column ?? '' },
    ]),
  );
}

/** Names of base types, domains resolved: `int4`, `text`, `int4[]`. */
function typeNames(db: Database, oids: readonly number[]): Map<number, string> {
  const unique = [...new Set(oids)];
  if (unique.length === 0) return new Map();
  const reply = db.query(`
    WITH RECURSIVE chain(oid, base) AS (
      SELECT oid, oid FROM pg_type WHERE oid IN (${unique.join(',')})
      UNION ALL SELECT c.oid, t.typbasetype FROM chain c JOIN pg_type t ON t.oid = c.base WHERE t.typtype = 'd')
    SELECT c.oid, CASE WHEN t.typcategory = 'A' THEN coalesce(e.typname || '[]', t.typname) ELSE t.typname END
    FROM chain c JOIN pg_type t ON t.oid = c.base LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.typtype <> 'd'`);
  return new Map((reply.rows ?? []).map(([oid, name]) => [Number(oid), name ?? 'unknown']));
}

/** Those of the names under which some function is volatile, or none exists; a name may carry its schema. */
export function volatileAmong(db: Database, names: readonly string[]): string[] {
  return names.filter((name) => {
    const parts = name.toLowerCase().split('.');
    const schema = parts.length > 1 ? `AND n.nspname = ${quoteLiteral(parts.at(-2) ?? '')}` : '';
    const reply = db.query(`SELECT count(*), count(*) FILTER (WHERE p.provolatile = 'v')
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.proname IN (${quoteLiteral(parts.at(-1) ?? '')}, ${quoteLiteral(name.split('.').at(-1) ?? '')}) ${schema}`);
    const [count, volatile] = reply.rows?.[0] ?? [];
    return count === '0' || volatile !== '0';
  });
}

/** True when a statement is no more than a look at, or a change of, rows: the catalog stays as it is. */
export function leavesCatalogAlone(text: string): boolean {
  const { sql } = splitDatabase(text);
  return (
    /^\s*(select|insert|update|delete|merge|values|table|prepare|deallocate|explain\s+execute)\b/i.test(sql) &&
    !/\binto\b/i.test(sql.replace(/\binsert\s+into\b/gi, ''))
  );
}
