/** What the search sees go wrong, and how what follows from one cause is kept together. */
import type { Severity, TraceEvent } from '../report/model.ts';
import type { RuleId } from '../findings/catalog.ts';
import type { Location, Step } from '../plan/model.ts';
import type { Answer } from './answer.ts';
import type { Action } from './programs.ts';
import { pathTo, type Node, type SearchEvent } from './state.ts';

export interface Violation {
  readonly rule: RuleId;
  /** Where the rule's usual severity does not fit. */
  readonly severity?: Severity;
  readonly step: Step;
  /** The state it shows in; null for what is read from the plan. */
  readonly node: Node | null;
  /** What happens last: the request that fails, the batch that gives an error. */
  readonly event: SearchEvent | null;
  readonly version: string | null;
  readonly action: Action | null;
  /** The version that wrote the request's SQL. */
  readonly definedIn: string | null;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly sqlstate: string | null;
  readonly message: string;
  readonly location: Location;
  /** What the final request or statement must give again when it is replayed. */
  readonly outcome: Answer | null;
  /** Further events after `node`, for checks that run on from it. */
  readonly tail?: readonly SearchEvent[];
  /** What was seen, where it is not a history of requests that is played again. */
  readonly trace?: readonly TraceEvent[];
  /** Instead of the rule's own. */
  readonly hint?: string;
  /** Tells apart what is of the same rule at the same step. */
  readonly subject?: string;
}

export interface Group {
  readonly head: Violation;
  readonly followers: Violation[];
}

const contentRules = new Set<RuleId>(['rollback-loses-writes', 'lost-write', 'wrong-answer', 'resurrected-row']);
const errorRules = new Set<RuleId>(['request-fails', 'request-accepted', 'rollback-breaks-requests']);

/** Rules that follow from nothing but themselves. */
const apart: ReadonlyMap<RuleId, string> = new Map<RuleId, string>([
  ['cached-plan', 'prepared'],
  ['straggler', 'straggler'],
]);

/** What makes two violations the same symptom, wherever they show. */
function symptoms(v: Violation): string[] {
  if (v.action === null) return [];
  const request = `${v.definedIn ?? ''}.${v.action.request}`;
  const own = apart.get(v.rule);
  if (own !== undefined) return [`${request}|${own}`];
  // What is lost for good is another thing than what comes late.
  if (v.rule === 'stale-read') return [`${request}|stale`, `${request}|content`];
  // A request already known to read wrongly that later fails is the same trouble; not the reverse.
  return errorRules.has(v.rule) ? [`${request}|${v.sqlstate ?? ''}`, `${request}|content`] : [`${request}|content`];
}

/** The request that a violation shows in, and how. */
export function symptomOf(v: Violation): string | null {
  if (v.action === null) return null;
  if (v.rule === 'stale-read') return `${v.definedIn ?? ''}.${v.action.request}|stale`;
  return `${v.definedIn ?? ''}.${v.action.request}|${apart.get(v.rule) ?? (errorRules.has(v.rule) ? (v.sqlstate ?? '') : 'content')}`;
}

/** True when the trace has a request whose statements committed one by one, so that its outcome was open for a while. */
function isUncertain(violation: Violation): boolean {
  return violation.node !== null && pathTo(violation.node).some((n) => n.flights.length > 0);
}

export class Collector {
  private readonly byPlace = new Map<string, Group>();
  private readonly bySymptom = new Map<string, Group>();
  readonly groups: Group[] = [];

  /** The same findings; what is added to one is not added to the other. */
  copy(): Collector {
    const copy = new Collector();
    for (const group of this.groups) {
      copy.add(group.head);
      for (const follower of group.followers) copy.addTo(group.head, follower);
    }
    return copy;
  }

  /** Adds a violation: to the finding that it follows from, or as a new one. The first to come has the shortest trace. */
  add(violation: Violation): void {
    const place = `${violation.rule}|${violation.step.index}|${this.placeDetail(violation)}`;
    const known = this.byPlace.get(place) ?? this.followed(violation);
    const own = symptomOf(violation);
    if (known !== undefined) {
      if (own !== null && !this.bySymptom.has(own)) this.bySymptom.set(own, known);
      if (known.head !== violation) this.follow(known, violation);
      return;
    }
    const group: Group = { head: violation, followers: [] };
    this.groups.push(group);
    this.byPlace.set(place, group);
    if (own !== null) this.bySymptom.set(own, group);
  }

  private placeDetail(violation: Violation): string {
    return violation.subject ?? (violation.rule === 'never-exercised' ? violation.message : '');
  }

  private followed(violation: Violation): Group | undefined {
    // A constraint that some rows already break when it comes is broken by the next write as well.
    if (violation.rule === 'request-fails' && /^2[23]/.test(violation.sqlstate ?? '')) {
      const same = this.groups.find(
        (g) =>
          g.head.rule === 'migrate-fails' && g.head.step === violation.step && g.head.sqlstate === violation.sqlstate,
      );
      if (same !== undefined) return same;
    }
    // A stream that is stuck, or goes on for ever, is so at every step from then on.
    if (violation.rule === 'stream-fails' || violation.rule === 'stream-echo') {
      const { rule, subject, step } = violation;
      const same = this.groups.find(
        ({ head }) => head.rule === rule && head.subject === subject && head.step.index <= step.index,
      );
      if (same !== undefined) return same;
    }
    // A way back that failed, or left something behind, is in the way when the step comes again.
    if (violation.rule === 'migrate-fails' && violation.node?.rolledBack === true) {
      const back = this.groups.find(
        (g) => /^rollback-(fails|breaks-requests|loses-writes)$/.test(g.head.rule) && g.head.step === violation.step,
      );
      if (back !== undefined) return back;
    }
    // Rolled back and out again, a backfill that can't be run twice is run twice.
    if (violation.node?.stage === 2) {
      const twice = this.groups.find(
        (g) => g.head.rule === 'backfill-not-idempotent' && g.head.step.index <= violation.step.index,
      );
      if (twice !== undefined) return twice;
    }
    // Two places that drifted apart are read apart on the way back, and after it, as well as on the way forward.
    if (contentRules.has(violation.rule) && violation.node?.rolledBack === true && isUncertain(violation)) {
      const drift = this.groups.find((g) => g.head.rule === 'lost-write' || g.head.rule === 'backfill-overwrites');
      if (drift !== undefined) return drift;
    }
    for (const symptom of symptoms(violation)) {
      const group = this.bySymptom.get(symptom);
      if (group !== undefined && group.head.step.index <= violation.step.index) return group;
      // A way back that shows again what the same step showed on the way forward.
      if (
        group !== undefined &&
        violation.rule.startsWith('rollback-') &&
        group.head.step.index <= violation.step.index + 1
      )
        return group;
    }
    return undefined;
  }

  private follow(group: Group, violation: Violation): void {
    const same = (v: Violation): boolean =>
      v.rule === violation.rule &&
      v.step === violation.step &&
      v.version === violation.version &&
      v.subject === violation.subject &&
      v.action?.request === violation.action?.request;
    if (same(group.head) || group.followers.some(same)) return;
    group.followers.push(violation);
  }

  /** Lists a violation under the finding that another belongs to. */
  addTo(head: Violation, follower: Violation): void {
    const group = this.groups.find((g) => g.head === head || g.followers.includes(head));
    if (group !== undefined) this.follow(group, follower);
  }
}
