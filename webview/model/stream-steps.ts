/** What a step, or its way back, does to a stream, in words. */
import type { Told } from './rows.ts';
import { streamRuns } from './streams.ts';
import { count } from './words.ts';

/** What a step does to a stream: `starts stream forward`, `stops stream forward: 1 change in it is lost`. Null: nothing. */
export function streamStepWords(told: Told, at: number): string | null {
  const runs = streamRuns(told);
  const started = runs.find((run) => run.from === at);
  const stopped = runs.find((run) => run.to === at);
  if (started !== undefined)
    return `starts stream ${started.name}${started.source === null ? '' : `, which mirrors ${started.source} from here on`}`;
  if (stopped === undefined) return null;
  const lost = stopped.changes.filter((c) => c.lost === at).length;
  const words = lost === 0 ? '' : `: ${count(lost, 'change')} in it ${lost === 1 ? 'is' : 'are'} lost`;
  return `stops stream ${stopped.name}${words}`;
}
