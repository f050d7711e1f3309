/** Replicas in simulated traffic: rows and schema come late, who waits for them reads rightly, and a late answer that is right is no fault. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { recordingSchema, renderRecording, type Recording } from '../../simulator/report/recording.ts';
import type { Pace } from '../../simulator/traffic/pace.ts';
import { ReplicaLag } from '../../simulator/traffic/replica-lag.ts';
import { simulate } from '../../simulator/traffic/simulate.ts';

let engines: readonly Engine[];
beforeAll(async () => {
  engines = await Promise.all(Array.from({ length: 4 }, () => createPgliteEngine({})));
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

const example = (name: string): Promise<string> => readFile(`examples/replica-reads/${name}.cutover.yaml`, 'utf8');

async function runText(text: string, pace: Partial<Pace> = {}, seed = 1): Promise<Recording> {
  const result = await simulate(
    'p.cutover.yaml',
    () => Promise.resolve(text),
    (count) => Promise.resolve(engines.slice(0, count)),
    { seed, pace: { requests: 6_000, rows: 100, durationMs: 600_000, rolloutMs: 60_000, ...pace } },
  );
  if (!result.ok) throw new Error(result.errors[0]?.message);
  expect(recordingSchema.safeParse(result.recording).error).toBeUndefined();
  return result.recording;
}

/** Steps after which an answer was wrong or failed, with the version that gave it. */
function shownIn(recording: Recording, kind: 'failed' | 'wrong'): string[] {
  const found = recording.examples.filter((e) => e.kind === kind).map((e) => `${e.version} ${e.request} @ ${e.step}`);
  return [...new Set(found)].toSorted();
}

const minute = { replicaLagMs: 60_000 };

describe('a replica in simulated traffic', () => {
  it('that is waited for shows nobody anything wrong, however late it is', async () => {
    for (const ms of [1_000, 60_000]) {
      const recording = await runText(await example('plan'), { replicaLagMs: ms });
      expect(recording.totals).toMatchObject({ failed: 0, wrong: 0 });
      expect(recording.steps.every((s) => s.result === 'done')).toBe(true);
      expect(recording.leftOut.map((l) => l.what)).not.toContain('the lag of replicas');
      expect(recording.lag?.find((l) => l.of === 'replica')?.ms).toContain(ms);
      for (const version of recording.versions) expect(version.lagMs).toContain(ms);
      expect(recording.assumptions.join()).toContain(`a replica shows what was committed ${ms / 1000} s later`);
    }
  });

  it('makes a step that waits for it come later by as much', async () => {
    const text = await example('plan');
    const at = async (pace: Partial<Pace>): Promise<number> =>
      (await runText(text, pace)).steps.find((s) => s.name === 'switch reads')?.from ?? 0;
    expect((await at(minute)) - (await at({}))).toBeGreaterThanOrEqual(58);
  });

  it('that is not waited for has not got the copy when readers rely on it', async () => {
    const recording = await runText(await example('replica-not-caught-up'), { replicaLagMs: 600_000 });
    expect(shownIn(recording, 'wrong')).toEqual(['v3 get_user @ switch reads']);
    expect(recording.examples.some((e) => e.actual.includes('NULL') || e.actual.includes('null'))).toBe(true);
    const v3 = recording.versions.find((v) => v.name === 'v3');
    const second = recording.steps.find((s) => s.name === 'switch reads')?.to ?? 0;
    const wrongAt = (v3?.wrong ?? []).flatMap((n, i) => (n > 0 ? [recording.seconds[i + (v3?.first ?? 0)] ?? 0] : []));
    expect(Math.max(...wrongAt)).toBeLessThanOrEqual(second + 600);
  });

  it('has not got a column either', async () => {
    const recording = await runText(await example('column-not-there'), minute);
    expect(shownIn(recording, 'failed')).toContain('v2 get_user @ dual write');
    expect(recording.examples.find((e) => e.kind === 'failed')?.actual).toContain('email_address');
  });

  it('gives the same recording for the same seed, and another for another', async () => {
    const text = await example('replica-not-caught-up');
    const [a, b, c] = [await runText(text, minute), await runText(text, minute), await runText(text, minute, 2)];
    expect(renderRecording(a)).toBe(renderRecording(b));
    expect(renderRecording(a)).not.toBe(renderRecording(c));
  });
});

describe('how far a replica is behind', () => {
  it('is as much as usual, more while it replays what a step wrote, and as usual again after that', () => {
    const lag = new ReplicaLag(1_000);
    expect(lag.position(500)).toBe(-500);
    lag.writes({ workMs: 10_000, behindMs: 20_000 }, 100_000, 110_000);
    expect(lag.position(101_000)).toBe(100_000);
    expect(lag.position(116_000)).toBe(105_000);
    expect(lag.arrival(110_000)).toBe(131_000);
    expect(lag.arrival(120_000)).toBe(131_000);
    expect(lag.position(131_001)).toBe(130_001);
  });

  it('never goes back, over steps that begin while others are still replayed', () => {
    const lag = new ReplicaLag(100);
    lag.writes({ workMs: 1_000, behindMs: 3_000 }, 1_000, 2_000);
    lag.writes({ workMs: 1_000, behindMs: 1_000 }, 3_000);
    lag.ends(4_000);
    let last = -Infinity;
    for (let at = 0; at < 12_000; at += 50) {
      expect(lag.position(at)).toBeGreaterThanOrEqual(last);
      last = lag.position(at);
      expect(lag.arrival(Math.floor(last))).toBeLessThanOrEqual(at + 1e-6);
    }
    expect(last).toBe(11_850);
  });
});
