/**
 * Bundles the stage's page into dist/webview/: stage.js with stage.css, and beside them what is loaded on demand: monaco.js
 * with its style sheet, its font and its worker, and charts.js.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const common = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  tsconfig: join(root, 'webview/tsconfig.json'),
  loader: { '.ttf': 'file' },
  assetNames: '[name]',
};

export async function buildWebview(outdir = join(root, 'dist')) {
  const page = join(outdir, 'webview');
  // Chunks that are shared are named by their content: those of older builds would stay.
  await rm(page, { recursive: true, force: true });
  const [built] = await Promise.all([
    build({
      ...common,
      // What is imported on demand is an entry too, for a name that stays and a style sheet that can be linked.
      entryPoints: {
        stage: join(root, 'webview/main.tsx'),
        monaco: join(root, 'webview/monaco/editor.ts'),
        charts: join(root, 'webview/charts/uplot.ts'),
      },
      outdir: page,
      format: 'esm',
      splitting: true,
      metafile: true,
    }),
    build({
      ...common,
      entryPoints: { 'editor.worker': join(root, 'webview/monaco/worker-entry.ts') },
      outdir: page,
      format: 'iife',
    }),
  ]);
  return built;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildWebview();
}
