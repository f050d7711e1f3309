/**
 * Backfills run alone: do they end, and is the outcome the same when they are run twice, killed between any two batches and
 * begun again, or run by two workers at once?
 */
import { parseContent, sameRows } from '../engine/content.ts';
import type { BackfillStep, Step } from '../plan/model.ts';
import { planViolation } from './blame.ts';
import { rowsIn, type JobRun } from './job-run.ts';
import { freshJob, jobKey, remembers, type JobState, type JobStep } from './jobs.ts';
import type { Position } from './positions.ts';
import type { Search } from './search.ts';
import { plain, type Node, type SearchEvent } from './state.ts';
import type { Violation } from './violations.ts';

const maxEntries = 60;
/** States in which a job is killed, spread evenly. */
const maxKills = 60;
/** Rows, in all tables, with which it is killed everywhere and run by two workers. */
const fewRows = 40;
/** Interleavings grow with the square of what there is to do. */
const maxPairs = 8;
const maxPairStates = 2_000;

/** Runs a backfill alone from the states it begins in. */
export async function checkBackfill(search: Search, position: Position, entries: readonly Node[]): Promise<void> {
  const step = position.job;
  const owner = position.step;
  if (step === null || owner === null || position.phase !== 'running') return;
  const starts = distinctContents(entries).slice(0, maxEntries);
  const runs = await search.runJobs(starts, step);
  const endlessRun = runs.findIndex((run) => run.kind === 'endless');
  if (endlessRun >= 0) {
    search.evaluator.endless.add(step);
    search.collector.add(endless(owner, step, starts[endlessRun] as Node, runs[endlessRun] as JobRun));
    return;
  }
  // What remembers nothing, and runs until nothing is left, is the same job whoever begins it, and when.
  if (!remembers(step.form)) return;
  const finished = runs.flatMap((run, i) => (run.kind === 'finished' ? [{ run, node: starts[i] as Node }] : []));
  const check = new Repeats(search, owner, step, finished);
  // With many rows there would be as many places to kill it, each with all of the rest to do again.
  const isSmall = starts.every((s) => rowsIn(search.input.transitions.contents.text(s.content)) <= fewRows);
  const violation = (await check.twice()) ?? (isSmall ? await check.killed() : null);
  if (violation !== null) {
    search.evaluator.noRestart.add(step);
    search.collector.add(violation);
    return;
  }
  const together = isSmall ? await check.together() : null;
  if (together !== null) search.collector.add(together);
}

function distinctContents(entries: readonly Node[]): readonly Node[] {
  const first = new Map<string, Node>();
  for (const node of entries) {
    const key = `${node.schema}|${node.content}`;
    if (node.job !== null && !first.has(key)) first.set(key, node);
  }
  return [...first.values()];
}

function endless(owner: Step, step: BackfillStep, node: Node, run: JobRun): Violation {
  const tail = run.events.slice(0, 4);
  return {
    ...planViolation(
      'backfill-never-ends',
      owner,
      `after ${run.events.length} batches on a few rows, batches go on touching rows`,
    ),
    node,
    location: step.location,
    tail: tail.slice(0, -1),
    event: tail[tail.length - 1] ?? null,
  };
}

interface Finished {
  readonly run: JobRun;
  readonly node: Node;
}

/** Where two workers have got to, and how. */
interface Pair {
  readonly content: number;
  /** Null: this worker is through. */
  readonly workers: readonly [JobState | null, JobState | null];
  readonly before: Pair | null;
  readonly event: SearchEvent | null;
}

class Repeats {
  constructor(
    private readonly search: Search,
    private readonly owner: Step,
    private readonly step: BackfillStep,
    private readonly finished: readonly Finished[],
  ) {}

  async twice(): Promise<Violation | null> {
    const starts = this.finished.map(({ run, node }) => ({ schema: node.schema, content: run.content }));
    const again = await this.search.runJobs(starts, this.step);
    const i = again.findIndex((run, at) => this.differs(run, this.finished[at]));
    const [first, second] = [this.finished[i], again[i]];
    if (first === undefined || second === undefined) return null;
    return this.repeated(first, first.run.events, second, 'run again');
  }

  async killed(): Promise<Violation | null> {
    const kills = this.finished.flatMap((first) =>
      first.run.contents.slice(0, -1).map((content, at) => ({ first, content, at })),
    );
    const every = Math.ceil(kills.length / maxKills);
    const some = kills.filter((_, i) => i % Math.max(1, every) === 0);
    const starts = some.map(({ first, content }) => ({ schema: first.node.schema, content }));
    const again = await this.search.runJobs(starts, this.step);
    const i = again.findIndex((run, at) => this.differs(run, some[at]?.first));
    const [kill, second] = [some[i], again[i]];
    if (kill === undefined || second === undefined) return null;
    const done = kill.first.run.events.slice(0, kill.at + 1);
    return this.repeated(kill.first, done, second, `killed after ${batches(done.length)} and begun again`);
  }

  private differs(run: JobRun, first: Finished | undefined): boolean {
    return first !== undefined && (run.kind !== 'finished' || !this.sameRows(run.content, first.run.content));
  }

  private sameRows(a: number, b: number): boolean {
    const { contents } = this.search.input.transitions;
    return sameRows(contents.text(a), contents.text(b));
  }

  private tables(content: number): Readonly<Record<string, readonly unknown[]>> {
    return parseContent(this.search.input.transitions.contents.text(content)).tables;
  }

