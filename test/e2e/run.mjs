/**
 * The extension as people get it: the packed .vsix, installed in a VS Code server, looked at in Chromium. Takes pictures
 * of a finding in a light, a dark and a high-contrast theme into test/e2e/out/. Prints `N passed, N failed` last.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installVsix, openBrowser, profileIn, startServer, writeSettings } from '../../scripts/editor-server.mjs';
import { installEditor } from '../../scripts/install-editor.mjs';
import { buildAll } from '../../scripts/build.mjs';
import { packageExtension } from '../../scripts/package.mjs';
import { stageTests } from './stage.mjs';
import { Workbench } from './workbench.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const out = join(here, 'out');
const themes = { light: 'Light Modern', dark: 'Dark Modern', contrast: 'Dark High Contrast' };

/** Of the lost write in backfill-is-null.cutover.yaml. */
const findingLine = 32;
/** Of its first step. */
const expandLine = 40;

/** Each takes the workbench on, from where the one before left it. */
const tests = {
  'a plan that is opened is rehearsed; the finding is underlined': async (workbench) => {
    await workbench.open('backfill-is-null.cutover.yaml');
    await workbench.squiggle('error');
    await workbench.status(/^unsafe, 1 error, 1 warning$/);
  },
  'the Problems view names the rule, and lists the history line by line': async (workbench) => {
    const problems = await workbench.problems();
    assert.match(problems, /switch reads: v3 reads \(1, 'a'\) where the app without the migration reads \(1, 'b'\)/);
    assert.match(problems, /cutover\nlost-write\n/);
    assert.match(problems, /4\. v1 change_email\(email: 'b', id: 1\)/);
  },
  'it is to be seen in every theme': async (workbench) => {
    await workbench.goToLine(findingLine);
    for (const [name, theme] of Object.entries(themes)) {
      await workbench.theme(theme);
      await workbench.squiggle('error');
      await workbench.page.screenshot({ path: join(out, `${name}.png`) });
    }
  },
  'the Test Explorer fails the plan': async (workbench) => {
    await workbench.command('Test: Run Tests in Current File');
    await workbench.testResults('16/17', /lost-write: v3 reads/);
  },
  'the light bulb mends it, and the finding goes': async (workbench) => {
    await workbench.goToLine(findingLine);
    await workbench.quickFix('Backfill: compare with IS DISTINCT FROM');
    await workbench.command('Cutover: Rehearse Plan');
    await workbench.status(/^safe, 1 warning$/);
    await workbench.noSquiggle('error');
    await workbench.page.keyboard.press('Control+Z');
    await workbench.command('Cutover: Rehearse Plan');
    await workbench.squiggle('error');
  },
  'the debugger steps forward and back with its toolbar': async (workbench) => {
    await workbench.command('Cutover: Debug Plan');
    await workbench.command('View: Show Run and Debug');
    await workbench.stoppedAt(1);
    await workbench.debugTool('step-over');
    await workbench.stoppedAt(expandLine);
    await workbench.page.screenshot({ path: join(out, 'debugger.png') });
    await workbench.debugTool('step-back');
    await workbench.stoppedAt(1);
    await workbench.debugTool('stop');
    await workbench.stoppedAt(null);
  },
  'a letter typed makes it stale; the problem is gone from the count': async (workbench) => {
    await workbench.typeAtStart('# ');
    await workbench.status(/^stale$/);
    await workbench.noSquiggle('error');
  },
  'the report is shown by a command': async (workbench) => {
    await workbench.command('Cutover: Show Report');
    await workbench.outputShows('The plan has changed since this rehearsal.');
  },
};

/** Restricted Mode: mistakes are shown, and nothing is run. */
const restricted = {
  'in a workspace that is not trusted a plan is checked, and not run': async (workbench) => {
    await workbench.restrictedMode();
    await workbench.open('broken.cutover.yaml');
    await workbench.squiggle('error');
    await workbench.open('backfill-is-null.cutover.yaml');
    await workbench.status(/^not run$/);
  },
};

async function makeWorkspace(folder) {
  await cp(join(root, 'examples/rename-column'), folder, { recursive: true });
  await cp(join(root, 'test/extension/workspace'), folder, { recursive: true });
}

/** One window with a profile of its own. */
async function session(vsix, settings, cases) {
  const scratch = await mkdtemp(join(tmpdir(), 'cutover-e2e-'));
  const profile = profileIn(scratch);
  const workspace = join(scratch, 'workspace');
  await makeWorkspace(workspace);
  await writeSettings(profile, settings);
  installVsix(profile, vsix);
  const server = await startServer(profile);
  const { browser, page } = await openBrowser();
  const workbench = new Workbench(page);
  const count = { passed: 0, failed: 0 };
  try {
    await page.goto(`http://${server.address}/?${new URLSearchParams({ folder: workspace })}`);
    for (const [name, test] of Object.entries(cases)) await attempt(name, () => test(workbench), page, count);
  } finally {
    await browser.close();
    server.stop();
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
  return count;
}

async function attempt(name, test, page, count) {
  const begun = performance.now();
  try {
    await test();
    count.passed++;
    console.log(`ok     ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    count.failed++;
    const picture = join(out, `failed-${count.failed}.png`);
    await page.screenshot({ path: picture }).catch(() => {});
    console.log(`FAILED ${name}\n${error.stack}\n  a picture: ${picture}`);
  }
}

/** Each a window of its own; those that are named on the command line are run alone. */
const sessions = [
  ['plan', { 'workbench.colorTheme': themes.light }, tests],
  ['stage', { 'workbench.colorTheme': themes.light }, stageTests(out)],
  ['restricted', { 'security.workspace.trust.enabled': true }, restricted],
];

async function main() {
  await mkdir(out, { recursive: true });
  await installEditor();
  if (!process.argv.includes('--no-build')) await buildAll();
  const { file, size } = await packageExtension(join(out, 'cutover.vsix'));
  console.log(`the extension has ${(size / 1024 / 1024).toFixed(2)} MB`);
  const named = process.argv.slice(2).filter((each) => !each.startsWith('--'));
  const counts = [];
  for (const [name, settings, cases] of sessions)
    if (named.length === 0 || named.includes(name)) counts.push(await session(file, settings, cases));
  const sum = (key) => counts.reduce((total, each) => total + each[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exit(sum('failed') === 0 && sum('passed') > 0 ? 0 : 1);
}

await main();
