/** Small text for people: numbers, values, lists, wrapped lines; nothing of a plan reaches a terminal as control codes. */
import type { Finding, TraceEvent } from './model.ts';

const controls = /\p{Cc}|\p{Cf}/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** On one line, and harmless: control and invisible characters are written as escapes. */
export function visible(text: string): string {
  return text.replace(controls, (char) => named[char] ?? `\\u{${char.codePointAt(0)?.toString(16) ?? '0'}}`);
}

/** Several lines and the spaces between them as one line, as SQL allows. */
export function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, ' ').trim());
}

const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** Columns that a terminal gives the text. */
export function columns(text: string): number {
  let total = 0;
  for (const char of text) total += /\p{Mn}|\p{Me}/u.test(char) ? 0 : wide.test(char) ? 2 : 1;
  return total;
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - columns(text))) + text;
}

/** At most `width` columns; what is cut is said with `…`. */
export function clip(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const char of text) {
    used += columns(char);
    if (used > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Words onto lines of at most `width` columns; a longer word gets a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    if (line !== '' && columns(line) + 1 + columns(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** `first` before the first line, as many spaces before the others. */
export function hang(first: string, text: string, width: number): string[] {
  const indent = columns(first);
  return wrap(text, Math.max(20, width - indent)).map((line, n) => (n === 0 ? first : ' '.repeat(indent)) + line);
}

/** 3105 → `3,105`, whatever the machine's language. */
export function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 state`, `3,105 states`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 7_200_000) return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** `200 GB`; a kilobyte is 1024 bytes, as in a plan. */
export function bytes(amount: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = amount < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(amount) / 10));
  const scaled = amount / 1024 ** power;
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : number(scaled)} ${units[power] ?? ''}`;
}

const longestValue = 48;

/** A value as SQL would write it; a number without quotes. */
export function value(text: string | null): string {
  if (text === null) return 'NULL';
  if (/^-?\d{1,18}(\.\d+)?$/.test(text)) return text;
  return `'${clip(visible(text), longestValue)}'`;
}

/** `v2 change_email(id: 1, email: 'a')`, or for any other event what happens in its own words. */
export function eventText(event: TraceEvent): string {
  const step = visible(event.step ?? 'the start');
  switch (event.kind) {
    case 'request':
      return visible(
        [event.version, `${event.request ?? '?'}${argumentsText(event.params)}`].filter(Boolean).join(' '),
      );
    case 'step':
      return step;
    case 'batch':
      return `${step}: one batch`;
    case 'deliver':
      return `${step}: delivery`;
    case 'rollback':
      return `roll back ${step}`;
    case 'crash':
      return event.request === null
        ? `${step}: killed`
        : visible([event.version, event.request, 'dies'].filter(Boolean).join(' '));
  }
}

function argumentsText(params: TraceEvent['params']): string {
  const parts = Object.entries(params).map(([name, given]) => `${name}: ${value(given)}`);
  return `(${parts.join(', ')})`;
}

/** Where in the app a finding shows: `v3 get_user`. */
export function place(of: Pick<Finding, 'version' | 'request'>): string {
  return visible([of.version, of.request].filter((part) => part !== null).join(' '));
}

export const severityGlyph = { error: '✗', warning: '!', info: 'i' } as const;
export const severityInk = { error: 'red', warning: 'yellow', info: 'blue' } as const;
