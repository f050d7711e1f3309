/**
 * What textbooks say of migrations comes out of a run: nothing here is written down in Cutover as a rule about a kind of
 * statement. docs/textbook.md holds the same claims with what was found; `UPDATE_DOCS=1` writes it anew.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { Finding, PlanReport, StepForecast, StepReport } from '../../simulator/report/model.ts';
import { count, duration, number } from '../../simulator/report/words.ts';

const page = new URL('../../docs/textbook.md', import.meta.url);
const hour = 3_600_000;
const day = 24 * hour;

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

interface Parts {
  /** Steps as YAML, one a line. */
  readonly steps: string;
  readonly versions?: string;
  readonly schema?: string;
}

const app = `    change_email: UPDATE users SET email = :email WHERE id = :id
    get_user: SELECT id, email FROM users WHERE id = :id`;

/** The textbook's table: a hundred million users on 200 GB, and busy. */
async function run({ steps, versions = '', schema = '' }: Parts): Promise<PlanReport> {
  const text = `title: claim
database:
  schema: |
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, amount int, team int);
    CREATE TABLE teams (id int PRIMARY KEY);
    ${schema}
  seed: |
    INSERT INTO teams VALUES (1);
    INSERT INTO users VALUES (1, 'a', 100, 1)
  production:
    users: { rows: 100M, size: 200 GB, reads: 3000/s, writes: 400/s }
    teams: { rows: 1000, reads: 100/s }
versions:
  v1:
${app}
${versions}params: { id: [1, 2], email: [a, b] }
steps:
${steps}`;
  const { report } = await rehearse(
    'claim.cutover.yaml',
    () => Promise.resolve(text),
    () => Promise.resolve(engine),
  );
  expect(report.errors).toEqual([]);
  return report;
}

const migrate = (sql: string, name = 'change'): string =>
  `  - { name: ${name}, migrate: "SET lock_timeout = '2s'; ${sql}", rollback: none }\n`;
const migrateAlone = (sql: string, name = 'change'): string =>
  `  - { name: ${name}, migrate: "${sql}", rollback: none }\n`;

function stepOf(report: PlanReport, name = 'change'): StepReport & { readonly forecast: StepForecast } {
  const step = report.steps.find((s) => s.name === name);
  if (step?.forecast == null) throw new Error(`no forecast of ${name}`);
  return { ...step, forecast: step.forecast };
}

const found = (report: PlanReport, rule: string): Finding | undefined => report.findings.find((f) => f.rule === rule);
const rules = (report: PlanReport): string[] => report.findings.filter((f) => f.severity !== 'info').map((f) => f.rule);
const modeOn = (step: StepReport, table: string): string | undefined =>
  step.locks.find((lock) => lock.relation === table)?.mode;

const held = (step: StepReport & { readonly forecast: StepForecast }): string =>
  `${modeOn(step, 'users') ?? 'no lock'} for about ${duration(step.forecast.holdMs)}`;

/** No request of the app waits for it for longer than a statement that does next to nothing takes. */
function expectShort(step: StepReport & { readonly forecast: StepForecast }): void {
  expect(step.rewrites).toEqual([]);
  expect(step.scans).toEqual([]);
  expect(step.forecast.holdMs).toBeLessThan(100);
  expect(step.forecast.outageMs).toBe(0);
}

interface Claim {
  readonly textbook: string;
  /** Asks a rehearsal, holds it against the claim, and says in a sentence what came out. */
  readonly check: () => Promise<string>;
}

const renamed = `  v2:
    change_email: UPDATE users SET email_address = :email WHERE id = :id
    get_user: SELECT id, email_address AS email FROM users WHERE id = :id
`;

const volatile = { 'gen_random_uuid()': 'uuid', 'random()': 'float8', 'clock_timestamp()': 'timestamptz' };

