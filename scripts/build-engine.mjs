/** Bundles the engine's thread into dist/, with PGlite's files and the database image beside it. */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildImage } from './build-image.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pglite = dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'));

export async function buildEngine(outdir = join(root, 'dist')) {
  await mkdir(join(outdir, 'extensions'), { recursive: true });
  await Promise.all([buildWorker(outdir), copyAssets(outdir), buildImage(outdir)]);
}

async function buildWorker(outdir) {
  await build({
    entryPoints: [join(root, 'simulator/engine/worker.ts')],
    outfile: join(outdir, 'engine-worker.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // A CommonJS bundle has no import.meta: PGlite, which asks for its own URL, gets the bundle's.
    define: { 'import.meta.url': '__metaUrl' },
    banner: { js: "const __metaUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
}

async function copyAssets(outdir) {
  const extensions = (await readdir(pglite)).filter((name) => name.endsWith('.tar.gz'));
  await Promise.all([
    ...['pglite.wasm', 'pglite.data'].map((name) => copyFile(join(pglite, name), join(outdir, name))),
    ...extensions.map((name) => copyFile(join(pglite, name), join(outdir, 'extensions', name))),
  ]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildEngine();
}
