/**
 * Reads the system catalog: one prepared query per kind of object, all sent in one message. What comes
 * back are plain rows; catalog.ts makes sense of them.
 */
import { isCaptureTrigger } from './capture.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';

const userNamespace = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;

/** Numbers below are Postgres' own objects: an index then finds the few others among thousands. */
const firstOid = 16384;

function ofUser(oid: string): string {
  return `${oid} >= ${firstOid} AND ${userNamespace}`;
}

/** As a rule an object belongs to whom the database belongs to, and nobody was granted anything. */
function hasNews(acl: string, owner: string): string {
  return `(${acl} IS NOT NULL OR ${owner} <> (SELECT datdba FROM pg_database WHERE datname = current_database()))`;
}

const schemaBegins = `CASE n.nspname WHEN 'public' THEN acldefault('n', n.nspowner) || makeaclitem(0, n.nspowner, 'USAGE', false)
  ELSE acldefault('n', n.nspowner) END`;

/** True where there is anything to be said of privileges and roles: the query that says it takes as long as all others. */
const anyPrivileges = `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${hasNews('c.relacl', 'c.relowner')} AND ${ofUser('c.oid')})
  OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE ${hasNews('p.proacl', 'p.proowner')} AND ${ofUser('p.oid')})
  OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid >= ${firstOid} AND a.attacl IS NOT NULL)
  OR EXISTS (SELECT FROM pg_namespace n WHERE ${userNamespace} AND n.nspacl IS NOT NULL
    AND NOT (n.nspacl @> (${schemaBegins}) AND n.nspacl <@ (${schemaBegins})))
  OR EXISTS (SELECT FROM pg_authid WHERE oid >= ${firstOid})`;
const probeName = 'cutover_any_privileges';

function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;
}

function columnNames(relation: string, numbers: string): string {
  return `(SELECT json_agg(a.attname ORDER BY k.i) FROM unnest(${numbers}) WITH ORDINALITY k(n, i)
    JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.n)`;
}

