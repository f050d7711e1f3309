/** A backfill run on with nothing else going on, from many contents at once. */
import { parseContent } from '../engine/content.ts';
import type { Change, Content, SchemaId } from '../engine/engine.ts';
import type { BackfillStep } from '../plan/model.ts';
import { freshJob, manyRows, Pace, type JobState, type JobStep, type Jobs } from './jobs.ts';
import { typeProbe } from './programs.ts';
import type { SearchEvent } from './state.ts';
import { describable, type ContentId, type Transitions } from './transitions.ts';
import type { Wants } from './wants.ts';

export interface JobStart {
  readonly schema: SchemaId;
  readonly content: ContentId;
}

export type JobRun =
  | {
      readonly kind: 'finished' | 'endless';
      readonly content: ContentId;
      readonly events: readonly SearchEvent[];
      readonly changes: readonly Change[];
    }
  | {
      readonly kind: 'error';
      readonly content: ContentId;
      readonly events: readonly SearchEvent[];
      readonly error: JobStep & { kind: 'error' };
    };

/** A batch of each goes to the engine together with a batch of the others. Results in the order of `starts`. */
export async function runJobs(
  context: { readonly jobs: Jobs; readonly wants: Wants; readonly transitions: Transitions },
  starts: readonly JobStart[],
  step: BackfillStep,
): Promise<readonly JobRun[]> {
  const { form } = step;
  if (form.kind === 'script')
    for (const schema of new Set(starts.map((s) => s.schema)))
      await context.transitions.describe(schema, [describable(typeProbe(form.read))]);
  const runs = starts.map(
    (start) => new Run(context.jobs, start, step, paceOf(context.transitions, start.content, step)),
  );
  for (let open = runs; open.length > 0;) {
    open = open.filter((run) => run.advance() === 'missing');
    await context.wants.compute();
  }
  return runs.map((run) => run.result as JobRun);
}

/** Batches of one row give what a search comes to; only where that would take too long they become larger. */
function paceOf(transitions: Transitions, content: ContentId, step: BackfillStep): Pace {
  const rows = rowsIn(transitions.contents.text(content));
  return new Pace(rows, rows <= manyRows ? Infinity : fewBatches, step.batch ?? usualBatch);
}

/** Where tables are large. */
const fewBatches = 20;
/** Rows in a batch after that, where the plan does not say. */
const usualBatch = 1000;

/** Rows of all tables. */
export function rowsIn(content: Content): number {
  return Object.values(parseContent(content).tables).reduce((n, rows) => n + rows.length, 0);
}

class Run {
  private job: JobState = freshJob;
  private content: ContentId;
  private readonly events: SearchEvent[] = [];
  private readonly changes: Change[] = [];
  result: JobRun | null = null;

  constructor(
    private readonly jobs: Jobs,
    private readonly start: JobStart,
    private readonly step: BackfillStep,
    private readonly pace: Pace,
  ) {
    this.content = start.content;
  }

  /** Goes on until a batch has to be computed first, or to the end. */
  advance(): 'missing' | 'done' {
    while (this.result === null) {
      const rows = this.pace.size(this.events.length);
      const next = this.jobs.step(this.start.schema, this.content, this.step, this.job, rows);
      if (next === null) return 'missing';
      this.take(next);
    }
    return 'done';
  }

  private take(next: JobStep): void {
    const { content, events, changes } = this;
    if (next.kind === 'finished') this.result = { kind: 'finished', content, events, changes };
    else if (next.kind === 'error') this.result = { kind: 'error', content, events, error: next };
    else {
      events.push({ kind: 'batch', step: this.step, sql: next.sql, what: next.what, reads: next.reads });
      changes.push(...(next.changes ?? []));
      this.content = next.content;
      this.job = next.job;
      if (this.pace.isEndless(events.length, next.content, next.job))
        this.result = { kind: 'endless', content: next.content, events, changes };
    }
  }
}
