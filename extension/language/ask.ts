/** How the features ask the simulator's process about a document, and where its answers are in it. */
import * as vscode from 'vscode';
import { fileUri, planFile, readText } from '../plans.ts';
import type { Services } from '../services.ts';
import type { Cursor, LanguageCalls, Span } from './protocol.ts';

/**
 * Asks the process about a document; null when there is no answer, the document has changed meanwhile, or the editor no longer
 * wants to know.
 */
export type Ask = <T>(
  document: vscode.TextDocument,
  token: vscode.CancellationToken,
  call: (calls: LanguageCalls, job: number) => Promise<T>,
) => Promise<T | null>;

/** One question at a time: those that are outdated when their turn comes, as most are in fast typing, are not asked. */
export function asker({ loader, log }: Services): Ask {
  let turn: Promise<unknown> = Promise.resolve();
  return (document, token, call) => {
    const { version, uri } = document;
    const isOutdated = () => token.isCancellationRequested || document.version !== version;
    const read = (path: string) => readText(fileUri(uri, path));
    const answer = turn.then(async () => {
      if (isOutdated()) return null;
      const said = await loader.language({ read }, call);
      return isOutdated() ? null : said;
    });
    const settled = answer.catch((error: unknown) => {
      log(`No answer about ${uri.path}: ${String(error)}`);
      return null;
    });
    turn = settled;
    return settled;
  };
}

export function cursorOf(document: vscode.TextDocument, position: vscode.Position): Cursor {
  return { plan: planFile(document.uri), text: document.getText(), offset: document.offsetAt(position) };
}

export function rangeOf(document: vscode.TextDocument, { start, end }: Span): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}
