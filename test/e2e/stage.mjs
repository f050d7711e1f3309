/**
 * The stage in the window, with the packed extension: looked at in the six default themes, moved by keys and pointer, beside
 * the debugger, and with another future played on the engine. Each test takes the window on from where the one before left it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { StagePage } from './stage-page.mjs';

/** The default themes, as the picker names them. */
const themes = ['Light 2026', 'Dark 2026', 'Light Modern', 'Dark Modern', 'Light High Contrast', 'Dark High Contrast'];

/** Of backfill-is-null.cutover.yaml: where the step `expand` stands, and the event at which the lost write was made. */
const expandLine = 40;

/** `out` is the folder of the pictures. */
export function stageTests(out) {
  return {
    'the stage is opened beside the plan, and tells which write was lost': async (workbench) => {
      const stage = new StagePage(workbench);
      await workbench.open('backfill-is-null.cutover.yaml');
      await workbench.status(/^unsafe, 1 error, 1 warning$/);
      await stage.open();
      await stage.frame.getByRole('heading', { level: 1, name: 'a write is lost at “switch reads”' }).waitFor();
      await stage.says("v3 runs get_user(id 1) and reads (1, 'a'); without the migration it reads (1, 'b')");
      // The editor keeps its place: the stage takes no focus from who types.
      await workbench.page.getByRole('tab', { name: /^backfill-is-null/, selected: true }).waitFor();
    },
    'it is to be seen in the six default themes, with nothing that axe-core finds': async (workbench) => {
      const stage = new StagePage(workbench);
      const found = [];
      for (const theme of themes) {
        await workbench.theme(theme);
        await stage.isThere();
        await workbench.page.screenshot({ path: join(out, `stage-${theme.toLowerCase().replaceAll(' ', '-')}.png`) });
        found.push(...(await stage.violations(theme)));
      }
      assert.deepEqual(found, []);
      await workbench.theme('Light Modern');
    },
    'keys move the playhead, and the plan’s line follows': async (workbench) => {
      const stage = new StagePage(workbench);
      await stage.press('Home', 'ArrowRight');
      await stage.at(1);
      await workbench.marked(expandLine);
      await stage.press('End');
      await stage.says("reads (1, 'a')");
    },
    'the broken cell of the matrix leads to the history that shows it': async (workbench) => {
      const stage = new StagePage(workbench);
      await stage.press('Home');
      await stage.at(0);
      await stage.frame.getByRole('gridcell', { name: /^switch reads, v3 reads: broken/ }).click();
      await stage.says("without the migration it reads (1, 'b')");
    },
    'Monaco shows what both versions run': async (workbench) => {
      const stage = new StagePage(workbench);
      await stage.tab('SQL');
      const lines = stage.frame.locator('.monaco-diff-editor .view-lines');
      await lines.filter({ hasText: 'email_address' }).first().waitFor();
      await lines
        .filter({ hasText: /SELECT.id,.email.FROM/ })
        .first()
        .waitFor();
      await workbench.page.screenshot({ path: join(out, 'stage-sql.png') });
      assert.deepEqual(await stage.violations('SQL'), []);
    },
    'a what-if gives the answer that the engine gives': async (workbench) => {
      const stage = new StagePage(workbench);
      await stage.tab('What if');
      await stage.frame.getByLabel('v3', { exact: true }).check();
      await stage.frame.getByLabel('Request').selectOption('change_email');
      await stage.frame.getByLabel('email', { exact: true }).fill('mended@example.com');
      await stage.button('Play it here').click();
      const outcome = stage.frame.getByRole('region', { name: 'What came of it' });
      await outcome.waitFor();
      await workbench.page.screenshot({ path: join(out, 'stage-what-if.png') });
      // Written by v3 to both places: from here on the row is as it would be without the migration.
      await stage.tab('Row');
      await stage.frame.getByText('mended@example.com').first().waitFor();
    },
    'clicks in the stage move the debugger, and the debugger moves the stage': async (workbench) => {
      const stage = new StagePage(workbench);
      await workbench.command('Cutover: Debug Plan');
      await workbench.stoppedAt(1);
      await stage.at(0);
      // The focus stays in the stage, so that the editor shows no cursor.
      await stage.button('Next event').click();
      await workbench.standsIn(expandLine);
      await workbench.debugTool('step-over');
      await stage.at(2);
      await workbench.page.screenshot({ path: join(out, 'stage-debugger.png') });
      await workbench.debugTool('step-back');
      await stage.at(1);
      await workbench.debugTool('stop');
      await workbench.stoppedAt(null);
    },
    'traffic runs in virtual time, and is drawn over the steps': async (workbench) => {
      const stage = new StagePage(workbench);
      await stage.tab('Traffic');
      await stage.button('Simulate traffic').click();
      await stage.frame.locator('.uplot').first().waitFor();
      await workbench.page.screenshot({ path: join(out, 'stage-traffic.png') });
      assert.deepEqual(await stage.violations('Traffic'), []);
    },
    'it is there again when the window is loaded anew': async (workbench) => {
      const stage = new StagePage(workbench);
      await workbench.page.reload();
      await workbench.page.locator('.monaco-workbench').waitFor();
      await stage.isThere();
      await stage.frame.getByRole('tab', { name: 'Traffic', exact: true, selected: true }).waitFor();
    },
  };
}
