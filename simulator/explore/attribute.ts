/**
 * Which step caused a finding. Histories with a single thing changed are run again, and the cause is the step whose
 * change makes the finding go away. Where several would, it is the last one that could have carried the write and did
 * not; what is asked, in this order:
 *
 *  1. The event that turned the read from right to wrong, where it is a batch or a step's SQL, or a change that a
 *     stream delivered once more: that step, or the one that started the stream.
 *  2. After a way back: the job on it that ran after the write, if the finding goes away had the write come after it; the deploy
 *     that is undone and brought the writer, if the version before it, making the write, would not have lost it;
 *     the step without which, and without whose way back, all is well.
 *  3. A backfill that ended after the write: if it carries the same writes made before the plan began, or made after it by another version.
 *     Not where the write came while it ran, and by the same version it would be as wrong after it: that is 4.
 *  4. The write came after the backfill, and its version was to write both places: if the write made before, by the
 *     first version, is carried. The step that made a trigger is asked likewise.
 *  5. A copy that ran too early: the write made after a later step is kept, and made before the copy it is carried.
 *  6. Else the step where it shows.
 *
 * Where streams run, or requests read from a replica, it is asked after 1 whether all is well had everything arrived at once:
 * up to a step, which then should have waited, or all the time. Where it is not, the other questions are asked of histories
 * in which everything arrives at once; before 3 whether a stream got nothing of the write, and before 4 whether the stream had ended.
 */
import type { RuleId } from '../findings/catalog.ts';
import type { Plan, Statement, Step, StreamPlan } from '../plan/model.ts';
import { backfillTargets, liveBefore } from './checks.ts';
import { findCulprit } from './classify.ts';
import { Counterfactual, type Deed } from './counterfactual.ts';
import { History, type Ran, type Written } from './history.ts';
import type { Move, Position } from './positions.ts';
import type { Action } from './programs.ts';
import type { Search } from './search.ts';
import { pathTo, plain, type Node } from './state.ts';
import type { Violation } from './violations.ts';

/** What a step did, or did not do, so that the finding is there. */
export type Cause =
  | { readonly kind: 'shown' }
  /** A batch, or a step's SQL, turned a right read into a wrong one. */
  | { readonly kind: 'overwrites'; readonly step: Step; readonly write: Written | null }
  /** A change that a stream delivered once more. */
  | { readonly kind: 'repeats'; readonly step: Step; readonly stream: string }
  | { readonly kind: 'converts'; readonly step: Step }
  | { readonly kind: 'changes'; readonly step: Step; readonly down: boolean; readonly write: Written | null }
  | { readonly kind: 'not-copied-back'; readonly step: Step; readonly write: Written; readonly ran: Ran }
  /** What an undone version wrote; `by` would have kept it, null when no version before could say it. */
  | { readonly kind: 'undone-writer'; readonly step: Step; readonly write: Written; readonly by: string | null }
  | { readonly kind: 'undone'; readonly step: Step }
  | {
      readonly kind: 'passes-over';
      readonly step: Step;
      readonly write: Written;
      readonly ran: Ran;
      /** Who made the same writes, and when, in the history in which they are not lost. */
      readonly by: string;
      readonly made: 'before the plan' | 'after the step';
    }
  | { readonly kind: 'writes-apart'; readonly step: Step; readonly write: Written; readonly ran: Ran }
  | { readonly kind: 'trigger'; readonly step: Step; readonly write: Written; readonly misses: boolean }
  | { readonly kind: 'too-early'; readonly step: Step; readonly write: Written; readonly after: Step }
  /** A delivery turned a right read into a wrong one. */
  | { readonly kind: 'delivers'; readonly step: Step; readonly write: Written | null }
  /** It went on, or back, while something was still on its way, and to have waited is enough. */
  | {
      readonly kind: 'late';
      readonly step: Step;
      readonly down: boolean;
      readonly write: Written | null;
      /** The request that a replica answers, as in `v2.get`; null: it is read where streams write. */
      readonly replicaOf: string | null;
    }
  /** Something was still on its way, and would be after a wait as well. */
  | { readonly kind: 'late-anyway'; readonly step: Step; readonly write: Written | null }
  /** Ended before the write, which it would have carried. */
  | { readonly kind: 'stopped'; readonly step: Step; readonly write: Written }
  /** A stream that carries other writes. */
  | { readonly kind: 'stream-misses'; readonly step: Step; readonly write: Written }
  /** Reads are switched before what fills them. */
  | { readonly kind: 'before-copy'; readonly step: Step; readonly copy: Step };

