/** What happens at a moment, in a sentence or two: the same for the eye, for a screen reader and for an export. */
import type { Playhead } from '../protocol.ts';
import type { Told } from './rows.ts';

export type { Told };

export function sentenceAt({ history }: Told, { moment }: Playhead): string {
  return history.moments[moment]?.title ?? '';
}
