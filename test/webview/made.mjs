/** Stages that are made from recorded ones: those that no plan gives by itself, and those that would take too long. */
import { readFileSync } from 'node:fs';

const recorded = (name) =>
  JSON.parse(readFileSync(new URL(`../../dist/test/stage/${name}.json`, import.meta.url), 'utf8'));

const nothing = { kind: 'none' };
const progress = { phase: 'forward', step: 'backfill', states: 812, findings: 1 };

function withRehearsal(stage, change) {
  return { ...stage, rehearsal: { ...stage.rehearsal, ...change } };
}

/** A history so long that it can't be drawn whole: the recorded one, again and again. What was tried is left at a few. */
export function long(stage, length) {
  const { play } = stage;
  const [history] = play.histories;
  const [first, ...rest] = history.moments;
  const moments = [first, ...Array.from({ length: length - 1 }, (_, n) => again(rest, n))];
  const longer = { ...history, moments };
  const recording = { ...play.recording, history: longer };
  return {
    ...stage,
    play: { ...play, recording, histories: [longer], playhead: { history: 0, moment: 0, probe: null } },
  };
}

function again(moments, n) {
  const moment = moments[n % moments.length];
  return n % 20 === 0 ? moment : { ...moment, probes: [] };
}

/** What is played was forked at its third event. */
function forked(stage) {
  const [history] = stage.play.histories;
  const fork = {
    ...history,
    id: 1,
    title: 'v1 close_account(id: 1)',
    from: { history: 0, moment: 3 },
    command: { kind: 'request', version: 'v1', request: 'close_account', params: { id: '1' } },
  };
  return { ...stage, play: { ...stage.play, histories: [history, fork] } };
}

function unproven(stage) {
  const { report } = stage.rehearsal;
  const exploration = {
    ...report.exploration,
    complete: false,
    cut: '--max-states',
    neverExercised: ['v4.sign_up at contract'],
  };
  return withRehearsal(stage, { report: { ...report, verdict: 'unproven', exploration } });
}

/** One version's writes were exercised nowhere at a step. */
function neverExercised(stage) {
  const { report } = stage.rehearsal;
  const answers = report.exploration.answers.map((each) =>
    each.step === 'backfill' && each.kind === 'write'
      ? { ...each, held: 0, broken: 0, never: ['sign_up', 'change_email'] }
      : each,
  );
  return withRehearsal(stage, { report: { ...report, exploration: { ...report.exploration, answers } } });
}

function invalid(stage) {
  const { report } = stage.rehearsal;
  const error = {
    code: 'unknown-version',
    message: 'there is no version v9',
    file: report.file,
    line: 59,
    column: 13,
    suggestion: 'v3',
  };
  const bad = { ...report, verdict: 'invalid', findings: [], steps: [], rollback: [], errors: [error] };
  return { ...withRehearsal(stage, { report: bad }), play: nothing };
}

export function madeStages() {
  const isNull = recorded('is-null');
  const safe = recorded('safe');
  const empty = { ...withRehearsal(isNull, { state: 'none', report: null }), play: nothing, traffic: nothing };
  const { finding } = isNull.play;
  return new Map(
    Object.entries({
      'no-plan': { ...empty, plan: null },
      'not-rehearsed': empty,
      'first-rehearsal': withRehearsal(empty, { state: 'running', progress }),
      running: withRehearsal(isNull, { state: 'running', isCurrent: false, progress }),
      stale: withRehearsal(isNull, { state: 'stale', isCurrent: false }),
      cancelled: withRehearsal(isNull, { state: 'cancelled' }),
      failed: withRehearsal(empty, { state: 'failed', message: 'the engine did not start' }),
      untrusted: withRehearsal(empty, { state: 'untrusted' }),
      'play-none': { ...isNull, play: nothing },
      'play-loading': { ...isNull, play: { kind: 'loading', finding, message: 'Playing event 4 of 9…' } },
      'play-cancelled': { ...isNull, play: { kind: 'cancelled', finding } },
      'play-failed': { ...isNull, play: { kind: 'failed', finding, message: 'the engine is gone' } },
      debugged: { ...isNull, play: { ...isNull.play, by: 'debugger' } },
      invalid: invalid(isNull),
      unproven: unproven(safe),
      never: neverExercised(isNull),
      uncounted: withRehearsal(isNull, {
        report: {
          ...isNull.rehearsal.report,
          exploration: { ...isNull.rehearsal.report.exploration, answers: [] },
        },
      }),
      forked: forked(isNull),
      long: long(isNull, 2001),
    }),
  );
}
