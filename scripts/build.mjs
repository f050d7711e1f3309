/** Bundles the command line and the extension into dist/, which then works without node_modules. */
import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildEngine } from './build-engine.mjs';
import { buildWebview } from './build-webview.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function buildAll(outdir = join(root, 'dist')) {
  await mkdir(outdir, { recursive: true });
  await Promise.all([
    buildCli(outdir),
    buildExtension(outdir),
    buildWebview(outdir),
    copyParser(outdir),
    buildEngine(outdir),
  ]);
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** A CommonJS bundle has no import.meta: modules that ask for their own URL get the bundle's. */
const metaUrl = "const __metaUrl = require('node:url').pathToFileURL(__filename).href;";

async function buildCli(outdir) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const outfile = join(outdir, 'cli.cjs');
  await build({
    ...common,
    entryPoints: [join(root, 'simulator/cli.ts')],
    outfile,
    define: { 'import.meta.url': '__metaUrl', 'process.env.CUTOVER_VERSION': JSON.stringify(version) },
    banner: { js: `#!/usr/bin/env node\n${metaUrl}` },
  });
  await chmod(outfile, 0o755);
}

/** What the extension host loads, and the process beside it that holds the simulator. Both find the engine's files in dist/. */
async function buildExtension(outdir) {
  await Promise.all([
    build({
      ...common,
      entryPoints: [join(root, 'extension/extension.ts')],
      outfile: join(outdir, 'extension.cjs'),
      external: ['vscode'],
      // Stacks in a user's log name what a reader of the code can find.
      keepNames: true,
    }),
    build({
      ...common,
      entryPoints: [join(root, 'extension/rehearsal/worker.ts')],
      outfile: join(outdir, 'simulator-process.cjs'),
      define: { 'import.meta.url': '__metaUrl' },
      banner: { js: metaUrl },
    }),
  ]);
}

/** The SQL parser's loader looks for its WebAssembly beside the bundle. */
async function copyParser(outdir) {
  const parser = dirname(createRequire(import.meta.url).resolve('libpg-query'));
  await copyFile(join(parser, 'libpg-query.wasm'), join(outdir, 'libpg-query.wasm'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildAll();
}
