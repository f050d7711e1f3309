import { describe, expect, test } from 'vitest';
import { readArguments } from '../../simulator/cli/arguments.ts';

const read = (line: string) => {
  const result = readArguments(line === '' ? [] : line.split(' '));
  return result.ok ? result.command : result.message;
};
const none = { format: 'text', maxStates: null, timeoutMs: null, seed: null, stragglers: 0 };

describe('commands', () => {
  test.each([
    ['rehearse a.yaml b.yaml', { kind: 'rehearse', plans: ['a.yaml', 'b.yaml'], options: none }],
    ['a.yaml b.yaml', { kind: 'rehearse', plans: ['a.yaml', 'b.yaml'], options: none }],
    ['./plan', { kind: 'rehearse', plans: ['./plan'], options: none }],
    [
      'simulate a.yaml',
      {
        kind: 'simulate',
        plan: 'a.yaml',
        options: none,
        traffic: { durationMs: null, rolloutMs: null, rows: null, requests: null, lagMs: null, out: null },
      },
    ],
    [
      'simulate a.yaml --duration 7d --rollout 5min --rows 2k --requests 20k --lag 5min --out r.json --seed 3 --format json',
      {
        kind: 'simulate',
        plan: 'a.yaml',
        options: { ...none, format: 'json', seed: 3 },
        traffic: {
          durationMs: 604_800_000,
          rolloutMs: 300_000,
          rows: 2000,
          requests: 20_000,
          lagMs: 300_000,
          out: 'r.json',
        },
      },
    ],
    ['check a.yaml', { kind: 'check', plans: ['a.yaml'], options: none }],
    ['replay a.yaml lost-write-1', { kind: 'replay', plan: 'a.yaml', finding: 'lost-write-1', options: none }],
    ['--help', { kind: 'help' }],
    ['rehearse -h', { kind: 'help' }],
    ['-v', { kind: 'version' }],
    ['rehearse -- -odd.yaml', { kind: 'rehearse', plans: ['-odd.yaml'], options: none }],
    [
      '--format=json a.yaml --max-states 10 --timeout 1.5 --seed 7 --stragglers 1',
      {
        kind: 'rehearse',
        plans: ['a.yaml'],
        options: { format: 'json', maxStates: 10, timeoutMs: 1500, seed: 7, stragglers: 1 },
      },
    ],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual(expected);
  });
});

describe('mistakes name the nearest word', () => {
  test.each([
    ['', 'give a command or a plan'],
    ['reherse a.yaml', 'unknown command reherse; did you mean rehearse?'],
    ['frobnicate a.yaml', 'unknown command frobnicate'],
    ['a.yaml --fromat json', 'unknown option --fromat; did you mean --format?'],
    ['a.yaml -x', 'unknown option -x'],
    ['a.yaml --format jsom', 'unknown format jsom; did you mean json?'],
    ['a.yaml --format', '--format needs a value'],
    ['a.yaml --help=yes', '--help takes no value'],
    ['a.yaml --max-states 0', '--max-states takes a whole number, 1 or more, not 0'],
    ['a.yaml --max-states 1e3', '--max-states takes a whole number, 1 or more, not 1e3'],
    ['a.yaml --timeout -5', '--timeout takes a number of seconds, not -5'],
    ['a.yaml --seed x', '--seed takes a whole number below 2^32, not x'],
    ['a.yaml --stragglers 2', '--stragglers takes 0 or 1, how many deploys longer a version lives, not 2'],
    ['simulate a.yaml --stragglers 1', '--stragglers is for rehearse and replay'],
    ['rehearse', 'rehearse takes one plan or more'],
    ['check', 'check takes one plan or more'],
    ['simulate', 'simulate takes one plan'],
    ['simulate a.yaml b.yaml', 'simulate takes one plan'],
    ['simulate a.yaml --duration soon', '--duration takes a time such as 2h or 7d, not soon'],
    ['simulate a.yaml --rows 0', '--rows takes a number of rows such as 1000 or 10k, not 0'],
    ['simulate a.yaml --rows 1M', '--rows takes at most 100000'],
    ['simulate a.yaml --max-states 5', '--max-states is for rehearse'],
    ['rehearse a.yaml --out x', '--out is for simulate'],
  ])('%s', (line, expected) => {
    expect(read(line)).toBe(expected);
  });

  test('replay says what it takes', () => {
    expect(read('replay a.yaml')).toContain('replay takes a plan and the id of a finding');
    expect(read('replay a.yaml b c')).toContain('replay takes a plan and the id of a finding');
  });
});

test.each(['import .', 'new', 'a.yaml --engine x', 'a.yaml --format sarif'])('not available yet: %s', (line) => {
  expect(read(line)).toContain('not available yet');
});
