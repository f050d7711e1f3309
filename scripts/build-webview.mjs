/** Bundles the stage's page into dist/webview/: stage.js with stage.css, and what is loaded on demand beside them. */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function buildWebview(outdir = join(root, 'dist')) {
  const page = join(outdir, 'webview');
  // Chunks are named by their content: those of older builds would stay.
  await rm(page, { recursive: true, force: true });
  return build({
    entryPoints: { stage: join(root, 'webview/main.tsx') },
    outdir: page,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    splitting: true,
    minify: true,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    tsconfig: join(root, 'webview/tsconfig.json'),
    loader: { '.ttf': 'file' },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildWebview();
}
