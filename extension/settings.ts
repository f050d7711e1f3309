/** The settings, typed. Read when they are needed, so that a change holds at once. */
import * as vscode from 'vscode';
import type { Limits } from './rehearsal/protocol.ts';

export type RehearseMode = 'onSave' | 'onType' | 'manual';

const section = 'cutover';

export function rehearseMode(scope: vscode.Uri): RehearseMode {
  return vscode.workspace.getConfiguration(section, scope).get<RehearseMode>('rehearse', 'onSave');
}

/** How long a search may take, and what it takes in. */
export function limitsOf(scope: vscode.Uri): Limits {
  const configuration = vscode.workspace.getConfiguration(section, scope);
  return {
    timeoutMs: configuration.get('timeout', 120) * 1000,
    stragglers: configuration.get('stragglers', false) ? 1 : 0,
  };
}

export function idleMs(): number {
  return vscode.workspace.getConfiguration(section).get('idleTimeout', 120) * 1000;
}

export function showsLenses(scope: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(section, scope).get('codeLens', true);
}
