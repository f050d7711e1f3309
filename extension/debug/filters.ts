/** Exception filters: the findings that a session stops at, by their kind. */
import type { DebugProtocol } from '@vscode/debugprotocol';

interface Kind {
  readonly filter: string;
  readonly label: string;
  readonly description: string;
  readonly rules: readonly string[];
  readonly default: boolean;
}

const kinds: readonly Kind[] = [
  {
    filter: 'lost-write',
    label: 'Lost writes',
    description: 'An acknowledged write is not what a live version reads',
    rules: ['lost-write', 'resurrected-row', 'backfill-overwrites', 'stale-read'],
    default: true,
  },
  {
    filter: 'request-fails',
    label: 'Requests that fail',
    description: 'A live version gives an error that the app without the migration does not',
    rules: ['request-fails', 'cached-plan'],
    default: true,
  },
  {
    filter: 'wrong-answer',
    label: 'Wrong answers',
    description: 'A live version accepts, touches or returns what the app without the migration would not',
    rules: ['wrong-answer', 'request-accepted', 'unreadable-answer', 'straggler'],
    default: true,
  },
  {
    filter: 'rollback',
    label: 'Rollbacks',
    description: 'A way back fails, breaks requests, loses writes, leaves another schema or is not there',
    rules: [
      'rollback-fails',
      'rollback-breaks-requests',
      'rollback-loses-writes',
      'rollback-changes-schema',
      'no-rollback',
    ],
    default: true,
  },
  {
    filter: 'migrate-fails',
    label: 'Steps that fail',
    description: "A step's SQL gives an error, or leaves something behind when it dies half way",
    rules: ['migrate-fails', 'migration-not-atomic'],
    default: true,
  },
  {
    filter: 'backfill',
    label: 'Backfills',
    description: 'A backfill never ends, or can not be run twice or in one transaction',
    rules: ['backfill-never-ends', 'backfill-not-idempotent', 'backfill-in-one-transaction'],
    default: true,
  },
  {
    filter: 'streams',
    label: 'Streams and replicas',
    description: 'A stream is stuck or goes on for ever, or what comes late is read before it has come',
    rules: ['stream-fails', 'stream-echo', 'stale-read'],
    default: true,
  },
  {
    filter: 'verify-stops',
    label: 'Checks',
    description: 'A check stops the plan, misses drift, or is not there',
    rules: ['verify-stops', 'verify-misses-drift', 'missing-verify'],
    default: true,
  },
  {
    filter: 'locks',
    label: 'Locks',
    description: 'Requests wait behind a lock',
    rules: ['blocking-lock', 'table-rewrite', 'full-scan-under-lock', 'lock-queue'],
    default: true,
  },
  {
    filter: 'other',
    label: 'Everything else',
    description: 'What no other filter names',
    rules: [],
    default: false,
  },
];

export const exceptionFilters: DebugProtocol.ExceptionBreakpointsFilter[] = kinds.map(
  ({ filter, label, description, default: isDefault }) => ({ filter, label, description, default: isDefault }),
);

/** The filter that a rule belongs to. */
export function filterOf(rule: string): string {
  return kinds.find(({ rules }) => rules.includes(rule))?.filter ?? 'other';
}
