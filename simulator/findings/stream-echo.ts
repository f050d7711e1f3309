import type { Rule } from './_rule.ts';

export const streamEcho: Rule & { readonly id: 'stream-echo' } = {
  id: 'stream-echo',
  severity: 'error',
  meaning: 'What a stream delivers is itself a change that is delivered, for ever.',
  hint: 'Say `origin: none` on both streams, so that neither mirrors what the other has delivered; `IS DISTINCT FROM` alone ends the round only while one change at a time is on its way.',
};
