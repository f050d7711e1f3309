/** What ran where, as lines with branches. Knows no editor, so that it can be tested alone. */
import type { RequestRun } from '../../simulator/explore/coverage.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import type { StepPlace } from '../outline.ts';

export interface CoveredLine {
  /** From 0. */
  readonly line: number;
  /** How often: at so many positions, or so many requests. */
  readonly count: number;
  readonly branches: readonly { readonly label: string; readonly ran: boolean }[];
}

/** The lines of requests, which count where they ran, and those of steps, which count what ran there. */
export function coveredLines(
  report: PlanReport,
  places: readonly StepPlace[],
  runs: readonly RequestRun[],
): readonly CoveredLine[] {
  const own = runs.filter(({ file }) => file === report.file);
  const lines = [...new Set(own.map(({ line }) => line))].toSorted((a, b) => a - b);
  return [...lines.map((line) => requestLine(own, line)), ...places.map((place) => stepLine(report, place, runs))];
}

const shown = ({ ran, refused }: RequestRun): boolean => ran && !refused;

function requestLine(runs: readonly RequestRun[], line: number): CoveredLine {
  const own = runs.filter((run) => run.line === line);
  const branches = own.map((run) => ({
    label: `${run.version}.${run.request} at ${run.position}${run.refused ? ', refused everywhere' : ''}`,
    ran: shown(run),
  }));
  return { line: line - 1, count: own.filter(shown).length, branches };
}

/** Branches: each version's reads, its writes, and the way back with it. */
function stepLine({ rollback }: PlanReport, { name, line }: StepPlace, runs: readonly RequestRun[]): CoveredLine {
  const own = runs.filter(({ step }) => step === name);
  const wentBack = rollback.some(({ from }) => from === name);
  const branches = [...new Set(own.map(({ version }) => version))].flatMap((version) => {
    const of = (kind: RequestRun['kind']) => own.filter((run) => run.version === version && run.kind === kind);
    const kinds = (['read', 'write'] as const).filter((kind) => of(kind).length > 0);
    return [
      ...kinds.map((kind) => ({ label: `${version} ${kind}s`, ran: of(kind).every(shown) })),
      { label: `${version} rolled back`, ran: wentBack },
    ];
  });
  return { line, count: own.filter(shown).length, branches };
}
