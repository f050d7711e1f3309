/** The settings, typed. Read when they are needed, so that a change holds at once. */
import * as vscode from 'vscode';

export type RehearseMode = 'onSave' | 'onType' | 'manual';

const section = 'cutover';

export function rehearseMode(scope: vscode.Uri): RehearseMode {
  return vscode.workspace.getConfiguration(section, scope).get<RehearseMode>('rehearse', 'onSave');
}

export function timeoutMs(scope: vscode.Uri): number {
  return vscode.workspace.getConfiguration(section, scope).get('timeout', 120) * 1000;
}

export function idleMs(): number {
  return vscode.workspace.getConfiguration(section).get('idleTimeout', 120) * 1000;
}

export function showsLenses(scope: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(section, scope).get('codeLens', true);
}
