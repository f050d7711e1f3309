/** The commands against a simulator that is made up: what they print, and where, and with which exit code. */
import { describe, expect, test } from 'vitest';
import type { Rehearser } from '../../simulator/cli/rehearsers.ts';
import { run, type Simulator, type Surroundings } from '../../simulator/cli/run.ts';
import { EngineFault, type Engine } from '../../simulator/engine/engine.ts';
import { reportSchema, type PlanReport } from '../../simulator/report/model.ts';
import { recordingSchema } from '../../simulator/report/recording.ts';
import { sampleRecording } from './simulation-samples.ts';
import { invalid, lostWrite, planText, safe, sources, unproven, unsafe } from './report-samples.ts';

const reports: Readonly<Record<string, PlanReport>> = { safe, unsafe, unproven, invalid };

interface Overrides {
  readonly simulator?: Partial<Simulator>;
  readonly isTerminal?: boolean;
  readonly interrupt?: (callback: () => void) => void;
  readonly beside?: readonly Rehearser[];
}

/** A file named after a verdict gets that report. */
async function cutover(line: string, overrides: Overrides = {}) {
  const seen = { out: '', err: '', engines: 0, closed: 0, files: {} as Record<string, string> };
  const engine = { close: () => Promise.resolve(void seen.closed++) } as unknown as Engine;
  const simulator: Simulator = {
    loadPlan: () =>
      Promise.resolve({
        ok: false,
        errors: [
          { code: 'x', message: 'wrong', location: { file: 'safe.yaml', line: 1, column: 3 }, suggestion: null },
        ],
        sources: new Map([['safe.yaml', planText]]),
      }),
    rehearse: async (file, _read, start, options) => {
      await start();
      options?.onProgress?.({ phase: 'forward', step: 'expand', states: 1, transitions: 2, findings: 0 });
      return { report: { ...reports[file.split('.')[0] ?? '']!, file }, sources };
    },
    replay: (file, _read, _start, id) =>
      Promise.resolve(
        id === lostWrite.id
          ? { ok: true, finding: lostWrite, lines: [] }
          : { ok: false, message: `${file} has no finding ${id}`, rehearsal: { report: safe, sources } },
      ),
    simulate: async (file, _read, engines, options) => {
      if (file.startsWith('invalid')) {
        const location = { file, line: 1, column: 3 };
        return { ok: false, errors: [{ code: 'x', message: 'wrong', location, suggestion: null }], sources: new Map() };
      }
      await engines(2);
      options?.onProgress?.({ phase: 'traffic', step: 'expand', seconds: 7200, requests: 1234 });
      const totals = { ...sampleRecording.totals, failed: 0, wrong: file.startsWith('wrong') ? 1 : 0 };
      const cut = options?.signal?.aborted === true || file.startsWith('cut') ? 'cancelled' : null;
      return { ok: true, recording: { ...sampleRecording, file, totals, cut }, plan: {} as never };
    },
    startEngine: () => Promise.resolve(void seen.engines++).then(() => engine),
    ...overrides.simulator,
  };
  const io: Surroundings = {
    version: '1.2.3',
    out: { isTerminal: false, width: 80, colour: false, write: (text) => void (seen.out += text) },
    err: { isTerminal: overrides.isTerminal ?? false, width: 80, write: (text) => void (seen.err += text) },
    now: () => 0,
    debug: false,
    readFile: (path) =>
      path.startsWith('missing')
        ? Promise.reject(Object.assign(new Error('ENOENT: /somewhere'), { code: 'ENOENT' }))
        : Promise.resolve(planText),
    writeFile: (path, text) =>
      path.startsWith('missing/')
        ? Promise.reject(new Error('no such directory'))
        : Promise.resolve(void (seen.files[path] = text)),
    onInterrupt: (callback) => {
      overrides.interrupt?.(callback);
      return () => {};
    },
    load: () => Promise.resolve(simulator),
    cores: 1 + (overrides.beside?.length ?? 0),
    beside: (count) => (overrides.beside ?? []).slice(0, count),
  };
  const code = await run(line.split(' '), io);
  await new Promise((resolve) => setImmediate(resolve));
  return { code, ...seen };
}

