/** The lessons in the order in which they build on each other. Each is a broken plan under `plans/`, with its question in comments. */
import type { Plan } from '../../simulator/plan/model.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

/** What a mended plan still does: it deploys this version, if one is named, and every version answers these requests. */
export interface Goal {
  readonly deploys: string | null;
  readonly requests: readonly string[];
}

/** A lesson of this extension, or one that somebody has saved. */
export interface Exercise {
  readonly id: string;
  readonly title: string;
  /** What a rehearsal of the broken plan finds; null where nobody has said. */
  readonly rule: string | null;
  readonly goal: Goal;
}

/** Its id is the name of its plan's file. */
export interface Lesson extends Exercise {
  readonly rule: string;
}

const user = ['change_email', 'get_user'];

export const lessons: readonly Lesson[] = [
  {
    id: 'backfill-gaps',
    title: 'The copy that passes over rows',
    rule: 'lost-write',
    goal: { deploys: 'v3', requests: user },
  },
  {
    id: 'readers-first',
    title: 'Readers that come too early',
    rule: 'lost-write',
    goal: { deploys: 'v3', requests: user },
  },
  {
    id: 'copy-too-early',
    title: 'The copy that comes too early',
    rule: 'lost-write',
    goal: { deploys: 'v3', requests: user },
  },
  {
    id: 'not-null-left',
    title: 'NOT NULL left behind',
    rule: 'request-fails',
    goal: { deploys: 'v4', requests: ['sign_up', 'get_user'] },
  },
  {
    id: 'no-copy-back',
    title: 'A way back that forgets',
    rule: 'rollback-loses-writes',
    goal: { deploys: 'v4', requests: ['rename', 'get_project'] },
  },
  {
    id: 'one-transaction',
    title: '200 GB in one statement',
    rule: 'backfill-in-one-transaction',
    goal: { deploys: 'v3', requests: user },
  },
  {
    id: 'one-step',
    title: 'Just a rename',
    rule: 'request-fails',
    goal: { deploys: 'v2', requests: user },
  },
];

export function lessonOf(id: string): Lesson | null {
  return lessons.find((lesson) => lesson.id === id) ?? null;
}

/** The lesson that a file's path is of: `lesson-one-step.cutover.yaml`, or `lesson-one-step-2.cutover.yaml`. */
export function lessonAt(path: string): Lesson | null {
  const [, id] = /(?:^|\/)lesson-(.+?)(?:-\d+)?\.cutover\.ya?ml$/.exec(path) ?? [];
  return id === undefined ? null : lessonOf(id);
}

export function fileNameOf({ id }: Lesson): string {
  return `lesson-${id}`;
}

/** The one after it; the first that is not solved, after the last. Null when there is no other. */
export function nextLesson(lesson: Exercise, solved: ReadonlySet<string>): Lesson | null {
  const later = lessons.slice(lessons.findIndex(({ id }) => id === lesson.id) + 1);
  return [...later, ...lessons].find(({ id }) => id !== lesson.id && !solved.has(id)) ?? null;
}

/** `evaded`: it is safe, but does not do what it was for any more. */
export type Outcome =
  | { readonly kind: 'unsolved' }
  | { readonly kind: 'solved' }
  | { readonly kind: 'evaded'; readonly why: string };

export function outcomeOf({ goal }: Exercise, report: PlanReport, plan: Plan): Outcome {
  if (report.verdict !== 'safe') return { kind: 'unsolved' };
  const evaded = (why: string): Outcome => ({ kind: 'evaded', why });
  if (report.findings.some(({ allowed }) => allowed !== null)) return evaded('a finding is allowed, not mended');
  const { deploys } = goal;
  const isDeployed = plan.steps.some((step) => step.kind === 'deploy' && step.version === deploys);
  if (deploys !== null && !isDeployed) return evaded(`no step deploys ${deploys}`);
  const live = new Set(plan.steps.flatMap((step) => (step.kind === 'deploy' ? [step.version] : [])));
  const versions = plan.versions.filter(({ name }, index) => index === 0 || live.has(name));
  const missing = goal.requests.find((name) => versions.some(({ requests }) => !requests.has(name)));
  return missing === undefined ? { kind: 'solved' } : evaded(`a version no longer answers ${missing}`);
}
