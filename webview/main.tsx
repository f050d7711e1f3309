/** The stage's page: connects to its host, and shows what it is told. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './components/app.tsx';
import { connect } from './host.ts';
import { moveByEvent, moveByFinding, moveByStep } from './moves.ts';
import type { PageCalls } from './protocol.ts';
import { Store } from './store.ts';
import './style/tokens.css';
import './style/stage.css';

performance.mark('stage:start');

/** How long an answer to `ready` is waited for before it is asked for again: a host may not listen yet. */
const patience = 1000;

const page: PageCalls = {
  show: (parts) => store.show(parts),
  moved: (playhead, answering) => store.moved(playhead, answering),
  perform: (command) => perform(command),
};
const { host, memory } = connect(page);
const store = new Store(host, memory);

function perform(command: Parameters<PageCalls['perform']>[0]): void {
  switch (command) {
    case 'next-event':
      return moveByEvent(store, 'next');
    case 'previous-event':
      return moveByEvent(store, 'previous');
    case 'next-step':
      return moveByStep(store, 'next');
    case 'previous-step':
      return moveByStep(store, 'previous');
    case 'next-finding':
      return moveByFinding(store, 'next');
    case 'export':
      if (store.ready.value !== null) store.open.value = 'export';
      return;
  }
}

let isAnswered = false;

function askUntilAnswered(): void {
  if (isAnswered) return;
  void ask();
  setTimeout(askUntilAnswered, patience);
}

async function ask(): Promise<void> {
  const stage = await host.ready();
  // Of several answers the first is enough: what has changed since was sent since.
  if (!isAnswered) store.show(stage);
  isAnswered = true;
}

const root = document.getElementById('stage');
if (root !== null) render(<App store={store} />, root);
askUntilAnswered();

/** Measured: how long somebody with a report in hand looks at an empty page. */
const stopMeasuring = effect(() => {
  if (store.report.value === null) return;
  requestAnimationFrame(() => performance.mark('stage:report'));
  queueMicrotask(() => stopMeasuring());
});
