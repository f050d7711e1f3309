/** What there is to see when there is no history to play: nothing yet, loading, cancelled, failed, stale, not trusted. */
import type { ComponentChildren } from 'preact';
import type { Finding, PlanReport, TraceEvent } from '../../simulator/report/model.ts';
import type { RehearsalPart } from '../protocol.ts';
import { worst } from '../model/findings.ts';
import { count, coverage, phaseWords } from '../model/words.ts';
import type { Store } from '../store.ts';
import { Mark, type MarkName } from './marks.tsx';
import '../style/states.css';

/** A line under the header: how the rehearsal stands, where that is not simply done. */
export function Banner({ store }: { readonly store: Store }) {
  const rehearsal = store.rehearsal.value;
  const rehearse = <Action name="Rehearse again" run={() => store.host.rehearse()} />;
  if (store.plan.value === null) return null;
  switch (rehearsal.state) {
    case 'none':
    case 'fresh':
      return null;
    case 'running':
      return (
        <Note mark="running" action={<Action name="Cancel" run={() => store.host.cancelRehearsal()} />}>
          {progressText(rehearsal)}
        </Note>
      );
    case 'stale':
      return (
        <Note mark="warning" action={rehearse}>
          The plan has changed since this rehearsal.
        </Note>
      );
    case 'cancelled':
      return (
        <Note mark="absent" action={rehearse}>
          The rehearsal was cancelled{rehearsal.report === null ? '' : ': this is the one before'}.
        </Note>
      );
    case 'failed':
      return (
        <Note mark="error" action={<Action name="Try again" run={() => store.host.rehearse()} />}>
          The rehearsal failed{rehearsal.message === null ? '' : `: ${rehearsal.message}`}
        </Note>
      );
    case 'untrusted':
      return <Note mark="warning">This workspace is not trusted, so nothing of the plan is run.</Note>;
  }
}

function progressText({ progress, report }: RehearsalPart): string {
  const before = report === null ? '' : ' Until it is done, this is the one before.';
  if (progress === null) return `Rehearsing…${before}`;
  const step = progress.step === null ? '' : ` at “${progress.step}”`;
  const found = progress.findings === 0 ? '' : `, ${count(progress.findings, 'finding')}`;
  return `${phaseWords(progress.phase)}${step}: ${count(progress.states, 'state')}${found}.${before}`;
}

