/** Simulated traffic as charts over the steps, with a scrubber on the playhead. */
import type { Store } from '../store.ts';

export function Traffic({ store }: { readonly store: Store }) {
  return <p>{store.isReady.value ? 'Traffic' : ''}</p>;
}
