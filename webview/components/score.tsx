/** The score: the history as a picture, time to the right, with the data's places as bands and writes as threads. */
import { useComputed } from '@preact/signals';
import { subjectOf, type Told } from '../model/rows.ts';
import { scoreOf, type Score as ScoreModel } from '../model/score.ts';
import { sentenceAt } from '../model/sentence.ts';
import type { Store } from '../store.ts';
import '../style/score.css';
import { ScoreScroller } from './score-scroller.tsx';

/** What is looked at, as the models take it. */
export function toldOf(store: Store): Told | null {
  const ready = store.ready.value;
  const history = store.history.value;
  return ready === null || history === null ? null : { recording: ready.recording, views: ready.views, history };
}

export function Score({ store }: { readonly store: Store }) {
  const score = useComputed<ScoreModel | null>(() => {
    const told = toldOf(store);
    if (told === null) return null;
    const row = store.remembered.value?.row ?? null;
    return scoreOf(told, row === null ? null : subjectOf(told, row));
  });
  const told = toldOf(store);
  if (score.value === null || told === null) return null;
  const { story } = score.value;
  const headline = story?.headline ?? `${told.recording.title}: nothing differs from the app without the migration.`;
  return (
    <section class="score" aria-labelledby="score-title">
      <h2 id="score-title" class={story === null ? 'score-title' : 'score-title score-bad'}>
        {headline}
      </h2>
      <ScoreScroller store={store} score={score.value} sentence={sentenceAt(told, store.playhead.value)} />
      <Callouts store={store} score={score.value} />
    </section>
  );
}

function Callouts({ store, score }: { readonly store: Store; readonly score: ScoreModel }) {
  const callouts = score.story?.callouts ?? [];
  if (callouts.length === 0) return null;
  return (
    <ol class="score-callouts">
      {callouts.map(({ number, moment, part, text }) => (
        <li key={number} class={`score-callout score-${part}`}>
          <button
            type="button"
            onClick={() => store.goToMoment(moment)}
            aria-current={store.playhead.value.moment === moment ? 'step' : undefined}
          >
            <span class="score-number" aria-hidden="true">
              {number}
            </span>
            <span>{text}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
