/** The editor's theme, for what is drawn by other means than style sheets: its colours, and when they change. */

/** The value of a custom property, as it is in force now. */
export function themeColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Calls back after the theme was changed; gives a function that stops it. The editor sets variables and class anew. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const what = { attributes: true, attributeFilter: ['class', 'style'] };
  observer.observe(document.documentElement, what);
  observer.observe(document.body, what);
  return () => observer.disconnect();
}
