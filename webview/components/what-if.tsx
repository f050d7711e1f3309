/** What if: a request, a rollback, a straggler or SQL, played from the moment at the playhead. */
import type { Store } from '../store.ts';

export function WhatIf({ store }: { readonly store: Store }) {
  return <p>{store.isReady.value ? 'WhatIf' : ''}</p>;
}
