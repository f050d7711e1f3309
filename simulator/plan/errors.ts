/** How the errors of a plan are collected, and how they are shown. */
import type { Location, PlanError } from './model.ts';

const widestLine = 160;

/** `Did you mean …?`, to go at the end of a message. */
export function didYouMean(suggestion: string | null): string {
  return suggestion === null ? '' : ` Did you mean \`${suggestion}\`?`;
}

function order(a: Location, b: Location): number {
  return a.line - b.line || a.column - b.column;
}

/** In the order of the plan, files that it names after it, each error once. */
export function sortedErrors(file: string, errors: readonly PlanError[]): readonly PlanError[] {
  const seen = new Set<string>();
  const rank = (error: PlanError): string => (error.location.file === file ? '' : error.location.file);
  return [...errors]
    .sort((a, b) => {
      const [first, second] = [rank(a), rank(b)];
      if (first !== second) return first < second ? -1 : 1;
      return order(a.location, b.location);
    })
    .filter((error) => {
      const key = JSON.stringify([error.code, error.message, error.location]);
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

/** A window of the line around the column, and where the column is in it. */
function cut(line: string, column: number): { readonly text: string; readonly column: number } {
  if (line.length <= widestLine) return { text: line, column };
  const start = Math.max(0, Math.min(column - 1 - widestLine / 2, line.length - widestLine));
  const end = start + widestLine;
  const before = start > 0 ? '…' : '';
  const after = end < line.length ? '…' : '';
  return { text: `${before}${line.slice(start, end)}${after}`, column: column - start + before.length };
}

/** Tabs stay tabs in the line of the caret, so that it stands below its column however wide they are shown. */
function quote(source: string, location: Location): readonly string[] {
  const line = source.split('\n')[location.line - 1];
  if (line === undefined) return [];
  const shown = cut(line.replace(/\r$/, ''), location.column);
  const indent = shown.text.slice(0, shown.column - 1).replace(/[^\t]/g, ' ');
  const missing = ' '.repeat(Math.max(0, shown.column - 1 - shown.text.length));
  return [shown.text, `${indent}${missing}^`];
}

/** `file:line:column: message`, the line, a caret below the place, and the suggestion if the message does not have it. */
export function formatPlanError(error: PlanError, sources: ReadonlyMap<string, string>): string {
  const { file, line, column } = error.location;
  const lines = [`${file}:${line}:${column}: ${error.message}`];
  const source = sources.get(file);
  if (source !== undefined) lines.push(...quote(source, error.location));
  if (error.suggestion !== null && !error.message.includes(error.suggestion))
    lines.push(didYouMean(error.suggestion).trim());
  return lines.join('\n');
}
