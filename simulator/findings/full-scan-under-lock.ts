import type { Rule } from './_rule.ts';

export const fullScanUnderLock: Rule & { readonly id: 'full-scan-under-lock' } = {
  id: 'full-scan-under-lock',
  severity: 'error',
  meaning: 'A large table is read from end to end, or indexed, under a lock that requests wait for.',
  hint: 'Add constraints NOT VALID and validate them in a step of their own; build indexes CONCURRENTLY.',
};
