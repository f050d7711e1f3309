import type { Rule } from './_rule.ts';

export const straggler: Rule & { readonly id: 'straggler' } = {
  id: 'straggler',
  severity: 'warning',
  meaning: 'A version that lives one deploy longer than planned makes something go wrong that goes well without it.',
  hint: 'Make sure that no pod of the version before the last is left before a step begins, or make the step safe for three versions.',
};
