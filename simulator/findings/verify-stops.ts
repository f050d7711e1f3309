import type { Rule } from './_rule.ts';

export const verifyStops: Rule & { readonly id: 'verify-stops' } = {
  id: 'verify-stops',
  severity: 'error',
  meaning: 'A state that can be reached fails the check: the plan can not go on.',
  hint: 'Remove what lets the two places drift apart; the check is right to stop.',
};
