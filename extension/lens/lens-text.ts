/** What stands above each step: its verdict, its strongest lock, how far it can be taken back. Knows no editor, so that it can be tested alone. */
import type { Finding, PlanReport, StepReport } from '../../simulator/report/model.ts';
import type { StepPlace } from '../outline.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import { notShown, outcomesOf, type StepOutcome } from '../testing/outcomes.ts';

export type LensCommand =
  | { readonly command: 'cutover.rehearse' | 'cutover.showReport' | 'cutover.cancel' }
  | { readonly command: 'cutover.showTrace' | 'cutover.debugFinding' | 'cutover.openStage'; readonly finding: string };

export interface Lens {
  readonly text: string;
  readonly tooltip: string;
  readonly does: LensCommand;
}

export interface StepLenses {
  readonly step: string;
  readonly lenses: readonly Lens[];
}

const rehearse = { command: 'cutover.rehearse' } as const;
const showReport = { command: 'cutover.showReport' } as const;

export function lensesOf(
  { report, state, isCurrent }: Pick<PlanRehearsal, 'report' | 'state' | 'isCurrent'>,
  places: readonly StepPlace[],
): readonly StepLenses[] {
  const plain = (text: string, tooltip: string, does: LensCommand) =>
    places.map(({ name }) => ({ step: name, lenses: [{ text, tooltip, does }] }));
  if (state === 'running') return plain('$(sync~spin) rehearsing', 'Cancel', { command: 'cutover.cancel' });
  if (report === null || report.verdict === 'invalid')
    return plain('$(beaker) rehearse', 'Run every step of this plan, forward and back', rehearse);
  if (!isCurrent) return plain('? stale: rehearse', 'The plan has changed since it was rehearsed', rehearse);
  const outcomes = outcomesOf(report, places);
  return places.map(({ name, pointOfNoReturn }, i) => {
    const outcome = outcomes[i];
    const found = report.findings.filter(({ step }) => step === name);
    const verdict = outcome === undefined ? [] : [verdictLens(report, outcome, found)];
    const cost = costLens(report.steps.find((each) => each.name === name));
    const back = [...backLens(report, name), ...pointLens(report, name, pointOfNoReturn)];
    return { step: name, lenses: [...verdict, ...cost, ...back, ...found.filter(isError).flatMap(traceLenses)] };
  });
}

const isOpen = ({ allowed }: Finding): boolean => allowed === null;
const isError = (finding: Finding): boolean => isOpen(finding) && finding.severity === 'error';

function verdictLens(report: PlanReport, { forward }: StepOutcome, found: readonly Finding[]): Lens {
  const errors = found.filter(isError);
  const warnings = found.filter((each) => isOpen(each) && each.severity === 'warning');
  const tooltip = [...errors, ...warnings].map(({ rule, message }) => `${rule}: ${message}`).join('\n');
  if (errors.length > 0) return { text: `✗ ${count(errors.length, 'finding')}`, tooltip, does: showReport };
  const unproven = notShown(report);
  if (unproven !== null) return { text: '? unproven', tooltip: unproven, does: showReport };
  if (forward.kind === 'skipped') return { text: '– not reached', tooltip: forward.notes.join('\n'), does: showReport };
  if (warnings.length > 0) return { text: `! ${count(warnings.length, 'warning')}`, tooltip, does: showReport };
  return { text: '✓ held', tooltip: 'Show the report', does: showReport };
}

/** Locks that keep out a read or a write, weakest first. */
const strong: readonly string[] = ['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'];

export function strongest(locks: StepReport['locks']): StepReport['locks'][number] | null {
  const ranked = locks.filter(({ mode }) => strong.includes(mode));
  return ranked.toSorted((a, b) => strong.indexOf(b.mode) - strong.indexOf(a.mode))[0] ?? null;
}

/** Nothing for a step that stands in nobody's way. Its numbers are estimates, and say so. */
function costLens(step: StepReport | undefined): readonly Lens[] {
  const lock = strongest(step?.locks ?? []);
  if (step === undefined || lock === null) return [];
  const { forecast } = step;
  const hold = forecast === null || forecast.holdMs === 0 ? [] : [`about ${duration(forecast.holdMs)}`];
  const tooltip =
    forecast === null
      ? 'Seen on the engine; there is no forecast'
      : 'The lock was seen on the engine; the times are estimates at the size of production';
  return [
    { text: [`${lock.mode} on ${lock.relation}`, ...hold, ...outage(forecast)].join(', '), tooltip, does: showReport },
  ];
}

function outage(forecast: StepReport['forecast']): readonly string[] {
  if (forecast === null) return [];
  if (forecast.outageMs > 0) return [`outage of about ${duration(forecast.outageMs)}`];
  const behind = forecast.behindSlowQuery;
  if (behind === null || behind.outageMs === 0) return [];
  return [`outage of about ${duration(behind.outageMs)} behind a query of ${duration(behind.slowQueryMs)}`];
}

/** The furthest step that every way back to it is safe to. */
export function backTo({ rollback }: PlanReport, step: string): { to: string; result: string } | null {
  const cells = rollback.filter(({ from }) => from === step);
  const bad = cells.findIndex(({ result }) => result !== 'safe');
  const last = cells[(bad === -1 ? cells.length : bad) - 1];
  if (last !== undefined) return { to: last.to, result: 'safe' };
  const [first] = cells;
  return first === undefined ? null : { to: first.to, result: first.result };
}

function backLens(report: PlanReport, step: string): readonly Lens[] {
  const back = backTo(report, step);
  if (back === null) return [];
  const name = back.to === 'start' ? 'the start' : back.to;
  if (back.result === 'safe')
    return [
      {
        text: `↩ back to ${name}`,
        tooltip: 'As far as the plan can be rolled back from here with no failure and no lost write',
        does: showReport,
      },
    ];
  const why = {
    fails: 'it fails',
    'breaks-requests': 'requests fail',
    'loses-writes': 'writes are lost',
    'no-plan': 'none is written',
  };
  const reason = why[back.result as keyof typeof why];
  return [{ text: `✗ no safe way back: ${reason}`, tooltip: `Back to ${name}: ${reason}`, does: showReport }];
}

function pointLens({ pointOfNoReturn }: PlanReport, step: string, declared: boolean): readonly Lens[] {
  if (pointOfNoReturn !== step) return [];
  const tooltip = declared
    ? 'Declared: once it has begun, the steps before it are not rolled back any more'
    : 'The first step that cannot be rolled back safely; the plan does not declare it';
  return [{ text: `⚑ point of no return${declared ? '' : ', undeclared'}`, tooltip, does: showReport }];
}

function traceLenses({ id, rule, message, trace }: Finding): readonly Lens[] {
  if (trace.length === 0) return [];
  return [
    { text: `show trace: ${rule}`, tooltip: message, does: { command: 'cutover.showTrace', finding: id } },
    { text: 'debug', tooltip: `Step through: ${message}`, does: { command: 'cutover.debugFinding', finding: id } },
    { text: 'stage', tooltip: `See on the stage: ${message}`, does: { command: 'cutover.openStage', finding: id } },
  ];
}

export function count(amount: number, noun: string): string {
  return `${amount.toLocaleString('en')} ${noun}${amount === 1 ? '' : 's'}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
