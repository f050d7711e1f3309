/** `npm run package`: builds, and packs the extension as one .vsix that needs neither node_modules nor a network. */
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { buildAll } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Postgres has eight of them, the stage's editor of SQL one.
const mostBytes = 10 * 1024 * 1024;

export async function packageExtension(file = join(root, 'cutover.vsix')) {
  await rm(file, { force: true });
  await createVSIX({
    cwd: root,
    packagePath: file,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
    // What the editor shows of an extension; the README is that of the repository.
    readmePath: 'docs/editor.md',
  });
  const { size } = await stat(file);
  if (size > mostBytes) throw new Error(`${file} has ${size} bytes; it is to have ${mostBytes} at most`);
  return { file, size };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildAll();
  const { file, size } = await packageExtension();
  console.log(`${file}: ${(size / 1024 / 1024).toFixed(1)} MB`);
}
