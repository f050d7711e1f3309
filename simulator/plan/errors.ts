/** How the errors of a plan are collected. */
import type { Location, PlanError } from './model.ts';

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
