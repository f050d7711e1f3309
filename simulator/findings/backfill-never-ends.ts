import type { Rule } from './_rule.ts';

export const backfillNeverEnds: Rule & { readonly id: 'backfill-never-ends' } = {
  id: 'backfill-never-ends',
  severity: 'error',
  meaning: 'Batches go on touching rows.',
  hint: 'Let the batch pick only rows that still differ (`IS DISTINCT FROM`), so that a row done is not picked again.',
};
