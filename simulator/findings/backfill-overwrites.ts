import type { Rule } from './_rule.ts';

export const backfillOverwrites: Rule & { readonly id: 'backfill-overwrites' } = {
  id: 'backfill-overwrites',
  severity: 'error',
  meaning: 'The backfill wrote an older value over a newer one.',
  hint: 'Read and write in one statement, or lock the row between the two, so that nothing is written in between.',
};
