/** What is wrong with a plan, shown as it is typed. */
import * as vscode from 'vscode';
import { fileUri, readText } from '../plans.ts';
import { spanAt } from './ranges.ts';
import type { Placed } from './shelf.ts';

/** Common to errors of loading and those that only the engine sees. */
export interface PlacedError {
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `source` of every diagnostic of ours: quick fixes look at it and at the code. */
export const source = 'cutover';

export async function errorDiagnostics(
  plan: vscode.Uri,
  errors: readonly PlacedError[],
  sources: ReadonlyMap<string, string>,
): Promise<readonly Placed[]> {
  const placed: Placed[] = [];
  for (const error of errors) {
    const uri = fileUri(plan, error.file);
    const text = sources.get(error.file) ?? (await textOrNothing(uri));
    placed.push({ uri, diagnostic: errorDiagnostic(error, text) });
  }
  return placed;
}

function errorDiagnostic(error: PlacedError, text: string): vscode.Diagnostic {
  const range = rangeOf(spanAt(text, error.line, error.column, 'word'));
  const diagnostic = new vscode.Diagnostic(range, error.message, vscode.DiagnosticSeverity.Error);
  diagnostic.source = source;
  diagnostic.code = error.code;
  return diagnostic;
}

/** An error may be that there is no such file. */
async function textOrNothing(uri: vscode.Uri): Promise<string> {
  try {
    return await readText(uri);
  } catch {
    return '';
  }
}

export function rangeOf({ start, end }: ReturnType<typeof spanAt>): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
