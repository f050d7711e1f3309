/** A debug session in the editor: begun by F5 and by a finding, forward and back with the toolbar's commands. */
import assert from 'node:assert/strict';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Playhead } from '../../../extension/debug/adapter.ts';
import { closeAll, cutover, openPlan, until } from './helpers.ts';

/** Resolves when the session has stopped at a moment and the editor shows where. */
async function stoppedAt(title: string): Promise<Playhead> {
  const { playhead } = (await cutover()).services;
  await until(
    playhead.onDidMove,
    () => playhead.current,
    (now) => now?.moment.title === title,
  );
  await until(
    vscode.debug.onDidChangeActiveStackItem,
    () => vscode.debug.activeStackItem,
    (item) => item instanceof vscode.DebugStackFrame,
  );
  return playhead.current as Playhead;
}

async function debugTo(command: string, title: string): Promise<Playhead> {
  await vscode.commands.executeCommand(`workbench.action.debug.${command}`);
  return stoppedAt(title);
}

async function ended(): Promise<void> {
  const { playhead } = (await cutover()).services;
  await until(
    playhead.onDidMove,
    () => playhead.current,
    (now) => now === null,
  );
}

function ask<T>(command: string, args: object): Thenable<T> {
  const session = vscode.debug.activeDebugSession;
  assert.ok(session !== undefined);
  return session.customRequest(command, args) as Thenable<T>;
}

/** The variables of a scope, as `name = value`. */
async function scope(name: string): Promise<readonly string[]> {
  const { stackFrames } = await ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
  const { scopes } = await ask<DebugProtocol.ScopesResponse['body']>('scopes', { frameId: stackFrames[0]?.id });
  const variablesReference = scopes.find((s) => s.name === name)?.variablesReference;
  const { variables } = await ask<DebugProtocol.VariablesResponse['body']>('variables', { variablesReference });
  return variables.map((v) => `${v.name} = ${v.value}`);
}

async function lineShown(line: number): Promise<void> {
  await until(
    vscode.window.onDidChangeTextEditorSelection,
    () => vscode.window.activeTextEditor?.selection.active.line,
    (now) => now === line - 1,
  );
}

suite('debugging', () => {
  teardown(async () => {
    const { playhead } = (await cutover()).services;
    if (playhead.session !== null) {
      const over = ended();
      await vscode.debug.stopDebugging(playhead.session);
      await over;
    }
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await closeAll();
  });

  test('F5 on a plan: step over, step back, reverse; the editor follows', async () => {
    const document = await openPlan('backfill-is-null');
    await vscode.commands.executeCommand('workbench.action.debug.start');
    await stoppedAt('start');
    await debugTo('stepOver', 'expand');
    await lineShown(40);
    assert.equal(vscode.window.activeTextEditor?.document, document);
    await debugTo('stepOver', 'dual write (rolling out)');
    await lineShown(48);
    assert.deepEqual(await scope('Live versions'), ['v1 = live', 'v2 = live, newer']);
    await debugTo('stepInto', "v1 sign_up(id: 1, email: 'a')");
    await debugTo('stepOut', 'dual write (rolling out)');
    await debugTo('stepBack', 'expand');
    await debugTo('reverseContinue', 'start');
  });

  test('a finding: it stops where the write is lost, and shows which', async () => {
    const document = await openPlan('backfill-is-null');
    await vscode.commands.executeCommand('cutover.debugFinding', document.uri, 'lost-write-switch-reads');
    await stoppedAt('v3 get_user(id: 1)');
    assert.deepEqual(await scope('Differences'), ["users[id=1].email_address = 'a' ≠ 'b', read by v3"]);
    const info = await ask<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: 1 });
    assert.equal(info.exceptionId, 'lost-write');
    const before = await debugTo('stepBack', 'switch reads');
    assert.deepEqual(
      before.view.differences.map((d) => [d.column, d.now, d.reference]),
      [['email_address', 'a', 'b']],
    );
    const sql = 'SELECT email_address FROM users';
    const answer = await ask<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression: sql, context: 'watch' });
    assert.equal(answer.result, "'a'");
  });

  test('a breakpoint of the editor on a step is stopped at', async () => {
    const document = await openPlan('backfill-is-null');
    const at = new vscode.Location(document.uri, new vscode.Position(51, 0));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(at)]);
    await vscode.commands.executeCommand('cutover.debugFinding', document.uri, 'lost-write-switch-reads');
    await stoppedAt('backfill (running)');
    await debugTo('continue', 'v3 get_user(id: 1)');
  });

  test('others can move the playhead', async () => {
    const document = await openPlan('backfill-is-null');
    await vscode.commands.executeCommand('cutover.debugPlan', document.uri);
    await stoppedAt('start');
    const { playhead } = (await cutover()).services;
    await playhead.goTo({ moment: 4, probe: null });
    await stoppedAt('backfill (running)');
    await lineShown(52);
  });

  test('when the process of the engine is killed the session ends', async () => {
    const document = await openPlan('backfill-is-null');
    await vscode.commands.executeCommand('cutover.debugPlan', document.uri);
    await stoppedAt('start');
    const over = ended();
    const { pid } = await ask<{ pid: number }>('cutover.process', {});
    process.kill(pid, 'SIGKILL');
    await over;
  });

  test('a plan with mistakes is not debugged', async () => {
    const document = await openPlan('broken');
    assert.equal(await vscode.commands.executeCommand('cutover.debugPlan', document.uri), false);
    assert.equal(vscode.debug.activeDebugSession, undefined);
    assert.equal((await cutover()).services.playhead.current, null);
  });
});
