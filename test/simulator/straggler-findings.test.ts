/** `--stragglers 1`: what goes wrong only when a version lives one deploy longer than planned. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan, rehearse, replay, type RehearseOptions } from '../../simulator/rehearse.ts';
import type { Finding } from '../../simulator/report/model.ts';

const plan = 'test/plans/straggler/has.cutover.yaml';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

const read = (path: string): Promise<string> => readFile(path, 'utf8');
const start = (): Promise<Engine> => Promise.resolve(engine);

async function stragglers(file: string, options: RehearseOptions): Promise<readonly Finding[]> {
  const { report } = await rehearse(file, read, start, options);
  expect(report).toMatchObject({ verdict: 'safe', errors: [], exploration: { complete: true } });
  return report.findings.filter((f) => f.rule === 'straggler');
}

test('nothing is said of them unless it is asked', async () => {
  expect(await stragglers(plan, {})).toEqual([]);
});

test('a pod of v1 beside v3 loses a write, and the plan stays safe', async () => {
  const found = await stragglers(plan, { stragglers: 1 });
  expect(found.map((f) => `${f.severity} ${f.step}`)).toEqual(['warning verify', 'warning switch reads']);
  const [, lost] = found;
  expect(lost?.message).toContain('with v1 live one deploy longer, lost-write: v3 reads');
  const requests = lost?.trace.filter((e) => e.kind === 'request').map((e) => `${e.version} ${e.request} at ${e.step}`);
  expect(requests).toEqual([expect.stringMatching(/^v1 set_nick at /), 'v3 get_profile at switch reads']);
  expect(lost?.trace.map((e) => e.result)).toContain('rolling out: v1 and v2 and v3 live');
});

test('its history is played again, and stepped through', async () => {
  const options: RehearseOptions = { stragglers: 1 };
  const played = await replay(plan, read, start, 'straggler-switch-reads', options);
  if (!played.ok) throw new Error(played.message);
  expect(played.lines.at(-1)).toMatchObject({ differs: true, reference: played.finding.expected });
  const opened = await openPlan(plan, read, start, 'straggler-switch-reads', options);
  if (!opened.ok) throw new Error(opened.message);
  const { history } = await new Player(opened.playable, engine).record();
  expect(history.moments.at(-1)?.live).toEqual(['v1', 'v2', 'v3']);
});

test('what a trigger carries, an old pod may write for as long as it likes', async () => {
  expect(await stragglers('test/plans/straggler/has-not.cutover.yaml', { stragglers: 1 })).toEqual([]);
});
