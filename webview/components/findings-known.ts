/** The findings that tools may show of the plan at hand. */
import type { Finding } from '../../simulator/report/model.ts';
import type { Store } from '../store.ts';

/** All of the report; the one that is played, where there is no report. */
export function knownFindings(store: Store): readonly Finding[] {
  const played = store.finding.value;
  return store.report.value?.findings ?? (played === null ? [] : [played]);
}
