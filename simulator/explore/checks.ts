/**
 * Checks beside the search proper: on backfills (do they end, can they be run again), on verification
 * (is there any, does it see drift, can a stop be mended), and on what the plan itself leaves out.
 */
import type { BackfillStep, DeployStep, Plan, Statement, Step, TableRef, VerifyStep } from '../plan/model.ts';
import { showAnswer } from './answer.ts';
import type { Position } from './positions.ts';
import { planViolation } from './blame.ts';
import type { Search } from './search.ts';
import { plain, triggersOff, type Node, type SearchEvent } from './state.ts';
import type { JobRun } from './job-run.ts';
import { remembers } from './jobs.ts';
import type { Violation } from './violations.ts';

const maxEntries = 60;

/** Runs a backfill alone from the states it begins in: does it end, and does a second run change anything? */
export async function checkBackfill(search: Search, position: Position, entries: readonly Node[]): Promise<void> {
  const step = position.job;
  const owner = position.step;
  if (step === null || owner === null || position.phase !== 'running') return;
  const starts = distinctContents(entries).slice(0, maxEntries);
  const runs = await search.runJobs(starts, step);
  const endlessRun = runs.findIndex((run) => run.kind === 'endless');
  if (endlessRun >= 0) {
    search.evaluator.endless.add(step);
    search.collector.add(endless(owner, step, starts[endlessRun] as Node, runs[endlessRun] as JobRun));
    return;
  }
  if (remembers(step.form)) await checkSecondRun(search, owner, step, starts, runs);
}

function distinctContents(entries: readonly Node[]): readonly Node[] {
  const first = new Map<string, Node>();
  for (const node of entries) {
    const key = `${node.schema}|${node.content}`;
    if (node.job !== null && !first.has(key)) first.set(key, node);
  }
  return [...first.values()];
}

async function checkSecondRun(
  search: Search,
  owner: Step,
  step: BackfillStep,
  starts: readonly Node[],
  runs: readonly JobRun[],
): Promise<void> {
  const finished = runs.flatMap((run, i) => (run.kind === 'finished' ? [{ run, node: starts[i] as Node }] : []));
  const afterwards = finished.map(({ run, node }) => ({ schema: node.schema, content: run.content }));
  const again = await search.runJobs(afterwards, step);
  const i = again.findIndex((run, at) => run.kind !== 'finished' || run.content !== finished[at]?.run.content);
  const [changed, second] = [finished[i], again[i]];
  if (changed === undefined || second === undefined) return;
  search.evaluator.noRestart.add(step);
  search.collector.add(notIdempotent(owner, step, changed.node, changed.run, second));
}

function endless(owner: Step, step: BackfillStep, node: Node, run: JobRun): Violation {
  const tail = run.events.slice(0, 4);
  return {
    ...planViolation(
      'backfill-never-ends',
      owner,
      `after ${run.events.length} batches on a few rows, batches go on touching rows`,
    ),
    node,
    location: step.location,
    tail: tail.slice(0, -1),
    event: tail[tail.length - 1] ?? null,
  };
}

function notIdempotent(owner: Step, step: BackfillStep, node: Node, run: JobRun, again: JobRun): Violation {
  const restart: SearchEvent = { kind: 'restart', step };
  const message =
    again.kind === 'error'
      ? `run again, the backfill fails: ${again.error.message}`
      : 'run again with nothing else going on, the backfill changes what it had done';
  const tail = [...run.events, restart, ...again.events];
  const failed: SearchEvent[] =
    again.kind === 'error'
      ? [
          {
            kind: 'batch',
            step,
            sql: again.error.sql,
            what: `error ${again.error.sqlstate}: ${again.error.message}`,
            reads: false,
          },
        ]
      : [];
  const all = [...tail, ...failed];
  return {
    ...planViolation('backfill-not-idempotent', owner, message),
    node,
    location: step.location,
    tail: all.slice(0, -1),
    event: all[all.length - 1] ?? null,
    sqlstate: again.kind === 'error' ? again.error.sqlstate : null,
    outcome:
      again.kind === 'error' ? { ok: false, sqlstate: again.error.sqlstate, message: again.error.message } : null,
  };
}

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
      });
    else if (step.kind === 'migrate' && step.rollback.kind === 'unstated' && step.index < point)
      violations.push(planViolation('no-rollback', step, `"${step.name}" has no way back`));
  }
  return violations;
}

