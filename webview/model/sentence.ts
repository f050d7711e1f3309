/** What happens at a moment, in a sentence or two: the same for the eye, for a screen reader and for an export. */
import type { History, Recording, View } from '../../simulator/player/model.ts';
import type { Playhead } from '../protocol.ts';

export interface Told {
  readonly recording: Recording;
  readonly views: readonly View[];
  readonly history: History;
}

export function sentenceAt({ history }: Told, { moment }: Playhead): string {
  return history.moments[moment]?.title ?? '';
}
