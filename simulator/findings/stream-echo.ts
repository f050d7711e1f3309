import type { Rule } from './_rule.ts';

export const streamEcho: Rule & { readonly id: 'stream-echo' } = {
  id: 'stream-echo',
  severity: 'error',
  meaning: 'What a stream delivers is itself a change that is delivered, for ever.',
  hint: 'Let each stream skip what is there already: `AND column IS DISTINCT FROM :new.column`.',
};