/** Each query's columns are the keys, in this order. */
const queries = {
  namespaces: {
    columns: ['name'],
    sql: `SELECT nspname FROM pg_namespace n WHERE ${userNamespace} AND nspname <> 'public'
      AND ${notOfExtension('pg_namespace', 'n.oid')}`,
  },
  relations: {
    columns: [
      'oid',
      'schema',
      'name',
      'kind',
      'persistence',
      'rowSecurity',
      'replicaIdentity',
      'options',
      'isPartition',
      'bound',
      'partitionKey',
      'parents',
      'definition',
      'populated',
    ],
    sql: `SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
      CASE WHEN c.relrowsecurity THEN CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END END,
      c.relreplident, array_to_string(c.reloptions, ', '), c.relispartition, pg_get_expr(c.relpartbound, c.oid),
      CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
      (SELECT json_agg(i.inhparent::text ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
      CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, c.relispopulated
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${ofUser('c.oid')} AND ${notOfExtension('pg_class', 'c.oid')}`,
  },
  columns: {
    columns: [
      'relation',
      'name',
      'type',
      'typeOid',
      'typeName',
      'typeKind',
      'notNull',
      'default',
      'identity',
      'generated',
      'collation',
    ],
    sql: `SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, t.typname, t.typtype,
      a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
      CASE WHEN a.attcollation <> t.typcollation THEN (SELECT collname FROM pg_collation l WHERE l.oid = a.attcollation) END
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${ofUser('a.attrelid')} ORDER BY a.attrelid, a.attnum`,
  },
  constraints: {
    columns: [
      'name',
      'relation',
      'domain',
      'kind',
      'validated',
      'deferrable',
      'definition',
      'columns',
      'references',
      'referenced',
      'noInherit',
    ],
    sql: `SELECT o.conname, o.conrelid, o.contypid, o.contype, o.convalidated, o.condeferrable,
      pg_get_constraintdef(o.oid), ${columnNames('o.conrelid', 'o.conkey')}, o.confrelid,
      ${columnNames('o.confrelid', 'o.confkey')}, o.connoinherit
      FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
      WHERE ${ofUser('o.oid')} AND ${notOfExtension('pg_constraint', 'o.oid')}`,
  },
  indexes: {
    columns: ['relation', 'name', 'definition', 'valid', 'unique', 'columns', 'partial', 'ofConstraint', 'marks'],
    sql: `SELECT i.indrelid, c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisunique,
      ${columnNames('i.indrelid', 'i.indkey[0:i.indnkeyatts - 1]')},
      i.indpred IS NOT NULL OR 0 = ANY (i.indkey),
      EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')),
      concat_ws(' ', CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${ofUser('i.indexrelid')} AND ${notOfExtension('pg_class', 'i.indrelid')}`,
  },
  types: {
    columns: [
      'oid',
      'schema',
      'name',
      'kind',
      'labels',
      'baseOid',
      'baseName',
      'base',
      'notNull',
      'default',
      'attributes',
    ],
    sql: `SELECT t.oid, n.nspname, t.typname, t.typtype,
      (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
      t.typbasetype, b.typname, CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END,
      t.typnotnull, t.typdefault,
      CASE WHEN t.typtype = 'c' THEN (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod),
          ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
        WHEN t.typtype = 'r' THEN (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid) END
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype
      WHERE ${ofUser('t.oid')} AND ${notOfExtension('pg_type', 't.oid')} AND (t.typtype IN ('e', 'd', 'r')
        OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))`,
  },
  functions: {
    columns: ['schema', 'name', 'arguments', 'kind', 'definition', 'source'],
    sql: `SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.prokind,
      CASE WHEN p.prokind = 'a' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END, p.prosrc
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE ${ofUser('p.oid')} AND ${notOfExtension('pg_proc', 'p.oid')}
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'i')`,
  },
  triggers: {
    columns: ['relation', 'name', 'definition', 'enabled', 'deferrable', 'function'],
    sql: `SELECT g.tgrelid, g.tgname, pg_get_triggerdef(g.oid), g.tgenabled, g.tgdeferrable,
      (SELECT p.prosrc FROM pg_proc p WHERE p.oid = g.tgfoid)
      FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT g.tgisinternal AND ${ofUser('g.oid')} AND NOT ${isCaptureTrigger('g')}`,
  },
  rules: {
    columns: ['relation', 'name', 'definition', 'enabled'],
    sql: `SELECT r.ev_class, r.rulename, pg_get_ruledef(r.oid), r.ev_enabled
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE r.rulename <> '_RETURN' AND ${ofUser('r.oid')}`,
  },
  policies: {
    columns: ['relation', 'name', 'definition'],
    sql: `SELECT p.polrelid, p.polname, concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
      'for', p.polcmd, 'to', (SELECT string_agg(coalesce(r.rolname, 'public'), ',' ORDER BY r.rolname)
        FROM unnest(p.polroles) o LEFT JOIN pg_roles r ON r.oid = o),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ofUser('p.oid')}`,
  },
  sequences: {
    columns: ['relation', 'definition', 'owner', 'ownerColumn'],
    sql: `SELECT s.seqrelid, format('%s start %s increment %s min %s max %s cache %s%s', format_type(s.seqtypid, NULL),
        s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END),
      d.refobjid, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = d.refobjid AND a.attnum = d.refobjsubid)
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') WHERE ${ofUser('s.seqrelid')}`,
  },
  /** Who may do what, as far as it is not what an object of the kind begins with. */
  privileges: {
    columns: ['line'],
    sql: `WITH objects(name, owner, acl, initial) AS (
        SELECT format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, n.nspname, c.relname),
          c.relowner, c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${hasNews('c.relacl', 'c.relowner')}
            AND ${ofUser('c.oid')} AND ${notOfExtension('pg_class', 'c.oid')}
        UNION ALL SELECT format('column %I.%I.%I', n.nspname, c.relname, a.attname), NULL, a.attacl, acldefault('c', c.relowner)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND ${ofUser('c.oid')}
        UNION ALL SELECT format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
          p.proowner, p.proacl, acldefault('f', p.proowner) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE ${hasNews('p.proacl', 'p.proowner')} AND ${ofUser('p.oid')} AND ${notOfExtension('pg_proc', 'p.oid')}
        UNION ALL SELECT format('schema %I', n.nspname), NULL, n.nspacl, ${schemaBegins}
          FROM pg_namespace n WHERE ${userNamespace} AND ${notOfExtension('pg_namespace', 'n.oid')}
      ), granted AS (
        SELECT o.name, g.grantee, g.privilege_type, g.is_grantable FROM objects o, aclexplode(o.acl) g
      ), begun AS (
        SELECT o.name, g.grantee, g.privilege_type, g.is_grantable FROM objects o, aclexplode(o.initial) g
        WHERE o.acl IS NOT NULL
      )
      SELECT format('%s %s on %s to %s%s', word, privilege_type, name,
          CASE grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(grantee)) END,
          CASE WHEN is_grantable THEN ' with grant option' END)
        FROM (SELECT 'grant' word, g.* FROM (TABLE granted EXCEPT TABLE begun) g
          UNION ALL SELECT 'no', g.* FROM (TABLE begun EXCEPT TABLE granted) g) AS differs
      UNION ALL SELECT format('owner of %s: %I', o.name, pg_get_userbyid(o.owner)) FROM objects o
        JOIN pg_database d ON d.datname = current_database() AND o.owner <> d.datdba
      UNION ALL SELECT format('role %I%s%s%s', rolname, CASE WHEN rolsuper THEN ' superuser' END,
          CASE WHEN rolbypassrls THEN ' bypassrls' END, CASE WHEN NOT rolinherit THEN ' noinherit' END)
        FROM pg_roles WHERE oid >= ${firstOid}
      UNION ALL SELECT format('member of role %I: %I%s%s', pg_get_userbyid(m.roleid), pg_get_userbyid(m.member),
          CASE WHEN NOT m.inherit_option THEN ' noinherit' END, CASE WHEN NOT m.set_option THEN ' noset' END)
        FROM pg_auth_members m WHERE m.roleid >= ${firstOid} OR m.member >= ${firstOid}`,
  },
  others: {
    columns: ['line'],
    sql: `SELECT format('extension %I', extname) FROM pg_extension WHERE extname <> 'plpgsql'
      UNION ALL SELECT format('statistics %I.%I %s', n.nspname, s.stxname, pg_get_statisticsobjdef(s.oid))
        FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${userNamespace}
      UNION ALL SELECT format('event trigger %I on %s (%s) %s', evtname, evtevent, evtenabled, evtfoid::regproc) FROM pg_event_trigger
      UNION ALL SELECT format('publication %I', pubname) FROM pg_publication`,
  },
} as const;

