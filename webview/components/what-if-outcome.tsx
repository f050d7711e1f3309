/** What came of a fork: what was answered, what the reference answers, and the first thing that goes wrong after it. */
import type { Store } from '../store.ts';
import { commandText, wrongText, type Outcome } from '../model/what-if.ts';
import { goBack } from '../moves.ts';
import { Mark } from './marks.tsx';

export function WhatIfOutcome({ store, outcome }: { readonly store: Store; readonly outcome: Outcome }) {
  const { command, actual, expected, differs, wrong, end } = outcome;
  return (
    <section class={wrong === null ? 'what-if-outcome' : 'what-if-outcome what-if-bad'} aria-label="What came of it">
      <h3 class="tool-title">
        <span>
          What if: <code>{commandText(command)}</code>
        </span>
      </h3>
      {actual === null ? null : (
        <dl class="tool-facts">
          <dt>Answered</dt>
          <dd>
            <code class={differs ? 'tool-bad' : ''}>{actual}</code>
          </dd>
          <dt>Expected</dt>
          <dd>
            <code>{expected ?? '–'}</code>
          </dd>
        </dl>
      )}
      <p class="what-if-wrong">
        <Mark name={wrong === null ? 'held' : 'broken'} /> <span>{wrongText(wrong, end)}</span>
      </p>
      <p class="tool-actions">
        {wrong === null ? null : (
          <button
            type="button"
            class="tool-link"
            onClick={() =>
              store.moveTo({ history: store.playhead.value.history, moment: wrong.moment, probe: wrong.probe })
            }
          >
            Go there
          </button>
        )}
        <button type="button" class="tool-link" onClick={() => store.goToMoment(outcome.first)}>
          To where it begins
        </button>
        <button
          type="button"
          class="tool-link"
          onClick={() => {
            if (store.playhead.value.probe !== null) goBack(store);
            goBack(store);
          }}
        >
          Back to where it was forked
        </button>
      </p>
    </section>
  );
}