describe('exit codes', () => {
  test.each([
    ['safe.yaml', 0],
    ['unsafe.yaml', 1],
    ['invalid.yaml', 2],
    ['unproven.yaml', 3],
    ['safe.yaml unproven.yaml', 3],
    ['unproven.yaml unsafe.yaml', 1],
    ['unsafe.yaml invalid.yaml unproven.yaml', 2],
    ['replay a.yaml lost-write-1', 1],
    ['replay a.yaml nothing-1', 2],
    ['check safe.yaml', 2],
    ['simulate safe.yaml', 0],
    ['simulate wrong.yaml', 1],
    ['simulate invalid.yaml', 2],
    ['simulate cut.yaml', 3],
    ['simulate missing.yaml', 2],
    ['nonsense', 2],
    ['--version', 0],
  ])('%s gives %i', async (line, expected) => {
    expect((await cutover(line)).code).toBe(expected);
  });
});

describe('output', () => {
  test('JSON goes to standard output alone, one report for all plans', async () => {
    const { out, err } = await cutover('safe.yaml unsafe.yaml --format json');
    const report = reportSchema.parse(JSON.parse(out));
    expect(report.plans.map((plan) => [plan.file, plan.verdict])).toEqual([
      ['safe.yaml', 'safe'],
      ['unsafe.yaml', 'unsafe'],
    ]);
    expect(err).toBe('');
  });

  test('a progress line on a terminal, cleared before the report', async () => {
    const { err } = await cutover('safe.yaml', { isTerminal: true });
    expect(err).toContain('forward: expand · 1 state · 2 transitions');
    expect(err.endsWith('\r\u001B[K')).toBe(true);
  });

  test('a file that is not there, without a stack', async () => {
    const { code, out, err, engines } = await cutover('safe.yaml missing.yaml');
    expect({ code, out, err, engines }).toEqual({
      code: 2,
      out: '',
      err: 'cutover: missing.yaml: no such file\n',
      engines: 0,
    });
  });

  test('check starts no engine, and quotes the line', async () => {
    const { out, engines } = await cutover('check safe.yaml');
    expect(engines).toBe(0);
    expect(out).toContain('! invalid: 1 mistake in the plan');
    expect(out).toContain('1 | title: Rename users.email');
  });

  test('check as JSON', async () => {
    const { out } = await cutover('check safe.yaml --format json');
    expect(JSON.parse(out)).toEqual({
      cutover: 1,
      plans: [
        {
          file: 'safe.yaml',
          valid: false,
          errors: [{ code: 'x', message: 'wrong', suggestion: null, file: 'safe.yaml', line: 1, column: 3 }],
        },
      ],
    });
  });
});

describe('simulate', () => {
  test('two engines, both closed', async () => {
    const { engines, closed } = await cutover('simulate safe.yaml');
    expect({ engines, closed }).toEqual({ engines: 2, closed: 2 });
  });

  test('what is stated of the pace is handed on, and nothing else', async () => {
    let pace: unknown = null;
    await cutover('simulate safe.yaml --rows 2k --lag 5min', {
      simulator: {
        simulate: (_file, _read, _engines, options) => {
          ({ pace } = options ?? {});
          return Promise.resolve({ ok: true, recording: sampleRecording, plan: {} as never });
        },
      },
    });
    expect(pace).toEqual({ rows: 2000, streamLagMs: 300_000, replicaLagMs: 300_000 });
  });

  test('JSON is the recording, on standard output alone', async () => {
    const { out, err } = await cutover('simulate safe.yaml --format json');
    expect(recordingSchema.parse(JSON.parse(out)).file).toBe('safe.yaml');
    expect(err).toBe('');
  });

  test('the recording goes into a file, the text to standard output', async () => {
    const { out, files } = await cutover('simulate wrong.yaml --out r.json');
    expect(out).toContain('✗ 1 wrong answer');
    expect(recordingSchema.parse(JSON.parse(files['r.json'] ?? '')).totals.wrong).toBe(1);
  });

  test('a file that can not be written is said', async () => {
    const { code, err } = await cutover('simulate safe.yaml --out missing/r.json');
    expect({ code, err }).toEqual({ code: 2, err: 'cutover: missing/r.json can not be written: no such directory\n' });
  });

  test('a progress line, and Ctrl-C', async () => {
    const { code, err, out } = await cutover('simulate safe.yaml', { isTerminal: true, interrupt: (press) => press() });
    expect(err).toContain('traffic: expand · 2.0 h of virtual time · 1,234 requests');
    expect(code).toBe(3);
    expect(out).toContain('? cut short: cancelled');
  });
});

