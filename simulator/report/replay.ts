/** One finding's trace, statement by statement: what each gave, what the reference gave, what the tables hold. */
import { findingText } from './finding.ts';
import type { Finding, TraceEvent } from './model.ts';
import { painter, type Paint } from './paint.ts';
import { clip, columns, eventText, hang, oneLine, padStart, value, visible } from './words.ts';

export interface ReplayedLine {
  readonly event: TraceEvent;
  readonly result: string;
  /** What the never-migrated world gave; null where it was not asked. */
  readonly reference: string | null;
  readonly differs: boolean;
  /** The canonical content after it. */
  readonly content: string;
}

export interface ReplayTextOptions {
  readonly colour: boolean;
  readonly width: number;
  readonly file: string;
  readonly sources: ReadonlyMap<string, string>;
}

export function renderReplay(finding: Finding, lines: readonly ReplayedLine[], options: ReplayTextOptions): string {
  const paint = painter(options.colour);
  const width = Math.min(120, Math.max(60, options.width));
  const head = findingText({ ...finding, trace: [] }, { ...options, steps: [], paint, width });
  const events = lines.flatMap((line, index) => {
    const before = index === 0 ? '' : (lines[index - 1]?.content ?? '');
    return eventLines(line, index + 1, line.content === before ? null : line.content, paint, width);
  });
  return `${[...head, '', ...events].join('\n').trimEnd()}\n`;
}

function eventLines(line: ReplayedLine, n: number, content: string | null, paint: Paint, width: number): string[] {
  const start = `${line.differs ? '✗' : ' '} ${padStart(String(n), 2)}  `;
  const indent = ' '.repeat(columns(start));
  const title = `${start}${line.event.kind} ${eventText(line.event)}`;
  const sql =
    line.event.sql === '' ? [] : [paint(indent + clip(oneLine(line.event.sql), width - indent.length), 'dim')];
  return [
    line.differs ? paint(title, 'red', 'bold') : paint(title, 'bold'),
    ...sql,
    ...(line.result === '' ? [] : hang(`${indent}gives      `, line.result, width)),
    ...(line.reference === null ? [] : hang(`${indent}reference  `, line.reference, width)),
    ...(content === null ? [] : tableLines(content, indent, width)),
    '',
  ];
}

type Rows = readonly (readonly (string | null)[])[];

/** `users  (1, 'a')  (2, NULL)`; a content that is not understood is left out. */
function tableLines(content: string, indent: string, width: number): string[] {
  const tables = parseTables(content);
  return Object.entries(tables).map(([table, rows]) => {
    const shown = rows.map((row) => `(${row.map(value).join(', ')})`).join(' ');
    return clip(`${indent}${visible(table)}  ${shown === '' ? 'no rows' : shown}`, Math.max(width, 100));
  });
}

function parseTables(content: string): Readonly<Record<string, Rows>> {
  try {
    const parsed: unknown = JSON.parse(content);
    const tables = typeof parsed === 'object' && parsed !== null && 'tables' in parsed ? parsed.tables : {};
    return tables as Readonly<Record<string, Rows>>;
  } catch {
    return {};
  }
}
