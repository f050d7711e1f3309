/** The command line's entry: real files, a real terminal. What it does is in `cli/run.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { WriteStream } from 'node:tty';
import { parentPort, Worker } from 'node:worker_threads';
import type { Terminal } from './cli/progress.ts';
import { serveRehearser, ThreadRehearser } from './cli/rehearsers.ts';
import { run, type Simulator, type Surroundings } from './cli/run.ts';

const pending = new Set<Promise<void>>();

function terminal(stream: WriteStream): Terminal {
  // A reader that went away (`cutover … | head`) is no failure of ours.
  stream.on('error', () => {});
  return {
    isTerminal: stream.isTTY,
    // A terminal that does not know its width says 0.
    width: stream.columns > 0 ? stream.columns : 100,
    write(text) {
      const written = new Promise<void>((resolve) => stream.write(text, () => resolve()));
      pending.add(written);
      void written.then(() => pending.delete(written));
    },
  };
}

function wantsColour(stream: WriteStream): boolean {
  return stream.isTTY && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}

/** The first Ctrl-C is handed on; the second ends the process at once. */
function onInterrupt(callback: () => void): () => void {
  let times = 0;
  const listener = () => {
    times++;
    if (times > 1) process.exit(130);
    process.stderr.write('\ncutover: stopping; Ctrl-C once more to stop at once\n');
    callback();
  };
  process.on('SIGINT', listener);
  return () => process.off('SIGINT', listener);
}

/** `--help` and mistakes in the command line load none of this. */
async function load(): Promise<Simulator> {
  const [{ loadPlan }, { rehearse, replay }, { simulate }, { createPgliteEngine }] = await Promise.all([
    import('./plan/load.ts'),
    import('./rehearse.ts'),
    import('./traffic/simulate.ts'),
    import('./engine/pglite.ts'),
  ]);
  return { loadPlan, rehearse, replay, simulate, startEngine: () => createPgliteEngine({}) };
}

const surroundings: Surroundings = {
  version: process.env.CUTOVER_VERSION ?? 'unknown',
  out: { ...terminal(process.stdout), colour: wantsColour(process.stdout) },
  err: terminal(process.stderr),
  debug: (process.env.CUTOVER_DEBUG ?? '') !== '',
  now: () => performance.now(),
  readFile: (path) => readFile(path, 'utf8'),
  writeFile: (path, text) => writeFile(path, text),
  onInterrupt,
  load,
  cores: availableParallelism(),
  beside,
};

/** The same program, in threads that `serveRehearser` serves. */
function beside(count: number): readonly ThreadRehearser[] {
  return Array.from({ length: count }, () => new ThreadRehearser(new Worker(__filename)));
}

async function main(): Promise<never> {
  const code = await run(process.argv.slice(2), surroundings);
  await Promise.all(pending);
  // An engine may still be starting in its worker: it is not waited for.
  process.exit(code);
}

if (parentPort === null) void main();
else serveRehearser(parentPort, load(), surroundings.readFile);
