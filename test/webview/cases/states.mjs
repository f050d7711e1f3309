/** What is seen when there is nothing to play yet, while something runs, and after it went wrong. */
import assert from 'node:assert/strict';

const heading = (stage, name) => stage.page.getByRole('heading', { name }).waitFor();
const says = (stage, text) => stage.page.getByText(text).first().waitFor();
const button = (stage, name) => stage.page.getByRole('button', { name, exact: true });
const trace = (stage) => stage.page.getByRole('list', { name: 'Trace' }).getByRole('listitem');

export const cases = {
  'no plan: what to open': async (stage) => {
    await stage.open('no-plan');
    await heading(stage, 'No plan is chosen');
    await says(stage, 'Open a file that ends in .cutover.yaml');
    assert.ok(await button(stage, 'Rehearse').isDisabled());
  },
  'not rehearsed: a button': async (stage) => {
    await stage.open('not-rehearsed');
    await says(stage, 'It touches no database of yours.');
    await button(stage, 'Rehearse the plan').click();
    assert.deepEqual(await stage.asked('rehearse'), [[]]);
  },
  'the first rehearsal: how far it is': async (stage) => {
    await stage.open('first-rehearsal');
    await says(stage, 'Searching the way forward at “backfill”: 812 states, 1 finding.');
    assert.equal(await stage.page.locator('[aria-busy=true]').count(), 1);
  },
  'another rehearsal: the one before stays to be seen': async (stage) => {
    await stage.open('running');
    await says(stage, 'Until it is done, this is the one before.');
    await stage.cell(/^switch reads, v3 reads: broken/).waitFor();
    assert.equal(await stage.moment(), 9);
  },
  'stale: said, and still to be played': async (stage) => {
    await stage.open('stale');
    await says(stage, 'The plan has changed since this rehearsal.');
    await button(stage, 'Rehearse again').click();
    assert.deepEqual(await stage.asked('rehearse'), [[]]);
    await stage.nowhere();
    await stage.press('ArrowLeft');
    assert.equal(await stage.moment(), 8);
  },
  'cancelled, failed, not trusted': async (stage) => {
    await stage.open('cancelled');
    await says(stage, 'The rehearsal was cancelled: this is the one before.');
    await stage.open('failed');
    await says(stage, 'The rehearsal failed: the engine did not start');
    await button(stage, 'Try again').click();
    assert.deepEqual(await stage.asked('rehearse'), [[]]);
    await stage.open('untrusted');
    await says(stage, 'This workspace is not trusted');
    assert.ok(await button(stage, 'Rehearse').isDisabled());
  },
  'a plan with mistakes: each leads to its line': async (stage) => {
    await stage.open('invalid');
    await heading(stage, 'Not a valid plan');
    await button(stage, 'there is no version v9 unknown-version, line 59').click();
    const [[place]] = await stage.asked('reveal');
    assert.deepEqual([place.line, place.column], [59, 13]);
    await says(stage, 'Did you mean v3?');
    assert.ok(await button(stage, 'Debug').isDisabled());
  },
  'safe: what was proven, in words': async (stage) => {
    await stage.open('safe');
    await heading(stage, 'Safe: no client can tell that the migration happens');
    const proof = stage.page.getByRole('region', { name: 'What was proven' });
    assert.match(await proof.innerText(), /Every history was searched: [\d,]+ states/);
    assert.match(await proof.innerText(), /With these values: id 1, 2; email a, b\./);
  },
  'unproven: what was covered, and why no more': async (stage) => {
    await stage.open('unproven');
    await heading(stage, 'Unproven: no failure was found, but the search was cut short');
    const proof = await stage.page.getByRole('region', { name: 'What was covered' }).innerText();
    assert.match(proof, /Not every history was searched \(--max-states\)/);
    assert.match(proof, /v4\.sign_up at contract/);
  },
  'before the recording is there, the trace is: the report has it': async (stage) => {
    for (const name of ['play-none', 'play-loading', 'play-cancelled', 'play-failed']) {
      await stage.open(name);
      assert.equal(await trace(stage).count(), 9, name);
      assert.match(
        await trace(stage).nth(3).innerText(),
        /^v1 change_email\(email: b, id: 1\)\s+accepted, rows touched$/,
      );
    }
    await says(stage, 'This history could not be played: the engine is gone');
    await button(stage, 'Try again').click();
    assert.deepEqual(await stage.asked('choose'), [['lost-write-switch-reads']]);
  },
  'whose playhead it is while somebody debugs': async (stage) => {
    await stage.open('debugged');
    await says(stage, 'A debug session plays this');
  },
};
