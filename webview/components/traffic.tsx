/** Simulated traffic: starts a run, says how it goes, and shows its recording over the steps, with a scrubber on the playhead. */
import type { ComponentChildren } from 'preact';
import type { TrafficPart } from '../protocol.ts';
import type { Store } from '../store.ts';
import { clock } from '../model/traffic-words.ts';
import { count } from '../model/words.ts';
import { Mark } from './marks.tsx';
import { TrafficRecording } from './traffic-recording.tsx';
import '../style/tools.css';
import '../style/traffic.css';

const about =
  'Mixed traffic is sent to the plan in virtual time, a week in seconds: every version answers at the rates that the plan states, while steps take their locks, roll out and copy. Every answer is compared with that of an app that is never migrated.';

export function Traffic({ store }: { readonly store: Store }) {
  const part = store.traffic.value;
  return (
    <section class="tool traffic" aria-label="Simulated traffic">
      <Body store={store} part={part} />
    </section>
  );
}

function Body({ store, part }: { readonly store: Store; readonly part: TrafficPart }) {
  const run = <RunButton store={store} label={part.kind === 'none' ? 'Simulate traffic' : 'Run again'} />;
  switch (part.kind) {
    case 'none':
      return (
        <Notice title="No traffic was simulated yet" action={run}>
          <p>{about}</p>
          <p>It is a sample, never a proof: the rehearsal goes through every history. Nothing outside is touched.</p>
        </Notice>
      );
    case 'running':
      return <Running store={store} part={part} />;
    case 'cancelled':
      return (
        <Notice title="The simulation was cancelled" action={run}>
          <p>Nothing of it is shown, as a part of a plan says nothing of the rest.</p>
        </Notice>
      );
    case 'failed':
      return (
        <Notice title="The simulation failed" isBad action={run}>
          <p class="tool-message" role="alert">
            {part.message}
          </p>
        </Notice>
      );
    case 'ready':
      return (
        <>
          {part.isCurrent ? null : <Stale store={store} />}
          <TrafficRecording
            store={store}
            recording={part.recording}
            action={part.isCurrent ? <RunButton store={store} label="Run again" isQuiet /> : null}
          />
        </>
      );
  }
}

function RunButton({
  store,
  label,
  isQuiet = false,
}: {
  readonly store: Store;
  readonly label: string;
  readonly isQuiet?: boolean;
}) {
  const cannot = store.plan.value === null || store.rehearsal.value.state === 'untrusted';
  return (
    <button
      type="button"
      class={isQuiet ? 'button' : 'button primary'}
      disabled={cannot}
      onClick={() => {
        store.announcement.value = 'Simulating traffic.';
        store.host.simulate();
      }}
    >
      {label}
    </button>
  );
}

function Notice(props: {
  readonly title: string;
  readonly action: ComponentChildren;
  readonly isBad?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="tool-notice">
      <h3 class="tool-title">
        {props.isBad === true ? <Mark name="error" /> : null} {props.title}
      </h3>
      {props.children}
      <p class="tool-actions">{props.action}</p>
    </div>
  );
}

function Running({ store, part }: { readonly store: Store; readonly part: TrafficPart & { kind: 'running' } }) {
  const at = part.step === null ? part.phase : `${part.phase}: ${part.step}`;
  return (
    <Notice
      title="Simulating traffic"
      action={
        <button type="button" class="button" onClick={() => store.host.cancelSimulation()}>
          Cancel
        </button>
      }
    >
      <div class="tool-working" aria-hidden="true" />
      <dl class="tool-facts">
        <dt>Now</dt>
        <dd>{at}</dd>
        <dt>Virtual time</dt>
        <dd class="tool-figure">{clock(part.seconds)}</dd>
        <dt>Run so far</dt>
        <dd class="tool-figure">{count(part.requests, 'request')}</dd>
      </dl>
    </Notice>
  );
}

function Stale({ store }: { readonly store: Store }) {
  return (
    <div class="tool-stale" role="status">
      <Mark name="warning" />
      <span>The plan has changed since this was recorded.</span>
      <RunButton store={store} label="Run again" />
    </div>
  );
}
