import type { Rule } from './_rule.ts';

export const neverExercised: Rule & { readonly id: 'never-exercised' } = {
  id: 'never-exercised',
  severity: 'info',
  meaning: 'A request was never run where its version is live: nothing was shown about it.',
  hint: 'Give the seed or `params` values with which it runs, or mend what keeps the plan from getting there.',
};
