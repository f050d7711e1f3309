/** All rules, in the order of the design. */
import type { Rule } from './_rule.ts';
import { backfillInOneTransaction } from './backfill-in-one-transaction.ts';
import { backfillNeverEnds } from './backfill-never-ends.ts';
import { backfillNotIdempotent } from './backfill-not-idempotent.ts';
import { backfillOverwrites } from './backfill-overwrites.ts';
import { blockingLock } from './blocking-lock.ts';
import { fullScanUnderLock } from './full-scan-under-lock.ts';
import { cachedPlan } from './cached-plan.ts';
import { lockQueue } from './lock-queue.ts';
import { lostWrite } from './lost-write.ts';
import { migrateFails } from './migrate-fails.ts';
import { migrationNotAtomic } from './migration-not-atomic.ts';
import { missingVerify } from './missing-verify.ts';
import { neverExercised } from './never-exercised.ts';
import { noRollback } from './no-rollback.ts';
import { requestAccepted } from './request-accepted.ts';
import { requestFails } from './request-fails.ts';
import { resurrectedRow } from './resurrected-row.ts';
import { rollbackBreaksRequests } from './rollback-breaks-requests.ts';
import { rollbackChangesSchema } from './rollback-changes-schema.ts';
import { rollbackFails } from './rollback-fails.ts';
import { rollbackLosesWrites } from './rollback-loses-writes.ts';
import { staleRead } from './stale-read.ts';
import { straggler } from './straggler.ts';
import { streamEcho } from './stream-echo.ts';
import { streamFails } from './stream-fails.ts';
import { tableRewrite } from './table-rewrite.ts';
import { unreadableAnswer } from './unreadable-answer.ts';
import { verifyMissesDrift } from './verify-misses-drift.ts';
import { verifyStops } from './verify-stops.ts';
import { wrongAnswer } from './wrong-answer.ts';

const all = [
  requestFails,
  requestAccepted,
  wrongAnswer,
  unreadableAnswer,
  cachedPlan,
  lostWrite,
  resurrectedRow,
  staleRead,
  rollbackFails,
  rollbackBreaksRequests,
  rollbackLosesWrites,
  rollbackChangesSchema,
  noRollback,
  migrateFails,
  streamFails,
  streamEcho,
  backfillNeverEnds,
  backfillNotIdempotent,
  backfillOverwrites,
  backfillInOneTransaction,
  missingVerify,
  verifyStops,
  verifyMissesDrift,
  blockingLock,
  tableRewrite,
  fullScanUnderLock,
  lockQueue,
  migrationNotAtomic,
  straggler,
  neverExercised,
] as const;

export type RuleId = (typeof all)[number]['id'];

export const rules: ReadonlyMap<RuleId, Rule> = new Map<RuleId, Rule>(all.map((r) => [r.id, r]));

export function ruleOf(id: RuleId): Rule {
  const rule = rules.get(id);
  if (rule === undefined) throw new RangeError(`no rule ${id}`);
  return rule;
}
