/** A recording for people: what was seen, the series drawn over the steps, and the first answers that were wrong. */
import { painter, type Ink, type Paint } from './paint.ts';
import type { Example, RecordedStep, Recording, VersionSeries } from './recording.ts';
import { axisOf, bar, boundaries, sumIn, valueAt, type Axis } from './sparkline.ts';
import { clip, columns, count, duration, hang, number, pad, padStart, value, visible } from './words.ts';

export interface SimulationTextOptions {
  readonly colour: boolean;
  readonly width: number;
  /** How long the run took; null leaves it out, as it differs from run to run. */
  readonly elapsedMs: number | null;
}

/** `nothing`: nothing wrong was seen. `cut`: it ended before its time, or no request was run at all. */
export type Seen = 'nothing' | 'wrong' | 'cut';

export function seenIn(recording: Recording): Seen {
  const { failed, wrong, ran } = recording.totals;
  if (failed + wrong > 0 || recording.steps.some((s) => s.result === 'failed')) return 'wrong';
  return recording.cut !== null || ran === 0 ? 'cut' : 'nothing';
}

const narrowest = 60;
const widest = 120;
const label = 20;

export function renderSimulation(recording: Recording, options: SimulationTextOptions): string {
  const paint = painter(options.colour);
  const width = Math.min(widest, Math.max(narrowest, options.width));
  const sections = [
    head(recording, paint, width),
    sampled(recording, options.elapsedMs, paint, width),
    ...(recording.seconds.length > 0 ? [picture(recording, paint, width)] : []),
    ...(recording.steps.length > 0 ? [stepLines(recording, paint, width)] : []),
    ...recording.examples.map((example) => exampleLines(example, paint, width)),
  ];
  return `${sections.map((lines) => lines.join('\n').trimEnd()).join('\n\n')}\n`;
}

function head(recording: Recording, paint: Paint, width: number): string[] {
  const looks: Readonly<Record<Seen, { glyph: string; ink: Ink }>> = {
    nothing: { glyph: '✓', ink: 'green' },
    wrong: { glyph: '✗', ink: 'red' },
    cut: { glyph: '?', ink: 'yellow' },
  };
  const { glyph, ink } = looks[seenIn(recording)];
  return [
    paint(`${glyph} ${verdict(recording)}`, ink, 'bold'),
    ...(recording.title === '' ? [] : hang('  ', recording.title, width)),
    `  ${paint(visible(recording.file), 'cyan')}`,
  ];
}

function verdict({ totals, steps, cut }: Recording): string {
  const stopped = steps.find((s) => s.result === 'failed');
  const parts = [
    ...(totals.failed > 0 ? [count(totals.failed, 'failed request')] : []),
    ...(totals.wrong > 0 ? [count(totals.wrong, 'wrong answer')] : []),
    ...(stopped === undefined ? [] : [`the plan stops at ${visible(stopped.name)}`]),
    ...(cut === null ? [] : [`cut short: ${visible(cut)}`]),
    ...(cut === null && totals.ran === 0 ? ['no request was run'] : []),
  ];
  return parts.length === 0 ? 'nothing wrong seen' : parts.join(', ');
}

function sampled(recording: Recording, elapsedMs: number | null, paint: Paint, width: number): string[] {
  const { totals, seed, assumptions, leftOut } = recording;
  const time = elapsedMs === null ? '' : `, run in ${duration(elapsedMs)}`;
  const ran = `${number(totals.ran)} of ${count(totals.arrived, 'request')} in ${span(recording.duration)}${time}`;
  const line = (name: string, text: string): string[] => (text === '' ? [] : labelled(name, text, width, paint));
  return [
    paint('Traffic', 'bold'),
    ...line('ran', `${ran}. This is a sample, never a proof: \`rehearse\` goes through every history`),
    ...line('seed', String(seed)),
    ...line('tables', recording.tables.map(tableText).join('; ')),
    ...line('rates', rates(recording)),
    ...line('assumed', assumptions.join('; ')),
    ...line('left out', leftOut.map(({ what, why }) => `${what}: ${why}`).join('; ')),
    ...line('no use', vain(recording)),
    ...line('not judged', totals.unjudged === 0 ? '' : count(totals.unjudged, 'answer')),
  ];
}

