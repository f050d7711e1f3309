/** The playhead: back and forward by event, by step and to the next finding, and where it stands in words. */
import { useComputed } from '@preact/signals';
import type { Moment } from '../../simulator/player/model.ts';
import { moveByEvent, moveByFinding, moveByStep, type Direction } from '../moves.ts';
import type { Store } from '../store.ts';

type Move = (store: Store, direction: Direction) => void;

/** Two triangles are a step, one is an event. */
const icons = {
  'previous-step': 'M8 3 3 8 8 13ZM13 3 8 8 13 13Z',
  'previous-event': 'M10.5 3 5.5 8 10.5 13Z',
  'next-event': 'M5.5 3 10.5 8 5.5 13Z',
  'next-step': 'M3 3 8 8 3 13ZM8 3 13 8 8 13Z',
} as const;

export function PlayheadBar({ store }: { readonly store: Store }) {
  return (
    <div class="bar" role="group" aria-label="Playhead">
      <div class="bar-buttons">
        <MoveButton store={store} icon="previous-step" name="Previous step" hint="Ctrl+←" move={moveByStep} />
        <MoveButton store={store} icon="previous-event" name="Previous event" hint="←" move={moveByEvent} />
        <MoveButton store={store} icon="next-event" name="Next event" hint="→" move={moveByEvent} />
        <MoveButton store={store} icon="next-step" name="Next step" hint="Ctrl+→" move={moveByStep} />
      </div>
      <Slider store={store} />
      <button type="button" class="button" title="Next finding (n)" onClick={() => moveByFinding(store, 'next')}>
        Next finding
      </button>
      <Where store={store} />
    </div>
  );
}

interface MoveButtonProps {
  readonly store: Store;
  readonly icon: keyof typeof icons;
  readonly name: string;
  readonly hint: string;
  readonly move: Move;
}

function MoveButton({ store, icon, name, hint, move }: MoveButtonProps) {
  const direction: Direction = icon.startsWith('next') ? 'next' : 'previous';
  return (
    <button
      type="button"
      class="button icon"
      aria-label={name}
      title={`${name} (${hint})`}
      onClick={() => move(store, direction)}
    >
      <svg class="mark" width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
        <path class="mark-fill" d={icons[icon]} />
      </svg>
    </button>
  );
}

function Slider({ store }: { readonly store: Store }) {
  const last = (store.history.value?.moments.length ?? 1) - 1;
  const { moment } = store.playhead.value;
  return (
    <div class="bar-slider">
      <input
        type="range"
        data-playhead
        aria-label="Event"
        min={0}
        max={last}
        value={moment}
        aria-valuetext={`event ${moment} of ${last}: ${store.history.value?.moments[moment]?.title ?? 'start'}`}
        onInput={(event) => store.goToMoment(Number(event.currentTarget.value))}
      />
      <Shown store={store} last={last} />
    </div>
  );
}

/** Where findings show, over the slider. */
function Shown({ store, last }: { readonly store: Store; readonly last: number }) {
  const shown = useComputed(() =>
    (store.history.value?.moments ?? []).flatMap((moment, index) => (moment.shown === null ? [] : [index])),
  );
  return (
    <div class="bar-shown" aria-hidden="true">
      {shown.value.map((index) => (
        <span key={index} style={{ insetInlineStart: `${last === 0 ? 0 : (100 * index) / last}%` }} />
      ))}
    </div>
  );
}

function Where({ store }: { readonly store: Store }) {
  const { moment: index, probe } = store.playhead.value;
  const last = (store.history.value?.moments.length ?? 1) - 1;
  const moment = store.history.value?.moments[index] ?? null;
  return (
    <p class="bar-where">
      <span class="bar-number">
        <span class="soft">Event </span>
        {index} <span class="soft">of {last}</span>
      </span>
      <span>
        <span class="soft">at </span>
        {moment === null ? '' : moment.position}
        {probe === null ? null : ', tried here'}
      </span>
      <Live moment={moment} />
    </p>
  );
}

function Live({ moment }: { readonly moment: Moment | null }) {
  if (moment === null) return null;
  if (moment.live.length === 0) return <span class="soft">no version is live</span>;
  return (
    <span class="bar-live">
      <span class="soft">live</span>
      {moment.live.map((version) => (
        <span key={version} class="chip">
          {version}
        </span>
      ))}
    </span>
  );
}
