/** A backfill run on with nothing else going on, from many contents at once. */
import type { Change, SchemaId } from '../engine/engine.ts';
import type { BackfillStep } from '../plan/model.ts';
import { freshJob, type JobState, type JobStep, type Jobs } from './jobs.ts';
import { typeProbe } from './programs.ts';
import type { SearchEvent } from './state.ts';
import { describable, type ContentId, type Transitions } from './transitions.ts';
import type { Wants } from './wants.ts';

export interface JobStart {
  readonly schema: SchemaId;
  readonly content: ContentId;
}

export type JobRun =
  | (Ran & { readonly kind: 'finished' | 'endless'; readonly changes: readonly Change[] })
  | (Ran & { readonly kind: 'error'; readonly error: JobStep & { kind: 'error' } });

interface Ran {
  readonly content: ContentId;
  readonly events: readonly SearchEvent[];
  /** What each of the events left in the tables. */
  readonly contents: readonly ContentId[];
}

/** A batch of each goes to the engine together with a batch of the others. Results in the order of `starts`. */
export async function runJobs(
  context: { readonly jobs: Jobs; readonly wants: Wants; readonly transitions: Transitions },
  starts: readonly JobStart[],
  step: BackfillStep,
  maxBatches: number,
): Promise<readonly JobRun[]> {
  const { form } = step;
  if (form.kind === 'script')
    for (const schema of new Set(starts.map((s) => s.schema)))
      await context.transitions.describe(schema, [describable(typeProbe(form.read))]);
  const runs = starts.map((start) => new Run(context.jobs, start, step, maxBatches));
  for (let open = runs; open.length > 0;) {
    open = open.filter((run) => run.advance() === 'missing');
    await context.wants.compute();
  }
  return runs.map((run) => run.result as JobRun);
}

class Run {
  private job: JobState = freshJob;
  private content: ContentId;
  private readonly events: SearchEvent[] = [];
  private readonly contents: ContentId[] = [];
  private readonly changes: Change[] = [];
  private readonly seen = new Set<string>();
  result: JobRun | null = null;

  constructor(
    private readonly jobs: Jobs,
    private readonly start: JobStart,
    private readonly step: BackfillStep,
    private readonly maxBatches: number,
  ) {
    this.content = start.content;
  }

  /** Goes on until a batch has to be computed first, or to the end. */
  advance(): 'missing' | 'done' {
    while (this.result === null) {
      const next = this.jobs.step(this.start.schema, this.content, this.step, this.job);
      if (next === null) return 'missing';
      this.take(next);
    }
    return 'done';
  }

  private take(next: JobStep): void {
    const { content, contents, events, changes } = this;
    if (next.kind === 'finished') this.result = { kind: 'finished', content, contents, events, changes };
    else if (next.kind === 'error') this.result = { kind: 'error', content, contents, events, error: next };
    else {
      events.push({ kind: 'batch', step: this.step, sql: next.sql, what: next.what, reads: next.reads });
      changes.push(...(next.changes ?? []));
      this.content = next.content;
      contents.push(next.content);
      this.job = next.job;
      const key = `${next.content}|${JSON.stringify(next.job)}`;
      if (this.seen.has(key) || events.length >= this.maxBatches)
        this.result = { kind: 'endless', content: next.content, contents, events, changes };
      this.seen.add(key);
    }
  }
}
