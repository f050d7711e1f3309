/** The simulator's process: what may happen to it, and to a rehearsal, and what is left afterwards. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { Rehearsals, type PlanRehearsal } from '../../../extension/rehearsal/rehearsals.ts';
import {
  closeAll,
  cutover,
  diagnosticsUntil,
  openPlan,
  planUri,
  rehearsalUntil,
  replaceText,
  withSetting,
  notes,
} from './helpers.ts';

/** Takes long enough to be caught at work. */
const long = planUri('backfill-is-null');

suite('rehearsals', () => {
  teardown(closeAll);

  test('one that is cancelled ends soon, and says so', async () => {
    const { rehearsals } = (await cutover()).services;
    const done = rehearsals.rehearse(long);
    await rehearsalUntil(long, ({ progress }) => progress?.phase === 'forward');
    const begun = performance.now();
    await vscode.commands.executeCommand('cutover.cancel');
    assert.equal((await done).state, 'cancelled');
    notes.push(`cancelled after ${(performance.now() - begun).toFixed(0)} ms`);
  });

  test('when its process dies, what was known stays, and the next one works', async () => {
    const { rehearsals, rehearser } = (await cutover()).services;
    const stock = planUri('stock');
    assert.equal((await rehearsals.rehearse(stock)).state, 'fresh');
    const known = rehearsals.get(stock).report;
    const done = rehearsals.rehearse(stock);
    await rehearsalUntil(stock, ({ progress }) => progress !== null);
    const before = rehearser.pid;
    assert.ok(before !== null);
    process.kill(before, 'SIGKILL');
    const lost = await done;
    assert.equal(lost.state, 'failed');
    assert.match(lost.message ?? '', /SIGKILL/);
    assert.equal(lost.report, known);
    assert.equal((await rehearsals.rehearse(stock)).state, 'fresh');
    assert.notEqual(rehearser.pid, before);
  });

  test('with stragglers, what is found only with them is found, as soon as the setting says so', async () => {
    const { uri } = await openPlan('straggler');
    const rules = ({ report }: PlanRehearsal): readonly string[] => report?.findings.map(({ rule }) => rule) ?? [];
    await withSetting('rehearse', 'onSave', async () => {
      const without = await rehearsalUntil(uri, ({ state }) => state === 'fresh');
      assert.ok(!rules(without).includes('straggler'));
      await withSetting('stragglers', true, async () => {
        await rehearsalUntil(uri, (now) => now.state === 'fresh' && rules(now).includes('straggler'));
      });
    });
  });

  test('a newer one of the same plan takes the place of the older', async () => {
    const { rehearsals } = (await cutover()).services;
    // One that takes longer than a change of the text does.
    const document = await openPlan('plan');
    const older = rehearsals.rehearse(document.uri);
    await replaceText(document, 'title:', '# typed meanwhile\ntitle:');
    const newer = await rehearsals.rehearse(document.uri);
    assert.equal((await older).state, 'cancelled');
    assert.equal(newer.state, 'fresh');
    assert.equal(newer.report?.verdict, 'safe');
    assert.equal(newer.version, document.version);
  });

  test('text that changes under way makes the result stale from its first moment', async () => {
    const { rehearsals } = (await cutover()).services;
    const document = await openPlan('plan');
    const done = rehearsals.rehearse(document.uri);
    await replaceText(document, 'title:', '# typed meanwhile\ntitle:');
    const late = await done;
    assert.equal(late.state, 'stale');
    assert.equal(late.isCurrent, false);
  });

  test('a save rehearses, as the setting says', async () => {
    await withSetting('rehearse', 'onSave', async () => {
      const document = await openPlan('stock');
      await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
      await replaceText(document, 'SELECT id, quantity FROM', 'SELECT id, qty FROM');
      await rehearsalUntil(document.uri, ({ state }) => state === 'stale');
      await document.save();
      const saved = await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
      assert.equal(saved.report?.verdict, 'safe');
      await replaceText(
        document,
        'SELECT id, qty FROM stock WHERE id = :id\nsteps',
        'SELECT id, quantity FROM stock WHERE id = :id\nsteps',
      );
      const begun = performance.now();
      await document.save();
      await diagnosticsUntil(document.uri, (all) =>
        all.some(({ severity }) => severity === vscode.DiagnosticSeverity.Error),
      );
      notes.push(`from a save to its findings: ${(performance.now() - begun).toFixed(0)} ms`);
      const again = await rehearsalUntil(document.uri, ({ state }) => state === 'fresh');
      assert.equal(again.report?.verdict, 'unsafe');
    });
  });

  test('a pause in typing rehearses, as the setting says', async () => {
    await withSetting('rehearse', 'onType', async () => {
      const document = await openPlan('stock');
      await replaceText(document, 'SELECT id, quantity FROM', 'SELECT id, qty FROM');
      const typed = await rehearsalUntil(
        document.uri,
        ({ state, version }) => state === 'fresh' && version === document.version,
      );
      assert.ok(document.isDirty);
      assert.equal(typed.report?.verdict, 'safe');
    });
  });

  test('an idle process is let go, and comes back when it is needed', async () => {
    const { rehearsals, rehearser } = (await cutover()).services;
    const stock = planUri('stock');
    await withSetting('idleTimeout', 1, async () => {
      await rehearsals.rehearse(stock);
      const { pid } = rehearser;
      assert.ok(pid !== null);
      await rehearser.stopped();
      assert.equal(rehearser.pid, null);
    });
    assert.equal((await rehearsals.rehearse(stock)).state, 'fresh');
  });

  test('nothing of a plan runs in a workspace that is not trusted', async () => {
    const { rehearser } = (await cutover()).services;
    const untrusted = new Rehearsals(rehearser, () => false);
    const { state, message } = await untrusted.rehearse(planUri('stock'));
    assert.equal(state, 'none');
    assert.match(message ?? '', /trusted/);
    assert.equal((await untrusted.replay(planUri('stock'), 'lost-write-switch')).ok, false);
    untrusted.dispose();
  });
});
