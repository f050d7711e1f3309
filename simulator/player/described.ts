/** What a recording says of the plan itself: its versions with their requests, and its steps with their SQL. */
import type { Programs } from '../explore/programs.ts';
import type { Plan, RollbackStep, Sql, Statement, Step } from '../plan/model.ts';
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
      place: request.location,
    })),
  }));
}

export function stepsOf(plan: Plan): readonly PlayedStep[] {
  return plan.steps.map((step) => ({
    name: step.name,
    index: step.index,
    kind: step.kind,
    sql: sqlOf(step),
    rollback: rollbackOf(step),
    place: step.location,
  }));
}

function sqlOf(step: Step | RollbackStep): string {
  switch (step.kind) {
    case 'migrate':
      return texts(step.sql);
    case 'backfill':
      return joined(statementsOf(step));
    case 'verify':
      return joined(step.checks.flatMap((check) => (check.kind === 'equal' ? check.queries : [check.query])));
    case 'cdc':
      return step.action === 'start' ? joined(streamStatements(step.stream)) : '';
    case 'deploy':
      return '';
  }
}

function statementsOf({ form }: Step & { kind: 'backfill' }): readonly Statement[] {
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

function rollbackOf({ rollback }: Step): string | null {
  switch (rollback.kind) {
    case 'sql':
      return texts(rollback.sql);
    case 'steps':
      return rollback.steps.map(sqlOf).join('\n');
    case 'none':
    case 'unstated':
      return null;
  }
}

function texts({ statements }: Sql): string {
  return joined(statements);
}

function joined(statements: readonly Statement[]): string {
  return statements.map(({ text }) => `${text.trim()};`).join('\n');
}
