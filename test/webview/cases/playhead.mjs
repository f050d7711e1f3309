/** The playhead: what moves it, and who is told. */
import assert from 'node:assert/strict';

const button = (stage, name) => stage.page.getByRole('button', { name, exact: true });
const moves = async (stage) => (await stage.asked('moveTo')).map(([{ moment }]) => moment);

export const cases = {
  'keys go by event, by step and to both ends; the host is told each move once, counted': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('Home');
    assert.equal(await stage.moment(), 0);
    await stage.press('ArrowRight', 'ArrowRight', 'ArrowLeft');
    assert.equal(await stage.moment(), 1);
    await stage.press('Control+ArrowRight');
    assert.equal(await stage.moment(), 2);
    await stage.press('Control+ArrowRight');
    assert.equal(await stage.moment(), 6);
    await stage.press('ArrowRight', 'Control+ArrowLeft');
    assert.equal(await stage.moment(), 6);
    await stage.press('Control+ArrowLeft');
    assert.equal(await stage.moment(), 2);
    await stage.press('End', 'ArrowRight');
    assert.equal(await stage.moment(), 9);
    assert.deepEqual(await moves(stage), [0, 1, 2, 1, 2, 6, 7, 6, 2, 9]);
    const numbers = (await stage.asked('moveTo')).map(([, number]) => number);
    assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  },
  'the buttons do as the keys do': async (stage) => {
    await stage.open('is-null');
    await button(stage, 'Previous event').click();
    await button(stage, 'Previous step').click();
    await button(stage, 'Previous step').click();
    await button(stage, 'Next event').click();
    await button(stage, 'Next step').click();
    assert.deepEqual(await moves(stage), [8, 6, 2, 3, 6]);
  },
  'the slider is the playhead: its keys move by one event': async (stage) => {
    await stage.open('is-null');
    await stage.page.getByRole('slider', { name: 'Event', exact: true }).focus();
    await stage.press('ArrowLeft', 'ArrowLeft', 'ArrowRight');
    assert.deepEqual(await moves(stage), [8, 7, 8]);
    await stage.page.getByRole('slider', { name: 'Event', exact: true }).fill('4');
    assert.equal((await moves(stage)).at(-1), 4);
  },
  'n and p go to what is shown, then to the other findings, the worst first': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('Home', 'n');
    assert.equal(await stage.moment(), 9);
    await stage.press('n');
    assert.deepEqual(await stage.asked('choose'), [['missing-verify-switch-reads']]);
    await stage.press('p');
    assert.deepEqual((await stage.asked('choose')).at(-1), ['no-rollback-contract']);
  },
  'Enter shows the place in the plan': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('Enter');
    const [[place]] = await stage.asked('reveal');
    assert.equal(place.line, 32);
    // On a button it presses the button, and nothing else.
    await stage.forget();
    await button(stage, 'Previous event').focus();
    await stage.press('Enter');
    assert.deepEqual(await stage.asked('reveal'), []);
    assert.equal(await stage.moment(), 8);
  },
  'what is typed moves nothing': async (stage) => {
    await stage.open('is-null');
    await stage.page.evaluate(() => {
      for (const tag of ['input', 'textarea', 'select']) {
        const element = document.createElement(tag);
        element.id = `typed-${tag}`;
        document.querySelector('.stage').append(element);
      }
    });
    for (const tag of ['input', 'textarea', 'select']) {
      await stage.page.locator(`#typed-${tag}`).focus();
      await stage.press('n', 'p', 'ArrowLeft', 'Home', 'Control+ArrowLeft', 'Enter', '?', 'Escape');
    }
    assert.deepEqual(await stage.asked('moveTo'), []);
    assert.deepEqual(await stage.asked('choose'), []);
    assert.deepEqual(await stage.asked('reveal'), []);
    assert.equal(await stage.page.getByRole('dialog').count(), 0);
  },
  'Alt and other keys are left to the editor': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('Alt+ArrowLeft', 'Control+n', 'Control+Home', 'x');
    assert.deepEqual(await stage.asked('moveTo'), []);
    assert.deepEqual(await stage.asked('choose'), []);
  },
  'Esc leads out of a request that was tried, then out of a fork to where it was forked': async (stage) => {
    await stage.open('forked');
    await stage.page.locator('.chooser-button').click();
    await stage.page.getByRole('option', { name: 'Fork: v1 close_account(id: 1)' }).click();
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 1, moment: 4, probe: null });
    await stage.call('moved', { history: 1, moment: 4, probe: 2 }, 1);
    await stage.nowhere();
    await stage.press('Escape');
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 1, moment: 4, probe: null });
    await stage.press('Escape');
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 0, moment: 3, probe: null });
  },
  'commands of the palette move too': async (stage) => {
    await stage.open('is-null');
    await stage.call('perform', 'previous-event');
    await stage.call('perform', 'previous-step');
    await stage.call('perform', 'next-event');
    await stage.call('perform', 'next-step');
    await stage.call('perform', 'next-finding');
    assert.deepEqual(await moves(stage), [8, 6, 7, 8, 9]);
    await stage.call('perform', 'export');
    await stage.page.getByRole('menu', { name: 'Export' }).waitFor();
  },
  'the history is chosen from the keyboard': async (stage) => {
    await stage.open('is-null');
    await stage.page.locator('.chooser-button').focus();
    await stage.press('ArrowDown');
    const focused = () => stage.page.evaluate(() => document.activeElement?.textContent);
    assert.match(await focused(), /^error lost-write/);
    await stage.press('ArrowDown');
    assert.match(await focused(), /^warning missing-verify/);
    await stage.press('End');
    assert.equal(await focused(), 'The plan’s own course');
    await stage.press('Enter');
    assert.deepEqual(await stage.asked('choose'), [[null]]);
    assert.deepEqual(await moves(stage), []);
    assert.equal(await stage.page.evaluate(() => document.activeElement?.className.includes('chooser-button')), true);
  },
  'the sentence, the position and the versions that are live go with it': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    const sentence = stage.page.locator('.sentence');
    const last = await sentence.innerText();
    assert.equal(await sentence.getAttribute('aria-live'), 'polite');
    await stage.press('Home', 'ArrowRight', 'ArrowRight');
    assert.notEqual(await sentence.innerText(), last);
    assert.match(
      await stage.page.locator('.bar-where').innerText(),
      /Event 2 of 9\s+at dual write \(rolling out\)\s+live\s+v1\s+v2/,
    );
  },
};
