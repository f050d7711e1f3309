/** An `allow` with a reason: a finding that is accepted, and is shown as such in the report. */
import { ruleNames } from '../plan/rules.ts';
import type { Plan } from '../plan/model.ts';
import type { Finding } from '../report/model.ts';
import type { PlanDocument, TextEdit } from './document.ts';

/** Null where the rule is none that can be allowed, or where it is allowed already. */
export function allowEdit(plan: Plan, document: PlanDocument, finding: Finding, reason: string): TextEdit | null {
  const step = plan.steps.find(({ name }) => name === finding.step);
  const item = step === undefined ? null : document.step(step.index);
  const isRule = ruleNames.some((name) => name === finding.rule);
  if (step === undefined || item === null || !isRule || finding.allowed !== null) return null;
  const entry = `{ rule: ${finding.rule}, reason: ${reason} }`;
  if (document.has(item, 'allow')) return document.addToList(item, 'allow', [`- ${entry}`], entry);
  return document.append(item, [`allow: [${entry}]`]);
}
