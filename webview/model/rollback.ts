/** How far back each step of a plan can be rolled: the triangle of a report, and what it comes to for a step. */
import type { Finding, PlanReport, RollbackResult } from '../../simulator/report/model.ts';
import { isOfTheWayBack, ranked } from './findings.ts';

/** Of two results for one way back the worse counts. */
const severity: readonly RollbackResult[] = ['safe', 'no-plan', 'breaks-requests', 'loses-writes', 'fails'];

/** Steps count from 1; 0 is the start. */
export interface WayBack {
  readonly from: number;
  readonly to: number;
  /** Null: nobody walked it, since it leads through one that is not safe or not there. */
  readonly result: RollbackResult | null;
  /** What shows why it is not safe. */
  readonly finding: Finding | null;
}

export interface Reach {
  /** The furthest step, or 0, that all of the way to is safe; the step's own number where none is. */
  readonly to: number;
  /** The first that is not; null where the start is reached. */
  readonly stopped: WayBack | null;
  /** `past`: the plan has declared one before this step, and says that there is no way back from here either. */
  readonly pointOfNoReturn: 'declared' | 'undeclared' | 'past' | null;
}

export interface Triangle {
  /** For each step from 1 on, its ways back: to 0 first. */
  readonly rows: readonly (readonly WayBack[])[];
  readonly reaches: readonly Reach[];
}

export function triangleOf(report: PlanReport): Triangle {
  const numbers = new Map(report.steps.map(({ name }, index) => [name, index + 1]));
  const results = new Map<string, RollbackResult>();
  for (const { from, to, result } of report.rollback) {
    const key = `${numbers.get(from) ?? 0} ${numbers.get(to) ?? 0}`;
    const known = results.get(key);
    if (known === undefined || severity.indexOf(known) < severity.indexOf(result)) results.set(key, result);
  }
  const rows = report.steps.map((_, index) =>
    Array.from({ length: index + 1 }, (_, to): WayBack => {
      const result = results.get(`${index + 1} ${to}`) ?? null;
      const finding = result === 'safe' ? null : findingBetween(report, index + 1, to);
      return { from: index + 1, to, result, finding };
    }),
  );
  return { rows, reaches: rows.map((row, index) => reachOf(report, row, index + 1)) };
}

function reachOf(report: PlanReport, row: readonly WayBack[], from: number): Reach {
  const stopped = row.toReversed().find(({ result }) => result !== 'safe') ?? null;
  const point = report.steps.findIndex(({ name }) => name === report.pointOfNoReturn) + 1;
  return {
    to: stopped === null ? 0 : stopped.to + 1,
    stopped,
    pointOfNoReturn: kindOfPoint(report, point, from, stopped),
  };
}

function kindOfPoint(
  report: PlanReport,
  point: number,
  from: number,
  stopped: WayBack | null,
): Reach['pointOfNoReturn'] {
  if (point === from) return isDeclared(report, from) ? 'declared' : 'undeclared';
  const isPast = point > 0 && point < from && isDeclared(report, point) && isDeclared(report, from);
  return isPast && stopped?.result === 'no-plan' ? 'past' : null;
}

/** The plan says on purpose that there is no way back from a step. */
function isDeclared(report: PlanReport, step: number): boolean {
  const name = report.steps[step - 1]?.name;
  return report.findings.some((each) => each.rule === 'no-rollback' && each.step === name && each.severity === 'info');
}

/** Of a way back through several steps: the finding of the last that is undone, or of any other. */
function findingBetween(report: PlanReport, from: number, to: number): Finding | null {
  const undone = report.steps.slice(to, from).map(({ name }) => name);
  const candidates = ranked(report.findings).filter((finding) =>
    [finding, ...finding.consequences].some((each) => isOfTheWayBack(each) && undone.includes(each.step)),
  );
  return candidates.find(({ step }) => step === undone[0]) ?? candidates[0] ?? null;
}
