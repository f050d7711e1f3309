/**
 * Captures changes of rows for streams, as logical decoding would give them: by triggers that no session setting turns
 * off, into a table of the engine's own. Both are kept where no catalog query of the engine looks, so that a schema with
 * capture is the same schema.
 */
import { quoteIdent, quoteLiteral } from './catalog.ts';
import { parseRecord } from './content.ts';
import type { Database } from './database.ts';
import type { Change, Rows, Table } from './engine.ts';

/** A table whose changes are captured, under the name that it had when that began: a publication follows a rename. */
export interface Captured {
  readonly label: string;
  /** With its schema, both quoted whether they need it or not: equal tables are equal texts. */
  readonly table: string;
}

/** Names of schemas with this prefix are Postgres' own; allow_system_table_mods makes an exception. */
const home = 'pg_cutover';
/** Sorts before triggers of a user's own, and before those of foreign keys: a change comes before what follows from it. */
const triggerPrefix = '!cutover ';
/** Set while contents are loaded: those rows are copies, not news. */
export const quietCapture = `SET LOCAL cutover.quiet='on';`;
/** Of a row in a dump that is a change. */
export const changeKey = -100_000;

const width = 6;
const columns = 'lsn, label, kind, columns, old, new';

/** For a dump: every change that the transaction at hand has made. */
export const changesDump = `SELECT ${changeKey}, ROW(${columns})::text FROM ${home}.changes`;
export const changesTable = `${home}.changes`;
/** Those who read the catalog for a user leave these out. */
export const isCaptureTrigger = (trigger: string): string =>
  `EXISTS (SELECT FROM pg_proc cp JOIN pg_namespace cn ON cn.oid = cp.pronamespace
    WHERE cp.oid = ${trigger}.tgfoid AND cn.nspname = '${home}')`;

const create = `
SET allow_system_table_mods=on;
CREATE SCHEMA IF NOT EXISTS ${home};
CREATE TABLE IF NOT EXISTS ${home}.changes (lsn pg_lsn, label text, kind text, columns text, old text, new text);
CREATE OR REPLACE FUNCTION ${home}.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $capture$
BEGIN
  INSERT INTO ${home}.changes VALUES (pg_catalog.pg_current_wal_insert_lsn(), TG_ARGV[0], pg_catalog.lower(TG_OP),
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped)::text,
    CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END);
  RETURN NULL;
END $capture$;
TRUNCATE ${home}.changes;
GRANT USAGE ON SCHEMA ${home} TO PUBLIC;
RESET allow_system_table_mods`;

const installed = `SELECT convert_from(trim(trailing '\\x00'::bytea from g.tgargs), 'UTF8'),
  format('"%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""'))
  FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE g.tgparentid = 0 AND ${isCaptureTrigger('g')} ORDER BY 1`;

/** What is captured now, inside of a transaction too. */
export function capturedTables(db: Database): readonly Captured[] {
  return (db.query(installed).rows ?? []).map(([label, table]) => ({ label: label ?? '', table: table ?? '' }));
}

/** Makes these, and no others, be captured. */
export function captureTables(db: Database, wanted: readonly Captured[], now: readonly Captured[]): void {
  const has = (list: readonly Captured[], { label, table }: Captured): boolean =>
    list.some((each) => each.label === label && each.table === table);
  const gone = now
    .filter((each) => !has(wanted, each))
    .map((c) => `DROP TRIGGER IF EXISTS ${triggerName(c)} ON ${c.table};`);
  const added = wanted.filter((each) => !has(now, each)).map(createTrigger);
  if (added.length > 0) db.query(create);
  if (gone.length + added.length > 0) db.query([...gone, ...added].join(''));
}

/** Tables by their names; one that is captured already goes by the name that it had when that began. */
export function captureNamed(db: Database, tables: readonly Table[], names: readonly string[]): readonly Captured[] {
  const now = capturedTables(db);
  const wanted = names.flatMap((label): Captured[] => {
    const known = now.find((each) => each.label === label);
    if (known !== undefined) return [known];
    const table = tables.find((each) => each.name === label);
    return table === undefined ? [] : [{ label, table: `${quoteIdent(table.schema)}.${quoteIdent(table.relation)}` }];
  });
  captureTables(db, wanted, now);
  return wanted;
}

function triggerName({ label }: Captured): string {
  return `"${`${triggerPrefix}${label}`.replaceAll('"', '""')}"`;
}

function createTrigger(captured: Captured): string {
  const name = triggerName(captured);
  return `CREATE TRIGGER ${name} AFTER INSERT OR UPDATE OR DELETE ON ${captured.table} FOR EACH ROW
    WHEN (pg_catalog.current_setting('cutover.quiet', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION ${home}.capture(${quoteLiteral(captured.label)});
    ALTER TABLE ${captured.table} ENABLE ALWAYS TRIGGER ${name};`;
}

/** The changes among the rows of a dump, in the order in which they were made. */
export function changesIn(rows: Rows): readonly Change[] {
  const records = rows.flatMap(([key, record]) =>
    Number(key) === changeKey && record ? [parseRecord(record, width)] : [],
  );
  return inOrder(records);
}

/** What the transaction at hand has changed so far. */
export function changesNow(db: Database): readonly Change[] {
  return inOrder(db.query(`SELECT lsn::text, label, kind, columns, old, new FROM ${changesTable}`).rows ?? []);
}

/** Takes out what committed statements have left. */
export function takeChanges(db: Database): readonly Change[] {
  const { rows } = db.query(`SELECT lsn::text, label, kind, columns, old, new FROM ${changesTable}`);
  if (rows === null || rows.length === 0) return [];
  db.query(`TRUNCATE ${changesTable}`);
  return inOrder(rows);
}

type Row = readonly (string | null)[];

function inOrder(rows: readonly Row[]): readonly Change[] {
  const position = (lsn: string | null | undefined): bigint => {
    const [high = '0', low = '0'] = (lsn ?? '').split('/');
    return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  };
  const placed = rows.map((row) => ({ row, at: position(row[0]) }));
  placed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return placed.map(({ row }) => toChange(row));
}

function toChange([, label, kind, names, old, now]: Row): Change {
  const described = JSON.parse(names ?? '[]') as (readonly [string, string])[];
  const record = (text: string | null | undefined): Change['old'] =>
    text === null || text === undefined ? null : parseRecord(text, described.length);
  return {
    table: label ?? '',
    kind: kind === 'insert' || kind === 'delete' ? kind : 'update',
    columns: described.map(([name, type]) => ({ name, type })),
    old: record(old),
    new: record(now),
  };
}
