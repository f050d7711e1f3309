/**
 * What the user's relations are at one moment: names, files and counters of use. The evidence of a statement
 * is the difference of two of these. Nothing here takes a lock on a user's relation.
 */
import { qualifiedName } from './catalog.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';

export interface Relation {
  readonly oid: number;
  /** `users`, or `schema.users` outside of public. */
  readonly name: string;
  readonly schema: string;
  readonly relname: string;
  /** As in `pg_class.relkind`. */
  readonly kind: string;
  /** 0 where there is none. */
  readonly filenode: number;
  readonly populated: boolean;
  /** The table that an index belongs to. */
  readonly table: number | null;
  /** Of a table its sequential scans, of an index its scans. */
  readonly scans: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly vacuums: number;
}

export interface Snapshot {
  readonly relations: ReadonlyMap<number, Relation>;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** Counters are handed over to the shared statistics now and then: only the sum never goes back. */
function counter(name: string): string {
  return `pg_stat_get_${name}(c.oid) + pg_stat_get_xact_${name}(c.oid)`;
}

const relationsSql = `
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relfilenode, c.relispopulated, i.indrelid,
  ${['numscans', 'tuples_inserted', 'tuples_updated', 'tuples_deleted'].map(counter).join(', ')},
  pg_stat_get_vacuum_count(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_'`;

/** `2s`, `1min` and `0` are intervals as well. */
function milliseconds(setting: string): string {
  return `round(extract(epoch FROM current_setting('${setting}')::interval) * 1000)`;
}

const settingsSql = `SELECT ${['lock_timeout', 'statement_timeout'].map(milliseconds).join(', ')}`;
const relationsName = 'cutover_relations';
const settingsName = 'cutover_timeouts';

export function takeSnapshot(db: Database): Snapshot {
  db.prepare(relationsName, relationsSql);
  db.prepare(settingsName, settingsSql);
  const reply = db.extended((out) => out.execute(relationsName).execute(settingsName).sync());
  if (reply.error !== null) throw new SqlFailure(reply.error, relationsSql);
  const [relations = [], settings = []] = reply.sets;
  const [lockTimeout, statementTimeout] = settings[0] ?? [];
  return {
    relations: new Map(relations.map((row) => [Number(row[0]), readRelation(row)])),
    lockTimeoutMs: Number(lockTimeout),
    statementTimeoutMs: Number(statementTimeout),
  };
}

function readRelation(row: readonly (string | null)[]): Relation {
  const [oid, schema, relname, kind, filenode, populated, table, ...counters] = row;
  const [scans = 0, inserted = 0, updated = 0, deleted = 0, vacuums = 0] = counters.map(Number);
  return {
    oid: Number(oid),
    name: qualifiedName(schema ?? '', relname ?? ''),
    schema: schema ?? '',
    relname: relname ?? '',
    kind: kind ?? '',
    filenode: Number(filenode),
    populated: populated === 't',
    table: table === null || table === undefined ? null : Number(table),
    scans,
    inserted,
    updated,
    deleted,
    vacuums,
  };
}
