/** The biography of one row: every event that touched it, old, new and reference side by side. */
import type { Store } from '../store.ts';

export function Biography({ store }: { readonly store: Store }) {
  return <p>{store.isReady.value ? 'Biography' : ''}</p>;
}
