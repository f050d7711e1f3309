import type { Rule } from './_rule.ts';

export const verifyMissesDrift: Rule & { readonly id: 'verify-misses-drift' } = {
  id: 'verify-misses-drift',
  severity: 'warning',
  meaning: 'Drift was put in on purpose, and the check still passed.',
  hint: 'Compare the values of every row (a checksum over key and value), not only their number.',
};
