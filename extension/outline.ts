/** Where the steps of a plan stand in its text. Knows no editor, so that it can be tested alone. */
import type { Plan, Step } from '../simulator/plan/model.ts';

/** Lines from 0. */
export interface StepPlace {
  readonly name: string;
  readonly kind: Step['kind'];
  /** Its first line, with the dash. */
  readonly line: number;
  readonly endLine: number;
  /** The line that says what it does. */
  readonly forwardLine: number;
  /** The line of its way back; where none is written, its last line. */
  readonly rollbackLine: number;
  readonly rollback: Step['rollback']['kind'];
  readonly pointOfNoReturn: boolean;
}

export function placesOf(plan: Plan): readonly StepPlace[] {
  const lines = (plan.sources.get(plan.file) ?? '').split('\n');
  return plan.steps.map((step, i) => {
    const line = step.location.line - 1;
    const next = plan.steps[i + 1]?.location.line ?? Infinity;
    const indent = step.location.column - 1;
    const endLine = lastLine(lines, line, next - 1, indent);
    const { rollback } = step;
    return {
      name: step.name,
      kind: step.kind,
      line,
      endLine,
      forwardLine: keyLine(lines, line, endLine, indent, step.kind) ?? line,
      rollbackLine: rollback.kind === 'unstated' ? endLine : rollback.location.line - 1,
      rollback: rollback.kind,
      pointOfNoReturn: step.pointOfNoReturn,
    };
  });
}

/** Keys of a step all begin at the column of its first. */
function keyLine(lines: readonly string[], from: number, to: number, indent: number, key: string): number | null {
  for (let line = from; line <= to; line++) {
    const text = lines[line] ?? '';
    const isFirst = line === from;
    const before = text.slice(0, indent).trim();
    if ((isFirst ? before === '-' : before === '') && text.slice(indent).startsWith(`${key}:`)) return line;
  }
  return null;
}

/** The last line that is as far in as the step's keys: what follows is empty, or a comment of the next. */
function lastLine(lines: readonly string[], from: number, next: number, indent: number): number {
  for (let line = Math.min(next, lines.length) - 1; line > from; line--) {
    const text = lines[line] ?? '';
    if (text.trim() !== '' && text.slice(0, indent).trim() === '') return line;
  }
  return from;
}
