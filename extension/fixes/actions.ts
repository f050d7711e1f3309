/** The light bulb: fixes that a rehearsal has confirmed, and last an `allow` with a reason. */
import * as vscode from 'vscode';
import { isStale } from '../diagnostics/findings.ts';
import { source } from '../diagnostics/plan-errors.ts';
import { planSelector } from '../plans.ts';
import type { ConfirmedFix, TextEdit } from '../rehearsal/protocol.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import type { Services } from '../services.ts';
import { findingOf } from './finding-of.ts';

export function offerFixes(services: Services): vscode.Disposable {
  const providedCodeActionKinds = [vscode.CodeActionKind.QuickFix];
  return vscode.Disposable.from(
    vscode.languages.registerCodeActionsProvider(planSelector, new FixActions(services), { providedCodeActionKinds }),
    vscode.commands.registerCommand(select, selectText),
  );
}

/** For our own actions alone. */
const select = '_cutover.select';

/** What is to be written over. */
function selectText(uri: vscode.Uri, from: number, to: number): void {
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  if (editor === undefined) return;
  const { document } = editor;
  editor.selection = new vscode.Selection(document.positionAt(from), document.positionAt(to));
  editor.revealRange(editor.selection);
}

class FixActions implements vscode.CodeActionProvider {
  constructor(private readonly services: Services) {}

  async provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    { diagnostics, triggerKind }: vscode.CodeActionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.CodeAction[]> {
    const rehearsal = this.services.rehearsals.get(document.uri);
    if (!rehearsal.isCurrent) return [];
    const actions: vscode.CodeAction[] = [];
    const allowances: vscode.CodeAction[] = [];
    for (const diagnostic of diagnostics.filter((each) => each.source === source && !isStale(each))) {
      const finding = findingOf(rehearsal.report, diagnostic);
      if (finding === null) continue;
      const { fixes } = this.services;
      // Who opens the menu can wait for it, and cancel; the light bulb by itself holds up nobody.
      const isAsked = triggerKind === vscode.CodeActionTriggerKind.Invoke;
      const known = isAsked ? await fixes.wait(document.uri, finding.id, token) : fixes.get(document.uri, finding.id);
      actions.push(...(known ?? []).map((fix, i) => fixAction(document, diagnostic, fix, i === 0)));
      const allow = await this.allowance(document, rehearsal, diagnostic, finding);
      if (allow !== null) allowances.push(allow);
    }
    return [...actions, ...allowances];
  }

  private async allowance(
    document: vscode.TextDocument,
    { report, sources }: PlanRehearsal,
    diagnostic: vscode.Diagnostic,
    finding: NonNullable<ReturnType<typeof findingOf>>,
  ): Promise<vscode.CodeAction | null> {
    if (report === null) return null;
    const reason = vscode.l10n.t('why this is acceptable');
    const read = () => Promise.reject(new Error('the texts are sent along'));
    const quoted = JSON.stringify(reason);
    const edit = await this.services.loader.allow({ report, sources }, finding, quoted, { read }).catch(() => null);
    if (edit === null) return null;
    const action = quickFix(vscode.l10n.t('Allow {0} here, with a reason', finding.rule), diagnostic);
    action.edit = new vscode.WorkspaceEdit();
    action.edit.replace(document.uri, rangeIn(document, edit), edit.text);
    const from = edit.start + edit.text.indexOf(reason);
    const title = vscode.l10n.t('Write the reason');
    // A snippet would move the lines to the indent of the one before.
    action.command = { command: select, title, arguments: [document.uri, from, from + reason.length] };
    return action;
  }
}

function fixAction(
  document: vscode.TextDocument,
  diagnostic: vscode.Diagnostic,
  { title, edits }: ConfirmedFix,
  isFirst: boolean,
): vscode.CodeAction {
  const action = quickFix(title, diagnostic);
  action.isPreferred = isFirst;
  action.edit = new vscode.WorkspaceEdit();
  for (const edit of edits) action.edit.replace(document.uri, rangeIn(document, edit), edit.text);
  return action;
}

function quickFix(title: string, diagnostic: vscode.Diagnostic): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [diagnostic];
  return action;
}

function rangeIn(document: vscode.TextDocument, { start, end }: TextEdit): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}
