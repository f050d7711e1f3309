/** Every event of the history as a list, of which only what is in sight is drawn; and what else was tried at the playhead. */
import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { History, Moment } from '../../simulator/player/model.ts';
import type { Playhead } from '../protocol.ts';
import { actor, agrees, deed, rowsOf, triedText, type Row, type Rows } from '../model/event-rows.ts';
import type { Store } from '../store.ts';
import { Mark } from './marks.tsx';
import '../style/events.css';

/** Of a row, in pixels: the stylesheet has the same. */
const rowHeight = 24;
/** Rows drawn above and below what is in sight. */
const margin = 8;

export function Events({ store }: { readonly store: Store }) {
  const history = store.history.value;
  if (history === null) return <p class="soft">Nothing is played.</p>;
  return <List store={store} history={history} />;
}

function List({ store, history }: { readonly store: Store; readonly history: History }) {
  const playhead = store.playhead.value;
  const isOpen = store.remembered.value?.triedOpen ?? false;
  const rows = useMemo(() => rowsOf(history, playhead.moment, isOpen), [history, playhead.moment, isOpen]);
  const scroller = useRef<HTMLDivElement | null>(null);
  const sight = useSight(scroller);
  const current = rows.indexOf(rowOf(playhead));
  const [focused, setFocused] = useState<'playhead' | 'tried'>('playhead');
  const cursor = focused === 'tried' && rows.at(playhead.moment + 1).kind === 'tried' ? playhead.moment + 1 : current;
  const hasFocus = useRef(false);

  useLayoutEffect(() => bringIntoSight(scroller.current, cursor), [cursor, history]);
  useEffect(() => {
    // The row that had the focus may be another one now.
    if (hasFocus.current)
      scroller.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }, [cursor]);

  const go = (index: number) => {
    const row = rows.at(Math.max(0, Math.min(rows.length - 1, index)));
    setFocused(row.kind === 'tried' ? 'tried' : 'playhead');
    if (row.kind !== 'tried')
      store.moveTo({ history: history.id, moment: row.moment, probe: row.kind === 'probe' ? row.probe : null });
  };
  return (
    <div
      ref={scroller}
      class="events"
      role="grid"
      aria-label="Events"
      aria-rowcount={rows.length}
      aria-colcount={5}
      onFocusIn={() => {
        hasFocus.current = true;
      }}
      onFocusOut={() => {
        hasFocus.current = false;
      }}
      onKeyDown={(event) => {
        const page = Math.max(1, Math.floor(sight.height / rowHeight) - 1);
        const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
        if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        go(cursor + by);
      }}
    >
      <div class="events-all" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
        {inSight(rows, sight, cursor).map((index) => (
          <Line
            key={keyOf(rows.at(index))}
            store={store}
            row={rows.at(index)}
            index={index}
            isCursor={index === cursor}
            isOpen={isOpen}
            go={go}
          />
        ))}
      </div>
    </div>
  );
}

function rowOf({ moment, probe }: Playhead): Row {
  return probe === null ? { kind: 'moment', moment } : { kind: 'probe', moment, probe };
}

const keyOf = (row: Row) => (row.kind === 'probe' ? `probe ${row.probe}` : `${row.kind} ${row.moment}`);

interface Sight {
  readonly top: number;
  readonly height: number;
}

/** What the scroller shows, to a row: scrolling within one draws nothing anew. */
function useSight(scroller: { readonly current: HTMLDivElement | null }): Sight {
  const [sight, setSight] = useState<Sight>({ top: 0, height: 480 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const look = () => {
      const top = Math.floor(element.scrollTop / rowHeight) * rowHeight;
      const height = element.clientHeight;
      setSight((known) => (known.top === top && known.height === height ? known : { top, height }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  return sight;
}

/** The row with the tab stop is there wherever it is, so that the focus is never lost. */
function inSight(rows: Rows, { top, height }: Sight, cursor: number): readonly number[] {
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(rows.length - 1, Math.ceil((top + height) / rowHeight) + margin);
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);
  return all.includes(cursor) ? all : [...all, cursor].toSorted((a, b) => a - b);
}

function bringIntoSight(scroller: HTMLElement | null, index: number): void {
  if (scroller === null) return;
  const top = index * rowHeight;
  const { scrollTop, clientHeight } = scroller;
  if (top < scrollTop + rowHeight) scroller.scrollTop = top - rowHeight;
  else if (top + 2 * rowHeight > scrollTop + clientHeight) scroller.scrollTop = top + 2 * rowHeight - clientHeight;
}

interface LineProps {
  readonly store: Store;
  readonly row: Row;
  readonly index: number;
  readonly isCursor: boolean;
  readonly isOpen: boolean;
  readonly go: (index: number) => void;
}

function Line({ store, row, index, isCursor, isOpen, go }: LineProps) {
  const main = store.history.value?.moments[row.moment];
  const isCurrent = useComputed(() => {
    const { moment, probe } = store.playhead.value;
    return row.kind !== 'tried' && row.moment === moment && (row.kind === 'probe' ? row.probe : null) === probe;
  });
  const shared = {
    role: 'row',
    tabIndex: isCursor ? 0 : -1,
    'aria-rowindex': index + 1,
    style: { transform: `translateY(${index * rowHeight}px)` },
  } as const;
  if (row.kind === 'tried') {
    const fold = () => store.remember({ triedOpen: !isOpen });
    return (
      <div
        {...shared}
        class="event tried"
        aria-expanded={isOpen}
        onClick={fold}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          fold();
        }}
      >
        <span role="gridcell" class="event-tried" aria-colspan={5}>
          <Mark name={isOpen ? 'down' : 'here'} />
          {triedText(main)}
        </span>
      </div>
    );
  }
  const moment = row.kind === 'probe' ? main?.probes[row.probe] : main;
  if (moment === undefined) return null;
  const classes = ['event', row.kind, ...(moment.shown === null ? [] : ['shown'])];
  return (
    <div {...shared} class={classes.join(' ')} aria-selected={isCurrent.value} onClick={() => go(index)}>
      <span role="gridcell" class="event-number">
        {row.kind === 'probe' ? '' : row.moment}
      </span>
      <Cells moment={moment} previous={row.kind === 'moment' ? store.history.value?.moments[row.moment - 1] : main} />
    </div>
  );
}

function Cells({ moment, previous }: { readonly moment: Moment; readonly previous: Moment | undefined }) {
  const step = moment.step?.name ?? 'start';
  const isSame = previous !== undefined && (previous.step?.name ?? 'start') === step;
  return (
    <>
      <span role="gridcell" class={isSame ? 'event-step same' : 'event-step'}>
        {step}
      </span>
      <span role="gridcell" class="event-who">
        {actor(moment)}
      </span>
      <span role="gridcell" class="event-what" title={moment.title}>
        {deed(moment)}
      </span>
      <Result moment={moment} />
    </>
  );
}

function Result({ moment }: { readonly moment: Moment }) {
  const { expected, actual, event, shown } = moment;
  const broken = agrees(moment) === false || shown !== null;
  const text = actual ?? event?.result ?? '';
  const instead =
    expected !== null && expected !== actual ? `, where the app without the migration gives ${expected}` : '';
  return (
    <span
      role="gridcell"
      class={broken ? 'event-result broken' : 'event-result'}
      title={shown?.message ?? text + instead}
    >
      {broken ? <Mark name="broken" /> : null}
      <span>{text}</span>
      {broken && instead !== '' ? <span class="event-expected">expected {expected}</span> : null}
    </span>
  );
}
