/** Exactly the text that people read. `npx vitest -u` rewrites it; read the difference. */
import { describe, expect, test } from 'vitest';
import { renderText, type TextOptions } from '../../simulator/report/text.ts';
import { columns } from '../../simulator/report/words.ts';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import { invalid, lostWrite, safe, sources, unproven, unsafe } from './report-samples.ts';

const options: TextOptions = { colour: false, width: 80, sources, elapsed: false };

describe('golden texts', () => {
  test('safe', () => {
    expect(renderText(safe, options)).toMatchInlineSnapshot(`
      "✓ safe
        Rename users.email to users.email_address
        plan.cutover.yaml

      Explored
        covered   every history: 91 states, 3,105 transitions, 1,207 statements run
        domain    id: 1, 2 · sign_up.email: 'a@x.io', 'b@x.io' · change_email.email:
                  'a@x.io', NULL

      Steps
         1  expand        migrate
         2  dual write    deploy
         3  backfill      backfill
         4  switch reads  deploy

      Rollback
        from         to   0  1  2  3
         1  expand        ✓
         2  dual write    ✓  ✓
         3  backfill      ✓  ✓  ✓
         4  switch reads  ✓  ✓  ✓  ✓

        ✓ safe
        0 is the start, before step 1
      "
    `);
  });

  test('unsafe, with an error, a warning and an allowed finding', () => {
    expect(renderText(unsafe, options)).toMatchInlineSnapshot(`
      "✗ unsafe: 1 error, 1 warning, 1 allowed
        Rename users.email to users.email_address
        plan.cutover.yaml

      Explored
        covered   every history of up to 4 writes: 91 states, 3,105 transitions, 1,207
                  statements run
        domain    id: 1, 2 · sign_up.email: 'a@x.io', 'b@x.io' · change_email.email:
                  'a@x.io', NULL
        never ran v2 close_account

      Steps
         1  expand        migrate   allowed no-rollback
         2  dual write    deploy
         3  backfill      backfill
         4  switch reads  deploy    ! missing-verify, ✗ lost-write

      Rollback
        from         to   0  1  2  3
         1  expand        ✓
         2  dual write    ✓  ✓
         3  backfill      ✓  ✓  ✓
         4  switch reads  L  L  L  L ◀

        ✓ safe   L loses writes   ◀ point of no return
        0 is the start, before step 1

      ✗ error lost-write at step 4, switch reads
        v3 get_user reads an older email than the one that v1 change_email wrote and
        was told is stored

        plan.cutover.yaml:12:5
        12 |   - name: switch reads
           |     ^

           1  step     expand                                   → done
           2  step     dual write                               → v1 and v2 live
           3  request  v2 change_email(id: 1, email: 'a@x.io')  → 1 row touched
           4  request  v1 change_email(id: 1, email: 'b@x.io')  → 1 row touched
           5  batch    backfill: one batch                      → no row touched
        ✗  6  request  v3 get_user(id: 1)                       → (1, 'a@x.io')
                       SELECT id, email_address FROM users WHERE id = :id

        expected  (1, 'b@x.io')
        actual    (1, 'a@x.io')

        and from it follow:
          - lost-write, v4 get_user at contract: the same row is read

        cause   backfill
        hint    Let the backfill copy every row that differs: WHERE email_address IS
                DISTINCT FROM email.
        page    docs/findings/lost-write.md
        replay  cutover replay plan.cutover.yaml lost-write-1

      ! warning missing-verify at step 4, switch reads
        reads switch to what "backfill" filled, and no step has verified it

        plan.cutover.yaml:12:5
        12 |   - name: switch reads
           |     ^

        hint    Put a verify step between them.
        page    docs/findings/missing-verify.md

      i allowed no-rollback at step 1, expand
        reads switch to what "backfill" filled, and no step has verified it
        allowed: a nullable column does no harm

        plan.cutover.yaml:6:5
        6 |   - name: expand
          |     ^

        cause   switch reads
        hint    Put a verify step between them.
        page    docs/findings/no-rollback.md
      "
    `);
  });

  test('unproven', () => {
    expect(renderText(unproven, options)).toMatchInlineSnapshot(`
      "? unproven
        Rename users.email to users.email_address
        plan.cutover.yaml

      Explored
        covered   not every history: 91 states, 3,105 transitions, 1,207 statements
                  run; cut short: the limit of 90 states was reached
        domain    id: 1, 2 · sign_up.email: 'a@x.io', 'b@x.io' · change_email.email:
                  'a@x.io', NULL

      Steps
         1  expand        migrate
         2  dual write    deploy
         3  backfill      backfill
         4  switch reads  deploy
      "
    `);
  });

  test('invalid', () => {
    expect(renderText(invalid, options)).toMatchInlineSnapshot(`
      "! invalid: 2 mistakes in the plan
        plan.cutover.yaml

      plan.cutover.yaml:13:13: no version is called "v3"
        13 |     deploy: v3
           |             ^
        did you mean v2?

      other.sql:1:1: a file that is not at hand
      "
    `);
  });

  test('a triangle with every result, of twelve steps', () => {
    const text = renderText(twelveSteps(), options);
    expect(text.slice(text.indexOf('Rollback'))).toMatchInlineSnapshot(`
      "Rollback
        from                     to   0  1  2  3  4  5  6  7  8  9 10 11
         1  step 1                    ✓
         2  step 2                    ✓  ✓
         3  step 3                    ✓  ✓  ✓
         4  step 4                    ✓  ✓  ✓  ✓
         5  step 5                    L  L  L  L  L
         6  a step whose name is mu…  L  L  L  L  L  L
         7  step 7                    B  B  B  B  B  B  B
         8  step 8                    B  B  B  B  B  B  B  B
         9  step 9                    ✗  ✗  ✗  ✗  ✗  ✗  ✗  ✗  ✗
        10  step 10                   ✗  ✗  ✗  ✗  ✗  ✗  ✗  ✗  ✗  ✗
        11  step 11                   -  -  -  -  -  -  -  -  -  -  - ◀
        12  step 12                   -  -  -  -  -  -  -  -  -  -  -  -

        ✓ safe   - no way back   B breaks requests   L loses writes   ✗ fails
        ◀ point of no return
        0 is the start, before step 1
      "
    `);
  });
});

