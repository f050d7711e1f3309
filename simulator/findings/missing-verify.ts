import type { Rule } from './_rule.ts';

export const missingVerify: Rule & { readonly id: 'missing-verify' } = {
  id: 'missing-verify',
  severity: 'warning',
  meaning: 'Reads are switched to what a backfill filled, and nothing verified it.',
  hint: 'Put a `verify` step with a count and a checksum of both places before the switch.',
};
