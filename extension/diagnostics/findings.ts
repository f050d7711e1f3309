/** Findings as diagnostics: the rule with its page, and the trace as related information, line by line. */
import * as vscode from 'vscode';
import type { Finding } from '../../simulator/report/model.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import { rangeOf, source } from './plan-errors.ts';
import { lineSpan, moved, spanAt, type Edit } from './ranges.ts';
import type { Placed } from './shelf.ts';

const severities: Readonly<Record<Finding['severity'], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

const staleMark = '(stale) ';

/** The page of a rule, which comes with the extension. */
export function rulePage(extension: vscode.Uri, rule: string): vscode.Uri {
  return vscode.Uri.joinPath(extension, 'docs', 'findings', `${rule}.md`);
}

export function findingDiagnostics(rehearsal: PlanRehearsal, extension: vscode.Uri): readonly Placed[] {
  const { uri, report, sources } = rehearsal;
  const text = report === null ? '' : (sources.get(report.file) ?? '');
  return (report?.findings ?? []).map((finding) => {
    const diagnostic = new vscode.Diagnostic(
      rangeOf(spanAt(text, finding.line, finding.column, 'line')),
      messageOf(finding),
      // What the plan accepts, with a reason, is said but is not counted among the problems.
      finding.allowed === null ? severities[finding.severity] : vscode.DiagnosticSeverity.Hint,
    );
    diagnostic.source = source;
    diagnostic.code = { value: finding.rule, target: rulePage(extension, finding.rule) };
    diagnostic.relatedInformation = relatedInformation(rehearsal, finding, text);
    return { uri, diagnostic };
  });
}

function messageOf(finding: Finding): string {
  const comparison =
    finding.expected === null || finding.actual === null
      ? []
      : [vscode.l10n.t('expected {0}, actual {1}', finding.expected, finding.actual)];
  const allowed = finding.allowed === null ? [] : [vscode.l10n.t('allowed: {0}', finding.allowed)];
  const cause = isElsewhere(finding) ? [vscode.l10n.t('caused by {0}', `"${finding.cause}"`)] : [];
  return [`${finding.step}: ${finding.message}`, ...comparison, ...allowed, ...cause, finding.hint]
    .filter((line) => line !== '')
    .join('\n');
}

/** The step that caused a finding is another than the one where it shows. */
function isElsewhere({ cause, step }: Finding): boolean {
  return cause !== null && cause !== step;
}

/** The step that caused it, where that is another, and then the trace. One of one step only says the message again. */
function relatedInformation(
  rehearsal: PlanRehearsal,
  finding: Finding,
  text: string,
): vscode.DiagnosticRelatedInformation[] {
  const { uri, traces } = rehearsal;
  const at = (line: number, message: string): vscode.DiagnosticRelatedInformation =>
    new vscode.DiagnosticRelatedInformation(new vscode.Location(uri, rangeOf(lineSpan(text, line))), message);
  const cause = isElsewhere(finding) ? rehearsal.report?.steps.find((s) => s.name === finding.cause) : undefined;
  const said = finding.why === undefined ? '' : ` ${finding.why}`;
  const causes = cause === undefined ? [] : [at(cause.line, vscode.l10n.t('Caused by "{0}".', cause.name) + said)];
  if (finding.trace.length < 2) return causes;
  const lines = traces.get(finding.id) ?? [];
  const trace = finding.trace.map((event, index) =>
    at(event.line ?? finding.line, `${index + 1}. ${lines[index] ?? event.result}`),
  );
  return [...causes, ...trace];
}

/**
 * A finding of a text that has changed: it may be mended, so it is a hint, which neither underlines nor counts as
 * a problem. It stays in reach, at the place where its line is now, for whoever is mending it.
 */
export function stale({ uri, diagnostic }: Placed): Placed {
  if (isStale(diagnostic)) return { uri, diagnostic };
  const hint = copyOf(diagnostic, diagnostic.range, staleMark + diagnostic.message);
  hint.severity = vscode.DiagnosticSeverity.Hint;
  return { uri, diagnostic: hint };
}

export function isStale(diagnostic: vscode.Diagnostic): boolean {
  return diagnostic.message.startsWith(staleMark);
}

/** Where the diagnostic, and every event of its trace, is after edits to a file. */
export function movedDiagnostic({ uri, diagnostic }: Placed, file: vscode.Uri, edits: readonly Edit[]): Placed {
  const key = file.toString();
  const move = (where: vscode.Uri, range: vscode.Range) =>
    where.toString() === key ? rangeOf(moved(range, edits)) : range;
  const copy = copyOf(diagnostic, move(uri, diagnostic.range), diagnostic.message);
  copy.relatedInformation = (diagnostic.relatedInformation ?? []).map(
    ({ location, message }) =>
      new vscode.DiagnosticRelatedInformation(
        new vscode.Location(location.uri, move(location.uri, location.range)),
        message,
      ),
  );
  return { uri, diagnostic: copy };
}

function copyOf(diagnostic: vscode.Diagnostic, range: vscode.Range, message: string): vscode.Diagnostic {
  const copy = new vscode.Diagnostic(range, message, diagnostic.severity);
  Object.assign(copy, {
    source: diagnostic.source,
    code: diagnostic.code,
    relatedInformation: diagnostic.relatedInformation,
  });
  return copy;
}
