/** How a plan's rehearsal stands, as the stage shows it. Knows no editor, so that it can be tested alone. */
import type { RehearsalPart } from '../../webview/protocol.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';

export function rehearsalPart(
  { state, report, isCurrent, progress, message }: Omit<PlanRehearsal, 'uri'>,
  isTrusted: boolean,
): RehearsalPart {
  if (!isTrusted) return { state: 'untrusted', report, isCurrent, progress: null, message: null };
  if (progress === null) return { state, report, isCurrent, progress, message };
  const { phase, step, states, findings } = progress;
  return { state, report, isCurrent, progress: { phase, step, states, findings }, message };
}

export const noRehearsal: RehearsalPart = {
  state: 'none',
  report: null,
  isCurrent: false,
  progress: null,
  message: null,
};
