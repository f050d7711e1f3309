/** Which charts a recording has: the lines of each, and what they are called. */
import type { Recording } from '../../simulator/report/recording.ts';
import { answered, backfillShare, countsIn, valueAt, type Bin, type Counts } from './traffic.ts';
import { percent } from './traffic-words.ts';
import { count, number } from './words.ts';

/** How a line is told from the others: its dashes and its label first, its colour second. */
export interface Look {
  readonly colour: '--old' | '--new' | '--good' | '--ink' | '--bad' | '--ink-soft';
  readonly dash: readonly number[];
}

export interface Line {
  readonly label: string;
  readonly look: Look;
  /** One for each bin; null where there is nothing to show. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly id: 'right' | 'trouble' | 'waiting' | 'drift' | 'backfill';
  readonly title: string;
  readonly lines: readonly Line[];
  /** The top of the scale. */
  readonly most: number;
  readonly isShare: boolean;
  /** Filled below its lines: there should be none of it. */
  readonly isBad: boolean;
  /** What is written at the scale. */
  readonly ticks: readonly number[];
  /** Bent, so that a few among thousands are still seen. */
  readonly isBent: boolean;
}

const dashes: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
const colours: readonly Look['colour'][] = ['--old', '--new', '--good', '--ink'];

function lookOf(version: number, colour?: Look['colour']): Look {
  const n = version % dashes.length;
  return { colour: colour ?? colours[n] ?? '--ink', dash: dashes[n] ?? [] };
}

/** The next round number: 0.7 % → 1 %, 23 → 50. */
export function roundUp(most: number): number {
  if (most <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(most));
  const factor = [1, 2, 5, 10].find((n) => n * size >= most) ?? 10;
  return factor * size;
}

function mostOf(lines: readonly Line[]): number {
  return roundUp(Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
}

function shares(most: number): Pick<Chart, 'most' | 'ticks' | 'isShare' | 'isBent'> {
  const top = Math.min(1, most);
  return { most: top, ticks: [0, top], isShare: true, isBent: false };
}

type Asked = readonly { readonly name: string; readonly counts: readonly Counts[] }[];

function rightChart(asked: Asked, bins: readonly Bin[]): Chart {
  const all = bins.map((_, i) => asked.reduce((sum, { counts }) => sum + answeredAt(counts, i), 0));
  const lines = asked.map(({ name, counts }, n) => ({
    label: name,
    look: lookOf(n),
    values: counts.map((each, i) => (answered(each) === 0 ? null : each.ok / Math.max(1, all[i] ?? 0))),
  }));
  return { id: 'right', title: 'Right answers, of all', lines, ...shares(1), isBad: false };
}

function answeredAt(counts: readonly Counts[], bin: number): number {
  const at = counts[bin];
  return at === undefined ? 0 : answered(at);
}

/** Of the version's own answers, so that few wrong ones among many versions are seen. */
function troubleChart(asked: Asked): Chart | null {
  const lines = (['wrong', 'failed'] as const).flatMap((kind) =>
    asked.flatMap(({ name, counts }, n): Line[] =>
      counts.every((each) => each[kind] === 0)
        ? []
        : [
            {
              label: `${name} ${kind}`,
              look: lookOf(n, kind === 'wrong' ? '--bad' : '--ink'),
              values: counts.map((each) => (answered(each) === 0 ? null : each[kind] / answered(each))),
            },
          ],
    ),
  );
  if (lines.length === 0) return null;
  const title = 'Wrong and failed, of the version’s own';
  return { id: 'trouble', title, lines, ...shares(mostOf(lines)), isBad: true };
}

function waitingChart(asked: Asked): Chart | null {
  const lines = asked.flatMap(({ name, counts }, n): Line[] =>
    counts.every(({ waiting }) => waiting === 0)
      ? []
      : [
          {
            label: name,
            look: lookOf(n),
            values: counts.map((each) => {
              const all = answered(each) + each.waiting;
              return all === 0 ? null : each.waiting / all;
            }),
          },
        ],
  );
  if (lines.length === 0) return null;
  const title = 'Waiting for a lock, of those there';
  return { id: 'waiting', title, lines, ...shares(mostOf(lines)), isBad: false };
}

function driftChart({ drift }: Recording, bins: readonly Bin[]): Chart | null {
  if (drift.rows.every((rows) => rows === null || rows === 0)) return null;
  const values = bins.map(({ from, until }) => valueAt(drift.at, drift.rows, Math.max(from, until - 1)) ?? null);
  const lines: Line[] = [{ label: 'drifted rows', look: { colour: '--ink', dash: [] }, values }];
  const most = mostOf(lines);
  const ticks = most > 20 ? [0, 10, most] : [0, most];
  const title = 'Drifted, on a scale that shows a few';
  return { id: 'drift', title, lines, most, ticks, isShare: false, isBad: false, isBent: true };
}

function backfillChart(recording: Recording, bins: readonly Bin[]): Chart | null {
  if (recording.backfills.length === 0) return null;
  const lines = recording.backfills.map((backfill, n): Line => ({
    label: backfill.step,
    look: lookOf(n, '--new'),
    values: bins.map(({ from, until }) => backfillShare(recording, backfill, Math.max(from, until - 1))),
  }));
  return { id: 'backfill', title: 'Backfill done', lines, ...shares(1), isBad: false };
}

export function chartsOf(recording: Recording, bins: readonly Bin[]): readonly Chart[] {
  const asked = recording.versions.map((version) => ({
    name: version.name,
    counts: bins.map(({ from, until }) => countsIn(recording, version, from, until)),
  }));
  const charts = [
    rightChart(asked, bins),
    troubleChart(asked),
    driftChart(recording, bins),
    waitingChart(asked),
    backfillChart(recording, bins),
  ];
  return charts.filter((chart) => chart !== null);
}

/** What has no chart, because there was none of it. */
export function absentOf({ totals, drift }: Recording): string | null {
  const none = [
    ...(totals.wrong === 0 ? ['wrong answer'] : []),
    ...(totals.failed === 0 ? ['failed request'] : []),
    ...(totals.waited === 0 ? ['wait for a lock'] : []),
    ...(drift.looked > 0 && drift.rows.every((rows) => rows === null || rows === 0) ? ['drifted row'] : []),
  ];
  if (none.length === 0 || totals.ran === 0) return null;
  return `Not drawn, for there was none: ${none.join(', ')}.`;
}

export function scaleText({ isShare }: Chart, value: number): string {
  return isShare ? percent(value) : number(value);
}

export function driftLegend({ drift }: Recording): string {
  return `Drifted: of ${count(drift.looked, 'read')}, what the next version to read would read otherwise than the app without the migration.`;
}
