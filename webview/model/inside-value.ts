/** What changed inside a value: what is before it and after it stays plain. */

export interface Inside {
  readonly before: string;
  readonly changed: string;
  readonly after: string;
}

/** What of `now` is not as it was in `then`. A value that was not there has changed as a whole. */
export function insideValue(then: string | null, now: string): Inside {
  if (then === null) return { before: '', changed: now, after: '' };
  const old = Array.from(then);
  const fresh = Array.from(now);
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, fresh.length) - head;
  while (tail < most && old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail += 1;
  // A value of which hardly anything stays is another value.
  if (head + tail < 4 && head + tail < Math.max(old.length, fresh.length) / 2) {
    const isQuoted = now.startsWith("'") && now.endsWith("'") && fresh.length > 1;
    return isQuoted ? { before: "'", changed: now.slice(1, -1), after: "'" } : { before: '', changed: now, after: '' };
  }
  const end = fresh.length - tail;
  return {
    before: fresh.slice(0, head).join(''),
    changed: fresh.slice(head, end).join(''),
    after: fresh.slice(end).join(''),
  };
}
