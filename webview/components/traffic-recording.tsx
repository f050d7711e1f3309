/** A recording of traffic: what was seen, the charts with their scrubber, and the same figures as a table and in words. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Recording } from '../../simulator/report/recording.ts';
import type { Store } from '../store.ts';
import { binsOf, figuresOf, firstBinOf, segmentsOf, type Bin, type Segment } from '../model/traffic.ts';
import {
  countsText,
  driftText,
  exampleText,
  clock,
  percent,
  segmentName,
  totalsText,
  verdictOf,
  whenIn,
} from '../model/traffic-words.ts';
import { answered } from '../model/traffic.ts';
import { number } from '../model/words.ts';
import { Mark } from './marks.tsx';
import { TrafficCharts } from './traffic-charts.tsx';
import { TrafficTable } from './traffic-table.tsx';

/** The step that the playhead stands in, as a segment of the recording: 0 before the first. */
function segmentHere(store: Store, segments: readonly Segment[]): number {
  const step = store.moment.value?.step ?? null;
  if (step === null) return 0;
  const named = segments.findIndex((segment) => segment.step?.name === step.name);
  return named < 0 ? Math.min(segments.length - 1, step.index + 1) : named;
}

/** The first moment of a segment's step in the history that is played; null where it does not come that far. */
function momentOfSegment(store: Store, segment: Segment): number | null {
  const moments = store.history.value?.moments ?? [];
  const found = moments.findIndex(({ step }) => (step?.name ?? null) === (segment.step?.name ?? null));
  return found < 0 ? null : found;
}

export interface Scrubbing {
  readonly segments: readonly Segment[];
  readonly bins: readonly Bin[];
  readonly bin: number;
  readonly scrub: (bin: number) => void;
}

/** The scrubber's place. It follows the playhead from step to step, and takes it along. */
function useScrubber(store: Store, recording: Recording): Scrubbing {
  const segments = useMemo(() => segmentsOf(recording), [recording]);
  const bins = useMemo(() => binsOf(segments), [segments]);
  const here = segmentHere(store, segments);
  const [bin, setBin] = useState(() => firstBinOf(bins, here));
  useEffect(() => {
    setBin((now) => (bins[now]?.segment === here ? now : firstBinOf(bins, here)));
  }, [here, bins]);
  const scrub = (next: number): void => {
    const segment = segments[bins[next]?.segment ?? -1];
    if (segment === undefined) return;
    setBin(next);
    const moment = segment.index === segmentHere(store, segments) ? null : momentOfSegment(store, segment);
    if (moment !== null) store.goToMoment(moment);
  };
  return { segments, bins, bin: Math.min(bin, bins.length - 1), scrub };
}

