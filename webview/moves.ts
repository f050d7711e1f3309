/** What moves the playhead, from the keyboard, the playhead bar, the matrix and the palette alike. */
import { findingOf, playable } from './model/findings.ts';
import { momentOf, nextShown, nextStep, previousShown, previousStep, type Target } from './model/course.ts';
import { headline } from './model/words.ts';
import type { Store } from './store.ts';

export type Direction = 'next' | 'previous';

export function moveByEvent(store: Store, direction: Direction): void {
  const { moment, probe } = store.playhead.value;
  // A probe is tried at its moment: the way back from it leads there.
  if (direction === 'previous' && probe !== null) store.goToMoment(moment);
  else store.goToMoment(moment + (direction === 'next' ? 1 : -1));
}

export function moveByStep(store: Store, direction: Direction): void {
  const history = store.history.value;
  const { moment } = store.playhead.value;
  if (history === null) return;
  store.goToMoment(direction === 'next' ? nextStep(history, moment) : previousStep(history, moment));
}

export function moveToEnd(store: Store, end: 'first' | 'last'): void {
  const history = store.history.value;
  if (history !== null) store.goToMoment(end === 'first' ? 0 : history.moments.length - 1);
}

/** To what is shown next in this history; after the last, to the next finding's. */
export function moveByFinding(store: Store, direction: Direction): void {
  const history = store.history.value;
  const { moment } = store.playhead.value;
  const shown =
    history === null ? null : direction === 'next' ? nextShown(history, moment) : previousShown(history, moment);
  if (shown !== null) {
    store.goToMoment(shown);
    return;
  }
  const findings = playable(store.report.value);
  if (findings.length === 0) return;
  const current = findings.findIndex(({ id }) => id === store.chosen.value);
  const step = direction === 'next' ? 1 : -1;
  const next = findings[(current + step + findings.length) % findings.length];
  if (next !== undefined && (findings.length > 1 || current < 0)) choose(store, next.id, { kind: 'shown' });
  else store.announcement.value = 'There is no other finding.';
}

/** Plays the history of a finding, or the plan's own course, and goes to a place in it. */
export function choose(store: Store, finding: string | null, target: Target): void {
  const { ready } = store;
  if (ready.value !== null && ready.value.finding === finding) {
    const [opened] = ready.value.histories;
    const moment = opened === undefined ? null : momentOf(opened, target);
    if (opened !== undefined && moment !== null) store.moveTo({ history: opened.id, moment, probe: null });
    return;
  }
  const found = findingOf(store.report.value, finding);
  store.announcement.value = found === null ? 'Playing the plan’s own course.' : `Playing: ${headline(found)}.`;
  store.target = { finding, target };
  store.host.choose(finding);
}

/** To a step in what is played; where that ends before the step, in the plan's own course. */
export function goToStep(store: Store, step: string): void {
  const history = store.history.value;
  const moment = history === null ? null : momentOf(history, { kind: 'step', step });
  if (moment !== null) store.goToMoment(moment);
  else choose(store, null, { kind: 'step', step });
}

/** Esc: out of a request that was tried, then out of a fork to where it was forked. */
export function goBack(store: Store): void {
  const { moment, probe } = store.playhead.value;
  const from = store.history.value?.from ?? null;
  if (probe !== null) store.goToMoment(moment);
  else if (from !== null) store.moveTo({ history: from.history, moment: from.moment, probe: null });
}

export function revealHere(store: Store): void {
  const { value: moment } = store.moment;
  if (moment !== null) store.host.reveal(moment.place);
}
