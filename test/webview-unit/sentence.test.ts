/** The sentence of every moment, for the four recordings that the page is looked at with. */
import { afterAll, expect, test } from 'vitest';
import { sentenceAt } from '../../webview/model/sentence.ts';
import type { Told } from '../../webview/model/rows.ts';
import { closeEngine, tell } from './recorded.ts';

afterAll(closeEngine);

function sentences(told: Told): string {
  return told.history.moments
    .map((_, moment) => `${moment} ${sentenceAt(told, { history: 0, moment, probe: null })}`)
    .join('\n');
}

function tried(told: Told, moment: number): string {
  return (told.history.moments[moment]?.probes ?? [])
    .map((_, probe) => sentenceAt(told, { history: 0, moment, probe }))
    .join('\n');
}

test('a lost write', async () => {
  const told = await tell('examples/rename-column/backfill-is-null.cutover.yaml', 'lost-write');
  expect(sentences(told)).toMatchInlineSnapshot(`
    "0 Before the first step: v1 answers.
    1 “expand” adds users.email_address.
    2 “dual write” rolls out: v1 and v2 both answer.
    3 v2 (new pod) runs change_email(id 1, email 'a'): it sets 'a' in email and email_address of users, row 1.
    4 v1 (old pod) runs change_email(id 1, email 'b'): it sets 'b' in email of users, row 1. In users, row 1, email_address is 'a' and should be 'b'; no live version reads it.
    5 “dual write” is done: v2 answers. In users, row 1, email_address is 'a' and should be 'b'; no live version reads it.
    6 “backfill” begins; v2 answers. In users, row 1, email_address is 'a' and should be 'b'; no live version reads it.
    7 “backfill” is done, and has changed nothing. In users, row 1, email_address is 'a' and should be 'b'; no live version reads it.
    8 “switch reads” is done: v3 answers. In users, row 1, email_address is 'a' and should be 'b'; v3 reads it.
    9 v3 runs get_user(id 1) and reads (1, 'a'); without the migration it reads (1, 'b'). What is lost: v1’s change_email(id 1, email 'b'), event 4."
  `);
  expect(tried(told, 9)).toMatchInlineSnapshot(`
    "If v3 ran sign_up(id 1, email 'a') here, it would fail: duplicate key value violates unique constraint "users_pkey", as it would without the migration.
    If v3 ran sign_up(id 1, email 'b') here, it would fail: duplicate key value violates unique constraint "users_pkey", as it would without the migration.
    If v3 ran sign_up(id 2, email 'a') here, it would be accepted and touch a row, as it would without the migration.
    If v3 ran sign_up(id 2, email 'b') here, it would be accepted and touch a row, as it would without the migration.
    If v3 ran change_email(id 1, email 'a') here, it would be accepted and touch a row, as it would without the migration.
    If v3 ran change_email(id 2, email 'a') here, it would be accepted and touch no row, as it would without the migration.
    If v3 ran change_email(id 1, email 'b') here, it would be accepted and touch a row, as it would without the migration.
    If v3 ran change_email(id 2, email 'b') here, it would be accepted and touch no row, as it would without the migration.
    If v3 ran close_account(id 1) here, it would be accepted and touch a row, as it would without the migration.
    If v3 ran close_account(id 2) here, it would be accepted and touch no row, as it would without the migration.
    If v3 ran get_user(id 1) here, it would read (1, 'a'); without the migration it would read (1, 'b').
    If v3 ran get_user(id 2) here, it would read no row, as it would without the migration."
  `);
});

