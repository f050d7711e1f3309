/** Simulated traffic in words: times, amounts, and what was seen. */
import type { Example, Recording } from '../../simulator/report/recording.ts';
import { answered, type Bin, type Counts, type Figures, type Segment } from './traffic.ts';
import { count, number } from './words.ts';

/** `0.3 %`; what is not quite nothing, or all, is not said to be. */
export function percent(share: number): string {
  const parts = share * 100;
  if (parts > 0 && parts < 0.1) return '< 0.1 %';
  if (parts > 99.9 && parts < 100) return '> 99.9 %';
  return `${parts >= 10 || parts === 0 ? Math.round(parts * 10) / 10 : Number(parts.toPrecision(2))} %`;
}

/** `2 d 19:10:29`. */
export function clock(second: number): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const days = Math.floor(second / 86_400);
  const time = `${two((second % 86_400) / 3600)}:${two((second % 3600) / 60)}:${two(second % 60)}`;
  return days === 0 ? time : `${days} d ${time}`;
}

/** `7 d`, `1 h 50 min`, `1 s`: the two largest units. */
export function span(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const parts: string[] = [];
  let left = Math.floor(seconds);
  for (const [unit, size] of units) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0 && parts.length < 2) parts.push(`${amount} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

export function segmentName({ step }: Segment): string {
  return step === null ? 'before the first step' : step.name;
}

/** When a stretch is, seen from its step: `while it runs, 2 min 5 s after it began`. */
export function whenIn(segment: Segment, { from, isRunning }: Bin): string {
  if (segment.step === null) return `${span(from)} after the start`;
  const after = from === segment.from ? 'as it begins' : `${span(from - segment.from)} after it began`;
  return isRunning ? `${after}, still running` : after;
}

const troubles = ['wrong', 'failed', 'unjudged'] as const;

/** `v3: 5,554 right, 12 wrong (0.2 %)`. */
export function countsText(name: string, counts: Counts): string {
  const all = answered(counts);
  const parts = [
    ...(all > 0 ? [`${number(counts.ok)} right`] : []),
    ...troubles
      .filter((kind) => counts[kind] > 0)
      .map(
        (kind) =>
          `${number(counts[kind])} ${kind === 'unjudged' ? 'not judged' : kind} (${percent(counts[kind] / all)})`,
      ),
    ...(counts.waiting > 0 ? [`${number(counts.waiting)} waiting for a lock`] : []),
  ];
  return `${name}: ${parts.join(', ')}`;
}

export function driftText(drift: Figures['drift'], looked: number): string | null {
  if (drift === undefined) return null;
  if (drift === null) return 'no read could be asked on this schema';
  return `${number(drift)} of ${count(looked, 'read')} drifted`;
}

/** All that is known at a stretch, as one sentence for a screen reader. */
export function figuresText(recording: Recording, segment: Segment, bin: Bin, figures: Figures): string {
  const drift = driftText(figures.drift, recording.drift.looked);
  const parts = [
    `${segmentName(segment)}, ${whenIn(segment, bin)}`,
    ...(figures.versions.length === 0 ? ['no request'] : figures.versions.map((v) => countsText(v.name, v.counts))),
    ...(drift === null ? [] : [drift]),
    ...figures.backfills.map(({ step, share }) => `${step} at ${percent(share)}`),
  ];
  return `${parts.join('; ')}.`;
}

/** What is seen at once: was anything wrong, and how bad. */
export interface Verdict {
  readonly kind: 'right' | 'wrong' | 'cut';
  readonly text: string;
}

export function verdictOf({ totals, steps, cut }: Recording): Verdict {
  const stopped = steps.find(({ result }) => result === 'failed');
  const parts = [
    ...(totals.wrong > 0 ? [count(totals.wrong, 'wrong answer')] : []),
    ...(totals.failed > 0 ? [count(totals.failed, 'failed request')] : []),
    ...(stopped === undefined ? [] : [`the plan stops at ${stopped.name}`]),
  ];
  if (parts.length > 0) return { kind: 'wrong', text: parts.join(', ') };
  if (cut !== null) return { kind: 'cut', text: `cut short: ${cut}` };
  if (totals.ran === 0) return { kind: 'cut', text: 'no request was run' };
  return { kind: 'right', text: 'nothing wrong seen' };
}

export function totalsText({ totals, duration, versions, cut }: Recording): string {
  const asked = versions.map(({ name }) => name).join(', ');
  const parts = [
    `${number(totals.ran)} of ${count(totals.arrived, 'request')} in ${span(duration)} were run, sent to ${asked}`,
    `${number(totals.ok)} were answered rightly, ${number(totals.wrong)} wrongly, ${number(totals.failed)} failed`,
    `${number(totals.waited)} waited for a lock`,
    ...(totals.unjudged > 0 ? [`${number(totals.unjudged)} could not be judged`] : []),
    ...(cut === null ? [] : [`the run was cut short: ${cut}`]),
  ];
  return `${parts.join('; ')}.`;
}

export function exampleText({ version, request, params }: Example): string {
  const given = Object.entries(params).map(([name, value]) => `${name}: ${value === null ? 'NULL' : value}`);
  return `${version} ${request}(${given.join(', ')})`;
}