/** Results that change along the rows, and a name that is too long. */
function twelveSteps(): PlanReport {
  const steps = Array.from({ length: 12 }, (_, n) => ({
    ...safe.steps[0]!,
    name: n === 5 ? 'a step whose name is much longer than there is room' : `step ${n + 1}`,
  }));
  const results = ['safe', 'safe', 'loses-writes', 'breaks-requests', 'fails', 'no-plan'] as const;
  const rollback = steps.flatMap((from, row) =>
    Array.from({ length: row + 1 }, (_, column) => ({
      from: from.name,
      to: column === 0 ? '' : steps[column - 1]!.name,
      result: results[Math.floor(row / 2)]!,
    })),
  );
  return { ...safe, steps, rollback, pointOfNoReturn: 'step 11' };
}

describe('layout', () => {
  test('nothing but a trace line is wider than the terminal', () => {
    for (const width of [60, 80, 100]) {
      const wide = renderText(
        { ...unsafe, rollback: twelveSteps().rollback, steps: twelveSteps().steps },
        { ...options, width },
      )
        .split('\n')
        .filter((line) => columns(line) > width && !line.includes('→'));
      expect(wide).toEqual([]);
    }
  });

  test('forty steps: several triangles with the same rows', () => {
    const steps = Array.from({ length: 40 }, (_, n) => ({ ...safe.steps[0]!, name: `step ${n + 1}` }));
    const rollback = steps.map((step) => ({ from: step.name, to: '', result: 'safe' as const }));
    const text = renderText({ ...safe, steps, rollback }, options);
    expect(text.match(/^ {2}from .*$/gm)).toHaveLength(2);
    expect(Math.max(...text.split('\n').map(columns))).toBeLessThanOrEqual(80);
  });

  test('a caret stands under wide characters, tabs and far columns', () => {
    const at = (line: string, column: number) => {
      const broken: PlanReport = { ...invalid, errors: [{ ...invalid.errors[0]!, file: 'x', line: 1, column }] };
      const lines = renderText(broken, { ...options, sources: new Map([['x', line]]) }).split('\n');
      const found = lines.findIndex((each) => each.trim().endsWith('^'));
      const caret = columns(lines[found]!.replace('^', ''));
      return { caret, prefix: columns(lines[found - 1]!.split('HERE')[0]!) };
    };
    for (const line of ['  HERE', '\tHERE', '名前: HERE', `${'long '.repeat(100)}HERE`, 'HERE']) {
      const { caret, prefix } = at(line, line.indexOf('HERE') + 1);
      expect(caret).toBe(prefix);
    }
  });
});

describe('what a plan says can not reach the terminal as control codes', () => {
  test('title, names, values and messages', () => {
    const evil = '\u001B[31mred\u0007\nnext \u202Eback';
    const finding: Finding = {
      ...lostWrite,
      step: evil,
      message: evil,
      hint: evil,
      expected: evil,
      trace: lostWrite.trace.map((event) => ({
        ...event,
        step: evil,
        version: evil,
        params: { id: evil },
        result: evil,
        sql: evil,
      })),
    };
    const report: PlanReport = {
      ...unsafe,
      title: evil,
      file: evil,
      steps: [{ ...safe.steps[0]!, name: evil }],
      findings: [finding],
    };
    // eslint-disable-next-line no-control-regex
    expect(renderText(report, options)).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
  });
});

describe('colour', () => {
  test('is off on demand, and takes nothing away when it is on', () => {
    const plain = renderText(unsafe, options);
    const coloured = renderText(unsafe, { ...options, colour: true });
    expect(plain).not.toContain('\u001B');
    expect(coloured).toContain('\u001B[31;1m✗ unsafe\u001B[0m');
    // eslint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001B\[[\d;]*m/g, '')).toBe(plain);
  });
});