const content: ReadonlySet<RuleId> = new Set([
  'lost-write',
  'resurrected-row',
  'backfill-overwrites',
  'rollback-loses-writes',
]);
const gates: ReadonlySet<RuleId> = new Set(['verify-stops', 'migrate-fails', 'rollback-fails']);
const answers: ReadonlySet<RuleId> = new Set([
  'request-fails',
  'request-accepted',
  'wrong-answer',
  'unreadable-answer',
  'rollback-breaks-requests',
]);

/** Finds the cause of a violation that a history shows. */
export async function findCause(search: Search, plan: Plan, violation: Violation): Promise<Cause> {
  const { node, rule, tail, sqlstate } = violation;
  const asks = content.has(rule) || gates.has(rule) || answers.has(rule) || rule === 'stale-read';
  if (node === null || !asks || tail !== undefined) return { kind: 'shown' };
  // A check that can't be run at all: nothing that was done before has anything to do with it.
  if (rule === 'verify-stops' && sqlstate?.startsWith('42') === true) return { kind: 'shown' };
  return new Inquiry(search, plan, violation, node).cause();
}

class Inquiry {
  private readonly history: History;
  private readonly what: Counterfactual;
  private readonly positions: readonly Position[];
  private readonly first: string;

  constructor(
    private readonly search: Search,
    private readonly plan: Plan,
    private readonly violation: Violation,
    private readonly node: Node,
  ) {
    this.positions = search.input.positions;
    this.history = new History(pathTo(node), this.positions, search.input.programs);
    this.what = new Counterfactual(search);
    this.first = plan.versions[0]?.name ?? '';
  }

  private get isRead(): boolean {
    return content.has(this.violation.rule) && this.readers().length > 0;
  }

  /** The version whose read shows it. */
  private readers(): readonly string[] {
    const { version, action } = this.violation;
    if (version === null || action === null) return [];
    return this.what.offer(version, action)?.read === true ? [version] : [];
  }

  async cause(): Promise<Cause> {
    const culprit = this.isRead ? await findCulprit(this.search, this.violation, this.history.path) : null;
    const index = culprit === null ? -1 : this.history.path.indexOf(culprit) - 1;
    const write = this.history.writes.find((w) => w.deeds.includes(index)) ?? this.history.writes.at(-1) ?? null;
    const damage = this.damage(culprit, index, write) ?? (await this.late());
    if (damage !== null) return damage;
    if (this.violation.rule === 'stale-read') return { kind: 'shown' };
    if (this.violation.rule.startsWith('rollback-')) return (await this.onTheWayBack(write)) ?? { kind: 'shown' };
    const found = write === null ? null : await this.onTheWayForward(write);
    return found ?? (await this.uncopied(write)) ?? { kind: 'shown' };
  }

  /** True when the finding does not show at the end of a history. */
  private async goes(deeds: readonly Deed[]): Promise<boolean> {
    const end = await this.what.play(deeds);
    return end !== null && (await this.what.isGone(this.violation, end));
  }

  private damage(culprit: Node | null, index: number, write: Written | null): Cause | null {
    const event = culprit?.event ?? null;
    if (event?.kind === 'move' && event.move.action.kind === 'sql')
      return { kind: 'changes', step: event.move.step, down: event.move.direction === 'down', write };
    if (event?.kind === 'deliver') {
      const { stream, again } = event;
      const step = this.startOf(stream);
      if (step === null) return null;
      return again ? { kind: 'repeats', step, stream: stream.name } : { kind: 'delivers', step, write };
    }
    if (event?.kind !== 'batch') return null;
    const step = this.history.positionAt(index + 1).step;
    return step === null ? null : { kind: 'overwrites', step, write };
  }

  // ---- what had not arrived -------------------------------------------------------------------

  /** Null: it would be there had everything arrived at once, too. */
  private async late(): Promise<Cause | null> {
    if (!this.history.path.some((n) => !this.search.isCaughtUp(n))) return null;
    const repeats = await this.repeats();
    if (repeats !== null) return repeats;
    const end = await this.what.play(this.history.deeds);
    if (end === null) return { kind: 'shown' };
    if (!(await this.what.isGone(this.violation, end))) return null;
    const wentOn = this.history.moves.filter(({ index }) => !this.search.isCaughtUp(this.history.before(index)));
    for (const { move, index } of wentOn.toReversed()) {
      const waited = await this.what.play(this.history.deeds, index);
      if (waited === null || !(await this.what.isGone(this.violation, waited))) continue;
      const write = this.lastWrite(index);
      if (write !== null && (await this.isLostAfter(move, index, write)))
        return { kind: 'stopped', step: move.step, write };
      return { kind: 'late', step: move.step, down: move.direction === 'down', write, replicaOf: this.replicaOf() };
    }
    // What a gate saw is not what a client reads: it may well pass later.
    if (gates.has(this.violation.rule)) return { kind: 'shown' };
    return { kind: 'late-anyway', step: this.violation.step, write: this.lastWrite(this.history.deeds.length) };
  }

