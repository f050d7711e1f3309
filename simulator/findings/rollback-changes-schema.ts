import type { Rule } from './_rule.ts';

export const rollbackChangesSchema: Rule & { readonly id: 'rollback-changes-schema' } = {
  id: 'rollback-changes-schema',
  severity: 'warning',
  meaning: 'The way back leaves another schema than there was before the step.',
  hint: 'Make `rollback` undo everything that the step made, defaults, indexes and constraints included.',
};
