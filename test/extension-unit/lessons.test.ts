/** Every lesson is broken in the way that it teaches, and can be mended; the starter plan is safe. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileNameOf, lessonAt, lessons, nextLesson, outcomeOf } from '../../extension/lessons/catalog.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import type { Plan } from '../../simulator/plan/model.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

interface Rehearsed {
  readonly plan: Plan;
  readonly report: PlanReport;
}

async function rehearsed(file: string, change: (text: string) => string = (text) => text): Promise<Rehearsed> {
  const read = async (path: string) => change(await readFile(path, 'utf8'));
  const loaded = await loadPlan(file, read);
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'));
  const { report } = await rehearse(file, read, () => Promise.resolve(engine));
  return { plan: loaded.plan, report };
}

const broken = (id: string) => `extension/lessons/plans/${id}.cutover.yaml`;
const mended = (id: string) => `test/lessons/${id}.cutover.yaml`;

describe.each(lessons.map((lesson) => [lesson.id, lesson] as const))('lesson %s', (id, lesson) => {
  test('is unsafe by its rule, and by no other', async () => {
    const { plan, report } = await rehearsed(broken(id));
    expect(report.verdict).toBe('unsafe');
    expect(report.findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule)).toEqual([
      lesson.rule,
    ]);
    expect(outcomeOf(lesson, report, plan)).toEqual({ kind: 'unsolved' });
  });

  test('is solved by a plan that is safe', async () => {
    const { plan, report } = await rehearsed(mended(id));
    expect(report.verdict).toBe('safe');
    expect(outcomeOf(lesson, report, plan)).toEqual({ kind: 'solved' });
  });

  test('asks its question in comments, under its number and title', () => {
    const text = readFileSync(broken(id), 'utf8');
    const [head] = text.split('\n\n');
    expect(head?.split('\n').every((line) => line.startsWith('#'))).toBe(true);
    expect(head?.split('\n')[0]?.toLowerCase()).toBe(
      `# lesson ${lessons.indexOf(lesson) + 1} of ${lessons.length}: ${lesson.title.toLowerCase()}`,
    );
    expect(head).toMatch(/^# Question: .*$/m);
    expect(head).toMatch(/^# Hint: .*$/m);
  });
});

describe('a lesson is not solved', () => {
  const [first] = lessons;
  if (first === undefined) throw new Error('there are no lessons');

  test('by taking away the deploy that it is about', async () => {
    const { plan, report } = await rehearsed(broken(first.id), (text) =>
      text.replace(/ {2}- name: switch reads\n.*\n/, ''),
    );
    expect(report.verdict).toBe('safe');
    expect(outcomeOf(first, report, plan)).toEqual({ kind: 'evaded', why: 'no step deploys v3' });
  });

  test('by taking away the request that shows it', async () => {
    const { plan, report } = await rehearsed(broken(first.id), (text) => text.replaceAll(/ {4}get_user: .*\n/g, ''));
    expect(report.verdict).toBe('safe');
    expect(outcomeOf(first, report, plan)).toEqual({ kind: 'evaded', why: 'a version no longer answers get_user' });
  });

  test('by allowing what was found', async () => {
    const allow = 'allow: [{ rule: lost-write, reason: Nobody will notice. }]\n';
    const { plan, report } = await rehearsed(broken(first.id), (text) => text + allow);
    expect(report.verdict).toBe('safe');
    expect(outcomeOf(first, report, plan)).toEqual({ kind: 'evaded', why: 'a finding is allowed, not mended' });
  });
});

describe('the lessons', () => {
  test('are those that have a plan, and each has a solution', () => {
    const ids = lessons.map(({ id }) => `${id}.cutover.yaml`).toSorted();
    expect(readdirSync('extension/lessons/plans').toSorted()).toEqual(ids);
    expect(readdirSync('test/lessons').toSorted()).toEqual(ids);
  });

  test('are known by the name of their document', () => {
    for (const lesson of lessons) {
      expect(lessonAt(`/plans/${fileNameOf(lesson)}.cutover.yaml`)).toBe(lesson);
      expect(lessonAt(`/plans/${fileNameOf(lesson)}-2.cutover.yaml`)).toBe(lesson);
    }
    expect(lessonAt('/plans/plan.cutover.yaml')).toBeNull();
    expect(lessonAt('/plans/lesson-of-life.cutover.yaml')).toBeNull();
  });

  test('follow one another, and begin anew with what is left', () => {
    const [first, second, third] = lessons;
    const last = lessons.at(-1);
    if (first === undefined || last === undefined) throw new Error('there are no lessons');
    expect(nextLesson(first, new Set([first.id]))).toBe(second);
    expect(nextLesson(first, new Set([first.id, second?.id ?? '']))).toBe(third);
    expect(nextLesson(last, new Set([last.id]))).toBe(first);
    expect(nextLesson(last, new Set(lessons.map(({ id }) => id)))).toBeNull();
  });
});

test('the starter plan is safe, with nothing to remark', async () => {
  const { report } = await rehearsed('extension/new-plan/starter.cutover.yaml');
  expect(report.verdict).toBe('safe');
  expect(report.findings).toEqual([]);
  expect(report.exploration.complete).toBe(true);
});
