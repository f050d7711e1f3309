/** A VS Code server with a fresh profile, and Chromium as its window: for the tests, and for `npm run editor`. */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { editor } from './install-editor.mjs';

/** Quiet: nothing that asks, updates, or talks to anyone. */
export const quietSettings = {
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  // A browser's workbench saves by itself, the desktop's does not.
  'files.autoSave': 'off',
  'git.enabled': false,
};

/** The places of one profile under a folder of its own. */
export function profileIn(folder) {
  return {
    data: join(folder, 'data'),
    extensions: join(folder, 'extensions'),
    settings: join(folder, 'data/User/settings.json'),
    log: join(folder, 'server.log'),
  };
}

export async function writeSettings(profile, settings = {}) {
  await mkdir(join(profile.data, 'User'), { recursive: true });
  await mkdir(profile.extensions, { recursive: true });
  await writeFile(profile.settings, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
}

function flagsOf(profile) {
  return [
    editor.main,
    '--user-data-dir',
    profile.data,
    '--extensions-dir',
    profile.extensions,
    '--server-data-dir',
    join(profile.data, 'server'),
    '--accept-server-license-terms',
    '--telemetry-level',
    'off',
  ];
}

/** What a host of ours may have set must not reach the server: it would take itself for a child of another VS Code. */
function environment() {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name));
  return Object.fromEntries(own);
}

export function installVsix(profile, vsix) {
  const run = spawnSync(editor.node, [...flagsOf(profile), '--install-extension', vsix], {
    env: environment(),
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`${vsix} could not be installed:\n${run.stdout}${run.stderr}`);
}

/** Gives the server's address, and what ends it with all its children. */
export async function startServer(profile, { flags = [] } = {}) {
  const log = createWriteStream(profile.log);
  const server = spawn(
    editor.node,
    [...flagsOf(profile), '--host', '127.0.0.1', '--port', '0', '--without-connection-token', ...flags],
    // A process group of its own, so that one signal reaches its extension hosts too.
    { env: environment(), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  const stop = () => {
    try {
      process.kill(-server.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  process.on('exit', stop);
  // A signal ends a process without its `exit`.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  server.stderr.pipe(log);
  const address = await new Promise((resolve, reject) => {
    let output = '';
    server.stdout.on('data', (data) => {
      log.write(data);
      output += data;
      const port = /Web UI available at http:\/\/[^:]+:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(`127.0.0.1:${port}`);
    });
    server.on('exit', (code) => reject(new Error(`the editor's server ended with ${code}:\n${output}`)));
  });
  return { address, stop, ended: new Promise((resolve) => server.on('exit', resolve)) };
}

/** A page with no way out of this machine. */
export async function openBrowser({ headless = true } = {}) {
  const browser = await chromium.launch({
    executablePath: editor.browser(),
    headless,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--no-first-run',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const isOurs = ({ protocol, hostname }) =>
    !protocol.startsWith('http') || hostname === '127.0.0.1' || hostname.endsWith('.vscode-cdn.net');
  await page.route(
    (url) => !isOurs(url),
    (route) => route.abort(),
  );
  return { browser, page };
}
