/** Which requests a rehearsal ran at which step: what ran nowhere was not shown to be safe. */
import type { Plan, Request } from '../plan/model.ts';
import type { Answers, PlanReport } from '../report/model.ts';
import { buildPositions, positionLabel, type Position } from './positions.ts';
import type { Tally } from './tally.ts';

/** A request of a version that is live at a position. */
export interface RequestRun {
  /** Null before the first step. */
  readonly step: string | null;
  readonly position: string;
  readonly version: string;
  readonly request: string;
  readonly kind: 'read' | 'write';
  readonly ran: boolean;
  /** It ran, and was refused everywhere: nothing was shown about it either. */
  readonly refused: boolean;
  /** Where it is written: that may be another version's. */
  readonly file: string;
  readonly line: number;
}

export function requestRuns(plan: Plan, { exploration }: PlanReport): readonly RequestRun[] {
  const never = new Set(exploration.neverExercised);
  const isRead = ({ statements }: Request): boolean => statements.every((s) => s.node === 'SelectStmt' && !s.modifies);
  return forward(buildPositions(plan).positions).flatMap((position) => runsAt(plan, position, never, isRead));
}

/** A report says nothing of what ran on the ways back alone. */
function forward(positions: readonly Position[]): readonly Position[] {
  return positions.filter(({ phase }) => phase !== 'rolling-back');
}

function runsAt(
  plan: Plan,
  position: Position,
  never: ReadonlySet<string>,
  isRead: (request: Request) => boolean,
): readonly RequestRun[] {
  const label = positionLabel(position);
  return position.live.flatMap((live) => {
    const version = plan.versions.find(({ name }) => name === live);
    return [...(version?.requests.values() ?? [])].map((request): RequestRun => {
      const name = `${live}.${request.name}`;
      return {
        step: position.step?.name ?? null,
        position: label,
        version: live,
        request: request.name,
        kind: isRead(request) ? 'read' : 'write',
        ran: !never.has(name) && !never.has(`${name} at ${label}`),
        refused: never.has(`${name} (refused wherever it ran)`),
        file: request.location.file,
        line: request.location.line,
      };
    });
  });
}

/**
 * The answers of the way forward: for each position and each version that is live there, or whose requests ended there, its
 * reads and its writes, where it has any.
 */
export function answersOf(
  plan: Plan,
  positions: readonly Position[],
  isRead: (request: Request) => boolean,
  neverExercised: readonly string[],
  tallies: readonly Tally[],
): Answers[] {
  const never = new Set(neverExercised);
  return forward(positions).flatMap((position) => {
    const runs = runsAt(plan, position, never, isRead);
    const gone = plan.versions.filter(({ name }) => !position.live.includes(name)).map(({ name }) => name);
    return [...position.live, ...gone].flatMap((version) =>
      (['read', 'write'] as const).flatMap((kind): Answers[] => {
        const all = plan.versions.find(({ name }) => name === version)?.requests.values() ?? [];
        const requests = [...all].filter((request) => isRead(request) === (kind === 'read'));
        const counts = requests.flatMap(({ name }) => tallies.map((tally) => tally.of(position.id, version, name)));
        const held = counts.reduce((n, c) => n + c.held, 0);
        const broken = counts.reduce((n, c) => n + c.broken, 0);
        const own = runs.filter((run) => run.version === version && run.kind === kind);
        if (own.length === 0 && held + broken === 0) return [];
        const unseen = own.filter((run) => !run.ran || run.refused).map((run) => run.request);
        const step = position.step?.name ?? null;
        return [{ step, position: positionLabel(position), version, kind, held, broken, never: unseen }];
      }),
    );
  });
}
