/**
 * The structure of a plan file. It is the validator of every key and every kind of value, and the JSON
 * Schema that editors complete and explain plans with is generated from it, so the two cannot differ.
 */
import { z } from 'zod';
import { ruleNames } from './rules.ts';
import { forms } from './units.ts';

/** What an error about an unknown key needs to know of the map that it stands in. */
export interface MapNote {
  readonly noun: string;
  readonly known: readonly string[];
}

/** A map with known keys. The note travels in the message of the issue: it is the only thing that zod hands on. */
function section<Shape extends z.ZodRawShape>(noun: string, shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const note: MapNote = { noun, known: Object.keys(shape) };
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? JSON.stringify(note) : undefined),
  });
}

const amount = (form: {
  readonly pattern: RegExp;
  readonly expected: string;
}): z.ZodUnion<[z.ZodNumber, z.ZodString]> =>
  z.union([z.number().nonnegative(form.expected), z.string().regex(form.pattern, form.expected)], form.expected);

/** The messages of this file say what is expected: they are put into a sentence with the place and what was found. */
const name = z.union([z.string().min(1, 'a name'), z.number()], 'a name');

const sqlFile = section('a file reference', {
  file: z.string().min(1, 'a path').describe('An SQL file; its path is relative to the plan.'),
});
const sql = z
  .union([z.string(), sqlFile], 'SQL text or `{ file: path }`')
  .meta({ id: 'sql', description: 'SQL text, or `{ file: path }` with a path relative to the plan.' });

const on = name.describe(
  'The database that it runs in, by its name; without it the first, or where what it stands in runs.',
);
const placedSql = z.union(
  [z.string(), sqlFile, section('SQL with its database', { on: on.optional(), sql: sql.describe('The SQL.') })],
  'SQL text, `{ file: path }` or `{ on: database, sql: … }`',
);

const namedStatement = section('a statement of a request', {
  as: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'a name of letters, digits and underscores')
    .optional()
    .describe('Names the first row of the answer: later statements use its columns as `:name.column`.'),
  on: on.optional(),
  sql: sql.describe('One SQL statement.'),
});
const requestList = z
  .array(z.union([z.string(), sqlFile, namedStatement]))
  .min(1, 'a list with at least one statement');
const request = z
  .union(
    [
      z.string(),
      sqlFile,
      section('a request', {
        sql: z
          .union([z.string(), sqlFile, requestList])
          .describe('SQL text, or a list of statements. Parameters are written `:name`.'),
        transaction: z
          .boolean()
          .optional()
          .describe(
            '`false`: each statement commits on its own; other requests may run in between, and the process may die in between.',
          ),
        on: name
          .optional()
          .describe(
            'The database that its statements run in. `replica`: it reads from a copy of the first one that lags behind, schema changes included.',
          ),
        accepts: z
          .string()
          .optional()
          .describe(
            "A boolean SQL expression over the columns of the answer: the rows that this version's code can read.",
          ),
      }),
      requestList,
      z.null(),
    ],
    'SQL text, a list of statements, or `{ sql: … }`',
  )
  .meta({
    id: 'request',
    description:
      'What this version runs for the request: SQL text; a list of statements, run in one transaction; `{ sql, transaction, accepts }`; or null: this version no longer has it.',
  });

const domain = z.array(z.unknown()).meta({
  description: 'The values that are tried. Numbers are passed on as written; a map or a list stands for its JSON text.',
});
const domains = z.record(z.string(), domain);

const version = z
  .object({
    extends: name.optional().describe('The version whose requests this one has unless it says otherwise.'),
    params: domains
      .optional()
      .describe('Values of parameters that only this version, and those that extend it, can send.'),
    prepares: z
      .boolean()
      .optional()
      .describe(
        '`false`: its driver holds no prepared statements, so that a changed schema leaves it none that fail. Versions that extend it say the same unless they say otherwise.',
      ),
  })
  .catchall(request)
  .meta({ id: 'version', description: 'One build of the app: a name and the SQL that answers each request.' });

const facts = section('the facts of a table', {
  rows: amount(forms.count).optional().describe('Rows in production: `100000000` or `100M`.'),
  size: amount(forms.size).optional().describe('Size on disk: `200 GB`, or bytes.'),
  reads: amount(forms.rate).optional().describe('Reads a second: `3000/s`.'),
  writes: amount(forms.rate).optional().describe('Writes a second: `400/s`.'),
});

