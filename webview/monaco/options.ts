/** What all editors of the page have in common: small, quiet, as high as their text, and left again by Tab. */
import type { editor } from 'monaco-editor/editor/editor.api';
import { themeColour } from '../components/theme.ts';

/** The editor's own font, also after it was changed. */
export function fontOptions(): editor.IEditorOptions {
  const size = Number.parseFloat(themeColour('--vscode-editor-font-size'));
  return {
    fontFamily: themeColour('--vscode-editor-font-family') || 'monospace',
    fontSize: Number.isFinite(size) ? Math.min(size, 14) : 13,
  };
}

export function commonOptions(): editor.IEditorOptions {
  return {
    ...fontOptions(),
    accessibilitySupport: 'auto',
    bracketPairColorization: { enabled: false },
    contextmenu: false,
    fixedOverflowWidgets: true,
    folding: false,
    glyphMargin: false,
    guides: { indentation: false },
    hideCursorInOverviewRuler: true,
    lineDecorationsWidth: 10,
    // Room for an underscore above an underline.
    lineHeight: 1.6,
    lineNumbers: 'off',
    links: false,
    minimap: { enabled: false },
    occurrencesHighlight: 'off',
    overviewRulerBorder: false,
    overviewRulerLanes: 0,
    padding: { top: 6, bottom: 6 },
    renderLineHighlight: 'none',
    // Findings are underlined in what can't be changed, too.
    renderValidationDecorations: 'on',
    scrollBeyondLastLine: false,
    scrollbar: { alwaysConsumeMouseWheel: false, verticalScrollbarSize: 8, horizontalScrollbarSize: 8 },
    selectionHighlight: false,
    // Nobody is caught in an editor: indentation is not what it is for here.
    tabFocusMode: true,
    unicodeHighlight: { ambiguousCharacters: false, invisibleCharacters: false },
    wordWrap: 'on',
  };
}

export const readOnlyOptions: editor.IEditorOptions = { readOnly: true, domReadOnly: true };

/** Lists that open over the text must not be cut off by what holds the editor. One element for each editor, gone with it. */
export function overflowElement(): HTMLElement {
  const element = document.createElement('div');
  element.className = 'monaco-editor monaco-overflow';
  document.body.append(element);
  return element;
}
