import type { Rule } from './_rule.ts';

export const rollbackBreaksRequests: Rule & { readonly id: 'rollback-breaks-requests' } = {
  id: 'rollback-breaks-requests',
  severity: 'error',
  meaning: 'After the way back a request of the version that is live there fails.',
  hint: 'Undo a schema change only when the versions live after it need no more than what is left.',
};
