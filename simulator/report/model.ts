/** The report: what a rehearsal found. This is the shape of `--format json`; its schema is generated from it. */
import { z } from 'zod';

export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

export const traceEventSchema = z.strictObject({
  kind: z.enum(['step', 'request', 'batch', 'deliver', 'rollback', 'crash']),
  /** Name of the step during which it happens; null before the first. */
  step: z.string().nullable(),
  version: z.string().nullable(),
  request: z.string().nullable(),
  params: z.record(z.string(), z.string().nullable()),
  sql: z.string(),
  result: z.string(),
  line: z.number().int().nullable(),
});
export type TraceEvent = z.infer<typeof traceEventSchema>;

/** What follows from the same cause, at the same step or later. */
export const consequenceSchema = z.strictObject({
  rule: z.string(),
  step: z.string(),
  version: z.string().nullable(),
  request: z.string().nullable(),
  message: z.string(),
});
export type Consequence = z.infer<typeof consequenceSchema>;

export const findingSchema = z.strictObject({
  id: z.string(),
  rule: z.string(),
  severity: z.enum(severities),
  /** The step at which it shows. */
  step: z.string(),
  /** The step that caused it: the one whose change makes it go away. */
  cause: z.string().nullable(),
  /** The change that was run and made it go away, in a sentence; left out where none was. */
  why: z.string().optional(),
  version: z.string().nullable(),
  request: z.string().nullable(),
  message: z.string(),
  expected: z.string().nullable(),
  actual: z.string().nullable(),
  sqlstate: z.string().nullable(),
  line: z.number().int(),
  column: z.number().int(),
  /** The plan's own reason, when an `allow` accepts it. */
  allowed: z.string().nullable(),
  /** One sentence: what to do. */
  hint: z.string(),
  consequences: z.array(consequenceSchema),
  trace: z.array(traceEventSchema),
});
export type Finding = z.infer<typeof findingSchema>;

export const rollbackResults = ['safe', 'fails', 'breaks-requests', 'loses-writes', 'no-plan'] as const;
export type RollbackResult = (typeof rollbackResults)[number];

/** What the traffic sees of a step's locks. */
const trafficSchema = z.strictObject({
  /** Requests that wait for a lock, or for a connection because of it; with those that give up. */
  blockedRequests: z.number().int(),
  failedRequests: z.number().int(),
  longestWaitMs: z.number(),
  /** Time in which a request that comes waits for longer than the plan's `max-block`, or fails. */
  outageMs: z.number(),
});

const rangeSchema = z.strictObject({ low: z.number(), high: z.number() });

export const stepForecastSchema = trafficSchema.extend({
  /** The longest that a lock is held which a live request would wait for. */
  holdMs: z.number(),
  holdRangeMs: rangeSchema,
  /** The same, when one slow query is in front of the step as it asks for its lock. */
  behindSlowQuery: trafficSchema
    .extend({ slowQueryMs: z.number(), acquired: z.boolean(), attempts: z.number().int() })
    .nullable(),
  durationMs: z.number(),
  durationRangeMs: rangeSchema,
  diskBytes: z.number(),
  walBytes: z.number(),
  replicaLagMs: z.number(),
  /** Of a backfill; null: one transaction. */
  batches: z.number().int().nullable(),
  /** What the numbers stand on: said in the plan, or assumed. */
  assumptions: z.array(z.strictObject({ name: z.string(), value: z.number(), stated: z.boolean() })),
});
export type StepForecast = z.infer<typeof stepForecastSchema>;

export const stepReportSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['migrate', 'deploy', 'backfill', 'verify', 'cdc']),
  line: z.number().int(),
  /** Locks on tables that were there before, the strongest each, as Postgres took them. */
  locks: z.array(z.strictObject({ relation: z.string(), mode: z.string() })),
  rewrites: z.array(z.string()),
  scans: z.array(z.string()),
  /** Null where a step has no work on the database, or could not be observed. */
  forecast: stepForecastSchema.nullable(),
});
export type StepReport = z.infer<typeof stepReportSchema>;

/**
 * The answers of one version's reads, or of its writes, at one position of the way forward: where it is live and has such
 * requests, and where one that it had begun came to its end. A write that commits statement by statement answers at its end.
 */
export const answersSchema = z.strictObject({
  /** Null at the start. */
  step: z.string().nullable(),
  position: z.string(),
  version: z.string(),
  kind: z.enum(['read', 'write']),
  /** Answers, one for each state and combination of values, that are what the reference says. */
  held: z.number().int(),
  /** Those that are not. */
  broken: z.number().int(),
  /** Requests that never ran here, or were refused wherever they ran: nothing was shown about them. */
  never: z.array(z.string()),
});
export type Answers = z.infer<typeof answersSchema>;

export const planReportSchema = z.strictObject({
  file: z.string(),
  title: z.string(),
  verdict: z.enum(['safe', 'unsafe', 'unproven', 'invalid']),
  exploration: z.strictObject({
    complete: z.boolean(),
    states: z.number().int(),
    transitions: z.number().int(),
    elapsedMs: z.number(),
    neverExercised: z.array(z.string()),
    /** How many answers were held against the reference's, at each position of the way forward. */
    answers: z.array(answersSchema),
    /** Statements sent to Postgres; less than transitions, since one is computed once. */
    statements: z.number().int(),
    /** Longest history of writes followed; null when every history was. */
    writeBound: z.number().int().nullable(),
    /** The values searched, by request and parameter: `get_user.id` → ['1', '2']. */
    domain: z.record(z.string(), z.array(z.string().nullable())),
    /** Why the search was cut; null when it closed. */
    cut: z.string().nullable(),
  }),
  steps: z.array(stepReportSchema),
  rollback: z.array(z.strictObject({ from: z.string(), to: z.string(), result: z.enum(rollbackResults) })),
  pointOfNoReturn: z.string().nullable(),
  findings: z.array(findingSchema),
  /** For `invalid`: what is wrong with the plan. Also what stopped an engine. */
  errors: z.array(
    z.strictObject({
      code: z.string(),
      message: z.string(),
      file: z.string(),
      line: z.number().int(),
      column: z.number().int(),
      suggestion: z.string().nullable(),
    }),
  ),
});
export type PlanReport = z.infer<typeof planReportSchema>;

export const reportSchema = z.strictObject({ cutover: z.literal(1), plans: z.array(planReportSchema) });
export type Report = z.infer<typeof reportSchema>;
