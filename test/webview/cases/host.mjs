/** Between the page and its host: whole snapshots, late answers, a reload, and what each control asks. */
import assert from 'node:assert/strict';

const button = (stage, name) => stage.page.getByRole('button', { name, exact: true });
const stageOf = (stage, name) => stage.page.evaluate(async (name) => (await fetch(`/recording/${name}`)).json(), name);

export const cases = {
  'a host that listens late is asked again': async (stage) => {
    await stage.open('is-null', { deaf: 1 });
    assert.equal((await stage.asked('ready')).length, 1);
    await stage.page.getByRole('heading', { name: /^Unsafe: a write is lost at/ }).waitFor();
  },
  'a page that was hidden catches up by a whole snapshot': async (stage) => {
    await stage.open('is-null');
    const other = await stageOf(stage, 'one-step');
    await stage.call('show', other);
    await stage.page.getByRole('heading', { name: 'Unsafe: a request fails at “rename”' }).waitFor();
    assert.equal(await stage.moment(), 2);
    assert.equal(await stage.page.getByRole('row').filter({ hasText: 'backfill' }).count(), 0);
    await stage.page.getByText(other.plan.name).waitFor();
  },
  'parts that are not sent stay': async (stage) => {
    await stage.open('is-null');
    const { rehearsal } = await stageOf(stage, 'stale');
    await stage.call('show', { rehearsal });
    await stage.page.getByText('The plan has changed since this rehearsal.').waitFor();
    assert.equal(await stage.moment(), 9);
  },
  'a move of the debugger that answers an older one is ignored; a newer one counts': async (stage) => {
    await stage.open('is-null');
    await stage.nowhere();
    await stage.press('ArrowLeft', 'ArrowLeft');
    await stage.call('moved', { history: 0, moment: 8, probe: null }, 1);
    assert.equal(await stage.moment(), 7);
    await stage.call('moved', { history: 0, moment: 3, probe: null }, 2);
    assert.equal(await stage.moment(), 3);
    // It was told, and need not be told again.
    assert.equal((await stage.asked('moveTo')).length, 2);
  },
  'a snapshot that crosses a move leaves the playhead where it was moved to': async (stage) => {
    await stage.open('is-null');
    await stage.press('ArrowLeft', 'ArrowLeft');
    const { play } = await stage.page.evaluate(async () => (await fetch('/recording/is-null')).json());
    const playhead = { history: 0, moment: 8, probe: null };
    await stage.call('show', { play: { ...play, playhead, answering: 1 } });
    assert.equal(await stage.moment(), 7);
    await stage.call('show', { play: { ...play, playhead, answering: 2 } });
    assert.equal(await stage.moment(), 8);
  },
  'a reload restores what was chosen': async (stage) => {
    await stage.open('is-null');
    await stage.tab('Events');
    await button(stage, 'Every way back').click();
    await stage.page.getByRole('grid', { name: 'Events', exact: true }).locator('.event-tried').click();
    await button(stage, 'Every step, every version').click();
    await stage.reload();
    assert.equal(await stage.page.getByRole('tab', { name: 'Events' }).getAttribute('aria-selected'), 'true');
    assert.equal(await stage.page.locator('.event-tried').getAttribute('aria-expanded'), 'true');
    const fold = button(stage, 'Every step, every version');
    assert.equal(await fold.getAttribute('aria-expanded'), 'false');
    await fold.click();
    await stage.page.getByRole('grid', { name: /^Every way back/ }).waitFor();
  },
  'what an older page remembers is taken as far as it goes': async (stage) => {
    await stage.open('is-null');
    await stage.page.evaluate(() => sessionStorage.setItem('remembered', JSON.stringify({ pane: 'events' })));
    await stage.reload();
    await stage.page.getByRole('grid', { name: 'Events', exact: true }).waitFor();
    await stage.cell(/^switch reads, v3 reads/).waitFor();
  },
  'each button of the header asks for what it says': async (stage) => {
    await stage.open('is-null');
    await button(stage, 'Rehearse').click();
    await button(stage, 'Debug').click();
    await button(stage, 'Follow').click();
    const exported = async (name) => {
      await button(stage, 'Export').click();
      await stage.page.getByRole('menuitem', { name }).click();
    };
    await exported('Save as lesson');
    await exported('Copy link');
    await stage.frames();
    const here = { history: 0, moment: 9, probe: null };
    assert.deepEqual(await stage.asked('rehearse'), [[]]);
    assert.deepEqual(await stage.asked('debug'), [['lost-write-switch-reads']]);
    assert.deepEqual(await stage.asked('setFollow'), [[false]]);
    assert.deepEqual(await stage.asked('saveLesson'), [[here]]);
    assert.deepEqual(await stage.asked('copyLink'), [[here]]);
    assert.equal(await button(stage, 'Follow').getAttribute('aria-pressed'), 'true');
    await stage.call('show', { follow: false });
    assert.equal(await button(stage, 'Follow').getAttribute('aria-pressed'), 'false');
  },
  'the score and the trace leave the page as files': async (stage) => {
    await stage.open('is-null');
    for (const name of ['Score as SVG', 'Score as PNG', 'Trace as Markdown']) {
      await button(stage, 'Export').click();
      await stage.page.getByRole('menuitem', { name }).click();
    }
    await stage.page.waitForFunction(() => window.asked.filter(({ method }) => method === 'save').length === 3);
    const saved = new Map((await stage.asked('save')).map(([kind, , content]) => [kind, content]));
    assert.match(saved.get('svg'), /^(?:<\?xml[^>]*>\s*)?<svg /);
    assert.equal(Buffer.from(saved.get('png'), 'base64').subarray(1, 4).toString(), 'PNG');
    assert.match(saved.get('markdown'), /^cutover replay \S+ lost-write-switch-reads$/m);
  },
  'a running rehearsal is cancelled, and so is playing': async (stage) => {
    await stage.open('running');
    assert.ok(await button(stage, 'Rehearse').isDisabled());
    await button(stage, 'Cancel').click();
    assert.deepEqual(await stage.asked('cancelRehearsal'), [[]]);
    await stage.open('play-loading');
    await button(stage, 'Cancel').click();
    assert.deepEqual(await stage.asked('cancelPlay'), [[]]);
  },
};
