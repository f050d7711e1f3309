/**
 * `npm test`: build, types, lint, format, tests, and the tests in a real editor. Ends with `N passed, N failed` alone on
 * the last line, where each check counts as one. A runner that died, or ran nothing, is a failure. What is named after
 * `--` is for vitest, and leaves the editor out.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);

/** Runs a program; its output is kept, or passed through as it comes. */
function run(command, args, stdio) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', stdio, stdio] });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    child.on('error', (error) => resolve({ ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

async function check(name, command, args) {
  const begun = performance.now();
  const { ok, output } = await run(command, args, 'pipe');
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!ok) console.log(output.trimEnd());
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

/** A program that counts for itself, and ends with `N passed, N failed`. */
async function suite(name, script) {
  console.log(`\n${name}`);
  const { ok, output } = await run(process.execPath, [script, '--no-build'], 'pipe');
  console.log(output.trimEnd());
  const counts = /(?:^|\n)(\d+) passed, (\d+) failed\s*$/.exec(output);
  const [passed, failed] = [Number(counts?.[1] ?? 0), Number(counts?.[2] ?? 0)];
  const died = counts === null || passed + failed === 0 || (!ok && failed === 0);
  if (died) console.log(`FAILED ${name}: it died, or ran nothing`);
  return { passed, failed: failed + (died ? 1 : 0) };
}

async function vitest() {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-test-'));
  const file = join(directory, 'result.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { ok } = await run(bin('vitest'), ['run', ...reporters, ...process.argv.slice(2)], 'inherit');
  const result = await readFile(file, 'utf8').then(JSON.parse, () => null);
  await rm(directory, { recursive: true, force: true });
  return tally(ok, result);
}

/** A file that does not load has no tests to count: it counts as one. A worker that died shows in the exit code alone. */
function tally(ok, result) {
  const unloaded = (result?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.length,
  );
  const passed = result?.numPassedTests ?? 0;
  const failed = (result?.numFailedTests ?? 0) + unloaded.length;
  const died = result === null || passed + failed === 0 || (!ok && failed === 0);
  if (died) console.log('FAILED vitest: it died, ran nothing, or failed outside of a test');
  return { passed, failed: failed + (died ? 1 : 0) };
}

const totals = [await check('build', process.execPath, ['scripts/build.mjs'])];
totals.push(
  ...(await Promise.all([
    check('types', bin('tsc'), []),
    check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']),
    check('format', bin('oxfmt'), ['--check']),
  ])),
  await vitest(),
);

if (process.argv.length === 2) {
  totals.push(await suite('the stage in a browser', 'test/webview/run.mjs'));
  // One after the other: each is an editor and a Postgres.
  totals.push(await suite('in the extension host', 'test/extension/run.mjs'));
  totals.push(await suite('in the window, with the packed extension', 'test/e2e/run.mjs'));
}

const sum = (key) => totals.reduce((total, each) => total + each[key], 0);
process.exitCode = sum('failed') === 0 ? 0 : 1;
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
