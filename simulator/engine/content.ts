/**
 * The canonical text of a database's content: JSON with every row of every table in its columns' order,
 * values as text by Postgres' output functions, rows and names sorted. Equal contents are equal texts.
 */
import type { Content, ParsedContent } from './engine.ts';

type Row = readonly (string | null)[];

/** Explorers ask for the same few contents again and again. */
const parsed = new Map<Content, ParsedContent>();
const mostParsed = 4096;

export function parseContent(content: Content): ParsedContent {
  let value = parsed.get(content);
  if (value === undefined) {
    value = JSON.parse(content) as ParsedContent;
    if (parsed.size >= mostParsed) parsed.clear();
    parsed.set(content, value);
  }
  return value;
}

/** `rows` of a table are JSON texts, in any order; tables and sequences come sorted by name. */
export function writeContent(
  tables: readonly { readonly name: string; readonly rows: string[] }[],
  sequences: readonly { readonly name: string; readonly value: Row }[],
): Content {
  const shownTables = tables.map(({ name, rows }) => {
    // Rows with no columns are all alike, and sorted already.
    if (rows.length > 1) rows.sort();
    return `${JSON.stringify(name)}:[${rows.join(',')}]`;
  });
  const shownSequences = sequences.map(({ name, value }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{"tables":{${shownTables.join(',')}},"sequences":{${shownSequences.join(',')}}}`;
}

/** True when two contents differ in no row: a sequence that has moved on is no difference, nobody reads it. */
export function sameRows(a: Content, b: Content): boolean {
  return a === b || a.slice(0, endOfTables(a)) === b.slice(0, endOfTables(b));
}

function endOfTables(content: Content): number {
  // A table's name or value can't hold this unescaped.
  return content.lastIndexOf('},"sequences":{');
}

/** The same content with other values of its sequences. */
export function withSequences(content: Content, sequences: readonly { name: string; value: Row }[]): Content {
  // Table rows are copied as text.
  const at = endOfTables(content);
  const shown = sequences.map(({ name, value }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `${content.slice(0, at)}},"sequences":{${shown.join(',')}}}`;
}

/** Reads the text of a record, `(1,"a b",)`: NULL is nothing at all, "" is the empty string. */
export function parseRecord(text: string, width: number): (string | null)[] {
  if (width === 0) return [];
  if (!text.includes('"')) {
    return text
      .slice(1, -1)
      .split(',')
      .map((value) => (value === '' ? null : value));
  }
  const row: (string | null)[] = [];
  let at = 1;
  while (row.length < width) {
    const field = readField(text, at);
    row.push(field.value);
    at = field.end + 1;
  }
  return row;
}

function readField(text: string, start: number): { value: string | null; end: number } {
  let value = '';
  let quoted = false;
  let seen = false;
  let at = start;
  for (; at < text.length; at++) {
    const char = text[at];
    if (!quoted && (char === ',' || char === ')')) break;
    seen = true;
    if (char === '"') {
      if (quoted && text[at + 1] === '"') value += text[++at];
      else quoted = !quoted;
    } else if (char === '\\') value += text[++at];
    else value += char;
  }
  return { value: seen ? value : null, end: at };
}
