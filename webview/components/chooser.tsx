/** Which history is played: that of a finding, the plan's own course, or a fork of either. */
import type { Finding } from '../../simulator/report/model.ts';
import { branches } from '../model/course.ts';
import { findingOf, playable } from '../model/findings.ts';
import { capital, headline } from '../model/words.ts';
import { choose } from '../moves.ts';
import type { Store } from '../store.ts';
import { Mark, SeverityMark } from './marks.tsx';
import { usePopup } from './popup.ts';

export function Chooser({ store }: { readonly store: Store }) {
  const popup = usePopup(store, 'histories', '[role=option]');
  return (
    <div class="chooser popup-anchor">
      <span class="soft" id="chooser-label">
        History
      </span>
      <button
        ref={popup.button}
        type="button"
        class="button chooser-button"
        aria-haspopup="listbox"
        aria-expanded={popup.isOpen}
        aria-labelledby="chooser-label chooser-value"
        onClick={popup.toggle}
        onKeyDown={popup.onButtonKey}
      >
        <span id="chooser-value" class="chooser-value">
          <Current store={store} />
        </span>
        <Mark name="down" />
      </button>
      {popup.isOpen ? (
        <div
          ref={popup.list}
          class="popup chooser-list"
          role="listbox"
          aria-labelledby="chooser-label"
          onKeyDown={popup.onListKey}
        >
          <Options store={store} close={popup.close} />
        </div>
      ) : null}
    </div>
  );
}

function Current({ store }: { readonly store: Store }) {
  const finding = findingOf(store.report.value, store.chosen.value) ?? store.finding.value;
  const history = store.history.value;
  if (history !== null && history.from !== null) return <span>Fork: {history.title}</span>;
  if (store.play.value.kind === 'none') return <span>Choose what to play</span>;
  return finding === null ? <span>The plan’s own course</span> : <FindingName finding={finding} />;
}

function FindingName({ finding }: { readonly finding: Finding }) {
  return (
    <>
      <SeverityMark severity={finding.severity} />
      <span class="chooser-rule">{finding.rule}</span>
      <span class="chooser-message">
        {finding.step}: {finding.message}
      </span>
    </>
  );
}

function Options({ store, close }: { readonly store: Store; readonly close: () => void }) {
  const findings = playable(store.report.value);
  const { chosen, ready } = store;
  const isOpened = (id: string | null) => store.play.value.kind !== 'none' && chosen.value === id;
  const forks = ready.value === null ? [] : branches(ready.value.histories).filter(({ depth }) => depth > 0);
  const forksOf = (id: string | null) =>
    isOpened(id)
      ? forks.map(({ history, depth }) => (
          <Option
            key={`fork ${history.id}`}
            depth={depth}
            isSelected={store.playhead.value.history === history.id}
            onChoose={() => {
              close();
              const moment = Math.min((history.from?.moment ?? -1) + 1, history.moments.length - 1);
              store.moveTo({ history: history.id, moment, probe: null });
            }}
          >
            <span>Fork: {history.title}</span>
          </Option>
        ))
      : [];
  const open = (id: string | null) => () => {
    close();
    choose(store, id, id === null ? { kind: 'start' } : { kind: 'shown' });
  };
  const isMain = (id: string | null) => isOpened(id) && (store.history.value?.from ?? null) === null;
  return (
    <>
      {findings.map((finding) => (
        <div key={finding.id} role="group" aria-label={capital(headline(finding))}>
          <Option depth={0} isSelected={isMain(finding.id)} onChoose={open(finding.id)}>
            <FindingName finding={finding} />
          </Option>
          {forksOf(finding.id)}
        </div>
      ))}
      <div role="group" aria-label="The plan">
        <Option depth={0} isSelected={isMain(null)} onChoose={open(null)}>
          <Mark name="here" />
          <span>The plan’s own course</span>
        </Option>
        {forksOf(null)}
      </div>
    </>
  );
}

interface OptionProps {
  readonly depth: number;
  readonly isSelected: boolean;
  readonly onChoose: () => void;
  readonly children: preact.ComponentChildren;
}

function Option({ depth, isSelected, onChoose, children }: OptionProps) {
  return (
    <div
      role="option"
      class="option"
      tabIndex={-1}
      aria-selected={isSelected}
      style={{ paddingInlineStart: `${8 + depth * 18}px` }}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        event.stopPropagation();
        onChoose();
      }}
    >
      {children}
    </div>
  );
}
