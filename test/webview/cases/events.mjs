/** The list of events: what is in it, what was tried at a moment, and that its length costs nothing. */
import assert from 'node:assert/strict';

const grid = (stage) => stage.page.getByRole('grid', { name: 'Events', exact: true });
const rows = (stage) => grid(stage).getByRole('row');
const chosen = (stage) => grid(stage).locator('[aria-selected=true]');

export const cases = {
  'each event says who did what, and what came of it': async (stage) => {
    await stage.open('is-null');
    await stage.tab('Events');
    const last = await chosen(stage).innerText();
    assert.match(last, /9\s+.*v3\s+get_user\(id: 1\)\s+\(1, 'a'\)\s+expected \(1, 'b'\)/s);
    assert.equal(await grid(stage).locator('.event.moment').count(), 10);
    assert.equal(await grid(stage).locator('.event-result.broken').count(), 1);
  },
  'a click and the arrows move the playhead; Enter shows the place': async (stage) => {
    await stage.open('is-null');
    await stage.tab('Events');
    await rows(stage).filter({ hasText: "change_email(email: 'b', id: 1)" }).click();
    assert.equal(await stage.moment(), 4);
    await stage.press('ArrowUp');
    assert.equal(await stage.moment(), 3);
    assert.equal(await stage.page.evaluate(() => document.activeElement?.getAttribute('aria-selected')), 'true');
    await stage.press('Enter');
    assert.equal((await stage.asked('reveal')).length, 1);
    await stage.press('ArrowRight');
    assert.equal(await stage.moment(), 4);
    assert.equal(await grid(stage).locator('[tabindex="0"]').count(), 1);
  },
  'what else was tried is folded in under the playhead; each of it can be gone to': async (stage) => {
    await stage.open('is-null');
    await stage.tab('Events');
    const tried = grid(stage).locator('.event-tried');
    assert.match(await tried.innerText(), /^12 requests were also tried here, 1 of them broken$/);
    assert.equal(await tried.getAttribute('aria-expanded'), 'false');
    await chosen(stage).focus();
    await stage.press('ArrowDown', 'Enter');
    assert.equal(await tried.getAttribute('aria-expanded'), 'true');
    await stage.press('ArrowDown');
    // Those that are broken come first.
    const [first] = (await stage.asked('moveTo')).at(-1);
    assert.deepEqual([first.moment, first.probe === null], [9, false]);
    assert.match(await chosen(stage).innerText(), /get_user\(id: 1\)\s+\(1, 'a'\)\s+expected \(1, 'b'\)/);
    assert.equal(await grid(stage).locator('.event.probe .event-result.broken').count(), 1);
    await stage.press('Escape');
    assert.deepEqual((await stage.asked('moveTo')).at(-1)[0], { history: 0, moment: 9, probe: null });
  },
  'of 2,000 events only what is in sight is there, wherever one scrolls': async (stage) => {
    await stage.open('long');
    await stage.tab('Events');
    assert.equal(await grid(stage).getAttribute('aria-rowcount'), '2002');
    const most = [];
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      await grid(stage).evaluate((list, share) => {
        list.scrollTop = list.scrollHeight * share;
      }, share);
      await stage.frames();
      most.push(await rows(stage).count());
    }
    assert.ok(Math.max(...most) < 60, `rows that are drawn: ${most.join(', ')}`);
    assert.equal(await rows(stage).last().getAttribute('aria-rowindex'), '2002');
    await stage.nowhere();
    for (const [key, moment] of [
      ['End', 2000],
      ['Home', 0],
    ]) {
      await stage.press(key);
      assert.equal(await stage.moment(), moment);
      assert.match(await chosen(stage).innerText(), new RegExp(`^${moment}\\b`));
      const [list, row] = [await grid(stage).boundingBox(), await chosen(stage).boundingBox()];
      assert.ok(row.y >= list.y && row.y + row.height <= list.y + list.height, `${key}: the row is out of sight`);
    }
  },
  'among as many a step moves by one; its time is printed': async (stage) => {
    await stage.open('long');
    for (const name of ['Row', 'Events']) {
      await stage.tab(name);
      await stage.nowhere();
      await stage.press('Home');
      const [begun, steps] = [await stage.busy(), 60];
      for (let n = 0; n < steps; n++) {
        await stage.page.evaluate(() => {
          const key = { key: 'ArrowRight', bubbles: true, cancelable: true };
          document.body.dispatchEvent(new KeyboardEvent('keydown', key));
        });
        await stage.frames();
      }
      const each = ((await stage.busy()) - begun) / steps;
      console.log(`       a step among 2,000 events, pane ${name}: ${each.toFixed(1)} ms, drawn and all`);
      assert.equal(await stage.moment(), steps);
    }
  },
};
