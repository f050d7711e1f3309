/**
 * Runs the suite of test/extension/suite in the extension host of a VS Code: the desktop's where there is a display, else
 * the stand-in's. Prints `N passed, N failed` last. A host that died, and a suite that ran nothing, are failures.
 */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { buildAll } from '../../scripts/build.mjs';
import { profileIn, writeSettings } from '../../scripts/editor-server.mjs';
import { installEditor } from '../../scripts/install-editor.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const suite = join(root, 'dist/test/suite.cjs');

/** The extension host loads CommonJS; the tests are TypeScript. */
async function bundleSuite() {
  await build({
    entryPoints: [join(here, 'suite/main.ts')],
    outfile: suite,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

/** Undefined lets @vscode/test-electron download the desktop's VS Code. */
async function executable() {
  if (process.env.VSCODE_EXECUTABLE !== undefined) return process.env.VSCODE_EXECUTABLE;
  const hasDisplay = process.platform !== 'linux' || (process.env.DISPLAY ?? '') !== '';
  if (hasDisplay) return undefined;
  await installEditor();
  return join(here, 'code-stand-in.mjs');
}

/** Plans that the tests may edit and save. */
async function makeWorkspace(folder) {
  await cp(join(root, 'examples/rename-column'), folder, { recursive: true });
  await cp(join(here, 'workspace'), folder, { recursive: true });
  await cp(join(root, 'test/plans/straggler/has.cutover.yaml'), join(folder, 'straggler.cutover.yaml'));
  return folder;
}

async function run() {
  const scratch = await mkdtemp(join(tmpdir(), 'cutover-suite-'));
  const results = join(scratch, 'results.json');
  const profile = profileIn(join(scratch, 'profile'));
  await writeSettings(profile, { 'cutover.rehearse': 'manual' });
  const vscodeExecutablePath = await executable();
  const died = await runTests({
    ...(vscodeExecutablePath === undefined ? {} : { vscodeExecutablePath }),
    extensionDevelopmentPath: root,
    extensionTestsPath: suite,
    extensionTestsEnv: { CUTOVER_TEST_RESULTS: results, CUTOVER_TEST_GREP: process.env.CUTOVER_TEST_GREP },
    launchArgs: [
      await makeWorkspace(join(scratch, 'workspace')),
      `--user-data-dir=${profile.data}`,
      `--extensions-dir=${profile.extensions}`,
    ],
  }).then(
    () => null,
    (error) => error,
  );
  const outcome = await readFile(results, 'utf8').then(JSON.parse, () => null);
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  return report(outcome, died);
}

function report(outcome, died) {
  console.log(outcome?.output ?? '');
  const { passed = 0, failed = 0 } = outcome ?? {};
  if (outcome !== null && passed + failed > 0 && (died === null || failed > 0)) return { passed, failed };
  console.log(`FAILED the extension's suite: ${died ?? 'it left no results, or ran nothing'}`);
  return { passed, failed: failed + 1 };
}

if (!process.argv.includes('--no-build')) await buildAll();
await mkdir(dirname(suite), { recursive: true });
await bundleSuite();
const { passed, failed } = await run();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
