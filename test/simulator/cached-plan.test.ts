/** Pods that hold prepared statements through a step: which of them Postgres refuses to run after it. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan, rehearse, replay } from '../../simulator/rehearse.ts';
import type { Finding } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

const start = (): Promise<Engine> => Promise.resolve(engine);

interface Parts {
  readonly get?: string;
  readonly version?: string;
  readonly migrate?: string;
  readonly rollback?: string;
  readonly step?: string;
}

function plan(parts: Parts): string {
  return `title: prepared
database:
  schema: CREATE TABLE users (id int PRIMARY KEY, name varchar(10), born date)
  seed: INSERT INTO users VALUES (1, 'Ada', '1815-12-10')
  production: { users: { rows: 100 } }
versions:
  v1:
${parts.version ?? ''}    rename: UPDATE users SET name = :name WHERE id = :id
    get: ${parts.get ?? 'SELECT id, name FROM users WHERE id = :id'}
params: { name: [Bob, Eve] }
steps:
  - name: change
${parts.step ?? ''}    migrate: ${parts.migrate ?? 'ALTER TABLE users ADD COLUMN locale text'}
    rollback: ${parts.rollback ?? 'ALTER TABLE users DROP COLUMN locale'}
`;
}

async function stale(parts: Parts): Promise<readonly Finding[]> {
  const read = (): Promise<string> => Promise.resolve(plan(parts));
  const { report } = await rehearse('plan.cutover.yaml', read, start);
  expect(report.errors).toEqual([]);
  return report.findings.filter((f) => f.rule === 'cached-plan');
}

describe('a pod that lives through a step', () => {
  it('can not run SELECT * after a column was added', async () => {
    const [finding] = await stale({ get: 'SELECT * FROM users WHERE id = :id' });
    expect(finding).toMatchObject({
      severity: 'error',
      step: 'change',
      version: 'v1',
      request: 'get',
      sqlstate: '0A000',
    });
    expect(finding?.trace.map((e) => [e.kind, e.result])).toEqual([
      ['request', 'prepared'],
      ['step', 'done'],
      ['request', 'error 0A000: cached plan must not change result type'],
    ]);
    expect(finding?.trace.map((e) => e.sql)).toEqual([
      'PREPARE held_by_a_pod_0 AS SELECT * FROM users WHERE id = $1',
      'ALTER TABLE users ADD COLUMN locale text',
      "EXECUTE held_by_a_pod_0('1')",
    ]);
  });

  it('can run a list of columns after a column was added', async () => {
    expect(await stale({})).toEqual([]);
  });

  it('can not run RETURNING * after a column was dropped', async () => {
    const found = await stale({
      get: 'UPDATE users SET id = id WHERE id = :id RETURNING *',
      migrate: 'ALTER TABLE users DROP COLUMN born',
      rollback: 'ALTER TABLE users ADD COLUMN born date',
    });
    expect(found.map((f) => f.request)).toEqual(['get']);
  });

  it('can not run a list of columns after the length of one was changed', async () => {
    const widen = { migrate: 'ALTER TABLE users ALTER name TYPE varchar(20)', rollback: 'none' };
    expect((await stale(widen)).map((f) => f.request)).toEqual(['get']);
    expect(await stale({ ...widen, get: 'SELECT id FROM users WHERE id = :id' })).toEqual([]);
  });

  it('can not send a parameter of a type that no longer fits', async () => {
    const [finding] = await stale({
      get: 'SELECT id FROM users WHERE id = :id',
      migrate: 'ALTER TABLE users ALTER name TYPE int USING length(name)',
      rollback: 'none',
    });
    expect(finding).toMatchObject({ request: 'rename', sqlstate: '42804' });
    expect(finding?.hint).toContain('casts its parameter from text');
  });

  it('can send one that is cast where it stands', async () => {
    const cast = {
      get: 'UPDATE users SET born = CAST(CAST(:born AS text) AS date) WHERE id = :id',
      migrate: 'ALTER TABLE users ALTER born TYPE text',
      rollback: 'none',
    };
    expect(await stale(cast)).toEqual([]);
  });

  it('can not name what is gone, which is no matter of what it holds', async () => {
    const gone = { get: 'SELECT id FROM users WHERE id = :id', migrate: 'ALTER TABLE users DROP COLUMN name' };
    expect(await stale({ ...gone, rollback: 'none' })).toEqual([]);
  });

  it('can not upsert without its index, and nor can any other', async () => {
    const upsert = 'INSERT INTO users (id, name) VALUES (:id, :name) ON CONFLICT (id) DO NOTHING';
    const gone = { get: upsert, migrate: 'ALTER TABLE users DROP CONSTRAINT users_pkey', rollback: 'none' };
    expect(await stale(gone)).toEqual([]);
  });

  it('has statements whose parameters Postgres can not type, and that hold their values', async () => {
    const untyped = { get: 'SELECT * FROM users WHERE id = :id AND num_nonnulls(:id) = 1' };
    expect((await stale(untyped)).map((f) => f.request)).toEqual(['get']);
  });

  it('loses its transaction with the statement', async () => {
    const [finding] = await stale({
      get: '\n      - SELECT * FROM users WHERE id = :id\n      - SELECT 1',
    });
    expect(finding?.message).toContain('its transaction is aborted');
  });

  it('is played again by `replay`', async () => {
    const read = (): Promise<string> => Promise.resolve(plan({ get: 'SELECT * FROM users WHERE id = :id' }));
    const played = await replay('plan.cutover.yaml', read, start, 'cached-plan-change');
    if (!played.ok) throw new Error(played.message);
    expect(played.lines.at(-1)?.result).toBe('error 0A000: cached plan must not change result type');
  });
});

test('what is held for another database is prepared and planned there', async () => {
  const text = (table: string): string => `title: two
database: { schema: CREATE TABLE users (id int PRIMARY KEY), production: { users: { rows: 100 } } }
databases: { other: { schema: CREATE TABLE users (id int PRIMARY KEY), production: { users: { rows: 100 } } } }
versions:
  v1:
    join: INSERT INTO users VALUES (:id)
    get: { on: other, sql: SELECT * FROM users WHERE id = :id }
steps:
  - ${table}
    migrate: ALTER TABLE users ADD COLUMN name text
    rollback: ALTER TABLE users DROP COLUMN name
`;
  const found = async (on: string): Promise<readonly string[]> => {
    const { report } = await rehearse('plan.cutover.yaml', () => Promise.resolve(text(on)), start);
    expect(report.errors).toEqual([]);
    return report.findings.filter((f) => f.rule === 'cached-plan').map((f) => f.trace.at(-1)?.sql ?? '');
  };
  expect(await found('name: the first')).toEqual([]);
  expect(await found('on: other')).toEqual(["-- on other\nEXECUTE held_by_a_pod_0('1')"]);
});

test('its history is stepped through', async () => {
  const read = (): Promise<string> => Promise.resolve(plan({ get: 'SELECT * FROM users WHERE id = :id' }));
  const opened = await openPlan('plan.cutover.yaml', read, start, 'cached-plan-change');
  if (!opened.ok) throw new Error(opened.message);
  const { history } = await new Player(opened.playable, engine).record();
  expect(history.moments.map((m) => m.title)).toHaveLength(4);
});

describe('nothing is held', () => {
  const star = { get: 'SELECT * FROM users WHERE id = :id' };

  it('where the driver prepares nothing', async () => {
    expect(await stale({ ...star, version: '    prepares: false\n' })).toEqual([]);
  });

  it('where the app is stopped for the step', async () => {
    expect(await stale({ ...star, step: '    offline: true\n' })).toEqual([]);
  });
});