/** What a backfill writes: its table and columns (none: whole rows). */
export function backfillTargets(
  step: BackfillStep,
): readonly { readonly table: TableRef; readonly columns: readonly string[] }[] {
  const { form } = step;
  const statements: readonly Statement[] =
    form.kind === 'list' ? form.statements : form.kind === 'script' ? form.write : [form.statement];
  return statements.flatMap((s) => (s.target === null ? [] : [s.target]));
}

function liveBefore(plan: Plan, step: Step): string {
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
function switches(plan: Plan): readonly {
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

// ---- drift put in on purpose --------------------------------------------------------------------

interface Drift {
  readonly what: string;
  readonly sql: string;
}

/** Puts drift where a backfill wrote, and looks whether the checks before the switch see it. */
export async function checkVerifySeesDrift(search: Search, plan: Plan, positions: readonly Position[]): Promise<void> {
  for (const { backfill, deploy, verifies } of switches(plan)) {
    const verify = verifies[0];
    if (verify === undefined) continue;
    const entry = positions.find((p) => p.forward?.step === verify && p.forward.action.kind === 'verify');
    if (entry === undefined) continue;
    const node = search.nodes.find(
      (n) => n.position === entry.id && !n.rolledBack && !n.damaged && n.writes === 0 && search.isCaughtUp(n),
    );
    if (node === undefined) continue;
    const checks = verifies.flatMap((v) => v.checks);
    for (const drift of drifts(backfill)) {
      const violation = await tryDrift(search, node, verify, deploy, checks, drift);
      if (violation === null) continue;
      search.collector.add(violation);
      break;
    }
  }
}

function drifts(backfill: BackfillStep): readonly Drift[] {
  return backfillTargets(backfill).flatMap(({ table, columns }) => {
    const name = `${table.schema === null ? '' : `"${table.schema}".`}"${table.table}"`;
    const first = `ctid = (SELECT ctid FROM ${name} ORDER BY ctid LIMIT 1)`;
    const perColumn = columns.flatMap((c): Drift[] => [
      {
        what: `one row of ${table.table} with another ${c}`,
        sql: `UPDATE ${name} SET "${c}" = (SELECT t."${c}" FROM ${name} t WHERE t."${c}" IS DISTINCT FROM x."${c}" LIMIT 1) FROM ${name} x WHERE x.ctid = ${name}.ctid AND ${name}.${first}`,
      },
      ...['drift', '424242', '2001-01-01', 'true'].map((v) => ({
        what: `one row of ${table.table} with another ${c}`,
        sql: `UPDATE ${name} SET "${c}" = '${v}' WHERE ${first}`,
      })),
      { what: `one row of ${table.table} with a NULL ${c}`, sql: `UPDATE ${name} SET "${c}" = NULL WHERE ${first}` },
    ]);
    return columns.length > 0 && !isInsert(backfill)
      ? perColumn
      : [...perColumn, { what: `one row of ${table.table} missing`, sql: `DELETE FROM ${name} WHERE ${first}` }];
  });
}

function isInsert(backfill: BackfillStep): boolean {
  const { form } = backfill;
  const statements = form.kind === 'list' ? form.statements : form.kind === 'script' ? form.write : [form.statement];
  return statements.some((s) => s.node === 'InsertStmt');
}

/** The violation, when the checks pass over a drift that a reader of the version to come would see. */
async function tryDrift(
  search: Search,
  node: Node,
  verify: VerifyStep,
  deploy: DeployStep,
  checks: VerifyStep['checks'],
  drift: Drift,
): Promise<Violation | null> {
  const { transitions } = search.input;
  const call = transitions.callId({
    call: {
      statements: [triggersOff, drift.sql].map((sql) => ({ pieces: [sql], as: null, returnsRows: false })),
      writes: true,
    },
    clock: 'step',
    nonce: 0,
  });
  const result = await transitions.one({ schema: node.schema, content: node.content, call });
  if (!result.ok || result.content === node.content) return null;
  const drifted = { schema: node.schema, content: result.content };
  const failed = await search.wants.settle(() => search.mover.failedCheck(drifted, checks) ?? 'holds');
  if (failed !== 'holds') return null;
  const seen = await search.wrongRead({ ...plain(node), ...drifted }, deploy.version);
  if (seen === null) return null;
  return {
    ...planViolation(
      'verify-misses-drift',
      verify,
      `with ${drift.what}, the check still passes; ${deploy.version} would then read ${showAnswer(seen.actual)}`,
    ),
    node,
    version: deploy.version,
    tail: [{ kind: 'drift', step: verify, sql: drift.sql, what: drift.what }],
    expected: seen.expected === null ? null : showAnswer(seen.expected),
    actual: showAnswer(seen.actual),
    location: verify.checks[0]?.location ?? verify.location,
  };
}
