/** The whole stage: what is in it, and in which order. */
import { useEffect } from 'preact/hooks';
import { runKey } from '../keys.ts';
import { sentenceAt } from '../model/sentence.ts';
import type { Store } from '../store.ts';
import { Chooser } from './chooser.tsx';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { Matrix } from './matrix.tsx';
import { Panes } from './panes.tsx';
import { PlayheadBar } from './playhead-bar.tsx';
import { Score } from './score.tsx';
import { Banner, Empty, Mistakes, Proof, WithoutScore } from './states.tsx';

export function App({ store }: { readonly store: Store }) {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => runKey(store, event);
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
  return (
    <main class="stage" data-ready={store.isReady.value}>
      <Header store={store} />
      <Banner store={store} />
      <Body store={store} />
      <Help store={store} />
      <p class="hidden" role="status" aria-live="polite">
        {store.announcement}
      </p>
    </main>
  );
}

function Body({ store }: { readonly store: Store }) {
  const report = store.report.value;
  if (report === null) return <Empty store={store} />;
  if (report.verdict === 'invalid') return <Mistakes store={store} report={report} />;
  return (
    <div class="columns">
      <div class="main-column">
        {report.verdict === 'unsafe' ? null : <Proof report={report} />}
        <Mistakes store={store} report={report} />
        <Matrix store={store} report={report} />
        <Played store={store} />
      </div>
      <Panes store={store} />
      {report.verdict === 'unsafe' ? <Proof report={report} /> : null}
    </div>
  );
}

/** The history: as a picture, the playhead in it, and what happens there as a sentence. */
function Played({ store }: { readonly store: Store }) {
  const isReady = store.ready.value !== null;
  return (
    <section class="played" aria-label="History">
      <Chooser store={store} />
      {isReady ? (
        <>
          <Score store={store} />
          <div class="now">
            <PlayheadBar store={store} />
            <Sentence store={store} />
          </div>
          <Notes store={store} />
        </>
      ) : (
        <WithoutScore store={store} />
      )}
    </section>
  );
}

function Sentence({ store }: { readonly store: Store }) {
  const ready = store.ready.value;
  const history = store.history.value;
  if (ready === null || history === null) return null;
  const { recording, views } = ready;
  return (
    <p class="sentence" role="status" aria-live="polite">
      {sentenceAt({ recording, views, history }, store.playhead.value)}
    </p>
  );
}

/** What the recording leaves out, and whether it is of another text. */
function Notes({ store }: { readonly store: Store }) {
  const ready = store.ready.value;
  if (ready === null) return null;
  const notes = [
    ...(ready.isCurrent ? [] : ['The plan has changed since this history was played.']),
    ...(ready.by === 'debugger' ? ['A debug session plays this: its position is the playhead.'] : []),
    ...ready.recording.notes,
  ];
  return (
    <>
      {notes.map((note) => (
        <p key={note} class="soft small">
          {note}
        </p>
      ))}
    </>
  );
}
