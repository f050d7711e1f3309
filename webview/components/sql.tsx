/** SQL in the editor's own component: what two versions run for a request, and what a step runs. */
import { useMemo, useState } from 'preact/hooks';
import type { Moment, Recording } from '../../simulator/player/model.ts';
import type { PlayReady } from '../protocol.ts';
import type { Store } from '../store.ts';
import { differenceText, proposed, requestNames, requestOf, textOf, type Comparison } from '../model/sql-comparison.ts';
import { SqlDifference } from './monaco.tsx';
import { StepSql } from './step-sql.tsx';
import '../style/tools.css';
import '../style/sql.css';

export function Sql({ store }: { readonly store: Store }) {
  const ready = store.ready.value;
  return (
    <section class="tool sql" aria-label="SQL">
      {ready === null ? (
        <p class="soft">What versions and steps run is shown once a history is played.</p>
      ) : (
        <>
          <Compared store={store} ready={ready} />
          <StepSql store={store} ready={ready} />
        </>
      )}
    </section>
  );
}

function Compared({ store, ready: { recording } }: { readonly store: Store; readonly ready: PlayReady }) {
  const moment = store.moment.value;
  const chosen = store.remembered.value?.request ?? null;
  const [versions, setVersions] = useState<{ readonly before: string | null; readonly after: string | null }>({
    before: null,
    after: null,
  });
  const guess = proposed(recording, moment, chosen);
  if (guess === null) return <p class="soft">This plan’s versions have no requests.</p>;
  const compared = { ...guess, before: versions.before ?? guess.before, after: versions.after ?? guess.after };
  return (
    <section aria-labelledby="sql-request">
      <h3 class="tool-title" id="sql-request">
        What two versions run
      </h3>
      <Choices
        store={store}
        recording={recording}
        compared={compared}
        chosen={chosen}
        choose={(change) => setVersions((now) => ({ ...now, ...change }))}
      />
      <Difference recording={recording} compared={compared} />
      <Played moment={moment} request={compared.request} />
    </section>
  );
}

function Choices(props: {
  readonly store: Store;
  readonly recording: Recording;
  readonly compared: Comparison;
  readonly chosen: string | null;
  readonly choose: (change: Partial<Record<'before' | 'after', string>>) => void;
}) {
  const { store, recording, compared, chosen, choose } = props;
  const names = requestNames(recording);
  const automatic = proposed(recording, store.moment.value, null)?.request ?? '';
  return (
    <div class="sql-choices">
      <div class="tool-field">
        <label for="sql-of-request">Request</label>
        <select
          id="sql-of-request"
          value={chosen ?? ''}
          onChange={({ currentTarget }) => store.remember({ request: currentTarget.value || null })}
        >
          <option value="">{automatic} (at the playhead)</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <VersionChoice
        id="sql-before"
        label="Before"
        recording={recording}
        value={compared.before}
        choose={(before) => choose({ before })}
      />
      <VersionChoice
        id="sql-after"
        label="After"
        recording={recording}
        value={compared.after}
        choose={(after) => choose({ after })}
      />
    </div>
  );
}

function VersionChoice(props: {
  readonly id: string;
  readonly label: string;
  readonly recording: Recording;
  readonly value: string;
  readonly choose: (version: string) => void;
}) {
  const { id, label, recording, value, choose } = props;
  return (
    <div class="tool-field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {recording.versions.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

function Difference(props: { readonly recording: Recording; readonly compared: Comparison }) {
  const { recording, compared } = props;
  const { request, before, after } = compared;
  const shown = useMemo(() => {
    const side = (version: string) => ({
      text: textOf(requestOf(recording.versions, version, request), version),
      label: `What ${version} runs for ${request}`,
      squiggles: [],
    });
    return { before: side(before), after: side(after) };
  }, [recording, request, before, after]);
  return (
    <>
      <p class="tool-lead sql-difference">{differenceText(before, after, [shown.before.text, shown.after.text])}</p>
      <div class="sql-sides" aria-hidden="true">
        <span class="sql-side-before">{before}</span>
        <span class="sql-side-after">{after}</span>
      </div>
      <SqlDifference shown={shown} />
    </>
  );
}

/** What the request was called with at the playhead, and what came of it. */
function Played({ moment, request }: { readonly moment: Moment | null; readonly request: string }) {
  const event = moment?.event ?? null;
  if (moment === null || event === null || event.request !== request || event.version === null) return null;
  const params = Object.entries(event.params);
  const isWrong = moment.expected !== null && moment.expected !== moment.actual;
  return (
    <dl class="tool-facts sql-played">
      <dt>At the playhead</dt>
      <dd>
        {event.version} runs it with{' '}
        {params.length === 0
          ? 'no values'
          : params.map(([name, value]) => (
              <code key={name} class="sql-value">
                :{name} = {value === null ? 'NULL' : `'${value}'`}
              </code>
            ))}
      </dd>
      <dt>Answered</dt>
      <dd>
        <code class={isWrong ? 'tool-bad' : ''}>{moment.actual ?? event.result}</code>
      </dd>
      {isWrong ? (
        <>
          <dt>Expected</dt>
          <dd>
            <code>{moment.expected}</code>
          </dd>
        </>
      ) : null}
    </dl>
  );
}
