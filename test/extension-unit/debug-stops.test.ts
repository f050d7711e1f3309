/** Breakpoints on steps, requests and cells, and exception filters, as traffic of the protocol. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionFilters, filterOf } from '../../extension/debug/filters.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rules } from '../../simulator/findings/catalog.ts';
import { isNull, lostWrite, Session } from './debug-session.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const at = (...lines: number[]) => ({ source: { path: isNull }, breakpoints: lines.map((line) => ({ line })) });

test('breakpoints on a step and on a request, of a finding', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite, stopOnEntry: false }, []);
  // Inside of the backfill's SQL; on v1's change_email; before anything.
  await session.send('setBreakpoints', at(54, 21, 2));
  await session.send('configurationDone');
  await session.where();
  for (const command of ['continue', 'continue', 'reverseContinue', 'reverseContinue', 'reverseContinue']) {
    await session.send(command, { threadId: 1 });
    await session.where();
  }
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads","stopOnEntry":false}
    ← initialized
    → setExceptionBreakpoints {"filters":[]}
    → setBreakpoints {"source":"examples/rename-column/backfill-is-null.cutover.yaml","breakpoints":[{"line":54},{"line":21},{"line":2}]}
      setBreakpoints {"breakpoints":[{"id":1,"verified":true,"line":52,"source":"backfill-is-null.cutover.yaml"},{"id":2,"verified":true,"line":21,"source":"backfill-is-null.cutover.yaml"},{"id":3,"verified":false,"message":"There is no step and no request here."}]}
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[2]}
      at v1 change_email(email: 'b', id: 1):21 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → continue {}
      continue {}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[1]}
      at backfill (running):52 › Rename users.email, backfill WHERE email_address IS NULL:1
    → continue {}
      continue {}
    ← stopped {"reason":"pause","description":"At the end: go on to finish"}
      at v3 get_user(id: 1):32 › switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[1]}
      at backfill (running):52 › Rename users.email, backfill WHERE email_address IS NULL:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[2]}
      at v1 change_email(email: 'b', id: 1):21 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"entry","description":"At the start"}
      at Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('a breakpoint on a request of the plan stops wherever it is live', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, stopOnEntry: false });
  await session.send('setBreakpoints', at(32));
  await session.send('configurationDone');
  await session.where();
  await session.send('continue', { threadId: 1 });
  await session.where();
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","stopOnEntry":false}
    ← initialized
    → setBreakpoints {"source":"examples/rename-column/backfill-is-null.cutover.yaml","breakpoints":[{"line":32}]}
      setBreakpoints {"breakpoints":[{"id":1,"verified":true,"line":32,"source":"backfill-is-null.cutover.yaml"}]}
    → configurationDone
    ← output {"category":"console","output":"Rename users.email, backfill WHERE email_address IS NULL\\n14 moments. Type !help here for what can be asked.\\n"}
    ← output {"category":"console","output":"This is the plan with no requests between its phases; a rehearsal tries those that can come between.\\n"}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[1]}
      at v3 get_user(id: 1):32 › switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → continue {}
      continue {}
    ← stopped {"reason":"breakpoint","hitBreakpointIds":[1]}
      at v3 get_user(id: 1):32 › require email_address:63 › Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('the lines that can be stopped at', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull });
  await session.send('breakpointLocations', { source: { path: isNull }, line: 40, endLine: 60 });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml"}
    ← initialized
    → breakpointLocations {"source":"examples/rename-column/backfill-is-null.cutover.yaml","line":40,"endLine":60}
      breakpointLocations {"breakpoints":[{"line":40},{"line":48},{"line":52},{"line":59}]}"
  `);
});

test('an exception filter that is off lets the finding pass', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite, stopOnEntry: false }, ['rollback']);
  await session.send('configurationDone');
  await session.send('setExceptionBreakpoints', { filters: ['lost-write'] });
  await session.send('stepBack', { threadId: 1 });
  await session.send('continue', { threadId: 1 });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads","stopOnEntry":false}
    ← initialized
    → setExceptionBreakpoints {"filters":["rollback"]}
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"pause","description":"At the end: go on to finish"}
    → setExceptionBreakpoints {"filters":["lost-write"]}
    → stepBack {}
    ← stopped {"reason":"step"}
    → continue {}
      continue {}
    ← stopped {"reason":"exception","description":"lost-write","text":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')"}"
  `);
});

test('a plan whose step fails stops there, and shows why', async () => {
  const session = new Session(engine);
  await session.launch({ plan: 'test/plans/request-fails/has.cutover.yaml', stopOnEntry: false });
  await session.send('configurationDone');
  await session.where();
  await session.send('exceptionInfo', { threadId: 1 });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"test/plans/request-fails/has.cutover.yaml","stopOnEntry":false}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"A default dropped too early\\n5 moments. Type !help here for what can be asked.\\n"}
    ← output {"category":"console","output":"This is the plan with no requests between its phases; a rehearsal tries those that can come between.\\n"}
    ← stopped {"reason":"exception","description":"request-fails","text":"v1.add_item fails: null value in column \\"kind\\" of relation \\"items\\" violates not-null constraint"}
      at v1 add_item(id: 2, title: 'a'):11 › drop default:20 › A default dropped too early:1
    → exceptionInfo {}
      exceptionInfo {"exceptionId":"request-fails","description":"v1.add_item fails: null value in column \\"kind\\" of relation \\"items\\" violates not-null constraint\\nexpected  accepted, rows touched\\nactual    error 23502: null value in column \\"kind\\" of relation \\"items\\" violates not-null constraint","breakMode":"always","details":{"typeName":"request-fails","message":"v1.add_item fails: null value in column \\"kind\\" of relation \\"items\\" violates not-null constraint"}}"
  `);
});

test('a cell that is watched stops when it changes, in both directions', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite });
  await session.send('configurationDone');
  await session.quietly('cutover.goto', { moment: 3 });
  const info = await cell(session, 'users', 'id=1', 'email');
  expect(info.description).toBe('users[id=1].email');
  await session.send('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId }] });
  await session.send('continue', { threadId: 1 });
  await session.where();
  await session.send('reverseContinue', { threadId: 1 });
  await session.where();
  await session.send('setDataBreakpoints', { breakpoints: [{ dataId: 'of another time' }] });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads"}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"entry"}
    → setDataBreakpoints {"breakpoints":[{"dataId":"{\\"table\\":\\"users\\",\\"row\\":\\"id=1\\",\\"column\\":\\"email\\"}"}]}
      setDataBreakpoints {"breakpoints":[{"id":1,"verified":true}]}
    → continue {}
      continue {}
    ← stopped {"reason":"data breakpoint","hitBreakpointIds":[1]}
      at v1 change_email(email: 'b', id: 1):21 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"data breakpoint","hitBreakpointIds":[1]}
      at v2 change_email(email: 'a', id: 1):28 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → setDataBreakpoints {"breakpoints":[{"dataId":"of another time"}]}
      setDataBreakpoints {"breakpoints":[{"id":2,"verified":false,"message":"This is no cell."}]}"
  `);
});

async function cell(session: Session, table: string, row: string, column: string) {
  const { scopes } = await session.quietly<DebugProtocol.ScopesResponse['body']>('scopes', { frameId: 2 });
  let reference = scopes.find((s) => s.name === 'Tables now')?.variablesReference ?? 0;
  for (const name of [table, row])
    reference = (await session.variables(reference)).find((v) => v.name === name)?.variablesReference ?? 0;
  const args = { variablesReference: reference, name: column };
  return session.quietly<DebugProtocol.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', args);
}

describe('exception filters', () => {
  test('every rule that there is belongs to one', () => {
    const unnamed = [...rules.keys()].filter((id) => filterOf(id) === 'other');
    expect(unnamed).toEqual(['never-exercised']);
    expect(exceptionFilters.map((f) => f.filter)).toContain('other');
  });
});
