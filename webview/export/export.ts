/** What leaves the page: the score as a picture, and the trace as text for a review. */
import { currentScore, toldOf } from '../components/told.ts';
import type { Told } from '../model/rows.ts';
import type { Score } from '../model/score.ts';
import { sentenceAt } from '../model/sentence.ts';
import type { Ink } from '../model/shapes.ts';
import type { Store } from '../store.ts';
import { markdownOf } from './markdown.ts';
import { pngOf } from './png.ts';
import { svgOf, type Look } from './svg.ts';

export function exportSvg(store: Store): void {
  const svg = pictureOf(store);
  if (svg !== null) store.host.save('svg', fileName(store, 'svg'), svg);
}

export async function exportPng(store: Store): Promise<void> {
  const svg = pictureOf(store);
  if (svg === null) return;
  const raster = await pngOf(svg);
  if (raster.ok) store.host.save('png', fileName(store, 'png'), raster.base64);
  else store.announcement.value = raster.message;
}

export function exportMarkdown(store: Store): void {
  const shown = shownIn(store);
  if (shown === null) return;
  const text = markdownOf(shown.told, shown.score, store.plan.value?.name ?? shown.told.recording.file);
  store.host.save('markdown', fileName(store, 'md'), text);
}

function shownIn(store: Store): { readonly told: Told; readonly score: Score } | null {
  const told = toldOf(store);
  const score = currentScore(store);
  if (told !== null && score !== null) return { told, score };
  store.announcement.value = 'Nothing is played that could be exported.';
  return null;
}

function pictureOf(store: Store): string | null {
  const shown = shownIn(store);
  if (shown === null) return null;
  const sentence = sentenceAt(shown.told, store.playhead.value);
  return svgOf(shown.told, shown.score, sentence, store.plan.value?.name ?? '', lookOfPage());
}

/** `backfill-is-null-lost-write-switch-reads.svg`. */
function fileName(store: Store, ending: string): string {
  const plan = (store.plan.value?.name ?? 'plan').split(/[\\/]/).at(-1) ?? 'plan';
  const name = [plan.replace(/\.cutover\.ya?ml$/, ''), store.ready.value?.finding ?? 'course'].join('-');
  return `${name.replace(/[^\w.-]+/g, '-')}.${ending}`;
}

const tokens: Readonly<Record<Ink, string>> = {
  ink: '--ink',
  soft: '--ink-soft',
  paper: '--paper',
  line: '--line',
  bad: '--bad',
  good: '--good',
  old: '--old',
  new: '--new',
};

/** The theme's colours, as the browser makes of them. */
function lookOfPage(): Look {
  const probe = document.createElement('span');
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const entries = Object.entries(tokens).map(([name, token]) => {
    probe.style.color = `var(${token})`;
    return [name, style.color] as const;
  });
  probe.style.fontFamily = 'var(--font)';
  const font = style.fontFamily;
  probe.style.fontFamily = 'var(--mono)';
  const mono = style.fontFamily;
  probe.remove();
  return { inks: Object.fromEntries(entries) as Record<Ink, string>, font, mono };
}
