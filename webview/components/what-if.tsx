/** What if: a request, a rollback, a straggler or SQL, played from the moment at the playhead. */
import { useState } from 'preact/hooks';
import type { ForkCommand, Moment } from '../../simulator/player/model.ts';
import type { PlayReady } from '../protocol.ts';
import { playFork } from '../forking.ts';
import type { Store } from '../store.ts';
import { commandText, outcomeOf } from '../model/what-if.ts';
import { listed } from '../model/words.ts';
import { Histories } from './histories.tsx';
import { WhatIfOutcome } from './what-if-outcome.tsx';
import { PlayRequest } from './what-if-request.tsx';
import { SqlHere } from './what-if-sql.tsx';
import '../style/tools.css';
import '../style/what-if.css';

/** What is being run, and what went wrong with the last. */
export interface Forking {
  readonly busy: string | null;
  readonly failure: string | null;
  readonly fork: (command: ForkCommand) => void;
}

/** Forks at the playhead, and goes to what is new. */
function useForking(store: Store): Forking {
  const [state, setState] = useState<{ readonly busy: string | null; readonly failure: string | null }>({
    busy: null,
    failure: null,
  });
  const run = async (command: ForkCommand): Promise<void> => {
    setState({ busy: commandText(command), failure: null });
    const failure = await playFork(store, command);
    setState({ busy: null, failure });
  };
  const fork = (command: ForkCommand): void => {
    if (state.busy === null) void run(command);
  };
  return { ...state, fork };
}

export function WhatIf({ store }: { readonly store: Store }) {
  const ready = store.ready.value;
  const { moment } = store.playhead.value;
  // What was only tried is left behind: a fork begins at the moment itself.
  const here = store.history.value?.moments[moment] ?? null;
  return (
    <section class="tool what-if" aria-label="What if">
      {ready === null || here === null ? (
        <p class="soft">Once a history is played, another can be made of any of its moments.</p>
      ) : (
        <Here store={store} ready={ready} moment={here} />
      )}
    </section>
  );
}

function Here({ store, ready, moment }: { readonly store: Store; readonly ready: PlayReady; readonly moment: Moment }) {
  const forking = useForking(store);
  const history = store.history.value;
  const outcome = history === null ? null : outcomeOf(history);
  return (
    <>
      {outcome === null ? null : <WhatIfOutcome store={store} outcome={outcome} />}
      <p class="tool-lead what-if-here">
        From here on: <strong>{moment.title}</strong>{' '}
        <span class="soft">{moment.live.length === 0 ? 'Nobody is live.' : `${listed(moment.live)} live.`}</span>
      </p>
      <Busy forking={forking} />
      <PlayRequest store={store} versions={ready.recording.versions} moment={moment} forking={forking} />
      <OtherTurns moment={moment} forking={forking} />
      <SqlHere store={store} forking={forking} />
      <Histories store={store} histories={ready.histories} />
    </>
  );
}

function Busy({ forking: { busy, failure } }: { readonly forking: Forking }) {
  if (busy !== null)
    return (
      <div class="what-if-busy" role="status">
        <div class="tool-working" aria-hidden="true" />
        <p>
          Playing <code>{busy}</code>, and the plan on from there
        </p>
      </div>
    );
  if (failure === null) return null;
  return (
    <p class="tool-message" role="alert">
      {failure}
    </p>
  );
}

/** The plan takes another turn: back, or with a version that should be gone. */
function OtherTurns({ moment, forking }: { readonly moment: Moment; readonly forking: Forking }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const { stragglers, step } = moment;
  const straggler = stragglers.find((name) => name === chosen) ?? stragglers[0];
  return (
    <fieldset class="what-if-box">
      <legend>Let the plan take another turn</legend>
      <div class="what-if-turns">
        <button
          type="button"
          class="button"
          disabled={step === null}
          aria-disabled={forking.busy !== null}
          onClick={() => forking.fork({ kind: 'rollback' })}
        >
          Roll back here
        </button>
        <span class="soft">
          {step === null ? 'There is nothing to roll back before the first step.' : `Takes ${step.name} back.`}
        </span>
      </div>
      <div class="what-if-turns">
        {straggler === undefined ? (
          <span class="soft">No version that should be gone could live on from here.</span>
        ) : (
          <>
            <div class="tool-field">
              <label for="what-if-straggler">Straggler</label>
              <select
                id="what-if-straggler"
                value={straggler}
                onChange={({ currentTarget }) => setChosen(currentTarget.value)}
              >
                {stragglers.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </div>
            <button
              type="button"
              class="button"
              aria-disabled={forking.busy !== null}
              onClick={() => forking.fork({ kind: 'straggler', version: straggler })}
            >
              Let it live on
            </button>
            <span class="soft">It stays live until the deploy after the next is done.</span>
          </>
        )}
      </div>
    </fieldset>
  );
}
