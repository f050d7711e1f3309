/** What the Test Explorer, the lenses and the coverage say of a rehearsal, from reports of real ones. */
import { describe, expect, test } from 'vitest';
import { evidenceOf } from '../../extension/lens/evidence.ts';
import { lensesOf } from '../../extension/lens/lens-text.ts';
import { coveredLines } from '../../extension/testing/coverage-lines.ts';
import { outcomesOf, terminalText, type Outcome } from '../../extension/testing/outcomes.ts';
import { requestRuns } from '../../simulator/explore/coverage.ts';
import { textOf, useRehearsals, type Rehearsed } from './rehearsed.ts';

const rehearsed = useRehearsals();

function said({ report, places }: Rehearsed): Record<string, string> {
  const word = (outcome: Outcome) =>
    outcome.kind === 'failed' ? `failed: ${outcome.findings.map(({ rule }) => rule).join(', ')}` : outcome.kind;
  return Object.fromEntries(
    outcomesOf(report, places).map(({ step, forward, rollback }) => [step, `${word(forward)} | ${word(rollback)}`]),
  );
}

function lenses({ report, places }: Rehearsed, isCurrent = true): Record<string, string> {
  const all = lensesOf({ report, state: isCurrent ? 'fresh' : 'stale', isCurrent }, places);
  return Object.fromEntries(all.map(({ step, lenses }) => [step, lenses.map(({ text }) => text).join(' | ')]));
}

describe('a plan that loses a write on its way back', async () => {
  const text = await textOf('test/plans/rollback-loses-writes/has.cutover.yaml');

  test('fails at the way back of the step that loses it, and holds everywhere else', async () => {
    expect(said(await rehearsed(text))).toMatchInlineSnapshot(`
      {
        "backfill": "passed | passed",
        "dual write": "passed | passed",
        "expand": "passed | passed",
        "switch": "passed | failed: rollback-loses-writes",
        "verify": "passed | passed",
      }
    `);
  });

  test('has lenses that say how far each step can be taken back', async () => {
    expect(lenses(await rehearsed(text))).toMatchInlineSnapshot(`
      {
        "backfill": "✓ held | ↩ back to the start",
        "dual write": "✓ held | ↩ back to the start",
        "expand": "✓ held | AccessExclusiveLock on profiles, about 5 ms, outage of about 4.0 s behind a query of 5.0 s | ↩ back to the start",
        "switch": "✗ 1 finding | ✗ no safe way back: writes are lost | ⚑ point of no return, undeclared | show trace: rollback-loses-writes | debug | stage",
        "verify": "✓ held | ↩ back to the start",
      }
    `);
  });

  test('has nothing to say about steps once its text has changed', async () => {
    const texts = Object.values(lenses(await rehearsed(text), false));
    expect(new Set(texts)).toEqual(new Set(['? stale: rehearse']));
  });

  test('is unproven, not held, when its search is cut short', async () => {
    const cut = await rehearsed(text, { maxStates: 3 });
    const { forward } = outcomesOf(cut.report, cut.places)[0]!;
    expect(forward.kind).toBe('errored');
    expect(forward.kind === 'errored' && forward.message).toMatch(
      /^Unproven: not every history was searched \(.+\)\.$/,
    );
    expect(lenses(cut)['expand']).toMatch(/^\? unproven/);
  });
});

test('an allowed finding passes, with its reason in the output', async () => {
  const text = (await textOf('test/plans/rollback-loses-writes/has.cutover.yaml')).replace(
    'flag: use_handle',
    'flag: use_handle\n    allow: [{ rule: rollback-loses-writes, reason: nobody writes at night }]',
  );
  const { rollback } = outcomesOf(...args(await rehearsed(text))).at(-1)!;
  expect(rollback.kind).toBe('passed');
  expect(rollback.kind === 'passed' && rollback.notes.join('\n')).toContain('nobody writes at night');
});

const args = ({ report, places }: Rehearsed) => [report, places] as const;

