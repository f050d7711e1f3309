/** What was found out of a cause, in words: which change made the finding go away, and what to do, in a sentence each. */
import type { BackfillStep, DeployStep, Plan, Step } from '../plan/model.ts';
import { showValue } from './answer.ts';
import type { Cause } from './attribute.ts';
import { backfillTargets, liveBefore } from './checks.ts';
import { Counterfactual, type Deed } from './counterfactual.ts';
import { History, type Ran, type Written } from './history.ts';
import type { Position } from './positions.ts';
import type { Action } from './programs.ts';
import type { Search } from './search.ts';
import { pathTo, type Node } from './state.ts';
import type { Violation } from './violations.ts';

export interface Remedy {
  /** The step that caused it. */
  readonly step: Step;
  /** The change that was run and made the finding go away; null when none was. */
  readonly why: string | null;
  /** What to do; null: what the rule says. */
  readonly hint: string | null;
}

/** `v2.change_email(id: 1, email: 'a')`. */
export function callText(version: string, action: Action): string {
  const params = [...action.params].map(([name, value]) => `${name}: ${showValue(value)}`);
  return `${version}.${action.request}(${params.join(', ')})`;
}

function writeText(write: Written): string {
  return callText(write.version, write.action);
}

export async function remedyOf(search: Search, plan: Plan, violation: Violation, cause: Cause): Promise<Remedy> {
  if (cause.kind === 'shown') return new Shown(search, plan, violation).remedy();
  return { step: cause.step, ...wordsOf(violation, cause) };
}

type Words = Omit<Remedy, 'step'>;

function wordsOf(violation: Violation, cause: Exclude<Cause, { kind: 'shown' }>): Words {
  const name = `"${cause.step.name}"`;
  const reader = violation.version === null ? 'the check' : `${violation.version}.${violation.action?.request ?? ''}`;
  switch (cause.kind) {
    case 'overwrites':
      return overwrites(cause.step, reader, cause.write, violation.rule === 'resurrected-row');
    case 'repeats':
      return {
        why: `Until "${cause.stream}" delivers the change once more, ${reader} ${violation.version === null ? 'passes' : 'is right'}.`,
        hint: `Let what "${cause.stream}" runs do nothing when it gets a change again: set what is to be there, instead of adding to it.`,
      };
    case 'converts':
      return { why: null, hint: converts(cause.step, reader) };
    case 'changes':
      return changes(name, reader, cause.down, cause.write);
    case 'not-copied-back':
      return {
        why: `Made by ${violation.version ?? 'the version before'} after the copy back, the write is not lost.`,
        hint: `In the rollback of ${name}, ${compare(cause.ran)}: it passes over what ${writeText(cause.write)} wrote.`,
      };
    case 'undone-writer':
      return undoneWriter(name, cause.write, cause.by, reader);
    case 'undone':
      return {
        why: `With ${name} and its way back left out, the finding is gone.`,
        hint:
          violation.rule === 'rollback-breaks-requests'
            ? null
            : `Let the rollback of ${name} bring back exactly what was there before it, or declare its point of no return.`,
      };
    case 'passes-over':
      return passesOver(violation, cause);
    case 'writes-apart':
      return {
        why: `Made by the first version before the plan began, the same write is carried by "${cause.ran.step.name}", and the finding is gone.`,
        hint: `Let ${cause.write.version}, which ${name} deploys, write both places alike: after ${writeText(cause.write)} they differ.`,
      };
    case 'trigger':
      return trigger(name, cause.write, cause.misses, reader);
    case 'too-early':
      return tooEarly(name, cause.write, cause.after, violation.step);
    case 'delivers':
      return {
        why: `Until "${cause.step.name}" delivers a change, ${reader} is right.`,
        hint: `Let the SQL of ${name} do nothing when a change comes late and something newer is there${cause.write === null ? '' : `, as it is after ${writeText(cause.write)}`}.`,
      };
    case 'late':
      return late(cause);
    case 'late-anyway':
      return {
        why: 'Had everything arrived at once, the finding would be gone.',
        hint: lateAnyway(cause.step, cause.write, violation),
      };
    case 'stopped':
      return {
        why: `Made before ${name}, the same write is carried.`,
        hint: `Move ${name} to where ${cause.write.version} is no longer live: once the stream has ended, nothing carries what ${writeText(cause.write)} wrote.`,
      };
    case 'stream-misses':
      return {
        why: 'Made by the first version before the plan began, the same write is copied, and the finding is gone.',
        hint: `Let the stream that ${name} starts carry what ${writeText(cause.write)} does: it mirrors the table, and not this.`,
      };
    case 'before-copy':
      return {
        why: `After "${cause.copy.name}" the same read is right.`,
        hint: `Move ${name} after "${cause.copy.name}", which fills what ${reader} reads.`,
      };
  }
}

