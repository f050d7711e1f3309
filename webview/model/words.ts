/** What the page calls things: verdicts, rules and numbers, in the words of somebody who has never seen a report. */
import type { Finding, PlanReport, RollbackResult, Severity } from '../../simulator/report/model.ts';

/** 3105 → `3,105`, whatever the machine's language. */
export function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 state`, `3,105 states`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

/** What a finding of the rule says has happened. */
const happened: Readonly<Record<string, string>> = {
  'lost-write': 'a write is lost',
  'request-fails': 'a request fails',
  'request-accepted': 'a request is accepted that should be refused',
  'wrong-answer': 'a request gives a wrong answer',
  'unreadable-answer': 'a version reads what it can’t understand',
  'resurrected-row': 'a deleted row comes back',
  'rollback-fails': 'the way back fails',
  'rollback-breaks-requests': 'a request fails after the way back',
  'rollback-loses-writes': 'a write is lost on the way back',
  'rollback-changes-schema': 'the way back leaves another schema',
  'no-rollback': 'there is no way back',
  'migrate-fails': 'the migration fails',
  'backfill-never-ends': 'the backfill never ends',
  'backfill-not-idempotent': 'the backfill changes something when it is run again',
  'backfill-overwrites': 'the backfill overwrites a write',
  'backfill-in-one-transaction': 'the backfill is one long transaction',
  'missing-verify': 'nothing verified the copy',
  'verify-stops': 'the check stops the plan',
  'verify-misses-drift': 'the check misses a difference',
  'blocking-lock': 'requests wait for a lock',
  'table-rewrite': 'a table is rewritten under a lock',
  'full-scan-under-lock': 'a table is read through under a lock',
  'lock-queue': 'requests queue behind a lock',
  'migration-not-atomic': 'a migration that dies half way leaves something behind',
  'stale-read': 'a read is behind for a while',
  'stream-fails': 'a stream is stuck',
  'stream-echo': 'streams deliver the same change for ever',
  'cached-plan': 'a prepared statement is refused',
  straggler: 'a version that lives too long breaks',
  'never-exercised': 'some requests were never exercised',
};

/** `a write is lost at “switch reads”`. Of a rule that has no words here, its name. */
export function headline({ rule, step }: Pick<Finding, 'rule' | 'step'>): string {
  return `${happened[rule] ?? rule} at “${step}”`;
}

export const severityWords: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

/** `2 errors, 1 warning, 1 allowed`. */
export function tally({ findings }: PlanReport): string {
  const open = findings.filter((finding) => finding.allowed === null);
  const of = (severity: Severity) => open.filter((finding) => finding.severity === severity).length;
  const parts = (['error', 'warning', 'info'] as const)
    .map((severity) => ({ severity, amount: of(severity) }))
    .filter(({ amount }) => amount > 0)
    .map(({ severity, amount }) => count(amount, severityWords[severity]));
  const allowed = findings.length - open.length;
  return [...parts, ...(allowed > 0 ? [`${number(allowed)} allowed`] : [])].join(', ');
}

export const rollbackWords: Readonly<Record<RollbackResult, string>> = {
  safe: 'safe',
  fails: 'the way back fails',
  'breaks-requests': 'requests fail',
  'loses-writes': 'writes are lost',
  'no-plan': 'no way back is written',
};

export const verdictWords: Readonly<Record<PlanReport['verdict'], string>> = {
  safe: 'Safe',
  unsafe: 'Unsafe',
  unproven: 'Unproven',
  invalid: 'Not a valid plan',
};

/** What was searched, in sentences: what a verdict stands on. */
export function coverage({ exploration }: PlanReport): readonly string[] {
  const { complete, writeBound, cut, states, transitions, statements } = exploration;
  const histories = writeBound === null ? 'Every history' : `Every history of up to ${count(writeBound, 'write')}`;
  const numbers = `${count(states, 'state')}, ${count(transitions, 'transition')} and ${count(statements, 'statement')}`;
  return [
    complete
      ? `${histories} was searched: ${numbers} of a real Postgres.`
      : `Not every history was searched${cut === null ? '' : ` (${cut})`}: ${numbers} of a real Postgres were visited.`,
    ...domainWords(exploration.domain),
  ];
}

/** Parameters of one name that have the same values in every request are said once. */
function domainWords(domain: PlanReport['exploration']['domain']): readonly string[] {
  const said = new Map<string, string>();
  for (const [path, values] of Object.entries(domain)) {
    const dot = path.indexOf('.');
    const text = values.map((value) => value ?? 'NULL').join(', ');
    const name = dot < 0 ? path : path.slice(dot + 1);
    const known = said.get(name);
    if (known === undefined || known === text) said.set(name, text);
    else said.set(path, text);
  }
  if (said.size === 0) return [];
  return [`With these values: ${[...said].map(([name, text]) => `${name} ${text}`).join('; ')}.`];
}

/** What a rehearsal is doing, by the name of its phase. Of one that has no words here, its name. */
const phases: Readonly<Record<string, string>> = {
  boot: 'Starting a Postgres',
  reference: 'Answering as the app does without the migration',
  locks: 'Watching the locks',
  forward: 'Searching the way forward',
  rollback: 'Searching the ways back',
  sweep: 'Searching what is left',
  replay: 'Replaying what was found',
};

export function phaseWords(phase: string): string {
  return phases[phase] ?? capital(phase);
}
