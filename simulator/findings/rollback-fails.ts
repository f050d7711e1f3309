import type { Rule } from './_rule.ts';

export const rollbackFails: Rule & { readonly id: 'rollback-fails' } = {
  id: 'rollback-fails',
  severity: 'error',
  meaning: 'The way back gives an error on a state that can be reached.',
  hint: 'Let the way back mend what newer versions wrote before it puts the old constraint back.',
};
