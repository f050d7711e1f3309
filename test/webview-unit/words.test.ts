/** Values, calls and what changed inside a value. */
import { describe, expect, test } from 'vitest';
import { headline } from '../../webview/model/words.ts';
import { insideValue } from '../../webview/model/inside-value.ts';
import { stepsOf } from '../../webview/model/score.ts';
import type { Moment } from '../../simulator/player/model.ts';
import {
  answerDifference,
  answerRows,
  callText,
  callWords,
  clip,
  comparable,
  quoted,
  shortAnswers,
} from '../../webview/model/values.ts';

describe('values', () => {
  test('are written as SQL has them, on one line', () => {
    expect([null, '12', '12.50', 'a', '', "O'Brien", 'two\nlines', '\u202E'].map(quoted)).toEqual([
      'NULL',
      '12',
      '12.50',
      "'a'",
      "''",
      "'O'Brien'",
      "'two\\nlines'",
      "'\\u{202e}'",
    ]);
  });

  test('are cut by characters, not by halves of them', () => {
    expect(clip('👍👍👍👍', 3)).toBe('👍👍…');
    expect(clip('abc', 3)).toBe('abc');
  });

  test('numbers are compared by what they are worth', () => {
    expect(comparable('12.00')).toBe('12');
    expect(comparable('12.50')).toBe('12.5');
    expect(comparable('0.0')).toBe('0');
    expect(comparable('1.2.3')).toBe('1.2.3');
  });
});

test('calls have what tells the row first', () => {
  const call = { request: 'change_email', params: { email: 'b', id: '1' } };
  expect(callText(call)).toBe("change_email(1, 'b')");
  expect(callWords(call)).toBe("change_email(id 1, email 'b')");
});

describe('answers', () => {
  test('are taken apart', () => {
    expect(answerRows("(1, 'a, (b)') (2, NULL)")).toEqual([
      ['1', "'a, (b)'"],
      ['2', 'NULL'],
    ]);
    expect(answerRows('no row')).toEqual([]);
    expect(answerRows('accepted, rows touched')).toBeNull();
    expect(answerRows('(1, 2')).toBeNull();
  });

  test('only what differs is said', () => {
    expect(answerDifference("(1, 'b')", "(1, 'a')")).toEqual([{ row: 0, place: 1 }]);
    expect(shortAnswers("(1, 'b')", "(1, 'a')")).toEqual({ expected: "'b'", actual: "'a'" });
    expect(shortAnswers('no row', "(1, 'Lamp')")).toEqual({ expected: 'no row', actual: "(1, 'Lamp')" });
  });
});

describe('inside a value', () => {
  test('what is common at either end stays plain', () => {
    expect(insideValue("'ada@example.com'", "'ada@x.io'")).toEqual({ before: "'ada@", changed: 'x.io', after: "'" });
    expect(insideValue('{"lang": "en", "theme": "dark"}', '{"lang": "en", "theme": "a"}')).toEqual({
      before: '{"lang": "en", "theme": "',
      changed: 'a',
      after: '"}',
    });
  });

  test('what is gone leaves a gap', () => {
    expect(insideValue("'red, blue'", "'red'")).toEqual({ before: "'red", changed: '', after: "'" });
  });

  test('another value is another value', () => {
    expect(insideValue("'a'", "'b'")).toEqual({ before: "'", changed: 'b', after: "'" });
    expect(insideValue("'ada@example.com'", "'a'")).toEqual({ before: "'", changed: 'a', after: "'" });
    expect(insideValue(null, "'a'")).toEqual({ before: '', changed: "'a'", after: '' });
    expect(insideValue("'a'", 'NULL')).toEqual({ before: '', changed: 'NULL', after: '' });
  });
});

describe('steps', () => {
  const base = {
    title: '',
    place: { file: 'p', line: 1, column: 1 },
    live: ['v1'],
    stragglers: [],
    job: null,
    flights: [],
    expected: null,
    actual: null,
    shown: null,
    view: 0,
    probes: [],
  };
  const moment = (
    kind: 'step' | 'rollback' | null,
    step: string,
    phase: Moment['phase'],
    position: string,
  ): Moment => ({
    ...base,
    event:
      kind === null
        ? null
        : { kind, step, version: null, request: null, params: {}, sql: '', result: 'done', line: null },
    step: kind === null ? null : { name: step, index: 0, kind: 'deploy', place: base.place },
    phase,
    position,
  });

  test('a way back is a branch that says where the plan stands again', () => {
    const spans = stepsOf([
      moment(null, '', 'start', 'start'),
      moment('step', 'expand', 'done', 'expand'),
      moment('step', 'switch', 'rolling', 'switch (rolling out)'),
      moment('step', 'switch', 'done', 'switch'),
      moment('rollback', 'switch', 'done', 'expand'),
    ]);
    expect(spans.map(({ name, isBack, from, to, backTo }) => ({ name, isBack, from, to, backTo }))).toEqual([
      { name: 'start', isBack: false, from: 0, to: 1, backTo: null },
      { name: 'expand', isBack: false, from: 1, to: 2, backTo: null },
      { name: 'switch', isBack: false, from: 2, to: 4, backTo: null },
      { name: 'switch', isBack: true, from: 4, to: 5, backTo: 1 },
    ]);
    expect(spans[2]?.phases.map((p) => p.name)).toEqual(['rolling out', 'done']);
  });
});

test('the rules of streams, replicas and drivers have words', () => {
  const rules = ['stale-read', 'stream-fails', 'stream-echo', 'cached-plan', 'straggler'];
  expect(rules.map((rule) => headline({ rule, step: 'switch' }))).toEqual([
    'a read is behind for a while at “switch”',
    'a stream is stuck at “switch”',
    'streams deliver the same change for ever at “switch”',
    'a prepared statement is refused at “switch”',
    'a version that lives too long breaks at “switch”',
  ]);
});