const forecast = section('`forecast`', {
  scan: amount(forms.throughput).optional().describe('Reading a table from end to end: `200 MB/s`.'),
  rewrite: amount(forms.throughput).optional().describe('Writing a table anew: `40 MB/s`.'),
  'index-build': amount(forms.rate).optional().describe('Building an index, in rows: `500k/s`.'),
  validate: amount(forms.rate).optional().describe('Checking a CHECK or NOT NULL constraint, in rows: `2M/s`.'),
  'validate-foreign-key': amount(forms.rate).optional().describe('Checking a foreign key, in rows: `500k/s`.'),
  write: amount(forms.rate).optional().describe('Rows that one session updates, deletes or inserts: `20k/s`.'),
  replay: amount(forms.throughput).optional().describe('Write-ahead log that a replica replays: `60 MB/s`.'),
  'row-size': amount(forms.size).optional().describe('Bytes of a row of a table of which only the rows are known.'),
  'index-row-size': amount(forms.size).optional().describe('Bytes of an entry of an index.'),
  rows: amount(forms.count).optional().describe('Rows of a table of which nothing is known: `10M`.'),
  reads: amount(forms.rate).optional().describe('Reads a second of a table of which no traffic is stated.'),
  writes: amount(forms.rate).optional().describe('Writes a second of a table of which no traffic is stated.'),
  'request-time': amount(forms.duration).optional().describe('Time that a request holds its connection: `2ms`.'),
  'request-timeout': amount(forms.duration).optional().describe('How long a client waits for an answer: `10s`.'),
  pool: amount(forms.count).optional().describe('Connections that the app has.'),
  'slow-query': amount(forms.duration)
    .optional()
    .describe('The longest query or transaction that may be in front when a step wants its lock: `5s`.'),
  retries: amount(forms.count).optional().describe('How often a step that ran into its `lock_timeout` is tried again.'),
  'retry-pause': amount(forms.duration).optional().describe('Time before it is tried again: `10s`.'),
  'max-block': amount(forms.duration).optional().describe('How long a request may wait for a lock: `1s`.'),
  factor: z
    .number()
    .min(1, 'a factor of at least 1')
    .optional()
    .describe('How far an estimate may be off, each way: its range is from value ÷ factor to value × factor.'),
}).describe('What the forecast is to count with instead of its own assumptions; each key is optional.');

const allow = z
  .array(
    section('an allowance', {
      rule: z.enum(ruleNames).describe('The rule whose finding is accepted.'),
      reason: z.string().min(1, 'a reason').describe('Why. It is shown in the report.'),
    }),
  )
  .describe('Findings that are accepted, with the reason. An allowance that matches nothing is reported.');

const check = section('a check', {
  name: name.optional().describe('What is checked.'),
  equal: z
    .array(placedSql)
    .length(2, 'a list of two queries')
    .optional()
    .describe('Two queries that must give the same rows, in one snapshot where both run in one database.'),
  empty: placedSql.optional().describe('A query that must give no rows.'),
});

const backfillList = z.array(sql).min(1, 'a list with at least one statement');
const backfill = z
  .union(
    [
      z.string(),
      sqlFile,
      section('a backfill', {
        read: placedSql.describe('The SELECT that reads a batch; `:batch` is the number of rows.'),
        write: z
          .union([
            z.string(),
            sqlFile,
            backfillList,
            section('SQL with its database', {
              on: on.optional(),
              sql: z.union([sql, backfillList]).describe('The SQL, or a list of statements.'),
            }),
          ])
          .describe('What is run for each row that was read; `:column` is a column of that row.'),
      }),
      backfillList,
    ],
    'SQL text, a list of statements, or `{ read: …, write: … }`',
  )
  .describe(
    'Moves data in batches, until one touches no row: a statement with `:batch`; a key range (`by:`, with `:from` and `:to`); a list of statements, each one batch; or `{ read, write }`.',
  );

const actions = {
  migrate: sql.optional().describe("DDL, in one transaction unless a statement can't run in one."),
  backfill: backfill.optional(),
  verify: z
    .array(check)
    .min(1, 'a list with at least one check')
    .optional()
    .describe('A gate: the plan does not go on from a state in which a check fails.'),
};
const cdc = z
  .union(
    [
      section('a stream', {
        name: name.describe('A name for the stream: `cdc: { stop: name }` stops it.'),
        table: z.string().min(1, 'a table').describe('The table whose committed changes are mirrored.'),
        from: name.optional().describe('The database of the table; without it the first.'),
        on: name.optional().describe('The database that it writes to; without it the first.'),
        insert: sql
          .nullable()
          .optional()
          .describe('What is run for each row inserted; `:new.col` is a column of it. Left out: not mirrored.'),
        update: sql
          .nullable()
          .optional()
          .describe(
            'What is run for each row updated; `:new.col` and `:old.col` are its columns after and before. Left out: not mirrored.',
          ),
        delete: sql
          .nullable()
          .optional()
          .describe('What is run for each row deleted; `:old.col` is a column of it. Left out: not mirrored.'),
        origin: z
          .enum(['none'])
          .optional()
          .describe('`none`: what streams have changed is not mirrored, so that two streams do not feed each other.'),
      }),
      section('a stop', { stop: name.describe('The stream that is stopped. What it has not delivered is lost.') }),
    ],
    '`{ name, table, insert, update, delete }` or `{ stop: name }`',
  )
  .describe(
    'Starts a stream that mirrors every committed change of a table, in commit order, at least once, after any delay; or stops one.',
  );

