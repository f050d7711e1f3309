/** The report for programs. Its shape is `reportSchema`, published as `schemas/report.schema.json`. */
import type { Report } from './model.ts';

export function renderJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
