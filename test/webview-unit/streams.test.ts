/** What the stage says of streams and of a replica: what they bring late, lose, repeat, or have not seen. */
import { afterAll, describe, expect, test } from 'vitest';
import { sidesOf } from '../../webview/model/labels.ts';
import { scoreOf } from '../../webview/model/score.ts';
import { sentenceAt } from '../../webview/model/sentence.ts';
import { storyOf } from '../../webview/model/story.ts';
import { closeEngine, storyText, tell } from './recorded.ts';

afterAll(closeEngine);

const rename = (name: string, rule: string) => tell(`examples/cdc-rename/${name}.cutover.yaml`, rule);
const move = (name: string, rule: string) => tell(`examples/cdc-move-table/${name}.cutover.yaml`, rule);
const replica = (rule: string) => tell('examples/replica-reads/replica-not-caught-up.cutover.yaml', rule);

function sentences(told: Awaited<ReturnType<typeof tell>>): string {
  return told.history.moments
    .flatMap((m, moment) =>
      m.event?.kind === 'deliver' || m.step?.kind === 'cdc' || m.shown !== null
        ? [`${moment} ${sentenceAt(told, { history: 0, moment, probe: null })}`]
        : [],
    )
    .join('\n');
}

describe('streams', () => {
  test('a change that comes late goes over a newer value', async () => {
    const told = await rename('not-caught-up', 'lost-write');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Lost write: v2’s change_email(id 2, email 'b') after “switch”. v2 reads 'a' at “switch”, should be 'b'.
      1 @11 v2 sets 'b' in email_address
      2 @12 stream forward delivers 'a' to email_address late, the change of v1’s sign_up(id 2, email 'a'), event 9
      3 @13 v2 reads email_address: 'a', should be 'b'"
    `);
    expect(storyOf(told)?.thread).toMatchObject({
      writer: [11],
      broken: { kind: 'overwritten', moment: 12, stream: 'forward' },
    });
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"overwritten: stream forward delivers late"`);
    expect(sentences(told)).toMatchInlineSnapshot(`
      "2 “mirror” starts stream forward, which mirrors users from here on.
      7 “mirror back” starts stream backward, which mirrors users from here on.
      12 Stream forward delivers the change of v1’s sign_up(id 2, email 'a'), event 9. It runs UPDATE users SET email_address = 'a'::text WHERE id = '2'::bigint AND 'a'::text IS NOT NULL: it sets 'a' in email_address of users, row 2. In users, row 2, email_address is 'a' and should be 'b'; v2 reads it, and 1 more place differs.
      13 v2 runs get_user(id 2) and reads (2, 'a'); without the migration it reads (2, 'b'). What is lost: v2’s change_email(id 2, email 'b'), event 11."
    `);
  });

  test('what waits is not there yet', async () => {
    const told = await rename('not-caught-up', 'stale-read');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Stale read: v1’s sign_up(id 2, email 'a') after “verify”. v2 reads NULL at “switch”, should be 'a'.
      1 @9 v1 adds row 2: email 'a', email_address NULL; stream forward has not delivered it yet
      2 @11 v2 reads email_address: NULL, should be 'a'"
    `);
    expect(storyOf(told)?.thread?.broken.kind).toBe('undelivered');
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"not delivered yet: it waits in stream forward"`);
  });

  test('a stream that is stopped loses what waits in it', async () => {
    const told = await rename('stopped-too-early', 'lost-write');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Lost write: v1’s sign_up(id 2, email 'a') after “verify”. v2 reads NULL at “switch”, should be 'a'.
      1 @9 v1 adds row 2: email 'a', email_address NULL; it waits in stream forward
      2 @10 “stop mirror” stops stream forward: 1 change in it is lost
      3 @12 v2 reads email_address: NULL, should be 'a'"
    `);
    const [forward] = scoreOf(told).streams;
    expect(forward).toMatchObject({ name: 'forward', source: 'users', deliveries: [] });
    expect(forward?.runs).toEqual([{ from: 2, to: 10, waits: [{ from: 9, to: 10, count: 1 }], lost: 1 }]);
    expect(storyOf(told)?.thread).toMatchObject({
      writer: [9],
      broken: { kind: 'dropped', moment: 10, stream: 'forward' },
    });
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"lost here: stream forward is stopped with it"`);
    expect(sentences(told)).toMatchInlineSnapshot(`
      "2 “mirror” starts stream forward, which mirrors users from here on.
      7 “mirror back” starts stream backward, which mirrors users from here on.
      10 “stop mirror” stops stream forward: 1 change in it is lost.
      12 v2 runs get_user(id 2) and reads (2, NULL); without the migration it reads (2, 'a'). What is lost: v1’s sign_up(id 2, email 'a'), event 9."
    `);
  });

  test('a copy goes over what a stream has brought', async () => {
    const told = await rename('copy-overwrites', 'backfill-overwrites');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Write overwritten by the backfill: v1’s change_email(id 1, email 'a') during “backfill”. v2 reads 'ada@example.com' at “switch”, should be 'a'.
      1 @5 v1 sets 'a' in email
      2 @6 stream forward delivers 'a' to email_address
      3 @7 “backfill” copies 'ada@example.com' to email_address
      4 @12 v2 reads email_address: 'ada@example.com', should be 'a'"
    `);
    expect(storyOf(told)?.thread).toMatchObject({
      writer: [5],
      brought: 6,
      broken: { kind: 'overwritten', moment: 7 },
    });
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"overwritten here"`);
  });

  test('a stream that takes no deletes', async () => {
    const told = await move('deletes-forgotten', 'resurrected-row');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Deleted row comes back: v1’s leave(id 1) after “verify”. v2 reads (1, 'ada@example.com') at “switch”, should be no row.
      1 @4 “backfill” copies 'ada@example.com' to accounts.address
      2 @7 v1 deletes row 1 from members, not from accounts; stream forward takes nothing of it
      3 @10 v2 reads accounts.address: (1, 'ada@example.com'), should be no row"
    `);
    expect(storyOf(told)?.thread).toMatchObject({ writer: [7], broken: { kind: 'missed', moment: 7 } });
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"lost here: row 1 stays in accounts"`);
  });

  test('what can be delivered once only', async () => {
    const told = await move('insert-only-once', 'stream-fails');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Stuck stream: what stream forward delivers again at “mirror” fails, and it is stuck: duplicate key value violates unique constraint "accounts_pkey".
      1 @3 v1 adds row 2: members.email 'a'
      2 @4 stream forward adds row 2: accounts.address 'a'
      3 @5 stream forward is stuck: what it delivers again fails, duplicate key value violates unique constraint "accounts_pkey""
    `);
    expect(sentences(told)).toMatchInlineSnapshot(`
      "2 “mirror” starts stream forward, which mirrors members from here on.
      3 v1 runs join(id 2, email 'a'): it adds row 2 to members: email 'a'. It waits in stream forward.
      4 Stream forward delivers the change of v1’s join(id 2, email 'a'), event 3. It runs INSERT INTO accounts VALUES ('2'::bigint, 'a'::text): it adds row 2 to accounts: address 'a'.
      5 Stream forward delivers the change of v1’s join(id 2, email 'a'), event 3, once more. It runs INSERT INTO accounts VALUES ('2'::bigint, 'a'::text): it fails, duplicate key value violates unique constraint "accounts_pkey", and the stream is stuck."
    `);
  });
});

describe('a replica', () => {
  test('that has not seen the copy yet', async () => {
    const told = await replica('stale-read');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Stale read: v3 reads NULL from the replica, which is 1 commit behind, at “switch reads”, should be 'ada@example.com'.
      1 @6 “backfill” copies 'ada@example.com' to email_address; the replica is 1 commit behind
      2 @10 v3 reads from the replica, which is 1 commit behind: email_address is still NULL there, should be 'ada@example.com'"
    `);
    expect(storyOf(told)?.thread).toMatchObject({ writer: null, broken: { kind: 'behind', behind: 1 } });
    const { bands } = scoreOf(told);
    const states = (role: string) => bands.filter((b) => b.role === role).map((b) => b.segments.map((s) => s.state));
    // The primary is right.
    expect(states('new')[0]?.at(-1)).toBe('same');
    expect(states('replica')[0]?.slice(-2)).toEqual(['behind', 'wrong']);
    expect(storyOf(told)?.breakText).toMatchInlineSnapshot(`"not on the replica yet"`);
    expect(sentences(told)).toMatchInlineSnapshot(`
      "2 The replica has caught up.
      10 v3 runs get_user(id 1) on the replica, which is 1 commit behind, and reads (1, NULL); without the migration it reads (1, 'ada@example.com')."
    `);
  });

  test('that has not seen the column yet', async () => {
    expect(storyText(await replica('request-fails'))).toMatchInlineSnapshot(`
      "Failing request: v3’s get_user(id 1) at “switch reads”, on the replica, which is 2 commits behind: column "email_address" does not exist.
      1 @1 “expand” adds users.email_address
      2 @9 v3 runs get_user: column "email_address" does not exist; the replica is 2 commits behind"
    `);
  });
});

describe('labels of a lane', () => {
  test('go where there is room, and share it where two meet', () => {
    expect(sidesOf([{ x: 100, width: 60 }], 300)).toEqual([{ isLeft: false, room: 188 }]);
    expect(sidesOf([{ x: 280, width: 60 }], 300)).toEqual([{ isLeft: true, room: 260 }]);
    const both = sidesOf(
      [
        { x: 100, width: 100 },
        { x: 280, width: 60 },
      ],
      300,
    );
    expect(both).toEqual([
      { isLeft: false, room: 80 },
      { isLeft: true, room: 60 },
    ]);
  });
});
