/** Keeps Monaco in the editor's theme. */
import { onThemeChange } from '../components/theme.ts';
import { editorTheme } from '../model/editor-theme.ts';
import type { Monaco } from './editor.ts';

const name = 'cutover';

/** The editor writes its variables into the style of the page's root. */
function variables(): ReadonlyMap<string, string> {
  const { style } = document.documentElement;
  return new Map(Array.from(style, (property) => [property, style.getPropertyValue(property)]));
}

function define(monaco: Monaco): void {
  monaco.editor.defineTheme(name, editorTheme(variables(), [...document.body.classList]));
  monaco.editor.setTheme(name);
}

export function followTheme(monaco: Monaco): void {
  define(monaco);
  onThemeChange(() => define(monaco));
}