type Queries = typeof queries;
export type FactRow<K extends keyof Queries> = Readonly<Record<Queries[K]['columns'][number], string | null>>;
export type Facts = { readonly [K in keyof Queries]: readonly FactRow<K>[] };

const kinds = Object.keys(queries) as (keyof Queries)[];

function statementName(kind: keyof Queries): string {
  return `cutover_fact_${kind}`;
}

/** The prepared queries are planned once a session. */
export function readFacts(db: Database): Facts {
  for (const kind of kinds) db.prepare(statementName(kind), queries[kind].sql);
  db.prepare(probeName, anyPrivileges);
  const always = kinds.filter((kind) => kind !== 'privileges');
  const sets = execute(db, [...always.map(statementName), probeName]);
  const isNews = sets.at(-1)?.[0]?.[0] === 't';
  const privileges = isNews ? (execute(db, [statementName('privileges')])[0] ?? []) : [];
  const facts = always.map((kind, i) => [kind, named(queries[kind].columns, sets[i] ?? [])]);
  return { ...Object.fromEntries(facts), privileges: named(queries.privileges.columns, privileges) } as Facts;
}

function execute(db: Database, names: readonly string[]): (string | null)[][][] {
  const reply = db.extended((out) => {
    for (const name of names) out.execute(name);
    out.sync();
  });
  if (reply.error !== null) throw new SqlFailure(reply.error, 'the catalog queries');
  return reply.sets;
}

function named(columns: readonly string[], rows: (string | null)[][]): Record<string, string | null>[] {
  return rows.map((row) => {
    const object: Record<string, string | null> = {};
    for (let i = 0; i < columns.length; i++) object[columns[i] ?? ''] = row[i] ?? null;
    return object;
  });
}
