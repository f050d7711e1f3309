import type { Rule } from './_rule.ts';

export const unreadableAnswer: Rule & { readonly id: 'unreadable-answer' } = {
  id: 'unreadable-answer',
  severity: 'error',
  meaning: 'A live version reads a row that its code, by `accepts`, can not take.',
  hint: 'Deploy readers that know the new value before any version can write it.',
};
