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
 *  4. The write came after the backfill, and its version was to write both places: if the write made before, by the
 *     first version, is carried. The step that made a trigger is asked likewise.
 *  5. A copy that ran too early: the write made after a later step is kept, and made before the copy it is carried.
 *  6. Else the step where it shows. So it is, after 1, where streams run or requests read from a replica.
 */
import type { RuleId } from '../findings/catalog.ts';
import type { Plan, Step } from '../plan/model.ts';
import { backfillTargets, liveBefore } from './checks.ts';
import { findCulprit } from './classify.ts';
import { Counterfactual, type Deed } from './counterfactual.ts';
import { History, type Ran, type Written } from './history.ts';
import type { Position } from './positions.ts';
import type { Search } from './search.ts';
import { pathTo, plain, type Node } from './state.ts';
import { noStreams } from './streams.ts';
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
      readonly by: string;
    }
  | { readonly kind: 'writes-apart'; readonly step: Step; readonly write: Written; readonly ran: Ran }
  | { readonly kind: 'trigger'; readonly step: Step; readonly write: Written; readonly misses: boolean }
  | { readonly kind: 'too-early'; readonly step: Step; readonly write: Written; readonly after: Step }
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
  const { node, rule, tail } = violation;
  const asks = content.has(rule) || gates.has(rule) || answers.has(rule);
  if (node === null || !asks || tail !== undefined) return { kind: 'shown' };
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
    const damage = this.damage(culprit, index, write);
    if (damage !== null) return damage;
    // What waits in streams, and what a replica has not seen, is no part of a history that is run again.
    if (this.search.replica.isRead || this.history.path.some((n) => n.streams !== noStreams)) return { kind: 'shown' };
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
    if (event?.kind === 'deliver' && event.again) {
      const { stream } = event;
      const start = this.plan.steps.find((s) => s.kind === 'cdc' && s.action === 'start' && s.stream === stream);
      return start === undefined ? null : { kind: 'repeats', step: start, stream: stream.name };
    }
    if (event?.kind !== 'batch') return null;
    const step = this.history.positionAt(index + 1).step;
    return step === null ? null : { kind: 'overwrites', step, write };
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
    const isBetween = this.history.jobs.some((j) => j.enter < (write.deeds[0] ?? 0) && j.leave > endOf(write));
    const missed = isBetween && this.isRead ? await this.triggerThatMisses(write) : null;
    const passed = missed ?? (await this.backfillThatPassed(write));
    if (passed !== null || answers.has(this.violation.rule)) return passed;
    return (
      (await this.triggerThatChanges(write)) ??
      (await this.writesApart(write)) ??
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
        return { kind: 'passes-over', step, write, ran, by: this.first };
      for (const by of this.laterVersions(ran))
        if (this.canSay(writes, by) && (await this.goes(this.history.shifted(writes, ran.leave + 1, () => by))))
          return { kind: 'passes-over', step, write, ran, by };
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
  private async writesApart(write: Written): Promise<Cause | null> {
    const deploy = this.deployOf(write);
    const ran = this.jobBefore(write);
    if (deploy === null || ran === null || deploy.index > ran.step.index) return null;
    const writes = this.writesUpTo(write);
    const moved = this.history.shifted(writes, 0, () => this.first);
    if (!this.canSay(writes, this.first) || !(await this.goes(moved))) return null;
    return { kind: 'writes-apart', step: deploy, write, ran };
  }

  private triggersFor(write: Written): readonly Step[] {
    const request = this.search.input.programs.version(write.version).requests.get(write.action.request);
    const targets = new Set(
      (request?.statements ?? []).flatMap((s) => (s.target === null ? [] : [s.target.table.table])),
    );
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
    if (!this.isRead && rule !== 'verify-stops') return null;
    const isAfter = (ran: Ran): boolean => write === null || ran.leave > endOf(write);
    const ran = this.history.jobs.findLast((j) => j.direction === 'up' && isAfter(j) && this.feeds(j));
    if (ran !== undefined) return { kind: 'converts', step: ran.step };
    return this.switchedBeforeCopy();
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
    const request = this.search.input.programs.version(version).requests.get(action.request);
    const read = new Set((request?.statements ?? []).flatMap((s) => s.tables.map((t) => t.table)));
    const targets = backfillTargets(ran.job).map((t) => t.table.table);
    return targets.length === 0 || targets.some((t) => read.has(t));
  }
}

function endOf(write: Written): number {
  return write.deeds.at(-1) ?? 0;
}