function overwrites(step: Step, reader: string, write: Written | null, deleted: boolean): Words {
  const name = `"${step.name}"`;
  const until = `Until a batch of ${name} runs, ${reader} is right.`;
  if (write === null)
    return { why: until, hint: `Let ${name} convert without loss, and leave alone what is right already.` };
  // One statement reads and writes at once: what it writes is not old, it is not what was written.
  if (!deleted && step.kind === 'backfill' && step.form.kind !== 'script')
    return {
      why: until,
      hint: `Let ${name} leave alone what is right already, and convert without loss: it changes what ${writeText(write)} wrote.`,
    };
  const what = deleted ? 'brings back what' : 'puts an older value over what';
  return {
    why: until,
    hint: `Let ${name} read and write in one statement, or write a row only if it still is what was read: it ${what} ${writeText(write)} ${deleted ? 'took away' : 'wrote'}.`,
  };
}

function changes(name: string, reader: string, down: boolean, write: Written | null): Words {
  const what = down ? `the way back of ${name}` : name;
  const why = `Just before ${what} the same read is right.`;
  if (down && write !== null)
    return {
      why,
      hint: `Copy back in the rollback of ${name} what ${writeText(write)} wrote, or declare \`point-of-no-return: true\` there.`,
    };
  return { why, hint: `Let ${what} leave as it is what ${reader} reads.` };
}

function converts(step: Step, reader: string): string {
  const columns = step.kind === 'backfill' ? [...new Set(backfillTargets(step).flatMap((t) => t.columns))] : [];
  const what = columns.length > 0 ? `fill ${columns.join(', ')} of every row` : 'copy every row';
  return `Let "${step.name}" ${what}, and so that ${reader} finds there what was in the old place, NULL and odd values included.`;
}

function undoneWriter(name: string, write: Written, by: string | null, reader: string): Words {
  if (by === null)
    return {
      why: `No version before ${name} can send ${writeText(write)}.`,
      hint: `Declare \`point-of-no-return: true\` on ${name}: what ${writeText(write)} wrote has no place to go back to.`,
    };
  return {
    why: `Made by ${by} instead of ${write.version}, the write is not lost.`,
    hint: `Copy back what ${write.version} wrote in the rollback of ${name}, or declare \`point-of-no-return: true\` there: ${reader} does not read where ${writeText(write)} wrote.`,
  };
}

/** How a copy should find its rows. */
function compare({ job, step }: Ran): string {
  const { tests, skips } = ways(job);
  const who = job === step ? `let "${step.name}"` : 'let the backfill';
  if (tests.length > 0) return `${who} compare with IS DISTINCT FROM instead of ${tests.join(', ')} IS NULL`;
  if (skips) return `${who} update the row ON CONFLICT instead of doing nothing`;
  return `${who} mend every row that differs, whatever it holds`;
}

function ways(job: BackfillStep): { readonly tests: readonly string[]; readonly skips: boolean } {
  const { form } = job;
  const statements =
    form.kind === 'list' ? form.statements : form.kind === 'script' ? [form.read, ...form.write] : [form.statement];
  const written = new Set(backfillTargets(job).flatMap((t) => t.columns.map((c) => c.toLowerCase())));
  return {
    tests: [...new Set(statements.flatMap((s) => s.nullTests.filter((c) => written.has(c))))],
    skips: statements.some((s) => s.skipsConflicts),
  };
}

function passesOver(
  violation: Violation,
  { step, write, ran, by, made }: Extract<Cause, { kind: 'passes-over' }>,
): Words {
  const when = made === 'before the plan' ? 'before the plan began' : `after "${step.name}"`;
  const why = `With the same writes made by ${by} ${when}, the finding is gone.`;
  if (write.inFlight && (write.deeds.at(-1) ?? 0) > ran.enter)
    return {
      why,
      hint: `Add \`wait: drained\` to "${step.name}": ${writeText(write)} was begun before it, and wrote when its row was done.`,
    };
  const sentence = compare(ran);
  const before = earlierWriter(violation, write);
  const since = before !== null && ways(ran.job).tests.length > 0 ? `, which ${before} had filled before` : '';
  return {
    why,
    hint: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}: it passed over what ${writeText(write)} wrote${since}.`,
  };
}

/** A write by another version, before this one: what it left is what a test for NULL does not see through. */
function earlierWriter(violation: Violation, write: Written): string | null {
  const events = violation.node === null ? [] : pathTo(violation.node).map((n) => n.event);
  const own = events[(write.deeds[0] ?? 0) + 1];
  const before = events
    .slice(0, own === undefined ? 0 : events.indexOf(own))
    .findLast((e) => e?.kind === 'request' && e.version !== write.version);
  return before?.kind === 'request' ? callText(before.version, before.action) : null;
}

function late({ step, down, write, replicaOf }: Cause & { kind: 'late' }): Words {
  const name = `"${step.name}"`;
  const wrote = write === null ? null : `what ${writeText(write)} wrote`;
  const waits = `Add \`wait: caught-up\` to ${name}${down ? ', which then waits on the way back too' : ''}`;
  return {
    why: `With everything arrived before ${down ? `the way back of ${name}` : name}, the finding is gone.`,
    hint:
      replicaOf === null
        ? `${waits}: ${onItsWay(write)}.`
        : `${waits}: the replica that answers ${replicaOf} has not got yet ${wrote ?? 'what it needs'}.`,
  };
}

