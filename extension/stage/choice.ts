/** Which finding is played. Knows no editor, so that it can be tested alone. */
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

/** `first`: nobody has chosen. `course`: the plan's own, chosen by somebody. */
export type Choice =
  | { readonly kind: 'first' }
  | { readonly kind: 'course' }
  | { readonly kind: 'finding'; readonly id: string; readonly like: Pick<Finding, 'rule' | 'step'> | null };

export function choiceOf(finding: string | null, report: PlanReport | null): Choice {
  if (finding === null) return { kind: 'course' };
  const like = report?.findings.find(({ id }) => id === finding) ?? null;
  return { kind: 'finding', id: finding, like: like === null ? null : { rule: like.rule, step: like.step } };
}

/** The same again: by its id, else one of the same rule at the same step, else the first that goes wrong. Null: the plan's own course. */
export function chosenIn({ findings }: PlanReport, choice: Choice): Finding | null {
  if (choice.kind === 'course') return null;
  if (choice.kind === 'finding') {
    const { id, like } = choice;
    const same = findings.find((each) => each.id === id);
    const similar = findings.find(({ rule, step }) => rule === like?.rule && step === like.step);
    if (same !== undefined || similar !== undefined) return same ?? similar ?? null;
  }
  return findings.find(isFirst) ?? null;
}

function isFirst({ severity, allowed, trace }: Finding): boolean {
  return severity === 'error' && allowed === null && trace.length > 0;
}
