/** `npm start`: builds, then rehearses an example; `npm start -- PLAN…` rehearses that plan. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAll } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const example = join('examples', 'rename-column', 'plan.cutover.yaml');

await buildAll();
const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...(given.length ? given : [example])], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
