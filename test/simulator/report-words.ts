/** What tests say of a report, in short. */
import type { Finding, PlanReport, TraceEvent } from '../../simulator/report/model.ts';

/** Its errors, as `rule @ step`. */
export function serious({ findings }: PlanReport): string[] {
  return findings.filter((f) => f.severity === 'error').map((f) => `${f.rule} @ ${f.step}`);
}

/** A trace, a line for each event. */
export function lines(trace: readonly TraceEvent[]): string[] {
  return trace.map((e) => `${e.kind} ${e.kind === 'request' ? `${e.version} ${e.request}` : e.step}: ${e.result}`);
}

/** The first finding of a rule. */
export function find(report: PlanReport, rule: string): Finding {
  const finding = report.findings.find((f) => f.rule === rule);
  if (finding === undefined) throw new Error(`no ${rule}: ${serious(report).join(', ')}`);
  return finding;
}
