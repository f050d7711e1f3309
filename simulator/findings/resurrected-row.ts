import type { Rule } from './_rule.ts';

export const resurrectedRow: Rule & { readonly id: 'resurrected-row' } = {
  id: 'resurrected-row',
  severity: 'error',
  meaning: 'A deleted row is read again, or a new one can not be made because the shadow of the old is left.',
  hint: 'Carry deletes over to the new place as well as inserts and updates.',
};
