/** What a session answers where it stands: scopes, SQL, forks; and how it ends when it can't go on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { isNull, lostWrite, Session } from './debug-session.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

async function atTheFinding(): Promise<Session> {
  const session = new Session(engine);
  await session.launch({ plan: isNull, finding: lostWrite, stopOnEntry: false });
  await session.send('configurationDone');
  session.lines.length = 0;
  return session;
}

const repl = (expression: string) => ({ expression, context: 'repl', frameId: 1 });

test('the scopes at the finding show the write that was lost, and going back what was before', async () => {
  const session = await atTheFinding();
  expect({
    differences: await session.scope('Differences'),
    now: await session.scope('Tables now'),
    reference: await session.scope('Reference'),
    request: await session.scope('Request'),
    live: await session.scope('Live versions'),
    running: await session.scope('Jobs and requests in flight'),
  }).toMatchInlineSnapshot(`
    {
      "differences": {
        "users[id=1].email_address: 'a' ≠ 'b', read by v3": {
          "compared with": "users.email",
          "live versions that read it": "v3",
          "now": "'a'",
          "reference": "'b'",
        },
      },
      "live": {
        "v3": "live",
      },
      "now": {
        "users: 1 row": {
          "id=1: (1, 'b', 'a')": {
            "email": "'b'",
            "email_address": "'a'",
            "id": "1",
          },
        },
      },
      "reference": {
        "users: 1 row": {
          "id=1: (1, 'b')": {
            "email": "'b'",
            "id": "1",
          },
        },
      },
      "request": {
        ":id": "1",
        "answer": "(1, 'a')",
        "sql": "SELECT id, email_address FROM users WHERE id = :id",
        "the reference answers": "(1, 'b')",
      },
      "running": {
        "none": "nothing runs",
      },
    }
  `);
  await session.send('cutover.goto', { moment: 3 });
  expect(await session.scope('Tables now')).toEqual({
    'users: 1 row': { "id=1: (1, 'a', 'a')": { id: '1', email: "'a'", email_address: "'a'" } },
  });
});

test('SQL is answered at the moment, and changes nothing', async () => {
  const session = await atTheFinding();
  await session.send('evaluate', repl('SELECT email_address FROM users'));
  await session.send('evaluate', repl('SELECT * FROM users'));
  await session.send('evaluate', repl('DELETE FROM users'));
  await session.send('evaluate', { expression: 'users', context: 'hover' });
  await session.send('evaluate', { expression: 'SELECT count(*) FROM users', context: 'watch' });
  await session.send('evaluate', { expression: '!DELETE FROM users', context: 'watch' });
  await session.send('evaluate', { expression: 'nonsense', context: 'watch' });
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ evaluate {"expression":"SELECT email_address FROM users","context":"repl","frameId":1}
      evaluate {"result":"'a'","variablesReference":0}
    → evaluate {"expression":"SELECT * FROM users","context":"repl","frameId":1}
      evaluate {"result":"(1, 'b', 'a')","type":"(id, email, email_address)","variablesReference":1,"indexedVariables":1}
    → evaluate {"expression":"DELETE FROM users","context":"repl","frameId":1}
    ✗ evaluate: error 25006: cannot execute DELETE in a read-only transaction. Nothing was changed: a moment is read-only. Begin with ! to fork the history with a change.
    → evaluate {"expression":"users","context":"hover"}
      evaluate {"result":"1 row","variablesReference":2,"type":"(id, email, email_address)"}
    → evaluate {"expression":"SELECT count(*) FROM users","context":"watch"}
      evaluate {"result":"1","variablesReference":0}
    → evaluate {"expression":"!DELETE FROM users","context":"watch"}
    ✗ evaluate: A change is made in the Debug Console only: a watch is read-only.
    → evaluate {"expression":"nonsense","context":"watch"}
    ✗ evaluate: SQL: syntax error at or near "nonsense""
  `);
});

test('a fork is another future; what was recorded can be returned to', async () => {
  const session = await atTheFinding();
  await session.send('cutover.goto', { moment: 4 });
  await session.send('evaluate', repl("!run v2 change_email id=1 email='it''s c'"));
  await session.where();
  await session.send('evaluate', repl('SELECT * FROM users'));
  await session.send('evaluate', repl('!history'));
  await session.send('evaluate', repl('!history 0'));
  await session.where();
  await session.send('evaluate', repl('SELECT * FROM users'));
  await session.send('evaluate', repl('!UPDATE users SET email_address = email'));
  await session.send('evaluate', repl('!rollback'));
  await session.where();
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ cutover.goto {"moment":4}
    ← stopped {"reason":"goto"}
    → evaluate {"expression":"!run v2 change_email id=1 email='it''s c'","context":"repl","frameId":1}
      evaluate {"result":"history 1: what if: v2 change_email(id: 1, email: 'it's c'); !history 0 goes back","variablesReference":0,"history":1}
    ← stopped {"reason":"goto"}
      at v2 change_email(id: 1, email: 'it's c'):28 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → evaluate {"expression":"SELECT * FROM users","context":"repl","frameId":1}
      evaluate {"result":"(1, 'it''s c', 'it''s c')","type":"(id, email, email_address)","variablesReference":1,"indexedVariables":1}
    → evaluate {"expression":"!history","context":"repl","frameId":1}
      evaluate {"result":"  0  lost-write at switch reads (10 moments)\\n→ 1  what if: v2 change_email(id: 1, email: 'it's c') (16 moments)","variablesReference":0}
    → evaluate {"expression":"!history 0","context":"repl","frameId":1}
      evaluate {"result":"history 0: lost-write at switch reads","variablesReference":0}
    ← stopped {"reason":"goto"}
      at v1 change_email(email: 'b', id: 1):21 › dual write (rolling out):48 › Rename users.email, backfill WHERE email_address IS NULL:1
    → evaluate {"expression":"SELECT * FROM users","context":"repl","frameId":1}
      evaluate {"result":"(1, 'b', 'a')","type":"(id, email, email_address)","variablesReference":2,"indexedVariables":1}
    → evaluate {"expression":"!UPDATE users SET email_address = email","context":"repl","frameId":1}
      evaluate {"result":"history 2: what if: UPDATE users SET email_address = email; !history 0 goes back","variablesReference":0,"history":2}
    ← stopped {"reason":"goto"}
    → evaluate {"expression":"!rollback","context":"repl","frameId":1}
      evaluate {"result":"history 3: what if: roll back dual write; !history 2 goes back","variablesReference":0,"history":3}
    ← stopped {"reason":"goto"}
      at roll back dual write:48 › Rename users.email, backfill WHERE email_address IS NULL:1"
  `);
});

test('whoever moves and forks the session from elsewhere keeps the focus: the stop is in another thread', async () => {
  const session = await atTheFinding();
  const shown = async (threadId: number) => {
    await session.send('threads');
    await session.send('stackTrace', { threadId });
  };
  await session.send('cutover.goto', { moment: 3, preserveFocus: true });
  await shown(2);
  // Two in a row, before anybody has asked what is there.
  await session.send('cutover.goto', { moment: 4, preserveFocus: true });
  await session.send('cutover.fork', { command: { kind: 'rollback' }, history: 0, moment: 2, preserveFocus: true });
  await session.send('stackTrace', { threadId: 3 });
  await shown(4);
  await session.send('threads');
  await session.send('cutover.ask', {
    history: 0,
    moment: 4,
    probe: null,
    sql: 'SELECT email, email_address FROM users',
  });
  expect(session.playheads.at(-1)).toMatchObject({ history: { id: 1 }, cursor: { moment: 3, probe: null } });
  expect(session.playheads.at(-1)?.views.length).toBeGreaterThan(session.playheads[0]?.recording.views.length ?? 0);
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ cutover.goto {"moment":3,"preserveFocus":true}
    ← stopped {"reason":"goto","preserveFocusHint":true}
    → threads
      threads {"threads":[{"id":1,"name":"lost-write at switch reads"},{"id":2,"name":"lost-write at switch reads"}]}
    → stackTrace {}
      stackTrace {"stackFrames":[{"id":1,"name":"v2 change_email(email: 'a', id: 1)","source":"backfill-is-null.cutover.yaml","line":28,"column":5},{"id":2,"name":"dual write (rolling out)","source":"backfill-is-null.cutover.yaml","line":48,"column":5},{"id":3,"name":"Rename users.email, backfill WHERE email_address IS NULL","source":"backfill-is-null.cutover.yaml","line":1,"column":1}],"totalFrames":3}
    ← thread {"reason":"exited"}
    → cutover.goto {"moment":4,"preserveFocus":true}
    ← stopped {"reason":"goto","preserveFocusHint":true}
    → cutover.fork {"command":{"kind":"rollback"},"history":0,"moment":2,"preserveFocus":true}
      cutover.fork {"result":"history 1: what if: roll back dual write; !history 0 goes back","variablesReference":0,"history":1}
    ← stopped {"reason":"goto","preserveFocusHint":true}
    → stackTrace {}
      stackTrace {"stackFrames":[{"id":2,"name":"roll back dual write","source":"backfill-is-null.cutover.yaml","line":48,"column":5},{"id":3,"name":"Rename users.email, backfill WHERE email_address IS NULL","source":"backfill-is-null.cutover.yaml","line":1,"column":1}],"totalFrames":2}
    → threads
      threads {"threads":[{"id":2,"name":"what if: roll back dual write"},{"id":3,"name":"what if: roll back dual write"},{"id":4,"name":"what if: roll back dual write"}]}
    → stackTrace {}
      stackTrace {"stackFrames":[{"id":2,"name":"roll back dual write","source":"backfill-is-null.cutover.yaml","line":48,"column":5},{"id":3,"name":"Rename users.email, backfill WHERE email_address IS NULL","source":"backfill-is-null.cutover.yaml","line":1,"column":1}],"totalFrames":2}
    ← thread {"reason":"exited"}
    ← thread {"reason":"exited"}
    → threads
      threads {"threads":[{"id":4,"name":"what if: roll back dual write"}]}
    → cutover.ask {"history":0,"moment":4,"probe":null,"sql":"SELECT email, email_address FROM users"}
      cutover.ask {"ok":true,"columns":["email","email_address"],"rows":[["b","a"]],"touched":1}"
  `);
});

test('a version can live on in the console', async () => {
  const session = await atTheFinding();
  await session.send('cutover.goto', { moment: 2 });
  await session.send('evaluate', repl('!straggler'));
  await session.send('evaluate', repl('!straggler v9'));
  await session.send('evaluate', repl('!straggler v1'));
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ cutover.goto {"moment":2}
    ← stopped {"reason":"goto"}
    → evaluate {"expression":"!straggler","context":"repl","frameId":1}
    ✗ evaluate: Say which version lives on: !straggler v1
    → evaluate {"expression":"!straggler v9","context":"repl","frameId":1}
    ✗ evaluate: v9 can not live on here (v1)
    → evaluate {"expression":"!straggler v1","context":"repl","frameId":1}
      evaluate {"result":"history 1: what if: v1 lives on; !history 0 goes back","variablesReference":0,"history":1}
    ← stopped {"reason":"goto"}"
  `);
});

test('what is mistyped is said', async () => {
  const session = await atTheFinding();
  for (const text of [
    '!run v3',
    '!run v9 get_user id=1',
    '!run v3 get_user 1',
    '!history x',
    '!history 7',
    '!UPDATE nothing',
  ])
    await session.send('evaluate', repl(text));
  expect(session.lines.filter((l) => l.startsWith('✗'))).toMatchInlineSnapshot(`
    [
      "✗ evaluate: Say who runs what: !run v1 get_user id=1",
      "✗ evaluate: v9 is not live here (v3)",
      "✗ evaluate: 1 is no name=value",
      "✗ evaluate: A history has a number, and x is none.",
      "✗ evaluate: There is no history 7.",
      "✗ evaluate: SQL: syntax error at end of input",
    ]
  `);
});

test('a bad plan: the mistake is shown at its place, and the session ends', async () => {
  const session = new Session(engine);
  await session.launch({ plan: 'test/extension/workspace/broken.cutover.yaml' });
  expect(session.failures).toEqual(['The plan can not be debugged: There is no version `v11`. Did you mean `v1`?']);
  expect(session.client.closed).toBe(1);
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"test/extension/workspace/broken.cutover.yaml"}
    ← output {"category":"stderr","output":"There is no version \`v11\`. Did you mean \`v1\`?\\n","source":"broken.cutover.yaml","line":8,"column":14}
    ← output {"category":"stderr","output":"SQL: syntax error at or near \\"SELEC\\"\\n","source":"broken.cutover.yaml","line":9,"column":16}
    ← output {"category":"stderr","output":"Unknown key \`deploi\` in a step. Did you mean \`deploy\`?\\n","source":"broken.cutover.yaml","line":12,"column":5}
    ← output {"category":"stderr","output":"The plan can not be debugged: There is no version \`v11\`. Did you mean \`v1\`?\\n"}
    ✗ launch: The plan can not be debugged: There is no version \`v11\`. Did you mean \`v1\`?
    ← terminated"
  `);
});

test('no plan, no such finding, no such request', async () => {
  const session = new Session(engine);
  await session.send('stackTrace', { threadId: 1 });
  await session.launch({});
  const other = new Session(engine);
  await other.launch({ plan: isNull, finding: 'nothing' });
  await other.send('fly');
  expect([...session.lines, ...other.lines].filter((l) => !l.startsWith('→'))).toMatchInlineSnapshot(`
    [
      "✗ stackTrace: Nothing is being played.",
      "← output {"category":"stderr","output":"No plan is given: set \\"plan\\".\\n"}",
      "✗ launch: No plan is given: set "plan".",
      "← terminated",
      "← output {"category":"stderr","output":"The plan can not be debugged: no finding nothing; there is missing-verify-switch-reads, lost-write-switch-reads, no-rollback-contract\\n"}",
      "✗ launch: The plan can not be debugged: no finding nothing; there is missing-verify-switch-reads, lost-write-switch-reads, no-rollback-contract",
      "← terminated",
      "✗ fly: Cutover knows no request "fly".",
    ]
  `);
});

test('when the process is lost the session ends, and says so', async () => {
  const session = await atTheFinding();
  session.client.lose('it ended with SIGKILL');
  session.client.lose('again');
  expect(session.transcript).toMatchInlineSnapshot(`
    "← output {"category":"stderr","output":"The engine was lost: it ended with SIGKILL. The session has ended; start it again to go on.\\n"}
    ← terminated"
  `);
});

test('a launch that takes long shows how far it is, and can be cancelled', async () => {
  const session = new Session(engine);
  await session.quietly('initialize', { adapterID: 'cutover', supportsProgressReporting: true });
  const launched = session.send('launch', { plan: isNull });
  await session.send('cancel', { progressId: 'open' });
  await launched;
  expect(session.failures).toEqual([]);
  expect(session.client.closed).toBe(1);
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"examples/rename-column/backfill-is-null.cutover.yaml"}
    ← progressStart {"progressId":"open","title":"Playing the plan","cancellable":true}
    → cancel {"progressId":"open"}
    ← progressEnd {"progressId":"open"}
    ✗ launch: It was cancelled.
    ← terminated"
  `);
});

test('a request that commits twice is seen in flight', async () => {
  const session = new Session(engine);
  const plan = 'test/plans/corpus/drop-column-in-flight.cutover.yaml';
  await session.launch({ plan, finding: 'request-fails-drop-note', stopOnEntry: false });
  await session.send('configurationDone');
  await session.where();
  await session.send('stepBack', { threadId: 1 });
  await session.where();
  expect(await session.scope('Jobs and requests in flight')).toMatchInlineSnapshot(`
    {
      "v1 place_order: 1 of 2 statements committed": {
        ":id": "2",
        ":total": "7",
      },
    }
  `);
  await session.send('reverseContinue', { threadId: 1 });
  await session.send('next', { threadId: 1 });
  await session.send('next', { threadId: 1 });
  await session.where();
  expect(session.transcript).toMatchInlineSnapshot(`
    "→ launch {"plan":"test/plans/corpus/drop-column-in-flight.cutover.yaml","finding":"request-fails-drop-note","stopOnEntry":false}
    ← initialized
    → configurationDone
    ← output {"category":"console","output":"request-fails at \\"drop note\\": v1.place_order fails: column \\"note\\" of relation \\"orders\\" does not exist\\n6 moments. Type !help here for what can be asked.\\n"}
    ← stopped {"reason":"exception","description":"request-fails","text":"v1.place_order fails: column \\"note\\" of relation \\"orders\\" does not exist"}
      at v1 place_order(id: 2, total: 7):16 › drop note:24 › Drop orders.note under a request in flight:1
    → stepBack {}
    ← stopped {"reason":"step"}
      at drop note:24 › Drop orders.note under a request in flight:1
    → reverseContinue {}
      reverseContinue {}
    ← stopped {"reason":"entry","description":"At the start"}
    → next {}
    ← stopped {"reason":"step"}
    → next {}
    ← stopped {"reason":"step"}
      at stop writing note (rolling out):22 › Drop orders.note under a request in flight:1"
  `);
});
