/** A lesson that was saved from the stage: a plan like any other, and read as it was written. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../../extension/lessons/catalog.ts';
import {
  goalOf,
  isLessonFile,
  lessonFileName,
  lessonText,
  readLesson,
  workName,
  type SavedLesson,
} from '../../extension/lessons/saved.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import type { Plan } from '../../simulator/plan/model.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

const example = 'examples/rename-column/backfill-is-null.cutover.yaml';

const lesson: SavedLesson = {
  title: 'The copy that passes over rows',
  question: 'Which write does v3 not read?',
  rule: 'lost-write',
  told: {
    finding: 'lost-write-switch-reads',
    forks: [{ moment: 4, command: { kind: 'sql', sql: 'UPDATE users\nSET email = 1' } }],
    at: { history: 1, moment: 5, probe: null },
  },
  goal: { deploys: 'v4', requests: ['change_email', 'get_user'] },
};

async function planOf(text: string): Promise<Plan> {
  const loaded = await loadPlan('p.cutover.yaml', () => Promise.resolve(text));
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'));
  return loaded.plan;
}

test('a lesson is the plan with its question in comments, and one comment for a machine', () => {
  expect(lessonText(lesson, 'title: x\n')).toMatchInlineSnapshot(`
    "# Lesson: The copy that passes over rows
    #
    # Question: Which write does v3 not read?
    #
    # Mend the plan below. The lesson is solved when it is safe.
    #
    # cutover-lesson: {"title":"The copy that passes over rows","question":"Which write does v3 not read?","rule":"lost-write","told":{"finding":"lost-write-switch-reads","forks":[{"moment":4,"command":{"kind":"sql","sql":"UPDATE users\\nSET email = 1"}}],"at":{"history":1,"moment":5,"probe":null}},"goal":{"deploys":"v4","requests":["change_email","get_user"]}}

    title: x
    "
  `);
});

test('a plan with a lesson written over it is the same plan', async () => {
  const text = await readFile(example, 'utf8');
  const [before, after] = [await planOf(text), await planOf(lessonText(lesson, text))];
  expect(after.steps.map(({ name, kind }) => [name, kind])).toEqual(before.steps.map(({ name, kind }) => [name, kind]));
  expect(after.title).toBe(before.title);
  const goal = goalOf(before);
  expect(goal).toEqual(goalOf(after));
  expect(goal.requests).toContain('change_email');
  const safe = { verdict: 'safe', findings: [] } as unknown as PlanReport;
  expect(outcomeOf({ ...lesson, id: 'x', goal }, safe, after)).toEqual({ kind: 'solved' });
});

test('what was written is read, whatever it says', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  fc.assert(
    fc.property(text, text, (title, question) => {
      const written = lessonText({ ...lesson, title, question }, 'title: x\n');
      expect(readLesson(written)).toEqual({ ...lesson, title, question });
      // Nothing of it gets out of the comments.
      const lines = written.split(/\r\n|[\n\r]/);
      expect(lines.slice(0, lines.indexOf('')).every((each) => each.startsWith('#'))).toBe(true);
    }),
  );
});

test('a lesson made of a lesson has one question', () => {
  const once = lessonText(lesson, 'title: x\n');
  expect(lessonText(lesson, once)).toBe(once);
});

describe('is no lesson:', () => {
  const mark = '# cutover-lesson: ';
  const { told, goal } = lesson;
  test.each([
    ['a plan', 'title: x\n'],
    ['a comment that is no JSON', `${mark}{\n`],
    ['a list', `${mark}[]\n`],
    ['one with no history', `${mark}${JSON.stringify({ ...lesson, told: null })}\n`],
    ['one with no goal', `${mark}${JSON.stringify({ title: 'a', question: 'b', told })}\n`],
    ['one whose history is not possible', `${mark}${JSON.stringify({ ...lesson, told: { ...told, forks: [{}] } })}\n`],
    ['one whose goal is no names', `${mark}${JSON.stringify({ ...lesson, goal: { ...goal, requests: [1] } })}\n`],
  ])('%s', (_, text) => expect(readLesson(text)).toBeNull());
});

test('names of files', () => {
  expect(lessonFileName('Ein Name: über alles!')).toBe('ein-name-über-alles');
  expect(lessonFileName('!')).toBe('lesson');
  expect(isLessonFile('/a/b.lesson.cutover.yaml')).toBe(true);
  expect(isLessonFile('/a/b.cutover.yaml')).toBe(false);
  expect(workName('/a/b.lesson.cutover.yaml')).toBe('mend-b');
});
