/** Which plan is next, where several are rehearsed at a time. */
import { expect, test } from 'vitest';
import { PlanQueue } from '../../simulator/cli/plan-queue.ts';

const files = ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'a/4', 'a/5'];

/** Takes all, each of so many in turn; gives what each got. */
function shared(among: number): readonly (readonly string[])[] {
  const queue = new PlanQueue(files);
  const taken = Array.from({ length: among }, (): string[] => []);
  for (let turn = 0; ; turn++) {
    const own = taken[turn % among] as string[];
    const index = queue.next(own.at(-1)?.split('/')[0] ?? null);
    if (index === null) return taken;
    own.push(files[index] as string);
  }
}

test('alone, it goes through one directory after the other', () => {
  expect(shared(1)).toEqual([['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'b/1', 'c/1']]);
});

test('two have a directory each, and share the largest when no other is left', () => {
  expect(shared(2)).toEqual([
    ['a/1', 'a/2', 'a/3', 'a/4'],
    ['b/1', 'c/1', 'a/5'],
  ]);
});

test('each plan is taken once', () => {
  for (const among of [3, 7, 9]) expect(shared(among).flat().sort()).toEqual([...files].sort());
});