  /** All is well had a change not come once more. */
  private async repeats(): Promise<Cause | null> {
    const at = this.history.deeds.findLastIndex((deed) => deed.kind === 'deliver' && deed.again);
    const event = at < 0 ? null : this.history.before(at + 1).event;
    if (event?.kind !== 'deliver') return null;
    const end = await this.what.play(this.history.deeds.toSpliced(at, 1), 0);
    if (end === null || !(await this.what.isGone(this.violation, end))) return null;
    const step = this.startOf(event.stream);
    return step === null ? null : { kind: 'repeats', step, stream: event.stream.name };
  }

  private startOf(stream: StreamPlan): Step | null {
    return this.plan.steps.find((s) => s.kind === 'cdc' && s.action === 'start' && s.stream === stream) ?? null;
  }

  private replicaOf(): string | null {
    const { version, action } = this.violation;
    if (version === null || action === null) return null;
    const onReplica = this.what.offer(version, action)?.request.onReplica === true;
    return onReplica ? `${version}.${action.request}` : null;
  }

  /** The end of a stream, after which the same write is lost: to wait there would only hide that. */
  private async isLostAfter({ action }: Move, index: number, write: Written): Promise<boolean> {
    if (action.kind !== 'cdc' || action.action !== 'stop') return false;
    const { live } = this.history.positionAt(index + 1);
    if (!live.includes(write.version)) return false;
    const end = await this.what.play(this.history.shifted([write], index + 1, (w) => w.version));
    return end !== null && !(await this.what.isGone(this.violation, end));
  }

  private lastWrite(before: number): Written | null {
    return this.history.writes.findLast((w) => endOf(w) < before) ?? null;
  }

  /** The streams whose steps were made before the write, and that were stopped before it: the last first. */
  private async stoppedTooEarly(write: Written): Promise<Cause | null> {
    const at = write.deeds[0] ?? 0;
    const stops = this.history.moves.filter(
      ({ move, index }) => index < at && move.action.kind === 'cdc' && move.action.action === 'stop',
    );
    for (const { move, index } of stops.toReversed()) {
      const { live } = this.history.positionAt(index);
      const by = live.includes(write.version) ? write.version : (live.at(-1) ?? '');
      if (this.canSay([write], by) && (await this.goes(this.history.shifted([write], index, () => by))))
        return { kind: 'stopped', step: move.step, write };
    }
    return null;
  }

  /** A stream mirrors the table that the write changes, and got nothing of it; a copy would have carried it. */
  private async streamThatMisses(write: Written): Promise<Cause | null> {
    const [before, after] = [this.history.before(endOf(write)), this.history.before(endOf(write) + 1)];
    if (before.streams !== after.streams) return null;
    const targets = this.tablesOf(write);
    const stream = this.search.streams.running(before.streams).find((r) => targets.has(r.stream.table.table))?.stream;
    const step = stream === undefined ? null : this.startOf(stream);
    const writes = this.writesUpTo(write);
    if (step === null || !this.canSay(writes, this.first)) return null;
    return (await this.goes(this.history.shifted(writes, 0, () => this.first)))
      ? { kind: 'stream-misses', step, write }
      : null;
  }

  private tablesOf(write: Written): ReadonlySet<string> {
    const statements = this.statementsOf(write.version, write.action);
    return new Set(statements.flatMap((s) => (s.target === null ? [] : [s.target.table.table])));
  }

  private statementsOf(version: string, action: Action): readonly Statement[] {
    return this.search.input.programs.version(version).requests.get(action.request)?.statements ?? [];
  }

  // ---- after a way back -----------------------------------------------------------------------

  private async onTheWayBack(write: Written | null): Promise<Cause | null> {
    if (write !== null && this.isRead) {
      const job = await this.jobNotCopyingBack(write);
      if (job !== null) return job;
      const writer = await this.undoneWriter(write);
      if (writer !== null) return writer;
    }
    if (this.violation.rule === 'rollback-fails') return null;
    return this.undoneStep();
  }

