import type { Rule } from './_rule.ts';

export const backfillNotIdempotent: Rule & { readonly id: 'backfill-not-idempotent' } = {
  id: 'backfill-not-idempotent',
  severity: 'error',
  meaning: 'Run again, the backfill changes what it had already done, or fails.',
  hint: 'Set values from the source (`new = f(old)`) instead of changing them relative to what is there, and insert with ON CONFLICT.',
};