async function checkVolatile(expression: string, type: string): Promise<string> {
  const report = await run({ steps: migrate(`ALTER TABLE users ADD COLUMN x ${type} DEFAULT ${expression}`) });
  const step = stepOf(report);
  expect(rules(report)).toContain('table-rewrite');
  expect(step.rewrites).toEqual(['users']);
  expect(step.forecast.holdMs).toBeGreaterThan(hour);
  return `\`table-rewrite\`: each row gets a value of its own, ${held(step)}.`;
}

async function checkBatches(pause: string, { least, most }: { readonly least: number; readonly most: number }) {
  const sql =
    'UPDATE users SET copy = email WHERE id IN (SELECT id FROM users WHERE copy IS DISTINCT FROM email ORDER BY id LIMIT :batch)';
  const steps = `  - { name: change, backfill: "${sql}", batch: 1000, pause: ${pause}, rollback: none }\n`;
  const report = await run({ steps, schema: 'ALTER TABLE users ADD copy text;' });
  const { forecast } = stepOf(report);
  expect(rules(report)).not.toContain('backfill-in-one-transaction');
  expect(forecast).toMatchObject({ batches: 100_000, holdMs: 0, blockedRequests: 0, failedRequests: 0 });
  expect(forecast.durationMs).toBeGreaterThan(least);
  expect(forecast.durationMs).toBeLessThan(most);
  const lag = forecast.replicaLagMs === 0 ? 'replicas keep up' : `replicas ${duration(forecast.replicaLagMs)} behind`;
  const days = forecast.durationMs > day ? `, ${(forecast.durationMs / day).toFixed(1)} days` : '';
  return `With a pause of ${pause}: ${count(forecast.batches ?? 0, 'batch', 'batches')} in about ${duration(forecast.durationMs)}${days}; no request waits for a lock of a table, ${lag}.`;
}

const backfillCopy = `  - name: backfill
    backfill: "UPDATE users SET email_address = email WHERE id IN (SELECT id FROM users WHERE email_address IS DISTINCT FROM email ORDER BY id LIMIT :batch)"
    batch: 1000
`;
const verified =
  '  - { name: verify, verify: [{ name: same, empty: SELECT id FROM users WHERE email IS DISTINCT FROM email_address }] }\n';

