/**
 * Records what the stage is shown of real plans, by the real simulator: dist/test/stage/NAME.json, each a whole `Stage`. The
 * page's tests and its harness show these.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { ForkCommand, History } from '../../simulator/player/model.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan, rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';
import { simulate } from '../../simulator/traffic/simulate.ts';
import type { PlayReady, RehearsalPart, Stage, TrafficPart } from '../../webview/protocol.ts';

const root = join(import.meta.dirname, '..', '..');
const out = join(root, 'dist/test/stage');
const read = (path: string) => readFile(path, 'utf8');

interface Wanted {
  readonly name: string;
  readonly plan: string;
  /** Of the finding that is played: the rule, or null for the plan's own course. */
  readonly rule: string | null;
  readonly traffic: boolean;
  /** What is forked, and from which moment of the plan's own course or the finding's history. */
  readonly fork?: { readonly moment: string; readonly command: ForkCommand };
}

const wanted: readonly Wanted[] = [
  { name: 'stream', plan: 'examples/cdc-rename/not-caught-up.cutover.yaml', rule: 'lost-write', traffic: false },
  {
    name: 'replica',
    plan: 'examples/replica-reads/replica-not-caught-up.cutover.yaml',
    rule: 'stale-read',
    traffic: false,
  },
  {
    name: 'stopped-too-early',
    plan: 'examples/cdc-rename/stopped-too-early.cutover.yaml',
    rule: 'lost-write',
    traffic: false,
  },
  {
    name: 'replica-fails',
    plan: 'examples/replica-reads/replica-not-caught-up.cutover.yaml',
    rule: 'request-fails',
    traffic: false,
  },
  { name: 'echo', plan: 'examples/cdc-rename/echo.cutover.yaml', rule: 'stream-echo', traffic: false },
  {
    name: 'copy-overwrites',
    plan: 'examples/cdc-rename/copy-overwrites.cutover.yaml',
    rule: 'backfill-overwrites',
    traffic: false,
  },
  {
    name: 'insert-only-once',
    plan: 'examples/cdc-move-table/insert-only-once.cutover.yaml',
    rule: 'stream-fails',
    traffic: false,
  },
  {
    name: 'deletes-forgotten',
    plan: 'examples/cdc-move-table/deletes-forgotten.cutover.yaml',
    rule: 'resurrected-row',
    traffic: false,
  },
  { name: 'move', plan: 'examples/cdc-move-table/plan.cutover.yaml', rule: null, traffic: false },
  { name: 'is-null', plan: 'examples/rename-column/backfill-is-null.cutover.yaml', rule: 'lost-write', traffic: true },
  { name: 'safe', plan: 'examples/rename-column/plan.cutover.yaml', rule: null, traffic: false },
  {
    name: 'no-copy-back',
    plan: 'extension/lessons/plans/no-copy-back.cutover.yaml',
    rule: 'rollback-loses-writes',
    traffic: false,
  },
  {
    name: 'one-step',
    plan: 'examples/rename-column/rename-in-one-step.cutover.yaml',
    rule: 'request-fails',
    traffic: false,
  },
  {
    // What the old version does after the new one, in a course in which nothing went wrong.
    name: 'what-if',
    plan: 'examples/rename-column/backfill-is-null.cutover.yaml',
    rule: 'lost-write',
    traffic: false,
    fork: {
      moment: "v2 change_email(email: 'a', id: 1)",
      command: { kind: 'request', version: 'v1', request: 'change_email', params: { email: 'c', id: '1' } },
    },
  },
];

async function rehearsed(file: string): Promise<PlanReport> {
  const engine = await createPgliteEngine({});
  const { report } = await rehearse(file, read, () => Promise.resolve(engine));
  await engine.close();
  return report;
}

async function played(file: string, finding: string | null, fork: Wanted['fork']): Promise<PlayReady> {
  const engine = await createPgliteEngine({});
  const opened = await openPlan(file, read, () => Promise.resolve(engine), finding);
  if (!opened.ok) throw new Error(`${file}: ${opened.message}`);
  const player = new Player(opened.playable, engine);
  const recording = await player.record();
  const { history } = recording;
  const forked = fork === undefined ? null : await player.fork(0, momentOf(history, fork.moment), fork.command);
  await engine.close();
  const more = forked?.ok === true ? forked : { history: null, views: [] };
  const views = [...recording.views, ...more.views];
  const histories = more.history === null ? [history] : [history, more.history];
  const playhead = { history: 0, moment: finding === null ? 0 : history.moments.length - 1, probe: null };
  return { kind: 'ready', finding, by: 'stage', recording, views, histories, playhead, isCurrent: true };
}

function momentOf({ moments }: History, title: string): number {
  const moment = moments.findIndex((each) => each.title === title);
  if (moment < 0) throw new Error(`there is no moment ${title}`);
  return moment;
}

async function traffic(file: string): Promise<TrafficPart> {
  const engines = Promise.all([createPgliteEngine({}), createPgliteEngine({})] as const);
  const result = await simulate(file, read, () => engines, {});
  for (const engine of await engines) await engine.close();
  if (!result.ok) throw new Error(`${file} is not valid`);
  return { kind: 'ready', recording: result.recording, isCurrent: true };
}

async function record({ name, plan, rule, traffic: wantsTraffic, fork }: Wanted): Promise<void> {
  const file = join(root, plan);
  const report = await rehearsed(file);
  const finding =
    rule === null ? null : report.findings.find((each) => each.rule.startsWith(rule) && each.trace.length > 0);
  if (finding === undefined) throw new Error(`${plan} has no finding ${rule}`);
  const rehearsal: RehearsalPart = { state: 'fresh', report, isCurrent: true, progress: null, message: null };
  const stage: Stage = {
    plan: { uri: `file://${file}`, name: plan },
    rehearsal,
    play: await played(file, finding?.id ?? null, fork),
    traffic: wantsTraffic ? await traffic(file) : { kind: 'none' },
    follow: true,
  };
  await writeFile(join(out, `${name}.json`), JSON.stringify(stage));
}

await mkdir(out, { recursive: true });
const only = process.argv.slice(2);
for (const each of wanted) if (only.length === 0 || only.includes(each.name)) await record(each);
