import type { Rule } from './_rule.ts';

export const lostWrite: Rule & { readonly id: 'lost-write' } = {
  id: 'lost-write',
  severity: 'error',
  meaning: 'An acknowledged write is not what a live version reads.',
  hint: 'Write both places in every live version before the copy begins, and let the copy mend every difference (`IS DISTINCT FROM`), not only what is missing.',
};
