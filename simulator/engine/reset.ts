/** Empties the database: whatever a user's schema can hold goes, and an empty public schema stays. */
import type { Database } from './database.ts';
import { prepareFacts } from './facts.ts';

const dropEverything = `
DO $reset$
DECLARE
  command text;
BEGIN
  FOR command IN
    SELECT format('DROP EVENT TRIGGER IF EXISTS %I CASCADE', evtname) FROM pg_event_trigger
    UNION ALL SELECT format('DROP PUBLICATION IF EXISTS %I CASCADE', pubname) FROM pg_publication
    UNION ALL SELECT format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname) FROM pg_foreign_data_wrapper
    UNION ALL SELECT format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
    UNION ALL SELECT format('DROP OWNED BY %I CASCADE', rolname) FROM pg_roles WHERE oid >= 16384
    UNION ALL SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384
  LOOP
    EXECUTE command;
  END LOOP;
  DELETE FROM pg_db_role_setting;
  CREATE SCHEMA public AUTHORIZATION pg_database_owner;
  GRANT USAGE ON SCHEMA public TO PUBLIC;
END $reset$`;

const catalogs = [
  'pg_class',
  'pg_attribute',
  'pg_attrdef',
  'pg_constraint',
  'pg_depend',
  'pg_shdepend',
  'pg_index',
  'pg_inherits',
  'pg_namespace',
  'pg_proc',
  'pg_rewrite',
  'pg_sequence',
  'pg_trigger',
  'pg_type',
  'pg_enum',
  'pg_statistic',
].map((name) => `pg_catalog.${name}`);

export function resetDatabase(db: Database): void {
  cleanSession(db);
  for (const [gid] of db.query('SELECT quote_literal(gid) FROM pg_prepared_xacts').rows ?? []) {
    db.query(`ROLLBACK PREPARED ${gid}`);
  }
  db.query('BEGIN;SET LOCAL event_triggers=off');
  db.query(dropEverything);
  db.query('COMMIT');
  prepareFacts(db);
}

/** Undoes settings, roles, temporary tables, cursors and prepared statements, of the engine's own too. */
function cleanSession(db: Database): void {
  db.attempt('ROLLBACK');
  db.query('DISCARD ALL');
}

/** Undoes what statements that committed may have set. */
export function resetSettings(db: Database): void {
  db.attempt('ROLLBACK');
  db.query('SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;DISCARD TEMP');
}

/** Rows that DDL deleted stay in the catalogs until a vacuum. */
export function vacuumCatalogs(db: Database): void {
  db.query(`VACUUM ${catalogs.join(',')}`);
}
