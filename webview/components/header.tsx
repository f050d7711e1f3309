/** What is seen first: the plan, its verdict in words, and what can be done with it. */
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import { ranked, worst } from '../model/findings.ts';
import { headline, tally, verdictWords } from '../model/words.ts';
import type { Store } from '../store.ts';
import { ExportMenu } from './export-menu.tsx';
import { Mark, type MarkName } from './marks.tsx';

const verdictMarks: Readonly<Record<PlanReport['verdict'], MarkName>> = {
  safe: 'safe',
  unsafe: 'error',
  unproven: 'unproven',
  invalid: 'warning',
};

export function Header({ store }: { readonly store: Store }) {
  const report = store.report.value;
  return (
    <header class="header">
      <div class="header-top">
        <p class="header-plan" title={store.plan.value?.name}>
          {store.plan.value?.name ?? 'Cutover Stage'}
        </p>
        <Toolbar store={store} />
      </div>
      {report === null ? (
        <h1 class="header-verdict">{store.plan.value === null ? 'No plan is chosen' : 'Not rehearsed yet'}</h1>
      ) : (
        <Verdict report={report} finding={store.finding.value ?? worst(report)} />
      )}
    </header>
  );
}

function Verdict({ report, finding }: { readonly report: PlanReport; readonly finding: Finding | null }) {
  const counts = report.verdict === 'invalid' ? '' : tally(report);
  return (
    <div class="header-said">
      <h1 class={`header-verdict ${report.verdict}`}>
        <Mark name={verdictMarks[report.verdict]} size={20} />
        <span>{verdictText(report, finding)}</span>
      </h1>
      <p class="header-counts">{counts}</p>
    </div>
  );
}

function verdictText(report: PlanReport, finding: Finding | null): string {
  const word = verdictWords[report.verdict];
  switch (report.verdict) {
    case 'safe':
      return `${word}: no client can tell that the migration happens`;
    case 'unproven':
      return `${word}: no failure was found, but the search was cut short`;
    case 'invalid':
      return word;
    case 'unsafe':
      return unsafeText(report, finding);
  }
}

/** What is unsafe is an error, whatever is looked at: the numbers stand beside it. */
function unsafeText(report: PlanReport, finding: Finding | null): string {
  const isOpenError = (each: Finding | null | undefined) => each?.severity === 'error' && each.allowed === null;
  const error = isOpenError(finding) ? finding : ranked(report.findings).find(isOpenError);
  const word = verdictWords[report.verdict];
  return error == null ? word : `${word}: ${headline(error)}`;
}

function Toolbar({ store }: { readonly store: Store }) {
  const { state } = store.rehearsal.value;
  const canRun = store.plan.value !== null && state !== 'untrusted';
  const report = store.report.value;
  const playing = store.ready.value !== null;
  return (
    <div class="toolbar" role="group" aria-label="Plan">
      <button
        type="button"
        class={state === 'stale' ? 'button primary' : 'button'}
        disabled={!canRun || state === 'running'}
        onClick={() => store.host.rehearse()}
      >
        Rehearse
      </button>
      <button
        type="button"
        class="button"
        disabled={!canRun || report === null || report.verdict === 'invalid'}
        title="Play this history in the debugger"
        onClick={() => store.host.debug(store.chosen.value)}
      >
        Debug
      </button>
      <button
        type="button"
        class="button toggle"
        aria-pressed={store.follow.value}
        title="Show the plan’s line in the editor as the playhead moves"
        onClick={() => store.host.setFollow(!store.follow.value)}
      >
        Follow
      </button>
      <ExportMenu store={store} isDisabled={!playing} />
      <button
        type="button"
        class="button"
        aria-label="Help: keys and marks"
        title="Keys and marks (?)"
        onClick={() => {
          store.open.value = 'help';
        }}
      >
        ?
      </button>
    </div>
  );
}
