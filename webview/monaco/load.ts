/** Loads Monaco when it is first wanted: its bundle, its style sheet, and its colours from the editor's theme. */
import { linkStyle, pageBase } from '../components/lazy-files.ts';
import type { Monaco } from './editor.ts';
import { followTheme } from './theme.ts';

let loading: Promise<Monaco> | null = null;

async function load(): Promise<Monaco> {
  const base = pageBase();
  const [{ setUp }] = await Promise.all([import('./editor.ts'), linkStyle(`${base}monaco.css`)]);
  const monaco = setUp(base);
  followTheme(monaco);
  return monaco;
}

export function loadMonaco(): Promise<Monaco> {
  loading ??= load().catch((error: unknown) => {
    // The next who asks tries again.
    loading = null;
    throw error;
  });
  return loading;
}
