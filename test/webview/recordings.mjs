/** Makes the recordings that the page's tests and its harness show: real plans, played by the real simulator. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

export async function makeRecordings(names = []) {
  // Beside the engine's files, which it looks for next to itself.
  const script = join(root, 'dist/test/stage-record.mjs');
  await build({
    entryPoints: [join(here, 'record.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  const { status } = spawnSync(process.execPath, [script, ...names], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the recordings could not be made');
}

if (import.meta.url === `file://${process.argv[1]}`) await makeRecordings(process.argv.slice(2));
