import type { Rule } from './_rule.ts';

export const blockingLock: Rule & { readonly id: 'blocking-lock' } = {
  id: 'blocking-lock',
  severity: 'error',
  meaning: 'Requests of a live version wait for a lock for longer than they may.',
  hint: 'Let the step hold its lock for less: do what takes long in a step of its own, without the strong lock.',
};
