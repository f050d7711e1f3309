/** What can be looked at where a session stands: frames, scopes, variables, the violation, answers of SQL. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answered, ForkCommand, Moment } from '../../simulator/player/model.ts';
import type { Playhead } from './adapter.ts';
import { help, readInput } from './console-input.ts';
import { literal, Variables, type RowPlace } from './variables.ts';
import type { Cursor } from './walk.ts';

export type Evaluation = DebugProtocol.EvaluateResponse['body'];

/** What an expression comes to before anybody is asked. */
export type Input =
  | { readonly kind: 'sql'; readonly sql: string }
  | { readonly kind: 'fork'; readonly command: ForkCommand }
  | { readonly kind: 'history'; readonly id: number | null }
  | { readonly kind: 'answer'; readonly body: Evaluation }
  | { readonly kind: 'mistake'; readonly message: string };

const frames = { request: 1, step: 2, plan: 3 } as const;

export class Inspector {
  private readonly variables = new Variables();

  constructor(private readonly toSource: (path: string) => DebugProtocol.Source) {}

  forget(): void {
    this.variables.clear();
  }

  /** Request › step › plan. */
  frames({ moment, recording }: Playhead): DebugProtocol.StackFrame[] {
    const frame = (id: number, name: string, { file, line, column }: Moment['place']): DebugProtocol.StackFrame => ({
      id,
      name,
      source: this.toSource(file),
      line,
      column,
    });
    const plan = frame(frames.plan, recording.title, { file: recording.file, line: 1, column: 1 });
    const { step, event } = moment;
    if (event === null) return [plan];
    const isRequest = isRequestMoment(moment);
    const inside = isRequest ? [frame(frames.request, moment.title, moment.place)] : [];
    if (step === null) return [...inside, plan];
    const isOwn = moment.place.file === step.place.file && !isRequest;
    const name = isOwn && event.kind !== 'step' ? moment.title : moment.position;
    return [...inside, frame(frames.step, name, isOwn ? moment.place : step.place), plan];
  }

  scopes({ moment, view }: Playhead, frame: number): DebugProtocol.Scope[] {
    return this.variables.scopes(moment, view, frame === frames.request);
  }

  children(reference: number): DebugProtocol.Variable[] {
    const found = this.variables.get(reference);
    if (found === null) throw new Error('The session has moved on since: these variables are gone.');
    return found;
  }

  placeOf(reference: number): RowPlace | null {
    return this.variables.placeOf(reference);
  }

  exception({ moment, recording }: Playhead): DebugProtocol.ExceptionInfoResponse['body'] {
    const { shown } = moment;
    if (shown === null) throw new Error('Nothing goes wrong here.');
    const { rule, message, expected, actual } = shown;
    const compared = expected === null || actual === null ? [] : [`expected  ${expected}`, `actual    ${actual}`];
    const isFinding = recording.finding?.rule === rule;
    const hint = isFinding && recording.finding.hint !== '' ? [recording.finding.hint] : [];
    const description = [message, ...compared, ...hint].join('\n');
    return { exceptionId: rule, description, breakMode: 'always', details: { typeName: rule, message } };
  }

  /** Where a frame begins. */
  startOf({ history, cursor, moment }: Playhead, frame: number): Cursor {
    const { moments } = history;
    if (frame === frames.plan) return { moment: 0, probe: null };
    if (frame === frames.request) return { ...cursor, moment: firstStatement(moments, cursor.moment, moment) };
    let first = cursor.moment;
    while (first > 0 && moments[first - 1]?.step?.index === moment.step?.index) first -= 1;
    return { moment: first, probe: null };
  }

  input({ expression, context }: DebugProtocol.EvaluateArguments): Input {
    const input = context === 'repl' ? readInput(expression) : ({ kind: 'sql', sql: expression.trim() } as const);
    if (input.kind === 'help') return { kind: 'answer', body: { result: help, variablesReference: 0 } };
    if (input.kind === 'sql' && input.sql.startsWith('!'))
      return { kind: 'mistake', message: 'A change is made in the Debug Console only: a watch is read-only.' };
    return input;
  }

  /** A table's name alone is its rows. */
  tableNamed({ view }: Playhead, name: string): Evaluation | null {
    const table = view.tables.find((t) => t.name === name);
    if (table === undefined) return null;
    const { value, variablesReference, type } = this.variables.table(table);
    return { result: value, variablesReference, ...(type === undefined ? {} : { type }) };
  }

  answer({ columns, rows, touched }: Answered & { readonly ok: true }): Evaluation {
    if (rows === null) return { result: `done, ${touched} rows`, variablesReference: 0 };
    const [only] = rows;
    if (rows.length === 1 && only?.length === 1) return { result: literal(only[0] ?? null), variablesReference: 0 };
    const shown = rows.slice(0, 5).map((row) => `(${row.map(literal).join(', ')})`);
    const more = rows.length > shown.length ? ` and ${rows.length - shown.length} more` : '';
    const result = rows.length === 0 ? 'no row' : `${shown.join(' ')}${more}`;
    const type = `(${columns.join(', ')})`;
    const variablesReference = rows.length === 0 ? 0 : this.variables.rows(columns, rows);
    return { result, type, variablesReference, indexedVariables: rows.length };
  }
}

function isRequestMoment({ event }: Moment): boolean {
  return event?.kind === 'request' || (event?.kind === 'crash' && event.request !== null);
}

/** A request that commits statement by statement begins with the first of them. */
function firstStatement(moments: readonly Moment[], at: number, moment: Moment): number {
  const same = (other: Moment | undefined): boolean =>
    other?.event?.kind === 'request' &&
    other.event.version === moment.event?.version &&
    other.event.request === moment.event?.request &&
    JSON.stringify(other.event.params) === JSON.stringify(moment.event?.params) &&
    other.flights.length > 0;
  let first = at;
  while (same(moments[first - 1])) first -= 1;
  return first;
}
