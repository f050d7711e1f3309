/** The labelled migrations of this folder, each as a plan of one step. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';

export const hazardRules = [
  'table-rewrite',
  'full-scan-under-lock',
  'blocking-lock',
  'backfill-in-one-transaction',
  'migration-not-atomic',
  'request-fails',
  'request-accepted',
  'wrong-answer',
  'lost-write',
  'migrate-fails',
] as const;
export type HazardRule = (typeof hazardRules)[number];

const tools = [
  'squawk',
  'pgfence',
  'pglinter',
  'eugene',
  'atlas',
  'strong_migrations',
  'online_migrations',
  'safe-pg-migrations',
  'django-migration-linter',
  'pg_ha_migrations',
  'pgroll',
  'reshape',
  'pg-osc',
  'gitlab',
  'blog',
] as const;

const facts = z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number()])));
const values = z.record(z.string(), z.array(z.union([z.string(), z.number(), z.null()])));
const requests = z.record(z.string(), z.string());

const appSchema = z.strictObject({
  schema: z.string(),
  seed: z.string().optional(),
  production: facts.optional(),
  params: values.optional(),
  requests,
});

/** `a | b`: either names the hazard. */
const hazard = z.string().transform((text, context): readonly HazardRule[] => {
  const named = text.split('|').map((each) => each.trim());
  const known = hazardRules.filter((rule) => named.includes(rule));
  if (known.length !== named.length) context.addIssue({ code: 'custom', message: `unknown rule in ${text}` });
  return known;
});

const migrationSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]*$/),
  tool: z.enum(tools),
  source: z.url(),
  app: z.string(),
  schema: z.string().optional(),
  seed: z.string().nullable().optional(),
  production: z.union([facts, z.literal('none')]).optional(),
  params: values.nullable().optional(),
  requests: requests.optional(),
  migration: z.string(),
  transaction: z.literal(false).optional(),
  invalid: z.literal('not-in-transaction').optional(),
  hazards: z.union([z.literal('safe'), z.array(hazard).nonempty()]),
  queue: z.boolean(),
  note: z.string().optional(),
  doubt: z.string().optional(),
});

const fileSchema = z.strictObject({
  about: z.string(),
  apps: z.record(z.string(), appSchema),
  migrations: z.array(migrationSchema).nonempty(),
});

type App = z.output<typeof appSchema>;
type Entry = z.output<typeof migrationSchema>;

export interface LabelledMigration {
  readonly id: string;
  readonly file: string;
  readonly tool: (typeof tools)[number];
  readonly source: string;
  /** The SQL as the tools get it. */
  readonly sql: string;
  /** False when its statements commit one by one. */
  readonly transactional: boolean;
  /** The code of the error with which the plan is refused, for SQL that Postgres can't run as it is written. */
  readonly invalid: string | null;
  /** Empty: safe. Of each hazard, the rules that name it. */
  readonly hazards: readonly (readonly HazardRule[])[];
  /** A lock that requests wait for is taken on a table in use, with no `lock_timeout`. */
  readonly queue: boolean;
  readonly doubt: string | null;
  /** Rows by table, where they are stated. */
  readonly production: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  /** The plan file's text. */
  readonly plan: string;
}

const here = dirname(fileURLToPath(import.meta.url));

export function labelledMigrations(directory = here): readonly LabelledMigration[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((file) => {
    const { apps, migrations } = fileSchema.parse(parse(readFileSync(join(directory, file), 'utf8')));
    return migrations.map((entry) => {
      const app = apps[entry.app];
      if (app === undefined) throw new Error(`${file}: ${entry.id} is of an unknown app ${entry.app}`);
      return labelled(file, app, entry);
    });
  });
}

function labelled(file: string, app: App, entry: Entry): LabelledMigration {
  const { id, tool, source, migration: sql, hazards, queue } = entry;
  const production = entry.production === 'none' ? {} : (entry.production ?? app.production ?? {});
  return {
    id,
    file,
    tool,
    source,
    sql,
    transactional: entry.transaction !== false && !sql.includes('CONCURRENTLY') && !sql.startsWith('VACUUM'),
    invalid: entry.invalid ?? null,
    hazards: hazards === 'safe' ? [] : hazards,
    queue,
    doubt: entry.doubt ?? null,
    production,
    plan: planText(app, entry, production),
  };
}

function planText(app: App, entry: Entry, production: LabelledMigration['production']): string {
  const seed = entry.seed === undefined ? app.seed : entry.seed;
  const sent = entry.requests ?? app.requests;
  return stringify({
    title: entry.id,
    database: {
      schema: entry.schema ?? app.schema,
      ...(seed == null ? {} : { seed }),
      ...(Object.keys(production).length === 0 ? {} : { production }),
    },
    ...paramsOf(app, entry, Object.values(sent)),
    // The labels say what a statement does to a table, not what a pod has prepared before it.
    versions: { v1: { ...sent, prepares: false } },
    steps: [
      {
        name: entry.id,
        migrate: entry.migration,
        ...(entry.transaction === false ? { transaction: false } : {}),
        rollback: 'none',
      },
    ],
  });
}

/** The app's values and the migration's own, of the parameters that its requests have: others would be an error. */
function paramsOf(app: App, entry: Entry, sent: readonly string[]): { params?: Record<string, unknown> } {
  if (entry.params === null) return {};
  const all = Object.entries({ ...app.params, ...entry.params });
  const used = all.filter(([name]) => sent.some((sql) => sql.includes(`:${name}`)));
  return used.length === 0 ? {} : { params: Object.fromEntries(used) };
}
