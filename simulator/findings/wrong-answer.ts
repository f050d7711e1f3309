import type { Rule } from './_rule.ts';

export const wrongAnswer: Rule & { readonly id: 'wrong-answer' } = {
  id: 'wrong-answer',
  severity: 'error',
  meaning: 'A write touches a row where the reference touches none, or the reverse, or returns other rows.',
  hint: 'Make the write of every live version find the same rows, in the old place and in the new.',
};
