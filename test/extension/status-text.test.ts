/** What the status bar says, for every state of a rehearsal. */
import { expect, test } from 'vitest';
import { statusOf, type StatusFacts } from '../../extension/status/status-text.ts';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

const report: PlanReport = {
  file: 'plan.cutover.yaml',
  title: 'Rename a column',
  verdict: 'safe',
  exploration: {
    complete: true,
    states: 1200,
    transitions: 1,
    elapsedMs: 1,
    neverExercised: [],
    answers: [],
    statements: 1,
    writeBound: null,
    domain: {},
    cut: null,
  },
  steps: [],
  rollback: [],
  pointOfNoReturn: null,
  findings: [],
  errors: [],
};

const finding = (severity: Finding['severity'], allowed: string | null = null) =>
  ({ severity, allowed }) as Partial<Finding> as Finding;

function status(rehearsal: Partial<StatusFacts['rehearsal']>, facts: Partial<StatusFacts> = {}) {
  const none = { state: 'none', report: null, isCurrent: false, progress: null, message: null } as const;
  const { text, tooltip, command } = statusOf({
    rehearsal: { ...none, ...rehearsal },
    mistakes: 0,
    isTrusted: true,
    ...facts,
  });
  return [text, tooltip, command];
}

const fresh = (change: Partial<PlanReport>) =>
  status({ state: 'fresh', isCurrent: true, report: { ...report, ...change } });

test('nothing yet', () => {
  expect(status({})).toEqual(['$(play) Cutover: rehearse', 'Rehearse this plan.', 'cutover.rehearse']);
});

test('at work: how far it is, and a way to cancel', () => {
  expect(status({ state: 'running' })[0]).toBe('$(sync~spin) Cutover: waiting');
  const progress = { phase: 'forward', step: 'backfill', states: 1200, transitions: 0, findings: 0 } as const;
  expect(status({ state: 'running', progress, report })).toEqual([
    '$(sync~spin) Cutover: forward, 1,200 states',
    'Rehearsing backfill. Select to cancel.',
    'cutover.cancel',
  ]);
});

test('a verdict, with what was found and what was covered', () => {
  expect(fresh({})).toEqual([
    '$(pass) Cutover: safe',
    'Rename a column\nEvery history: 1,200 states\nShow the report.',
    'cutover.showReport',
  ]);
  const findings = [finding('error'), finding('error', 'empty table'), finding('warning'), finding('info')];
  expect(fresh({ verdict: 'unsafe', findings })[0]).toBe('$(error) Cutover: unsafe, 1 error, 1 warning');
});

test('a search that was cut is unproven, and says why', () => {
  const exploration = { ...report.exploration, complete: false, cut: 'the time limit of 120 s' };
  const [text, tooltip] = fresh({ verdict: 'unproven', exploration });
  expect(text).toBe('$(question) Cutover: unproven');
  expect(tooltip).toContain('Not every history: 1,200 states; cut short: the time limit of 120 s');
});

test('no verdict is shown of a text that has changed, nor while the plan has mistakes', () => {
  expect(status({ state: 'stale', report })[0]).toBe('$(history) Cutover: stale');
  expect(status({ state: 'stale', report }, { mistakes: 2 })[0]).toBe('$(warning) Cutover: invalid, 2 mistakes');
});

test('what gave no verdict says so', () => {
  expect(status({ state: 'cancelled', report, isCurrent: true })[0]).toBe('$(circle-slash) Cutover: cancelled');
  const [text, tooltip] = status({ state: 'failed', message: 'it ended with SIGKILL' });
  expect(text).toBe('$(alert) Cutover: failed');
  expect(tooltip).toContain('it ended with SIGKILL');
});

test('a workspace that is not trusted', () => {
  expect(status({}, { isTrusted: false })[0]).toBe('$(shield) Cutover: not run');
});
