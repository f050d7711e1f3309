/** Every statement of a plan, wherever it stands. */
import { changeKinds, type Plan, type RollbackStep, type Statement, type Step, type StreamPlan } from './model.ts';

export function planStatements(plan: Plan): readonly Statement[] {
  return [
    ...plan.schema.statements,
    ...(plan.seed?.statements ?? []),
    ...plan.databases.flatMap(({ schema, seed }) => [...schema.statements, ...(seed?.statements ?? [])]),
    ...plan.versions.flatMap((v) => [...v.requests.values()].flatMap((r) => r.statements)),
    ...plan.steps.flatMap(stepStatements),
  ];
}

/** A step's own statements and those of its way back. */
export function stepStatements(step: Step | RollbackStep): readonly Statement[] {
  const { rollback } = step;
  const back =
    rollback.kind === 'sql'
      ? rollback.sql.statements
      : rollback.kind === 'steps'
        ? rollback.steps.flatMap(stepStatements)
        : [];
  return [...ownStatements(step), ...back];
}

function ownStatements(step: Step | RollbackStep): readonly Statement[] {
  switch (step.kind) {
    case 'migrate':
      return step.sql.statements;
    case 'deploy':
      return [];
    case 'verify':
      return step.checks.flatMap((c) => (c.kind === 'equal' ? c.queries : [c.query]));
    case 'cdc':
      return step.action === 'start' ? streamStatements(step.stream) : [];
    case 'backfill': {
      const { form } = step;
      if (form.kind === 'list') return form.statements;
      return form.kind === 'script' ? [form.read, ...form.write] : [form.statement];
    }
  }
}

/** All that a stream may run. */
export function streamStatements({ apply }: StreamPlan): readonly Statement[] {
  return changeKinds.flatMap((kind) => apply[kind]?.statements ?? []);
}
