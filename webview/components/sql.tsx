/** SQL in the editor's own component: what two versions run for a request, and what a step runs. */
import type { Store } from '../store.ts';

export function Sql({ store }: { readonly store: Store }) {
  return <p>{store.isReady.value ? 'Sql' : ''}</p>;
}
