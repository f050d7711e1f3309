/** The matrix and the triangle: what the cells say, what they open, and how one gets about in them. */
import assert from 'node:assert/strict';

const lostWrite = 'lost-write-switch-reads';
const matrix = (stage) => stage.page.getByRole('grid', { name: 'Every step, every version' });
const focusedLabel = (stage) => stage.page.evaluate(() => document.activeElement?.getAttribute('aria-label'));

export const cases = {
  'cells say what the report says': async (stage) => {
    await stage.open('is-null');
    const report = await stage.page.evaluate(
      async () => (await (await fetch(window.recordingUrl)).json()).rehearsal.report,
    );
    const counted = new Map();
    for (const { step, version, kind, held, broken } of report.exploration.answers) {
      const key = `${step}, ${version} ${kind}s`;
      const known = counted.get(key) ?? { held: 0, broken: 0 };
      counted.set(key, { held: known.held + held, broken: known.broken + broken });
    }
    const labels = await stage.page
      .locator('.matrix-cell')
      .evaluateAll((cells) => cells.map((cell) => ({ label: cell.ariaLabel, text: cell.textContent })));
    assert.equal(labels.length, report.steps.length * 8);
    for (const { label, text } of labels) {
      const [, key, words] = /^(.*?s): (.*)$/.exec(label);
      const { held, broken } = counted.get(key) ?? { held: 0, broken: 0 };
      const number = (value) => value.toLocaleString('en-US');
      if (broken > 0) {
        assert.match(words, new RegExp(`^broken, ${number(broken)} of ${number(held + broken)} answers differ`), label);
        assert.equal(text, `${number(broken)} of ${number(held + broken)}`);
      } else if (held > 0) {
        assert.match(words, new RegExp(`^held, all ${number(held)} answers`), label);
        assert.equal(text, number(held));
      } else assert.equal(words, 'not live', label);
    }
    assert.equal(labels.filter(({ label }) => label.includes(': broken')).length, 1);
    await stage.cell(/^switch reads, v3 reads: broken, 36 of 80 answers differ/).waitFor();
  },
  'what was never exercised is not held': async (stage) => {
    await stage.open('never');
    await stage
      .cell('backfill, v2 writes: never exercised: 2 requests (sign_up and change_email), which proves nothing')
      .waitFor();
    await stage.page.locator('.legend').getByText('never exercised').waitFor();
  },
  'without counts the findings decide': async (stage) => {
    await stage.open('uncounted');
    await stage.cell(/^switch reads, v3 reads: broken\. Opens: a write is lost/).waitFor();
    await stage.cell('switch reads, v3 writes: not counted').waitFor();
  },
  'a click on the broken cell asks for the history of its finding': async (stage) => {
    await stage.open('play-none');
    await stage.cell(/^switch reads, v3 reads: broken/).click();
    assert.deepEqual(await stage.asked('choose'), [[lostWrite]]);
  },
  'Enter does the same; once it is there, the playhead goes to what is shown': async (stage) => {
    await stage.open('play-none');
    await stage.cell(/^switch reads, v3 reads: broken/).focus();
    await stage.press('Enter');
    assert.deepEqual(await stage.asked('choose'), [[lostWrite]]);
    const { play } = await stage.page.evaluate(async () => (await fetch('/recording/is-null')).json());
    await stage.call('show', { play: { ...play, playhead: { history: 0, moment: 0, probe: null } } });
    assert.equal(await stage.moment(), 9);
    assert.deepEqual(await stage.asked('moveTo'), [[{ history: 0, moment: 9, probe: null }, 1]]);
  },
  'what is played already is not asked for again': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('Home');
    await stage.cell(/^switch reads, v3 reads: broken/).click();
    await stage.frames();
    assert.deepEqual(await stage.asked('choose'), []);
    assert.equal(await stage.moment(), 9);
  },
  'a held cell moves the playhead to its step; beyond the end, into the plan’s own course': async (stage) => {
    await stage.open('is-null');
    await stage.cell(/^dual write, v1 reads: held/).click();
    await stage.frames();
    assert.equal(await stage.moment(), 2);
    await stage.cell(/^contract, v4 reads: held/).click();
    assert.deepEqual(await stage.asked('choose'), [[null]]);
  },
  'a finding of no version is marked at its step': async (stage) => {
    await stage.open('is-null');
    const head = stage.page.getByRole('rowheader', {
      name: /^Step 4, switch reads, deploy\. warning: nothing verified/,
    });
    await head.locator('.mark-warning').waitFor();
    await head.click();
    assert.deepEqual(await stage.asked('choose'), [['missing-verify-switch-reads']]);
  },
  'the matrix has one tab stop; arrows, Home, End, PageUp and PageDown go about in it': async (stage) => {
    await stage.open('is-null');
    assert.equal(await matrix(stage).locator('[tabindex="0"]').count(), 1);
    await stage.cell(/^switch reads, v3 reads/).focus();
    await stage.press('ArrowRight');
    assert.match(await focusedLabel(stage), /^switch reads, v3 writes/);
    await stage.press('ArrowUp');
    assert.match(await focusedLabel(stage), /^backfill, v3 writes/);
    await stage.press('Home');
    assert.match(await focusedLabel(stage), /^Step 3, backfill/);
    await stage.press('PageDown');
    assert.match(await focusedLabel(stage), /^Step 9, contract/);
    await stage.press('End');
    assert.match(await focusedLabel(stage), /^contract rolls back/);
    await stage.press('PageUp', 'ArrowLeft');
    assert.match(await focusedLabel(stage), /^expand, v4 writes/);
    assert.equal(await matrix(stage).locator('[tabindex="0"]').count(), 1);
    // Arrows in the grid are the grid's: the playhead stands where it stood.
    assert.equal(await stage.moment(), 9);
  },
  'the step of the playhead is marked': async (stage) => {
    await stage.open('is-null');
    const current = matrix(stage).locator('[aria-current=step]');
    assert.match(await current.getAttribute('aria-label'), /^Step 4/);
    await stage.nowhere();
    await stage.press('Control+ArrowLeft');
    await stage.press('Control+ArrowLeft');
    assert.match(await current.getAttribute('aria-label'), /^Step 3/);
    assert.equal(await current.count(), 1);
  },
  'how far back each step rolls, and where there is no return': async (stage) => {
    await stage.open('no-copy-back');
    await stage.cell('switch reads rolls back: back to the start').waitFor();
    const last = stage.cell(
      'stop dual write rolls back: point of no return; 5 only: writes are lost on the way from switch reads to verify',
    );
    await last.locator('.mark-flag').waitFor();
    await last.click();
    await stage.frames();
    // Its finding is played already: the playhead goes to what it shows.
    assert.equal(await stage.moment(), 14);
    await stage.open('is-null');
    await stage.cell('contract rolls back: point of no return, on purpose; nowhere: no way back is written').waitFor();
  },
  'every way back is in the triangle': async (stage) => {
    await stage.open('no-copy-back');
    await stage.page.getByRole('button', { name: 'Every way back' }).click();
    const triangle = stage.page.getByRole('grid', { name: /^Every way back/ });
    assert.equal(await triangle.getByRole('gridcell').count(), 21);
    await stage.cell('From stop dual write back to switch reads: safe').waitFor();
    const lost = stage.cell('From stop dual write back to expand: writes are lost');
    assert.equal(await lost.innerText(), 'L');
    await lost.focus();
    await stage.press('ArrowLeft');
    assert.equal(await focusedLabel(stage), 'From stop dual write back to the start: writes are lost');
    assert.equal(await triangle.locator('[tabindex="0"]').count(), 1);
  },
  'folded, it says in a line what is broken': async (stage) => {
    await stage.open('is-null');
    await stage.page.getByRole('button', { name: 'Every step, every version' }).click();
    await stage.page.getByText('Broken: switch reads, v3 reads').waitFor();
    assert.equal(await stage.page.getByRole('gridcell', { name: /v3 reads/ }).count(), 0);
  },
};
