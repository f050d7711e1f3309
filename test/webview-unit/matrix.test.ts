/** The matrix and the triangle of a report: counts are merged, the worse result counts, findings are found for what is broken. */
import { describe, expect, test } from 'vitest';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';
import { matrixOf } from '../../webview/model/matrix.ts';
import { triangleOf } from '../../webview/model/rollback.ts';

type Answers = PlanReport['exploration']['answers'][number];

function report(change: Partial<PlanReport>, answers: readonly Answers[] = []): PlanReport {
  const step = (name: string) => ({
    name,
    kind: 'migrate' as const,
    line: 1,
    locks: [],
    rewrites: [],
    scans: [],
    forecast: null,
  });
  return {
    file: 'plan.cutover.yaml',
    title: '',
    verdict: 'unsafe',
    exploration: {
      complete: true,
      states: 1,
      transitions: 1,
      elapsedMs: 1,
      neverExercised: [],
      answers: [...answers],
      statements: 1,
      writeBound: null,
      domain: {},
      cut: null,
    },
    steps: ['one', 'two', 'three'].map(step),
    rollback: [],
    pointOfNoReturn: null,
    findings: [],
    errors: [],
    ...change,
  };
}

function finding(change: Partial<Finding>): Finding {
  return {
    id: `${change.rule ?? 'lost-write'}-${change.step ?? 'one'}`,
    rule: 'lost-write',
    severity: 'error',
    step: 'one',
    cause: null,
    version: 'v1',
    request: 'get',
    message: '',
    expected: null,
    actual: null,
    sqlstate: null,
    line: 1,
    column: 1,
    allowed: null,
    hint: '',
    consequences: [],
    trace: [],
    ...change,
  };
}

const answers = (change: Partial<Answers>): Answers => ({
  step: 'one',
  position: 'one',
  version: 'v1',
  kind: 'read',
  held: 0,
  broken: 0,
  never: [],
  ...change,
});

const cell = (of: PlanReport, step: string, version: string, kind: string) =>
  matrixOf(of, null)
    .rows.find(({ name }) => name === step)
    ?.cells.find((each) => each.version === version && each.kind === kind);

const readTrace: Finding['trace'] = [
  { kind: 'request', step: 'one', version: 'v1', request: 'get', params: {}, sql: 'SELECT 1', result: '', line: 1 },
];

describe('the matrix', () => {
  test('adds the positions of a step', () => {
    const of = report({}, [
      answers({ position: 'one (rolling out)', held: 3, broken: 1 }),
      answers({ held: 4, broken: 2 }),
      answers({ step: 'two', position: 'two', held: 9 }),
    ]);
    expect(cell(of, 'one', 'v1', 'read')).toMatchObject({ state: 'broken', held: 7, broken: 3 });
    expect(cell(of, 'one', 'v1', 'read')?.label).toContain('3 of 10 answers differ');
  });

  test('a request that ran at one position of a step was exercised', () => {
    const of = report({}, [
      answers({ position: 'one (rolling out)', never: ['get', 'list'] }),
      answers({ held: 2, never: ['list'] }),
    ]);
    expect(cell(of, 'one', 'v1', 'read')).toMatchObject({ state: 'held', never: ['list'] });
  });

  test('where a version is live and has no writes, that is said', () => {
    const of = report({}, [answers({ held: 1 }), answers({ step: 'two', held: 1 })]);
    expect(cell(of, 'one', 'v1', 'write')?.label).toBe('one, v1 writes: has no writes');
    expect(cell(of, 'three', 'v1', 'write')?.label).toBe('three, v1 writes: not live');
  });

  test('a consequence opens the finding that it follows from', () => {
    const consequence = { rule: 'lost-write', step: 'two', version: 'v1', request: 'get', message: '' };
    const of = report({ findings: [finding({ trace: readTrace, consequences: [consequence] })] }, [
      answers({ held: 1, broken: 1 }),
      answers({ step: 'two', position: 'two', held: 1 }),
    ]);
    expect(cell(of, 'two', 'v1', 'read')).toMatchObject({ state: 'broken', finding: { id: 'lost-write-one' } });
  });

  test('a finding of the way back marks no answer of the way forward', () => {
    const of = report({ findings: [finding({ rule: 'rollback-loses-writes', trace: readTrace })] }, [
      answers({ held: 1 }),
    ]);
    expect(cell(of, 'one', 'v1', 'read')?.state).toBe('held');
  });

  test('what no version asked for is marked at the step', () => {
    const of = report({ findings: [finding({ rule: 'migrate-fails', version: null, request: null })] });
    expect(matrixOf(of, null).rows.map(({ own }) => own.length)).toEqual([1, 0, 0]);
  });
});

describe('how far back', () => {
  const ways = (results: Readonly<Record<string, PlanReport['rollback'][number]['result']>>) =>
    Object.entries(results).map(([way, result]) => {
      const [from = '', to = ''] = way.split(' to ');
      return { from, to, result };
    });
  const texts = (of: PlanReport) => matrixOf(of, null).rows.map(({ reachText }) => reachText.short);

  test('to the start, as far as all of the way is safe, or nowhere', () => {
    const rollback = ways({
      'one to start': 'safe',
      'two to one': 'safe',
      'two to start': 'loses-writes',
      'three to two': 'breaks-requests',
      'three to one': 'safe',
    });
    expect(texts(report({ rollback }))).toEqual(['start', '1 only: writes are lost', 'nowhere: requests fail']);
  });

  test('a point of no return that is declared is no fault', () => {
    const rollback = ways({ 'one to start': 'safe', 'three to two': 'safe' });
    const declared = finding({ rule: 'no-rollback', severity: 'info', step: 'two', version: null, request: null });
    const of = report({ rollback, pointOfNoReturn: 'two', findings: [declared] });
    expect(texts(of)).toEqual(['start', 'no return', '2 only']);
    expect(triangleOf(of).reaches.map(({ pointOfNoReturn }) => pointOfNoReturn)).toEqual([null, 'declared', null]);
  });

  test('a step past the declared point that has no way back either is no fault; one that fails is', () => {
    const meant = (step: string) =>
      finding({ rule: 'no-rollback', severity: 'info', step, version: null, request: null });
    const past = (result: 'no-plan' | 'fails') =>
      report({
        rollback: ways({ 'one to start': 'safe', 'three to two': result }),
        pointOfNoReturn: 'two',
        findings: [meant('two'), meant('three')],
      });
    expect(texts(past('no-plan'))).toEqual(['start', 'no return', 'no return']);
    expect(texts(past('fails'))[2]).toBe('nowhere: the way back fails');
  });

  test('of two results for one way the worse counts, and the finding of what is undone last is shown', () => {
    const rollback = [
      ...ways({ 'two to one': 'safe' }),
      ...ways({ 'two to one': 'fails' }),
      ...ways({ 'two to start': 'fails' }),
    ];
    const findings = ['one', 'two'].map((step) => finding({ rule: 'rollback-fails', step }));
    const [, second] = triangleOf(report({ rollback, findings })).rows;
    expect(second?.map(({ result, finding }) => [result, finding?.step])).toEqual([
      ['fails', 'one'],
      ['fails', 'two'],
    ]);
  });
});