function lateAnyway({ name }: Step, write: Written | null, { rule, version }: Violation): string {
  if (rule === 'stale-read' && write !== null && write.version === version)
    return `Let ${version} write to where it reads: what ${writeText(write)} wrote comes there later.`;
  return `Make "${name}" a window (\`offline: true\`, \`wait: caught-up\`), or let nobody write what comes only later to where it is read: ${onItsWay(write)}, and to wait once is not enough.`;
}

function onItsWay(write: Written | null): string {
  return `what ${write === null ? 'was done before it' : `${writeText(write)} wrote`} was still on its way`;
}

function trigger(name: string, write: Written, misses: boolean, reader: string): Words {
  if (misses)
    return {
      why: `The trigger of ${name} carries other writes; made before it was there, this one is copied, and the finding is gone.`,
      hint: `Let the trigger of ${name} carry what ${writeText(write)} does to where ${reader} reads it.`,
    };
  return {
    why: `Without the trigger of ${name} the finding is gone.`,
    hint: `Let the trigger of ${name} leave alone what it is not about: with ${writeText(write)} it changes what ${reader} reads.`,
  };
}

function tooEarly(name: string, write: Written, after: Step, shown: Step): Words {
  if (after === shown)
    return {
      why: `Made before ${name}, the same write is carried.`,
      hint: `Run ${name} again after what ${writeText(write)} wrote, or let that write both places: nothing carries it.`,
    };
  return {
    why: `Made after "${after.name}", the same write is kept; made before ${name}, it is carried.`,
    hint: `Run ${name} after "${after.name}": nothing carries what ${writeText(write)} wrote between the two.`,
  };
}

/** The step where it shows is to blame: what should stand before it, or after it, is asked of the engine. */
class Shown {
  private readonly what: Counterfactual;
  private readonly positions: readonly Position[];

  constructor(
    private readonly search: Search,
    private readonly plan: Plan,
    private readonly violation: Violation,
  ) {
    this.what = new Counterfactual(search);
    this.positions = search.input.positions;
  }

  async remedy(): Promise<Remedy> {
    const { step, node } = this.violation;
    const words = node === null ? null : await this.words(node);
    return { step, why: words?.why ?? null, hint: words?.hint ?? null };
  }

  private async words(node: Node): Promise<Words | null> {
    const { rule, event, step } = this.violation;
    if (event?.kind === 'request' && event.flight !== null && rule === 'request-fails') return this.stillRunning(node);
    if (rule === 'lost-write' || rule === 'resurrected-row') return this.lost(node);
    if (rule !== 'request-fails') return null;
    return step.kind === 'deploy' ? this.tooEarlyFor(node, step) : this.neededStill(node);
  }

  private stillRunning(node: Node): Words | null {
    const { version, action, step } = this.violation;
    if (version === null || action === null || this.isLive(node, version)) return null;
    return {
      why: null,
      hint: `Add \`wait: drained\` to "${step.name}": ${callText(version, action)} was begun before it and is still running.`,
    };
  }

  private isLive(node: Node, version: string): boolean {
    return this.positions[node.position]?.live.includes(version) === true;
  }

  private async lost(node: Node): Promise<Words | null> {
    const { step, version } = this.violation;
    const history = new History(pathTo(node), this.positions, this.search.input.programs);
    const write = history.writes.at(-1) ?? null;
    if (step.kind === 'migrate') {
      if (!(await this.goes(history.without(step)))) return null;
      const after = write === null ? 'after it' : `after ${writeText(write)}`;
      return {
        why: `Without "${step.name}" the same history is right.`,
        hint: `Let "${step.name}" keep what ${version ?? 'live code'} counts on: ${after} it reads ${this.violation.actual ?? 'something else'}, not ${this.violation.expected ?? 'what was written'}.`,
      };
    }
    return write === null || version === null ? null : this.mixed(node, history, write, version);
  }

