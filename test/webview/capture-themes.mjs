/** Writes themes.json: the variables that the real editor gives a page in each of its default themes. Run by hand when the editor's version changes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, profileIn, startServer, writeSettings } from '../../scripts/editor-server.mjs';
import { installEditor } from '../../scripts/install-editor.mjs';
import { Workbench } from '../e2e/workbench.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const names = ['Light 2026', 'Dark 2026', 'Light Modern', 'Dark Modern', 'Light High Contrast', 'Dark High Contrast'];

await installEditor();
const scratch = await mkdtemp(join(tmpdir(), 'cutover-themes-'));
await writeFile(join(scratch, 'page.md'), '# A page\n');
const captured = {};
for (const name of names) {
  const profile = profileIn(join(scratch, name.replaceAll(' ', '-')));
  await writeSettings(profile, { 'workbench.colorTheme': name });
  const server = await startServer(profile);
  const { browser, page } = await openBrowser();
  const workbench = new Workbench(page);
  await page.goto(`http://${server.address}/?${new URLSearchParams({ folder: scratch })}`);
  await workbench.open('page.md');
  await page.waitForTimeout(4000);
  await page.keyboard.press('Control+Shift+V');
  const frame = page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  await frame.getByRole('heading', { name: 'A page' }).waitFor();
  captured[name] = await frame.locator('body').evaluate((body) => ({
    kind: body.className.split(' ').find((each) => each.startsWith('vscode-')) ?? '',
    classes: body.className,
    variables: Object.fromEntries(
      [...document.documentElement.style]
        .filter((each) => each.startsWith('--vscode'))
        .map((each) => [each, document.documentElement.style.getPropertyValue(each).trim()]),
    ),
  }));
  console.log(name, captured[name].classes, Object.keys(captured[name].variables).length);
  await browser.close();
  server.stop();
}
await writeFile(join(here, 'themes.json'), `${JSON.stringify(captured, null, 1)}\n`);
await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
process.exit(0);
