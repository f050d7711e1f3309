import type { Rule } from './_rule.ts';

export const staleRead: Rule & { readonly id: 'stale-read' } = {
  id: 'stale-read',
  severity: 'warning',
  meaning: 'A live version reads an older value until a stream or a replica has caught up.',
  hint: 'Hold the step that switches reads with `wait: caught-up`, and let nothing be written that only a stream brings to where it is read.',
};
