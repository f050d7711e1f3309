/** Empties the database: whatever a user's schema can hold goes, and an empty public schema stays. */
import type { Database } from './database.ts';

/**
 * The public schema itself stays when it can: every cached plan depends on it, and planning the engine's
 * own queries again takes longer than all the rest.
 */
const dropEverything = `
DO $reset$
DECLARE
  commands text[];
  command text;
BEGIN
  FOR command IN
    SELECT format('DROP EVENT TRIGGER IF EXISTS %I CASCADE', evtname) FROM pg_event_trigger
    UNION ALL SELECT format('DROP PUBLICATION IF EXISTS %I CASCADE', pubname) FROM pg_publication
    UNION ALL SELECT format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname) FROM pg_foreign_data_wrapper
    UNION ALL SELECT format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
    UNION ALL SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
  LOOP
    EXECUTE command;
  END LOOP;
  SELECT array_agg(format('DROP %s IF EXISTS %s CASCADE', o.type, o.identity)) INTO commands
    FROM pg_depend d, pg_identify_object(d.classid, d.objid, d.objsubid) o
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = to_regnamespace('public') AND d.deptype = 'n';
  FOREACH command IN ARRAY coalesce(commands, '{}') LOOP
    EXECUTE command;
  END LOOP;
  FOR command IN
    SELECT format('DROP OWNED BY %I CASCADE', rolname) FROM pg_roles WHERE oid >= 16384
    UNION ALL SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384
  LOOP
    EXECUTE command;
  END LOOP;
  DELETE FROM pg_db_role_setting;
END $reset$`;

const isEmpty = `
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND nspowner = 'pg_database_owner'::regrole)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = to_regnamespace('public'))`;

const replacePublic = `
DROP SCHEMA IF EXISTS public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC`;

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
  db.query('SET event_triggers=off');
  const dropped = db.attempt(dropEverything).error === null;
  if (!dropped || db.query(isEmpty).rows?.[0]?.[0] !== 't') {
    db.query(replacePublic);
    db.query(dropEverything);
  }
  db.query('RESET event_triggers');
}

/** All that DISCARD ALL does, save for the engine's own prepared statements and the plans that took time to make. */
function cleanSession(db: Database): void {
  db.attempt('ROLLBACK');
  db.query(`CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();
    DISCARD TEMP;DISCARD SEQUENCES`);
  const names = db.query(`SELECT quote_ident(name) FROM pg_prepared_statements WHERE name !~ '^cutover_'`).rows ?? [];
  for (const [name] of names) db.query(`DEALLOCATE ${name}`);
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
