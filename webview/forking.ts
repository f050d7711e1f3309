/** Plays another future from the playhead on, and goes to what is new in it. */
import type { ForkCommand, History } from '../simulator/player/model.ts';
import { commandText, outcomeOf, outcomeText } from './model/what-if.ts';
import type { Store } from './store.ts';

/** Why it could not be played; null when it was. */
export async function playFork(store: Store, command: ForkCommand): Promise<string | null> {
  const { history, moment } = store.playhead.value;
  const what = commandText(command);
  store.announcement.value = `Playing: ${what}.`;
  const forked = await store.host.fork(history, moment, command);
  if (!forked.ok) {
    store.announcement.value = `${what} could not be played: ${forked.message}`;
    return forked.message;
  }
  const made = await arrivalOf(store, forked.history);
  const outcome = made === null ? null : outcomeOf(made);
  if (outcome === null) return null;
  store.moveTo({ history: forked.history, moment: outcome.first, probe: null });
  store.announcement.value = outcomeText(outcome);
  return null;
}

/** The history of a fork is shown before its answer comes, or shortly after. */
function arrivalOf(store: Store, history: number): Promise<History | null> {
  const longestMs = 5000;
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(null), longestMs);
    const stop = store.ready.subscribe((ready) => {
      const made = ready?.histories.find(({ id }) => id === history);
      if (made === undefined) return;
      clearTimeout(late);
      resolve(made);
      // Not before `stop` is known: what is there already is told at once.
      queueMicrotask(() => stop());
    });
  });
}
