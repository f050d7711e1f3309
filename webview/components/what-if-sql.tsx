/** SQL at the moment at the playhead: asked, which leaves nothing behind, or run, which makes another history. */
import { useState } from 'preact/hooks';
import type { Answered, TableView } from '../../simulator/player/model.ts';
import type { Playhead } from '../protocol.ts';
import type { Store } from '../store.ts';
import { count } from '../model/words.ts';
import { SqlInput } from './monaco.tsx';
import type { Forking } from './what-if.tsx';
import '../style/sql.css';

interface Asked {
  readonly sql: string;
  readonly at: Playhead;
  readonly where: string;
  readonly answer: Answered | null;
}

const noTables: readonly TableView[] = [];

export function SqlHere({ store, forking }: { readonly store: Store; readonly forking: Forking }) {
  const [sql, setSql] = useState('');
  const [asked, setAsked] = useState<Asked | null>(null);
  const isEmpty = sql.trim() === '';
  const ask = async (): Promise<void> => {
    if (isEmpty) return;
    const at = store.playhead.value;
    const question: Asked = { sql, at, where: store.moment.value?.title ?? '', answer: null };
    setAsked(question);
    const answer = await store.host.ask(at, sql);
    setAsked({ ...question, answer });
    store.announcement.value = answer.ok ? answerWords(answer) : answer.message;
  };
  return (
    <fieldset class="what-if-box">
      <legend>SQL at this moment</legend>
      <SqlInput
        label="SQL at this moment"
        placeholder="SELECT … (Ctrl+Enter asks)"
        text={sql}
        changed={setSql}
        run={() => void ask()}
        tables={() => store.view.value?.tables ?? noTables}
      />
      <div class="tool-actions what-if-sql">
        <button type="button" class="button primary" disabled={isEmpty} onClick={() => void ask()}>
          Ask
        </button>
        <button
          type="button"
          class="button"
          disabled={isEmpty}
          aria-disabled={forking.busy !== null}
          onClick={() => forking.fork({ kind: 'sql', sql })}
        >
          Change the data with it
        </button>
        <span class="soft">To ask changes nothing. To change the data makes another history.</span>
      </div>
      {asked === null ? null : <Result asked={asked} />}
    </fieldset>
  );
}

function answerWords(answer: Answered & { ok: true }): string {
  return answer.rows === null ? `${count(answer.touched, 'row')} touched.` : `${count(answer.rows.length, 'row')}.`;
}

function Result({ asked: { sql, where, answer } }: { readonly asked: Asked }) {
  if (answer === null)
    return (
      <p class="soft" role="status">
        Asking…
      </p>
    );
  if (!answer.ok)
    return (
      <p class="tool-message" role="alert">
        {answer.message}
      </p>
    );
  return (
    <div class="what-if-result">
      <p class="what-if-asked">
        <code>{sql.trim()}</code>{' '}
        <span class="soft">
          at {where}: {answerWords(answer)}
        </span>
      </p>
      <div class="tool-scroll" role="region" aria-label="Answer" tabIndex={0}>
        <table class="tool-table">
          <thead>
            <tr>
              {answer.columns.map((column, n) => (
                <th key={n} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(answer.rows ?? []).map((row, n) => (
              <tr key={n}>
                {row.map((value, column) => (
                  <td key={column}>{value === null ? <i class="soft">NULL</i> : <code>{value}</code>}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
