/**
 * The positions of a plan and the moves between them: which versions are live, which job runs, and
 * what is executed on the way to the next position and on the way back.
 */
import type { BackfillStep, CdcStep, Check, Plan, RollbackStep, Statement, Step, StreamPlan } from '../plan/model.ts';

/** What is executed when a move is made. */
export type MoveAction =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'sql'; readonly statements: readonly Statement[]; readonly transactional: boolean }
  | { readonly kind: 'verify'; readonly checks: readonly Check[] }
  | { readonly kind: 'cdc'; readonly action: CdcStep['action']; readonly stream: StreamPlan };

export interface Move {
  readonly to: number;
  readonly direction: 'up' | 'down';
  readonly action: MoveAction;
  /** The step whose rollout, or whose way back, this is a part of. */
  readonly step: Step;
  /** The statement list's own step where `step` is rolled back by a list of steps; else the same as `step`. */
  readonly part: Step | RollbackStep;
  /** True when the schema arrived at must be what it was before `step`. */
  readonly completesRollback: boolean;
}

export interface Position {
  readonly id: number;
  /** Null at the start. */
  readonly step: Step | null;
  /** -1 at the start. */
  readonly stepIndex: number;
  readonly phase: 'start' | 'rolling' | 'running' | 'part' | 'done' | 'rolling-back';
  /** Names of live versions, older first. */
  readonly live: readonly string[];
  readonly job: BackfillStep | null;
  readonly forward: Move | null;
  readonly back: Move | null;
  /** Why there is no way back, where there is none. */
  readonly noBack: 'none' | 'unstated' | 'inside' | 'start' | null;
}

interface Draft {
  id: number;
  step: Step | null;
  stepIndex: number;
  phase: Position['phase'];
  live: readonly string[];
  job: BackfillStep | null;
  forward: Move | null;
  back: Move | null;
  noBack: Position['noBack'];
}

/** Builds the positions: forward ones first and in order, those inside a way back after them. */
export function buildPositions(plan: Plan): { readonly positions: readonly Position[]; readonly last: number } {
  const builder = new Builder(plan.versions[0]?.name ?? '');
  plan.steps.forEach((step, i) => builder.addStep(step, step.offline && plan.steps[i + 1]?.offline === true));
  const last = builder.current.id;
  builder.addWaysBack();
  return { positions: builder.drafts, last };
}

class Builder {
  readonly drafts: Draft[] = [];
  private live: string;
  /** The done position before each step. */
  private readonly before = new Map<Step, Draft>();
  current: Draft;

  constructor(first: string) {
    this.live = first;
    this.current = this.add(null, 'start', [first], null);
    this.current.noBack = 'start';
  }

  private add(step: Step | null, phase: Position['phase'], live: readonly string[], job: BackfillStep | null): Draft {
    const draft: Draft = {
      id: this.drafts.length,
      step,
      stepIndex: step?.index ?? -1,
      phase,
      live,
      job,
      forward: null,
      back: null,
      noBack: null,
    };
    this.drafts.push(draft);
    return draft;
  }

  /** Adds a position after the current one, with the move that leads to it. */
  private advance(
    step: Step,
    phase: Position['phase'],
    live: readonly string[],
    action: MoveAction,
    job: BackfillStep | null = null,
  ): Draft {
    const next = this.add(step, phase, live, job);
    this.current.forward = { to: next.id, direction: 'up', action, step, part: step, completesRollback: false };
    this.current = next;
    return next;
  }

  /** `stopped`: the next step is offline as well, and the app is not started in between. */
  addStep(step: Step, stopped: boolean): void {
    this.before.set(step, this.current);
    this.addPositions(step);
    if (stopped) this.current.live = [];
  }

  private addPositions(step: Step): void {
    switch (step.kind) {
      case 'migrate': {
        const live = [this.live];
        if (step.transactional) {
          this.advance(step, 'done', live, { kind: 'sql', statements: step.sql.statements, transactional: true });
          return;
        }
        step.sql.statements.forEach((statement, i) => {
          const phase = i === step.sql.statements.length - 1 ? 'done' : 'part';
          this.advance(step, phase, phase === 'part' && step.offline ? [] : live, {
            kind: 'sql',
            statements: [statement],
            transactional: false,
          });
        });
        return;
      }
      case 'deploy': {
        const before = this.live;
        this.live = step.version;
        if (step.flag === null && !step.offline && before !== step.version)
          this.advance(step, 'rolling', [before, step.version], { kind: 'nothing' });
        this.advance(step, 'done', [step.version], { kind: 'nothing' });
        return;
      }
      case 'backfill':
        this.advance(step, 'running', step.offline ? [] : [this.live], { kind: 'nothing' }, step);
        this.advance(step, 'done', [this.live], { kind: 'nothing' });
        return;
      case 'verify':
        this.advance(step, 'done', [this.live], { kind: 'verify', checks: step.checks });
        return;
      case 'cdc':
        this.advance(step, 'done', [this.live], { kind: 'cdc', action: step.action, stream: step.stream });
        return;
    }
  }

  addWaysBack(): void {
    for (const draft of [...this.drafts]) {
      const step = draft.step;
      if (step === null) continue;
      const before = this.before.get(step);
      if (before === undefined) continue;
      this.addWayBack(draft, step, before);
    }
  }