/** Requests of which the run says nothing, since the first version never got to answer one. */
function vain({ traffic }: Recording): string {
  return traffic
    .filter(({ ran, refused }) => ran === refused)
    .map(({ request, ran }) => `${request} was ${ran === 0 ? 'never run' : 'refused every time'}`)
    .join('; ');
}

function tableText({ name, rows, made, production, stated }: Recording['tables'][number]): string {
  return `${name}: ${count(rows, 'row')}, made ${made}, for ${number(production)}${stated ? '' : ' (assumed)'}`;
}

/** Of each request, by its kind: `get_user 3,000/s`. */
function rates({ traffic }: Recording): string {
  const each = traffic.map(({ request, perSecond }) => `${request} ${rate(perSecond)}/s`);
  return each.join(', ');
}

function rate(perSecond: number): string {
  return perSecond >= 10 ? number(perSecond) : String(Number(perSecond.toPrecision(2)));
}

function labelled(name: string, text: string, width: number, paint: Paint): string[] {
  const margin = `  ${pad(name, 10)} `;
  return hang(margin, text, width).map((line) =>
    line.startsWith(margin) ? paint(margin, 'dim') + line.slice(margin.length) : line,
  );
}

function picture(recording: Recording, paint: Paint, width: number): string[] {
  const axis = axisOf(recording, width - label);
  const room = axis.columns.length;
  const row = (name: string, marks: string, ink?: Ink): string => {
    const shown = clip(marks.padEnd(room), width - label).trimEnd();
    return `  ${pad(clip(name, label - 3), label - 2)}${ink === undefined ? shown : paint(shown, ink)}`.trimEnd();
  };
  return [
    paint('Answers', 'bold'),
    ...recording.versions.flatMap((version) => versionRows(recording, version, axis, row)),
    ...driftRow(recording, axis, row),
    ...recording.backfills.map((backfill) => row(visible(backfill.step), backfillMarks(recording, backfill, axis))),
    row('', clip(boundaries(recording.steps, axis.perStep), width - label)),
    ...hang('  ', legend(recording), width).map((line) => paint(line, 'dim')),
  ];
}

type Row = (name: string, marks: string, ink?: Ink) => string;

const troubles = ['failed', 'wrong', 'waiting', 'unjudged'] as const;
const inks: Readonly<Record<(typeof troubles)[number], Ink>> = {
  failed: 'red',
  wrong: 'red',
  waiting: 'yellow',
  unjudged: 'dim',
};

/** Answers that are right as a share of all traffic, so that a rollout is seen; others as a share of the version's own. */
function versionRows(recording: Recording, version: VersionSeries, axis: Axis, row: Row): string[] {
  const total = (v: VersionSeries, column: Axis['columns'][number]): number =>
    (['ok', 'failed', 'wrong', 'unjudged'] as const).reduce((n, kind) => n + sumIn(v[kind], v.first, column), 0);
  const own = axis.columns.map((column) => total(version, column));
  if (own.every((n) => n === 0)) return [];
  const all = axis.columns.map((column) => recording.versions.reduce((n, v) => n + total(v, column), 0));
  const name = visible(version.name);
  const right = axis.columns.map((column, i) => {
    const sum = sumIn(version.ok, version.first, column);
    return (own[i] ?? 0) === 0 ? ' ' : sum === 0 ? '·' : bar(sum / Math.max(1, all[i] ?? 0));
  });
  const rows = [row(`${name} ok`, right.join(''), 'green')];
  for (const kind of troubles) {
    if (version[kind].every((n) => n === 0)) continue;
    const marks = axis.columns.map((column, i) => {
      const sum = sumIn(version[kind], version.first, column);
      return sum > 0 ? bar(sum / Math.max(1, own[i] ?? 0)) : (own[i] ?? 0) === 0 ? ' ' : '·';
    });
    rows.push(row(`${name} ${kind}`, marks.join(''), inks[kind]));
  }
  return rows;
}

