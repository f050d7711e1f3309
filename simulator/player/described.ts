/** What a recording says of the plan itself: its versions with their requests, and its steps with their SQL. */
import type { Programs } from '../explore/programs.ts';
import type { Plan, RollbackStep, Statement, Step } from '../plan/model.ts';
import { streamStatements } from '../plan/statements.ts';
import type { PlayedStep, PlayedVersion } from './model.ts';

export function versionsOf(plan: Plan, programs: Programs): readonly PlayedVersion[] {
  return plan.versions.map((version) => ({
    name: version.name,
    requests: [...version.requests.values()].map((request) => ({
      name: request.name,
      kind: programs.isRead(request) ? 'read' : 'write',
      params: request.params.map((name) => ({ name, values: programs.values(version, request.name, name) })),
      sql: request.statements.map(({ text }) => text),
      transaction: request.transaction,
      ...(request.onReplica ? { onReplica: true as const } : {}),
      place: request.location,
    })),
  }));
}

export function stepsOf(plan: Plan): readonly PlayedStep[] {
  return plan.steps.map((step) => ({
    name: step.name,
    index: step.index,
    kind: step.kind,
    sql: joined(statementsOf(step)),
    statements: begins(statementsOf(step)),
    rollback: rollbackOf(step),
    place: step.location,
  }));
}

/** What a step runs; nothing for a deploy. */
export function statementsOf(step: Step | RollbackStep): readonly Statement[] {
  switch (step.kind) {
    case 'migrate':
      return step.sql.statements;
    case 'backfill':
      return batchesOf(step);
    case 'verify':
      return step.checks.flatMap((check) => (check.kind === 'equal' ? check.queries : [check.query]));
    case 'cdc':
      return step.action === 'start' ? streamStatements(step.stream) : [];
    case 'deploy':
      return [];
  }
}

function batchesOf({ form }: Step & { kind: 'backfill' }): readonly Statement[] {
  switch (form.kind) {
    case 'statement':
    case 'range':
      return [form.statement];
    case 'list':
      return form.statements;
    case 'script':
      return [form.read, ...form.write];
  }
}

/** Statements follow each other line by line in what `joined` gives. */
function begins(statements: readonly Statement[]): PlayedStep['statements'] {
  let line = 1;
  return statements.map(({ text, location }) => {
    const begin = { line, place: location };
    line += text.trim().split('\n').length;
    return begin;
  });
}

function rollbackOf({ rollback }: Step): string | null {
  switch (rollback.kind) {
    case 'sql':
      return joined(rollback.sql.statements);
    case 'steps':
      return rollback.steps.map((each) => joined(statementsOf(each))).join('\n');
    case 'none':
    case 'unstated':
      return null;
  }
}

function joined(statements: readonly Statement[]): string {
  return statements.map(({ text }) => `${text.trim()};`).join('\n');
}
