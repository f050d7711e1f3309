/** Reports made by hand, for the golden texts. */
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

export const planText = `title: Rename users.email to users.email_address
database:
  schema: |
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
steps:
  - name: expand
    migrate: ALTER TABLE users ADD COLUMN email_address text
  - name: dual write
    deploy: v2
  - name: backfill
    backfill: UPDATE users SET email_address = email WHERE email_address IS NULL
  - name: switch reads
    deploy: v3
`;

export const sources: ReadonlyMap<string, string> = new Map([['plan.cutover.yaml', planText]]);

const step = (name: string, kind: PlanReport['steps'][number]['kind'], line: number): PlanReport['steps'][number] => ({
  name,
  kind,
  line,
  locks: [],
  rewrites: [],
  scans: [],
  forecast: null,
});

export const safe: PlanReport = {
  file: 'plan.cutover.yaml',
  title: 'Rename users.email to users.email_address',
  verdict: 'safe',
  exploration: {
    complete: true,
    states: 91,
    transitions: 3105,
    elapsedMs: 412,
    neverExercised: [],
    answers: [],
    statements: 1207,
    writeBound: null,
    domain: {
      'sign_up.id': ['1', '2'],
      'sign_up.email': ['a@x.io', 'b@x.io'],
      'change_email.id': ['1', '2'],
      'change_email.email': ['a@x.io', null],
      'get_user.id': ['1', '2'],
    },
    cut: null,
  },
  steps: [
    step('expand', 'migrate', 6),
    step('dual write', 'deploy', 8),
    step('backfill', 'backfill', 10),
    step('switch reads', 'deploy', 12),
  ],
  rollback: [
    { from: 'expand', to: '', result: 'safe' },
    { from: 'dual write', to: 'expand', result: 'safe' },
    { from: 'dual write', to: '', result: 'safe' },
    { from: 'backfill', to: 'dual write', result: 'safe' },
    { from: 'backfill', to: 'expand', result: 'safe' },
    { from: 'backfill', to: '', result: 'safe' },
    { from: 'switch reads', to: 'backfill', result: 'safe' },
    { from: 'switch reads', to: 'dual write', result: 'safe' },
    { from: 'switch reads', to: 'expand', result: 'safe' },
    { from: 'switch reads', to: '', result: 'safe' },
  ],
  pointOfNoReturn: null,
  findings: [],
  errors: [],
};

export const lostWrite: Finding = {
  id: 'lost-write-1',
  rule: 'lost-write',
  severity: 'error',
  step: 'switch reads',
  cause: 'backfill',
  version: 'v3',
  request: 'get_user',
  message: 'v3 get_user reads an older email than the one that v1 change_email wrote and was told is stored',
  expected: "(1, 'b@x.io')",
  actual: "(1, 'a@x.io')",
  sqlstate: null,
  line: 12,
  column: 5,
  allowed: null,
  hint: 'Let the backfill copy every row that differs: WHERE email_address IS DISTINCT FROM email.',
  consequences: [
    { rule: 'lost-write', step: 'contract', version: 'v4', request: 'get_user', message: 'the same row is read' },
  ],
  trace: [
    {
      kind: 'step',
      step: 'expand',
      version: null,
      request: null,
      params: {},
      sql: 'ALTER TABLE …',
      result: 'done',
      line: 6,
    },
    {
      kind: 'step',
      step: 'dual write',
      version: null,
      request: null,
      params: {},
      sql: '',
      result: 'v1 and v2 live',
      line: 8,
    },
    {
      kind: 'request',
      step: 'dual write',
      version: 'v2',
      request: 'change_email',
      params: { id: '1', email: 'a@x.io' },
      sql: 'UPDATE users SET email = :email, email_address = :email WHERE id = :id',
      result: '1 row touched',
      line: 20,
    },
    {
      kind: 'request',
      step: 'dual write',
      version: 'v1',
      request: 'change_email',
      params: { id: '1', email: 'b@x.io' },
      sql: 'UPDATE users SET email = :email WHERE id = :id',
      result: '1 row touched',
      line: 16,
    },
    {
      kind: 'batch',
      step: 'backfill',
      version: null,
      request: null,
      params: {},
      sql: 'UPDATE …',
      result: 'no row touched',
      line: 10,
    },
    {
      kind: 'request',
      step: 'switch reads',
      version: 'v3',
      request: 'get_user',
      params: { id: '1' },
      sql: 'SELECT id, email_address\n  FROM users\n  WHERE id = :id',
      result: "(1, 'a@x.io')",
      line: 24,
    },
  ],
};

export const missingVerify: Finding = {
  ...lostWrite,
  id: 'missing-verify-1',
  rule: 'missing-verify',
  severity: 'warning',
  version: null,
  request: null,
  cause: 'switch reads',
  message: 'reads switch to what "backfill" filled, and no step has verified it',
  expected: null,
  actual: null,
  hint: 'Put a verify step between them.',
  consequences: [],
  trace: [],
};

export const unsafe: PlanReport = {
  ...safe,
  verdict: 'unsafe',
  exploration: { ...safe.exploration, writeBound: 4, neverExercised: ['v2 close_account'] },
  rollback: safe.rollback.map((cell) => (cell.from === 'switch reads' ? { ...cell, result: 'loses-writes' } : cell)),
  pointOfNoReturn: 'switch reads',
  findings: [
    missingVerify,
    {
      ...missingVerify,
      id: 'no-rollback-1',
      rule: 'no-rollback',
      severity: 'info',
      step: 'expand',
      line: 6,
      allowed: 'a nullable column does no harm',
    },
    lostWrite,
  ],
};

export const unproven: PlanReport = {
  ...safe,
  verdict: 'unproven',
  exploration: { ...safe.exploration, complete: false, cut: 'the limit of 90 states was reached' },
  rollback: [],
};

export const invalid: PlanReport = {
  ...safe,
  title: '',
  verdict: 'invalid',
  exploration: { ...safe.exploration, complete: false, states: 0, transitions: 0, statements: 0, domain: {} },
  steps: [],
  rollback: [],
  errors: [
    {
      code: 'unknown-version',
      message: 'no version is called "v3"',
      file: 'plan.cutover.yaml',
      line: 13,
      column: 13,
      suggestion: 'v2',
    },
    {
      code: 'unknown-key',
      message: 'a file that is not at hand',
      file: 'other.sql',
      line: 1,
      column: 1,
      suggestion: null,
    },
  ],
};
