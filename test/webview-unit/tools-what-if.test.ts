/** What if: what is offered at a moment, what is known of it, and what is said of a fork. */
import { describe, expect, it } from 'vitest';
import type { ForkCommand, History, Moment, PlayedVersion } from '../../simulator/player/model.ts';
import {
  callText,
  noChoice,
  outcomeOf,
  outcomeText,
  probeOf,
  valueText,
  wishOf,
  type Wish,
} from '../../webview/model/what-if.ts';

const place = { file: 'a.cutover.yaml', line: 1, column: 1 };
const request = (name: string, kind: 'read' | 'write', params: Readonly<Record<string, readonly string[]>>) => ({
  name,
  kind,
  params: Object.entries(params).map(([name, values]) => ({ name, values })),
  sql: [],
  transaction: true,
  place,
});
const versions: readonly PlayedVersion[] = ['v1', 'v2'].map((name) => ({
  name,
  requests: [
    request('get', 'read', { id: ['1', '2'] }),
    request('change', 'write', { email: ['a', 'b'], id: ['1', '2'] }),
  ],
}));

type Called = { version: string; request: string; params: Record<string, string | null> };

function moment(title: string, called: Called | null, more: Partial<Moment> = {}): Moment {
  return {
    title,
    event: called === null ? null : { kind: 'request', ...called },
    live: ['v1', 'v2'],
    step: { name: 'switch reads' },
    expected: null,
    actual: null,
    shown: null,
    probes: [],
    ...more,
  } as unknown as Moment;
}

const change = { version: 'v1', request: 'change', params: { email: 'b', id: '1' } };

describe('what can be played', () => {
  it('begins with what is at the playhead', () => {
    expect(wishOf(versions, moment('', change), noChoice)).toMatchObject({
      version: 'v1',
      request: { name: 'change' },
      values: { email: 'b', id: '1' },
    });
  });

  it('is a write with the first values elsewhere', () => {
    expect(wishOf(versions, moment('', null), noChoice)).toMatchObject({
      version: 'v1',
      request: { name: 'change' },
      values: { email: 'a', id: '1' },
    });
  });

  it('keeps what was chosen, NULL too, as far as it is there', () => {
    const choice = { version: 'v2', request: 'change', values: { email: null, id: '7' } };
    expect(wishOf(versions, moment('', null), choice)).toMatchObject({
      version: 'v2',
      values: { email: null, id: '7' },
    });
    expect(wishOf(versions, moment('', null, { live: ['v1'] }), choice)).toMatchObject({ version: 'v1' });
    expect(wishOf(versions, moment('', null, { live: [] }), choice)).toBe(null);
  });

  it('is looked up among what was tried, with exactly these values', () => {
    const probes = [moment('', { ...change, version: 'v2' }), moment('', change)];
    const at = moment('', null, { probes });
    const wish = (values: Wish['values']): Wish => ({
      version: 'v1',
      request: request('change', 'write', {}),
      values,
    });
    expect(probeOf(at, wish({ id: '1', email: 'b' }))).toBe(1);
    expect(probeOf(at, wish({ id: '1', email: null }))).toBe(null);
    expect(probeOf(at, wish({ id: '1' }))).toBe(null);
  });

  it('is written as traces write it', () => {
    expect(callText('v1', 'change', { email: "o'b", id: '1', note: null })).toBe(
      "v1 change(email: 'o''b', id: 1, note: NULL)",
    );
    expect(['-1.5', '1e3', ''].map(valueText)).toEqual(['-1.5', "'1e3'", "''"]);
  });
});

describe('what came of a fork', () => {
  const command: ForkCommand = { kind: 'request', version: 'v1', request: 'change', params: change.params };
  const fork = (fresh: readonly Moment[], of: ForkCommand = command): History => ({
    id: 1,
    title: '',
    from: { history: 0, moment: 0 },
    command: of,
    moments: [moment('start', null), ...fresh],
  });
  const right = moment('v1 change', change, { expected: 'accepted', actual: 'accepted' });
  const end = moment('contract', null);

  it('is the answer of the request, after its last commit', () => {
    const first = moment('v1 change', change, { expected: null, actual: null });
    expect(outcomeOf(fork([first, right, end]))).toMatchObject({ first: 1, actual: 'accepted', differs: false });
  });

  it('is what goes wrong first, also in what was only tried', () => {
    const probe = moment('v2 get(id: 1)', { ...change, version: 'v2', request: 'get' }, { expected: 'b', actual: 'a' });
    const outcome = outcomeOf(fork([right, moment('switch reads', null, { probes: [right, probe] }), end]));
    expect(outcome?.wrong).toMatchObject({ moment: 2, probe: 1 });
    expect(outcome === null ? '' : outcomeText(outcome)).toBe(
      "Played: v1 change(email: 'b', id: 1). It answered accepted, as the app without the migration does. At switch reads, v2 get(id: 1) answers a where b is expected.",
    );
  });

  it('says that nothing goes wrong', () => {
    const outcome = outcomeOf(fork([right, end]));
    expect(outcome === null ? '' : outcomeText(outcome)).toContain(
      'From here to the end (contract), every answer that was tried is right.',
    );
  });

  it('does not say the same twice', () => {
    const outcome = outcomeOf(fork([moment('v1 change', change, { expected: 'refused', actual: 'accepted' }), end]));
    expect(outcome === null ? '' : outcomeText(outcome)).toBe(
      "Played: v1 change(email: 'b', id: 1). It answered accepted; the app without the migration answers refused: they differ.",
    );
  });

  it('of a rollback is where it leads', () => {
    const outcome = outcomeOf(fork([end], { kind: 'rollback' }));
    expect(outcome).toMatchObject({ actual: null, differs: false, wrong: null });
  });

  it('is nothing for what was not forked', () => {
    expect(outcomeOf({ ...fork([end]), from: null, command: null })).toBe(null);
  });
});
