/** The answer at a glance: a grid of steps by versions by reads and writes. A cell opens the trace of what broke it. */
import { useComputed } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { PlanReport } from '../../simulator/report/model.ts';
import { kinds, matrixOf, type Matrix as Model, type MatrixCell, type MatrixRow } from '../model/matrix.ts';
import { headline, number, severityWords } from '../model/words.ts';
import { choose, goToStep } from '../moves.ts';
import type { Store } from '../store.ts';
import { Mark, SeverityMark } from './marks.tsx';
import { useRoving, type Roving } from './roving.ts';
import { WaysBack, WaysBackButton } from './ways-back.tsx';
import '../style/matrix.css';

export function Matrix({ store, report }: { readonly store: Store; readonly report: PlanReport }) {
  const recording = store.ready.value?.recording ?? null;
  const model = useMemo(() => matrixOf(report, recording), [report, recording]);
  const isOpen = store.remembered.value.matrixOpen;
  return (
    <section class="matrix" aria-labelledby="matrix-title">
      <div class="section-head">
        <h2 id="matrix-title">
          <button
            type="button"
            class="disclosure"
            aria-expanded={isOpen}
            aria-controls="matrix-body"
            onClick={() => store.remember({ matrixOpen: !isOpen })}
          >
            <Mark name="down" />
            Every step, every version
          </button>
        </h2>
        {isOpen ? <WaysBackButton store={store} report={report} /> : null}
        {isOpen ? <Legend model={model} /> : <p class="soft">{summary(model)}</p>}
      </div>
      <div id="matrix-body" hidden={!isOpen}>
        {isOpen ? <Grid store={store} model={model} /> : null}
        {isOpen ? <WaysBack store={store} report={report} /> : null}
      </div>
    </section>
  );
}

function summary({ rows }: Model): string {
  const broken = rows.flatMap(({ name, cells }) =>
    cells.filter(({ state }) => state === 'broken').map(({ version, kind }) => `${name}, ${version} ${kind}s`),
  );
  if (broken.length === 0) return 'Nothing is broken.';
  const rest = broken.length > 2 ? ` and ${broken.length - 2} more` : '';
  return `Broken: ${broken.slice(0, 2).join('; ')}${rest}`;
}

/** Only what is in the grid. */
function Legend({ model }: { readonly model: Model }) {
  const states = new Set(model.rows.flatMap(({ cells }) => cells.map(({ state }) => state)));
  const words = { held: 'held', broken: 'broken', never: 'never exercised', absent: 'not live' } as const;
  return (
    <ul class="legend">
      {(['held', 'broken', 'never', 'absent'] as const)
        .filter((state) => states.has(state))
        .map((state) => (
          <li key={state}>
            <Mark name={state} />
            {words[state]}
          </li>
        ))}
    </ul>
  );
}

