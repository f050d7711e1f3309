/** From searches to a report: exact rules, replayed traces, what was never exercised, what was allowed. */
import { parseContent } from '../engine/content.ts';
import { ruleOf } from '../findings/catalog.ts';
import type { Plan, Step } from '../plan/model.ts';
import type { Answers, Finding, PlanReport } from '../report/model.ts';
import { findCause } from './attribute.ts';
import { planViolation } from './blame.ts';
import { classify } from './classify.ts';
import { answersOf } from './coverage.ts';
import { maxFlights, maxFlightsAfterRollback } from './evaluate.ts';
import type { Ground } from './ground.ts';
import { positionLabel } from './positions.ts';
import { remedyOf, type Remedy } from './remedy.ts';
import { replayViolation, type ReplayInput } from './replay.ts';
import { maxLag } from './replica.ts';
import type { Search } from './search.ts';
import { pathTo } from './state.ts';
import { maxPending } from './streams.ts';
import { traceOf } from './trace.ts';
import { Collector, type Group, type Violation } from './violations.ts';

export class Conclusion {
  /** The violation behind each finding, by the finding's id. */
  readonly heads = new Map<string, Violation>();

  constructor(
    private readonly plan: Plan,
    private readonly ground: Ground,
    private readonly searches: readonly Search[],
    private readonly collector: Collector,
    private readonly seed: number,
    /** True when no search was cut. */
    private readonly closed: boolean,
    /** Searches with stragglers: what is found in them is a finding, and nothing else of them counts. */
    private readonly lingering: readonly Search[] = [],
  ) {}

  /** The search that a violation's states belong to. */
  private ownerOf(violation: Violation): Search | null {
    const root = violation.node === null ? undefined : pathTo(violation.node)[0];
    return [...this.searches, ...this.lingering].find((s) => s.nodes[0] === root) ?? null;
  }

  replayInput(violation: Violation): ReplayInput {
    const search = this.ownerOf(violation);
    if (search === null) throw new RangeError('a violation of no search');
    return { plan: this.plan, engine: this.ground.engine, search, seed: this.seed };
  }

  domainReport(): Record<string, (string | null)[]> {
    const domain: Record<string, (string | null)[]> = {};
    for (const [request, params] of this.ground.domains)
      for (const param of params.keys()) {
        const values = new Set(
          this.plan.versions.flatMap((v) =>
            v.requests.has(request) ? [...this.ground.programs.values(v, request, param)] : [],
          ),
        );
        domain[`${request}.${param}`] = [...values];
      }
    if (this.plan.versions.some((v) => [...v.requests.values()].some((r) => this.ground.programs.isStepwise(r))))
      domain['requests in flight'] = [
        `${maxFlights} at once`,
        `${maxFlightsAfterRollback} after a way back`,
        'one process dies',
      ];
    if (this.plan.steps.some((s) => s.kind === 'cdc'))
      domain['changes in a stream'] = [`${maxPending} before another request`, 'the last one may come twice'];
    if (this.searches.some((s) => s.replica.isRead)) domain['replica'] = [`up to ${maxLag} commits behind`];
    for (const [request, [searched, all]] of this.searches.flatMap((s) => [...s.input.programs.limited]))
      domain[request] = [`${searched} of ${all} combinations`];
    return domain;
  }

  /** Requests that were not run where their version is live, and those that were refused wherever they ran. */
  neverExercised(): string[] {
    const missing: string[] = [];
    for (const version of this.plan.versions) {
      const positions = this.ground.positions.filter(
        (p) => p.live.includes(version.name) && p.phase !== 'rolling-back',
      );
      for (const request of version.requests.keys()) {
        const name = `${version.name}.${request}`;
        const not = positions.filter(
          (p) => !this.searches.some((s) => s.evaluator.tally.of(p.id, version.name, request).ran > 0),
        );
        if (not.length === positions.length) missing.push(name);
        else for (const p of not) missing.push(`${name} at ${positionLabel(p)}`);
        if (
          this.closed &&
          not.length < positions.length &&
          !this.searches.some((s) => s.evaluator.accepted.has(`${version.name}|${request}`)) &&
          !this.failsAnyway(version.name, request)
        )
          missing.push(`${name} (refused wherever it ran)`);
      }
    }
    if (missing.length > 0 && this.closed) this.collector.add(this.neverExercisedViolation(missing));
    return missing;
  }

  answers(neverExercised: readonly string[]): Answers[] {
    const { positions, programs } = this.ground;
    const tallies = this.searches.map((s) => s.evaluator.tally);
    return answersOf(this.plan, positions, (request) => programs.isRead(request), neverExercised, tallies);
  }

  /** A finding says already that it fails. */
  private failsAnyway(version: string, request: string): boolean {
    return this.collector.groups.some(({ head, followers }) =>
      [head, ...followers].some((v) => v.version === version && v.action?.request === request),
    );
  }

  private neverExercisedViolation(missing: readonly string[]): Violation {
    const step = this.plan.steps.find((s) => missing.some((m) => m.includes(`at ${s.name}`))) ?? this.plan.steps[0];
    if (step === undefined) throw new RangeError('a plan has steps');
    const shown = missing.slice(0, 5).join(', ');
    return planViolation(
      'never-exercised',
      step,
      `${missing.length > 5 ? `${shown} and ${missing.length - 5} more` : shown}: never run, or never accepted; nothing was shown about them`,
    );
  }

