/** The histories that there are, as a tree of what was forked from what; and what can be made of the one at the playhead. */
import type { History } from '../../simulator/player/model.ts';
import type { Store } from '../store.ts';
import { branches } from '../model/course.ts';
import { firstWrong } from '../model/what-if.ts';
import { Mark } from './marks.tsx';

export function Histories({ store, histories }: { readonly store: Store; readonly histories: readonly History[] }) {
  const current = store.playhead.value.history;
  const tree = branches(histories);
  /** One tab stop: arrows go from history to history. */
  const move = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void => {
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('button')];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus();
  };
  return (
    <section class="what-if-histories" aria-labelledby="what-if-histories">
      <h3 class="tool-title" id="what-if-histories">
        Histories
      </h3>
      <ul onKeyDown={move}>
        {tree.map(({ history, depth }) => (
          <li key={history.id} style={{ paddingLeft: `${depth * 18}px` }}>
            <HistoryButton store={store} histories={histories} history={history} isHere={history.id === current} />
          </li>
        ))}
      </ul>
      <p class="tool-actions">
        <button type="button" class="button" onClick={() => store.host.saveLesson(store.playhead.value)}>
          Save as lesson
        </button>
        <button type="button" class="button" onClick={() => store.host.copyLink(store.playhead.value)}>
          Copy link
        </button>
        <span class="soft">The history up to the playhead, with its plan.</span>
      </p>
    </section>
  );
}

function HistoryButton(props: {
  readonly store: Store;
  readonly histories: readonly History[];
  readonly history: History;
  readonly isHere: boolean;
}) {
  const { store, histories, history, isHere } = props;
  const { from, title, id, moments } = history;
  const first = from === null ? 0 : from.moment + 1;
  const wrong = firstWrong(history, first);
  const forkedAt = from === null ? null : (histories[from.history]?.moments[from.moment]?.title ?? null);
  return (
    <button
      type="button"
      class={isHere ? 'what-if-history what-if-history-here' : 'what-if-history'}
      aria-current={isHere ? 'true' : undefined}
      tabIndex={isHere ? 0 : -1}
      onClick={() => store.moveTo({ history: id, moment: Math.min(first, moments.length - 1), probe: null })}
    >
      <Mark name={wrong === null ? 'held' : 'broken'} /> <span>{title}</span>{' '}
      <span class="soft">
        {forkedAt === null ? `${moments.length} moments` : `after ${forkedAt}`}
        {wrong === null ? '' : `; wrong at ${wrong.step}`}
      </span>
    </button>
  );
}
