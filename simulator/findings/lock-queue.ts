import type { Rule } from './_rule.ts';

export const lockQueue: Rule & { readonly id: 'lock-queue' } = {
  id: 'lock-queue',
  severity: 'warning',
  meaning: 'A statement waits for its lock without a limit, and every request behind it.',
  hint: "Begin the step with `SET lock_timeout = '2s'`, and try again when it could not have the lock.",
};
