import { expect, test } from 'vitest';
import { renderReplay } from '../../simulator/report/replay.ts';
import { lostWrite, sources } from './report-samples.ts';

const content = (email: string, copy: string | null) =>
  JSON.stringify({ tables: { users: [['1', email, copy]] }, sequences: {} });

test('a replay, statement by statement', () => {
  const contents = ['', content('ada@x.io', null), content('a@x.io', 'a@x.io'), content('b@x.io', 'a@x.io')];
  const lines = lostWrite.trace.map((event, index) => ({
    event,
    result: event.result,
    reference: event.kind === 'request' ? (index === 5 ? "(1, 'b@x.io')" : '1 row touched') : null,
    differs: index === 5,
    content: contents[Math.min(index, 3)] ?? '',
  }));
  const options = { colour: false, width: 80, file: 'plan.cutover.yaml', sources };
  expect(renderReplay(lostWrite, lines, options)).toMatchInlineSnapshot(`
    "✗ error lost-write at switch reads
      v3 get_user reads an older email than the one that v1 change_email wrote and
      was told is stored

      plan.cutover.yaml:12:5
      12 |   - name: switch reads
         |     ^

      expected  (1, 'b@x.io')
      actual    (1, 'a@x.io')

      and from it follow:
        - lost-write, v4 get_user at contract: the same row is read

      cause   backfill
      hint    Let the backfill copy every row that differs: WHERE email_address IS
              DISTINCT FROM email.
      page    docs/findings/lost-write.md

       1  step expand
          ALTER TABLE …
          gives      done

       2  step dual write
          gives      v1 and v2 live
          users  (1, 'ada@x.io', NULL)

       3  request v2 change_email(id: 1, email: 'a@x.io')
          UPDATE users SET email = :email, email_address = :email WHERE id = :id
          gives      1 row touched
          reference  1 row touched
          users  (1, 'a@x.io', 'a@x.io')

       4  request v1 change_email(id: 1, email: 'b@x.io')
          UPDATE users SET email = :email WHERE id = :id
          gives      1 row touched
          reference  1 row touched
          users  (1, 'b@x.io', 'a@x.io')

       5  batch backfill: one batch
          UPDATE …
          gives      no row touched

    ✗  6  request v3 get_user(id: 1)
          SELECT id, email_address FROM users WHERE id = :id
          gives      (1, 'a@x.io')
          reference  (1, 'b@x.io')
    "
  `);
});
