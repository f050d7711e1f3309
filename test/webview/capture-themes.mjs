/** Writes themes.json: the variables that the real editor gives a page in each of its default themes. Run by hand when the editor's version changes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, profileIn, startServer, writeSettings } from '../../scripts/editor-server.mjs';
import { installEditor } from '../../scripts/install-editor.mjs';
import { Workbench } from '../e2e/workbench.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** As the picker names them, with what the setting calls them. */
const themes = {
  'Light 2026': 'Light 2026',
  'Dark 2026': 'Dark 2026',
  'Light Modern': 'Light Modern',
  'Dark Modern': 'Dark Modern',
  'Light High Contrast': 'Default High Contrast Light',
  'Dark High Contrast': 'Default High Contrast',
};
/** What a page of ours may use. */
const wanted =
  /^--vscode-(?:badge|button|charts|checkbox|contrast|debug|description|diffEditor|dropdown|editor|error|focus|font|foreground|input|keybinding|list|menu|panel|progress|sash|scrollbar|sideBar|symbolIcon|testing|text|toolbar|widget)/;

await installEditor();
const scratch = await mkdtemp(join(tmpdir(), 'cutover-themes-'));
await writeFile(join(scratch, 'page.md'), '# A page\n');
const captured = {};
for (const [name, setting] of Object.entries(themes)) {
  const profile = profileIn(join(scratch, name.replaceAll(' ', '-')));
  await writeSettings(profile, { 'workbench.colorTheme': setting });
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
    kind: document.body.dataset.vscodeThemeKind ?? body.className,
    variables: Object.fromEntries(
      [...document.documentElement.style].map((each) => [
        each,
        document.documentElement.style.getPropertyValue(each).trim(),
      ]),
    ),
  }));
  const variables = Object.entries(captured[name].variables).filter(([variable]) => wanted.test(variable));
  captured[name].variables = Object.fromEntries(variables);
  console.log(name, captured[name].kind, variables.length);
  await browser.close();
  server.stop();
}
await writeFile(join(here, 'themes.json'), `${JSON.stringify(captured, null, 1)}\n`);
await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
process.exit(0);
