/** SQL in Monaco: loaded under the page's own policy, two versions with their difference, a step with its findings. */
import assert from 'node:assert/strict';

const pane = (stage) => stage.page.getByRole('region', { name: 'SQL', exact: true });
const says = (stage, text) => pane(stage).getByText(text).first().waitFor();
const ready = (stage) => pane(stage).locator('.monaco-diff-editor .view-line').first().waitFor();
/** Monaco writes spaces that do not break, and a line for each row. */
const text = async (locator) => (await locator.innerText()).replaceAll(/\s+/g, ' ');

async function open(stage, recording = 'is-null', options = {}) {
  await stage.open(recording, options);
  await stage.tab('SQL');
  await ready(stage);
}

export const cases = {
  'both versions are there, and what differs is marked and said': async (stage) => {
    await open(stage, 'is-null', { size: [900, 1200] });
    await says(stage, 'Only v1 has email; only v3 has email_address.');
    const sides = pane(stage).locator('.monaco-diff-editor .view-lines');
    await pane(stage).locator('.char-insert').first().waitFor({ state: 'attached' });
    const written = await Promise.all([text(sides.nth(0)), text(sides.nth(1))]);
    assert.match(written[0], /SELECT id, email FROM users WHERE id = :id;/);
    assert.match(written[1], /SELECT id, email_address FROM users WHERE id = :id;/);
    await says(stage, "(1, 'b')");
  },
  'below each other where it is narrow': async (stage) => {
    await open(stage, 'is-null', { size: [560, 1000] });
    await pane(stage).locator('.monaco-diff-editor:not(.side-by-side)').waitFor();
    await stage.page.setViewportSize({ width: 1000, height: 1000 });
    await pane(stage).locator('.monaco-diff-editor.side-by-side').waitFor();
  },
  'what is compared can be chosen, and the request is remembered': async (stage) => {
    await open(stage);
    await pane(stage).getByLabel('Request').selectOption('change_email');
    await pane(stage).getByLabel('After').selectOption('v4');
    await says(stage, 'Only v1 has email; only v4 has email_address.');
    await stage.reload();
    await ready(stage);
    assert.equal(await pane(stage).getByLabel('Request').inputValue(), 'change_email');
  },
  'the step at the playhead, with its finding underlined and listed': async (stage) => {
    await open(stage, 'one-step');
    await pane(stage).locator('.squiggly-error').first().waitFor({ state: 'attached' });
    await says(stage, 'v1.get_user fails: column "email" does not exist');
    await pane(stage).getByRole('button', { name: 'About request-fails' }).click();
    assert.deepEqual(await stage.asked('openRule'), [['request-fails']]);
    await pane(stage).getByRole('button', { name: 'Show in the plan' }).click();
    const [[place]] = await stage.asked('reveal');
    assert.equal(place.line, 21);
  },
  'another step by choice': async (stage) => {
    await open(stage);
    await pane(stage).getByLabel('Step', { exact: true }).selectOption('backfill');
    const forward = pane(stage).getByRole('group', { name: 'Forward of backfill' });
    await forward.locator('.view-line').first().waitFor();
    assert.match(await text(forward), /UPDATE users SET email_address = email WHERE id IN/);
  },
  'Monaco follows the theme': async (stage) => {
    await open(stage);
    const paper = () =>
      pane(stage)
        .locator('.monaco-editor')
        .first()
        .evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.equal(await paper(), 'rgb(31, 31, 31)');
    await stage.theme('Light Modern');
    await stage.page.waitForFunction(() => document.querySelector('.monaco-editor.vs') !== null);
    assert.equal(await paper(), 'rgb(255, 255, 255)');
    await stage.theme('Dark High Contrast');
    await stage.page.waitForFunction(() => document.querySelector('.monaco-editor.hc-black') !== null);
  },
  'editors that are left are gone: going to and fro keeps nothing': async (stage) => {
    await open(stage);
    const session = await stage.page.context().newCDPSession(stage.page);
    await session.send('Performance.enable');
    const held = async () => {
      // What is left only by finalizers, and by frames that are still to come, is gone after a few rounds.
      for (let round = 0; round < 4; round++) {
        await stage.frames();
        await session.send('HeapProfiler.collectGarbage');
      }
      const { metrics } = await session.send('Performance.getMetrics');
      const of = (name) => metrics.find((metric) => metric.name === name).value;
      return { nodes: of('Nodes'), listeners: of('JSEventListeners') };
    };
    const tour = async () => {
      await stage.tab('What if');
      await stage.page.locator('.what-if .monaco-editor .view-line').first().waitFor();
      await stage.tab('SQL');
      await ready(stage);
      await pane(stage).locator('.char-insert').first().waitFor({ state: 'attached' });
    };
    for (let n = 0; n < 3; n++) await tour();
    const before = await held();
    for (let n = 0; n < 5; n++) await tour();
    const after = await held();
    await session.detach();
    // One editor has far more of both.
    const said = `${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
    assert.ok(after.nodes - before.nodes < 100 && after.listeners - before.listeners < 16, said);
  },
  'without Monaco the text is there all the same': async (stage) => {
    await stage.page.route('**/monaco.js', (route) => route.abort());
    await stage.open('is-null');
    await stage.tab('SQL');
    await says(stage, 'SELECT id, email_address FROM users WHERE id = :id;');
    await says(stage, 'The editor could not be loaded');
    await stage.page.unroute('**/monaco.js');
    stage.errors.length = 0;
  },
};
