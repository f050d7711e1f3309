/** The triangle: from every step back to every step before it, and what the way back does. */
import { useMemo } from 'preact/hooks';
import type { PlanReport, RollbackResult } from '../../simulator/report/model.ts';
import { triangleOf, type WayBack } from '../model/rollback.ts';
import { rollbackWords } from '../model/words.ts';
import { choose } from '../moves.ts';
import type { Store } from '../store.ts';
import { Mark, type MarkName } from './marks.tsx';
import { useRoving, type Roving } from './roving.ts';

/** One letter beside the mark, since four ways to fail would be four marks too many. */
const letters: Readonly<Record<RollbackResult, string>> = {
  safe: '',
  fails: 'F',
  'breaks-requests': 'R',
  'loses-writes': 'L',
  'no-plan': '',
};

interface Props {
  readonly store: Store;
  readonly report: PlanReport;
}

/** Stands beside the title of the matrix: a line of its own would push the score further down. */
export function WaysBackButton({ store, report }: Props) {
  const isOpen = store.remembered.value.waysBackOpen;
  if (report.rollback.length === 0) return null;
  return (
    <button
      type="button"
      class="disclosure soft"
      aria-expanded={isOpen}
      aria-controls="ways-back"
      onClick={() => store.remember({ waysBackOpen: !isOpen })}
    >
      <Mark name="down" />
      Every way back
    </button>
  );
}

export function WaysBack({ store, report }: Props) {
  const isOpen = store.remembered.value.waysBackOpen && report.rollback.length > 0;
  return (
    <div id="ways-back" class="ways-back" hidden={!isOpen}>
      {isOpen ? <Grid store={store} report={report} /> : null}
    </div>
  );
}

function Grid({ store, report }: Props) {
  const { rows } = useMemo(() => triangleOf(report), [report]);
  const roving = useRoving(rows.length, rows.length, { row: 0, column: 0 });
  const nameOf = (step: number) => (step === 0 ? 'the start' : (report.steps[step - 1]?.name ?? ''));
  return (
    <div class="scroll-x">
      <table
        role="grid"
        class="ways-back-grid"
        aria-label="Every way back: rows are where it begins, columns where it leads"
        onKeyDown={roving.onKeyDown}
        onFocusIn={roving.onFocusIn}
      >
        <thead>
          <tr role="row">
            <th role="columnheader" scope="col">
              From, back to
            </th>
            {rows.map((_, to) => (
              <th key={to} role="columnheader" scope="col" aria-label={nameOf(to)} title={nameOf(to)}>
                {to}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={nameOf(index + 1)} role="row">
              <th role="rowheader" scope="row">
                <span class="matrix-number">{index + 1}</span>
                {nameOf(index + 1)}
              </th>
              {row.map((way) => (
                <Cell key={way.to} store={store} way={way} nameOf={nameOf} roving={roving} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="soft">
        0 is the start. <Letters report={report} />
      </p>
    </div>
  );
}

interface CellProps {
  readonly store: Store;
  readonly way: WayBack;
  readonly nameOf: (step: number) => string;
  readonly roving: Roving;
}

function Cell({ store, way, nameOf, roving }: CellProps) {
  const { from, to, result, finding } = way;
  const words = result === null ? 'not walked' : rollbackWords[result];
  const label = `From ${nameOf(from)} back to ${nameOf(to)}: ${words}`;
  const open = () => {
    if (finding !== null) choose(store, finding.id, { kind: 'shown' });
  };
  return (
    <td
      role="gridcell"
      class={`way ${result ?? 'none'}`}
      data-row={from - 1}
      data-column={to}
      tabIndex={roving.tabIndex(from - 1, to)}
      aria-label={label}
      title={label}
      onClick={open}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        open();
      }}
    >
      <Mark name={markOf(result)} />
      {result === null ? '' : letters[result]}
    </td>
  );
}

function markOf(result: RollbackResult | null): MarkName {
  if (result === null || result === 'no-plan') return 'absent';
  return result === 'safe' ? 'held' : 'broken';
}

/** Only those that are in the triangle. */
function Letters({ report }: { readonly report: PlanReport }) {
  const shown = new Set(report.rollback.map(({ result }) => result));
  const said = (['fails', 'breaks-requests', 'loses-writes'] as const)
    .filter((result) => shown.has(result))
    .map((result) => `${letters[result]}: ${rollbackWords[result]}`);
  return <>{said.join(', ')}</>;
}
