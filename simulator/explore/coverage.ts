/** Which requests a rehearsal ran at which step: what ran nowhere was not shown to be safe. */
import type { Plan } from '../plan/model.ts';
import type { PlanReport } from '../report/model.ts';
import { buildPositions, positionLabel } from './positions.ts';
import { onlyRead } from './programs.ts';

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
  const { positions } = buildPositions(plan);
  return positions.flatMap((position) => {
    // A report says nothing of what ran on the ways back alone.
    if (position.phase === 'rolling-back') return [];
    return position.live.flatMap((live) => {
      const version = plan.versions.find(({ name }) => name === live);
      return [...(version?.requests.values() ?? [])].map((request): RequestRun => {
        const name = `${live}.${request.name}`;
        const label = positionLabel(position);
        return {
          step: position.step?.name ?? null,
          position: label,
          version: live,
          request: request.name,
          kind: onlyRead(request.statements) ? 'read' : 'write',
          ran: !never.has(name) && !never.has(`${name} at ${label}`),
          refused: never.has(`${name} (refused wherever it ran)`),
          file: request.location.file,
          line: request.location.line,
        };
      });
    });
  });
}
