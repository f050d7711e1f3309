import type { Rule } from './_rule.ts';

export const tableRewrite: Rule & { readonly id: 'table-rewrite' } = {
  id: 'table-rewrite',
  severity: 'error',
  meaning: 'A large table is written anew while requests wait for it.',
  hint: 'Add a column beside the old one, fill it in batches, and switch to it: a rewrite keeps every request out until it is done.',
};
