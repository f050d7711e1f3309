/** The known name that a misspelled one most likely stands for. */

/** Edits between two words, a swap of neighbours counting as one. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

const plain = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, '');

/** Null when nothing known is near enough to be a good guess: a third of the word, and two edits at least for longer words. */
export function nearest(name: string, known: Iterable<string>): string | null {
  const wanted = plain(name);
  // A very long "name" is a mistake of another kind, and would be slow to compare.
  if (wanted.length === 0 || wanted.length > 80) return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const word = plain(candidate);
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, word.length) / 3));
    if (Math.abs(word.length - wanted.length) > allowed) continue;
    const edits = distance(wanted, word);
    if (edits <= allowed && edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}
