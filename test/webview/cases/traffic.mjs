/** Traffic: its states, the scrubber that is tied to the playhead, and the same figures as a table. */
import assert from 'node:assert/strict';

const button = (stage, name) => stage.page.getByRole('button', { name, exact: true });
const scrubber = (stage) => stage.page.getByRole('slider', { name: 'Time of the simulation, by step' });
const scrubbed = (stage) => scrubber(stage).getAttribute('aria-valuetext');
const pane = (stage) => stage.page.getByRole('region', { name: 'Simulated traffic' });
const says = (stage, text) => pane(stage).getByText(text).first().waitFor();

async function open(stage, recording = 'is-null', options = {}) {
  await stage.open(recording, options);
  await stage.tab('Traffic');
}

/** All charts are there. */
async function drawn(stage) {
  await stage.page.waitForFunction(() => document.querySelectorAll('.traffic-plot canvas').length === 5);
}

export const cases = {
  'a run: asked for, how far it is, cancelled, failed, asked for again': async (stage) => {
    await open(stage, 'no-copy-back');
    await button(stage, 'Simulate traffic').click();
    assert.deepEqual(await stage.asked('simulate'), [[]]);
    const running = { kind: 'running', phase: 'running', step: 'dual write', seconds: 119_700, requests: 31_204 };
    await stage.call('show', { traffic: running });
    await says(stage, 'running: dual write');
    await says(stage, '1 d 09:15:00');
    await says(stage, '31,204 requests');
    await button(stage, 'Cancel').last().click();
    assert.deepEqual(await stage.asked('cancelSimulation'), [[]]);
    await stage.call('show', { traffic: { kind: 'cancelled' } });
    await says(stage, 'The simulation was cancelled');
    await stage.call('show', { traffic: { kind: 'failed', message: 'the engine is gone' } });
    await says(stage, 'the engine is gone');
    await button(stage, 'Run again').click();
    assert.equal((await stage.asked('simulate')).length, 2);
  },
  'what was seen is said first, and that it is of another text': async (stage) => {
    await open(stage);
    await pane(stage).getByRole('heading', { name: '101 wrong answers' }).waitFor();
    const { traffic } = await stage.page.evaluate(async () => (await fetch('/recording/is-null')).json());
    await stage.call('show', { traffic: { ...traffic, isCurrent: false } });
    await says(stage, 'The plan has changed since this was recorded.');
    await button(stage, 'Run again').click();
    assert.deepEqual(await stage.asked('simulate'), [[]]);
  },
  'the scrubber moves the playhead to the first event of the step, and stays there within it': async (stage) => {
    await open(stage);
    assert.match(await scrubbed(stage), /^switch reads, as it begins; v2: .* right; v3: .* 7 wrong \(0\.24 %\); 6 of/);
    await scrubber(stage).focus();
    await stage.press('Control+ArrowLeft');
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 0, moment: 6, probe: null });
    assert.match(await scrubbed(stage), /^backfill, as it begins, still running;/);
    await stage.press('ArrowRight', 'ArrowRight');
    assert.equal((await stage.asked('moveTo')).length, 1);
    assert.match(await scrubbed(stage), /^backfill, .* after it began, still running;.* backfill at/);
    await stage.press('Home');
    assert.equal(await stage.moment(), 0);
    assert.match(await scrubbed(stage), /^before the first step/);
  },
  'where the history ends before, the playhead stays': async (stage) => {
    await open(stage);
    await scrubber(stage).focus();
    await stage.press('End');
    assert.match(await scrubbed(stage), /^contract/);
    assert.deepEqual(await stage.asked('moveTo'), []);
    await says(stage, 'The history that is played ends before this step');
  },
  'the playhead moves the scrubber from step to step': async (stage) => {
    await open(stage);
    await stage.nowhere();
    await stage.press('Home');
    assert.match(await scrubbed(stage), /^before the first step/);
    await stage.press('ArrowRight', 'ArrowRight');
    assert.match(await scrubbed(stage), /^dual write, as it begins/);
    await stage.call('moved', { history: 0, moment: 7, probe: null }, 99);
    assert.match(await scrubbed(stage), /^backfill/);
  },
  'a click in a chart moves the scrubber there; the charts follow the theme': async (stage) => {
    await open(stage);
    await drawn(stage);
    const plot = stage.page.locator('.traffic-plot').first();
    const box = await plot.boundingBox();
    // In the middle of the third of ten: dual write, after its rollout.
    await plot.click({ position: { x: 52 + (box.width - 53) * 0.26, y: 30 } });
    assert.match(await scrubbed(stage), /^dual write, \d/);
    assert.equal(await stage.moment(), 2);
    await stage.page.locator('.traffic-tip').waitFor();
    const pixels = () => plot.locator('canvas').evaluate((canvas) => canvas.toDataURL());
    const before = await pixels();
    await stage.theme('Light Modern');
    await drawn(stage);
    assert.notEqual(await pixels(), before);
  },
  'the table has the same figures, with one tab stop; a step in it moves the scrubber': async (stage) => {
    await open(stage);
    const table = pane(stage).getByRole('table');
    const row = table.getByRole('row', { name: /v3 8,022/ });
    assert.match(await row.innerText(), /v3\s+8,022\s+17\s+0\s+0/);
    assert.equal(await table.locator('[tabindex="0"]').count(), 1);
    await table.getByRole('button', { name: '4 switch reads' }).focus();
    await stage.press('ArrowUp', 'Enter');
    assert.match(await scrubbed(stage), /^backfill/);
    assert.equal(await stage.moment(), 6);
    assert.equal(
      await table
        .locator('[aria-current=step]')
        .innerText()
        .then((text) => /backfill/.test(text)),
      true,
    );
  },
  'the first wrong answers say what was expected': async (stage) => {
    await open(stage);
    await says(stage, "(1513, 'a1903')");
    await pane(stage).getByText('v3 get_user(id: 1711)').click();
    await says(stage, "(1711, 'a1588')");
  },
};
