/** What a rehearsal saw of a step, for its hover, as Markdown. Knows no editor, so that it can be tested alone. */
import type { Finding, PlanReport, StepForecast, StepReport } from '../../simulator/report/model.ts';
import { count, duration } from './lens-text.ts';

/** A link to a command: the one thing that the editor has to make. */
export type Link = (label: string, command: string, argument: string) => string;

export function evidenceOf(report: PlanReport, name: string, link: Link): string | null {
  const step = report.steps.find((each) => each.name === name);
  if (step === undefined) return null;
  const found = report.findings.filter((each) => each.step === name);
  const parts = [
    `**${plain(name)}** · ${step.kind}`,
    ...(found.length === 0 ? [] : [found.map((each) => findingLine(each, link)).join('\n')]),
    ...seen(step),
    ...(step.forecast === null ? [] : forecastParts(step.forecast)),
  ];
  return parts.length === 1 ? null : parts.join('\n\n');
}

function findingLine(finding: Finding, link: Link): string {
  const { id, rule, severity, message, allowed, trace } = finding;
  const links = [
    link(rule, 'cutover.openRule', rule),
    ...(trace.length === 0
      ? []
      : [
          link('show trace', 'cutover.showTrace', id),
          link('debug', 'cutover.debugFinding', id),
          link('stage', 'cutover.openStage', id),
        ]),
  ];
  return `- ${allowed === null ? severity : 'allowed'} ${links.join(' · ')}: ${plain(message)}${allowed === null ? '' : ` (${plain(allowed)})`}`;
}

function seen({ locks, rewrites, scans }: StepReport): readonly string[] {
  const table = locks.map(({ relation, mode }) => `| ${cell(relation)} | ${mode} |`);
  return [
    ...(table.length === 0 ? [] : [['Seen on the engine:', '', '| table | lock |', '|---|---|', ...table].join('\n')]),
    ...(rewrites.length === 0 ? [] : [`Written anew: ${rewrites.map(plain).join(', ')}`]),
    ...(scans.length === 0 ? [] : [`Read from end to end: ${scans.map(plain).join(', ')}`]),
  ];
}

function forecastParts(forecast: StepForecast): readonly string[] {
  const { holdMs, holdRangeMs, durationMs, durationRangeMs, blockedRequests, failedRequests, outageMs, batches } =
    forecast;
  const behind = forecast.behindSlowQuery;
  const lines = [
    ...(holdMs > 0 ? [`lock held for ${range(holdMs, holdRangeMs)}`] : []),
    ...(durationMs > 0
      ? [
          `takes ${range(durationMs, durationRangeMs)}${batches === null ? '' : ` in ${count(batches, 'batch').replace(/batchs$/, 'batches')}`}`,
        ]
      : []),
    ...(blockedRequests > 0
      ? [`${count(blockedRequests, 'request')} wait, ${failedRequests.toLocaleString('en')} fail`]
      : []),
    ...(outageMs > 0 ? [`outage of about ${duration(outageMs)}`] : []),
    ...(behind !== null && behind.outageMs > 0
      ? [`behind a query of ${duration(behind.slowQueryMs)}: outage of about ${duration(behind.outageMs)}`]
      : []),
  ];
  if (lines.length === 0) return [];
  return [`Forecast (an estimate): ${lines.join('; ')}`, ...assumptions(forecast)];
}

function assumptions({ assumptions: all }: StepForecast): readonly string[] {
  const said = (stated: boolean) =>
    all
      .filter((each) => each.stated === stated)
      .map(({ name, value }) => `${plain(name)} ${value.toLocaleString('en')}`);
  const [stated, assumed] = [said(true), said(false)];
  return [
    ...(stated.length === 0 ? [] : [`Stated by the plan: ${stated.join(', ')}`]),
    ...(assumed.length === 0 ? [] : [`Assumed: ${assumed.join(', ')}`]),
  ];
}

function range(value: number, { low, high }: { readonly low: number; readonly high: number }): string {
  return low === high ? `about ${duration(value)}` : `about ${duration(value)} (${duration(low)} to ${duration(high)})`;
}

/** What a plan says is text, whatever it looks like. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~&$]/g, '\\$&').replaceAll(/\s+/g, ' ');
}

const cell = plain;
