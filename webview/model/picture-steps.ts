/** The top of the picture: the steps and their phases; a way back as a branch under the steps that it undoes. */
import { eventX } from './columns.ts';
import { fitted, type Canvas } from './canvas.ts';
import type { Score, StepSpan } from './score.ts';
import { badge } from './picture-lanes.ts';
import { line, n, path, text, type Shape } from './shapes.ts';

export function stepShapes(score: Score, canvas: Canvas): readonly Shape[] {
  const { view, columns, rows } = canvas;
  const shapes: Shape[] = [];
  for (const step of score.steps) {
    if (step.to < view.from || step.from > view.to) continue;
    shapes.push(...spanShapes(score, step, canvas));
  }
  if (score.shared !== null && score.shared >= view.from) {
    const x = columns.edges[Math.min(score.shared + 1, score.length)] ?? 0;
    shapes.push(line(x, 0, x, rows.height, { stroke: 'ink', width: 1, dash: '2 3' }));
    shapes.push(text(x - 5, rows.top + 8, 'what was', { ink: 'soft', size: 10.5, anchor: 'end', isOver: true }));
    shapes.push(text(x + 5, rows.top + 8, 'what if', { size: 10.5, isBold: true, isOver: true }));
  }
  return shapes;
}

function spanShapes(score: Score, step: StepSpan, canvas: Canvas): readonly Shape[] {
  const { columns, rows, left, right } = canvas;
  const isFirst = step.from === 0;
  const x = isFirst ? 0 : eventX(columns, step.from);
  const end = step.to >= score.length ? columns.width : eventX(columns, step.to);
  const y = step.isBack ? (rows.branch ?? rows.main) : rows.main;
  const shapes: Shape[] = [];
  // The name stays in view for as long as its step does.
  const from = Math.max(x, Math.min(left, end - 60));
  const room = Math.min(end, right) - from - 10;
  const name = step.isBack ? `↩ ${step.name}` : step.name;
  const isStart = isFirst && step.name === 'start';
  const callout = stepCallout(score, step);
  const label = fitted(name, room - (callout === null ? 0 : 12), 12, false, !isStart);
  const style = { size: 12, isBold: !isStart, ink: isStart ? 'soft' : 'ink' } as const;
  shapes.push(text(from + (isFirst ? 2 : 7) + (callout === null ? 0 : 12), y + 15, label, style, name));
  if (callout !== null) shapes.push(...badge(x + 9, y + 11, callout.number, callout.part === 'passed' ? 'ink' : 'bad'));
  for (const phase of step.phases) {
    if (phase.name === '' || isStart) continue;
    const at = eventX(columns, phase.from);
    const next = phase.to >= score.length ? columns.width : eventX(columns, phase.to);
    const words = fitted(phase.name, next - at - 6, 10.5, false);
    if (words === phase.name) shapes.push(text(at + 7, y + 30, words, { ink: 'soft', size: 10.5 }, phase.name));
  }
  // A boundary goes through everything: what is right of it happens in this step.
  if (!isFirst) shapes.push(line(x, y, x, rows.height, { stroke: 'line', width: 1, dash: '2 3' }));
  if (step.isBack) shapes.push(...backShapes(score, step, canvas));
  else shapes.push(line(x, rows.main + 0.5, end, rows.main + 0.5, { stroke: 'soft', width: 1.5 }));
  return shapes;
}

/** The number of a callout that is the step itself. What happens in a lane or in a job has its number there. */
function stepCallout(score: Score, step: StepSpan) {
  const isJobs = (moment: number) => score.jobs.some((job) => job.to === moment);
  const isTried = (part: string) => score.story?.probe !== null && part === 'end';
  const callouts = (score.story?.callouts ?? []).filter((c) => !isTried(c.part));
  const isElsewhere = (moment: number) =>
    isJobs(moment) ||
    score.marks.some((m) => m.moment === moment && !m.isTried) ||
    score.streams.some((s) => s.deliveries.some((d) => d.moment === moment)) ||
    score.crashes.some((c) => c.moment === moment) ||
    score.jobs.some((job) => job.batches.some((b) => b.moment === moment));
  return callouts.find((c) => c.moment >= step.from && c.moment < step.to && !isElsewhere(c.moment)) ?? null;
}

/** The branch: it leaves the main line where the way back begins, and points to where the plan stands again. */
function backShapes(score: Score, step: StepSpan, { columns, rows }: Canvas): readonly Shape[] {
  const y = rows.branch ?? 0;
  const x = eventX(columns, step.from);
  const end = step.to >= score.length ? columns.width : eventX(columns, step.to);
  const shapes = [line(x, y + 0.5, end, y + 0.5, { stroke: 'bad', width: 2, dash: '6 3' })];
  const isFork = !score.steps.some((s) => s.isBack && s.to === step.from);
  if (isFork)
    shapes.push(
      path(`M${n(x)} ${n(rows.main)}C${n(x)} ${n(y - 14)} ${n(x)} ${n(y - 10)} ${n(x)} ${n(y)}`, {
        stroke: 'bad',
        width: 2,
        dash: '6 3',
      }),
    );
  const back = score.steps.filter((s) => s.isBack && s.backTo !== null);
  const furthest = back.length === 0 ? null : Math.min(...back.map((s) => s.backTo ?? 0));
  if (isFork && furthest !== null) {
    const to = eventX(columns, furthest);
    shapes.push(line(x - 4, y + 0.5, to + 8, y + 0.5, { stroke: 'bad', width: 1.5, dash: '2 4' }));
    shapes.push(
      path(`M${n(to + 10)} ${n(y - 4)}L${n(to + 2)} ${n(y + 0.5)}L${n(to + 10)} ${n(y + 5)}`, {
        stroke: 'bad',
        width: 1.5,
      }),
    );
    shapes.push(text(x - 8, y + 14, 'undone', { ink: 'bad', size: 10.5, anchor: 'end', isOver: true }));
  }
  return shapes;
}
