/** The trace as Markdown: what it says, and that no value of a plan becomes markup. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { code, fence, markdownOf, plain } from '../../webview/export/markdown.ts';
import type { Told } from '../../webview/model/rows.ts';
import { scoreOf } from '../../webview/model/score.ts';
import { columnsIn, rowAt, touchingMoments } from '../../webview/model/table.ts';
import { closeEngine, prolonged, tell } from './recorded.ts';

let told: Told;
beforeAll(async () => void (told = await tell('test/plans/lost-write/has.cutover.yaml', 'lost-write')));
afterAll(closeEngine);

test('the finding, its history and how to replay it', () => {
  expect(markdownOf(told, scoreOf(told), 'plans/stock.cutover.yaml')).toMatchInlineSnapshot(`
    "### Lost write: v1’s set\\_qty(id 1, qty 7) after “backfill”. v2 reads 5 at “switch reads”, should be 7.

    Plan: \`plans/stock.cutover.yaml\` (Backfill, then the trigger), finding \`lost-write-switch-reads\`

    | | |
    |---|---|
    | Without the migration | \`(1, 7)\` |
    | With it | \`(1, 5)\` |

    1. “backfill” copies 5 to quantity
    2. v1 sets 7 in qty only, not in quantity
    3. v2 reads quantity: 5, should be 7

    What happens to stock, row 1:

    | # | Step | Who | What | \`qty\` old place | \`quantity\` new place | \`should be\` without the migration |
    |---|---|---|---|---|---|---|
    | 0 | start |  | start | \`5\` | \`no such column\` | \`5\` |
    | 1 | add quantity | plan | done | \`5\` | \`NULL\` | \`5\` |
    | 2 | backfill | plan | begins, v1 live | \`5\` | \`NULL\` | \`5\` |
    | 3 | backfill | backfill | “backfill” copies 5 to quantity | \`5\` | \`5\` | \`5\` |
    | 4 | backfill | plan | done | \`5\` | \`5\` | \`5\` |
    | 5 | backfill | v1 | set\\_qty(id 1, qty 7) | \`7\` | **\`5\`**, should be \`7\` | \`7\` |
    | 6 | keep in step | plan | done | \`7\` | **\`5\`**, should be \`7\` | \`7\` |
    | 7 | switch reads | plan | rolling out: v1 and v2 live | \`7\` | **\`5\`**, should be \`7\` | \`7\` |
    | 8 | switch reads | v2 (new pod) | get\\_stock(id 1): (1, 5) | \`7\` | **\`5\`**, should be \`7\` | \`7\` |

    <details><summary>The SQL of each event</summary>

    **1.** add quantity

    \`\`\`sql
    ALTER TABLE stock ADD COLUMN quantity int
    \`\`\`

    **3.** backfill

    \`\`\`sql
    UPDATE stock SET quantity = qty WHERE id IN (
      SELECT id FROM stock WHERE quantity IS DISTINCT FROM qty ORDER BY id LIMIT 1)
    \`\`\`

    **5.** v1 set\\_qty(id 1, qty 7)

    \`\`\`sql
    UPDATE stock SET qty = :qty WHERE id = :id
    \`\`\`

    **6.** keep in step

    \`\`\`sql
    CREATE FUNCTION copy_qty() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.quantity := NEW.qty;
      RETURN NEW;
    END $$;
    CREATE TRIGGER copy_qty BEFORE INSERT OR UPDATE ON stock
      FOR EACH ROW EXECUTE FUNCTION copy_qty()
    \`\`\`

    **8.** v2 get\\_stock(id 1)

    \`\`\`sql
    SELECT id, quantity FROM stock WHERE id = :id
    \`\`\`

    </details>

    **What to do.** Run "backfill" after "keep in step": nothing carries what v1.set\\_qty(qty: 7, id: 1) wrote between the two.

    Replay it:

    \`\`\`sh
    cutover replay plans/stock.cutover.yaml lost-write-switch-reads
    \`\`\`
    "
  `);
});

test('of a long history what its story has, and how much is left out', () => {
  const text = markdownOf(prolonged(told, 500), scoreOf(prolonged(told, 500)), 'plan.cutover.yaml');
  expect(text.split('\n').length).toBeLessThan(100);
  expect(text).toContain('of 500 events are left out here');
});

describe('values stay values', () => {
  test('in text', () => {
    expect(plain('a|b `c` <img src=x> *d* _e_ [f](g) #1 @team ada@x.io &amp; https://x.io')).toBe(
      'a\\|b \\`c\\` \\<img src=x\\> \\*d\\* \\_e\\_ \\[f\\](g) \\#1 @\u200Bteam ada@x.io \\&amp; https\u200B://x.io',
    );
    expect(plain('two\nlines')).toBe('two\\\\nlines');
  });

  test('in code', () => {
    expect(code('a')).toBe('`a`');
    expect(code('`')).toBe('`` ` ``');
    expect(code('a``b`c')).toBe('```a``b`c```');
    expect(code('two\nlines')).toBe('`two\\nlines`');
    expect(fence('```sql\n-- not the end\n```', 'sql')).toBe('````sql\n```sql\n-- not the end\n```\n````');
  });

  test('in every cell of the table', () => {
    const nasty = 'x | y\\n`z`<b>';
    const hostile = JSON.parse(JSON.stringify(told).replaceAll('set_qty', nasty)) as Told;
    const text = markdownOf(hostile, scoreOf(hostile), 'a b.cutover.yaml');
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    const pipes = (line: string) => line.replaceAll('\\|', '').split('|').length;
    const [, , , head, ...rest] = rows;
    expect(new Set(rest.map(pipes))).toEqual(new Set([pipes(head ?? '')]));
    expect(text).not.toMatch(/(^|[^\\])<b>/m);
    expect(text).toContain("cutover replay 'a b.cutover.yaml' lost-write-switch-reads");
  });
});

test('the biography: the events that touched the row, and since when it has diverged', () => {
  const score = scoreOf(told);
  expect(columnsIn(score).map(({ name, role }) => `${name} (${role})`)).toEqual([
    'qty (old place)',
    'quantity (new place)',
    'should be (without the migration)',
  ]);
  const rows = touchingMoments(told, score).map((at) => {
    const { step, who, what, cells, since } = rowAt(told, score, at);
    const values = cells.map((c) =>
      c.inside === null ? c.text : `${c.inside.before}[${c.inside.changed}]${c.inside.after}`,
    );
    return `${at} ${step} | ${who} | ${what} | ${values.join(' | ')}${since === null ? '' : ` | since ${since}`}`;
  });
  expect(rows.join('\n')).toMatchInlineSnapshot(`
    "0 start |  | start | 5 | no such column | 5
    1 add quantity | plan | done | 5 | [NULL] | 5
    3 backfill | backfill | “backfill” copies 5 to quantity | 5 | [5] | 5
    5 backfill | v1 | set_qty(id 1, qty 7) | [7] | 5 | [7] | since 5
    7 switch reads | plan | rolling out: v1 and v2 live | 7 | 5 | 7 | since 5
    8 switch reads | v2 (new pod) | get_stock(id 1): (1, 5) | 7 | 5 | 7 | since 5"
  `);
});