const claims: readonly Claim[] = [
  {
    textbook: 'A rename in one deploy lasts until old pods write to a column that no longer exists.',
    check: async () => {
      const steps = `${migrate('ALTER TABLE users RENAME email TO email_address')}  - { name: rollout, deploy: v2 }\n`;
      const report = await run({ steps, versions: renamed });
      const finding = found(report, 'request-fails');
      expect(report.verdict).toBe('unsafe');
      expect(finding).toMatchObject({ severity: 'error', version: 'v1', step: 'change', sqlstate: '42703' });
      return `\`request-fails\`: v1's ${finding?.request ?? ''} gets error ${finding?.sqlstate ?? ''} as soon as the column is renamed.`;
    },
  },
  {
    textbook: 'Deploy the new code first, then rename: no better.',
    check: async () => {
      const steps = `  - { name: rollout, deploy: v2 }\n${migrate('ALTER TABLE users RENAME email TO email_address')}`;
      const finding = found(await run({ steps, versions: renamed }), 'request-fails');
      expect(finding).toMatchObject({ severity: 'error', version: 'v2', step: 'rollout', sqlstate: '42703' });
      return `\`request-fails\`: v2's ${finding?.request ?? ''} gets error ${finding?.sqlstate ?? ''} during the rollout.`;
    },
  },
  {
    textbook: 'A rename locks the table for minutes or hours.',
    check: async () => {
      const steps = migrateAlone('ALTER TABLE users RENAME amount TO cents');
      const report = await run({ steps });
      const step = stepOf(report);
      expect(modeOn(step, 'users')).toBe('AccessExclusiveLock');
      expectShort(step);
      expect(rules(report)).toContain('lock-queue');
      const { behindSlowQuery: behind } = step.forecast;
      expect(behind?.blockedRequests).toBeGreaterThan(1_000);
      expect(behind?.outageMs).toBeGreaterThan(1_000);
      return `Not in Postgres, which changes the catalog alone: ${held(step)}. But without a \`lock_timeout\`, \`lock-queue\`: behind a query of ${duration(behind?.slowQueryMs ?? 0)}, ${count(behind?.blockedRequests ?? 0, 'request')} wait.`;
    },
  },
  {
    textbook: 'A changed column type is hours of downtime on a big system.',
    check: async () => {
      const report = await run({ steps: migrate('ALTER TABLE users ALTER amount TYPE numeric') });
      const step = stepOf(report);
      expect(rules(report)).toContain('table-rewrite');
      expect(step.rewrites).toEqual(['users']);
      expect(modeOn(step, 'users')).toBe('AccessExclusiveLock');
      for (const ms of [step.forecast.holdMs, step.forecast.outageMs]) {
        expect(ms).toBeGreaterThan(hour);
        expect(ms).toBeLessThan(10 * hour);
      }
      // Everybody who comes within it: thousands a second for more than an hour.
      expect(step.forecast.failedRequests).toBeGreaterThan(10_000_000);
      return `\`table-rewrite\`: ${held(step)} (${duration(step.forecast.holdRangeMs.low)} to ${duration(step.forecast.holdRangeMs.high)}), an outage as long, ${count(step.forecast.failedRequests, 'failed request')}.`;
    },
  },
  {
    textbook: 'A new nullable column needs no rewrite.',
    check: async () => {
      const report = await run({ steps: migrate('ALTER TABLE users ADD COLUMN email_v2 text') });
      expectShort(stepOf(report));
      expect(rules(report)).toEqual([]);
      return `${held(stepOf(report))}; nothing is read or written anew.`;
    },
  },
  {
    textbook: 'Even a column with a default can rewrite the table on older versions.',
    check: async () => {
      const report = await run({ steps: migrate("ALTER TABLE users ADD COLUMN plan text DEFAULT 'free'") });
      expectShort(stepOf(report));
      expect(rules(report)).not.toContain('table-rewrite');
      return `PostgreSQL 18 does not for a constant: ${held(stepOf(report))}.`;
    },
  },
  ...Object.entries(volatile).map(([expression, type]) => ({
    textbook: `The same with \`DEFAULT ${expression}\`.`,
    check: () => checkVolatile(expression, type),
  })),
  {
    textbook: 'A new index blocks writes.',
    check: async () => {
      const report = await run({ steps: migrate('CREATE INDEX users_team ON users (team)') });
      const step = stepOf(report);
      expect(rules(report)).toContain('full-scan-under-lock');
      expect(modeOn(step, 'users')).toBe('ShareLock');
      expect(step.forecast.holdMs).toBeGreaterThan(60_000);
      expect(step.forecast.outageMs).toBeGreaterThan(60_000);
      expect(step.forecast.holdMs / step.forecast.durationMs).toBeGreaterThan(0.95);
      return `\`full-scan-under-lock\`: ${held(step)}, which is the whole build. Writes wait for the lock and reads for the connections that they hold: ${count(step.forecast.blockedRequests, 'request')}, of which ${number(step.forecast.failedRequests)} fail.`;
    },
  },
  {
    textbook: 'Unless it is built with `CREATE INDEX CONCURRENTLY`.',
    check: async () => {
      const report = await run({ steps: migrateAlone('CREATE INDEX CONCURRENTLY users_team ON users (team)') });
      const { forecast } = stepOf(report);
      expect(rules(report)).toEqual([]);
      expect(forecast).toMatchObject({ holdMs: 0, blockedRequests: 0, outageMs: 0, behindSlowQuery: null });
      expect(forecast.durationMs).toBeGreaterThan(60_000);
      return `No request waits; it takes about ${duration(forecast.durationMs)}.`;
    },
  },
  {
    textbook: 'Adding NOT NULL locks a big table for the duration of the change.',
    check: async () => {
      const report = await run({ steps: migrate('ALTER TABLE users ALTER amount SET NOT NULL') });
      const step = stepOf(report);
      expect(rules(report)).toContain('full-scan-under-lock');
      expect(modeOn(step, 'users')).toBe('AccessExclusiveLock');
      expect(step.rewrites).toEqual([]);
      expect(step.forecast.holdMs).toBeGreaterThan(10 * 60_000);
      expect(step.forecast.holdMs).toBeLessThan(2 * hour);
      return `\`full-scan-under-lock\`: ${held(step)}, in which the table is read from end to end.`;
    },
  },
  {
    textbook: 'Prepared well, the final lock is short.',
    check: async () => {
      const steps = [
        migrate('ALTER TABLE users ADD CONSTRAINT set CHECK (amount IS NOT NULL) NOT VALID', 'promise'),
        migrateAlone('ALTER TABLE users VALIDATE CONSTRAINT set', 'validate'),
        migrate('ALTER TABLE users ALTER amount SET NOT NULL; ALTER TABLE users DROP CONSTRAINT set'),
      ];
      const report = await run({ steps: steps.join('') });
      expectShort(stepOf(report, 'promise'));
      expectShort(stepOf(report));
      const validate = stepOf(report, 'validate');
      expect(validate.scans).toEqual(['users']);
      expect(validate.forecast).toMatchObject({ holdMs: 0, blockedRequests: 0 });
      expect(rules(report)).toEqual([]);
      return `After \`CHECK (…) NOT VALID\` and \`VALIDATE\` (about ${duration(validate.forecast.durationMs)}, nobody waits): ${held(stepOf(report))}.`;
    },
  },
  {
    textbook: 'Adding a foreign key locks for the duration of the change.',
    check: async () => {
      const report = await run({ steps: migrate('ALTER TABLE users ADD FOREIGN KEY (team) REFERENCES teams') });
      const step = stepOf(report);
      expect(rules(report)).toContain('full-scan-under-lock');
      expect(modeOn(step, 'users')).toBe('ShareRowExclusiveLock');
      expect(modeOn(step, 'teams')).toBe('ShareRowExclusiveLock');
      expect(step.forecast.holdMs).toBeGreaterThan(60_000);
      return `\`full-scan-under-lock\`: ${held(step)}, on the table that it points to as well.`;
    },
  },
  {
    textbook: 'Dropping NOT NULL locks for the duration of the change.',
    check: async () => {
      const step = stepOf(await run({ steps: migrate('ALTER TABLE users ALTER email DROP NOT NULL') }));
      expect(modeOn(step, 'users')).toBe('AccessExclusiveLock');
      expectShort(step);
      return `It does, and in Postgres that is short: ${held(step)}.`;
    },
  },
  {
    textbook: 'A backfill in one huge transaction holds locks and blocks other work.',
    check: async () => {
      const backfill = '  - { name: change, backfill: UPDATE users SET copy = email, rollback: none }\n';
      const report = await run({ steps: backfill, schema: 'ALTER TABLE users ADD copy text;' });
      const finding = found(report, 'backfill-in-one-transaction');
      const { forecast } = stepOf(report);
      expect(finding).toMatchObject({ severity: 'error', step: 'change' });
      expect(forecast.batches).toBeNull();
      expect(forecast.durationMs).toBeGreaterThan(hour);
      expect(forecast.durationMs).toBeLessThan(day);
      return `\`backfill-in-one-transaction\`: 100,000,000 rows stay locked for up to ${duration(forecast.durationMs)}.`;
    },
  },
  {
    textbook: 'Batches of 1,000 rows and a small sleep between them.',
    check: () => checkBatches('50ms', { least: hour, most: day }),
  },
  {
    textbook: 'All of it within one or two weeks.',
    check: () => checkBatches('8s', { least: 7 * day, most: 14 * day }),
  },
  {
    textbook: 'Skipping the dual-write phase.',
    check: async () => {
      const steps = `${migrate('ALTER TABLE users ADD COLUMN email_address text', 'expand')}${backfillCopy}${verified}  - { name: switch, deploy: v2 }\n`;
      const report = await run({ steps, versions: renamed });
      const finding = found(report, 'lost-write');
      expect(finding).toMatchObject({ severity: 'error', step: 'switch' });
      const writes = finding?.trace.filter((event) => event.kind === 'request').length ?? 0;
      return `\`lost-write\`, with a history of ${count(writes, 'request')}: ${
        finding?.trace
          .map((event) => event.request ?? '')
          .filter(Boolean)
          .join(', ') ?? ''
      }.`;
    },
  },
  {
    textbook: 'No rollback plan.',
    check: async () => {
      const report = await run({ steps: '  - { name: change, migrate: ALTER TABLE users ADD COLUMN nick text }\n' });
      expect(found(report, 'no-rollback')).toMatchObject({ step: 'change' });
      return '`no-rollback`, unless the plan says on purpose that there is none.';
    },
  },
  {
    textbook: 'Migrating data without a verification step.',
    check: async () => {
      const dual = `  v2:
    extends: v1
    change_email: UPDATE users SET email = :email, email_address = :email WHERE id = :id
  v3:
    extends: v2
    get_user: SELECT id, email_address AS email FROM users WHERE id = :id
`;
      const begun = `${migrate('ALTER TABLE users ADD COLUMN email_address text', 'expand')}  - { name: dual, deploy: v2 }\n${backfillCopy}`;
      const switched = '  - { name: switch, deploy: v3 }\n';
      expect(rules(await run({ steps: `${begun}${verified}${switched}`, versions: dual }))).toEqual([]);
      expect(rules(await run({ steps: `${begun}${switched}`, versions: dual }))).toEqual(['missing-verify']);
      return '`missing-verify` where reads switch to what was backfilled; with a count and a comparison before it, nothing is found.';
    },
  },
  {
    textbook: 'Expand, dual write, backfill, switch, stop the dual write, contract: zero downtime.',
    check: async () => {
      const file = fileURLToPath(new URL('../plans/corpus/design-rename.cutover.yaml', import.meta.url));
      const { report } = await rehearse(
        file,
        (path) => readFile(path, 'utf8'),
        () => Promise.resolve(engine),
      );
      expect(report.verdict).toBe('safe');
      const { forecast } = stepOf(report, 'backfill');
      const longest = Math.max(...report.steps.map((s) => s.forecast?.holdMs ?? 0));
      expect(longest).toBeLessThan(100);
      return `Safe in every history, forward and back; no lock that a request waits for is held for longer than ${duration(longest)}, and the backfill takes about ${duration(forecast.durationMs)}.`;
    },
  },
];

const begin = '<!-- claims: written by test/simulator/textbook.test.ts -->';
const end = '<!-- end of claims -->';

describe('the textbook', () => {
  const said = new Map<string, string>();
  it.each(claims.map((claim) => [claim.textbook, claim] as const))('%s', async (textbook, claim) => {
    const answer = await claim.check();
    expect(answer).not.toBe('');
    said.set(textbook, answer);
  });

  it('docs/textbook.md says what came out', async () => {
    expect(said.size, 'all claims have to be run with it').toBe(claims.length);
    const rows = claims.map(({ textbook }) => `| ${textbook} | ${said.get(textbook) ?? ''} |`);
    const table = ['| the textbook | a rehearsal |', '|---|---|', ...rows].join('\n');
    const text = await readFile(page, 'utf8');
    const [before = '', rest = ''] = text.split(begin);
    const [, after = ''] = rest.split(end);
    const expected = `${before}${begin}\n\n${table}\n\n${end}${after}`;
    if (process.env.UPDATE_DOCS !== undefined) await writeFile(page, expected);
    expect(await readFile(page, 'utf8')).toBe(expected);
  });
});
