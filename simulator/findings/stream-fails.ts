import type { Rule } from './_rule.ts';

export const streamFails: Rule & { readonly id: 'stream-fails' } = {
  id: 'stream-fails',
  severity: 'error',
  meaning: 'What a stream delivers fails, so that it delivers nothing any more.',
  hint: 'Write what the stream runs so that it can be run twice and in any state: INSERT … ON CONFLICT DO UPDATE, columns that are there for as long as the stream runs.',
};