test('what a plan never came to is skipped, and a step that has no way back on purpose too', async () => {
  expect(said(await rehearsed(await textOf('test/plans/migrate-fails/has.cutover.yaml')))).toMatchInlineSnapshot(`
    {
      "add slug": "passed | passed",
      "require slug": "failed: migrate-fails | passed",
      "write slug": "passed | passed",
    }
  `);
  const plan = await rehearsed(await textOf('examples/rename-column/plan.cutover.yaml'));
  expect(said(plan)).toMatchInlineSnapshot(`
    {
      "backfill": "passed | passed",
      "contract": "passed | skipped",
      "dual write": "passed | passed",
      "expand": "passed | passed",
      "prove email_address": "passed | passed",
      "require email_address": "passed | passed",
      "stop dual write": "passed | passed",
      "stop requiring email": "passed | passed",
      "switch reads": "passed | passed",
      "verify": "passed | passed",
    }
  `);
  expect(lenses(plan)).toMatchInlineSnapshot(`
    {
      "backfill": "✓ held | ↩ back to the start",
      "contract": "✓ held | AccessExclusiveLock on users, about 15 ms, outage of about 1.1 s behind a query of 5.0 s | ⚑ point of no return",
      "dual write": "✓ held | ↩ back to the start",
      "expand": "✓ held | AccessExclusiveLock on users, about 5 ms, outage of about 1.1 s behind a query of 5.0 s | ↩ back to the start",
      "prove email_address": "✓ held | ↩ back to the start",
      "require email_address": "✓ held | AccessExclusiveLock on users, about 5 ms, outage of about 1.1 s behind a query of 5.0 s | ↩ back to the start",
      "stop dual write": "✓ held | ↩ back to the start",
      "stop requiring email": "✓ held | AccessExclusiveLock on users, about 5 ms, outage of about 1.1 s behind a query of 5.0 s | ↩ back to the start",
      "switch reads": "✓ held | ↩ back to the start",
      "verify": "✓ held | ↩ back to the start",
    }
  `);
});

test('a lock is seen, and what it costs is an estimate with what it stands on', async () => {
  const plan = await rehearsed(await textOf('test/plans/full-scan-under-lock/has.cutover.yaml'));
  expect(lenses(plan)).toMatchInlineSnapshot(`
    {
      "index": "✗ 1 finding | ShareLock on users, about 40.0 s, outage of about 39.0 s | ↩ back to the start | show trace: full-scan-under-lock | debug | stage",
      "require born": "✗ 1 finding | AccessExclusiveLock on users, about 32.8 s, outage of about 32.0 s | ↩ back to the start | show trace: full-scan-under-lock | debug | stage",
    }
  `);
  const link = (label: string, command: string) => `[${label}](${command})`;
  expect(evidenceOf(plan.report, 'require born', link)).toMatchInlineSnapshot(`
    "**require born** · migrate

    - error [full-scan-under-lock](cutover.openRule) · [show trace](cutover.showTrace) · [debug](cutover.debugFinding) · [stage](cutover.openStage): users is read from end to end \\(verifying table "users"\\) \\(20,000,000 rows, 4\\.0 GB\\): AccessExclusiveLock on users is held for about 32\\.8 s \\(10\\.9 s to 1\\.6 min\\), and requests of v1 wait for it

    Seen on the engine:

    | table | lock |
    |---|---|
    | users | AccessExclusiveLock |

    Read from end to end: users

    Forecast (an estimate): lock held for about 32.8 s (10.9 s to 1.6 min); takes about 32.8 s (10.9 s to 1.6 min); 18,088 requests wait, 12,530 fail; outage of about 32.0 s; behind a query of 5.0 s: outage of about 32.9 s

    Stated by the plan: rows of users 20,000,000, size of users 4,294,967,296

    Assumed: scan 131,072,000"
  `);
});

test('coverage: what ran counts where it ran; what was never accepted is not covered', async () => {
  const text = await textOf('test/plans/never-exercised/has.cutover.yaml');
  const { plan, report, places } = await rehearsed(text);
  const lines = text.split('\n');
  const shown = coveredLines(report, places, requestRuns(plan, report)).map(({ line, count, branches }) => [
    lines[line]?.trim().slice(0, 30),
    count,
    branches.map(({ label, ran }) => `${ran ? '+' : '-'} ${label}`),
  ]);
  expect(shown).toMatchInlineSnapshot(`
    [
      [
        "retitle: UPDATE items SET titl",
        1,
        [
          "+ v1.retitle at start",
          "- v1.retitle at require a quantity",
          "- v1.retitle at order (rolling out)",
          "- v2.retitle at order (rolling out)",
          "- v2.retitle at order",
        ],
      ],
      [
        "get_item: SELECT id, title, qt",
        1,
        [
          "+ v1.get_item at start",
          "- v1.get_item at require a quantity",
          "- v1.get_item at order (rolling out)",
          "- v2.get_item at order (rolling out)",
          "- v2.get_item at order",
        ],
      ],
      [
        "restock: UPDATE items SET qty ",
        0,
        [
          "- v2.restock at order (rolling out)",
          "- v2.restock at order",
        ],
      ],
      [
        "- name: require a quantity",
        0,
        [
          "- v1 reads",
          "- v1 writes",
          "- v1 rolled back",
        ],
      ],
      [
        "- name: order",
        0,
        [
          "- v1 reads",
          "- v1 writes",
          "- v1 rolled back",
          "- v2 reads",
          "- v2 writes",
          "- v2 rolled back",
        ],
      ],
    ]
  `);
});

test('output is for a terminal', () => {
  expect(terminalText(['a\nb', 'c'])).toBe('a\r\nb\r\nc\r\n');
});
