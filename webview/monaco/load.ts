/** Loads Monaco when it is first wanted: its bundle and its style sheet. */
import { linkStyle, pageBase } from '../components/lazy-files.ts';
import type * as bundle from './editor.ts';

let loading: Promise<bundle.Editors> | null = null;

/** By its address, and not by its place among the sources: the page's own style sheet would be bundled with Monaco's. */
function imported(base: string): Promise<typeof bundle> {
  return import(`${base}monaco.js`) as Promise<typeof bundle>;
}

async function load(): Promise<bundle.Editors> {
  const base = pageBase();
  const [{ setUp }] = await Promise.all([imported(base), linkStyle(`${base}monaco.css`)]);
  return setUp(base);
}

export function loadEditors(): Promise<bundle.Editors> {
  loading ??= load().catch((error: unknown) => {
    // The next who asks tries again.
    loading = null;
    throw error;
  });
  return loading;
}
