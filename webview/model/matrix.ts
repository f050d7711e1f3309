/** The answer at a glance: steps by versions by reads and writes, each cell held, broken or never exercised. */
import type { Recording } from '../../simulator/player/model.ts';
import type { Answers, Finding, PlanReport } from '../../simulator/report/model.ts';
import { isOfTheWayBack, kindOf, troubles, type Trouble } from './findings.ts';
import { triangleOf, type Reach } from './rollback.ts';
import { count, headline, listed, number, rollbackWords } from './words.ts';

/** `absent`: the version is not live there, or has no such requests. `uncounted`: the report has no counts. */
export type CellState = 'held' | 'broken' | 'never' | 'absent' | 'uncounted';

export interface MatrixCell {
  readonly version: string;
  readonly kind: 'read' | 'write';
  readonly state: CellState;
  readonly held: number;
  readonly broken: number;
  /** Requests about which nothing was shown. */
  readonly never: readonly string[];
  /** What opens its trace. */
  readonly finding: Finding | null;
  /** All of it in words. */
  readonly label: string;
}

export interface MatrixRow {
  /** From 1 on, as everybody counts steps. */
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly line: number;
  /** What is wrong with the step itself, whoever asks: its locks, its SQL. */
  readonly own: readonly Trouble[];
  readonly cells: readonly MatrixCell[];
  readonly reach: Reach;
  readonly reachText: ReachText;
}

export interface ReachText {
  /** What fits a cell. */
  readonly short: string;
  readonly long: string;
}

export interface Matrix {
  readonly versions: readonly string[];
  readonly rows: readonly MatrixRow[];
}

export const kinds = ['read', 'write'] as const;

export function matrixOf(report: PlanReport, recording: Recording | null): Matrix {
  const versions = versionsOf(report, recording);
  const { reaches } = triangleOf(report);
  const all = troubles(report);
  const rows = report.steps.map((step, index): MatrixRow => {
    const here = all.filter((trouble) => trouble.step === step.name && !isOfTheWayBack(trouble));
    const cells = versions.flatMap((version) =>
      kinds.map((kind) => cellOf({ report, recording, here }, step.name, version, kind)),
    );
    const reach = reaches[index] ?? { to: 0, stopped: null, pointOfNoReturn: null };
    return {
      number: index + 1,
      name: step.name,
      kind: step.kind,
      line: step.line,
      own: here.filter(({ request }) => request === null),
      cells,
      reach,
      reachText: reachText(report, reach, index + 1),
    };
  });
  return { versions, rows };
}

/** In the order in which they come to live. */
function versionsOf(report: PlanReport, recording: Recording | null): readonly string[] {
  const counted = report.exploration.answers.map(({ version }) => version);
  const played = recording?.versions.map(({ name }) => name) ?? [];
  const found = report.findings.flatMap(({ version }) => (version === null ? [] : [version]));
  const names = [...new Set([...(played.length > 0 ? played : counted), ...counted, ...found])];
  // A version that is never live answers nothing.
  return counted.length === 0 ? names : names.filter((name) => counted.includes(name) || found.includes(name));
}

interface Here {
  readonly report: PlanReport;
  readonly recording: Recording | null;
  readonly here: readonly Trouble[];
}

function cellOf({ report, recording, here }: Here, step: string, version: string, kind: 'read' | 'write'): MatrixCell {
  const { answers } = report.exploration;
  const own = answers.filter((each) => each.step === step && each.version === version && each.kind === kind);
  const held = own.reduce((sum, each) => sum + each.held, 0);
  const broken = own.reduce((sum, each) => sum + each.broken, 0);
  const never = unseen(own);
  const trouble = here.find(
    (each) =>
      each.version === version &&
      each.request !== null &&
      each.finding.severity === 'error' &&
      kindOf(each.request, each.finding, recording) === kind,
  );
  const state = stateOf({ held, broken, never, isTroubled: trouble !== undefined, isCounted: answers.length > 0 });
  const finding = state === 'broken' ? (trouble?.finding ?? nearest(report, version)) : null;
  const cell = { version, kind, state, held, broken, never, finding };
  const isLive = answers.some((each) => each.step === step && each.version === version);
  return { ...cell, label: `${step}, ${version} ${kind}s: ${cellWords(cell, isLive)}` };
}

function stateOf(of: {
  held: number;
  broken: number;
  never: readonly string[];
  isTroubled: boolean;
  isCounted: boolean;
}): CellState {
  if (of.broken > 0 || of.isTroubled) return 'broken';
  if (of.held > 0) return 'held';
  if (of.never.length > 0) return 'never';
  return of.isCounted ? 'absent' : 'uncounted';
}

/** What was seen at none of the step's positions. */
function unseen(own: readonly Answers[]): readonly string[] {
  const [first, ...others] = own;
  return (first?.never ?? []).filter((request) => others.every(({ never }) => never.includes(request)));
}

/** What is broken later follows from what was found before: it opens the same trace. */
function nearest(report: PlanReport, version: string): Finding | null {
  const errors = troubles(report).filter(
    ({ finding, ...each }) => finding.severity === 'error' && !isOfTheWayBack(each),
  );
  return (errors.find((each) => each.version === version) ?? errors[0])?.finding ?? null;
}

function cellWords(cell: Omit<MatrixCell, 'label'>, isLive: boolean): string {
  const { state, held, broken, never, finding } = cell;
  const unshown = never.length === 0 ? '' : `; ${listed(never)} never exercised`;
  switch (state) {
    case 'held':
      return `held, all ${count(held, 'answer')} as without the migration${unshown}`;
    case 'broken': {
      const counts = broken === 0 ? '' : `, ${number(broken)} of ${count(held + broken, 'answer')} differ`;
      return `broken${counts}${unshown}${finding === null ? '' : `. Opens: ${headline(finding)}`}`;
    }
    case 'never':
      return `never exercised: ${count(never.length, 'request')} (${listed(never)}), which proves nothing`;
    case 'absent':
      return isLive ? `has no ${cell.kind}s` : 'not live';
    case 'uncounted':
      return 'not counted';
  }
}

const pointWords: Readonly<Record<NonNullable<Reach['pointOfNoReturn']>, string>> = {
  declared: 'point of no return, on purpose',
  undeclared: 'point of no return',
  past: 'past the point of no return',
};

function reachText(report: PlanReport, { to, stopped, pointOfNoReturn }: Reach, from: number): ReachText {
  const flagged = pointOfNoReturn === null ? '' : `${pointWords[pointOfNoReturn]}; `;
  if (stopped === null) return { short: 'start', long: `${flagged}back to the start` };
  const why = rollbackWords[stopped.result ?? 'no-plan'];
  const name = (step: number) => (step === 0 ? 'the start' : (report.steps[step - 1]?.name ?? ''));
  if (to === from) {
    const isMeant = pointOfNoReturn === 'declared' || pointOfNoReturn === 'past';
    const short = isMeant ? 'no return' : `nowhere: ${why}`;
    return { short, long: `${flagged}nowhere: ${why}` };
  }
  if (stopped.result === null) return { short: `${to} only`, long: `${flagged}${to} only, ${name(to)}` };
  const short = `${to} only: ${why}`;
  return { short, long: `${flagged}${short} on the way from ${name(to)} to ${name(stopped.to)}` };
}
