/**
 * `npm run editor`: builds, and opens the examples in a real VS Code with the extension; `npm run editor -- FOLDER` opens that
 * folder. The desktop's VS Code where `code` is there; else the server from npm, in a window of Chromium, or at an
 * address for a browser of your own where there is no display.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAll } from './build.mjs';
import { installVsix, openBrowser, profileIn, startServer, writeSettings } from './editor-server.mjs';
import { installEditor } from './install-editor.mjs';
import { packageExtension } from './package.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = resolve(process.argv[2] ?? join(root, 'examples'));

function openDesktop() {
  const options = { stdio: 'inherit', shell: process.platform === 'win32' };
  if (spawnSync('code', ['--version'], { ...options, stdio: 'ignore' }).status !== 0) return false;
  return spawnSync('code', ['--new-window', `--extensionDevelopmentPath=${root}`, folder], options).status === 0;
}

async function openServer() {
  await installEditor();
  const scratch = await mkdtemp(join(tmpdir(), 'cutover-editor-'));
  const profile = profileIn(scratch);
  await writeSettings(profile);
  const { file } = await packageExtension(join(scratch, 'cutover.vsix'));
  installVsix(profile, file);
  // The server ends with this process; its profile is of no use to anyone.
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const server = await startServer(profile);
  const url = `http://${server.address}/?${new URLSearchParams({ folder })}`;
  console.log(`The editor is at ${url}; Ctrl-C ends it.`);
  if (process.platform !== 'linux' || (process.env.DISPLAY ?? '') !== '') await window(url);
  else await server.ended;
  process.exit(0);
}

async function window(url) {
  const { browser, page } = await openBrowser({ headless: false });
  await page.goto(url);
  await new Promise((closed) => page.on('close', closed));
  await browser.close();
}

await buildAll();
if (!openDesktop()) await openServer();
