import type { Rule } from './_rule.ts';

export const requestFails: Rule & { readonly id: 'request-fails' } = {
  id: 'request-fails',
  severity: 'error',
  meaning: 'A request of a live version gives an error that the app without the migration would not give.',
  hint: 'Make the schema accept what every live version sends: expand first, and contract only when no live version needs what goes.',
};