  private async jobNotCopyingBack(write: Written): Promise<Cause | null> {
    const earlier = this.writesUpTo(write);
    const version = this.readers()[0];
    if (version === undefined) return null;
    for (const ran of this.history.jobs.toReversed()) {
      if (ran.direction === 'up' || ran.leave < endOf(write) || !this.feeds(ran)) continue;
      const deeds = this.history.shifted(earlier, ran.leave + 1, () => version);
      if (this.canSay(earlier, version) && (await this.goes(deeds)))
        return { kind: 'not-copied-back', step: ran.step, write, ran };
    }
    return null;
  }

  private async undoneWriter(write: Written): Promise<Cause | null> {
    const deploy = this.deployOf(write);
    if (deploy === null || !this.history.moves.some((m) => m.move.direction === 'down' && m.move.step === deploy))
      return null;
    const at = write.deeds[0] ?? 0;
    const others = [...new Set([this.readers()[0] ?? '', liveBefore(this.plan, deploy)])].filter(
      (v) => v !== write.version,
    );
    let sayable = false;
    for (const by of others) {
      if (by === '' || !this.canSay([write], by)) continue;
      sayable = true;
      if (await this.goes(this.history.shifted([write], at, () => by)))
        return { kind: 'undone-writer', step: deploy, write, by };
    }
    return sayable ? null : { kind: 'undone-writer', step: deploy, write, by: null };
  }

  private async undoneStep(): Promise<Cause | null> {
    const undone = this.history.moves.filter((m) => m.move.direction === 'down').map((m) => m.move.step);
    for (const step of new Set(undone)) {
      if (step.kind !== 'migrate') continue;
      if (await this.goes(this.history.without(step))) return { kind: 'undone', step };
    }
    return null;
  }

  // ---- on the way forward ---------------------------------------------------------------------

  private async onTheWayForward(write: Written): Promise<Cause | null> {
    // A job that was at work already may be through with the row: what carries writes by then is the trigger.
    const within = this.history.jobs.find((j) => j.enter < (write.deeds[0] ?? 0) && j.leave > endOf(write)) ?? null;
    const missed = within !== null && this.isRead ? await this.triggerThatMisses(write) : null;
    const apart = missed ?? (within === null ? null : await this.writesApartWithin(write, within));
    const passed = apart ?? (await this.streamThatMisses(write)) ?? (await this.backfillThatPassed(write));
    if (passed !== null || answers.has(this.violation.rule)) return passed;
    return (
      (await this.stoppedTooEarly(write)) ??
      (await this.triggerThatChanges(write)) ??
      (await this.writesApart(write, this.jobBefore(write))) ??
      (await this.triggerThatMisses(write)) ??
      (await this.copiedTooEarly(write))
    );
  }

  /** A backfill that ended after the write and could have carried it. */
  private async backfillThatPassed(write: Written): Promise<Cause | null> {
    const since = write.inFlight ? (write.deeds[0] ?? 0) : endOf(write);
    const after = this.history.jobs.filter((j) => j.direction === 'up' && j.leave > since && this.feeds(j));
    for (const ran of after.toReversed()) {
      const writes = this.history.writes.filter((w) => (w.deeds[0] ?? 0) < ran.leave);
      const { step } = ran;
      if (this.canSay(writes, this.first) && (await this.goes(this.history.shifted(writes, 0, () => this.first))))
        return { kind: 'passes-over', step, write, ran, by: this.first, made: 'before the plan' };
      for (const by of this.laterVersions(ran))
        if (this.canSay(writes, by) && (await this.goes(this.history.shifted(writes, ran.leave + 1, () => by))))
          return { kind: 'passes-over', step, write, ran, by, made: 'after the step' };
    }
    return null;
  }

  /** The version that shows it, and those that are live after a job. */
  private laterVersions(ran: Ran): readonly string[] {
    const live = this.positions[this.node.position]?.live ?? [];
    const after = this.history.before(ran.leave + 1).position;
    return [...new Set([...this.readers(), ...live, ...(this.positions[after]?.live ?? [])])];
  }

  /** The writer was deployed before the copy, so that from then on its writes need no copy. */
  private async writesApart(write: Written, ran: Ran | null): Promise<Cause | null> {
    const deploy = this.deployOf(write);
    if (deploy === null || ran === null || deploy.index > ran.step.index) return null;
    const writes = this.writesUpTo(write);
    const moved = this.history.shifted(writes, 0, () => this.first);
    if (!this.canSay(writes, this.first) || !(await this.goes(moved))) return null;
    return { kind: 'writes-apart', step: deploy, write, ran };
  }

