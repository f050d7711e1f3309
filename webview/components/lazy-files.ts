/** Where the files lie that the page loads on demand, and how a style sheet of theirs is brought in. */

/** With a slash at its end. The editor's host says it; elsewhere it is where this script came from. */
export function pageBase(): string {
  const told = document.querySelector<HTMLMetaElement>('meta[name="cutover-base"]')?.content ?? '';
  return told === '' ? new URL('.', import.meta.url).href : told.replace(/\/?$/, '/');
}

export function linkStyle(href: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => reject(new Error(`${href} could not be loaded`)));
    document.head.append(link);
  });
}
