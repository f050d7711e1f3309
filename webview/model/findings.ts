/** The findings of a report in the order in which they matter, and what of each can be shown where. */
import type { Recording } from '../../simulator/player/model.ts';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

/** Errors before warnings before notes; what the plan allows comes last. */
function rank(finding: Finding): number {
  const bySeverity = { error: 0, warning: 1, info: 2 } as const;
  return bySeverity[finding.severity] + (finding.allowed === null ? 0 : 3);
}

export function ranked(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

/** Those whose history can be played. */
export function playable(report: PlanReport | null): readonly Finding[] {
  return ranked(report?.findings ?? []).filter(({ trace }) => trace.length > 0);
}

/** What somebody should see first. Null: nothing is wrong. */
export function worst(report: PlanReport | null): Finding | null {
  return playable(report)[0] ?? null;
}

export function findingOf(report: PlanReport | null, id: string | null): Finding | null {
  return report?.findings.find((each) => each.id === id) ?? null;
}

/** Of the way back from a step: it is no fault of the way forward. */
export function isOfTheWayBack({ rule }: Pick<Finding, 'rule'>): boolean {
  return rule.startsWith('rollback-') || rule === 'no-rollback';
}

/** Where a finding or one of its consequences shows. `finding` is what opens the trace. */
export interface Trouble {
  readonly finding: Finding;
  readonly rule: string;
  readonly step: string;
  readonly version: string | null;
  readonly request: string | null;
  readonly message: string;
}

export function troubles(report: PlanReport): readonly Trouble[] {
  return ranked(report.findings).flatMap((finding) =>
    [finding, ...finding.consequences].map(({ rule, step, version, request, message }) => ({
      finding,
      rule,
      step,
      version,
      request,
      message,
    })),
  );
}

/** Whether a request reads or writes: as the recording says; without one, by its SQL in the trace. */
export function kindOf(request: string, finding: Finding, recording: Recording | null): 'read' | 'write' {
  const known = recording?.versions.flatMap((version) => version.requests).find(({ name }) => name === request);
  if (known !== undefined) return known.kind;
  const sql = finding.trace.find((event) => event.request === request)?.sql ?? '';
  return /^\s*(?:select|values|table)\b/i.test(sql) ? 'read' : 'write';
}
