/** Real plans, played by the real simulator, as the page's models are given them. */
import { readFile } from 'node:fs/promises';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import { Player } from '../../simulator/player/player.ts';
import { openRun } from '../../simulator/rehearse.ts';
import type { ForkCommand, Moment } from '../../simulator/player/model.ts';
import type { Told } from '../../webview/model/rows.ts';
import { storyOf } from '../../webview/model/story.ts';

const read = (path: string): Promise<string> => readFile(path, 'utf8');

let engine: Promise<Engine> | null = null;

function engineOfFile(): Promise<Engine> {
  engine ??= createPgliteEngine({});
  return engine;
}

export async function closeEngine(): Promise<void> {
  const open = await engine;
  engine = null;
  await open?.close();
}

/** What led to the first finding of a rule; with null, the plan's own course. */
export async function tell(plan: string, rule: string | null): Promise<Told> {
  return (await play(plan, rule)).told;
}

async function play(plan: string, rule: string | null): Promise<{ readonly player: Player; readonly told: Told }> {
  const started = await engineOfFile();
  const run = await openRun(plan, read, () => Promise.resolve(started));
  const finding = rule === null ? null : run.report.findings.find((f) => f.rule === rule && f.trace.length > 0);
  if (finding === undefined)
    throw new Error(`${plan} has no ${rule}: ${run.report.findings.map((f) => f.id).join(', ')}`);
  const opened = run.playable(finding?.id ?? null);
  if (!opened.ok) throw new Error(opened.message);
  const player = new Player(opened.playable, started);
  const recording = await player.record();
  return { player, told: { recording, views: recording.views, history: recording.history } };
}

/** Another future of a plan's own course. */
export async function tellFork(plan: string, at: (moment: Moment) => boolean, command: ForkCommand): Promise<Told> {
  const { player, told } = await play(plan, null);
  const forked = await player.fork(0, told.history.moments.findIndex(at), command);
  if (!forked.ok) throw new Error(forked.message);
  return { recording: told.recording, views: [...told.views, ...forked.views], history: forked.history };
}

/** A story as text: its headline, then its numbered events. */
export function storyText(told: Told): string {
  const story = storyOf(told);
  if (story === null) return 'no story';
  return [story.headline, ...story.callouts.map((c) => `${c.number} @${c.moment} ${c.text}`)].join('\n');
}

/** A history of so many events, made of one: what is written goes back and forth for as long as it takes. */
export function prolonged(told: Told, length: number): Told {
  const { moments } = told.history;
  const writes = moments.flatMap((m, i) => (m.event?.kind === 'request' && m.expected === m.actual ? [i] : []));
  const [at = 1] = writes;
  const more = Array.from(
    { length: Math.max(0, length - moments.length) },
    (_, i) => moments[writes[i % writes.length] ?? at],
  );
  const all = [...moments.slice(0, at + 1), ...more.filter((m) => m !== undefined), ...moments.slice(at + 1)];
  return { ...told, history: { ...told.history, moments: all } };
}
