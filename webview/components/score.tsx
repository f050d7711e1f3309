/** The score: the history as a picture, time to the right, with the data's places as bands and writes as threads. */
import { useComputed } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import type { Told } from '../model/rows.ts';
import { subjectWords, type Score as ScoreModel } from '../model/score.ts';
import { sentenceAt } from '../model/sentence.ts';
import { headlineOf } from '../model/story.ts';
import { columnsIn, rowAt } from '../model/table.ts';
import type { Store } from '../store.ts';
import '../style/score.css';
import { EventTable, ValueCell } from './event-table.tsx';
import { ScoreScroller } from './score-scroller.tsx';
import { Legend } from './legend.tsx';
import { currentScore, toldOf } from './told.ts';

export function Score({ store }: { readonly store: Store }) {
  const current = useComputed(() => currentScore(store));
  const [isTable, setIsTable] = useState(false);
  const told = toldOf(store);
  const score = current.value;
  if (score === null || told === null) return null;
  const sentence = sentenceAt(told, store.playhead.value);
  return (
    <section class="score" aria-labelledby="score-title">
      <h2 id="score-title" class="score-title">
        {headlineOf(told)}
      </h2>
      {isTable ? (
        <Grid store={store} told={told} score={score} />
      ) : (
        <>
          <ScoreScroller store={store} told={told} score={score} sentence={sentence} />
          <InWords store={store} told={told} score={score} />
        </>
      )}
      <Callouts store={store} score={score} />
      <div class="score-foot">
        {isTable ? <span /> : <Legend score={score} />}
        <button type="button" class="button" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          As a table
        </button>
      </div>
    </section>
  );
}

/** The events that tell the story: the numbers of the picture in words. */
function Callouts({ store, score }: { readonly store: Store; readonly score: ScoreModel }) {
  const callouts = score.story?.callouts ?? [];
  const here = store.playhead.value.moment;
  const probe = score.story?.probe ?? null;
  if (callouts.length === 0) return null;
  return (
    <ol class="score-callouts" aria-label="What happens, in short">
      {callouts.map(({ number, moment, part, text }) => (
        <li key={number} class={`score-callout score-${part}`}>
          <button
            type="button"
            onClick={() => store.moveTo({ ...store.playhead.value, moment, probe: part === 'end' ? probe : null })}
            aria-current={here === moment ? 'step' : undefined}
          >
            <span class="score-number" aria-hidden="true">
              {number}
            </span>
            <span>{text}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function tableColumns(score: ScoreModel) {
  const fixed = ['#', 'Step', 'Who', 'What'].map((name) => ({ name, role: '' }));
  return [...fixed, ...columnsIn(score)];
}

function labelOf({ subject }: ScoreModel): string {
  return `Score${subject === null ? '' : ` of ${subjectWords(subject)}`}, event by event`;
}

/** The score as a table that can be walked through. */
function Grid({ store, told, score }: { readonly store: Store; readonly told: Told; readonly score: ScoreModel }) {
  const moments = useMemo(() => told.history.moments.map((_, i) => i), [told.history]);
  const columns = useMemo(() => tableColumns(score), [score]);
  const row = (moment: number) => {
    const { isBack, step, who, what, cells, since } = rowAt(told, score, moment);
    const shown = (
      <>
        <td class="number">{moment}</td>
        <th scope="row">{isBack ? `↩ ${step}` : step}</th>
        <td>{who}</td>
        <td>{what}</td>
        {cells.map((cell, i) => (
          <ValueCell key={i} cell={cell} />
        ))}
      </>
    );
    return { cells: shown, className: since === null ? '' : 'off' };
  };
  return <EventTable store={store} label={labelOf(score)} columns={columns} moments={moments} row={row} />;
}

/** Rows that a screen reader finds around the playhead, so many at a time. */
const page = 50;

/** The same for a screen reader, while the picture is there for the eye. */
function InWords({ store, told, score }: { readonly store: Store; readonly told: Told; readonly score: ScoreModel }) {
  const first = Math.max(0, Math.floor(store.playhead.value.moment / page) * page - page);
  return useMemo(() => <Rows told={told} score={score} first={first} />, [told.history, score, first]);
}

function Rows({ told, score, first }: { readonly told: Told; readonly score: ScoreModel; readonly first: number }) {
  const { moments } = told.history;
  const rows = moments.slice(first, first + 3 * page).map((_, i) => rowAt(told, score, first + i));
  return (
    <div class="hidden">
      <table aria-rowcount={moments.length + 1}>
        <caption>{labelOf(score)}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {tableColumns(score).map(({ name, role }) => (
              <th key={`${name} ${role}`} scope="col">
                {`${name} ${role}`.trim()}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.moment} aria-rowindex={row.moment + 2}>
              <td>{row.moment}</td>
              <th scope="row">{row.isBack ? `roll back ${row.step}` : row.step}</th>
              <td>{row.who}</td>
              <td>{row.what}</td>
              {row.cells.map((cell, i) => (
                <td key={i}>{`${cell.text}${cell.should === null ? '' : `, should be ${cell.should}`}`}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
