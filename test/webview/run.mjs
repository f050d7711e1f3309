/**
 * The stage's page in real Chromium, over recorded and made stages. Takes pictures of the lost write in six themes into
 * dist/test/stage/. Cases are in cases/, a file for each part of the page; what is named on the command line is run alone.
 * Prints `N passed, N failed` last.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAll } from '../../scripts/build.mjs';
import { openBrowser } from '../../scripts/editor-server.mjs';
import { installBrowser } from '../../scripts/install-editor.mjs';
import { serve } from './harness.mjs';
import { makeRecordings } from './recordings.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const recordings = ['is-null', 'safe', 'no-copy-back', 'one-step', 'what-if'];
const flags = process.argv.slice(2);
const only = flags.filter((flag) => !flag.startsWith('--'));

async function attempt(name, test, stage, count) {
  const begun = performance.now();
  try {
    await test(stage);
    if (stage.errors.length > 0) throw new Error(`the page had errors:\n${stage.errors.join('\n')}`);
    count.passed++;
    console.log(`ok     ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    count.failed++;
    const picture = join(root, 'dist/test/stage', `failed-${count.failed}.png`);
    await stage.page.screenshot({ path: picture }).catch(() => {});
    console.log(`FAILED ${name}\n${error.stack}\n  a picture: ${picture}`);
  }
}

/** Recordings are made anew, since the simulator may say something else now; `--no-record` takes those there are. */
async function prepare() {
  installBrowser();
  if (!flags.includes('--no-build')) await buildAll();
  if (!flags.includes('--no-record')) await makeRecordings(recordings);
}

async function main() {
  await prepare();
  // These read the recordings as they are loaded.
  const { madeStages } = await import('./made.mjs');
  const { StagePage } = await import('./stage-page.mjs');
  const server = await serve(madeStages());
  const count = { passed: 0, failed: 0 };
  for (const file of (await readdir(join(here, 'cases'))).toSorted()) {
    const part = file.replace('.mjs', '');
    if (only.length > 0 && !only.includes(part)) continue;
    const { cases } = await import(`./cases/${file}`);
    // One page for each file: what one part breaks, another does not inherit.
    const { browser, page } = await openBrowser();
    const stage = new StagePage(page, server.address);
    for (const [name, test] of Object.entries(cases)) await attempt(`${part}: ${name}`, test, stage, count);
    await browser.close();
  }
  server.close();
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);
}

await main();
