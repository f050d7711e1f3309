import type { Rule } from './_rule.ts';

export const rollbackLosesWrites: Rule & { readonly id: 'rollback-loses-writes' } = {
  id: 'rollback-loses-writes',
  severity: 'error',
  meaning: 'After the way back an acknowledged write is gone.',
  hint: 'Copy back what was written only to the new place before the old version reads again, or declare the point of no return.',
};
