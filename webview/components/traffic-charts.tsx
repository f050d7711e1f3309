/** The charts of a recording below each other, one scrubber over all of them. The pictures are for the eye: a table says the same. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Recording } from '../../simulator/report/recording.ts';
import { binAt, figuresOf, type Bin, type Segment } from '../model/traffic.ts';
import { absentOf, chartsOf, driftLegend, scaleText, type Chart, type Line } from '../model/traffic-charts.ts';
import { figuresText, segmentName } from '../model/traffic-words.ts';
import { onThemeChange, themeColour } from './theme.ts';
import type { Scrubbing } from './traffic-recording.tsx';

/** The scale at the left, and the hair of room at the right. */
const margin = 52;
const right = 1;

export type Readout = (segment: Segment, bin: Bin) => readonly string[];

export function TrafficCharts(props: {
  readonly recording: Recording;
  readonly scrubbing: Scrubbing;
  readonly readout: Readout;
}) {
  const { recording, scrubbing, readout } = props;
  const { segments, bins, bin } = scrubbing;
  const charts = useMemo(() => chartsOf(recording, bins), [recording, bins]);
  const [hovered, setHovered] = useState<number | null>(null);
  const pick = (event: MouseEvent & { readonly currentTarget: HTMLElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left - margin) / (box.width - margin - right);
    if (share >= 0) scrubbing.scrub(binAt(bins, share * segments.length));
  };
  return (
    <div class="traffic-stack">
      <Steps segments={segments} here={bins[bin]?.segment ?? 0} />
      <div class="traffic-charts" aria-hidden="true" onClick={pick}>
        {charts.map((chart) => (
          <Plot key={chart.id} chart={chart} scrubbing={scrubbing} hovered={setHovered} />
        ))}
        <div class="traffic-line" style={placeOfX(bins[bin]?.x ?? 0, segments.length)} />
        <Tip bin={hovered === null ? undefined : bins[hovered]} segments={segments} readout={readout} />
      </div>
      <Scrubber recording={recording} scrubbing={scrubbing} />
      <p class="traffic-legend">
        Each step has the same width, however long it took; it is shaded while the step runs.{' '}
        {charts.some(({ id }) => id === 'drift') ? driftLegend(recording) : ''} {absentOf(recording)}
      </p>
    </div>
  );
}

/** Positions are shares of the plot's width, which the browser knows and this does not. */
function placeOfX(x: number, segments: number) {
  return { left: `calc(${margin}px + (100% - ${margin + right}px) * ${x / segments})` };
}

function Steps({ segments, here }: { readonly segments: readonly Segment[]; readonly here: number }) {
  return (
    <div class="traffic-steps" aria-hidden="true">
      {segments.map((segment) => (
        <span key={segment.index} class={segment.index === here ? 'traffic-step traffic-step-here' : 'traffic-step'}>
          {segment.step === null ? 'start' : <b>{segment.index}</b>}
          {segment.step === null ? null : <span> {segmentName(segment)}</span>}
        </span>
      ))}
    </div>
  );
}

function Scrubber({ recording, scrubbing }: { readonly recording: Recording; readonly scrubbing: Scrubbing }) {
  const { segments, bins, bin, scrub } = scrubbing;
  const here = bins[bin];
  const segment = segments[here?.segment ?? -1];
  const text =
    here === undefined || segment === undefined
      ? ''
      : figuresText(recording, segment, here, figuresOf(recording, here.from, here.until));
  /** By step, where the playhead goes by step too. */
  const bySteps = (event: KeyboardEvent): void => {
    if (!event.ctrlKey || here === undefined) return;
    const next = { ArrowRight: here.segment + 1, ArrowLeft: here.segment - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const first = bins.findIndex((each) => each.segment === next);
    if (first >= 0) scrub(first);
  };
  return (
    <div class="traffic-scrubber">
      <input
        type="range"
        aria-label="Time of the simulation, by step"
        aria-valuetext={text}
        min={0}
        max={bins.length - 1}
        step={1}
        value={bin}
        onInput={({ currentTarget }) => scrub(Number(currentTarget.value))}
        onKeyDown={bySteps}
      />
    </div>
  );
}

function Tip(props: {
  readonly bin: Bin | undefined;
  readonly segments: readonly Segment[];
  readonly readout: Readout;
}) {
  const { bin, segments, readout } = props;
  const segment = segments[bin?.segment ?? -1];
  if (bin === undefined || segment === undefined) return null;
  const isLate = bin.x > segments.length / 2;
  const [title, ...lines] = readout(segment, bin);
  return (
    <div class={isLate ? 'traffic-tip traffic-tip-left' : 'traffic-tip'} style={placeOfX(bin.x, segments.length)}>
      <strong>{title}</strong>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}

const heights: Readonly<Record<Chart['id'], number>> = { right: 84, trouble: 84, drift: 62, waiting: 62, backfill: 62 };

interface PlotProps {
  readonly chart: Chart;
  readonly scrubbing: Scrubbing;
  readonly hovered: (bin: number | null) => void;
}

/** Draws into an element, as wide as that is; gives what takes the drawing away. */
async function plotInto(element: HTMLElement, { chart, scrubbing, hovered }: PlotProps): Promise<() => void> {
  const { drawChart } = await import('../charts/uplot.ts');
  const { segments, bins } = scrubbing;
  const drawn = drawChart(element, {
    chart,
    bins,
    segments: segments.length,
    width: element.clientWidth,
    height: heights[chart.id],
    colours: themeColour,
    font: getComputedStyle(element).fontFamily,
    margin,
    scaleText: (value) => scaleText(chart, value),
    binAt: (x) => binAt(bins, x),
    hovered,
  });
  const sizes = new ResizeObserver(() => drawn.resize(element.clientWidth));
  sizes.observe(element);
  return () => {
    sizes.disconnect();
    drawn.destroy();
  };
}

/** Drawn anew when the theme changes: a canvas does not follow style sheets. */
function Plot(props: PlotProps) {
  const { chart, scrubbing, hovered } = props;
  const { segments, bins } = scrubbing;
  const host = useRef<HTMLDivElement>(null);
  const [theme, setTheme] = useState(0);
  const [isFailed, setFailed] = useState(false);
  useEffect(() => onThemeChange(() => setTheme((n) => n + 1)), []);
  useLayoutEffect(() => {
    if (host.current === null) return undefined;
    // What is asked to go before it is there goes as soon as it is.
    const drawing = plotInto(host.current, props);
    drawing.catch(() => setFailed(true));
    return () => {
      void drawing.then(
        (stop) => stop(),
        () => {},
      );
    };
  }, [chart, bins, segments, theme, hovered]);
  return (
    <figure class="traffic-chart">
      <figcaption>
        <span class="traffic-chart-title">{chart.title}</span>
        {chart.lines.map((line) => (
          <LegendItem key={line.label} line={line} />
        ))}
      </figcaption>
      {isFailed ? <p class="soft">This could not be drawn: the table below has the figures.</p> : null}
      <div ref={host} class="traffic-plot" style={{ height: `${heights[chart.id]}px` }} />
    </figure>
  );
}

function LegendItem({ line: { label, look } }: { readonly line: Line }) {
  return (
    <span class="traffic-key">
      <svg width="26" height="8" viewBox="0 0 26 8">
        <line
          x1="1"
          x2="25"
          y1="4"
          y2="4"
          style={{ stroke: `var(${look.colour})`, strokeWidth: 2, strokeDasharray: look.dash.join(' ') }}
        />
      </svg>
      {label}
    </span>
  );
}
