/** SQL in Monaco. Until it is loaded, and where it can't be, the same text stands there as it is. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { IDisposable } from 'monaco-editor/editor/editor.api';
import type { TableView } from '../../simulator/player/model.ts';
import type { Editors } from '../monaco/editor.ts';
import { loadEditors } from '../monaco/load.ts';
import type { DifferenceShown, TextShown, View } from '../monaco/views.ts';

type Loading = { readonly editors: Editors | null; readonly failure: string | null };

/** `wanted` is asked as soon as they are there, before anything of them is shown. */
function useEditors(wanted: () => void): Loading {
  const [loading, setLoading] = useState<Loading>({ editors: null, failure: null });
  useEffect(() => {
    let isGone = false;
    const set = (next: Loading): void => {
      if (isGone) return;
      wanted();
      setLoading(next);
    };
    loadEditors().then(
      (editors) => set({ editors, failure: null }),
      (error: unknown) => set({ editors: null, failure: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      isGone = true;
    };
  }, []);
  return loading;
}

/** Makes an editor once there is Monaco, and disposes it in the end. */
function useEditor<T extends IDisposable>(make: (editors: Editors, host: HTMLElement, hadFocus: boolean) => T) {
  const host = useRef<HTMLDivElement>(null);
  const hadFocus = useRef(false);
  const { editors, failure } = useEditors(() => {
    // Whoever types already goes on typing.
    hadFocus.current = host.current?.parentElement?.querySelector('textarea') === document.activeElement;
  });
  const made = useRef<T | null>(null);
  useLayoutEffect(() => {
    if (editors === null || host.current === null) return undefined;
    const editor = make(editors, host.current, hadFocus.current);
    made.current = editor;
    return () => {
      made.current = null;
      editor.dispose();
    };
    // Not made anew for what is shown later.
  }, [editors]);
  return { host, made, isLoaded: editors !== null, failure };
}

/** An editor that is told of what has changed since it was made. */
function useView<T>(make: (editors: Editors, host: HTMLElement) => View<T>, shown: T) {
  const editor = useEditor(make);
  useEffect(() => editor.made.current?.update(shown), [shown, editor.isLoaded]);
  return editor;
}

/** Esc leaves an editor for what holds it, so that the keys of the page are had again. */
function leave(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  if (event.key !== 'Escape' || event.defaultPrevented || event.target === event.currentTarget) return;
  event.preventDefault();
  event.stopPropagation();
  event.currentTarget.focus();
}

function Failure({ message }: { readonly message: string | null }) {
  return message === null ? null : <p class="soft">The editor could not be loaded ({message}).</p>;
}

export function SqlText({ shown }: { readonly shown: TextShown }) {
  const { host, isLoaded, failure } = useView<TextShown>((editors, at) => editors.text(at, shown), shown);
  return (
    <div class="sql-frame" role="group" aria-label={shown.label} tabIndex={-1} onKeyDown={leave}>
      {isLoaded ? null : <pre class="sql-plain">{shown.text}</pre>}
      <div ref={host} class="sql-editor" />
      <Failure message={failure} />
    </div>
  );
}

export function SqlDifference({ shown }: { readonly shown: DifferenceShown }) {
  const { host, isLoaded, failure } = useView<DifferenceShown>((editors, at) => editors.difference(at, shown), shown);
  const { before, after } = shown;
  return (
    <div class="sql-frame" role="group" aria-label={`${before.label}; ${after.label}`} tabIndex={-1} onKeyDown={leave}>
      {isLoaded ? null : (
        <div class="sql-two">
          <pre class="sql-plain">{before.text}</pre>
          <pre class="sql-plain">{after.text}</pre>
        </div>
      )}
      <div ref={host} class="sql-editor" />
      <Failure message={failure} />
    </div>
  );
}

export interface SqlInputProps {
  readonly label: string;
  readonly placeholder: string;
  readonly text: string;
  readonly changed: (text: string) => void;
  readonly run: () => void;
  readonly tables: () => readonly TableView[];
}

/** A text area until Monaco is there, and where it can't be: SQL can be typed and run in either. */
export function SqlInput(props: SqlInputProps) {
  const { label, placeholder, text, changed, run } = props;
  // The editor is made once, and calls what is there by then.
  const latest = useRef(props);
  latest.current = props;
  const { host, isLoaded } = useEditor((editors, at, hasFocus) =>
    editors.input(at, text, {
      hasFocus,
      label,
      placeholder,
      changed: (next) => latest.current.changed(next),
      run: () => latest.current.run(),
      tables: () => latest.current.tables(),
    }),
  );
  return (
    <div class="sql-frame" role="group" aria-label={label} tabIndex={-1} onKeyDown={leave}>
      {isLoaded ? null : (
        <textarea
          class="sql-plain"
          aria-label={label}
          placeholder={placeholder}
          rows={3}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => changed(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
          }}
        />
      )}
      <div ref={host} class="sql-editor" />
    </div>
  );
}
