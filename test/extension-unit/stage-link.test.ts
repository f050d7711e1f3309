/** Links to the stage come back as they were made, and nothing else is a link. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLink, encodeLink, type StageLink } from '../../extension/stage/link.ts';
import type { ForkCommand } from '../../simulator/player/model.ts';

const visible = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u;
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => visible.test(text));
const value = fc.option(fc.string({ unit: 'grapheme', maxLength: 50 }));
const command: fc.Arbitrary<ForkCommand> = fc.oneof(
  fc.constant({ kind: 'rollback' } as const),
  fc.record({ kind: fc.constant('straggler' as const), version: name }),
  fc.record({ kind: fc.constant('sql' as const), sql: fc.string({ unit: 'grapheme' }).filter((s) => s.trim() !== '') }),
  fc.record({
    kind: fc.constant('request' as const),
    version: name,
    request: name,
    params: fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
  }),
);
const index = fc.integer({ min: 0, max: 999 });
const part = fc.stringMatching(/^[\p{L}\p{N}][\p{L}\p{N} _&%+#?=-]{0,10}$/u);
const link: fc.Arbitrary<StageLink> = fc
  .record({
    folders: fc.array(part, { maxLength: 3 }),
    file: part,
    finding: fc.option(name),
    forks: fc.array(fc.record({ moment: index, command }), { maxLength: 5 }),
    moment: index,
    probe: fc.option(index),
  })
  .map(({ folders, file, finding, forks, moment, probe }) => ({
    plan: [...folders, `${file}.cutover.yaml`].join('/'),
    told: { finding, forks, at: { history: forks.length, moment, probe } },
  }));

test('a link that was made is read as it was', () => {
  fc.assert(
    fc.property(link, (each) => {
      expect(decodeLink(encodeLink(each))).toEqual(each);
    }),
  );
});

test('whatever is read of a text that is no link throws nothing', () => {
  fc.assert(
    fc.property(fc.string(), (query) => {
      const read = decodeLink(query);
      expect(read === null || read.plan.endsWith('.yaml') || read.plan.endsWith('.yml')).toBe(true);
    }),
  );
});

test('a link with one character changed is no link, or one that is as strict', () => {
  fc.assert(
    fc.property(link, fc.nat(), fc.string({ minLength: 1, maxLength: 2 }), (each, at, text) => {
      const query = encodeLink(each);
      const place = at % query.length;
      const read = decodeLink(query.slice(0, place) + text + query.slice(place + 1));
      if (read !== null) expect(decodeLink(encodeLink(read))).toEqual(read);
    }),
  );
});

describe('is no link:', () => {
  const forks = (value: unknown) => ({ forks: JSON.stringify(value) });
  const fork = (command: unknown) => forks([{ moment: 0, command }]);
  const hostile: Readonly<Record<string, Record<string, string>>> = {
    'a plan outside of the workspace': { plan: '../secret.cutover.yaml' },
    'a plan that climbs out on its way': { plan: 'a/../../secret.cutover.yaml' },
    'an absolute path': { plan: '/etc/x.cutover.yaml' },
    'a path of Windows': { plan: 'a\\..\\x.cutover.yaml' },
    'a drive, or another scheme': { plan: 'c:/x.cutover.yaml' },
    'a file that is no plan': { plan: 'settings.json' },
    'a path with a control code': { plan: 'a\u0000.cutover.yaml' },
    'a path whose text is turned around': { plan: 'a\u202e.cutover.yaml' },
    'a finding with a line break': { finding: 'a\nb' },
    'a finding that is too long': { finding: 'a'.repeat(201) },
    'forks that are no JSON': { forks: '[' },
    'forks that are no list': forks({ moment: 0 }),
    'too many forks': forks(Array.from({ length: 33 }, () => ({ moment: 0, command: { kind: 'rollback' } }))),
    'a fork of no known kind': fork({ kind: 'shell', command: 'ls' }),
    'a fork with more than it needs': fork({ kind: 'rollback', sql: 'DROP TABLE users' }),
    'SQL that is no text': fork({ kind: 'sql', sql: ['SELECT 1'] }),
    'SQL that is empty': fork({ kind: 'sql', sql: ' ' }),
    'SQL that is too long': fork({ kind: 'sql', sql: ` ${'x'.repeat(10_001)}` }),
    'a value that is no text': fork({ kind: 'request', version: 'v1', request: 'r', params: { id: 1 } }),
    'values that are a list': fork({ kind: 'request', version: 'v1', request: 'r', params: ['1'] }),
    'a moment before the first': forks([{ moment: -1, command: { kind: 'rollback' } }]),
    'a moment between two': forks([{ moment: 0.5, command: { kind: 'rollback' } }]),
    'a place that is none': { at: '1' },
    'a place in a history that no fork leads to': { at: '1.0' },
    'a place with a sign': { at: '-0.1' },
    'something that no link has': { command: 'workbench.action.quit' },
  };
  test.each(Object.entries(hostile))('%s', (_, change) => {
    const query = new URLSearchParams({ plan: 'p.cutover.yaml', ...change }).toString();
    expect(decodeLink(query)).toBeNull();
  });

  test('the same part twice', () => {
    expect(decodeLink('plan=a.cutover.yaml&plan=b.cutover.yaml')).toBeNull();
  });

  test('a link that is too long', () => {
    expect(decodeLink(`plan=a.cutover.yaml&finding=${'%41'.repeat(11_000)}`)).toBeNull();
  });
});

test('a plan alone is a link to its beginning', () => {
  expect(decodeLink('plan=db/a.cutover.yml')).toEqual({
    plan: 'db/a.cutover.yml',
    told: { finding: null, forks: [], at: { history: 0, moment: 0, probe: null } },
  });
});
