import type { Rule } from './_rule.ts';

export const backfillInOneTransaction: Rule & { readonly id: 'backfill-in-one-transaction' } = {
  id: 'backfill-in-one-transaction',
  severity: 'error',
  meaning: 'The backfill of a large table is one transaction.',
  hint: 'Write it with `:batch` or a key range, with a pause between batches.',
};
