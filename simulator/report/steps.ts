/** The steps of a report: what each is, what was found there, what it locks, and for how long. */
import type { PlanReport, StepForecast, StepReport } from './model.ts';
import type { Paint } from './paint.ts';
import { bytes, clip, columns, count, duration, hang, pad, padStart, severityGlyph, visible } from './words.ts';

/** Locks that keep out a read or a write; the weaker ones stand in nobody's way. */
const strong = new Set(['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']);
/** From here on an estimate is worth a line. */
const worthSaying = { ms: 1000, bytes: 100 * 2 ** 20 };

export function stepLines(report: PlanReport, paint: Paint, width: number): string[] {
  const nameWidth = Math.min(36, Math.max(...report.steps.map((step) => columns(visible(step.name)))));
  return report.steps.flatMap((step, index) => {
    const shown = report.findings
      .filter((finding) => finding.step === step.name)
      .map((finding) => `${finding.allowed === null ? severityGlyph[finding.severity] : 'allowed'} ${finding.rule}`);
    const name = pad(clip(visible(step.name), nameWidth), nameWidth);
    const start = `  ${padStart(String(index + 1), 2)}  ${name}  ${pad(step.kind, 8)}`;
    const found = clip([...new Set(shown)].join(', '), Math.max(20, width - columns(start) - 2));
    return [`${start}  ${paint(found, 'red')}`.trimEnd(), ...costLines(step, paint, width)];
  });
}

function costLines(step: StepReport, paint: Paint, width: number): string[] {
  const parts = [...lockParts(step), ...(step.forecast === null ? [] : workParts(step.forecast))];
  if (parts.length === 0) return [];
  return hang('        ', parts.join('; '), width).map((line) => paint(line, 'dim'));
}

function lockParts({ locks, rewrites, forecast }: StepReport): string[] {
  const held = locks.filter((lock) => strong.has(lock.mode)).map((lock) => `${lock.mode} on ${lock.relation}`);
  if (held.length === 0) return [];
  const hold = forecast === null || forecast.holdMs === 0 ? '' : ` for ${range(forecast.holdMs, forecast.holdRangeMs)}`;
  const anew = rewrites.length === 0 ? [] : [`writes ${rewrites.join(', ')} anew`];
  return [`${held.join(', ')}${hold}`, ...anew, ...(forecast === null ? [] : trafficParts(forecast))];
}

function trafficParts({ outageMs, failedRequests, behindSlowQuery }: StepForecast): string[] {
  const failed = (amount: number): string =>
    amount === 0 ? '' : `, ${count(amount, 'request fails', 'requests fail')}`;
  if (outageMs > 0) return [`outage of ${duration(outageMs)}${failed(failedRequests)}`];
  if (behindSlowQuery === null || behindSlowQuery.outageMs === 0) return [];
  const { slowQueryMs, outageMs: outage, failedRequests: lost } = behindSlowQuery;
  return [`behind a query of ${duration(slowQueryMs)}: outage of ${duration(outage)}${failed(lost)}`];
}

function workParts(forecast: StepForecast): string[] {
  const { batches, durationMs, holdMs, diskBytes, walBytes, replicaLagMs } = forecast;
  const batched = batches === null ? '' : `${count(batches, 'batch', 'batches')}, `;
  const long = durationMs >= worthSaying.ms && durationMs > 1.1 * holdMs;
  return [
    ...(long ? [`${batched}takes ${range(durationMs, forecast.durationRangeMs)}`] : []),
    ...(diskBytes >= worthSaying.bytes ? [`disk ${bytes(diskBytes)}`] : []),
    ...(walBytes >= worthSaying.bytes ? [`WAL ${bytes(walBytes)}`] : []),
    ...(replicaLagMs >= worthSaying.ms ? [`replicas up to ${duration(replicaLagMs)} behind`] : []),
  ];
}

function range(value: number, { low, high }: StepForecast['durationRangeMs']): string {
  if (low === high) return `about ${duration(value)}`;
  return `about ${duration(value)} (${duration(low)} to ${duration(high)})`;
}