  private repeated(first: Finished, done: readonly SearchEvent[], again: JobRun, how: string): Violation {
    const failed = again.kind === 'error' ? again.error : null;
    const message =
      failed !== null
        ? `${how}, the backfill fails: ${failed.message}`
        : `${how} with nothing else going on, the backfill changes what it had done`;
    const restart: SearchEvent = { kind: 'restart', step: this.step };
    return this.violation(first.node, [...done, restart, ...again.events], failed, message);
  }

  private violation(
    node: Node,
    events: readonly SearchEvent[],
    failed: (JobStep & { kind: 'error' }) | null,
    message: string,
  ): Violation {
    const all = failed === null ? events : [...events, errorEvent(this.step, failed)];
    return {
      ...planViolation('backfill-not-idempotent', this.owner, message),
      node,
      location: this.step.location,
      tail: all.slice(0, -1),
      event: all[all.length - 1] ?? null,
      sqlstate: failed?.sqlstate ?? null,
      outcome: failed === null ? null : { ok: false, sqlstate: failed.sqlstate, message: failed.message },
    };
  }

  // ---- two workers ------------------------------------------------------------------------------

  /** Every order of the batches, or of a script's reads and writes, of two workers. */
  async together(): Promise<Violation | null> {
    // Random values, drawn anew for every content, would make any order differ.
    if (this.search.input.usesRandom) return null;
    for (const first of this.finished.slice(0, maxPairs)) {
      const violation = await this.pairFrom(first);
      if (violation !== null) return violation;
    }
    return null;
  }

  private async pairFrom(first: Finished): Promise<Violation | null> {
    const start: Pair = { content: first.node.content, workers: [freshJob, freshJob], before: null, event: null };
    const seen = new Set<string>();
    const judged = new Set<number>();
    for (let level: readonly Pair[] = [start]; level.length > 0 && seen.size < maxPairStates;) {
      const next: Pair[] = [];
      for (const pair of level) {
        if (pair.workers[0] === null && pair.workers[1] === null) {
          if (judged.has(pair.content)) continue;
          judged.add(pair.content);
          if (await this.isWorse(first, pair.content)) return this.parted(first, pair, null);
          continue;
        }
        for (const who of [0, 1] as const) {
          const after = await this.advance(first.node, pair, who);
          if (after === null) continue;
          if (after.kind === 'error') return this.parted(first, pair, { who, error: after.error });
          const key = `${after.pair.content}|${after.pair.workers.map((w) => (w === null ? '-' : jobKey(w))).join('|')}`;
          if (seen.has(key)) continue;
          seen.add(key);
          next.push(after.pair);
        }
      }
      level = next;
    }
    return null;
  }

  private async advance(
    node: Node,
    pair: Pair,
    who: 0 | 1,
  ): Promise<{ kind: 'pair'; pair: Pair } | { kind: 'error'; error: JobStep & { kind: 'error' } } | null> {
    const job = pair.workers[who];
    if (job === null) return null;
    const step = await this.search.wants.settle(() =>
      this.search.evaluator.jobs.step(node.schema, pair.content, this.step, job),
    );
    if (step.kind === 'error') return { kind: 'error', error: step };
    const state = step.kind === 'finished' ? null : step.job;
    const workers = who === 0 ? ([state, pair.workers[1]] as const) : ([pair.workers[0], state] as const);
    if (step.kind === 'finished') return { kind: 'pair', pair: { ...pair, workers } };
    const event: SearchEvent = {
      kind: 'batch',
      step: this.step,
      sql: step.sql,
      what: `worker ${who + 1}: ${step.what}`,
      reads: step.reads,
    };
    return { kind: 'pair', pair: { content: step.content, workers, before: pair, event } };
  }

  /** Another number of rows, or a read that is wrong, where one worker alone leaves it right. */
  private async isWorse(first: Finished, content: number): Promise<boolean> {
    const alone = first.run.content;
    if (this.sameRows(content, alone)) return false;
    const [ours, theirs] = [this.tables(content), this.tables(alone)];
    if (Object.entries(theirs).some(([table, rows]) => rows.length !== (ours[table] ?? []).length)) return true;
    const state = plain(first.node);
    for (const { name } of this.search.input.plan.versions)
      if (
        (await this.search.wrongRead({ ...state, content: alone }, name)) === null &&
        (await this.search.wrongRead({ ...state, content }, name)) !== null
      )
        return true;
    return false;
  }

  /** A warning: one worker alone does what it should, and the plan does not say that there are two. */
  private parted(
    first: Finished,
    pair: Pair,
    failed: { readonly who: 0 | 1; readonly error: JobStep & { kind: 'error' } } | null,
  ): Violation {
    const events: SearchEvent[] = [];
    for (let at: Pair | null = pair; at !== null; at = at.before) if (at.event !== null) events.unshift(at.event);
    const message =
      failed === null
        ? 'run by two workers at once, the backfill leaves other rows than one worker does'
        : `run by two workers at once, the backfill fails: ${failed.error.message}`;
    return {
      ...this.violation(first.node, events, failed?.error ?? null, message),
      severity: 'warning',
      subject: 'two workers',
      hint: 'Let a worker take its rows with FOR UPDATE SKIP LOCKED in the statement that writes them, or hold an advisory lock so that one worker runs.',
    };
  }
}

function errorEvent(step: BackfillStep, { sql, sqlstate, message }: JobStep & { kind: 'error' }): SearchEvent {
  return { kind: 'batch', step, sql, what: `error ${sqlstate}: ${message}`, reads: false };
}

function batches(n: number): string {
  return n === 1 ? 'one batch' : `${n} batches`;
}
