/**
 * Checks beside the search proper: on verification (is there any, can a stop be mended), and on what the plan
 * itself leaves out.
 */
import type { BackfillStep, DeployStep, Plan, Statement, Step, TableRef, VerifyStep } from '../plan/model.ts';
import { planViolation } from './blame.ts';
import type { Search } from './search.ts';
import type { Node } from './state.ts';
import type { Violation } from './violations.ts';

/** Turns the states that a check stopped into findings: a warning where another run of the backfill mends all of them. */
export async function judgeStops(search: Search, plan: Plan): Promise<void> {
  const bySteps = new Map<Step, typeof search.mover.stopped>();
  for (const stop of search.mover.stopped) bySteps.set(stop.move.step, [...(bySteps.get(stop.move.step) ?? []), stop]);
  for (const [step, stops] of bySteps) {
    const backfill = plan.steps.slice(0, step.index).findLast((s): s is BackfillStep => s.kind === 'backfill');
    let unmended: (typeof stops)[number] | null = null;
    const seen = new Set<string>();
    for (const stop of stops) {
      const key = `${stop.node.schema}|${stop.node.content}`;
      if (seen.has(key) || seen.size > 200) continue;
      seen.add(key);
      if (stop.heals) continue;
      if (backfill !== undefined && (await mends(search, stop.node, backfill, step))) continue;
      unmended = stop;
      break;
    }
    const shown = unmended ?? stops[0];
    if (shown === undefined) continue;
    const violation = search.blame.checkViolation(shown.node, shown.move, shown.failed);
    search.collector.add(
      unmended !== null
        ? violation
        : {
            ...violation,
            severity: 'warning',
            message: shown.heals
              ? `${violation.message} until the streams have caught up`
              : `${violation.message} until the backfill is run again, which mends it`,
          },
    );
  }
}

async function mends(search: Search, node: Node, backfill: BackfillStep, step: Step): Promise<boolean> {
  if (step.kind !== 'verify') return false;
  const [run] = await search.runJobs([node], backfill);
  if (run?.kind !== 'finished') return false;
  const failed = await search.wants.settle(() => {
    const result = search.mover.failedCheck({ schema: node.schema, content: run.content }, step.checks);
    return result === null ? 'holds' : result;
  });
  return failed === 'holds';
}

// ---- what the plan itself shows -----------------------------------------------------------------

/** Findings that need no run: steps without a way back, switches that nothing verified. */
export function checkPlan(plan: Plan): readonly Violation[] {
  return [...withoutRollback(plan), ...unverifiedSwitches(plan)];
}

function withoutRollback(plan: Plan): Violation[] {
  const point = plan.steps.find((s) => s.pointOfNoReturn)?.index ?? Infinity;
  const violations: Violation[] = [];
  for (const step of plan.steps) {
    if (step.rollback.kind === 'none')
      violations.push({
        ...planViolation('no-rollback', step, `"${step.name}" has no way back, on purpose`),
        severity: 'info',
        location: step.rollback.location,
        // What the rule asks for has been said already, unless the point is still to be declared.
        ...(step.pointOfNoReturn ? { hint: '' } : {}),
      });
    else if (step.kind === 'migrate' && step.rollback.kind === 'unstated' && step.index < point)
      violations.push(planViolation('no-rollback', step, `"${step.name}" has no way back`));
  }
  return violations;
}

/** A table that a backfill writes to. */
export interface BackfillTarget {
  readonly table: TableRef;
  /** Empty: all. */
  readonly columns: readonly string[];
  /** It adds rows, and does not only change some that were there. */
  readonly inserts: boolean;
}

/** What a backfill writes: its table and columns (none: whole rows). */
export function backfillTargets({ form }: BackfillStep): readonly BackfillTarget[] {
  const statements: readonly Statement[] =
    form.kind === 'list' ? form.statements : form.kind === 'script' ? form.write : [form.statement];
  return statements.flatMap((s) => {
    const inserts = s.node === 'InsertStmt' || s.node === 'MergeStmt';
    return [...(s.target === null ? [] : [{ ...s.target, inserts }]), ...targetsWithin(s)];
  });
}

/** Tables that a WITH of the statement writes; whether it adds rows there is not told. */
function targetsWithin({ target, writes }: Statement): readonly BackfillTarget[] {
  const same = (a: TableRef, b: TableRef): boolean => a.schema === b.schema && a.table === b.table;
  const others = writes.filter((w) => target === null || !same(w.table, target.table));
  const first = others.filter((w, i) => others.findIndex((each) => same(each.table, w.table)) === i);
  return first.map(({ table }) => {
    const columns = others.filter((w) => same(w.table, table)).map((w) => w.column);
    const all = columns.some((c) => c === '*' || c.startsWith('#'));
    return { table, columns: all ? [] : columns, inserts: false };
  });
}

/** The version that is live before a step. */
export function liveBefore(plan: Plan, step: Step): string {
  const deploy = plan.steps.slice(0, step.index).findLast((s): s is DeployStep => s.kind === 'deploy');
  return deploy?.version ?? plan.versions[0]?.name ?? '';
}

/** True when the version deployed reads something of the targets that the version before did not. */
function switchesReads(plan: Plan, deploy: DeployStep, targets: ReturnType<typeof backfillTargets>): boolean {
  const before = plan.versions.find((v) => v.name === liveBefore(plan, deploy));
  const after = plan.versions.find((v) => v.name === deploy.version);
  if (before === undefined || after === undefined) return false;
  for (const [name, request] of after.requests) {
    if (request.statements.some((s) => s.modifies)) continue;
    const old = before.requests.get(name)?.statements ?? [];
    const had = (pick: (s: Statement) => readonly string[]): Set<string> => new Set(old.flatMap((s) => [...pick(s)]));
    const newColumns = request.statements.flatMap((s) => s.columns).filter((c) => !had((s) => s.columns).has(c));
    const newTables = request.statements
      .flatMap((s) => s.tables.map((t) => t.table))
      .filter((t) => !had((s) => s.tables.map((x) => x.table)).has(t));
    if (targets.some((t) => newTables.includes(t.table.table) || t.columns.some((c) => newColumns.includes(c))))
      return true;
  }
  return false;
}

/** For each backfill: the deploy that first reads what it wrote, and the verify steps in between. */
export function switches(plan: Plan): readonly {
  readonly backfill: BackfillStep;
  readonly deploy: DeployStep;
  readonly verifies: readonly VerifyStep[];
}[] {
  const found: { backfill: BackfillStep; deploy: DeployStep; verifies: readonly VerifyStep[] }[] = [];
  for (const backfill of plan.steps) {
    if (backfill.kind !== 'backfill') continue;
    const targets = backfillTargets(backfill);
    const deploy = plan.steps.find(
      (s): s is DeployStep => s.kind === 'deploy' && s.index > backfill.index && switchesReads(plan, s, targets),
    );
    if (deploy === undefined) continue;
    const verifies = plan.steps.filter(
      (s): s is VerifyStep => s.kind === 'verify' && s.index > backfill.index && s.index < deploy.index,
    );
    found.push({ backfill, deploy, verifies });
  }
  return found;
}

function unverifiedSwitches(plan: Plan): Violation[] {
  return switches(plan)
    .filter((s) => s.verifies.length === 0)
    .map(({ backfill, deploy }) =>
      planViolation(
        'missing-verify',
        deploy,
        `"${deploy.name}" reads what "${backfill.name}" filled, and nothing verified it`,
      ),
    );
}
