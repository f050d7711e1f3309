/** Mistakes in a plan, as it is typed. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import { closeAll, codeOf, cutover, diagnosticsUntil, notes, openPlan, ours, replaceText } from './helpers.ts';

suite('mistakes in a plan', () => {
  teardown(closeAll);

  test('each is underlined where it stands, with its code and the nearest name', async () => {
    const document = await openPlan('broken');
    const diagnostics = await diagnosticsUntil(document.uri, (all) => all.length > 0);
    assert.deepEqual(
      diagnostics.map((each) => [document.getText(each.range), each.range.start.line + 1, each.message]),
      [
        ['v11', 8, 'There is no version `v11`. Did you mean `v1`?'],
        ['SELEC', 9, 'SQL: syntax error at or near "SELEC"'],
        ['deploi', 12, 'Unknown key `deploi` in a step. Did you mean `deploy`?'],
      ],
    );
    assert.ok(diagnostics.every((each) => codeOf(each) !== 'undefined'));
  });

  test('one that is mended goes without a save; nothing is rehearsed for it', async () => {
    const document = await openPlan('broken');
    await diagnosticsUntil(document.uri, (all) => all.length === 3);
    await replaceText(document, 'deploi', 'deploy');
    const begun = performance.now();
    await diagnosticsUntil(document.uri, (all) => all.length === 2);
    notes.push(
      `from a letter typed to the mistakes: ${(performance.now() - begun).toFixed(0)} ms, of which 50 are the pause`,
    );
    await replaceText(document, 'SELEC id', 'SELECT id');
    await replaceText(document, 'v11', 'v1');
    await diagnosticsUntil(document.uri, (all) => all.length === 0);
    assert.ok(document.isDirty);
    assert.equal((await cutover()).services.rehearser.pid, null);
  });

  test('they go with the document', async () => {
    const document = await openPlan('broken');
    await diagnosticsUntil(document.uri, (all) => all.length === 3);
    await closeAll();
    await diagnosticsUntil(document.uri, (all) => all.length === 0);
    assert.deepEqual(ours(document.uri), []);
  });
});
