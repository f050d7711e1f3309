/** The score: the history as a picture, time to the right, with the data's places as bands and writes as threads. */
import type { Store } from '../store.ts';

export function Score({ store }: { readonly store: Store }) {
  return <p>{store.isReady.value ? 'Score' : ''}</p>;
}
