/** The biography of one row: every event that touched it, old, new and reference side by side. */
import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { rowChoices, type Told } from '../model/rows.ts';
import { subjectWords, type Score } from '../model/score.ts';
import { columnsIn, rowAt, touchingMoments, type TableRow } from '../model/table.ts';
import type { RowChoice, Store } from '../store.ts';
import '../style/biography.css';
import { EventTable, ValueCell } from './event-table.tsx';
import { currentScore, toldOf } from './told.ts';

export function Biography({ store }: { readonly store: Store }) {
  const score = useComputed(() => currentScore(store));
  const told = toldOf(store);
  if (told === null || score.value === null) return <p class="soft">Nothing is played.</p>;
  return (
    <section class="biography" aria-label="Biography of a row">
      <Chooser store={store} told={told} score={score.value} />
      {score.value.subject === null || score.value.bands.length === 0 ? (
        <p class="soft">No table has a row in this history.</p>
      ) : (
        <Life store={store} told={told} score={score.value} />
      )}
    </section>
  );
}

const valueOf = ({ table, key }: RowChoice) => JSON.stringify([table, key]);

/** Which row. The one that the finding is about comes first. */
function Chooser({ store, told, score }: { readonly store: Store; readonly told: Told; readonly score: Score }) {
  const choices = useMemo(() => rowChoices(told), [told.history, told.views]);
  const chosen = store.remembered.value?.row ?? null;
  const { subject } = score;
  const own = score.story?.subject ?? null;
  const isOwn = chosen === null || !choices.some((c) => valueOf(c) === valueOf(chosen));
  const first =
    own === null
      ? subject === null
        ? 'the row that changes last'
        : subjectWords(subject)
      : `${subjectWords(own)}: the row in question`;
  const onChange = (event: Event) => {
    const { value } = event.currentTarget as HTMLSelectElement;
    const choice = choices.find((c) => valueOf(c) === value);
    store.remember({ row: choice ?? null });
  };
  return (
    <label class="biography-row">
      <span>Row</span>
      <select class="biography-choice" value={isOwn ? '' : valueOf(chosen)} onChange={onChange}>
        <option value="">{first}</option>
        {choices.map((choice) => (
          <option key={valueOf(choice)} value={valueOf(choice)}>
            {choice.table}, {choice.key}
          </option>
        ))}
      </select>
    </label>
  );
}

function Life({ store, told, score }: { readonly store: Store; readonly told: Told; readonly score: Score }) {
  const moments = useMemo(() => touchingMoments(told, score), [told.history, score]);
  const columns = useMemo(() => [...fixed, ...columnsIn(score)], [score]);
  const name = score.subject === null ? '' : subjectWords(score.subject);
  const row = (moment: number) => {
    const shown = rowAt(told, score, moment);
    const at = previous(moments, moment);
    const before = at < 0 ? undefined : rowAt(told, score, at);
    return { cells: <Event row={shown} before={before} score={score} />, className: classOf(shown) };
  };
  return <EventTable store={store} label={`Biography of ${name}`} columns={columns} moments={moments} row={row} />;
}

const fixed = ['#', 'Step', 'Who and what'].map((name) => ({ name, role: '' }));

function previous(moments: readonly number[], moment: number): number {
  return moments[moments.indexOf(moment) - 1] ?? -1;
}

function classOf({ since, isBack }: TableRow): string {
  return [since === null ? '' : 'off', isBack ? 'back' : ''].filter(Boolean).join(' ');
}

function Event({
  row,
  before,
  score,
}: {
  readonly row: TableRow;
  readonly before: TableRow | undefined;
  readonly score: Score;
}) {
  const number = score.story?.callouts.find((c) => c.moment === row.moment)?.number ?? null;
  const isNewStep = before === undefined || before.step !== row.step || before.isBack !== row.isBack;
  return (
    <>
      <td class="number">{row.moment}</td>
      <th scope="row" class={isNewStep ? '' : 'again'}>
        {row.isBack ? '↩ ' : ''}
        {row.step}
      </th>
      <td class="deed">
        {number === null ? null : (
          <span class="deed-number" aria-label={`part ${number} of the story`} role="img">
            {number}
          </span>
        )}
        {row.who === '' || row.who === 'plan' ? null : <b>{row.who}</b>} {row.what}
        {row.since === row.moment ? <small class="diverged">diverges here</small> : null}
        {row.since !== null && row.since !== row.moment ? (
          <small class="diverged">diverged since {row.since}</small>
        ) : null}
      </td>
      {row.cells.map((cell, i) => (
        <ValueCell key={i} cell={cell} />
      ))}
    </>
  );
}
