/** What is looked at, as the models take it. Computed once for all that shows it. */
import type { Told } from '../model/rows.ts';
import { subjectOf } from '../model/rows.ts';
import { scoreOf, type Score } from '../model/score.ts';
import type { Store } from '../store.ts';

export function toldOf(store: Store): Told | null {
  const ready = store.ready.value;
  const history = store.history.value;
  return ready === null || history === null ? null : { recording: ready.recording, views: ready.views, history };
}

const scores = new WeakMap<Told['history'], Map<string, Score>>();

/** The score of the history at the playhead, for the row that is chosen. */
export function currentScore(store: Store): Score | null {
  const told = toldOf(store);
  if (told === null) return null;
  const row = store.remembered.value?.row ?? null;
  const of = scores.get(told.history) ?? new Map<string, Score>();
  scores.set(told.history, of);
  const key = JSON.stringify(row);
  const known = of.get(key) ?? scoreOf(told, row === null ? null : subjectOf(told, row));
  of.set(key, known);
  return known;
}