  /** The same for a write while the job runs: one that even after it would be wrong, whatever the job passes over. */
  private async writesApartWithin(write: Written, ran: Ran): Promise<Cause | null> {
    if (write.inFlight || !this.isRead || !this.feeds(ran)) return null;
    if (await this.goes(this.history.shifted([write], ran.leave + 1, () => write.version))) return null;
    return this.writesApart(write, ran);
  }

  private triggersFor(write: Written): readonly Step[] {
    const targets = this.tablesOf(write);
    const made = this.history.moves.filter((m) => m.move.direction === 'up' && m.index < endOf(write));
    return made
      .toReversed()
      .filter(
        ({ move: { action } }) =>
          action.kind === 'sql' &&
          action.statements.some((s) => s.node === 'CreateTrigStmt' && s.tables.some((t) => targets.has(t.table))),
      )
      .map((m) => m.move.step);
  }

  private async triggerThatChanges(write: Written): Promise<Cause | null> {
    for (const step of this.triggersFor(write)) {
      const deeds = this.history.withoutStatements(step, (s) => s.node === 'CreateTrigStmt');
      if (await this.goes(deeds)) return { kind: 'trigger', step, write, misses: false };
    }
    return null;
  }

  /** A trigger that carries other writes to where they are read, and not this one. */
  private async triggerThatMisses(write: Written): Promise<Cause | null> {
    const writes = this.writesUpTo(write);
    for (const step of this.triggersFor(write)) {
      if (!(await this.carries(step, write)) || !this.canSay(writes, this.first)) continue;
      if (await this.goes(this.history.shifted(writes, 0, () => this.first)))
        return { kind: 'trigger', step, write, misses: true };
    }
    return null;
  }

  /** True when a step's trigger makes a difference to what is read after some write. */
  private async carries(step: Step, write: Written): Promise<boolean> {
    const { version, action } = this.violation;
    if (version === null || action === null || !this.isRead) return false;
    const at = write.deeds[0] ?? 0;
    const deeds = this.history.withoutStatements(step, (s) => s.node === 'CreateTrigStmt').slice(0, at);
    const bare = await this.what.play(deeds);
    const node = this.history.before(at);
    if (bare === null) return false;
    const { programs } = this.search.input;
    const live = this.history.positionAt(at).live;
    for (const offer of live.flatMap((v) => programs.offers(v)).filter((o) => !o.read && !o.stepwise)) {
      const [with_, without] = [await this.what.contentAfter(node, offer), await this.what.contentAfter(bare, offer)];
      if (with_ === null) continue;
      // Without the trigger it is refused: a column that nobody else fills.
      if (without === null) return true;
      const reads = programs.offers(version).filter((o) => o.read && o.action.request === action.request);
      for (const read of reads) {
        const seen = await this.what.readAs({ ...plain(node), content: with_ }, version, read.action);
        const bareSeen = await this.what.readAs({ ...plain(bare), content: without }, version, read.action);
        if (seen !== bareSeen) return true;
      }
    }
    return false;
  }

  /** Something copies what is there; the write comes after it; and a later step is what would have kept it. */
  private async copiedTooEarly(write: Written): Promise<Cause | null> {
    const copy = await this.copyBefore(write);
    if (copy === null) return null;
    const after = await this.stepThatKeeps(write);
    if (after !== null) return { kind: 'too-early', step: copy, write, after };
    // Run again it mends what the check saw: it ran before it could.
    return this.violation.rule === 'verify-stops'
      ? { kind: 'too-early', step: copy, write, after: this.violation.step }
      : null;
  }

  /** The last step before the write that carries it when it is made before that step. */
  private async copyBefore(write: Written): Promise<Step | null> {
    const writes = this.writesUpTo(write);
    const seen = new Set<Step>();
    for (const { move, index } of this.history.moves.toReversed()) {
      if (index > (write.deeds[0] ?? 0) || move.direction === 'down' || seen.has(move.step)) continue;
      if (move.step.kind !== 'backfill' && move.action.kind !== 'sql') continue;
      const begun =
        this.history.moves.find((m) => m.move.step === move.step && m.move.direction === 'up')?.index ?? index;
      seen.add(move.step);
      const live = this.history.positionAt(begun).live;
      const deeds = this.history.shifted(writes, begun, (w) =>
        live.includes(w.version) ? w.version : (live.at(-1) ?? ''),
      );
      if (writes.every((w) => live.some((v) => this.canSay([w], v))) && (await this.goes(deeds))) return move.step;
    }
    return null;
  }

