/** The figures of a recording, a row for each version at each step. Choosing a step moves the scrubber there. */
import { useMemo, useState } from 'preact/hooks';
import type { Recording } from '../../simulator/report/recording.ts';
import { figuresOf, firstBinOf, type Counts, type Figures, type Segment } from '../model/traffic.ts';
import { clock, segmentName, span } from '../model/traffic-words.ts';
import { number } from '../model/words.ts';
import { Mark } from './marks.tsx';
import type { Scrubbing } from './traffic-recording.tsx';

const nothing: Figures = { versions: [], drift: undefined, backfills: [] };
const results = { done: null, failed: 'failed', cut: 'cut short' } as const;

export function TrafficTable({
  recording,
  scrubbing,
}: {
  readonly recording: Recording;
  readonly scrubbing: Scrubbing;
}) {
  const { segments, bins, bin, scrub } = scrubbing;
  const here = bins[bin]?.segment ?? 0;
  const [focused, setFocused] = useState<number | null>(null);
  const figures = useMemo(
    () => segments.map(({ from, until }) => figuresOf(recording, from, until)),
    [recording, segments],
  );
  const stop = focused ?? here;
  /** One tab stop: arrows go from step to step. */
  const move = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void => {
    const last = segments.length - 1;
    const to = { ArrowDown: Math.min(last, stop + 1), ArrowUp: Math.max(0, stop - 1), Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey) return;
    event.preventDefault();
    event.currentTarget.querySelector<HTMLElement>(`[data-segment="${to}"]`)?.focus();
  };
  return (
    <section aria-labelledby="traffic-steps">
      <h4 class="tool-heading" id="traffic-steps">
        Step by step
      </h4>
      <div class="tool-scroll">
        <table class="tool-table traffic-table" onKeyDown={move}>
          <caption class="hidden">
            Requests that were run at each step, by version. Of a step’s name, Enter moves the playhead there.
          </caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Version</th>
              <th scope="col">Right</th>
              <th scope="col">Wrong</th>
              <th scope="col">Failed</th>
              <th scope="col">Waiting</th>
              <th scope="col">Drifted</th>
              <th scope="col">Copied</th>
            </tr>
          </thead>
          {segments.map((segment, n) => (
            <Rows
              key={segment.index}
              segment={segment}
              figures={figures[n] ?? nothing}
              isHere={segment.index === here}
              isStop={segment.index === stop}
              choose={() => scrub(firstBinOf(bins, segment.index))}
              focused={() => setFocused(segment.index)}
            />
          ))}
        </table>
      </div>
    </section>
  );
}

function Rows(props: {
  readonly segment: Segment;
  readonly figures: Figures;
  readonly isHere: boolean;
  readonly isStop: boolean;
  readonly choose: () => void;
  readonly focused: () => void;
}) {
  const { segment, figures, isHere, isStop, choose, focused } = props;
  const { step } = segment;
  const versions: readonly { readonly name: string; readonly counts: Counts | null }[] =
    figures.versions.length === 0 ? [{ name: 'nobody', counts: null }] : figures.versions;
  const result = step === null ? null : results[step.result];
  return (
    <tbody class={isHere ? 'traffic-row-here' : ''} aria-current={isHere ? 'step' : undefined}>
      {versions.map(({ name, counts }, n) => (
        <tr key={name}>
          {n > 0 ? null : (
            <th scope="rowgroup" rowSpan={versions.length}>
              <button
                type="button"
                class="traffic-step-button"
                data-segment={segment.index}
                tabIndex={isStop ? 0 : -1}
                onClick={choose}
                onFocus={focused}
              >
                {step === null ? null : <span class="tool-figure">{segment.index}</span>} {segmentName(segment)}
              </button>
              {step === null ? null : (
                <span class="traffic-when">
                  at {clock(step.from)}
                  {step.to > step.from ? `, for ${span(step.to - step.from)}` : ''}
                </span>
              )}
              {result === null ? null : (
                <span class="traffic-result">
                  <Mark name="broken" /> {result}
                  {step?.note == null ? '' : `: ${step.note}`}
                </span>
              )}
            </th>
          )}
          <th scope="row">{name}</th>
          <Cell amount={counts?.ok ?? null} />
          <Cell amount={counts?.wrong ?? null} isBad />
          <Cell amount={counts?.failed ?? null} isBad />
          <Cell amount={counts?.waiting ?? null} />
          {n > 0 ? null : (
            <>
              <Cell amount={figures.drift ?? null} rows={versions.length} />
              <Cell amount={copied(figures)} rows={versions.length} />
            </>
          )}
        </tr>
      ))}
    </tbody>
  );
}

function copied({ backfills }: Figures): number | null {
  return backfills.length === 0 ? null : backfills.reduce((sum, { touched }) => sum + touched, 0);
}

/** What there is none of is quiet, so that the rest is seen. */
function Cell({
  amount,
  isBad = false,
  rows = 1,
}: {
  readonly amount: number | null;
  readonly isBad?: boolean;
  readonly rows?: number;
}) {
  const isLoud = isBad && amount !== null && amount > 0;
  return (
    <td class={isLoud ? 'tool-figure traffic-bad' : 'tool-figure'} rowSpan={rows}>
      {isLoud ? <Mark name="broken" size={10} /> : null} {amount === null ? '–' : number(amount)}
    </td>
  );
}
