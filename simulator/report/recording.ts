/** The recording of simulated traffic: its shape, as zod schemas. The JSON Schema that is published is made from it. */
import { z } from 'zod';

const second = z.number().int().nonnegative();
const amounts = z.array(z.number().int().nonnegative());

/**
 * One number for each point of `seconds`, from `first` on; what is left out at either end is 0. A version has no
 * point before it went live, nor after it was gone.
 */
export const versionSeriesSchema = z.strictObject({
  name: z.string(),
  first: z.number().int().nonnegative(),
  /** Answered as the twin answers; what both refuse is ok. */
  ok: amounts,
  /** An error, or a timeout, where the twin gives an answer. */
  failed: amounts,
  /** Another answer than the twin's. */
  wrong: amounts,
  /** Waited for a lock in this second. */
  waiting: amounts,
  /** Not judged: another request, whose outcome is not settled, was on its way. */
  unjudged: amounts,
  /** Milliseconds behind, where the version reads from a replica or a stream. */
  lagMs: amounts.optional(),
});
export type VersionSeries = z.infer<typeof versionSeriesSchema>;

export const recordedStepSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['migrate', 'deploy', 'backfill', 'verify', 'cdc']),
  line: z.number().int(),
  /** Seconds at which it began and was done. */
  from: second,
  to: second,
  /** Whether it went through: `failed` ends the run, as the plan can't go on. */
  result: z.enum(['done', 'failed', 'cut']),
  /** What it did, or why it failed. */
  note: z.string().nullable(),
});
export type RecordedStep = z.infer<typeof recordedStepSchema>;

export const exampleSchema = z.strictObject({
  kind: z.enum(['failed', 'wrong']),
  second,
  /** Name of the step that had begun last; null before the first. */
  step: z.string().nullable(),
  version: z.string(),
  request: z.string(),
  params: z.record(z.string(), z.string().nullable()),
  expected: z.string(),
  actual: z.string(),
});
export type Example = z.infer<typeof exampleSchema>;

export const recordingSchema = z.strictObject({
  /** Version of this format. */
  recording: z.literal(1),
  file: z.string(),
  title: z.string(),
  seed: z.number().int(),
  /** Seconds of virtual time. */
  duration: second,
  totals: z.strictObject({
    /** Requests that were run, of those that would have arrived. */
    ran: z.number().int().nonnegative(),
    arrived: z.number().int().nonnegative(),
    ok: z.number().int().nonnegative(),
    failed: z.number().int().nonnegative(),
    wrong: z.number().int().nonnegative(),
    waited: z.number().int().nonnegative(),
    unjudged: z.number().int().nonnegative(),
  }),
  steps: z.array(recordedStepSchema),
  /** The points: every second in which a request was run, waited or was answered. In between there is nothing to record. */
  seconds: z.array(second),
  versions: z.array(versionSeriesSchema),
  /** Rows that the version to come would read otherwise than the twin, of those looked at; each value holds until the next. */
  drift: z.strictObject({
    looked: z.number().int().nonnegative(),
    at: z.array(second),
    rows: z.array(z.number().int().nonnegative().nullable()),
  }),
  /** Rows that each backfill has touched, of those that were there when it began; each value holds until the next. */
  backfills: z.array(
    z.strictObject({ step: z.string(), rows: z.number().int().nonnegative(), at: z.array(second), touched: amounts }),
  ),
  /** How many of the requests that would have arrived were run, by stretch of time. */
  sampling: z.array(
    z.strictObject({
      from: z.number().nonnegative(),
      to: z.number().nonnegative(),
      ran: z.number(),
      arrived: z.number(),
    }),
  ),
  /** What each request's rate is, and whether the plan says so. */
  traffic: z.array(
    z.strictObject({
      request: z.string(),
      kind: z.enum(['read', 'write']),
      table: z.string().nullable(),
      perSecond: z.number().nonnegative(),
      stated: z.boolean(),
      /** How often it was run, and how often the twin refused it. */
      ran: z.number().int().nonnegative(),
      refused: z.number().int().nonnegative(),
    }),
  ),
  /** Rows of each table when the run began, and in production. */
  tables: z.array(
    z.strictObject({
      name: z.string(),
      rows: z.number().int().nonnegative(),
      made: z.enum(['by requests', 'from the seed', 'the seed']),
      production: z.number().nonnegative(),
      stated: z.boolean(),
    }),
  ),
  /** What was taken for granted, and what was left out. */
  assumptions: z.array(z.string()),
  leftOut: z.array(z.strictObject({ what: z.string(), why: z.string() })),
  examples: z.array(exampleSchema),
  /** Milliseconds by which a replica or a stream is behind; each value holds until the next. */
  lag: z.array(z.strictObject({ of: z.string(), at: z.array(second), ms: amounts })).optional(),
  /** Why the run ended before its time; null when it did not. */
  cut: z.string().nullable(),
});
export type Recording = z.infer<typeof recordingSchema>;

export function recordingJsonSchema(): string {
  const schema = z.toJSONSchema(recordingSchema, { target: 'draft-7', io: 'output' });
  return `${JSON.stringify({ title: 'Cutover recording', ...schema }, null, 2)}\n`;
}

/** One line an item of the outer lists: large, and still readable in a difference. */
export function renderRecording(recording: Recording): string {
  const entries = Object.entries(recording).map(([key, value]) => {
    const many = Array.isArray(value) && value.some((each) => typeof each === 'object');
    const text = many
      ? `[\n${value.map((each) => `    ${JSON.stringify(each)}`).join(',\n')}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
}
