/** What a report says of the cause, where changes are on their way: which step, and what to do about it. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const told = [
  {
    plan: 'cross-database-move/not-caught-up',
    rule: 'stale-read',
    why: 'With everything arrived before "switch", the finding is gone.',
    hint: `Add \`wait: caught-up\` to "switch": what v1.save_order(id: 1, status: 'a') wrote was still on its way.`,
  },
  {
    plan: 'cdc-rename/copy-first',
    rule: 'lost-write',
    why: 'Made after "mirror", the same write is kept; made before "backfill", it is carried.',
    hint: `Run "backfill" after "mirror": nothing carries what v1.change_email(email: 'a', id: 1) wrote between the two.`,
  },
  {
    plan: 'cdc-rename/not-caught-up',
    rule: 'lost-write',
    why: 'With everything arrived before "switch", the finding is gone.',
    hint: `Add \`wait: caught-up\` to "switch": what v1.sign_up(id: 2, email: 'a') wrote was still on its way.`,
  },
  {
    plan: 'cdc-rename/not-caught-up',
    rule: 'rollback-loses-writes',
    why: 'With everything arrived before the way back of "switch", the finding is gone.',
    hint: `Add \`wait: caught-up\` to "switch", which then waits on the way back too: what v2.sign_up(id: 2, email: 'a') wrote was still on its way.`,
  },
  {
    plan: 'cdc-rename/stopped-too-early',
    rule: 'lost-write',
    why: 'Made before "stop mirror", the same write is carried.',
    hint: `Move "stop mirror" to where v1 is no longer live: once the stream has ended, nothing carries what v1.sign_up(id: 2, email: 'a') wrote.`,
  },
  {
    plan: 'cdc-move-table/deletes-forgotten',
    rule: 'resurrected-row',
    why: 'Made by the first version before the plan began, the same write is copied, and the finding is gone.',
    hint: 'Let the stream that "mirror" starts carry what v1.leave(id: 1) does: it mirrors the table, and not this.',
  },
  {
    plan: 'cross-database-move/no-window',
    rule: 'lost-write',
    why: 'Had everything arrived at once, the finding would be gone.',
    hint: `Make "switch" a window (\`offline: true\`, \`wait: caught-up\`), or let nobody write what comes only later to where it is read: what v1.save_order(id: 1, status: 'b') wrote was still on its way, and to wait once is not enough.`,
  },
  {
    plan: 'replica-reads/replica-not-caught-up',
    rule: 'request-fails',
    why: 'With everything arrived before "switch reads", the finding is gone.',
    hint: 'Add `wait: caught-up` to "switch reads": the replica that answers v3.get_user has not got yet what it needs.',
  },
];

test.each(told)('$plan: $rule', async ({ plan, rule, why, hint }) => {
  const { report } = await rehearse(
    `examples/${plan}.cutover.yaml`,
    (path) => readFile(path, 'utf8'),
    () => Promise.resolve(engine),
  );
  const finding = report.findings.find((f) => f.rule === rule);
  expect({ why: finding?.why, hint: finding?.hint }).toEqual({ why, hint });
});