const details = {
  by: z
    .string()
    .regex(/^\S+\.\S+$/, 'a column with its table, such as `users.id`')
    .optional()
    .describe(
      'The key whose ranges the backfill goes through, as `table.column`; its statement uses `:from` and `:to`.',
    ),
  batch: amount(forms.count).optional().describe('Rows in a batch in production.'),
  pause: amount(forms.duration).optional().describe('Time between batches: `50ms`, `1s`, or milliseconds.'),
  transaction: z.boolean().optional().describe('`false`: each statement of the migration commits on its own.'),
  on: on.optional(),
  allow: allow.optional(),
};

const wayBack = section('a step of a rollback', {
  name: name.optional().describe('A name for reports.'),
  ...actions,
  ...details,
});
const rollback = z
  .union(
    [z.string(), sqlFile, z.array(wayBack).min(1, 'a list with at least one step')],
    'SQL text, a list of steps, or `none`',
  )
  .describe(
    'The way back: SQL; a list of migrate, backfill and verify steps; or `none`, which says on purpose that there is none.',
  );

export const waits = ['caught-up', 'drained'] as const;

const step = section('a step', {
  name: name.optional().describe('Unique in the plan; `step N` if it is left out.'),
  migrate: actions.migrate,
  deploy: name
    .optional()
    .describe('The version that is rolled out: old and new answer requests side by side until it is done.'),
  backfill: actions.backfill,
  verify: actions.verify,
  cdc: cdc.optional(),
  rollback: rollback.optional(),
  flag: name.optional().describe('The deploy is a feature flag: it flips at once, without a rollout.'),
  by: details.by,
  batch: details.batch,
  pause: details.pause,
  transaction: details.transaction,
  on: details.on,
  offline: z.boolean().optional().describe('`true`: the app is stopped for this step, in an announced window.'),
  wait: z
    .enum(waits)
    .optional()
    .describe(
      'Holds the step until the replicas and streams have caught up, or until no request of a version that is no longer live is in flight.',
    ),
  'point-of-no-return': z
    .boolean()
    .optional()
    .describe('`true`: once this step has begun, the steps before it are not rolled back any more.'),
  allow: details.allow,
}).meta({ id: 'step', description: 'One deploy: exactly one of `migrate`, `deploy`, `backfill`, `verify` and `cdc`.' });

export const planSchema = section('the plan', {
  title: name.optional().describe('What the plan does, in a few words.'),
  database: section('`database`', {
    name: name.optional().describe('What this database is called where a plan has several; `main` without it.'),
    schema: sql.describe('The DDL of the database before the first step.'),
    seed: sql.optional().describe('Rows that are there before the first step.'),
    production: z
      .record(z.string(), facts)
      .optional()
      .describe('Facts about the tables in production, for the forecast.'),
  }).describe('The database as it is before the first step.'),
  databases: z
    .record(
      z.string(),
      section('a database', {
        schema: sql.describe('The DDL of this database before the first step.'),
        seed: sql.optional().describe('Rows that are there before the first step.'),
        production: z.record(z.string(), facts).optional().describe('Facts about its tables in production.'),
      }),
    )
    .optional()
    .describe('Databases beside the first, by name. A statement runs in one of them alone, which `on` says.'),
  forecast: forecast.optional(),
  params: domains
    .optional()
    .describe("The values that are tried for each parameter; without it they come from the parameter's type."),
  versions: z
    .record(z.string(), version)
    .describe('The builds of the app; the first is the one that is live before the first step.'),
  steps: z.array(step).min(1, 'a list with at least one step').describe('The deploys, in order.'),
  allow: allow.optional(),
});

/** Features that the design has and this version has not: they get a message of their own. */
export const unsupportedKeys: Readonly<Record<string, string>> = {
  cdc: 'a step of a rollback',
};

/** The JSON Schema of plans (draft-7), with descriptions for hovers. */
export function planJsonSchema(): unknown {
  const generated = z.toJSONSchema(planSchema, { target: 'draft-7', io: 'input' });
  return {
    title: 'Cutover plan',
    description: 'A zero-downtime schema migration: schema, app versions, ordered steps.',
    ...generated,
  };
}
