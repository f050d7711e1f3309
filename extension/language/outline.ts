/** The outline of a plan, and links to the SQL files that it names. */
import * as vscode from 'vscode';
import { fileUri, planFile, planSelector } from '../plans.ts';
import { rangeOf, type Ask } from './ask.ts';
import type { Outline, OutlineItem, OutlineKind } from './protocol.ts';

type OutlineOf = (document: vscode.TextDocument, token: vscode.CancellationToken) => Promise<Outline | null>;

export function outline(ask: Ask): vscode.Disposable {
  const outlineOf: OutlineOf = (document, token) => {
    const [plan, text] = [planFile(document.uri), document.getText()];
    return ask(document, token, (calls, job) => calls.outline(job, plan, text));
  };
  return vscode.Disposable.from(
    vscode.languages.registerDocumentSymbolProvider(planSelector, {
      async provideDocumentSymbols(document, token) {
        const found = await outlineOf(document, token);
        return (found?.items ?? []).map((item) => symbolOf(document, item));
      },
    }),
    vscode.languages.registerDocumentLinkProvider(planSelector, {
      async provideDocumentLinks(document, token) {
        const found = await outlineOf(document, token);
        return (found?.links ?? []).map(
          (link) => new vscode.DocumentLink(rangeOf(document, link), fileUri(document.uri, link.path)),
        );
      },
    }),
  );
}

const kinds: Readonly<Record<OutlineKind, vscode.SymbolKind>> = {
  section: vscode.SymbolKind.Namespace,
  version: vscode.SymbolKind.Module,
  request: vscode.SymbolKind.Function,
  param: vscode.SymbolKind.Variable,
  step: vscode.SymbolKind.Event,
  table: vscode.SymbolKind.Struct,
};

function symbolOf(document: vscode.TextDocument, item: OutlineItem): vscode.DocumentSymbol {
  const symbol = new vscode.DocumentSymbol(
    // The editor refuses a symbol without a name.
    item.name === '' ? '…' : item.name,
    item.detail,
    kinds[item.kind],
    rangeOf(document, item.whole),
    rangeOf(document, item.selection),
  );
  symbol.children = item.children.map((child) => symbolOf(document, child));
  return symbol;
}