  private addWayBack(draft: Draft, step: Step, before: Draft): void {
    if (draft.phase === 'part') {
      draft.noBack = 'inside';
      return;
    }
    const undone = (to: number, action: MoveAction): Move => ({
      to,
      direction: 'down',
      action,
      step,
      part: step,
      completesRollback: to === before.id,
    });
    // The end of a rollout is rolled back into the rollout.
    const rolling =
      draft.phase === 'done' ? this.drafts.find((d) => d.step === step && d.phase === 'rolling') : undefined;
    const target = rolling ?? before;
    switch (step.rollback.kind) {
      case 'none':
        draft.noBack = 'none';
        return;
      case 'unstated':
        if (step.kind === 'migrate') draft.noBack = 'unstated';
        else draft.back = undone(target.id, undoing(step));
        return;
      case 'sql':
        this.addSqlBack(draft, step, step.rollback.sql.statements, step.rollback.transactional, target);
        return;
      case 'steps':
        this.addListBack(draft, step, step.rollback.steps, target);
        return;
    }
  }

  private addSqlBack(
    draft: Draft,
    step: Step,
    statements: readonly Statement[],
    transactional: boolean,
    before: Draft,
  ): void {
    const actions: MoveAction[] = transactional
      ? [{ kind: 'sql', statements, transactional: true }]
      : statements.map((s) => ({ kind: 'sql', statements: [s], transactional: false }));
    if (step.kind === 'cdc') actions.unshift(undoing(step));
    this.chainBack(
      draft,
      step,
      actions.map((action) => ({ action, part: step, job: null })),
      before,
    );
  }

  private addListBack(draft: Draft, step: Step, list: readonly RollbackStep[], before: Draft): void {
    const links: { action: MoveAction; part: Step | RollbackStep; job: BackfillStep | null }[] = [];
    if (step.kind === 'cdc') links.push({ action: undoing(step), part: step, job: null });
    for (const part of list) {
      if (part.kind === 'backfill') links.push({ action: { kind: 'nothing' }, part, job: part });
      else if (part.kind === 'verify') links.push({ action: { kind: 'verify', checks: part.checks }, part, job: null });
      else if (part.transactional)
        links.push({ action: { kind: 'sql', statements: part.sql.statements, transactional: true }, part, job: null });
      else
        for (const s of part.sql.statements)
          links.push({ action: { kind: 'sql', statements: [s], transactional: false }, part, job: null });
    }
    this.chainBack(draft, step, links, before);
  }

  /** A chain of moves down to `before`, with a position of its own between any two; a job gets one to run in. */
  private chainBack(
    draft: Draft,
    step: Step,
    links: readonly { action: MoveAction; part: Step | RollbackStep; job: BackfillStep | null }[],
    before: Draft,
  ): void {
    let from = draft;
    links.forEach((link, i) => {
      const isLast = i === links.length - 1;
      // The way back of a window is a window too.
      const live = step.offline ? [] : draft.live.length > 0 ? draft.live : before.live;
      // A backfill needs a position to run in, even as the last link: one more empty move leaves it.
      const to = isLast && link.job === null ? before : this.add(step, 'rolling-back', live, link.job);
      if (to !== before) to.noBack = 'inside';
      from.back = {
        to: to.id,
        direction: 'down',
        action: link.action,
        step,
        part: link.part,
        completesRollback: to === before && before.step !== step,
      };
      if (to !== before) from.noBack = from === draft ? null : from.noBack;
      from = to;
      if (isLast && to !== before) {
        from.back = {
          to: before.id,
          direction: 'down',
          action: { kind: 'nothing' },
          step,
          part: link.part,
          completesRollback: before.step !== step,
        };
      }
    });
    for (const d of this.drafts) if (d.back !== null) d.noBack = null;
  }
}

/** What takes a step back where its way back says nothing more: a stream that was started is stopped, and the reverse. */
function undoing(step: Step): MoveAction {
  if (step.kind !== 'cdc') return { kind: 'nothing' };
  return { kind: 'cdc', action: step.action === 'start' ? 'stop' : 'start', stream: step.stream };
}

/** A version that lives on past the deploy that should have ended it: a pod that does not die, a worker with old code. */
export interface Straggler {
  readonly version: string;
  /** Index of that deploy among the steps. */
  readonly deploy: number;
}

/** The version that the latest deploy replaces, or is replacing; null where there is none. */
export function replacedAt(plan: Plan, { stepIndex }: Position): Straggler | null {
  const deploys = plan.steps.filter((s) => s.kind === 'deploy');
  const at = deploys.findLastIndex(({ index }) => index <= stepIndex);
  const deploy = deploys[at];
  const before = deploys[at - 1]?.version ?? plan.versions[0]?.name ?? '';
  return deploy === undefined || before === deploy.version ? null : { version: before, deploy: deploy.index };
}

/** Whether a straggler is live at a position: it lives one deploy longer than planned, until the next is done. */
export function livesOn(plan: Plan, { deploy }: Straggler, { stepIndex, phase }: Position): boolean {
  const next = plan.steps.find(({ kind, index }) => kind === 'deploy' && index > deploy)?.index ?? Infinity;
  return (stepIndex >= deploy && stepIndex < next) || (stepIndex === next && phase === 'rolling');
}

/** The same positions, with versions that live on. Where the app is stopped nobody is live. */
export function withStragglers(
  plan: Plan,
  positions: readonly Position[],
  stragglers: readonly Straggler[],
): readonly Position[] {
  return positions.map((position) => {
    const more = stragglers.filter((s) => livesOn(plan, s, position)).map((s) => s.version);
    const live = position.live.length === 0 ? [] : [...new Set([...more, ...position.live])];
    return { ...position, live };
  });
}

/** The words a report uses for a position. */
export function positionLabel(position: Position): string {
  if (position.step === null) return 'start';
  if (position.phase === 'done') return position.step.name;
  const word = {
    rolling: 'rolling out',
    running: 'running',
    part: 'half way',
    'rolling-back': 'rolling back',
    start: '',
  }[position.phase];
  return `${position.step.name} (${word})`;
}
