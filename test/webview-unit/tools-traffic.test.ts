/** Traffic over the steps: which time lies where, what is counted there, and how it is said. */
import { describe, expect, it } from 'vitest';
import type { Recording } from '../../simulator/report/recording.ts';
import {
  answered,
  binAt,
  binsOf,
  countsIn,
  figuresOf,
  firstBinOf,
  kinds,
  segmentsOf,
} from '../../webview/model/traffic.ts';
import { absentOf, chartsOf, roundUp } from '../../webview/model/traffic-charts.ts';
import { clock, figuresText, percent, span, totalsText, verdictOf } from '../../webview/model/traffic-words.ts';

const step = (name: string, from: number, to: number): Recording['steps'][number] => ({
  name,
  kind: 'migrate',
  line: 1,
  from,
  to,
  result: 'done',
  note: null,
});

/** Two versions; the second goes live with the second step, and answers wrongly once. */
const recording: Recording = {
  recording: 1,
  file: 'a.cutover.yaml',
  title: 'a',
  seed: 1,
  duration: 299,
  totals: { ran: 12, arrived: 1200, ok: 11, failed: 0, wrong: 1, waited: 2, unjudged: 0 },
  steps: [step('expand', 100, 109), { ...step('switch', 200, 200), kind: 'deploy' }],
  seconds: [0, 50, 104, 105, 150, 200, 250],
  versions: [
    { name: 'v1', first: 0, ok: [4, 1, 0, 2, 1], failed: [], wrong: [], waiting: [0, 0, 2], unjudged: [] },
    { name: 'v2', first: 5, ok: [2, 1], failed: [], wrong: [0, 1], waiting: [], unjudged: [] },
  ],
  drift: { looked: 10, at: [0, 110], rows: [0, 7] },
  backfills: [],
  sampling: [],
  traffic: [],
  tables: [],
  assumptions: [],
  leftOut: [],
  examples: [],
  cut: null,
};

describe('segments and bins', () => {
  const segments = segmentsOf(recording);
  const bins = binsOf(segments);

  it('has a segment before the first step, and one for each step', () => {
    expect(segments.map(({ from, until, ranUntil }) => [from, ranUntil, until])).toEqual([
      [0, 0, 100],
      [100, 110, 200],
      [200, 200, 300],
    ]);
  });

  it('gives each segment the same width, and half of it to the time in which the step runs', () => {
    const first = bins.filter(({ segment }) => segment === 1);
    expect(first.filter(({ isRunning }) => isRunning).map(({ x }) => x)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => 1 + 0.05 * n),
    );
    expect(first.find(({ isRunning }) => !isRunning)).toMatchObject({ from: 110, x: 1.5 });
  });

  it('has every second in exactly one bin', () => {
    expect(bins[0]?.from).toBe(0);
    expect(bins.at(-1)?.until).toBe(300);
    expect(bins.slice(1).map(({ from }) => from)).toEqual(bins.slice(0, -1).map(({ until }) => until));
  });

  it('counts every answer once', () => {
    for (const version of recording.versions) {
      const sums = bins.map(({ from, until }) => countsIn(recording, version, from, until));
      const whole = countsIn(recording, version, 0, 300);
      for (const kind of kinds) expect(sums.reduce((sum, each) => sum + each[kind], 0)).toBe(whole[kind]);
    }
    const all = recording.versions.map((version) => answered(countsIn(recording, version, 0, 300)));
    expect(all).toEqual([8, 4]);
  });

  it('finds the bin at a place, and the first of a segment', () => {
    for (const [n, bin] of bins.entries()) expect(binAt(bins, bin.x)).toBe(n);
    expect(binAt(bins, -1)).toBe(0);
    expect(binAt(bins, 99)).toBe(bins.length - 1);
    expect(bins[firstBinOf(bins, 2)]).toMatchObject({ segment: 2, from: 200 });
  });

  it('lays steps that follow at once, or take no time, without losing any', () => {
    const close = segmentsOf({ duration: 20, steps: [step('a', 5, 5), step('b', 5, 9), step('c', 10, 20)] });
    const laid = binsOf(close);
    expect(new Set(laid.map(({ segment }) => segment)).size).toBe(4);
    expect(laid.every(({ from, until }) => until >= from)).toBe(true);
  });
});

describe('figures', () => {
  it('are of the versions that were asked there', () => {
    const { versions, drift } = figuresOf(recording, 200, 300);
    expect(versions).toEqual([{ name: 'v2', counts: { ok: 3, failed: 0, wrong: 1, waiting: 0, unjudged: 0 } }]);
    expect(drift).toBe(7);
  });

  it('are said in one sentence', () => {
    const segments = segmentsOf(recording);
    const bin = { segment: 2, from: 250, until: 260, isRunning: false, x: 2.5 };
    const segment = segments[2];
    if (segment === undefined) throw new Error('there is no third segment');
    expect(figuresText(recording, segment, bin, figuresOf(recording, 250, 260))).toBe(
      'switch, 50 s after it began; v2: 1 right, 1 wrong (50 %); 7 of 10 reads drifted.',
    );
  });
});

describe('charts', () => {
  it('are those of which there is something, and the rest is said', () => {
    const charts = chartsOf(recording, binsOf(segmentsOf(recording)));
    expect(charts.map(({ id, lines }) => [id, lines.map(({ label }) => label)])).toEqual([
      ['right', ['v1', 'v2']],
      ['trouble', ['v2 wrong']],
      ['drift', ['drifted rows']],
      ['waiting', ['v1']],
    ]);
    expect(absentOf(recording)).toBe('Not drawn, for there was none: failed request.');
  });

  it('tell versions apart by more than colour', () => {
    const [right] = chartsOf(recording, binsOf(segmentsOf(recording)));
    expect(new Set(right?.lines.map(({ look }) => look.dash.join())).size).toBe(2);
  });

  it('have round scales', () => {
    expect([0, 0.007, 0.23, 7, 982].map(roundUp)).toEqual([1, 0.01, 0.5, 10, 1000]);
  });
});

describe('words', () => {
  it('of times', () => {
    expect([clock(59), clock(241_911), span(0), span(6600), span(604_800)]).toEqual([
      '00:00:59',
      '2 d 19:11:51',
      '0 s',
      '1 h 50 min',
      '7 d',
    ]);
  });

  it('of shares, where little is not nothing', () => {
    expect([0, 0.0001, 0.0024, 0.5, 0.9999, 1].map(percent)).toEqual([
      '0 %',
      '< 0.1 %',
      '0.24 %',
      '50 %',
      '> 99.9 %',
      '100 %',
    ]);
  });

  it('of the whole', () => {
    expect(verdictOf(recording)).toEqual({ kind: 'wrong', text: '1 wrong answer' });
    expect(verdictOf({ ...recording, totals: { ...recording.totals, wrong: 0 } }).text).toBe('nothing wrong seen');
    expect(totalsText(recording)).toBe(
      '12 of 1,200 requests in 4 min 59 s were run, sent to v1, v2; 11 were answered rightly, 1 wrongly, 0 failed; 2 waited for a lock.',
    );
  });
});
