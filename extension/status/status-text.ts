/** What the status bar says of a plan. Knows no editor, so that it can be tested alone. */
import type { PlanReport } from '../../simulator/report/model.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';

export interface Status {
  readonly text: string;
  readonly tooltip: string;
  readonly command: 'cutover.rehearse' | 'cutover.cancel' | 'cutover.showReport' | 'workbench.actions.view.problems';
}

export interface StatusFacts {
  readonly rehearsal: Pick<PlanRehearsal, 'state' | 'report' | 'isCurrent' | 'progress' | 'message'>;
  /** Mistakes in the plan as it is typed. */
  readonly mistakes: number;
  readonly isTrusted: boolean;
}

const icons: Readonly<Record<PlanReport['verdict'], string>> = {
  safe: '$(pass)',
  unsafe: '$(error)',
  unproven: '$(question)',
  invalid: '$(warning)',
};

export function statusOf({ rehearsal, mistakes, isTrusted }: StatusFacts): Status {
  const { state, report } = rehearsal;
  if (state === 'running') return running(rehearsal.progress);
  if (mistakes > 0) {
    const text = `$(warning) Cutover: invalid, ${count(mistakes, 'mistake')}`;
    return { text, tooltip: 'The plan has mistakes. Show them.', command: 'workbench.actions.view.problems' };
  }
  if (!isTrusted) {
    const tooltip = 'Plans are checked here, but not run: the workspace is not trusted.';
    return { text: '$(shield) Cutover: not run', tooltip, command: 'workbench.actions.view.problems' };
  }
  if (state === 'failed') {
    const tooltip = `The rehearsal failed: ${rehearsal.message ?? 'for an unknown reason'}. Rehearse again.`;
    return { text: '$(alert) Cutover: failed', tooltip, command: 'cutover.rehearse' };
  }
  if (state === 'cancelled')
    return { text: '$(circle-slash) Cutover: cancelled', tooltip: 'Rehearse again.', command: 'cutover.rehearse' };
  if (report === null)
    return { text: '$(play) Cutover: rehearse', tooltip: 'Rehearse this plan.', command: 'cutover.rehearse' };
  if (!rehearsal.isCurrent) {
    const tooltip = `The plan has changed since it was rehearsed; it was ${report.verdict}. Rehearse it.`;
    return { text: '$(history) Cutover: stale', tooltip, command: 'cutover.rehearse' };
  }
  return verdict(report);
}

function running(progress: PlanRehearsal['progress']): Status {
  const far =
    progress === null
      ? 'waiting'
      : [progress.phase, ...(progress.states > 0 ? [count(progress.states, 'state')] : [])].join(', ');
  const step = progress?.step ?? null;
  const tooltip = `${step === null ? 'Rehearsing' : `Rehearsing ${step}`}. Select to cancel.`;
  return { text: `$(sync~spin) Cutover: ${far}`, tooltip, command: 'cutover.cancel' };
}

function verdict(report: PlanReport): Status {
  const open = report.findings.filter((finding) => finding.allowed === null);
  const of = (severity: string) => open.filter((finding) => finding.severity === severity).length;
  const parts = [
    ...(report.verdict === 'invalid' ? [count(report.errors.length, 'mistake')] : []),
    ...(of('error') > 0 ? [count(of('error'), 'error')] : []),
    ...(of('warning') > 0 ? [count(of('warning'), 'warning')] : []),
  ];
  const tally = parts.length > 0 ? `: ${parts.join(', ')}` : '';
  return {
    text: `${icons[report.verdict]} Cutover: ${report.verdict}${tally.replace(':', ',')}`,
    tooltip: `${report.title}\n${covered(report)}\nShow the report.`,
    command: 'cutover.showReport',
  };
}

function covered({ exploration }: PlanReport): string {
  const { complete, writeBound, cut, states } = exploration;
  if (!complete) return `Not every history: ${count(states, 'state')}${cut === null ? '' : `; cut short: ${cut}`}`;
  const histories = writeBound === null ? 'Every history' : `Every history of up to ${count(writeBound, 'write')}`;
  return `${histories}: ${count(states, 'state')}`;
}

function count(amount: number, noun: string): string {
  return `${amount.toLocaleString('en')} ${noun}${amount === 1 ? '' : 's'}`;
}
