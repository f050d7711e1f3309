/** How many answers the report says were held against the reference's: each state's once, and none in vain. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

let engine: Engine;
beforeAll(async () => void (engine = await createPgliteEngine({})));
afterAll(() => engine.close());

const fromDisk = (path: string): Promise<string> => readFile(path, 'utf8');

async function run(file: string, read = fromDisk): Promise<PlanReport> {
  return (await rehearse(file, read, () => Promise.resolve(engine))).report;
}

const runText = (text: string): Promise<PlanReport> => run('x.cutover.yaml', () => Promise.resolve(text));

const cells = ({ exploration }: PlanReport): string[] =>
  exploration.answers.map(
    ({ position, version, kind, held, broken, never }) =>
      `${position}: ${version} ${kind} ${held} ${broken}${never.length === 0 ? '' : ` never ${never.join(' ')}`}`,
  );

const addB = `
steps:
  - name: add b
    migrate: ALTER TABLE t ADD COLUMN b text
    rollback: ALTER TABLE t DROP COLUMN b
`;

test('every state is counted once, for every combination of values', async () => {
  const report = await runText(`title: three states
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text)
  seed: INSERT INTO t VALUES (1, 'x')
params: { a: [p, q] }
versions:
  v1:
    get: SELECT id, a FROM t WHERE id = :id
    set: UPDATE t SET a = :a WHERE id = :id
${addB}`);
  // In a are x, p or q. A key that is there and one that is not; two values of a.
  expect(cells(report)).toEqual([
    'start: v1 read 6 0',
    'start: v1 write 12 0',
    'add b: v1 read 6 0',
    'add b: v1 write 12 0',
  ]);
});

test('a search that was given up for a bounded one counts for nothing', async () => {
  const report = await runText(`title: counts for ever
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, n int)
  seed: INSERT INTO t VALUES (1, 0)
versions:
  v1:
    get: SELECT n FROM t WHERE id = 1
    hit: UPDATE t SET n = n + 1 WHERE id = 1
${addB}`);
  expect(report.exploration.writeBound).toBe(4);
  // From none to four hits, of which the last is not followed by another.
  expect(cells(report).slice(0, 2)).toEqual(['start: v1 read 5 0', 'start: v1 write 4 0']);
});

test('searches of requests that can not affect each other add up', async () => {
  const report = await runText(`title: two tables
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, a text)
  seed: INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1, 'x')
versions:
  v1:
    get_t: SELECT id, a FROM t WHERE id = :id
    get_u: SELECT id, a FROM u WHERE id = :id
${addB}`);
  expect(cells(report)).toEqual(['start: v1 read 4 0', 'add b: v1 read 4 0']);
});

test('a request that commits twice answers once, where it ends', async () => {
  const report = await runText(`title: two commits
database:
  schema: CREATE TABLE t (id int PRIMARY KEY, a text, c text)
  seed: INSERT INTO t VALUES (1, 'x', 'x')
versions:
  v1:
    set: { sql: [UPDATE t SET a = 'y' WHERE id = 1, UPDATE t SET c = 'y' WHERE id = 1], transaction: false }
  v2:
    get: SELECT a, c FROM t WHERE id = 1
steps:
  - name: move on
    deploy: v2
    flag: moved
`);
  const [atStart, , afterwards] = report.exploration.answers;
  expect(atStart).toMatchObject({ position: 'start', version: 'v1', kind: 'write', broken: 0 });
  expect(atStart?.held).toBeGreaterThan(0);
  // v1 is gone, and what it had begun still comes to its end.
  expect(afterwards).toMatchObject({ position: 'move on', version: 'v1', kind: 'write', broken: 0, never: [] });
  expect(afterwards?.held).toBeGreaterThan(0);
});

test('a row that a version can not take is a wrong answer', async () => {
  const report = await run('test/plans/unreadable-answer/has.cutover.yaml');
  const finding = report.findings.find((f) => f.rule === 'unreadable-answer');
  const cell = report.exploration.answers.find(
    (c) => c.step === finding?.step && c.version === finding?.version && c.kind === 'read',
  );
  expect(cell?.broken).toBeGreaterThan(0);
});

test('requests of which nothing was shown are named, as the report names them', async () => {
  const report = await run('test/plans/never-exercised/has.cutover.yaml');
  const named = report.exploration.answers.flatMap(({ position, version, never }) =>
    never.map((request) => `${version}.${request} at ${position}`),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named).toContain('v1.retitle at order (rolling out)');
  for (const each of named) {
    const [name = ''] = each.split(' at ');
    const { neverExercised } = report.exploration;
    expect(
      [name, each, `${name} (refused wherever it ran)`].some((n) => neverExercised.includes(n)),
      each,
    ).toBe(true);
  }
});

describe('a cell has wrong answers where a finding says so, and nowhere else', () => {
  const below = (folder: string, ends: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith(ends) && !f.includes('endless'))
      .map((f) => `${folder}/${f}`);
  // Of the examples a few families: each is rehearsed once more here.
  const families = ['rename-column', 'cents-to-decimal', 'split-table', 'replica-reads'].map(
    (each) => `examples/${each}`,
  );
  const files = [
    ...families.flatMap((each) => below(each, '.cutover.yaml')),
    ...below('test/plans', 'has.cutover.yaml'),
    'examples/cdc-rename/not-caught-up.cutover.yaml',
    'examples/cross-database-move/dual-write.cutover.yaml',
  ];

  test.each(files)('%s', async (file) => {
    const report = await run(file);
    const loaded = await loadPlan(file, fromDisk);
    if (!loaded.ok) throw new Error(file);
    const { steps, versions } = loaded.plan;
    const shown = report.findings
      .flatMap((finding) => [finding, ...finding.consequences])
      .filter((f) => f.version !== null && f.request !== null && !f.rule.startsWith('rollback-'))
      // These are asked beside the search, of statements that were prepared before a step.
      .filter((f) => f.rule !== 'cached-plan');
    const { answers } = report.exploration;
    const has = (cell: (typeof answers)[number], request: string | null): boolean =>
      versions.some((v) => v.name === cell.version && v.requests.has(request ?? ''));
    // What fails before the first step is put down to it.
    const stepOf = (cell: (typeof answers)[number]): string | undefined => cell.step ?? steps[0]?.name;
    for (const cell of answers.filter(({ broken }) => broken > 0))
      expect(
        shown.filter((f) => f.step === stepOf(cell) && f.version === cell.version && has(cell, f.request)),
        JSON.stringify(cell),
      ).not.toEqual([]);
    // What comes late may do so on the way back alone, where no answers are counted.
    const isForward = (f: (typeof shown)[number]): boolean =>
      f.rule !== 'stale-read' || answers.some((c) => stepOf(c) === f.step && c.version === f.version);
    for (const f of shown.filter(isForward))
      expect(
        answers.filter((c) => stepOf(c) === f.step && c.version === f.version && c.broken > 0),
        `${f.rule} ${f.request}`,
      ).not.toEqual([]);
  });

  test('some have, and most have not', async () => {
    const [bad, good] = [
      await run('examples/rename-column/backfill-is-null.cutover.yaml'),
      await run('examples/rename-column/plan.cutover.yaml'),
    ];
    expect(bad.exploration.answers.filter((c) => c.broken > 0)).toMatchObject([
      { position: 'switch reads', version: 'v3', kind: 'read' },
    ]);
    expect(good.exploration.answers.filter((c) => c.broken > 0)).toEqual([]);
    expect(good.exploration.answers.every((c) => c.held > 0)).toBe(true);
  });
});
