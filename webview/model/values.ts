/** Values, calls and answers as people read them: the same words in the picture, in the sentence and in an export. */
import type { TraceEvent } from '../../simulator/report/model.ts';

const controls = /\p{Cc}|\p{Cf}/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** On one line, and harmless: control and invisible characters are written as escapes. */
export function visible(text: string): string {
  return text.replace(controls, (char) => named[char] ?? `\\u{${char.codePointAt(0)?.toString(16) ?? '0'}}`);
}

/** At most so many characters; what is cut is said with `…`. */
export function clip(text: string, most: number): string {
  const chars = Array.from(text);
  return chars.length <= most ? text : `${chars.slice(0, Math.max(0, most - 1)).join('')}…`;
}

/** A value as SQL would write it; a number without quotes. */
export function quoted(text: string | null): string {
  if (text === null) return 'NULL';
  return /^-?\d{1,18}(\.\d+)?$/.test(text) ? text : `'${visible(text)}'`;
}

type Call = Pick<TraceEvent, 'request' | 'params'>;

/** What tells the row comes first: that is how people say it. */
function parameters(params: Call['params']): readonly (readonly [string, string | null])[] {
  const isKey = ([name]: readonly [string, string | null]) => /^(id|.*_id|key|code)$/.test(name);
  const all = Object.entries(params);
  return [...all.filter(isKey), ...all.filter((each) => !isKey(each))];
}

/** `change_email(1, 'b')`. */
export function callText({ request, params }: Call): string {
  return visible(
    `${request ?? '?'}(${parameters(params)
      .map(([, value]) => quoted(value))
      .join(', ')})`,
  );
}

/** `change_email(id 1, email 'b')`. */
export function callWords({ request, params }: Call): string {
  const words = parameters(params).map(([name, value]) => `${name} ${quoted(value)}`);
  return visible(`${request ?? '?'}(${words.join(', ')})`);
}

export function isError(answer: string | null): boolean {
  return answer !== null && errorOf(answer) !== null;
}

/** `error 42703: column "email" does not exist` → its state and its message. */
export function errorOf(answer: string): { readonly state: string; readonly message: string } | null {
  const match = /^(?:statement \d+ of \d+: )?error (\w+): ([\s\S]*)$/.exec(answer);
  return match === null ? null : { state: match[1] ?? '', message: match[2] ?? '' };
}

/** `statement 2 of 2: accepted, rows touched` → which statement, and the rest. */
export function statementOf(
  result: string,
): { readonly number: number; readonly of: number; readonly rest: string } | null {
  const match = /^statement (\d+) of (\d+): ([\s\S]*)$/.exec(result);
  return match === null ? null : { number: Number(match[1]), of: Number(match[2]), rest: match[3] ?? '' };
}

/** `(1, 'a') (2, NULL)` → its rows, each a list of values as they are written. Null: it is no such answer. */
export function answerRows(answer: string): readonly (readonly string[])[] | null {
  if (answer === 'no row') return [];
  if (!answer.startsWith('(')) return null;
  const rows: string[][] = [];
  let row: string[] | null = null;
  let word = '';
  let isQuoted = false;
  for (const char of answer) {
    if (isQuoted || (char === "'" && row !== null)) {
      word += char;
      if (char === "'") isQuoted = !isQuoted;
    } else if (row === null) {
      if (char === '(') row = [];
      else if (char !== ' ') return null;
    } else if (char === ',' || char === ')') {
      row.push(word.trim());
      word = '';
      if (char === ')') {
        rows.push(row);
        row = null;
      }
    } else word += char;
  }
  return row === null ? rows : null;
}

/** Where two answers of one shape differ: the row and the place in it. Null: they are not of one shape. */
export function answerDifference(
  expected: string,
  actual: string,
): readonly { readonly row: number; readonly place: number }[] | null {
  const should = answerRows(expected);
  const is = answerRows(actual);
  if (should === null || is === null || should.length !== is.length) return null;
  if (should.some((row, i) => row.length !== is[i]?.length)) return null;
  return should.flatMap((row, i) =>
    row.flatMap((value, place) => (value === is[i]?.[place] ? [] : [{ row: i, place }])),
  );
}

/** What of two answers differs, and nothing else: `'b'` and `'a'` of `(1, 'b')` and `(1, 'a')`. */
export function shortAnswers(expected: string, actual: string): { readonly expected: string; readonly actual: string } {
  const places = answerDifference(expected, actual);
  if (places === null || places.length === 0) return { expected, actual };
  const should = answerRows(expected);
  const is = answerRows(actual);
  const pick = (rows: readonly (readonly string[])[] | null) =>
    places.map(({ row, place }) => rows?.[row]?.[place] ?? '').join(', ');
  return { expected: pick(should), actual: pick(is) };
}

/** Numbers by their value, as answers are compared: `12.00` is `12`. */
export function comparable(value: string | null): string | null {
  if (value === null || !/^-?\d+\.\d*$/.test(value)) return value;
  return value.replace(/\.?0+$/, '') || '0';
}
