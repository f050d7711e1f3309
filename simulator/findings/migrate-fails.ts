import type { Rule } from './_rule.ts';

export const migrateFails: Rule & { readonly id: 'migrate-fails' } = {
  id: 'migrate-fails',
  severity: 'error',
  meaning: 'The SQL of the step gives an error on a state that can be reached.',
  hint: 'Bring every row into the form that the step needs, and keep live versions from writing any other, before it runs.',
};
