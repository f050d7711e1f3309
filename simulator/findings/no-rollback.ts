import type { Rule } from './_rule.ts';

export const noRollback: Rule & { readonly id: 'no-rollback' } = {
  id: 'no-rollback',
  severity: 'error',
  meaning: 'The step has no way back.',
  hint: 'Write its `rollback`; where there is none, say `rollback: none` and declare `point-of-no-return: true`.',
};
