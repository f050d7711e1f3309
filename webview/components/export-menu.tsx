/** What can be taken away: the score as a picture, the trace as text, the history as a lesson or a link. */
import type { Store } from '../store.ts';
import { Mark } from './marks.tsx';
import { usePopup } from './popup.ts';

interface Item {
  readonly name: string;
  readonly run: (store: Store) => void | Promise<void>;
}

/** Loaded when one is chosen: most people never export. */
const exports = () => import('../export/export.ts');

const items: readonly (Item | null)[] = [
  { name: 'Score as SVG', run: async (store) => (await exports()).exportSvg(store) },
  { name: 'Score as PNG', run: async (store) => (await exports()).exportPng(store) },
  { name: 'Trace as Markdown', run: async (store) => (await exports()).exportMarkdown(store) },
  null,
  { name: 'Save as lesson', run: (store) => store.host.saveLesson(store.playhead.value) },
  { name: 'Copy link', run: (store) => store.host.copyLink(store.playhead.value) },
];

export function ExportMenu({ store, isDisabled }: { readonly store: Store; readonly isDisabled: boolean }) {
  const popup = usePopup(store, 'export', '[role=menuitem]');
  return (
    <div class="popup-anchor">
      <button
        ref={popup.button}
        type="button"
        class="button"
        aria-haspopup="menu"
        aria-expanded={popup.isOpen}
        disabled={isDisabled}
        onClick={popup.toggle}
        onKeyDown={popup.onButtonKey}
      >
        Export
        <Mark name="down" />
      </button>
      {popup.isOpen ? (
        <div ref={popup.list} class="popup end" role="menu" aria-label="Export" onKeyDown={popup.onListKey}>
          {items.map((item, index) =>
            item === null ? (
              <hr key="between" />
            ) : (
              <button
                key={index}
                type="button"
                role="menuitem"
                tabIndex={-1}
                onClick={() => {
                  popup.close();
                  void item.run(store);
                }}
              >
                {item.name}
              </button>
            ),
          )}
        </div>
      ) : null}
    </div>
  );
}
