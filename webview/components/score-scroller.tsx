/** The picture of a score in a window that scrolls: only what is in view is drawn, and the playhead is laid over it. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { rowsFor, viewOf } from '../model/canvas.ts';
import { columnsOf, eventX, momentAt, type Columns } from '../model/columns.ts';
import { gutterOf, pictureOf } from '../model/picture.ts';
import { triedShapes } from '../model/picture-lanes.ts';
import type { Told } from '../model/rows.ts';
import { triedMark, type Score } from '../model/score.ts';
import type { Store } from '../store.ts';
import { Hatches, Shapes } from './shapes.tsx';

/** What is drawn beyond the window, so that scrolling finds it there. */
const beyond = 240;
/** What is scrolled by less than this is not drawn again. */
const grain = 24;

interface Props {
  readonly store: Store;
  readonly told: Told;
  readonly score: Score;
  readonly sentence: string;
}

export function ScoreScroller({ store, told, score, sentence }: Props) {
  const outer = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(outer);
  const [left, setLeft] = useState(0);
  const gutter = width < 560 ? 92 : 132;
  const window = Math.max(120, width - gutter - 8);
  const columns = useMemo(() => columnsOf(score, window), [score, window]);
  const rows = useMemo(() => rowsFor(score), [score]);
  const { moment, probe } = store.playhead.value;
  useFollow(scroller, columns, moment);
  const from = Math.max(0, left - beyond);
  const to = left + window + beyond;
  const canvas = useMemo(() => {
    const view = viewOf(columns, score.length, from, to);
    const isWhole = columns.fits;
    return { columns, rows, view, left: isWhole ? 0 : left, right: isWhole ? columns.width : left + window };
  }, [score, columns, rows, from, to, left, window]);
  // The same element again is not looked at again: the playhead moves over a picture that stays.
  const picture = useMemo(() => <Shapes shapes={pictureOf(score, canvas)} />, [score, canvas]);
  const names = useMemo(() => <Shapes shapes={gutterOf(score, rows, gutter - 8)} />, [score, rows, gutter]);
  const tried = probe === null ? null : triedMark(told, moment, probe);
  const onScroll = (event: Event) => {
    const at = (event.currentTarget as HTMLElement).scrollLeft;
    setLeft(Math.ceil(at / grain) * grain);
  };
  const onClick = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    store.goToMoment(momentAt(columns, event.clientX - box.left));
  };
  const drawn = Math.min(columns.width, to) - from;
  return (
    <div class="score-figure" ref={outer}>
      <svg class="score-gutter" width={gutter} height={rows.height} aria-hidden="true">
        {names}
      </svg>
      <div
        class="score-scroller"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="group"
        aria-label={`Score. ${sentence}`}
      >
        <div class="score-field" style={{ width: `${columns.width}px`, height: `${rows.height}px` }} onClick={onClick}>
          <Playhead columns={columns} moment={moment} />
          <svg
            class="score-svg"
            aria-hidden="true"
            width={Math.max(0, drawn)}
            height={rows.height}
            viewBox={`${from} 0 ${Math.max(1, drawn)} ${rows.height}`}
            style={{ left: `${from}px` }}
          >
            <Hatches />
            {picture}
            {tried === null ? null : <Shapes shapes={triedShapes(score, tried, canvas)} />}
          </svg>
        </div>
      </div>
    </div>
  );
}

function Playhead({ columns, moment }: { readonly columns: Columns; readonly moment: number }) {
  const left = columns.edges[moment] ?? 0;
  const right = columns.edges[moment + 1] ?? columns.width;
  const style = { transform: `translateX(${left}px)`, width: `${Math.max(6, right - left)}px` };
  return <div class="score-playhead" style={style} aria-hidden="true" />;
}

function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(800);
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return;
    const measure = () => setWidth(Math.round(current.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** Keeps the playhead in view. */
function useFollow(scroller: { readonly current: HTMLElement | null }, columns: Columns, moment: number): void {
  useEffect(() => {
    const { current } = scroller;
    if (current === null || columns.fits) return;
    const x = eventX(columns, moment);
    const room = Math.min(160, current.clientWidth / 4);
    const isIn = x >= current.scrollLeft + room / 2 && x <= current.scrollLeft + current.clientWidth - room;
    if (!isIn) current.scrollLeft = Math.max(0, x - current.clientWidth / 3);
  }, [scroller, columns, moment]);
}
