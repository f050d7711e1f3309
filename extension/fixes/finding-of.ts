/** Which finding a diagnostic shows. Knows no editor, so that it can be tested alone. */
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

export interface Shown {
  readonly message: string;
  readonly code?: unknown;
  readonly range: { readonly start: { readonly line: number } };
}

export function findingOf(report: PlanReport | null, { message, code, range }: Shown): Finding | null {
  const rule = typeof code === 'object' && code !== null && 'value' in code ? code.value : code;
  const found = report?.findings.find(
    (each) =>
      each.rule === rule && each.line - 1 === range.start.line && message.startsWith(`${each.step}: ${each.message}`),
  );
  return found ?? null;
}
