/** Go to definition, find references, rename: of versions, requests, parameters and rows. */
import * as vscode from 'vscode';
import { planSelector } from '../plans.ts';
import { cursorOf, rangeOf, type Ask } from './ask.ts';
import type { Names, SymbolKind } from './protocol.ts';

type NamesAt = (
  document: vscode.TextDocument,
  position: vscode.Position,
  token: vscode.CancellationToken,
) => Promise<Names | null>;

export function navigate(ask: Ask): vscode.Disposable {
  const namesAt: NamesAt = (document, position, token) => {
    const cursor = cursorOf(document, position);
    return ask<Names | null>(document, token, (calls, job) => calls.names(job, cursor));
  };
  const rename = renaming(namesAt);
  return vscode.Disposable.from(
    vscode.languages.registerDefinitionProvider(planSelector, {
      async provideDefinition(document, position, token) {
        const names = await namesAt(document, position, token);
        return (names?.definitions ?? []).map((span) => link(document, names?.span ?? span, span));
      },
    }),
    vscode.languages.registerReferenceProvider(planSelector, {
      async provideReferences(document, position, { includeDeclaration }, token) {
        const names = await namesAt(document, position, token);
        const isDefinition = (start: number) => names?.definitions.some((each) => each.start === start) ?? false;
        return (names?.occurrences ?? [])
          .filter(({ start }) => includeDeclaration || !isDefinition(start))
          .map((span) => new vscode.Location(document.uri, rangeOf(document, span)));
      },
    }),
    vscode.languages.registerRenameProvider(planSelector, rename),
  );
}

function link(
  document: vscode.TextDocument,
  origin: { start: number; end: number },
  target: { start: number; end: number },
): vscode.LocationLink {
  const targetRange = rangeOf(document, target);
  return {
    originSelectionRange: rangeOf(document, origin),
    targetUri: document.uri,
    targetRange,
    targetSelectionRange: targetRange,
  };
}

const names: Readonly<Record<SymbolKind, string>> = {
  version: 'version',
  request: 'request',
  param: 'parameter',
  row: 'row',
};

/** What may stand behind a colon, and as a YAML key, without quotes. */
const sqlName = /^[A-Za-z_]\w*$/;
const plainName = /^[A-Za-z_][\w.-]*$/;

function renaming(namesAt: NamesAt): vscode.RenameProvider {
  return {
    async prepareRename(document, position, token) {
      const found = await namesAt(document, position, token);
      if (found === null) throw new Error(vscode.l10n.t('There is no version, request, parameter or row here.'));
      return { range: rangeOf(document, found.span), placeholder: found.name };
    },
    async provideRenameEdits(document, position, name, token) {
      const found = await namesAt(document, position, token);
      if (found === null) return null;
      const { kind } = found;
      const form = kind === 'param' || kind === 'row' ? sqlName : plainName;
      if (!form.test(name)) throw new Error(vscode.l10n.t("`{0}` can't be the name of a {1}.", name, names[kind]));
      if (found.taken.includes(name))
        throw new Error(vscode.l10n.t('There is a {1} `{0}` already.', name, names[kind]));
      const edit = new vscode.WorkspaceEdit();
      for (const span of found.occurrences) edit.replace(document.uri, rangeOf(document, span), name);
      return edit;
    },
  };
}
