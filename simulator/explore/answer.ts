/**
 * What a client sees of a request: accepted or refused, whether any row was touched, and the rows.
 * Two answers are compared as the plan format says: by position over the reference's columns, as a
 * multiset, numbers by value. Where both queries have an ORDER BY, the values that the reference is sorted by come in
 * the same order, whatever the other is sorted by: among rows that are equal in these SQL promises none.
 */
import type { Rows } from '../engine/engine.ts';

/** The places in a row of what rows are sorted by, up to the first that is not in the row. */
export type SortPlaces = readonly number[];

export type AnswerRows = readonly (readonly (string | null)[])[];

export type Answer =
  | {
      readonly ok: true;
      readonly rows: AnswerRows | null;
      readonly sorted: SortPlaces | null;
      /** Null: some statement touched a row, and those that do what the request always did did not. */
      readonly touched: boolean | null;
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string };

/** Whether rows were touched: by any statement, and by those of which a client is told how many there were. */
export interface Touched {
  readonly any: boolean;
  readonly told: boolean;
}

export const touchedNone: Touched = { any: false, told: false };

/** A clean-up beside a write that finds nothing is not what a client asks about; nor is the log entry beside it. */
export function touchedOf({ any, told }: Touched): boolean | null {
  return any === told ? any : null;
}

/** An answer with a key: answers with equal keys are the same for a client. */
export interface KeyedAnswer {
  readonly answer: Answer;
  readonly key: string;
}

const numberTypes = new Set([
  'int2',
  'int4',
  'int8',
  'numeric',
  'float4',
  'float8',
  'smallint',
  'integer',
  'bigint',
  'real',
  'double precision',
  'oid',
]);

function isNumberType(type: string): boolean {
  return numberTypes.has(type) || type.startsWith('numeric(');
}

/** `12.00` → `12`, `-0.50` → `-0.5`, `1e+20` → `100000000000000000000`; what is no plain number is left as it is. */
export function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const exponent = Number(match[4] ?? '0');
  if (Math.abs(exponent) > 400) return text;
  const [whole, fraction] = shift(match[2] ?? '', match[3] ?? '', exponent);
  const digits = whole.replace(/^0+(?=\d)/, '');
  const rest = fraction.replace(/0+$/, '');
  const value = rest === '' ? digits : `${digits}.${rest}`;
  return match[1] === '-' && value !== '0' ? `-${value}` : value;
}

function shift(whole: string, fraction: string, exponent: number): [string, string] {
  if (exponent >= 0) {
    const padded = fraction.padEnd(exponent, '0');
    return [whole + padded.slice(0, exponent), padded.slice(exponent)];
  }
  const padded = whole.padStart(1 - exponent, '0');
  return [padded.slice(0, padded.length + exponent), padded.slice(padded.length + exponent) + fraction];
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Values in the form in which they are compared. `types` are the columns' types; unknown ones compare as text. */
export function canonicalRows(rows: Rows, types: readonly string[]): AnswerRows {
  return rows.map((row) => row.map((value, i) => canonicalValue(value, types[i] ?? '')));
}

function canonicalValue(value: string | null, type: string): string | null {
  if (value === null) return null;
  if (isNumberType(type)) return canonicalNumber(value);
  if (type === 'json' || type === 'jsonb') {
    try {
      return canonicalJson(JSON.parse(value));
    } catch {
      return value;
    }
  }
  return value;
}

function rowKeys(rows: AnswerRows, width: number): string {
  return rows
    .map((row) => JSON.stringify(row.slice(0, width)))
    .sort()
    .join('\n');
}

/** How `actual` differs from what the reference gives; null when no client can tell. */
export function difference(actual: Answer, expected: Answer): 'fails' | 'accepted' | 'touched' | 'rows' | null {
  if (!actual.ok) return expected.ok ? 'fails' : null;
  // Class 22: the value did not fit its type. A type that is widened takes it on purpose; no constraint was lost.
  if (!expected.ok) return expected.sqlstate.startsWith('22') ? null : 'accepted';
  if (actual.touched !== null && expected.touched !== null && actual.touched !== expected.touched) return 'touched';
  return sameRows(actual, expected) ? null : 'rows';
}

function sameRows(actual: Answer & { ok: true }, expected: Answer & { ok: true }): boolean {
  if (expected.rows === null) return true;
  if (actual.rows === null) return false;
  if (actual.rows.length !== expected.rows.length) return false;
  if (expected.rows.length === 0) return true;
  const width = expected.rows[0]?.length ?? 0;
  if ((actual.rows[0]?.length ?? 0) < width) return false;
  if (rowKeys(actual.rows, width) !== rowKeys(expected.rows, width)) return false;
  if (actual.sorted === null || expected.sorted === null) return true;
  return sequence(actual.rows, expected.sorted) === sequence(expected.rows, expected.sorted);
}

/** The values at some places of each row, in the order in which the rows come. */
export function sequence(rows: AnswerRows, places: SortPlaces): string {
  return JSON.stringify(rows.map((row) => places.map((p) => row[p] ?? null)));
}

/** Where rows of `columns` hold what they are sorted by. */
export function sortPlaces(columns: readonly string[], sortBy: readonly (string | number)[]): SortPlaces {
  const places = sortBy.map((item) => (typeof item === 'number' ? item - 1 : columns.indexOf(item)));
  const hidden = places.findIndex((place) => place < 0);
  return hidden < 0 ? places : places.slice(0, hidden);
}

/** Rows as a report shows them: `(1, 'a')`, or `no row`. */
export function showRows(rows: AnswerRows | null): string {
  if (rows === null) return 'accepted';
  if (rows.length === 0) return 'no row';
  const shown = rows.slice(0, 6).map((row) => `(${row.map(showValue).join(', ')})`);
  return rows.length > 6 ? `${shown.join(' ')} and ${rows.length - 6} more` : shown.join(' ');
}

export function showValue(value: string | null): string {
  if (value === null) return 'NULL';
  return /^-?\d+(\.\d+)?$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

/** An answer in one short phrase. */
export function showAnswer(answer: Answer): string {
  if (!answer.ok) return `error ${answer.sqlstate}: ${answer.message}`;
  if (answer.rows !== null) return showRows(answer.rows);
  return answer.touched === false ? 'accepted, no row touched' : 'accepted, rows touched';
}
