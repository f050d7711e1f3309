/** What if: the host is asked for exactly what was chosen, and what came of it is said. */
import assert from 'node:assert/strict';

const pane = (stage) => stage.page.getByRole('region', { name: 'What if' });
const button = (stage, name) => pane(stage).getByRole('button', { name, exact: true });
const says = (stage, text) => pane(stage).getByText(text).first().waitFor();
/** Once Monaco is there: before, a text area stands in its place. */
async function editor(stage) {
  await pane(stage).locator('.monaco-editor .view-line').first().waitFor();
  return pane(stage).getByRole('textbox', { name: 'SQL at this moment' });
}

/** Before anything was forked, after v2 has written; the host answers a fork with the recorded one. */
async function open(stage) {
  await stage.open('what-if');
  await stage.page.evaluate(async () => {
    const { play } = await (await fetch('/recording/what-if')).json();
    const playhead = { history: 0, moment: 3, probe: null };
    window.call('show', { play: { ...play, histories: [play.histories[0]], playhead } });
    window.answers.fork = () => {
      window.call('show', { play: { ...play, playhead } });
      return { ok: true, history: 1 };
    };
  });
  await stage.tab('What if');
}

export const cases = {
  'r rolls back at the playhead; before the first step it asks for nothing': async (stage) => {
    await open(stage);
    await stage.tab('Row');
    await stage.nowhere();
    await stage.press('r');
    assert.deepEqual(await stage.asked('fork'), [[0, 3, { kind: 'rollback' }]]);
    await pane(stage).waitFor();
    await stage.open('what-if');
    await stage.nowhere();
    await stage.press('Escape', 'Home', 'r');
    assert.deepEqual(await stage.asked('fork'), []);
  },
  'a request is played with the values that were chosen; then the playhead is at what is new': async (stage) => {
    await open(stage);
    await pane(stage).getByLabel('v1').check();
    await pane(stage).getByLabel('Request').selectOption('change_email');
    await pane(stage).getByLabel('email', { exact: true }).fill('c');
    await says(stage, 'With these values it was not tried here yet');
    await button(stage, 'Play it here').click();
    const command = { kind: 'request', version: 'v1', request: 'change_email', params: { email: 'c', id: '1' } };
    assert.deepEqual(await stage.asked('fork'), [[0, 3, command]]);
    await says(stage, "At switch reads: v3 reads (1, 'a') where the app without the migration reads (1, 'c').");
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 1, moment: 4, probe: null });
    await stage.page.getByText('It answered accepted, rows touched, as the app without').first().waitFor();
    await button(stage, 'Go there').click();
    const [last] = (await stage.asked('moveTo')).at(-1);
    assert.equal(last.moment, 8);
    assert.notEqual(last.probe, null);
    await button(stage, 'Back to where it was forked').click();
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 0, moment: 3, probe: null });
  },
  'what is known already is shown before; NULL is a value of its own': async (stage) => {
    await open(stage);
    await pane(stage).getByLabel('Request').selectOption('get_user');
    await says(stage, 'Would answer');
    await says(stage, 'the same');
    await button(stage, 'Show it as tried here').click();
    const [{ moment, probe }] = (await stage.asked('moveTo')).at(-1);
    assert.equal(moment, 3);
    assert.notEqual(probe, null);
    await pane(stage).getByLabel('id is NULL').check();
    assert.ok(await pane(stage).getByLabel('id', { exact: true }).isDisabled());
    await button(stage, 'Play it here').click();
    assert.deepEqual((await stage.asked('fork')).at(-1)[2].params, { id: null });
  },
  'roll back, and a straggler': async (stage) => {
    await open(stage);
    const { play } = await stage.page.evaluate(async () => (await fetch('/recording/what-if')).json());
    const [history] = play.histories;
    const moments = history.moments.map((moment) => ({ ...moment, stragglers: ['v1'] }));
    const playhead = { history: 0, moment: 5, probe: null };
    await stage.call('show', { play: { ...play, histories: [{ ...history, moments }], playhead } });
    await stage.page.evaluate(() => {
      window.answers.fork = () => ({ ok: false, message: 'the engine is busy' });
    });
    await button(stage, 'Roll back here').click();
    await says(stage, 'the engine is busy');
    await button(stage, 'Let it live on').click();
    assert.deepEqual(await stage.asked('fork'), [
      [0, 5, { kind: 'rollback' }],
      [0, 5, { kind: 'straggler', version: 'v1' }],
    ]);
  },
  'while it is played, it is said what; nothing else is begun': async (stage) => {
    await open(stage);
    await stage.page.evaluate(() => {
      window.answers.fork = () => new Promise(() => {});
    });
    await button(stage, 'Roll back here').click();
    await pane(stage).getByRole('status').getByText('roll back').waitFor();
    await button(stage, 'Play it here').focus();
    await stage.press('Enter');
    assert.equal((await stage.asked('fork')).length, 1);
  },
  'SQL is completed from the tables there are, asked, and its answer is a table': async (stage) => {
    await open(stage);
    await stage.page.evaluate(() => {
      window.answers.ask = () => ({ ok: true, columns: ['email'], rows: [['b'], [null]], touched: 0 });
    });
    await (await editor(stage)).focus();
    await stage.page.keyboard.type('SELECT * FROM users WHERE ');
    const list = stage.page.locator('.suggest-widget.visible');
    await list.getByText('email_address', { exact: true }).waitFor();
    await stage.press('Escape');
    await stage.page.keyboard.type('id = 1 ');
    await stage.press('Escape', 'Control+Enter');
    assert.deepEqual(await stage.asked('ask'), [
      [{ history: 0, moment: 3, probe: null }, 'SELECT * FROM users WHERE id = 1 '],
    ]);
    const answer = pane(stage).getByRole('region', { name: 'Answer' });
    assert.deepEqual(await answer.getByRole('cell').allInnerTexts(), ['b', 'NULL']);
    await button(stage, 'Change the data with it').click();
    assert.deepEqual((await stage.asked('fork')).at(-1), [
      0,
      3,
      { kind: 'sql', sql: 'SELECT * FROM users WHERE id = 1 ' },
    ]);
  },
  'an error of SQL is shown where it was asked': async (stage) => {
    await open(stage);
    await stage.page.evaluate(() => {
      window.answers.ask = () => ({ ok: false, message: 'column "x" does not exist' });
    });
    await (await editor(stage)).focus();
    await stage.page.keyboard.type('SELECT x');
    await button(stage, 'Ask').click();
    await pane(stage).getByRole('alert').getByText('column "x" does not exist').waitFor();
  },
  'what is typed while Monaco is loaded is typed on in it': async (stage) => {
    await open(stage);
    const box = pane(stage).getByRole('textbox', { name: 'SQL at this moment' });
    let go;
    await stage.page.route('**/monaco.js', async (route) => {
      await new Promise((done) => {
        go = done;
      });
      await route.continue();
    });
    await stage.reload();
    await stage.tab('What if');
    await box.focus();
    await stage.page.keyboard.type('SELECT ');
    go();
    await editor(stage);
    await stage.page.keyboard.type('12');
    await stage.page.unroute('**/monaco.js');
    await stage.page.evaluate(() => {
      window.answers.ask = () => ({ ok: true, columns: ['n'], rows: [['12']], touched: 0 });
    });
    await stage.press('Control+Enter');
    assert.equal((await stage.asked('ask')).at(-1)[1], 'SELECT 12');
  },
  'Tab and Esc leave the editor': async (stage) => {
    await open(stage);
    const inside = () => stage.page.evaluate(() => document.activeElement?.closest('.monaco-editor') !== null);
    await (await editor(stage)).focus();
    assert.ok(await inside());
    await stage.press('Escape');
    assert.equal(await inside(), false);
    await (await editor(stage)).focus();
    await stage.press('Tab');
    assert.equal(await inside(), false);
    assert.deepEqual(await stage.asked('moveTo'), []);
  },
  'any history can be gone to, saved as a lesson, and linked to': async (stage) => {
    await open(stage);
    await button(stage, 'Roll back here').click();
    await pane(stage)
      .getByRole('button', { name: /^what if: v1 change_email/ })
      .waitFor();
    await pane(stage)
      .getByRole('button', { name: /^lost-write at switch reads/ })
      .click();
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0].history, 0);
    const here = (await stage.asked('moveTo')).at(-1)[0];
    await button(stage, 'Save as lesson').click();
    await button(stage, 'Copy link').click();
    assert.deepEqual(await stage.asked('saveLesson'), [[here]]);
    assert.deepEqual(await stage.asked('copyLink'), [[here]]);
  },
};
