/** Editors of the page: a text, two texts with their difference, and one to type in. Each is disposed with all that it made. */
import type { editor, IDisposable } from 'monaco-editor/editor/editor.api';
import type { TableView } from '../../simulator/player/model.ts';
import type { Severity } from '../../simulator/report/model.ts';
import { onThemeChange } from '../components/theme.ts';
import { completeFrom } from './complete.ts';
import type { Monaco } from './editor.ts';
import { commonOptions, fontOptions, overflowElement, readOnlyOptions } from './options.ts';

const language = 'pgsql';

/** Something to underline: whole lines, from 1. */
export interface Squiggle {
  readonly severity: Severity;
  readonly rule: string;
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

export interface View<T> extends IDisposable {
  update(next: T): void;
}

export interface TextShown {
  readonly text: string;
  readonly label: string;
  readonly squiggles: readonly Squiggle[];
}

export interface DifferenceShown {
  readonly before: TextShown;
  readonly after: TextShown;
}

function mark(monaco: Monaco, model: editor.ITextModel, squiggles: readonly Squiggle[]): void {
  const { Error: error, Warning: warning, Info: info } = monaco.MarkerSeverity;
  const severities = { error, warning, info };
  const markers = squiggles.map(({ severity, rule, message, from, to }) => ({
    severity: severities[severity],
    source: 'cutover',
    code: rule,
    message,
    startLineNumber: from,
    startColumn: model.getLineFirstNonWhitespaceColumn(from) || 1,
    endLineNumber: Math.min(to, model.getLineCount()),
    endColumn: model.getLineMaxColumn(Math.min(to, model.getLineCount())),
  }));
  monaco.editor.setModelMarkers(model, 'cutover', markers);
}

/** The text is set only where it differs: setting it puts the cursor to the start. */
function fill(monaco: Monaco, model: editor.ITextModel, { text, squiggles }: TextShown): void {
  if (model.getValue() !== text) model.setValue(text);
  mark(monaco, model, squiggles);
}

function together(...parts: readonly (IDisposable | (() => void))[]): IDisposable {
  return {
    dispose: () => {
      for (const part of parts) {
        if (typeof part === 'function') part();
        else part.dispose();
      }
    },
  };
}

/** As high as its text, up to a bound beyond which it scrolls. */
function growing(host: HTMLElement, height: () => number, most: number): () => void {
  return () => {
    host.style.height = `${Math.min(most, Math.max(32, height()))}px`;
  };
}

export function textView(monaco: Monaco, host: HTMLElement, shown: TextShown): View<TextShown> {
  const model = monaco.editor.createModel(shown.text, language);
  const options = { ...commonOptions(), ...readOnlyOptions, automaticLayout: true };
  const view = monaco.editor.create(host, { ...options, model, ariaLabel: shown.label });
  const grow = growing(host, () => view.getContentHeight(), 420);
  const sizes = view.onDidContentSizeChange(grow);
  grow();
  mark(monaco, model, shown.squiggles);
  const stop = onThemeChange(() => view.updateOptions(fontOptions()));
  return {
    update: (next) => {
      fill(monaco, model, next);
      view.updateOptions({ ariaLabel: next.label });
    },
    ...together(stop, sizes, view, model),
  };
}

export function differenceView(
  monaco: Monaco,
  host: HTMLElement,
  { before, after }: DifferenceShown,
): View<DifferenceShown> {
  const original = monaco.editor.createModel(before.text, language);
  const modified = monaco.editor.createModel(after.text, language);
  const view = monaco.editor.createDiffEditor(host, {
    ...commonOptions(),
    ...readOnlyOptions,
    automaticLayout: true,
    // Signs stand there.
    lineDecorationsWidth: 22,
    originalEditable: false,
    renderSideBySide: true,
    // Below each other where there is not the room for two.
    useInlineViewWhenSpaceIsLimited: true,
    renderSideBySideInlineBreakpoint: 700,
    renderOverviewRuler: false,
    renderMarginRevertIcon: false,
    renderGutterMenu: false,
    diffWordWrap: 'on',
    ignoreTrimWhitespace: false,
    enableSplitViewResizing: false,
    originalAriaLabel: before.label,
    modifiedAriaLabel: after.label,
  });
  view.setModel({ original, modified });
  const sides = [view.getOriginalEditor(), view.getModifiedEditor()] as const;
  const grow = growing(host, () => Math.max(...sides.map((side) => side.getContentHeight())), 420);
  const sizes = [...sides.map((side) => side.onDidContentSizeChange(grow)), view.onDidUpdateDiff(grow)];
  mark(monaco, original, before.squiggles);
  mark(monaco, modified, after.squiggles);
  // By side: told as a whole, both would lose their labels.
  const stop = onThemeChange(() => {
    for (const side of sides) side.updateOptions(fontOptions());
  });
  return {
    update: (next) => {
      fill(monaco, original, next.before);
      fill(monaco, modified, next.after);
      sides[0].updateOptions({ ariaLabel: next.before.label });
      sides[1].updateOptions({ ariaLabel: next.after.label });
    },
    ...together(stop, ...sizes, view, original, modified),
  };
}

export interface InputCalls {
  /** Whether it is typed in at once. */
  readonly hasFocus: boolean;
  readonly label: string;
  readonly placeholder: string;
  readonly changed: (text: string) => void;
  /** Ctrl+Enter. */
  readonly run: () => void;
  readonly tables: () => readonly TableView[];
}

/** Begins with a text, and says what becomes of it. It is not told what it has said: that may be older than what is typed. */
export function inputView(monaco: Monaco, host: HTMLElement, text: string, calls: InputCalls): IDisposable {
  const model = monaco.editor.createModel(text, language);
  completeFrom(model, calls.tables);
  const overflow = overflowElement();
  const view = monaco.editor.create(host, {
    ...commonOptions(),
    automaticLayout: true,
    model,
    ariaLabel: calls.label,
    overflowWidgetsDomNode: overflow,
    placeholder: calls.placeholder,
    quickSuggestions: { other: true, comments: false, strings: false },
    suggest: { showIcons: true, showStatusBar: false },
    wordBasedSuggestions: 'off',
  });
  const grow = growing(host, () => Math.max(64, view.getContentHeight()), 240);
  grow();
  // An action outlives its editor, and keeps it.
  const action = view.addAction({
    id: 'cutover.run',
    label: 'Run',
    keybindings: [monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter],
    run: calls.run,
  });
  const typed = view.onDidChangeModelContent(() => calls.changed(model.getValue()));
  if (calls.hasFocus) {
    view.setPosition(model.getFullModelRange().getEndPosition());
    view.focus();
  }
  const stop = onThemeChange(() => view.updateOptions(fontOptions()));
  return together(stop, typed, action, view.onDidContentSizeChange(grow), view, model, () => overflow.remove());
}