function Grid({ store, model }: { readonly store: Store; readonly model: Model }) {
  const columns = model.versions.length * kinds.length + 2;
  const roving = useRoving(model.rows.length, columns, firstBroken(model));
  const scroller = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => showBroken(scroller.current), [model, store.chosen.value]);
  return (
    <div ref={scroller} class="scroll-x">
      <table
        role="grid"
        class="matrix-grid"
        aria-labelledby="matrix-title"
        onKeyDown={roving.onKeyDown}
        onFocusIn={roving.onFocusIn}
      >
        <Head versions={model.versions} />
        <tbody>
          {model.rows.map((row, index) => (
            <Row key={row.name} store={store} row={row} index={index} roving={roving} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Where the grid is wider than its place: what is broken is in sight, beside the names of the steps. */
function showBroken(scroller: HTMLElement | null): void {
  const selected = scroller?.querySelector<HTMLElement>('[aria-selected=true]');
  const cell = selected ?? scroller?.querySelector<HTMLElement>('.matrix-cell.broken');
  const names = scroller?.querySelector<HTMLElement>('tbody .matrix-step');
  if (scroller == null || cell == null || names == null) return;
  const end = cell.offsetLeft + cell.offsetWidth - scroller.clientWidth;
  if (end > scroller.scrollLeft) scroller.scrollLeft = end;
  if (cell.offsetLeft - names.offsetWidth < scroller.scrollLeft)
    scroller.scrollLeft = cell.offsetLeft - names.offsetWidth;
}

function firstBroken({ rows }: Model): { row: number; column: number } {
  const row = rows.findIndex(({ cells }) => cells.some(({ state }) => state === 'broken'));
  const column = rows[row]?.cells.findIndex(({ state }) => state === 'broken') ?? -1;
  return { row: Math.max(0, row), column: column + 1 };
}

function Head({ versions }: { readonly versions: readonly string[] }) {
  return (
    <thead>
      <tr role="row">
        <th role="columnheader" scope="col" rowSpan={2} class="matrix-step">
          Step
        </th>
        {versions.map((version) => (
          <th key={version} role="columnheader" scope="colgroup" colSpan={2} class="matrix-version">
            {version}
          </th>
        ))}
        <th role="columnheader" scope="col" rowSpan={2} class="matrix-back">
          Rolls back to
        </th>
      </tr>
      <tr role="row">
        {versions.flatMap((version) =>
          kinds.map((kind) => (
            <th key={`${version} ${kind}`} role="columnheader" scope="col" class={`matrix-kind ${kind}`}>
              {kind}s
            </th>
          )),
        )}
      </tr>
    </thead>
  );
}

interface RowProps {
  readonly store: Store;
  readonly row: MatrixRow;
  readonly index: number;
  readonly roving: Roving;
}

function Row({ store, row, index, roving }: RowProps) {
  // Of all the moves of the playhead, a row hears of those that lead in or out of its step.
  const isHere = useComputed(() => store.moment.value?.step?.name === row.name);
  return (
    <tr role="row" class={isHere.value ? 'matrix-row here' : 'matrix-row'}>
      <StepHead store={store} row={row} index={index} roving={roving} isHere={isHere.value} />
      {row.cells.map((cell, column) => (
        <Cell
          key={`${cell.version} ${cell.kind}`}
          store={store}
          cell={cell}
          step={row.name}
          at={{ row: index, column: column + 1 }}
          tabIndex={roving.tabIndex(index, column + 1)}
        />
      ))}
      <Back store={store} row={row} index={index} roving={roving} />
    </tr>
  );
}

function StepHead({ store, row, index, roving, isHere }: RowProps & { readonly isHere: boolean }) {
  const [first] = row.own;
  const trouble = first === undefined ? '' : `. ${severityWords[first.finding.severity]}: ${headline(first)}`;
  const open = () =>
    first === undefined ? goToStep(store, row.name) : choose(store, first.finding.id, { kind: 'shown' });
  return (
    <th
      role="rowheader"
      scope="row"
      class="matrix-step"
      data-row={index}
      data-column={0}
      tabIndex={roving.tabIndex(index, 0)}
      aria-label={`Step ${row.number}, ${row.name}, ${row.kind}${trouble}`}
      aria-current={isHere ? 'step' : undefined}
      title={first?.message}
      onClick={open}
      onKeyDown={(event) => press(event, open)}
    >
      <span class="matrix-here">{isHere ? <Mark name="here" size={10} /> : null}</span>
      <span class="matrix-number">{row.number}</span>
      <span class="matrix-name">{row.name}</span>
      {[...new Set(row.own.map(({ finding }) => finding.severity))].map((severity) => (
        <SeverityMark key={severity} severity={severity} size={12} />
      ))}
    </th>
  );
}

interface CellProps {
  readonly store: Store;
  readonly cell: MatrixCell;
  readonly step: string;
  readonly at: { readonly row: number; readonly column: number };
  readonly tabIndex: 0 | -1;
}

function Cell({ store, cell, step, at, tabIndex }: CellProps) {
  const { finding, state, kind } = cell;
  const isChosen = finding !== null && store.chosen.value === finding.id;
  const open = () => {
    if (finding !== null) choose(store, finding.id, { kind: 'shown' });
    else goToStep(store, step);
  };
  return (
    <td
      role="gridcell"
      class={`matrix-cell ${state} ${kind}`}
      data-row={at.row}
      data-column={at.column}
      tabIndex={tabIndex}
      aria-label={cell.label}
      aria-selected={isChosen}
      title={cell.label}
      onClick={open}
      onKeyDown={(event) => press(event, open)}
    >
      <span class="matrix-content">
        {state === 'uncounted' ? null : <Mark name={state} />}
        {counts(cell)}
      </span>
    </td>
  );
}

function counts({ state, held, broken, never }: MatrixCell): string {
  switch (state) {
    case 'held':
      return number(held);
    case 'broken':
      return broken === 0 ? '' : `${number(broken)} of ${number(held + broken)}`;
    case 'never':
      return never.length > 1 ? number(never.length) : '';
    case 'absent':
    case 'uncounted':
      return '';
  }
}

function Back({ store, row, index, roving }: RowProps) {
  const { reach, reachText } = row;
  const column = row.cells.length + 1;
  const finding = reach.stopped?.finding ?? null;
  const open = () => {
    if (finding !== null) choose(store, finding.id, { kind: 'shown' });
    else goToStep(store, row.name);
  };
  // What the plan declares is no fault; where nothing leads is not walked.
  const isMeant = reach.pointOfNoReturn === 'declared' || reach.pointOfNoReturn === 'past';
  const isBroken = reach.stopped !== null && !isMeant && reach.stopped.result !== null;
  const mark = isBroken ? 'broken' : reach.to === row.number ? 'absent' : 'held';
  return (
    <td
      role="gridcell"
      class={isBroken ? 'matrix-back broken' : 'matrix-back'}
      data-row={index}
      data-column={column}
      tabIndex={roving.tabIndex(index, column)}
      aria-label={`${row.name} rolls back: ${reachText.long}`}
      title={finding?.message ?? reachText.long}
      onClick={open}
      onKeyDown={(event) => press(event, open)}
    >
      <span class="matrix-content">
        {reach.pointOfNoReturn === null ? null : <Mark name="flag" />}
        {isMeant ? null : <Mark name={mark} />}
        {reachText.short}
      </span>
    </td>
  );
}

function press(event: KeyboardEvent, act: () => void): void {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  act();
}
