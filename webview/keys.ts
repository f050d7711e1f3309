/** The keys of the whole page. What is typed somewhere, and what a list or a menu has used already, is left alone. */
import { playFork } from './forking.ts';
import { goBack, moveByEvent, moveByFinding, moveByStep, moveToEnd, revealHere } from './moves.ts';
import type { Store } from './store.ts';

export interface Key {
  /** As `KeyboardEvent.key` names it, with `Ctrl+` before it. */
  readonly keys: readonly string[];
  /** As people read it. */
  readonly shown: readonly string[];
  readonly does: string;
  readonly run: (store: Store) => void;
}

export const keys: readonly Key[] = [
  {
    keys: ['ArrowRight'],
    shown: ['→'],
    does: 'Next event',
    run: (store) => moveByEvent(store, 'next'),
  },
  {
    keys: ['ArrowLeft'],
    shown: ['←'],
    does: 'Previous event',
    run: (store) => moveByEvent(store, 'previous'),
  },
  {
    keys: ['Ctrl+ArrowRight'],
    shown: ['Ctrl', '→'],
    does: 'Next step',
    run: (store) => moveByStep(store, 'next'),
  },
  {
    keys: ['Ctrl+ArrowLeft'],
    shown: ['Ctrl', '←'],
    does: 'Previous step',
    run: (store) => moveByStep(store, 'previous'),
  },
  { keys: ['n'], shown: ['n'], does: 'Next finding', run: (store) => moveByFinding(store, 'next') },
  { keys: ['p'], shown: ['p'], does: 'Previous finding', run: (store) => moveByFinding(store, 'previous') },
  { keys: ['Home'], shown: ['Home'], does: 'To the start', run: (store) => moveToEnd(store, 'first') },
  { keys: ['End'], shown: ['End'], does: 'To the end', run: (store) => moveToEnd(store, 'last') },
  { keys: ['r'], shown: ['r'], does: 'Roll back here', run: rollBackHere },
  { keys: ['Enter'], shown: ['Enter'], does: 'Show this place in the plan', run: revealHere },
  {
    keys: ['?'],
    shown: ['?'],
    does: 'This sheet',
    run: (store) => {
      store.open.value = 'help';
    },
  },
  { keys: ['Escape'], shown: ['Esc'], does: 'Back: out of a request that was tried, or out of a fork', run: goBack },
];

/** In its own pane, where what comes of it is said. Before the first step there is nothing to take back. */
function rollBackHere(store: Store): void {
  if (store.ready.value === null || (store.moment.value?.step ?? null) === null) return;
  store.remember({ pane: 'what-if' });
  void playFork(store, { kind: 'rollback' });
}

/** Where letters and arrows belong to what has the focus. The playhead's own slider moves as the page does. */
const typing =
  'input:not([type=checkbox], [type=button], [data-playhead]), textarea, select, [contenteditable=true], .monaco-editor, dialog';
/** What Enter is for by itself. */
const pressed =
  'button, a[href], summary, input:not([data-playhead]), [role=gridcell], [role=rowheader], [role=option], [role=tab]';

export function runKey(store: Store, event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(typing) !== null) return;
  const name = `${event.ctrlKey ? 'Ctrl+' : ''}${event.key}`;
  if (name === 'Enter' && target.closest(pressed) !== null) return;
  const key = keys.find((each) => each.keys.includes(name));
  if (key === undefined) return;
  event.preventDefault();
  key.run(store);
}
