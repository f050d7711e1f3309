/** Every event of the history as a list, of which only what is in sight is drawn; and what else was tried at the playhead. */
import { useComputed } from '@preact/signals';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { History, Moment } from '../../simulator/player/model.ts';
import type { Playhead } from '../protocol.ts';
import { actor, deed, isBroken, rowsOf, triedText, type Row, type Rows } from '../model/event-rows.ts';
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
  const isOpen = store.remembered.value.triedOpen;
  const rows = useMemo(() => rowsOf(history, playhead.moment, isOpen), [history, playhead.moment, isOpen]);
  const scroller = useRef<HTMLDivElement | null>(null);
  const sight = useSight(scroller);
  const current = rows.indexOf(rowOf(playhead));
  const [focused, setFocused] = useState<'playhead' | 'tried'>('playhead');
  const cursor = focused === 'tried' && rows.at(playhead.moment + 1).kind === 'tried' ? playhead.moment + 1 : current;
  const hasFocus = useRef(false);

  useLayoutEffect(() => {
    bringIntoSight(scroller.current, cursor);
    // The row that had the focus may be another one now.
    if (hasFocus.current)
      scroller.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }, [cursor, history]);

  const go = (row: Row) => {
    setFocused(row.kind === 'tried' ? 'tried' : 'playhead');
    if (row.kind !== 'tried') store.moveTo({ ...rowPlace(row), history: history.id });
  };
  const onChoose = useCallback(go, [history]);
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
        go(rows.at(Math.max(0, Math.min(rows.length - 1, cursor + by))));
      }}
    >
      <div class="events-all" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
        {inSight(rows, sight, cursor).map((index) => {
          const row = rows.at(index);
          return (
            <Line
              key={keyOf(row)}
              store={store}
              kind={row.kind}
              moment={row.moment}
              probe={row.kind === 'probe' ? row.probe : null}
              index={index}
              isCursor={index === cursor}
              onChoose={onChoose}
            />
          );
        })}
      </div>
    </div>
  );
}

function rowOf({ moment, probe }: Playhead): Row {
  return probe === null ? { kind: 'moment', moment } : { kind: 'probe', moment, probe };
}

function rowPlace(row: Row & { readonly kind: 'moment' | 'probe' }): Pick<Playhead, 'moment' | 'probe'> {
  return { moment: row.moment, probe: row.kind === 'probe' ? row.probe : null };
}

const keyOf = (row: Row) => `${row.kind} ${row.moment} ${row.kind === 'probe' ? row.probe : ''}`;

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

/** Plain values alone: a line whose values are the same is not drawn anew. */
interface LineProps {
  readonly store: Store;
  readonly kind: Row['kind'];
  readonly moment: number;
  readonly probe: number | null;
  readonly index: number;
  readonly isCursor: boolean;
  readonly onChoose: (row: Row) => void;
}

function Line({ store, kind, moment: at, probe, index, isCursor, onChoose }: LineProps) {
  const isCurrent = useComputed(() => {
    const { value } = store.playhead;
    return kind !== 'tried' && at === value.moment && probe === value.probe;
  });
  const shared = {
    role: 'row',
    tabIndex: isCursor ? 0 : -1,
    'aria-rowindex': index + 1,
    style: { transform: `translateY(${index * rowHeight}px)` },
  } as const;
  const moments = store.history.value?.moments ?? [];
  const main = moments[at];
  if (kind === 'tried') return <Tried store={store} main={main} shared={shared} />;
  const moment = probe === null ? main : main?.probes[probe];
  if (moment === undefined) return null;
  const choose = () => onChoose(probe === null ? { kind: 'moment', moment: at } : { kind: 'probe', moment: at, probe });
  return (
    <div
      {...shared}
      class={moment.shown === null ? `event ${kind}` : `event ${kind} shown`}
      aria-selected={isCurrent.value}
      onClick={choose}
    >
      <span role="gridcell" class="event-number">
        {probe === null ? at : ''}
      </span>
      <Cells moment={moment} previous={probe === null ? moments[at - 1] : main} />
    </div>
  );
}

interface TriedProps {
  readonly store: Store;
  readonly main: Moment | undefined;
  readonly shared: {
    readonly role: 'row';
    readonly tabIndex: 0 | -1;
    readonly 'aria-rowindex': number;
    readonly style: { readonly transform: string };
  };
}

/** The focus is on its one cell: of a row in a grid nobody may say that it is folded. */
function Tried({ store, main, shared: { tabIndex, ...shared } }: TriedProps) {
  const isOpen = store.remembered.value.triedOpen;
  const fold = () => store.remember({ triedOpen: !isOpen });
  return (
    <div {...shared} class="event tried">
      <span
        role="gridcell"
        class="event-tried"
        aria-colspan={5}
        aria-expanded={isOpen}
        tabIndex={tabIndex}
        onClick={fold}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          fold();
        }}
      >
        <Mark name={isOpen ? 'down' : 'here'} />
        {triedText(main)}
      </span>
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
  const broken = isBroken(moment);
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
