/** What the stage says of what was really played: which write was lost, by whom, where it breaks, and who finds it so. */
import { afterAll, describe, expect, test } from 'vitest';
import { storyOf } from '../../webview/model/story.ts';
import { closeEngine, storyText, tell, tellFork } from './recorded.ts';

afterAll(closeEngine);

const plans = 'test/plans';
const own = (rule: string) => tell(`${plans}/${rule}/has.cutover.yaml`, rule);
const corpus = (name: string, rule: string) => tell(`${plans}/corpus/${name}.cutover.yaml`, rule);
const posts = (name: string, rule: string) => tell(`${plans}/posts/${name}.cutover.yaml`, rule);

describe('a write that never came to the place that is read', () => {
  test('the textbook rename', async () => {
    const told = await tell('examples/rename-column/backfill-is-null.cutover.yaml', 'lost-write');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Lost write: v1’s change_email(id 1, email 'b') during “dual write”. v3 reads 'a' at “switch reads”, should be 'b'.
      1 @3 v2 (new pod) sets 'a' in email and email_address
      2 @4 v1 (old pod) sets 'b' in email only, not in email_address
      3 @7 “backfill” passes over row 1: email_address is 'a', not NULL
      4 @9 v3 reads email_address: 'a', should be 'b'"
    `);
    const story = storyOf(told);
    expect(story?.thread?.reads).toEqual([{ table: 'users', column: 'email_address' }]);
    expect(story?.thread?.writer).toEqual([4]);
    expect(story?.thread?.broken).toEqual({ kind: 'missed', moment: 4 });
    expect(story?.breakText).toBe("lost here: 'b' never reached email_address");
  });

  test('after the copy', async () => {
    expect(storyText(await own('lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v1’s set_qty(id 1, qty 7) after “backfill”. v2 reads 5 at “switch reads”, should be 7.
      1 @3 “backfill” copies 5 to quantity
      2 @5 v1 sets 7 in qty only, not in quantity
      3 @8 v2 reads quantity: 5, should be 7"
    `);
  });

  test('into a table that a later one takes over from', async () => {
    expect(storyText(await posts('gap-before-trigger', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v1’s set(code 'EUR', rate 10) after “copy”. v2 reads 1 at “read new table”, should be 10.
      1 @2 v1 sets 10 in rates.rate only, not in fx.rate
      2 @6 v2 reads fx.rate: 1, should be 10"
    `);
  });

  test('by a version that is rolled out first', async () => {
    expect(storyText(await posts('rename-trigger-one-way', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: new’s change(id 1, phone 'a') during “roll out”. old reads '555-1' at “roll out”, should be 'a'.
      1 @7 new (new pod) sets 'a' in mobile only, not in phone
      2 @8 old reads phone: '555-1', should be 'a'"
    `);
  });

  test('by a request that was in flight since before the first step', async () => {
    expect(storyText(await corpus('in-flight-old-write', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v1’s count(id 1) after “backfill”, begun before the first step. v3 reads 0 at “switch reads”, should be 1.
      1 @6 “backfill” copies 0 to total
      2 @8 v1, statement 2 of 2, sets 1 in n only, not in total
      3 @10 v3 reads total: 0, should be 1"
    `);
  });

  test('by a process that died between two commits', async () => {
    expect(storyText(await corpus('two-commit-dual-write', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v2’s set_nick(id 1, nick 'a') after “verify”. v3 reads 'ada' at “switch reads”, should be 'a'.
      1 @5 “backfill” copies 'ada' to handle
      2 @8 v2, statement 1 of 2, sets 'a' in nick only, not in handle
      3 @9 v2 dies before the rest of set_nick runs
      4 @12 v3 reads handle: 'ada', should be 'a'"
    `);
  });

  test('by a request that the first version does not have', async () => {
    expect(storyText(await posts('new-request-lost', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v2’s annotate(id 1, note 'a') during “notes feature”. v4 reads NULL at “move notes”, should be 'a'.
      1 @3 v2 (new pod) sets 'a' in leads.note only, not in lead_notes.note
      2 @5 “notes table” adds lead_notes: no row 1 in it
      3 @9 v4 reads lead_notes.note: NULL, should be 'a'"
    `);
  });

  test('where both places are counted apart', async () => {
    expect(storyText(await corpus('hit-counter-counted-apart', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v1’s hit(id 1) during “dual write”. v3 reads 1 at “switch reads”, should be 2.
      1 @3 v2 (new pod) sets 1 in hits and views
      2 @4 v1 (old pod) sets 2 in hits only, not in views
      3 @7 “backfill” passes over row 1: views is 1, not NULL
      4 @9 v3 reads views: 1, should be 2"
    `);
  });
});

describe('a write that something went over', () => {
  test('a script that writes what it once read', async () => {
    expect(storyText(await own('backfill-overwrites'))).toMatchInlineSnapshot(`
      "Write overwritten by the backfill: v2’s set_nick(id 1, nick 'a') during “backfill”. v3 reads 'ada' at “switch reads”, should be 'a'.
      1 @6 v2 sets 'a' in nick and handle
      2 @7 “backfill” copies 'ada' to handle
      3 @10 v3 reads handle: 'ada', should be 'a'"
    `);
  });

  test('where the new place holds another form of it', async () => {
    expect(storyText(await posts('script-backfill-races', 'backfill-overwrites'))).toMatchInlineSnapshot(`
      "Write overwritten by the backfill: v2’s change_email(id 1, email 'Bob@x.io') during “backfill”. v3 reads 'ada@x.io' at “switch reads”, should be 'bob@x.io'.
      1 @7 v2 sets 'Bob@x.io' in email and 'bob@x.io' in email_ci
      2 @8 “backfill” copies 'ada@x.io' to email_ci
      3 @11 v3 reads email_ci: 'ada@x.io', should be 'bob@x.io'"
    `);
  });

  test('a request that saves a whole document', async () => {
    expect(storyText(await posts('jsonb-whole-document', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost write: v1’s set_theme(id 1, theme 'a') during “orm release”. v1 reads 'dark' at “orm release”, should be 'a'.
      1 @3 v1 (old pod) sets '{"lang": "en", "theme": "a"}' in prefs
      2 @4 v2 (new pod), statement 2 of 2, sets '{"lang": "a", "theme": "dark"}' in prefs
      3 @5 v1 reads prefs: 'dark', should be 'a'"
    `);
  });

  test('a value that is stored as another', async () => {
    const told = await corpus('prices-rounded', 'lost-write');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Lost write: v1’s set_price(id 1, price 10.005) after “two decimals”. v1 reads 10.01 at “two decimals”, should be 10.005.
      1 @2 v1 sets 10.01 in price
      2 @3 v1 reads price: 10.01, should be 10.005"
    `);
    expect(storyOf(told)?.thread?.broken.kind).toBe('stored');
  });
});

describe('what was there from the start was lost by no write', () => {
  test('in the copy', async () => {
    expect(storyText(await corpus('split-name-lossy', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost value: v3 reads 'Ada King' at “switch reads”, should be 'Ada King Lovelace', which was there from the start.
      1 @5 “backfill” copies 'Ada' to first_name and 'King' to last_name
      2 @7 the checks of “verify” pass all the same
      3 @9 v3 reads first_name and last_name: 'Ada King', should be 'Ada King Lovelace'"
    `);
  });

  test('since nothing copied it', async () => {
    expect(storyText(await corpus('split-table-inner-join', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost value: v3 reads no row at “switch reads”, should be (1, NULL), which was there from the start.
      1 @1 “create addresses” adds addresses: no row 1 in it
      2 @5 “backfill” passes over row 1: it stays out of addresses
      3 @6 the checks of “verify” pass all the same
      4 @8 v3 reads addresses.street: no row, should be (1, NULL)"
    `);
  });

  test('under a write that the reader should not have seen', async () => {
    expect(storyText(await corpus('merge-columns-fresh-mobile', 'lost-write'))).toMatchInlineSnapshot(`
      "Lost value: v3 reads 'a' at “switch reads”, should be 111, which was there from the start.
      1 @8 v2 sets 'a' in phone and mobile
      2 @10 v3 reads phone: 'a', should be 111"
    `);
  });
});

describe('a row that was deleted', () => {
  test('from one table only', async () => {
    expect(storyText(await own('resurrected-row'))).toMatchInlineSnapshot(`
      "Deleted row comes back: v1’s remove(id 1) during “backfill”. v2 reads (1, 'Lamp') at “switch reads”, should be no row.
      1 @3 “backfill” copies 'Lamp' to articles.title
      2 @4 v1 deletes row 1 from items, not from articles
      3 @7 v2 reads articles.title: (1, 'Lamp'), should be no row"
    `);
  });

  test('and inserted again by the copy', async () => {
    expect(storyText(await corpus('script-inserts-what-was-deleted', 'resurrected-row'))).toMatchInlineSnapshot(`
      "Deleted row comes back: v1’s remove(id 1) during “backfill”. v2 reads (1, 'Lamp') at “switch reads”, should be no row.
      1 @4 v1 deletes row 1 from items, not from articles
      2 @5 “backfill” copies 'Lamp' to articles.title
      3 @8 v2 reads articles.title: (1, 'Lamp'), should be no row"
    `);
  });

  test('one of several that are told by a longer key', async () => {
    expect(storyText(await corpus('tags-to-table-stale', 'resurrected-row'))).toMatchInlineSnapshot(`
      "Deleted row comes back: v1’s untag(id 1, tag 'blue') during “dual write”. v3 reads ('blue') ('red') at “switch reads”, should be ('red').
      1 @4 v1 (old pod) sets '{red}' in posts.tags only, not in post_tags.tag
      2 @7 “add missing tags” copies 'blue, red' to post_tags.tag
      3 @10 v3 reads post_tags.tag: ('blue') ('red'), should be ('red')"
    `);
  });
});

describe('the way back', () => {
  test('loses a write', async () => {
    expect(storyText(await own('rollback-loses-writes'))).toMatchInlineSnapshot(`
      "Write lost on the way back: v3’s set_nick(id 1, nick NULL) after “switch”. v2 reads 'ada' after “switch” is rolled back, should be NULL.
      1 @9 v3 sets NULL in handle only, not in nick
      2 @10 “switch” is rolled back: v2 answers again
      3 @11 v2 reads nick: 'ada', should be NULL"
    `);
  });

  test('through two steps', async () => {
    const told = await tell('extension/lessons/plans/no-copy-back.cutover.yaml', 'rollback-loses-writes');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Write lost on the way back: v4’s rename(id 1, name NULL) during “stop dual write”. v2 reads 'Apollo' after “switch reads” is rolled back, should be NULL.
      1 @11 v4 (new pod) sets NULL in name only, not in title
      2 @13 “switch reads” is rolled back: v2 answers again
      3 @14 v2 reads title: 'Apollo', should be NULL"
    `);
  });

  test('puts a table back', async () => {
    expect(storyText(await corpus('swap-tables-one-way', 'rollback-loses-writes'))).toMatchInlineSnapshot(`
      "Write lost on the way back: v1’s retitle(id 1, title 'a') after “swap”. v1 reads 'Lamp' after “swap” is rolled back, should be 'a'.
      1 @7 v1 sets 'a' in items.title
      2 @8 “swap” is rolled back: items.title is 'Lamp'
      3 @9 v1 reads items.title: 'Lamp', should be 'a'"
    `);
  });

  test('breaks a request', async () => {
    expect(storyText(await own('rollback-breaks-requests'))).toMatchInlineSnapshot(`
      "Request fails after the way back: v1’s add_note(body 'a') after “identity” is rolled back: duplicate key value violates unique constraint "notes_pkey".
      1 @2 “identity” is rolled back
      2 @3 v1 runs add_note: duplicate key value violates unique constraint "notes_pkey""
    `);
  });

  test('fails', async () => {
    expect(storyText(await own('rollback-fails'))).toMatchInlineSnapshot(`
      "Way back fails: “let source be empty” stops: column "source" of relation "customers" contains null values.
      1 @3 v2 (new pod) adds row 2: name 'a', source NULL
      2 @5 the way back of “let source be empty” stops: column "source" of relation "customers" contains null values"
    `);
  });
});

describe('a request that fails, or is answered otherwise', () => {
  test('the step that took the column away', async () => {
    const told = await tell('examples/rename-column/rename-in-one-step.cutover.yaml', 'request-fails');
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Failing request: v1’s get_user(id 1) at “rename”: column "email" does not exist.
      1 @1 “rename” takes users.email away and adds users.email_address
      2 @2 v1 runs get_user: column "email" does not exist"
    `);
  });

  test('in the middle of its statements', async () => {
    expect(storyText(await corpus('drop-column-in-flight', 'request-fails'))).toMatchInlineSnapshot(`
      "Failing request: v1’s place_order(id 2, total 7) at “drop note”: column "note" of relation "orders" does not exist.
      1 @1 v1 has run the first statement of place_order
      2 @4 “drop note” takes orders.note away
      3 @5 v1 runs place_order: column "note" of relation "orders" does not exist"
    `);
  });

  test('a constraint', async () => {
    expect(storyText(await own('request-fails'))).toMatchInlineSnapshot(`
      "Failing request: v1’s add_item(id 2, title 'a') at “drop default”: null value in column "kind" of relation "items" violates not-null constraint.
      1 @2 “drop default” has run
      2 @3 v1 runs add_item: null value in column "kind" of relation "items" violates not-null constraint"
    `);
  });

  test('accepted', async () => {
    expect(storyText(await own('request-accepted'))).toMatchInlineSnapshot(`
      "Request accepted: v1’s sign_up(id 2, email 'ada@example.com') at “drop old constraint” is accepted and touches a row; without the migration it is refused: duplicate key value violates unique constraint "accounts_email_key".
      1 @1 “drop old constraint” has run
      2 @2 v1 sign_up is accepted and touches a row; without the migration it is refused: duplicate key value violates unique constraint "accounts_email_key""
    `);
  });

  test('touching a row that is gone', async () => {
    expect(storyText(await own('wrong-answer'))).toMatchInlineSnapshot(`
      "Wrong answer: v2’s retitle(id 1, title 'a') at “soft delete” is accepted and touches a row; without the migration it is accepted and touches no row.
      1 @5 v3 (new pod) sets 't' in removed; without the migration the row is gone
      2 @6 v2 (old pod) retitle is accepted and touches a row; without the migration it is accepted and touches no row"
    `);
  });

  test('not understood', async () => {
    expect(storyText(await own('unreadable-answer'))).toMatchInlineSnapshot(`
      "Unreadable answer: v1’s get_ticket(id 1) at “archive” reads (1, 'archived'), but its code takes status IN ('open', 'closed').
      1 @2 v2 (new pod) sets 'archived' in status
      2 @3 v1 (old pod) reads (1, 'archived'); its code takes status IN ('open', 'closed')"
    `);
  });
});

describe('a plan that can not go on, and what is said of a step alone', () => {
  test('a check', async () => {
    expect(storyText(await own('verify-stops'))).toMatchInlineSnapshot(`
      "The check stops the plan: “verify” stops: "every slug fits its title" does not hold.
      1 @3 v2 (new pod) sets 'a' in title and slug
      2 @4 v1 (old pod) sets 'b' in title
      3 @7 “backfill” passes over row 1
      4 @8 “verify” stops: "every slug fits its title" does not hold"
    `);
  });

  test('a migration', async () => {
    expect(storyText(await own('migrate-fails'))).toMatchInlineSnapshot(`
      "Migration fails: “require slug” stops: column "slug" of relation "items" contains null values.
      1 @1 “add slug” adds items.slug
      2 @4 “require slug” stops: column "slug" of relation "items" contains null values"
    `);
  });

  test('locks have a headline and no thread', async () => {
    const told = await own('lock-queue');
    expect(storyText(told)).toMatchInlineSnapshot(
      `"AccessExclusiveLock on users is asked for with no lock_timeout: behind one slow query it waits, and requests of v1 wait behind it."`,
    );
    expect(storyOf(told)?.thread).toBeNull();
  });

  test('a safe plan has no story', async () => {
    expect(storyText(await tell('examples/rename-column/plan.cutover.yaml', null))).toBe('no story');
  });
});

describe('what somebody tries', () => {
  test('a request that would fail', async () => {
    const told = await tell('examples/rename-column/rename-in-one-step.cutover.yaml', null);
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Failing request: v1’s get_user(id 1) at “rename”: column "email" does not exist.
      1 @1 “rename” takes users.email away and adds users.email_address
      2 @1 v1 would run get_user: column "email" does not exist"
    `);
  });

  test('a row that is changed after the copy', async () => {
    const told = await tellFork('test/plans/lost-write/has.cutover.yaml', (moment) => moment.position === 'backfill', {
      kind: 'request',
      version: 'v1',
      request: 'set_qty',
      params: { id: '1', qty: '9' },
    });
    expect(storyText(told)).toMatchInlineSnapshot(`
      "Lost write: v1’s set_qty(id 1, qty 9) after “backfill”. v2 would read 5 at “switch reads”, should be 9.
      1 @3 “backfill” copies 5 to quantity
      2 @5 v1 sets 9 in qty only, not in quantity
      3 @7 v2 would read quantity: 5, should be 9"
    `);
    expect(storyOf(told)?.probe).not.toBeNull();
  });
});