describe('engine', () => {
  test('all plans get the same, and it is closed', async () => {
    const { engines, closed } = await cutover('safe.yaml unsafe.yaml');
    expect({ engines, closed }).toEqual({ engines: 1, closed: 1 });
  });

  test('one under which a plan failed is not lent again', async () => {
    let first = true;
    const { engines, closed } = await cutover('safe.yaml unsafe.yaml', {
      simulator: {
        rehearse: async (file, _read, start) => {
          await start();
          if (!first) return { report: { ...unproven, file }, sources };
          first = false;
          throw new Error('lost');
        },
      },
    });
    expect({ engines, closed }).toEqual({ engines: 2, closed: 2 });
  });

  test('a fault is a sentence with the statement', async () => {
    const { code, err } = await cutover('safe.yaml', {
      simulator: { rehearse: () => Promise.reject(new EngineFault('the engine died', 'died', 'SELECT\n  boom()')) },
    });
    expect({ code, err }).toEqual({
      code: 3,
      err: 'cutover: safe.yaml: the engine died\n  in the statement: SELECT boom()\n',
    });
  });

  test('one that does not start does not matter when nobody asks for it', async () => {
    const { code } = await cutover('invalid.yaml', {
      simulator: {
        startEngine: () => Promise.reject(new Error('no engine')),
        rehearse: () => Promise.resolve({ report: invalid, sources }),
      },
    });
    expect(code).toBe(2);
  });
});

describe('several at a time', () => {
  /** Another thread, which waits until it is told to go on. */
  function thread() {
    const seen = { files: [] as string[], cancelled: 0, closed: 0 };
    let goOn = (): void => {};
    const rehearser: Rehearser = {
      rehearse: async (file) => {
        seen.files.push(file);
        await new Promise<void>((resolve) => void (goOn = resolve));
        if (file.includes('fails'))
          throw Object.assign(new Error('it is lost'), { name: 'EngineFault', sql: 'SELECT 1' });
        return { report: { ...unsafe, file }, sources };
      },
      cancel: () => void seen.cancelled++,
      close: () => Promise.resolve(void seen.closed++),
    };
    return { seen, rehearser, goOn: () => goOn() };
  }

  test('each takes a directory, and they are told of in the order in which they were given', async () => {
    const other = thread();
    let last = 0;
    const { out, code } = await cutover('a/safe.yaml b/one.yaml a/safe2.yaml b/two.yaml', {
      beside: [other.rehearser],
      simulator: {
        rehearse: async (file) => {
          // The thread begins its second when this one has done all of its own.
          if (++last === 2) setImmediate(other.goOn);
          await new Promise((resolve) => setImmediate(resolve));
          setImmediate(() => setImmediate(other.goOn));
          return { report: { ...safe, file }, sources };
        },
      },
    });
    expect(other.seen.files[0]).toBe('b/one.yaml');
    expect([...new Set(out.match(/[ab]\/\w+\.yaml/g))]).toEqual([
      'a/safe.yaml',
      'b/one.yaml',
      'a/safe2.yaml',
      'b/two.yaml',
    ]);
    expect(code).toBe(1);
    expect(other.seen).toMatchObject({ cancelled: 0, closed: 1 });
  });

  test('what fails in another thread is a sentence with its statement, as it is in this one', async () => {
    const other = thread();
    const { err, code } = await cutover('a/safe.yaml b/fails.yaml', {
      beside: [other.rehearser],
      simulator: {
        rehearse: (file) => {
          setImmediate(other.goOn);
          return Promise.resolve({ report: { ...safe, file }, sources });
        },
      },
    });
    expect({ err, code }).toEqual({
      err: 'cutover: b/fails.yaml: it is lost\n  in the statement: SELECT 1\n',
      code: 3,
    });
  });

  test('Ctrl-C is handed on to each', async () => {
    const other = thread();
    let press = (): void => {};
    await cutover('a/safe.yaml b/one.yaml', {
      beside: [other.rehearser],
      interrupt: (callback) => void (press = callback),
      simulator: {
        rehearse: (file) => {
          press();
          setImmediate(other.goOn);
          return Promise.resolve({ report: { ...unproven, file }, sources });
        },
      },
    });
    expect(other.seen.cancelled).toBe(1);
  });
});

test('Ctrl-C cancels the search and leaves out the plans after it', async () => {
  let press = () => {};
  const { code, out, err } = await cutover('unproven.yaml safe.yaml', {
    interrupt: (callback) => {
      press = callback;
    },
    simulator: {
      rehearse: async (file, _read, _start, options) => {
        press();
        expect(options?.signal?.aborted).toBe(true);
        return { report: { ...unproven, file }, sources };
      },
    },
  });
  expect(code).toBe(3);
  expect(out).toContain('? unproven');
  expect(out).not.toContain('✓ safe');
  expect(err).toBe('cutover: stopped before safe.yaml\n');
});