  /** Two versions side by side, of which one writes what the other does not read. */
  private async mixed(node: Node, history: History, write: Written, reader: string): Promise<Words | null> {
    const { step } = this.violation;
    const writer = write.version;
    const apart = history.writes.findLast((w) => w.inFlight) ?? null;
    if (apart !== null)
      return {
        why: null,
        hint: `Let ${apart.version}.${apart.action.request} change its row in one statement, or lock it first: what others write between its statements is lost.`,
      };
    if (writer === reader || !this.isLive(node, writer))
      return history.jobs.length > 0
        ? null
        : {
            why: null,
            hint: `Before "${step.name}", add a backfill of what ${reader} reads: nothing copies what ${writeText(write)} wrote.`,
          };
    if (this.what.offer(reader, write.action) === null) return this.saidFirst(node, write, reader);
    if (!(await this.goes(history.shifted([write], write.deeds[0] ?? 0, () => reader))))
      return history.jobs.length > 0
        ? null
        : {
            why: null,
            hint: `Before "${step.name}", let something carry what ${writeText(write)} writes to where ${reader} reads it: nothing does.`,
          };
    const made = `Made by ${reader} instead of ${writer}, the same write is not lost.`;
    if (await this.readsWrong(node, writer))
      return {
        why: made,
        hint: `Let ${writer}.${write.action.request} write what it wrote before the migration: after ${writeText(write)} ${writer} itself reads something else.`,
      };
    const live = this.positions[node.position]?.live ?? [];
    const both = `${writeText(write)} writes what ${reader} does not read, and both are live while it rolls out`;
    return {
      why: made,
      hint:
        live.indexOf(writer) < live.indexOf(reader)
          ? `Before "${step.name}", deploy a version that writes what ${reader} reads: ${both}.`
          : `Make "${step.name}" two deploys, of which the first still writes what ${reader} reads: ${both}.`,
    };
  }

  /** True when the same is read wrongly by another version too: then it is not that one does not see what the other writes. */
  private async readsWrong(node: Node, version: string): Promise<boolean> {
    const { action } = this.violation;
    if (action === null || this.what.offer(version, action) === null) return false;
    return !(await this.what.isGone({ ...this.violation, version }, node));
  }

  /** What only the newer version can say, and the one before it, still live, can't tell from what it knows. */
  private async saidFirst(node: Node, write: Written, reader: string): Promise<Words | null> {
    const { step, action } = this.violation;
    if (action === null || this.what.offer(write.version, action) === null) return null;
    if (await this.readsWrong(node, write.version)) return null;
    return {
      why: `${write.version}.${action.request}, asked in its place, is right.`,
      hint: `Make "${step.name}" two deploys, of which the first only reads like ${write.version}: ${writeText(write)} writes what ${reader}.${action.request} can't tell apart, and both are live while it rolls out.`,
    };
  }

  private async goes(deeds: readonly Deed[]): Promise<boolean> {
    const end = await this.what.play(deeds);
    return end !== null && (await this.what.isGone(this.violation, end));
  }

  /** A version that needs what a later step makes, with which the version before it can live. */
  private async tooEarlyFor(node: Node, step: DeployStep): Promise<Words | null> {
    if (this.violation.version !== step.version) return null;
    const before = liveBefore(this.plan, step);
    const deeds: Deed[] = [];
    for (let at = this.positions[node.position]; at?.forward != null; at = this.positions[at.forward.to]) {
      deeds.push({ kind: 'move', move: at.forward, runJob: true });
      const later = await this.what.playOn(node, deeds);
      if (later === null || (at.forward.step.kind === 'deploy' && at.forward.step !== step)) return null;
      if (at.forward.step === step || !(await this.what.isGone(this.violation, later))) continue;
      if (!(await this.what.answersAll(later, before))) return null;
      return {
        why: `After "${at.forward.step.name}" the same request is answered.`,
        hint: `Move "${step.name}" after "${at.forward.step.name}", which makes what ${step.version} needs.`,
      };
    }
    return null;
  }

  /** A schema that takes away what a version needs, which a later deploy replaces by one that needs it no more. */
  private async neededStill(node: Node): Promise<Words | null> {
    const { version, action, step } = this.violation;
    const path = pathTo(node);
    const made = path.find((n) => n.event?.kind === 'move' && n.event.move.step === step);
    const before = made?.parent ?? null;
    if (version === null || action === null || before === null) return null;
    const later = this.plan.steps.filter((s): s is DeployStep => s.kind === 'deploy' && s.index > step.index);
    for (const deploy of later) {
      if (deploy.version === version || this.what.offer(deploy.version, action) === null) continue;
      const same: Violation = { ...this.violation, version: deploy.version };
      if (!(await this.what.isGone(same, node)) || !(await this.what.answersAll(before, deploy.version))) continue;
      return {
        why: `${deploy.version} answers the same request before it and after it.`,
        hint: `Move "${step.name}" after "${deploy.name}": until then ${version} is live, whose ${action.request} does not run on the schema that it leaves.`,
      };
    }
    return null;
  }
}