function driftRow({ drift }: Recording, axis: Axis, row: Row): string[] {
  if (drift.looked === 0) return [];
  const most = Math.max(1, ...drift.rows.map((n) => n ?? 0));
  const marks = axis.columns.map(({ until }) => {
    const rows = valueAt(drift.at, drift.rows, until);
    return rows === undefined ? ' ' : rows === null ? '?' : rows === 0 ? '·' : bar(rows / most);
  });
  return [row('drifted', marks.join(''), 'yellow')];
}

/** Of what it wrote in all; of the rows that there were, where it did not come to its end. */
function backfillMarks(
  { steps }: Recording,
  { step, rows, at, touched }: Recording['backfills'][number],
  axis: Axis,
): string {
  const isDone = steps.some((s) => s.name === step && s.result === 'done');
  const end = Math.max(1, touched.at(-1) ?? 0, isDone ? 0 : rows);
  const marks = axis.columns.map(({ until }) => {
    const done = valueAt(at, touched, until);
    return done === undefined ? ' ' : bar(done / end);
  });
  return marks.join('');
}

function legend({ drift, versions, totals }: Recording): string {
  const none = troubles.filter((kind) => kind !== 'unjudged' && versions.every((v) => v[kind].every((n) => n === 0)));
  const most = Math.max(0, ...drift.rows.map((n) => n ?? 0));
  return [
    'each step has the same width, however long it took',
    '`ok` is a share of all traffic, the others of the version’s own',
    ...(none.length > 0 && totals.ran > 0 ? [`${none.join(', ')}: none`] : []),
    ...(drift.looked > 0
      ? [
          `drifted: of ${number(drift.looked)} reads, what the next version to read would read otherwise; ${number(most)} at most`,
        ]
      : []),
  ].join('; ');
}

const results: Readonly<Record<RecordedStep['result'], string>> = { done: '', failed: '✗ ', cut: '? ' };

function stepLines({ steps }: Recording, paint: Paint, width: number): string[] {
  const nameWidth = Math.min(30, Math.max(...steps.map((s) => columns(visible(s.name)))));
  const lines = steps.flatMap((step, i) => {
    const name = pad(clip(visible(step.name), nameWidth), nameWidth);
    const took = step.to > step.from ? ` for ${span(step.to - step.from)}` : '';
    const start = `  ${padStart(String(i + 1), 2)}  ${name}  ${pad(step.kind, 8)}  at ${clock(step.from)}${took}`;
    if (step.note === null) return [start];
    const note = `${results[step.result]}${visible(step.note)}`;
    if (columns(start) + 2 + columns(note) <= width && step.result === 'done') return [`${start}  ${note}`];
    const notes = hang('      ', note, width);
    return [start, ...(step.result === 'failed' ? notes.map((line) => paint(line, 'red')) : notes)];
  });
  return [paint('Steps', 'bold'), ...lines];
}

function exampleLines(example: Example, paint: Paint, width: number): string[] {
  const given = Object.entries(example.params).map(([name, text]) => `${name}: ${value(text)}`);
  const what = `${example.version} ${example.request}(${given.join(', ')})`;
  const where = example.step === null ? 'before the first step' : `after ${example.step} began`;
  return [
    paint(`✗ ${example.kind}: ${visible(what)}`, 'red', 'bold'),
    ...hang('  ', `${where}, at ${clock(example.second)}`, width),
    ...hang('  expected  ', example.expected, width),
    ...hang('  actual    ', example.actual, width),
  ];
}

/** `2 d 19:10:29`. */
function clock(second: number): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const days = Math.floor(second / 86_400);
  const time = `${two((second % 86_400) / 3600)}:${two((second % 3600) / 60)}:${two(second % 60)}`;
  return days === 0 ? time : `${days} d ${time}`;
}

/** `7 d`, `1 h 50 min`, `1 s`: the two largest units. */
function span(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const parts: string[] = [];
  let left = seconds;
  for (const [unit, size] of units) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0 && parts.length < 2) parts.push(`${amount} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}