export function TrafficRecording(props: {
  readonly store: Store;
  readonly recording: Recording;
  readonly action: ComponentChildren;
}) {
  const { store, recording, action } = props;
  const scrubbing = useScrubber(store, recording);
  const verdict = verdictOf(recording);
  const mark = { right: 'held', wrong: 'broken', cut: 'unproven' } as const;
  return (
    <>
      <header class="tool-head">
        <h3 class={`tool-title traffic-${verdict.kind}`}>
          <Mark name={mark[verdict.kind]} size={14} /> <span>{capital(verdict.text)}</span>
        </h3>
        {action}
      </header>
      <p class="tool-lead">
        {totalsText(recording)} <span class="soft">A sample, never a proof.</span>
      </p>
      {recording.seconds.length === 0 ? (
        <p>No request was run: there is nothing to draw.</p>
      ) : (
        <>
          <TrafficCharts recording={recording} scrubbing={scrubbing} readout={readoutOf(recording)} />
          <Here store={store} recording={recording} scrubbing={scrubbing} />
        </>
      )}
      <Examples recording={recording} />
      <TrafficTable recording={recording} scrubbing={scrubbing} />
      <Assumed recording={recording} />
    </>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What is shown beside the pointer: a line for each thing known. */
function readoutOf(recording: Recording) {
  return (segment: Segment, bin: Bin): readonly string[] => {
    const figures = figuresOf(recording, bin.from, bin.until);
    const drift = driftText(figures.drift, recording.drift.looked);
    return [
      `${segment.step === null ? '' : `${segment.index} `}${segmentName(segment)}, ${whenIn(segment, bin)}`,
      ...figures.versions.map(({ name, counts }) => countsText(name, counts)),
      ...(drift === null ? [] : [drift]),
      ...figures.backfills.map(({ step, share }) => `${step}: ${percent(share)}`),
    ];
  };
}

/** The figures at the scrubber. */
function Here(props: { readonly store: Store; readonly recording: Recording; readonly scrubbing: Scrubbing }) {
  const { store, recording, scrubbing } = props;
  const bin = scrubbing.bins[scrubbing.bin];
  const segment = bin === undefined ? undefined : scrubbing.segments[bin.segment];
  if (bin === undefined || segment === undefined) return null;
  const figures = figuresOf(recording, bin.from, bin.until);
  const drift = driftText(figures.drift, recording.drift.looked);
  const isReached = store.history.value === null || momentOfSegment(store, segment) !== null;
  return (
    <div class="traffic-here">
      <p class="traffic-where">
        <strong>
          {segment.step === null ? null : `${segment.index} `}
          {segmentName(segment)}
        </strong>{' '}
        <span>
          {whenIn(segment, bin)} ({clock(bin.from)})
        </span>
      </p>
      <dl class="tool-facts">
        {figures.versions.map(({ name, counts }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{countsText(name, counts).slice(name.length + 2)}</dd>
          </div>
        ))}
        {drift === null ? null : (
          <div>
            <dt>Drift</dt>
            <dd>{drift}</dd>
          </div>
        )}
        {figures.backfills.map(({ step, touched, share }) => (
          <div key={step}>
            <dt>{step}</dt>
            <dd>
              {percent(share)}, {number(touched)} rows written
            </dd>
          </div>
        ))}
      </dl>
      {figures.versions.every(({ counts }) => answered(counts) === 0) ? (
        <p class="soft">No request was run in this stretch.</p>
      ) : null}
      {isReached ? null : (
        <p class="soft">The history that is played ends before this step; the playhead stays where it is.</p>
      )}
    </div>
  );
}

function Examples({ recording: { examples } }: { readonly recording: Recording }) {
  if (examples.length === 0) return null;
  return (
    <section aria-labelledby="traffic-examples">
      <h4 class="tool-heading" id="traffic-examples">
        Seen first
      </h4>
      {examples.map((example, n) => (
        <details key={n} class="traffic-example" open={n === 0}>
          <summary>
            <Mark name="broken" />
            <span class="traffic-example-kind">{example.kind}</span> <code>{exampleText(example)}</code>{' '}
            <span class="soft">
              {example.step === null ? 'before the first step' : example.step}, {clock(example.second)}
            </span>
          </summary>
          <dl class="tool-facts traffic-answers">
            <dt>Expected</dt>
            <dd>
              <code>{example.expected}</code>
            </dd>
            <dt>Answered</dt>
            <dd>
              <code class="tool-bad">{example.actual}</code>
            </dd>
          </dl>
        </details>
      ))}
    </section>
  );
}

function Assumed({ recording }: { readonly recording: Recording }) {
  const { assumptions, leftOut, tables, traffic, seed } = recording;
  return (
    <details class="tool-more">
      <summary>What was assumed, and what was left out</summary>
      <h5 class="tool-heading">Assumed</h5>
      <ul>
        {tables.map(({ name, rows, made, production, stated }) => (
          <li key={name}>
            {name}: {number(rows)} rows, made {made}, stand for {number(production)}
            {stated ? '' : ' (assumed)'}
          </li>
        ))}
        {traffic.map(({ request, perSecond, stated, ran, refused }) => (
          <li key={request}>
            {request}: {Number(perSecond.toPrecision(3))} a second{stated ? '' : ' (assumed)'}; run {number(ran)} times
            {ran === refused ? ', refused every time: nothing was shown of it' : ''}
          </li>
        ))}
        {assumptions.map((each) => (
          <li key={each}>{each}</li>
        ))}
        <li>The run is made from seed {seed}, and can be repeated.</li>
      </ul>
      <h5 class="tool-heading">Left out</h5>
      <ul>
        {leftOut.map(({ what, why }) => (
          <li key={what}>
            {what}: {why}
          </li>
        ))}
      </ul>
    </details>
  );
}
