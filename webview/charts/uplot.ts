/** A chart of uPlot, as the page uses it: steps of the plan to the right, one scale, lines told apart by dashes. Loaded on demand. */
import uPlot from 'uplot';
import type { Bin } from '../model/traffic.ts';
import type { Chart } from '../model/traffic-charts.ts';

/** Colours by the names of the page's tokens. */
export type Colours = (name: string) => string;

export interface Drawn {
  resize(width: number): void;
  destroy(): void;
}

export interface Drawing {
  readonly chart: Chart;
  readonly bins: readonly Bin[];
  readonly segments: number;
  readonly width: number;
  readonly height: number;
  readonly colours: Colours;
  readonly font: string;
  /** Pixels at the left that the scale takes, the same for all charts. */
  readonly margin: number;
  readonly scaleText: (value: number) => string;
  readonly binAt: (x: number) => number;
  /** The bin under the pointer; null: it is gone. */
  readonly hovered: (bin: number | null) => void;
}

/** Lines hold until the next bin; the last needs an end. */
function dataOf({ chart, bins, segments }: Drawing): uPlot.AlignedData {
  const x = [...bins.map((bin) => bin.x), segments];
  return [x, ...chart.lines.map(({ values }) => [...values, values.at(-1) ?? null])];
}

function seriesOf({ chart, colours }: Drawing): uPlot.Series[] {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return chart.lines.map(({ label, look }) => ({
    label,
    stroke: colours(look.colour),
    width: chart.isBad ? 2 : 1.75,
    dash: [...look.dash],
    spanGaps: true,
    ...(chart.isBad ? { fill: faint(colours(look.colour)) } : {}),
    points: { show: false },
    ...(stepped === undefined ? {} : { paths: stepped }),
  }));
}

/** A colour of the theme, thinned. */
function faint(colour: string): string {
  return `color-mix(in srgb, ${colour} 25%, transparent)`;
}

/** Behind the lines: where a step runs, and where each begins. */
function drawSteps(plot: uPlot, { bins, segments, colours }: Drawing): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colours('--ink-soft');
  ctx.globalAlpha = 0.14;
  for (let n = 0; n < segments; n++) {
    const first = bins.find((bin) => bin.segment === n && bin.isRunning);
    if (first === undefined) continue;
    const next = bins.find((bin) => bin.segment === n && bin.x > first.x && !bin.isRunning);
    const [left, right] = [first.x, next?.x ?? n + 1].map((x) => plot.valToPos(x, 'x', true));
    ctx.fillRect(left ?? 0, bbox.top, (right ?? 0) - (left ?? 0), bbox.height);
  }
  ctx.globalAlpha = 0.45;
  const hair = Math.max(1, Math.round(devicePixelRatio));
  for (let n = 0; n <= segments; n++)
    ctx.fillRect(Math.round(plot.valToPos(n, 'x', true)), bbox.top, hair, bbox.height);
  ctx.restore();
}

function optionsOf(drawing: Drawing): uPlot.Options {
  const { chart, segments, width, height, colours, font, margin, hovered, scaleText, binAt } = drawing;
  const ink = colours('--ink-soft');
  return {
    width,
    height,
    padding: [7, 1, 7, 0],
    legend: { show: false },
    scales: {
      x: { time: false, range: [0, segments] },
      y: { range: [0, chart.most], ...(chart.isBent ? { distr: 4 } : {}) },
    },
    axes: [
      { show: false },
      {
        size: margin,
        font: `11px ${font}`,
        stroke: ink,
        gap: 6,
        splits: () => [...chart.ticks],
        // Scales that are bent would leave some out.
        filter: (_plot, splits) => splits,
        values: (_plot, splits) => splits.map((split) => scaleText(split)),
        grid: { stroke: ink, width: 0.5 },
        ticks: { show: false },
      },
    ],
    series: [{}, ...seriesOf(drawing)],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false },
      sync: { key: 'cutover-traffic' },
    },
    hooks: {
      drawClear: [(plot) => drawSteps(plot, drawing)],
      setCursor: [
        (plot) => {
          const { left = -1 } = plot.cursor;
          hovered(left < 0 ? null : binAt(plot.posToVal(left, 'x')));
        },
      ],
    },
  };
}

export function drawChart(host: HTMLElement, drawing: Drawing): Drawn {
  const plot = new uPlot(optionsOf(drawing), dataOf(drawing), host);
  return {
    resize: (width) => plot.setSize({ width, height: drawing.height }),
    destroy: () => plot.destroy(),
  };
}
