/** Events as a real table with one tab stop: arrows move from row to row, Enter and a click move the playhead. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TableCell } from '../model/table.ts';
import type { Store } from '../store.ts';

/** Above this only the rows around what is looked at are made. */
const mostRows = 160;
const rowHeight = 28;

interface Props {
  readonly store: Store;
  readonly label: string;
  readonly columns: readonly { readonly name: string; readonly role: string }[];
  /** The moments that have a row. */
  readonly moments: readonly number[];
  /** A row's cells, `td` or `th`. Made once for a list of moments, and kept. */
  readonly row: (moment: number) => MadeRow;
}

export interface MadeRow {
  readonly cells: ComponentChildren;
  readonly className: string;
}

/** The row that the playhead is in: the last that is not after it. */
function rowOf(moments: readonly number[], moment: number): number {
  return Math.max(
    0,
    moments.findLastIndex((each) => each <= moment),
  );
}

export function EventTable({ store, label, columns, moments, row }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  // The same cells again are not looked at again.
  const made = useMemo(() => new Map<number, MadeRow>(), [columns, moments]);
  const rowOfMoment = (moment: number): MadeRow => {
    const known = made.get(moment) ?? row(moment);
    made.set(moment, known);
    return known;
  };
  const here = rowOf(moments, store.playhead.value.moment);
  const [focused, setFocused] = useState<number | null>(null);
  const stop = focused !== null && focused < moments.length ? focused : here;
  const isLong = moments.length > mostRows;
  const first = isLong ? Math.max(0, Math.floor(top / rowHeight) - 20) : 0;
  const last = isLong ? Math.min(moments.length, first + 80) : moments.length;
  useLayoutEffect(() => {
    const { current } = body;
    if (current === null || !isLong) return;
    const y = here * rowHeight;
    if (y < current.scrollTop || y > current.scrollTop + current.clientHeight - 2 * rowHeight)
      current.scrollTop = Math.max(0, y - current.clientHeight / 2);
  }, [here, isLong]);
  const go = (index: number) => {
    const next = Math.max(0, Math.min(moments.length - 1, index));
    setFocused(next);
    if (isLong && body.current !== null)
      body.current.scrollTop = Math.max(0, next * rowHeight - body.current.clientHeight / 2);
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = { ArrowUp: stop - 1, ArrowDown: stop + 1, PageUp: stop - 10, PageDown: stop + 10 }[event.key];
    const moment = moments[stop];
    if (target !== undefined) go(target);
    else if ((event.key === 'Enter' || event.key === ' ') && moment !== undefined) store.goToMoment(moment);
    else return;
    event.preventDefault();
  };
  return (
    <div
      class={isLong ? 'event-table event-table-long' : 'event-table'}
      ref={body}
      onScroll={isLong ? (e) => setTop(e.currentTarget.scrollTop) : undefined}
    >
      <table role="grid" aria-label={label} aria-rowcount={moments.length + 1} onKeyDown={onKeyDown}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, role }) => (
              <th key={`${name} ${role}`} scope="col">
                {name}
                {role === '' ? null : <small>{role}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 ? <Space height={first * rowHeight} columns={columns.length} /> : null}
          {moments.slice(first, last).map((moment, i) => (
            <tr
              key={moment}
              class={rowOfMoment(moment).className}
              data-index={first + i}
              tabIndex={first + i === stop ? 0 : -1}
              aria-rowindex={first + i + 2}
              aria-selected={first + i === here && moment === store.playhead.value.moment}
              onFocus={() => setFocused(first + i)}
              onBlur={() => setFocused(null)}
              onClick={() => store.goToMoment(moment)}
            >
              {rowOfMoment(moment).cells}
            </tr>
          ))}
          {last < moments.length ? (
            <Space height={(moments.length - last) * rowHeight} columns={columns.length} />
          ) : null}
        </tbody>
      </table>
    </div>
  );
}

function Space({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height: `${height}px`, padding: 0 }} />
    </tr>
  );
}

/** A value with what changed in it marked inside. */
export function ValueCell({ cell }: { readonly cell: TableCell }) {
  const isOff = cell.state === 'differs' || cell.state === 'wrong';
  const names = ['value', cell.isThere && !cell.isNull ? '' : 'value-none', isOff ? 'value-off' : ''];
  return (
    <td class={names.filter(Boolean).join(' ')}>
      {cell.inside === null ? (
        <span>{cell.text}</span>
      ) : (
        <span>
          {cell.inside.before}
          <mark>{cell.inside.changed}</mark>
          {cell.inside.after}
        </span>
      )}
      {isOff && cell.should !== null ? <em>should be {cell.should}</em> : null}
    </td>
  );
}
