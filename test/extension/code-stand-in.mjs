#!/usr/bin/env node
/**
 * Stands in for the desktop's `code` on machines that have none: takes the flags that @vscode/test-electron passes, and runs
 * the suite in the extension host of a real VS Code server, with headless Chromium as the workbench. Ends with the
 * suite's code. Whether the suite really ran is for the caller to see, by its results file: a host that dies gives 0.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { format } from 'node:util';
import { openBrowser, profileIn, startServer } from '../../scripts/editor-server.mjs';

const timeoutMs = 10 * 60 * 1000;
const verbose = (process.env.STAND_IN_VERBOSE ?? '') !== '';

/** `--name=value` and the folder to open. */
function readFlags(argv) {
  const flags = new Map();
  const folders = [];
  for (const argument of argv) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) folders.push(argument);
    else flags.set(name, value ?? '');
  }
  return { flags, folder: folders[0] };
}

/** What the workbench of the browser takes in place of the desktop's flags. */
function query(address, { flags, folder }) {
  const remote = (path) => `vscode-remote://${address}${resolve(path)}`;
  const payload = [
    ['extensionDevelopmentPath', remote(flags.get('extensionDevelopmentPath'))],
    ['extensionTestsPath', remote(flags.get('extensionTestsPath'))],
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
  ];
  return new URLSearchParams({ folder: resolve(folder), payload: JSON.stringify(payload) });
}

/** The suite's exit code, or why there is none. */
async function drive(page, url, server) {
  let end;
  const ended = new Promise((settle) => (end = settle));
  await page.exposeFunction('codeAutomationExit', (code) => end(code));
  await page.exposeFunction('codeAutomationLog', (type, parts) => {
    if (verbose) console.error(`[${type}]`, format(...parts).slice(0, 400));
  });
  page.on('crash', () => end('the workbench crashed'));
  void server.ended.then(() => end("the editor's server ended"));
  const timer = setTimeout(() => end(`nothing came of it in ${timeoutMs / 60_000} minutes`), timeoutMs);
  await page.goto(url);
  const code = await ended;
  clearTimeout(timer);
  return code;
}

async function main() {
  const asked = readFlags(process.argv.slice(2));
  const folder = await mkdtemp(join(tmpdir(), 'cutover-editor-'));
  const given = { data: asked.flags.get('user-data-dir'), extensions: asked.flags.get('extensions-dir') };
  const profile = { ...profileIn(folder), ...given };
  const server = await startServer(profile, {
    // Without the first, the payload is ignored; without the second, commands wait for an answer that nobody gives.
    flags: ['--enable-smoke-test-driver', '--disable-workspace-trust'],
  });
  const { browser, page } = await openBrowser();
  const code = await drive(page, `http://${server.address}/?${query(server.address, asked)}`, server);
  await browser.close();
  server.stop();
  if (code !== 0) {
    console.error(`code-stand-in: ${code}`);
    console.error((await readFile(profile.log, 'utf8').catch(() => '')).split('\n').slice(-15).join('\n'));
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  process.exit(typeof code === 'number' ? code : 70);
}

await main();
