/**
 * Drift: rows that the version to come would read otherwise than the twin. It is measured by asking: the reads of the
 * versions that are live, and of the next one that reads in another way, with the same parameters as the twin. Before
 * the new place is filled that is nearly every row; what is left of it when readers switch, readers will see.
 */
import type { Moment } from '../engine/player.ts';
import type { Plan, Step } from '../plan/model.ts';
import { Random } from './random.ts';
import type { Sent, Twins } from './twins.ts';
import type { Answerer, Workload } from './workload.ts';

/** A read with its parameters; asked again and again. */
interface Probe {
  readonly request: number;
  readonly values: Sent['values'];
}

const mostProbes = 2_000;
const batchSize = 1_000;

export class DriftMeter {
  readonly probes: readonly Probe[];
  private readonly reads: readonly number[];

  constructor(
    private readonly plan: Plan,
    private readonly workload: Workload,
    private readonly twins: Twins,
    seed: number,
    wanted: number,
  ) {
    const reads = workload.requests.flatMap((r, i) => (r.kind === 'read' ? [i] : []));
    this.reads = reads;
    this.probes = distinctProbes(workload, reads, new Random(seed), Math.min(mostProbes, wanted));
  }

  /** Null: no read can be asked on this schema. */
  async measure(live: readonly number[], done: number, moment: Moment): Promise<number | null> {
    if (this.probes.length === 0) return null;
    const next = this.nextVersion(live, done);
    const drifted = new Set<number>();
    let asked = false;
    for (const version of [...live, ...next]) {
      const sent = this.probes.flatMap((probe, i) => this.ask(probe, i, version));
      const differing = await this.differing(sent, moment);
      // Before its column is there, a reader to come can't be asked at all.
      if (differing === null) continue;
      asked = true;
      for (const probe of differing) drifted.add(probe);
    }
    return asked ? drifted.size : null;
  }

  /** The next version to be deployed that answers a read in another way than one that is live. */
  private nextVersion(live: readonly number[], done: number): number[] {
    const deploys = this.plan.steps
      .slice(done + 1)
      .filter((step): step is Step & { kind: 'deploy' } => step.kind === 'deploy');
    const isOther = (version: number): boolean =>
      this.reads.some((r) => live.some((l) => this.workload.answererOf(l, r) !== this.workload.answererOf(version, r)));
    const found = deploys.map((d) => this.workload.versions.indexOf(d.version)).find(isOther);
    return found === undefined ? [] : [found];
  }

  private ask({ request, values }: Probe, step: number, version: number): Sent[] {
    const actual = this.workload.answererOf(version, request);
    const twin = this.workload.answererOf(0, request);
    if (actual === undefined || twin === undefined) return [];
    return [{ atMs: 0, version, request, values, actual, twin, statement: -1, flight: null, step }];
  }

  private async differing(sent: readonly Sent[], moment: Moment): Promise<number[] | null> {
    const found: number[] = [];
    const failing = new Set<Answerer>();
    // One of each first: a read that does not run fails with every parameter.
    const firsts = [...new Map(sent.map((s) => [s.actual, s])).values()];
    await this.twins.play(firsts, moment, {
      ended: (s, difference) => {
        if (difference?.kind === 'fails') failing.add(s.actual);
      },
    });
    await this.twins.settle();
    const askable = sent.filter((s) => !failing.has(s.actual));
    if (askable.length === 0 && sent.length > 0) return null;
    for (let at = 0; at < askable.length; at += batchSize) {
      await this.twins.play(askable.slice(at, at + batchSize), moment, {
        // Its place among the probes travels as the step.
        ended: (s, difference) => {
          if (difference !== null) found.push(s.step);
        },
      });
    }
    await this.twins.settle();
    return found;
  }
}

function distinctProbes(workload: Workload, reads: readonly number[], random: Random, wanted: number): Probe[] {
  const probes = new Map<string, Probe>();
  if (reads.length === 0) return [];
  // So many draws find most of the keys there are, and end where there are few.
  for (let draw = 0; draw < wanted * 6 && probes.size < wanted; draw++) {
    const request = reads[draw % reads.length] as number;
    const client = workload.requests[request];
    if (client === undefined) continue;
    const values = workload.values(client, random);
    const key = JSON.stringify([request, values]);
    if (!probes.has(key)) probes.set(key, { request, values });
  }
  return [...probes.values()];
}
