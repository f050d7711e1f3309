import type { Rule } from './_rule.ts';

export const requestAccepted: Rule & { readonly id: 'request-accepted' } = {
  id: 'request-accepted',
  severity: 'error',
  meaning: 'A live version accepts what the app without the migration refuses: a constraint was lost.',
  hint: 'Carry the constraint over to the new place before a version relies on it.',
};
