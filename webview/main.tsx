/** The stage's page: connects to its host, and shows what it is told. */
import { render } from 'preact';
import { connect } from './host.ts';
import type { PageCalls } from './protocol.ts';
import { App } from './components/app.tsx';
import { Store } from './store.ts';
import './style/tokens.css';
import './style/stage.css';

const page: PageCalls = {
  show: (parts) => store.show(parts),
  moved: (playhead, answering) => store.moved(playhead, answering),
  perform: () => {},
};
const { host, memory } = connect(page);
const store = new Store(host, memory);
const root = document.getElementById('stage');
if (root !== null) render(<App store={store} />, root);
void host.ready().then((stage) => store.show(stage));
