/** From a report to the outcome of each step, forward and back. Knows no editor, so that it can be tested alone. */
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import type { StepPlace } from '../outline.ts';

export type Direction = 'forward' | 'rollback';

export type Outcome =
  | { readonly kind: 'passed'; readonly notes: readonly string[] }
  | { readonly kind: 'failed'; readonly findings: readonly Finding[]; readonly notes: readonly string[] }
  /** Nothing was shown, for this reason. */
  | { readonly kind: 'errored'; readonly message: string }
  | { readonly kind: 'skipped'; readonly notes: readonly string[] };

export interface StepOutcome {
  readonly step: string;
  readonly forward: Outcome;
  readonly rollback: Outcome;
}

export function outcomesOf(report: PlanReport, places: readonly StepPlace[]): readonly StepOutcome[] {
  return places.map((place, i) => {
    const own = report.findings.filter(({ step }) => step === place.name);
    const isReached = reached(report, places, i);
    return {
      step: place.name,
      forward: forward(
        report,
        own.filter((each) => !isOfWayBack(each)),
        isReached,
      ),
      rollback: rollback(report, place, places[i - 1] ?? null, own.filter(isOfWayBack), isReached),
    };
  });
}

/** Findings of the way back, and of locks that only it takes. */
export function isOfWayBack({ rule, trace }: Finding): boolean {
  return rule.startsWith('rollback-') || rule === 'no-rollback' || trace[0]?.kind === 'rollback';
}

const counts = ({ severity, allowed }: Finding): boolean => severity === 'error' && allowed === null;

/** Whether some history came to the end of the step. Past a declared point of no return the triangle does not say so. */
function reached({ rollback }: PlanReport, places: readonly StepPlace[], index: number): boolean {
  const isStart = (i: number) => i < 0 || rollback.some(({ from }) => from === places[i]?.name);
  if (isStart(index)) return true;
  const declared = places.findIndex(({ pointOfNoReturn }) => pointOfNoReturn);
  return declared !== -1 && index >= declared && isStart(declared - 1);
}

function forward(report: PlanReport, findings: readonly Finding[], isReached: boolean): Outcome {
  const open = findings.filter(counts);
  const notes = findings.filter((each) => !counts(each)).map(noteOf);
  if (open.length > 0) return { kind: 'failed', findings: open, notes };
  const unproven = notShown(report);
  if (unproven !== null) return { kind: 'errored', message: unproven };
  return isReached ? { kind: 'passed', notes } : { kind: 'skipped', notes: [...notes, notReached] };
}

const notReached = 'No history came to the end of this step: what was found before it ends them all.';

function rollback(
  report: PlanReport,
  place: StepPlace,
  before: StepPlace | null,
  findings: readonly Finding[],
  isReached: boolean,
): Outcome {
  const open = findings.filter(counts);
  const to = before?.name ?? 'start';
  const cell = report.rollback.find((each) => each.from === place.name && each.to === to);
  const isBad = cell !== undefined && cell.result !== 'safe';
  const triangle = isBad ? [`The way back from "${place.name}" to "${to}": ${words[cell.result]}.`] : [];
  const notes = [...findings.filter((each) => !counts(each)).map(noteOf), ...triangle];
  if (open.length > 0) return { kind: 'failed', findings: open, notes };
  const cause = isBad ? causeOf(report, place.name) : null;
  if (cause !== null && counts(cause)) return { kind: 'failed', findings: [cause], notes };
  const unproven = notShown(report);
  if (unproven !== null) return { kind: 'errored', message: unproven };
  if (place.rollback === 'none') return { kind: 'skipped', notes: [...notes, 'It has no way back, on purpose.'] };
  if (!isReached) return { kind: 'skipped', notes: [...notes, notReached] };
  if (isBad && cause === null && findings.length === 0)
    return { kind: 'errored', message: `${triangle[0] ?? ''} No finding explains it.` };
  return { kind: 'passed', notes };
}

/** The finding, at another step, that this step's way back is a consequence of. */
function causeOf({ findings }: PlanReport, step: string): Finding | null {
  const follows = ({ consequences }: Finding) =>
    consequences.some((each) => each.step === step && each.rule.startsWith('rollback-'));
  return findings.find((each) => follows(each) && counts(each)) ?? findings.find(follows) ?? null;
}

const words = {
  safe: 'safe',
  fails: 'it fails',
  'breaks-requests': 'requests fail after it',
  'loses-writes': 'it loses writes',
  'no-plan': 'there is none',
} as const;

/** Why nothing is shown of what has no finding; null when the search came to its end. */
export function notShown({ verdict, exploration, errors }: PlanReport): string | null {
  if (verdict === 'invalid') return `The plan is not valid: ${errors[0]?.message ?? 'it could not be loaded'}`;
  if (exploration.complete) return null;
  const why = exploration.cut ?? errors[0]?.message ?? 'it was cut short';
  return `Unproven: not every history was searched (${why}).`;
}

function noteOf({ rule, severity, message, allowed, hint }: Finding): string {
  return allowed === null
    ? `${severity} ${rule}: ${message}${hint === '' ? '' : `\n  ${hint}`}`
    : `allowed ${rule}: ${message}\n  ${allowed}`;
}

const longest = 200;

/** Short enough to be read beside the line. */
export function short(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** The output panel is a terminal. */
export function terminalText(lines: readonly string[]): string {
  return lines.map((line) => `${line.replaceAll(/\r?\n/g, '\r\n')}\r\n`).join('');
}
