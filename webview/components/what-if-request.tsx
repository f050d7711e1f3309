/** A request of a live version, with values of one's own; what is known of it at the moment is said before it is played. */
import { useState } from 'preact/hooks';
import type { Moment, PlayedVersion } from '../../simulator/player/model.ts';
import type { Store } from '../store.ts';
import { liveVersions, noChoice, probeOf, wishOf, type Choice, type Wish } from '../model/what-if.ts';
import { Mark } from './marks.tsx';
import type { Forking } from './what-if.tsx';

export function PlayRequest(props: {
  readonly store: Store;
  readonly versions: readonly PlayedVersion[];
  readonly moment: Moment;
  readonly forking: Forking;
}) {
  const { store, versions, moment, forking } = props;
  const [choice, setChoice] = useState<Choice>(noChoice);
  const wish = wishOf(versions, moment, choice);
  const change = (next: Partial<Choice>): void => setChoice((now) => ({ ...now, ...next }));
  if (wish === null)
    return (
      <fieldset class="what-if-box">
        <legend>Play a request</legend>
        <p class="soft">No version that is live here has a request.</p>
      </fieldset>
    );
  const { version, request, values } = wish;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        forking.fork({ kind: 'request', version, request: request.name, params: values });
      }}
    >
      <fieldset class="what-if-box">
        <legend>Play a request</legend>
        <div class="what-if-choices">
          <VersionChoice live={liveVersions(versions, moment)} wish={wish} change={change} />
          <RequestChoice live={liveVersions(versions, moment)} wish={wish} change={change} />
          {request.params.map((param) => (
            <ValueChoice
              key={`${request.name} ${param.name}`}
              name={param.name}
              domain={param.values}
              value={values[param.name] ?? null}
              choose={(value) => change({ values: { ...choice.values, ...values, [param.name]: value } })}
            />
          ))}
        </div>
        <Known store={store} moment={moment} wish={wish} />
        <button type="submit" class="button primary" aria-disabled={forking.busy !== null}>
          Play it here
        </button>
      </fieldset>
    </form>
  );
}

interface ChoiceProps {
  readonly live: readonly PlayedVersion[];
  readonly wish: Wish;
  readonly change: (next: Partial<Choice>) => void;
}

function VersionChoice({ live, wish, change }: ChoiceProps) {
  return (
    <fieldset class="tool-field what-if-versions">
      <legend class="tool-label">Version</legend>
      <div>
        {live.map(({ name }) => (
          <label key={name}>
            <input
              type="radio"
              name="what-if-version"
              value={name}
              checked={name === wish.version}
              onChange={() => change({ version: name })}
            />{' '}
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function RequestChoice({ live, wish, change }: ChoiceProps) {
  const requests = live.find(({ name }) => name === wish.version)?.requests ?? [];
  return (
    <div class="tool-field">
      <label for="what-if-request">Request</label>
      <select
        id="what-if-request"
        value={wish.request.name}
        onChange={({ currentTarget }) => change({ request: currentTarget.value })}
      >
        {(['write', 'read'] as const).map((kind) => (
          <optgroup key={kind} label={kind === 'write' ? 'Writes' : 'Reads'}>
            {requests
              .filter((request) => request.kind === kind)
              .map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

/** Any text, with the values that the rehearsal has searched offered; or NULL, which is no text. */
function ValueChoice(props: {
  readonly name: string;
  readonly domain: readonly (string | null)[];
  readonly value: string | null;
  readonly choose: (value: string | null) => void;
}) {
  const { name, domain, value, choose } = props;
  const id = `what-if-value-${name}`;
  const [text, setText] = useState(value ?? domain.find((each) => each !== null) ?? '');
  return (
    <div class="tool-field what-if-value">
      <label for={id}>{name}</label>
      <input
        id={id}
        type="text"
        list={`${id}-domain`}
        autocomplete="off"
        spellcheck={false}
        size={12}
        disabled={value === null}
        value={value ?? ''}
        placeholder={value === null ? 'NULL' : ''}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          choose(currentTarget.value);
        }}
      />
      <datalist id={`${id}-domain`}>
        {domain.map((each) => (each === null ? null : <option key={each} value={each} />))}
      </datalist>
      <label class="what-if-null">
        <input
          type="checkbox"
          checked={value === null}
          aria-label={`${name} is NULL`}
          onChange={({ currentTarget }) => choose(currentTarget.checked ? null : text)}
        />{' '}
        NULL
      </label>
    </div>
  );
}

/** What each live version would answer is recorded with every moment. */
function Known({ store, moment, wish }: { readonly store: Store; readonly moment: Moment; readonly wish: Wish }) {
  const probe = probeOf(moment, wish);
  const known = probe === null ? undefined : moment.probes[probe];
  if (probe === null || known === undefined)
    return <p class="soft what-if-known">With these values it was not tried here yet: play it to see.</p>;
  const differs = known.shown !== null || known.expected !== known.actual;
  return (
    <div class="what-if-known">
      <dl class="tool-facts">
        <dt>Would answer</dt>
        <dd>
          <code class={differs ? 'tool-bad' : ''}>{known.actual}</code>
        </dd>
        <dt>Expected</dt>
        <dd>
          <code>{known.expected}</code>{' '}
          <span class={differs ? 'what-if-differs' : 'what-if-same'}>
            <Mark name={differs ? 'broken' : 'held'} /> {differs ? 'they differ' : 'the same'}
          </span>
        </dd>
      </dl>
      <button type="button" class="tool-link" onClick={() => store.moveTo({ ...store.playhead.value, probe })}>
        Show it as tried here
      </button>
    </div>
  );
}
