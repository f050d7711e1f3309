/** The report for people: verdict first, then what was explored, the steps, the way back, and every finding with its trace. */
import { excerpt } from './excerpt.ts';
import { findingText, rank } from './finding.ts';
import type { PlanError } from '../plan/model.ts';
import type { PlanReport } from './model.ts';
import { painter, type Ink, type Paint } from './paint.ts';
import { stepLines } from './steps.ts';
import { triangle } from './triangle.ts';
import { count, duration, hang, number, pad, value, visible } from './words.ts';

export interface TextOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Texts of the plan and its files, for quoting lines. */
  readonly sources: ReadonlyMap<string, string>;
  /** False leaves out how long it took, which differs from run to run. */
  readonly elapsed: boolean;
}

const narrowest = 60;
const widest = 120;

export function renderText(report: PlanReport, options: TextOptions): string {
  const paint = painter(options.colour);
  const width = lineWidth(options);
  const sections: string[][] = [head(report, paint, width)];
  if (report.verdict !== 'invalid') sections.push(explored(report, options, paint, width));
  if (report.errors.length > 0) sections.push(...errorSections(report.errors, options.sources, paint, width));
  if (report.steps.length > 0) sections.push([title('Steps', paint), ...stepLines(report, paint, width)]);
  if (report.rollback.length > 0) sections.push([title('Rollback', paint), ...triangle(report, { paint, width })]);
  const findings = report.findings.toSorted((a, b) => rank(a) - rank(b));
  for (const finding of findings) {
    sections.push(
      findingText(finding, { file: report.file, sources: options.sources, paint, width, steps: report.steps }),
    );
  }
  return join(sections);
}

/** What is wrong with a plan that was only checked. */
export function renderPlanErrors(
  file: string,
  errors: readonly PlanError[],
  options: Omit<TextOptions, 'elapsed'>,
): string {
  const paint = painter(options.colour);
  const width = lineWidth(options);
  const placed = errors.map(({ location, ...error }) => ({ ...error, ...location }));
  const sections = [
    verdictLines('invalid', mistakes(errors.length), file, paint),
    ...errorSections(placed, options.sources, paint, width),
  ];
  return join(sections);
}

function join(sections: readonly (readonly string[])[]): string {
  return `${sections.map((lines) => lines.join('\n').trimEnd()).join('\n\n')}\n`;
}

function lineWidth(options: { readonly width: number }): number {
  return Math.min(widest, Math.max(narrowest, options.width));
}

function title(text: string, paint: Paint): string {
  return paint(text, 'bold');
}

const verdicts: Readonly<Record<PlanReport['verdict'], { readonly glyph: string; readonly ink: Ink }>> = {
  safe: { glyph: '✓', ink: 'green' },
  unsafe: { glyph: '✗', ink: 'red' },
  unproven: { glyph: '?', ink: 'yellow' },
  invalid: { glyph: '!', ink: 'magenta' },
};

function head(report: PlanReport, paint: Paint, width: number): string[] {
  const [first = '', file = ''] = verdictLines(report.verdict, tallyText(report), report.file, paint);
  return [first, ...(report.title === '' ? [] : hang('  ', report.title, width)), file];
}

function verdictLines(verdict: PlanReport['verdict'], tally: string, file: string, paint: Paint): string[] {
  const { glyph, ink } = verdicts[verdict];
  return [
    paint(`${glyph} ${verdict}`, ink, 'bold') + (tally === '' ? '' : `: ${tally}`),
    `  ${paint(visible(file), 'cyan')}`,
  ];
}

function mistakes(amount: number): string {
  return count(amount, 'mistake in the plan', 'mistakes in the plan');
}

/** `2 errors, 1 warning, 1 allowed`. */
function tallyText(report: PlanReport): string {
  if (report.verdict === 'invalid') return mistakes(report.errors.length);
  const open = report.findings.filter((finding) => finding.allowed === null);
  const of = (severity: string) => open.filter((finding) => finding.severity === severity).length;
  const parts = [
    { amount: of('error'), text: count(of('error'), 'error') },
    { amount: of('warning'), text: count(of('warning'), 'warning') },
    { amount: of('info'), text: count(of('info'), 'note') },
    { amount: report.findings.length - open.length, text: `${number(report.findings.length - open.length)} allowed` },
  ];
  return parts
    .filter(({ amount }) => amount > 0)
    .map(({ text }) => text)
    .join(', ');
}

function explored(report: PlanReport, options: TextOptions, paint: Paint, width: number): string[] {
  const { exploration } = report;
  const never = exploration.neverExercised;
  return [
    title('Explored', paint),
    ...rows('covered', coverage(report, options.elapsed), width, paint),
    ...rows('domain', domainText(exploration.domain), width, paint),
    ...rows('never ran', never.join(', '), width, paint),
  ];
}

/** A label in the margin; the text beside it. Painted after it is laid out, since codes have no width. */
function rows(label: string, text: string, width: number, paint: Paint): string[] {
  if (text === '') return [];
  const margin = `  ${pad(label, 9)} `;
  return hang(margin, text, width).map((line) =>
    line.startsWith(margin) ? paint(margin, 'dim') + line.slice(margin.length) : line,
  );
}

function coverage(report: PlanReport, elapsed: boolean): string {
  const { complete, writeBound, cut, states, transitions, statements, elapsedMs } = report.exploration;
  const histories = writeBound === null ? 'every history' : `every history of up to ${count(writeBound, 'write')}`;
  const numbers = [
    count(states, 'state'),
    count(transitions, 'transition'),
    count(statements, 'statement run', 'statements run'),
  ];
  const time = elapsed ? ` in ${duration(elapsedMs)}` : '';
  const said = `${complete ? histories : 'not every history'}: ${numbers.join(', ')}${time}`;
  return complete ? said : `${said}; cut short${cut === null ? '' : `: ${cut}`}`;
}

const mostValues = 6;

/** Parameters that have the same values in every request are said once. */
function domainText(domain: PlanReport['exploration']['domain']): string {
  const byParam = new Map<string, Map<string, string[]>>();
  const whole: string[] = [];
  for (const [path, values] of Object.entries(domain)) {
    // A request's own entry says how many of its combinations were searched.
    if (!path.includes('.')) {
      whole.push(`${path}: ${values.join(', ')}`);
      continue;
    }
    const param = path.slice(path.lastIndexOf('.') + 1);
    const shown = values.slice(0, mostValues).map(value);
    const text = [...shown, ...(values.length > mostValues ? [`${values.length - mostValues} more`] : [])].join(', ');
    const texts = byParam.get(param) ?? new Map<string, string[]>();
    texts.set(text, [...(texts.get(text) ?? []), path]);
    byParam.set(param, texts);
  }
  const parts = [...byParam].flatMap(([param, texts]) =>
    [...texts].map(([text, paths]) => `${texts.size === 1 ? param : paths.join(', ')}: ${text}`),
  );
  return [...parts, ...whole].join(' · ');
}

function errorSections(
  errors: PlanReport['errors'],
  sources: ReadonlyMap<string, string>,
  paint: Paint,
  width: number,
): string[][] {
  return errors.map((error) => {
    const said = error.suggestion === null || error.message.includes(error.suggestion);
    return [
      `${paint(visible(`${error.file}:${error.line}:${error.column}`), 'cyan')}: ${paint(visible(error.message), 'bold')}`,
      ...(excerpt(error, sources, { paint, width, indent: '  ' }) ?? []),
      ...(said ? [] : [`  did you mean ${paint(visible(error.suggestion ?? ''), 'bold')}?`]),
    ];
  });
}
