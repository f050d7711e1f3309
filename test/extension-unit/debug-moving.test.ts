/** Stepping forward and back, as traffic of the protocol. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { isNull, lostWrite, Session } from './debug-session.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

test('a finding: stop on entry, step over, step back, reverse', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite });
  await session.send('configurationDone');
  await session.where();
  for (const command of ['next', 'next', 'next', 'stepBack', 'reverseContinue', 'stepBack']) {
    await session.send(command, { threadId: 1 });
    await session.where();
  }
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads"}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"entry"}
      at Rename users.email, backfill WHERE email_address IS NULL:1
    → next {}
    ← stopped {"reason":"step"}
      at expand:40 › Rename users.email, backfill WHERE email_address IS NULL:1
    → next {}
    ← stopped {"reason":"step"}
      at dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → next {}
    ← stopped {"reason":"step"}
      at v2 change_email(email: 'a', id: 1):28 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepBack {}
    ← stopped {"reason":"step"}
      at dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"entry","description":"At the start"}
      at Rename users.email, backfill WHERE email_address IS NULL:1
    → stepBack {}
    ← stopped {"reason":"entry","description":"At the start"}
      at Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('continue stops at the finding; going on from the end ends the session', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite, stopOnEntry: false });
  await session.send('configurationDone');
  await session.where();
  await session.send('exceptionInfo', { threadId: 1 });
  await session.send('stepBack', { threadId: 1 });
  await session.where();
  await session.send('next', { threadId: 1 });
  await session.send('continue', { threadId: 1 });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads","stopOnEntry":false}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"exception","description":"lost-write","text":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')"}
      at v3 get_user(id: 1):32 › switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → exceptionInfo {}
      exceptionInfo {"exceptionId":"lost-write","description":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\nexpected  (1, 'b')\\nactual    (1, 'a')\\nLet \\"backfill\\" compare with IS DISTINCT FROM instead of email_address IS NULL: it passed over what v1.change_email(email: 'b', id: 1) wrote, which v2.change_email(email: 'a', id: 1) had filled before.","breakMode":"always","details":{"typeName":"lost-write","message":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')"}}
    → stepBack {}
    ← stopped {"reason":"step"}
      at switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → next {}
    ← stopped {"reason":"exception","description":"lost-write","text":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')"}
    → continue {}
      continue {}
    ← terminated"
  `);
  expect(session.client.closed).toBe(1);
});

test('the plan: into the requests of a phase, and out again', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull });
  await session.send('configurationDone');
  for (const command of ['next', 'stepIn', 'next', 'stepOut', 'stepOut', 'stepOut', 'stepIn', 'stepBack', 'stepBack']) {
    await session.send(command, { threadId: 1 });
    await session.where();
  }
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml"}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"Rename users.email, backfill WHERE email_address IS NULL\\n14 moments. Type !help here for what can be asked.\\n"}
    ← output {"category":"console","output":"This is the plan with no requests between its phases; a rehearsal tries those that can come between.\\n"}
    ← stopped {"reason":"entry"}
    → next {}
    ← stopped {"reason":"step"}
      at expand:40 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepIn {}
    ← stopped {"reason":"step"}
      at v1 sign_up(id: 1, email: 'a'):20 › expand:40 › Rename users.email, backfill WHERE email_address IS NULL:1
    → next {}
    ← stopped {"reason":"step"}
      at v1 sign_up(id: 1, email: 'b'):20 › expand:40 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepOut {}
    ← stopped {"reason":"step"}
      at expand:40 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepOut {}
    ← stopped {"reason":"step"}
      at dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepOut {}
    ← stopped {"reason":"step"}
      at backfill (running):52 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepIn {}
    ← stopped {"reason":"step"}
      at v2 sign_up(id: 1, email: 'a'):27 › backfill (running):52 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepBack {}
    ← stopped {"reason":"step"}
      at backfill (running):52 › Rename users.email, backfill WHERE email_address IS NULL:1
    → stepBack {}
    ← stopped {"reason":"step"}
      at dual write:48 › Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('restart frame: of the request, of its step, of the plan', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite, stopOnEntry: false });
  await session.send('configurationDone');
  await session.where();
  for (const frameId of [1, 2, 3]) {
    await session.send('restartFrame', { frameId });
    await session.where();
  }
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads","stopOnEntry":false}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"exception","description":"lost-write","text":"v3 reads (1, 'a') where the app without the migration reads (1, 'b')"}
      at v3 get_user(id: 1):32 › switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → restartFrame {"frameId":1}
    ← stopped {"reason":"restart"}
      at v3 get_user(id: 1):32 › switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → restartFrame {"frameId":2}
    ← stopped {"reason":"restart"}
      at switch reads:59 › Rename users.email, backfill WHERE email_address IS NULL:1
    → restartFrame {"frameId":3}
    ← stopped {"reason":"restart"}
      at Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('the playhead is told, and can be moved', async () => {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite });
  await session.send('configurationDone');
  await session.send('next', { threadId: 1 });
  await session.send('cutover.goto', { moment: 5 });
  await session.where();
  await session.send('cutover.goto', { moment: 99 });
  expect(session.playheads.map((p) => p.cursor.moment)).toEqual([0, 1, 5]);
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml","finding":"lost-write-switch-reads"}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"lost-write at \\"switch reads\\": v3 reads (1, 'a') where the app without the migration reads (1, 'b')\\n10 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"entry"}
    → next {}
    ← stopped {"reason":"step"}
    → cutover.goto {"moment":5}
    ← stopped {"reason":"goto"}
      at dual write:48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → cutover.goto {"moment":99}
    ✗ cutover.goto: There is no moment 99."
  `);
});