interface NoteProps {
  readonly mark: MarkName;
  readonly action?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Note({ mark, action, children }: NoteProps) {
  return (
    <div class="note" role="status">
      <Mark name={mark} size={14} />
      <p>{children}</p>
      {action}
    </div>
  );
}

function Action({ name, run }: { readonly name: string; readonly run: () => void }) {
  return (
    <button type="button" class="button" onClick={run}>
      {name}
    </button>
  );
}

/** A page that has nothing of its plan to show. */
export function Empty({ store }: { readonly store: Store }) {
  const { state } = store.rehearsal.value;
  if (!store.isReady.value) return <Skeleton words="Asking the editor what there is…" />;
  if (store.plan.value === null)
    return (
      <div class="empty">
        <p>Open a file that ends in .cutover.yaml, and this page shows what its migration does to every request.</p>
      </div>
    );
  switch (state) {
    case 'running':
      return <Skeleton words="The plan is being rehearsed on a real Postgres, in every order of events." />;
    case 'untrusted':
      return (
        <div class="empty">
          <p>The plan is checked as it is written, but its SQL is run only in a workspace that you trust.</p>
        </div>
      );
    case 'none':
    case 'stale':
      return (
        <div class="empty">
          <p>
            A rehearsal runs every step of the plan, forward and back, on a Postgres of its own, while old and new
            versions of the app send requests. It touches no database of yours.
          </p>
          <button type="button" class="button primary" onClick={() => store.host.rehearse()}>
            Rehearse the plan
          </button>
        </div>
      );
    case 'fresh':
    case 'cancelled':
    case 'failed':
      return (
        <div class="empty">
          <p>There is no rehearsal to show.</p>
        </div>
      );
  }
}

function Skeleton({ words }: { readonly words: string }) {
  return (
    <div class="empty" aria-busy="true">
      <p>{words}</p>
      <div class="skeleton" aria-hidden="true">
        {[92, 78, 85, 60].map((width) => (
          <span key={width} style={{ width: `${width}%` }} />
        ))}
      </div>
    </div>
  );
}

/** Of a plan that can't be run: each mistake, which leads to its line. */
export function Mistakes({ store, report }: { readonly store: Store; readonly report: PlanReport }) {
  if (report.errors.length === 0) return null;
  return (
    <section class="mistakes" aria-labelledby="mistakes-title">
      <h2 id="mistakes-title">{count(report.errors.length, 'mistake')} in the plan</h2>
      <ul>
        {report.errors.map(({ code, message, file, line, column, suggestion }, index) => (
          <li key={index}>
            <button type="button" class="mistake" onClick={() => store.host.reveal({ file, line, column })}>
              <Mark name="error" size={14} />
              <span>{message}</span>
              <span class="soft">
                {code}, line {line}
              </span>
            </button>
            {suggestion === null || message.includes(suggestion) ? null : (
              <p class="soft">Did you mean {suggestion}?</p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the verdict stands on. */
export function Proof({ report }: { readonly report: PlanReport }) {
  const { neverExercised } = report.exploration;
  return (
    <section class="proof" aria-labelledby="proof-title">
      <h2 id="proof-title">{report.verdict === 'safe' ? 'What was proven' : 'What was covered'}</h2>
      {coverage(report).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {neverExercised.length === 0 ? null : (
        <p>
          <Mark name="never" /> Never exercised, so nothing is known about them: {neverExercised.join(', ')}.
        </p>
      )}
    </section>
  );
}

/** In place of the score, while there is no recording: the trace of the finding as text, which the report has already. */
export function WithoutScore({ store }: { readonly store: Store }) {
  const { value: play } = store.play;
  const report = store.report.value;
  const id = play.kind === 'none' ? (worst(report)?.id ?? null) : play.finding;
  const finding = report?.findings.find((each) => each.id === id) ?? null;
  const again = () => store.host.choose(id);
  return (
    <div class="without-score">
      {play.kind === 'loading' ? (
        <Note mark="running" action={<Action name="Cancel" run={() => store.host.cancelPlay()} />}>
          {play.message}
        </Note>
      ) : null}
      {play.kind === 'cancelled' ? (
        <Note mark="absent" action={<Action name="Play again" run={again} />}>
          Playing was cancelled.
        </Note>
      ) : null}
      {play.kind === 'failed' ? (
        <Note mark="error" action={<Action name="Try again" run={again} />}>
          This history could not be played: {play.message}
        </Note>
      ) : null}
      {play.kind === 'none' && store.rehearsal.value.state !== 'untrusted' ? (
        <Action name={id === null ? 'Play the plan’s own course' : 'Play this history'} run={again} />
      ) : null}
      {finding === null ? null : <TraceText finding={finding} />}
    </div>
  );
}

function TraceText({ finding }: { readonly finding: Finding }) {
  return (
    <>
      <p class="sentence">{finding.message}</p>
      <ol class="trace" aria-label="Trace">
        {finding.trace.map((event, index) => (
          <li key={index}>
            <span class="trace-what">{eventText(event)}</span>
            <span class="soft">{event.result}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function eventText({ kind, step, version, request, params }: TraceEvent): string {
  if (kind === 'request') {
    const given = Object.entries(params).map(([name, value]) => `${name}: ${value ?? 'NULL'}`);
    return `${version ?? ''} ${request ?? ''}(${given.join(', ')})`.trim();
  }
  if (kind === 'rollback') return `roll back ${step ?? 'the start'}`;
  return kind === 'batch' ? `${step ?? ''}: one batch` : (step ?? 'the start');
}
