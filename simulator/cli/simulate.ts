/** The command `simulate`: two engines, one for each database; a recording as text, as JSON, and into a file. */
import { renderRecording } from '../report/recording.ts';
import { renderSimulation, seenIn } from '../report/simulation.ts';
import { renderPlanErrors } from '../report/text.ts';
import { oneLine, visible } from '../report/words.ts';
import type { Engine } from '../engine/engine.ts';
import type { Engines, SimulateOptions } from '../traffic/simulate.ts';
import type { Command } from './arguments.ts';
import { progressLine, trafficParts } from './progress.ts';
import type { ExitCode, Surroundings } from './run.ts';

type SimulateCommand = Extract<Command, { kind: 'simulate' }>;

const exitCodes = { nothing: 0, wrong: 1, cut: 3 } as const;

export async function simulatePlan(command: SimulateCommand, io: Surroundings, signal: AbortSignal): Promise<ExitCode> {
  const { plan, options, traffic } = command;
  const simulator = await io.load();
  const begun = io.now();
  // They boot while the plan is being read; an invalid plan never asks for them.
  const started = [simulator.startEngine(), simulator.startEngine()];
  for (const each of started) each.catch(() => {});
  const engines: Engines = (count) => {
    while (started.length < count) started.push(simulator.startEngine());
    return Promise.all(started);
  };
  const progress = progressLine(io.err, io.now, trafficParts);
  const settings = { ...simulateOptions(command), signal, onProgress: progress.update };
  const result = await simulator.simulate(plan, io.readFile, engines, settings).finally(() => {
    progress.clear();
    void closeAll(started);
  });
  if (!result.ok) {
    const text = renderPlanErrors(plan, result.errors, { ...io.out, sources: result.sources });
    (options.format === 'json' ? io.err : io.out).write(text);
    return 2;
  }
  const { recording } = result;
  const json = renderRecording(recording);
  io.out.write(
    options.format === 'json' ? json : renderSimulation(recording, { ...io.out, elapsedMs: io.now() - begun }),
  );
  const missing = traffic.out === null ? null : await write(io, traffic.out, json);
  if (missing !== null) {
    io.err.write(`cutover: ${missing}\n`);
    return 2;
  }
  return exitCodes[seenIn(recording)];
}

function simulateOptions({ options, traffic }: SimulateCommand): SimulateOptions {
  const { durationMs, rolloutMs, rows, requests, lagMs } = traffic;
  const given = { durationMs, rolloutMs, rows, requests, streamLagMs: lagMs, replicaLagMs: lagMs };
  const stated = Object.entries(given).filter(([, value]) => value !== null);
  return {
    pace: Object.fromEntries(stated),
    ...(options.seed === null ? {} : { seed: options.seed }),
    ...(options.timeoutMs === null ? {} : { timeoutMs: options.timeoutMs }),
  };
}

/** What went wrong, if anything did. */
async function write(io: Surroundings, path: string, text: string): Promise<string | null> {
  try {
    await io.writeFile(path, text);
    return null;
  } catch (error) {
    return `${visible(path)} can not be written: ${oneLine(error instanceof Error ? error.message : String(error))}`;
  }
}

async function closeAll(engines: readonly Promise<Engine>[]): Promise<void> {
  await Promise.all(engines.map((engine) => engine.then((each) => each.close()).catch(() => {})));
}
