import type { Rule } from './_rule.ts';

export const cachedPlan: Rule & { readonly id: 'cached-plan' } = {
  id: 'cached-plan',
  severity: 'error',
  meaning: 'A pod that prepared its statements before the step fails after it.',
  hint: 'Name columns instead of `*`, change a type in a new column beside the old one, or say `prepares: false` of a version whose driver prepares nothing.',
};
