/** One finding in full: what, where in the plan, the trace that shows it, and what to do. */
import { excerpt } from './excerpt.ts';
import type { Finding, StepReport, TraceEvent } from './model.ts';
import type { Paint } from './paint.ts';
import {
  clip,
  columns,
  count,
  eventText,
  hang,
  oneLine,
  pad,
  padStart,
  place,
  severityGlyph,
  severityInk,
  visible,
} from './words.ts';

export interface FindingOptions {
  readonly file: string;
  readonly sources: ReadonlyMap<string, string>;
  readonly steps: readonly StepReport[];
  readonly paint: Paint;
  readonly width: number;
}

/** Errors before warnings before notes; what the plan allows comes last. */
export function rank(finding: Finding): number {
  const bySeverity = { error: 0, warning: 1, info: 2 } as const;
  return bySeverity[finding.severity] + (finding.allowed === null ? 0 : 3);
}

export function findingText(finding: Finding, options: FindingOptions): string[] {
  const { paint, width } = options;
  return [
    ...heading(finding, options),
    ...source(finding, options),
    ...(tells(finding) ? ['', ...traceLines(finding.trace, paint, width)] : []),
    ...comparison(finding, width),
    ...consequences(finding, width),
    '',
    ...advice(finding, options),
  ];
}

/** What is read from the plan alone has a trace of one step that says the message again. */
function tells({ trace, message }: Finding): boolean {
  return trace.length > 1 || (trace.length === 1 && trace[0]?.result !== message);
}

function heading(finding: Finding, options: FindingOptions): string[] {
  const { paint, width } = options;
  const word = finding.allowed === null ? finding.severity : 'allowed';
  const number = options.steps.findIndex((step) => step.name === finding.step) + 1;
  const where = number === 0 ? visible(finding.step) : `step ${number}, ${visible(finding.step)}`;
  const first = `${severityGlyph[finding.severity]} ${word} ${finding.rule} at ${where}`;
  return [
    paint(first, severityInk[finding.severity], 'bold'),
    ...hang('  ', finding.message, width),
    ...(finding.allowed === null ? [] : hang('  allowed: ', finding.allowed, width)),
  ];
}

function source(finding: Finding, options: FindingOptions): string[] {
  const { file, sources, paint, width } = options;
  const lines = excerpt({ file, line: finding.line, column: finding.column }, sources, { paint, width, indent: '  ' });
  return ['', `  ${paint(visible(`${file}:${finding.line}:${finding.column}`), 'cyan')}`, ...(lines ?? [])];
}

/** Numbered, one line an event; the last is the one that shows it. */
export function traceLines(trace: readonly TraceEvent[], paint: Paint, width: number): string[] {
  const kindWidth = Math.max(...trace.map((event) => event.kind.length));
  const texts = trace.map(eventText);
  const textWidth = Math.min(Math.max(...texts.map(columns)), Math.max(30, Math.floor(width * 0.55)));
  return trace.flatMap((event, index) => {
    const last = index === trace.length - 1;
    const start = `${last ? '✗' : ' '} ${padStart(String(index + 1), 2)}  ${pad(event.kind, kindWidth)}  `;
    const lead = `  ${start}${pad(texts[index] ?? '', textWidth)}  `;
    const lines = event.result === '' ? [lead.trimEnd()] : resultLines(lead, `→ ${oneLine(event.result)}`, width);
    if (!last) return lines;
    return [...lines.map((line) => paint(line, 'bold')), ...sqlLine(event, columns(start), paint, width)];
  });
}

const leastRoom = 30;

/** On the event's line; a long one goes on below its own beginning, where there is room for that. */
function resultLines(lead: string, result: string, width: number): string[] {
  return width - columns(lead) < leastRoom ? [lead + clip(result, width)] : hang(lead, result, width);
}

/** What the last event ran: the plan's own SQL, cut to a line. */
function sqlLine(event: TraceEvent, indent: number, paint: Paint, width: number): string[] {
  if (event.sql === '') return [];
  return [paint(`  ${' '.repeat(indent)}${clip(oneLine(event.sql), Math.max(30, width - indent - 2))}`, 'dim')];
}

function comparison(finding: Finding, width: number): string[] {
  return [
    ...(finding.expected === null ? [] : ['', ...hang('  expected  ', finding.expected, width)]),
    ...(finding.actual === null ? [] : hang('  actual    ', finding.actual, width)),
    ...(finding.sqlstate === null ? [] : [`  SQLSTATE  ${visible(finding.sqlstate)}`]),
  ];
}

const mostConsequences = 8;

function consequences(finding: Finding, width: number): string[] {
  const all = finding.consequences;
  if (all.length === 0) return [];
  const lines = all.slice(0, mostConsequences).flatMap((each) => {
    const where = [place(each), `at ${visible(each.step)}`].filter((part) => part !== '').join(' ');
    return hang('    - ', `${each.rule}, ${where}: ${each.message}`, width);
  });
  const rest = all.length - mostConsequences;
  return ['', '  and from it follow:', ...lines, ...(rest > 0 ? [`    - ${count(rest, 'more', 'more')}`] : [])];
}

function advice(finding: Finding, options: FindingOptions): string[] {
  const { paint, width } = options;
  const cause = finding.cause === null || finding.cause === finding.step ? [] : [`  cause   ${visible(finding.cause)}`];
  return [
    ...cause,
    ...(finding.why === undefined ? [] : hang('  why     ', finding.why, width)),
    ...(finding.hint === '' ? [] : hang('  hint    ', finding.hint, width)),
    `  page    ${paint(`docs/findings/${finding.rule}.md`, 'cyan')}`,
    ...(tells(finding) ? [`  replay  cutover replay ${visible(options.file)} ${visible(finding.id)}`] : []),
  ];
}
