/** What activation does, and above all what it does not. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import * as vscode from 'vscode';
import { cutover, notes } from './helpers.ts';

interface Manifest {
  readonly activationEvents: readonly string[];
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: unknown } };
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

suite('activation', () => {
  test('comes by itself in a workspace with a plan, and starts no process', async () => {
    const { services, activationMs } = await cutover();
    assert.equal(services.rehearser.pid, null);
    assert.equal(services.loader.pid, null);
    notes.push(`activation took ${activationMs.toFixed(1)} ms`);
  });

  test('no event of the manifest fires for YAML or SQL that is none of ours', () => {
    const { activationEvents } = manifest();
    const narrow =
      /^(?:workspaceContains:\*\*\/\*\.cutover\.ya?ml|onDebugResolve:cutover|onCommand:cutover\.\w+|onUri|onWebviewPanel:cutover\.stage)$/;
    assert.deepEqual(
      activationEvents.filter((event) => !narrow.test(event)),
      [],
    );
  });

  test('every command of the manifest is there, and every one that is there is in it', async () => {
    const declared = manifest().contributes.commands.map(({ command }) => command);
    const registered = (await vscode.commands.getCommands(true)).filter((name) => name.startsWith('cutover.'));
    assert.deepEqual(
      declared.filter((name) => !registered.includes(name)),
      [],
    );
    assert.ok(declared.length > 0);
  });
});

function manifest(): Manifest {
  return vscode.extensions.getExtension('cutover.cutover')?.packageJSON as Manifest;
}
