/** A finding as a failed test: what was expected beside what came, and the trace as a stack with the plan's lines. */
import * as vscode from 'vscode';
import type { Finding } from '../../simulator/report/model.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import { short } from './outcomes.ts';

export function failure({ uri, traces }: PlanRehearsal, finding: Finding): vscode.TestMessage {
  const { rule, message, hint, expected, actual, line, column } = finding;
  const text = [`${rule}: ${message}`, ...(hint === '' ? [] : [hint])].join('\n');
  const said =
    expected === null || actual === null
      ? new vscode.TestMessage(text)
      : vscode.TestMessage.diff(text, short(expected), short(actual));
  said.location = new vscode.Location(uri, new vscode.Position(line - 1, Math.max(0, column - 1)));
  said.stackTrace = stackOf(uri, finding, traces.get(finding.id) ?? []);
  return said;
}

/** The last event on top, as in any stack. */
function stackOf(plan: vscode.Uri, { trace, line }: Finding, lines: readonly string[]): vscode.TestMessageStackFrame[] {
  return trace
    .map((event, i) => {
      const position = new vscode.Position((event.line ?? line) - 1, 0);
      return new vscode.TestMessageStackFrame(`${i + 1}. ${lines[i] ?? event.result}`, plan, position);
    })
    .toReversed();
}