test('the course of a safe plan', async () => {
  expect(sentences(await tell('examples/rename-column/plan.cutover.yaml', null))).toMatchInlineSnapshot(`
    "0 Before the first step: v1 answers.
    1 “expand” adds users.email_address.
    2 “dual write” rolls out: v1 and v2 both answer.
    3 “dual write” is done: v2 answers.
    4 “backfill” begins; v2 answers.
    5 “backfill” runs a batch: it copies 'ada@example.com' to email_address of users, row 1.
    6 “backfill” is done after 1 batch.
    7 The checks of “verify” pass.
    8 “switch reads” is done: v3 answers.
    9 “require email_address” has run.
    10 “prove email_address” has run.
    11 “stop requiring email” has run.
    12 “stop dual write” rolls out: v3 and v4 both answer.
    13 “stop dual write” is done: v4 answers.
    14 “contract” takes users.email away."
  `);
});

test('a write that is lost on the way back', async () => {
  const told = await tell('extension/lessons/plans/no-copy-back.cutover.yaml', 'rollback-loses-writes');
  expect(sentences(told)).toMatchInlineSnapshot(`
    "0 Before the first step: v1 answers.
    1 “expand” adds projects.name.
    2 “dual write” rolls out: v1 and v2 both answer.
    3 “dual write” is done: v2 answers.
    4 “backfill” begins; v2 answers.
    5 “backfill” runs a batch: it copies 'Apollo' to name of projects, row 1.
    6 “backfill” is done after 1 batch.
    7 The checks of “verify” pass.
    8 “switch reads” rolls out: v2 and v3 both answer.
    9 “switch reads” is done: v3 answers.
    10 “stop dual write” rolls out: v3 and v4 both answer.
    11 v4 (new pod) runs rename(id 1, name NULL): it sets NULL in name of projects, row 1. In projects, row 1, title is 'Apollo' and should be NULL; no live version reads it.
    12 “stop dual write” is rolled back: v3 answers. In projects, row 1, title is 'Apollo' and should be NULL; no live version reads it.
    13 “switch reads” is rolled back: v2 and v3 both answer. In projects, row 1, title is 'Apollo' and should be NULL; v2 reads it.
    14 v2 (old pod) runs get_project(id 1) and reads (1, 'Apollo'); without the migration it reads (1, NULL). What is lost: v4’s rename(id 1, name NULL), event 11."
  `);
});

test('a request that fails', async () => {
  const told = await tell('examples/rename-column/rename-in-one-step.cutover.yaml', 'request-fails');
  expect(sentences(told)).toMatchInlineSnapshot(`
    "0 Before the first step: v1 answers.
    1 “rename” takes users.email away and adds users.email_address.
    2 v1 runs get_user(id 1): it fails, column "email" does not exist. Without the migration it reads (1, 'ada@example.com')."
  `);
});

test('a script that reads a row and then writes it', async () => {
  const told = await tell('test/plans/backfill-overwrites/has.cutover.yaml', 'backfill-overwrites');
  expect(sentences(told)).toMatchInlineSnapshot(`
    "0 Before the first step: v1 answers.
    1 “expand” adds profiles.handle.
    2 “dual write” rolls out: v1 and v2 both answer.
    3 “dual write” is done: v2 answers.
    4 “backfill” begins; v2 answers.
    5 “backfill” runs a batch: read (1, ada).
    6 v2 runs set_nick(id 1, nick 'a'): it sets 'a' in nick and handle of profiles, row 1.
    7 “backfill” runs a batch: it copies 'ada' to handle of profiles, row 1. In profiles, row 1, handle is 'ada' and should be 'a'; no live version reads it.
    8 “backfill” is done after 2 batches. In profiles, row 1, handle is 'ada' and should be 'a'; no live version reads it.
    9 “switch reads” is done: v3 answers. In profiles, row 1, handle is 'ada' and should be 'a'; v3 reads it.
    10 v3 runs get_profile(id 1) and reads (1, 'ada'); without the migration it reads (1, 'a'). What is lost: v2’s set_nick(id 1, nick 'a'), event 6."
  `);
});

test('a moment that is not there says nothing', async () => {
  const told = await tell('examples/rename-column/rename-in-one-step.cutover.yaml', 'request-fails');
  expect(sentenceAt(told, { history: 0, moment: 99, probe: null })).toBe('');
});
