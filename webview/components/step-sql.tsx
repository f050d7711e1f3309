/** What a step runs, forward and back, with its findings marked in it and listed below. */
import { useMemo, useState } from 'preact/hooks';
import type { PlayedStep } from '../../simulator/player/model.ts';
import type { Finding } from '../../simulator/report/model.ts';
import type { PlayReady } from '../protocol.ts';
import type { Store } from '../store.ts';
import { findingsOf, marksOf, type Mark } from '../model/step-sql.ts';
import type { Squiggle } from '../monaco/views.ts';
import { SeverityMark } from './marks.tsx';
import { SqlText } from './monaco.tsx';
import { knownFindings } from './findings-known.ts';

export function StepSql({ store, ready: { recording } }: { readonly store: Store; readonly ready: PlayReady }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const here = store.moment.value?.step?.name ?? null;
  const { steps } = recording;
  const step = steps.find(({ name }) => name === (chosen ?? here)) ?? null;
  return (
    <section aria-labelledby="sql-step" class="sql-step">
      <h3 class="tool-title" id="sql-step">
        What a step runs
      </h3>
      <div class="sql-choices">
        <div class="tool-field">
          <label for="sql-of-step">Step</label>
          <select
            id="sql-of-step"
            value={chosen ?? ''}
            onChange={({ currentTarget }) => setChosen(currentTarget.value || null)}
          >
            <option value="">{here ?? 'before the first'} (at the playhead)</option>
            {steps.map(({ name, index }) => (
              <option key={name} value={name}>
                {index + 1} {name}
              </option>
            ))}
          </select>
        </div>
      </div>
      {step === null ? (
        <p class="soft">Nothing has run yet: the playhead stands before the first step.</p>
      ) : (
        <StepTexts store={store} file={recording.file} step={step} />
      )}
    </section>
  );
}

function StepTexts(props: { readonly store: Store; readonly file: string; readonly step: PlayedStep }) {
  const { store, file, step } = props;
  const findings = knownFindings(store);
  const marks = useMemo(() => marksOf(findings, step), [findings, step]);
  return (
    <>
      {step.sql === '' && step.rollback === null ? (
        <p class="soft">
          A {step.kind} runs no SQL, and neither does its way back: from here on other versions answer.
        </p>
      ) : (
        <>
          <StepText title="Forward" name={step.name} sql={step.sql} marks={marks.forward} />
          <StepText title="Way back" name={step.name} sql={step.rollback} marks={marks.rollback} />
        </>
      )}
      <Findings store={store} file={file} findings={findingsOf(findings, step)} />
    </>
  );
}

function StepText(props: {
  readonly title: string;
  readonly name: string;
  /** Null: nothing is stated. */
  readonly sql: string | null;
  readonly marks: readonly Mark[];
}) {
  const { title, name, sql, marks } = props;
  const shown = useMemo(() => {
    const squiggles = marks.map(({ finding: { severity, rule, message }, from, to }): Squiggle => {
      return { severity, rule, message, from, to };
    });
    return { text: sql ?? '', label: `${title} of ${name}`, squiggles };
  }, [title, name, sql, marks]);
  return (
    <>
      <h4 class="tool-label sql-label">{title}</h4>
      {shown.text === '' ? <p class="soft">It runs no SQL.</p> : <SqlText shown={shown} />}
    </>
  );
}

/** What stands between backticks is code. */
function withCode(text: string) {
  return text.split('`').map((part, n) => (n % 2 === 0 ? part : <code key={n}>{part}</code>));
}

function Findings(props: { readonly store: Store; readonly file: string; readonly findings: readonly Finding[] }) {
  const { store, file, findings } = props;
  if (findings.length === 0) return <p class="soft sql-none">Nothing was found at this step.</p>;
  return (
    <ul class="sql-findings" aria-label="Findings of this step">
      {findings.map(({ id, severity, rule, message, hint, line, column, allowed }) => (
        <li key={id}>
          <SeverityMark severity={severity} />
          <div>
            <p>
              <strong>{rule}</strong> {message}
            </p>
            {hint === '' ? null : <p class="soft">{withCode(hint)}</p>}
            {allowed === null ? null : <p class="soft">Allowed by the plan: {allowed}</p>}
            <p class="tool-actions">
              <button type="button" class="tool-link" onClick={() => store.host.reveal({ file, line, column })}>
                Show in the plan
              </button>
              <button type="button" class="tool-link" onClick={() => store.host.openRule(rule)}>
                About {rule}
              </button>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
