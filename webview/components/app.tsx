/** The whole stage: what is in it, and in which order. */
import type { Store } from '../store.ts';

export function App({ store }: { readonly store: Store }) {
  return <main class="stage">{store.plan.value?.name ?? 'No plan'}</main>;
}