  /** The first step after the write from which on such a write is kept. */
  private async stepThatKeeps(write: Written): Promise<Step | null> {
    const later = this.history.moves.filter((m) => m.index > endOf(write) && m.move.direction === 'up');
    for (const { move, index } of later) {
      if (move.step === this.violation.step || later.some((m) => m.index > index && m.move.step === move.step))
        continue;
      const by = this.positions[move.to]?.live.at(-1) ?? '';
      if (!this.canSay([write], by)) continue;
      if (await this.goes(this.history.shifted([write], index + 1, () => by))) return move.step;
    }
    return null;
  }

  /** What was never carried at all: by a copy that can't, or by one that comes only after the readers. */
  private async uncopied(write: Written | null): Promise<Cause | null> {
    const { rule } = this.violation;
    // Nobody wrote anything: what the answer went wrong by is what a step left there.
    const isOfSteps = rule === 'wrong-answer' && write === null;
    if (!this.isRead && rule !== 'verify-stops' && !isOfSteps) return null;
    const isAfter = (ran: Ran): boolean => write === null || ran.leave > endOf(write);
    const ran = this.history.jobs.findLast(
      (j) => j.direction === 'up' && isAfter(j) && this.feeds(j) && (!isOfSteps || this.asksFor(j)),
    );
    if (ran !== undefined) return { kind: 'converts', step: ran.step };
    return this.isRead || rule === 'verify-stops' ? this.switchedBeforeCopy() : null;
  }

  private async switchedBeforeCopy(): Promise<Cause | null> {
    const { step } = this.violation;
    if (step.kind !== 'deploy' || this.history.writes.length > 0) return null;
    let at: Position | undefined = this.positions[this.node.position];
    const deeds: Deed[] = [...this.history.deeds];
    let copy: Step | null = null;
    while (at?.forward != null) {
      deeds.push({ kind: 'move', move: at.forward, runJob: true });
      if (at.job !== null) copy = at.step;
      const next: Position | undefined = this.positions[at.forward.to];
      if (copy !== null && at.job !== null)
        return (await this.goes(deeds)) ? { kind: 'before-copy', step, copy } : null;
      at = next;
    }
    return null;
  }

  // ---- what the questions need ----------------------------------------------------------------

  private writesUpTo(write: Written): readonly Written[] {
    return this.history.writes.slice(0, this.history.writes.indexOf(write) + 1);
  }

  private canSay(writes: readonly Written[], version: string): boolean {
    return writes.length > 0 && writes.every((w) => this.what.offer(version, w.action) !== null);
  }

  /** The deploy that brought the version of a write; null when it was live from the start. */
  private deployOf(write: Written): Step | null {
    const made = this.history.moves.findLast(
      ({ move, index }) =>
        index < endOf(write) &&
        move.direction === 'up' &&
        move.step.kind === 'deploy' &&
        move.step.version === write.version,
    );
    return made?.move.step ?? null;
  }

  private jobBefore(write: Written): Ran | null {
    return this.history.jobs.findLast((j) => j.direction === 'up' && j.leave < endOf(write) && this.feeds(j)) ?? null;
  }

  /** A job can matter to a read only through the tables that it writes; tables that are renamed may be any. */
  private feeds(ran: Ran): boolean {
    const { version, action } = this.violation;
    if (version === null || action === null) return true;
    if (
      this.plan.steps.some(
        (s) => s.kind === 'migrate' && s.sql.statements.some((x) => x.renamesTo !== null || x.node === 'ViewStmt'),
      )
    )
      return true;
    const read = new Set(this.statementsOf(version, action).flatMap((s) => s.tables.map((t) => t.table)));
    const targets = backfillTargets(ran.job).map((t) => t.table.table);
    return targets.length === 0 || targets.some((t) => read.has(t));
  }

  /** The request names a column that the job fills. */
  private asksFor(ran: Ran): boolean {
    const { version, action } = this.violation;
    if (version === null || action === null) return false;
    const named = new Set(this.statementsOf(version, action).flatMap((s) => s.columns));
    return backfillTargets(ran.job).some((t) => t.columns.some((c) => named.has(c.toLowerCase())));
  }
}

function endOf(write: Written): number {
  return write.deeds.at(-1) ?? 0;
}
