import type { Rule } from './_rule.ts';

export const migrationNotAtomic: Rule & { readonly id: 'migration-not-atomic' } = {
  id: 'migration-not-atomic',
  severity: 'warning',
  meaning: 'A step that is not one transaction can die half way, and then fails when it is run again.',
  hint: 'Write it so that it can be run again (IF NOT EXISTS, IF EXISTS), or make each statement a step of its own.',
};
