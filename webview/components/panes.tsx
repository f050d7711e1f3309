/** The panes below the score, or beside it: one is there at a time, and is made when it is chosen. */
import type { Pane, Store } from '../store.ts';
import { Biography } from './biography.tsx';
import { Events } from './events.tsx';
import { Sql } from './sql.tsx';
import { Traffic } from './traffic.tsx';
import { WhatIf } from './what-if.tsx';

const panes: readonly { readonly pane: Pane; readonly name: string }[] = [
  { pane: 'row', name: 'Row' },
  { pane: 'events', name: 'Events' },
  { pane: 'sql', name: 'SQL' },
  { pane: 'what-if', name: 'What if' },
  { pane: 'traffic', name: 'Traffic' },
];

export function Panes({ store }: { readonly store: Store }) {
  const chosen = store.remembered.value.pane;
  return (
    <section class="panes" aria-label="Details">
      <div role="tablist" aria-label="Details" class="tabs" onKeyDown={(event) => moveTab(store, chosen, event)}>
        {panes.map(({ pane, name }) => (
          <button
            key={pane}
            type="button"
            role="tab"
            id={`tab-${pane}`}
            aria-selected={pane === chosen}
            aria-controls="pane"
            tabIndex={pane === chosen ? 0 : -1}
            onClick={() => store.remember({ pane })}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="pane" class="pane" aria-labelledby={`tab-${chosen}`}>
        <Content store={store} pane={chosen} />
      </div>
    </section>
  );
}

function moveTab(store: Store, chosen: Pane, event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const at = panes.findIndex(({ pane }) => pane === chosen);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: panes.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = panes[(to + panes.length) % panes.length];
  if (next === undefined) return;
  store.remember({ pane: next.pane });
  document.getElementById(`tab-${next.pane}`)?.focus();
}

function Content({ store, pane }: { readonly store: Store; readonly pane: Pane }) {
  switch (pane) {
    case 'row':
      return <Biography store={store} />;
    case 'events':
      return <Events store={store} />;
    case 'sql':
      return <Sql store={store} />;
    case 'what-if':
      return <WhatIf store={store} />;
    case 'traffic':
      return <Traffic store={store} />;
  }
}
