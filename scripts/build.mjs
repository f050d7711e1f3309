/** Bundles the command line into dist/, which then works without node_modules. */
import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildEngine } from './build-engine.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function buildAll(outdir = join(root, 'dist')) {
  await mkdir(outdir, { recursive: true });
  await Promise.all([buildCli(outdir), copyParser(outdir), buildEngine(outdir)]);
}

async function buildCli(outdir) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const outfile = join(outdir, 'cli.cjs');
  await build({
    entryPoints: [join(root, 'simulator/cli.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // A CommonJS bundle has no import.meta: modules that ask for their own URL get the bundle's.
    define: { 'import.meta.url': '__metaUrl', 'process.env.CUTOVER_VERSION': JSON.stringify(version) },
    banner: {
      js: "#!/usr/bin/env node\nconst __metaUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
}

/** The SQL parser's loader looks for its WebAssembly beside the bundle. */
async function copyParser(outdir) {
  const parser = dirname(createRequire(import.meta.url).resolve('libpg-query'));
  await copyFile(join(parser, 'libpg-query.wasm'), join(outdir, 'libpg-query.wasm'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildAll();
}
