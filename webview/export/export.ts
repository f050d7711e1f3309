/** What leaves the page: the score as a picture, and the trace as text for a review. */
import type { Store } from '../store.ts';

export function exportSvg(store: Store): void {
  store.announcement.value = 'The score can’t be exported yet.';
}

export function exportPng(store: Store): void {
  store.announcement.value = 'The score can’t be exported yet.';
}

export function exportMarkdown(store: Store): void {
  store.announcement.value = 'The trace can’t be exported yet.';
}
