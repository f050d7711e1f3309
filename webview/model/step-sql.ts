/** What a step runs, and which of the findings are to be marked in it. */
import type { PlayedStep } from '../../simulator/player/model.ts';
import type { Finding } from '../../simulator/report/model.ts';

/** Lines count from 1; both ends are of it. */
export interface Mark {
  readonly finding: Finding;
  readonly from: number;
  readonly to: number;
}

export interface Marked {
  readonly forward: readonly Mark[];
  readonly rollback: readonly Mark[];
}

const isOfRollback = ({ rule }: Finding): boolean => rule.startsWith('rollback-') || rule === 'no-rollback';

const lines = (sql: string): number => sql.split('\n').length;

/** The lines of a statement that stands where the finding points; all of them, where it points at the step or at a request. */
function spanIn(step: PlayedStep, finding: Finding): { readonly from: number; readonly to: number } {
  const at = step.statements.findIndex(({ place }) => place.line === finding.line && place.column === finding.column);
  const statement = step.statements[at];
  if (statement === undefined) return { from: 1, to: lines(step.sql) };
  return { from: statement.line, to: (step.statements[at + 1]?.line ?? lines(step.sql) + 1) - 1 };
}

export function findingsOf(findings: readonly Finding[], step: PlayedStep): readonly Finding[] {
  return findings.filter((finding) => finding.step === step.name);
}

/** Where findings of a step are marked. Those of the way back are marked in what it runs. */
export function marksOf(findings: readonly Finding[], step: PlayedStep): Marked {
  const own = findingsOf(findings, step);
  const back = step.rollback === null ? [] : own.filter(isOfRollback);
  const on = step.sql === '' ? [] : own.filter((finding) => !isOfRollback(finding));
  return {
    forward: on.map((finding) => ({ finding, ...spanIn(step, finding) })),
    rollback: back.map((finding) => ({ finding, from: 1, to: lines(step.rollback ?? '') })),
  };
}