  async findings(canReplay: boolean): Promise<{ findings: Finding[]; errors: PlanReport['errors'] }> {
    const errors: PlanReport['errors'] = [];
    const findings: Finding[] = [];
    const groups = await this.classified(canReplay);
    for (const group of groups) {
      // What can't be replayed any more, since the engine is gone, is no finding.
      if (!canReplay && group.head.node !== null) continue;
      if (group.head.node !== null) {
        const replay = await replayViolation(this.replayInput(group.head), group.head);
        if (!replay.ok) {
          errors.push(this.notReproduced(group.head, replay.why));
          continue;
        }
      }
      const remedy = canReplay ? await this.remedy(group.head) : null;
      const finding = this.finding(group, findings, remedy);
      this.heads.set(finding.id, group.head);
      findings.push(finding);
    }
    findings.sort((a, b) => this.stepIndex(a.step) - this.stepIndex(b.step));
    return { findings: [...findings, ...this.unusedAllowances(findings)], errors };
  }

  /** Exact rules; two that turn out to be the same rule at the same step become one. */
  private async classified(canAsk: boolean): Promise<readonly Group[]> {
    if (!canAsk) return this.collector.groups;
    const collector = new Collector();
    // A step that fails comes before the requests that fail for the same reason.
    const isStep = (group: Group): number => (group.head.rule === 'migrate-fails' ? 0 : 1);
    for (const group of [...this.collector.groups].sort((a, b) => isStep(a) - isStep(b))) {
      const search = this.ownerOf(group.head);
      const head =
        search === null
          ? group.head
          : await classify(search, group.head, (c) => parseContent(this.ground.transitions.contents.text(c)));
      collector.add(head);
      for (const follower of group.followers) collector.addTo(head, follower);
    }
    return collector.groups;
  }

  private notReproduced(violation: Violation, why: string): PlanReport['errors'][number] {
    const message = `A defect of Cutover: ${violation.rule} at "${violation.step.name}" did not come out again when its trace was replayed (${why}). It is no finding.`;
    return { code: 'not-reproduced', message, ...violation.location, suggestion: null };
  }

  private stepIndex(name: string): number {
    return this.plan.steps.findIndex((s) => s.name === name);
  }

  /** What caused a finding, by what makes it go away. Null where that can't be asked. */
  private async remedy(head: Violation): Promise<Remedy | null> {
    const search = this.ownerOf(head);
    if (search === null) return null;
    return remedyOf(search, this.plan, head, await findCause(search, this.plan, head));
  }

  private finding(group: Group, before: readonly Finding[], remedy: Remedy | null): Finding {
    const { head } = group;
    const rule = ruleOf(head.rule);
    const id = `${head.rule}-${slug(head.step.name)}`;
    const twins = before.filter((f) => f.id === id || f.id.startsWith(`${id}-`)).length;
    const allow = [...head.step.allow, ...this.plan.allow].find((a) => a.rule === head.rule);
    return {
      id: twins === 0 ? id : `${id}-${twins + 1}`,
      rule: head.rule,
      severity: head.severity ?? rule.severity,
      step: head.step.name,
      cause: head.rule === 'never-exercised' ? null : (remedy?.step ?? head.step).name,
      ...(remedy?.why == null ? {} : { why: remedy.why }),
      version: head.version,
      request: head.action?.request ?? null,
      message: head.message,
      expected: head.expected,
      actual: head.actual,
      sqlstate: head.sqlstate,
      line: head.location.line,
      column: head.location.column,
      allowed: allow?.reason ?? null,
      hint: head.hint ?? remedy?.hint ?? rule.hint,
      consequences: group.followers.map((f) => ({
        rule: f.rule,
        step: f.step.name,
        version: f.version,
        request: f.action?.request ?? null,
        message: f.message,
      })),
      trace: traceOf(head, this.plan, this.ownerOf(head)?.input.positions ?? this.ground.positions),
    };
  }

  /** An allowance that matches nothing hides nothing, and is itself reported. */
  private unusedAllowances(findings: readonly Finding[]): Finding[] {
    const unused = [
      ...this.plan.allow.map((a) => ({ allow: a, step: null as Step | null })),
      ...this.plan.steps.flatMap((s) => s.allow.map((a) => ({ allow: a, step: s as Step | null }))),
    ].filter(
      ({ allow, step }) => !findings.some((f) => f.rule === allow.rule && (step === null || f.step === step.name)),
    );
    return unused.map(({ allow, step }, i) => ({
      id: `unused-allow-${i + 1}`,
      rule: 'unused-allow',
      severity: 'info',
      step: step?.name ?? this.plan.steps[0]?.name ?? '',
      cause: null,
      version: null,
      request: null,
      message: `the allowance of ${allow.rule} matches no finding`,
      expected: null,
      actual: null,
      sqlstate: null,
      line: allow.location.line,
      column: allow.location.column,
      allowed: null,
      hint: 'Remove it: an allowance that matches nothing would hide the next finding of its rule.',
      consequences: [],
      trace: [],
    }));
  }
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
}
