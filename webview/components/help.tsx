/** The sheet with all keys, and what the marks mean. */
import { useEffect, useRef } from 'preact/hooks';
import { keys } from '../keys.ts';
import type { Store } from '../store.ts';
import { Mark, type MarkName } from './marks.tsx';

const marks: readonly { readonly name: MarkName; readonly means: string }[] = [
  { name: 'held', means: 'held: every answer was as without the migration' },
  { name: 'broken', means: 'broken: so many of the answers differ' },
  { name: 'never', means: 'never exercised: proves nothing' },
  { name: 'absent', means: 'the version is not live there' },
  { name: 'error', means: 'an error' },
  { name: 'warning', means: 'a warning' },
  { name: 'info', means: 'a note' },
  { name: 'flag', means: 'point of no return: from here on nobody rolls back to before it' },
];

export function Help({ store }: { readonly store: Store }) {
  const dialog = useRef<HTMLDialogElement | null>(null);
  const isOpen = store.open.value === 'help';
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const close = () => {
    if (store.open.value === 'help') store.open.value = null;
  };
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      {isOpen ? (
        <>
          <h2 id="help-title">Keys</h2>
          <dl class="help-keys">
            {keys.map(({ shown, does }) => (
              <div key={does}>
                <dt>
                  {shown.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <p class="soft">Tab goes from region to region; arrows go around inside of grids, lists and tabs.</p>
          <h2>Marks</h2>
          <ul class="help-marks">
            {marks.map(({ name, means }) => (
              <li key={name}>
                <Mark name={name} size={14} />
                {means}
              </li>
            ))}
          </ul>
          <button type="button" class="button primary" onClick={close}>
            Close
          </button>
        </>
      ) : null}
    </dialog>
  );
}
