/**
 * Help with writing plans: completion, hover, navigation, outline. Thin: what is said is worked out in the simulator's
 * process, of the text as it is on screen.
 */
import * as vscode from 'vscode';
import { planSelector } from '../plans.ts';
import type { Services } from '../services.ts';
import { asker, cursorOf, rangeOf, type Ask } from './ask.ts';
import { navigate } from './navigation.ts';
import { outline } from './outline.ts';
import type { Completion, CompletionKind, Hover } from './protocol.ts';

/** Names follow them. */
const triggers = [':', '.', ' '];

export function offerLanguage(services: Services): vscode.Disposable {
  const ask = asker(services);
  return vscode.Disposable.from(
    vscode.languages.registerCompletionItemProvider(planSelector, completions(ask), ...triggers),
    vscode.languages.registerHoverProvider(planSelector, hovers(services, ask)),
    navigate(ask),
    outline(ask),
  );
}

const kinds: Readonly<Record<CompletionKind, vscode.CompletionItemKind>> = {
  key: vscode.CompletionItemKind.Property,
  step: vscode.CompletionItemKind.Snippet,
  value: vscode.CompletionItemKind.EnumMember,
  version: vscode.CompletionItemKind.Module,
  request: vscode.CompletionItemKind.Function,
  param: vscode.CompletionItemKind.Variable,
  table: vscode.CompletionItemKind.Struct,
  column: vscode.CompletionItemKind.Field,
  rule: vscode.CompletionItemKind.Constant,
};

function completions(ask: Ask): vscode.CompletionItemProvider {
  return {
    async provideCompletionItems(document, position, token, { triggerCharacter }) {
      const cursor = cursorOf(document, position);
      const found = await ask(document, token, (calls, job) => calls.complete(job, cursor, triggerCharacter ?? null));
      const shown = (found ?? []).filter(({ kind }) => kind !== 'key' || !hasYamlExtension());
      return shown.map((each) => completionItem(document, each));
    },
  };
}

function completionItem(document: vscode.TextDocument, each: Completion): vscode.CompletionItem {
  const label = each.detail === '' ? each.label : { label: each.label, description: each.detail };
  const item = new vscode.CompletionItem(label, kinds[each.kind]);
  item.insertText = new vscode.SnippetString(each.snippet);
  // The snippet's lines are indented already.
  item.keepWhitespace = true;
  item.range = rangeOf(document, each.replace);
  item.sortText = each.sort;
  if (each.documentation !== '') item.documentation = markdown(each.documentation);
  if (each.goesOn) item.command = { command: 'editor.action.triggerSuggest', title: '' };
  return item;
}

/** What it says is the plan's: no link in it may run anything but the page of a rule. */
function markdown(text: string): vscode.MarkdownString {
  const shown = new vscode.MarkdownString(text);
  shown.isTrusted = { enabledCommands: ['cutover.openRule'] };
  return shown;
}

function hovers({ rehearsals }: Services, ask: Ask): vscode.HoverProvider {
  return {
    async provideHover(document, position, token) {
      const cursor = cursorOf(document, position);
      const domain = rehearsals.get(document.uri).report?.exploration.domain ?? null;
      const found = await ask<Hover | null>(document, token, (calls, job) => calls.hover(job, cursor, domain));
      if (found === null || (found.isOfSchema && hasYamlExtension())) return null;
      return new vscode.Hover(markdown(found.markdown), rangeOf(document, found.span));
    },
  };
}

/** Red Hat's extension completes and explains keys by the JSON Schema that this one contributes: twice is too much. */
function hasYamlExtension(): boolean {
  return vscode.extensions.getExtension('redhat.vscode-yaml')?.isActive ?? false;
}
