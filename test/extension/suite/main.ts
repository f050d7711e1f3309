/** The entry that the extension host loads: runs every suite with mocha, and leaves the results in a file. */
import { writeFileSync } from 'node:fs';
import type Mocha from 'mocha';
import { notes, releaseExtension } from './helpers.ts';

interface Results {
  passed: number;
  failed: number;
  /** What people read; the host's own console goes elsewhere. */
  output: string;
}

const testTimeoutMs = 120_000;

export async function run(): Promise<void> {
  // What goes wrong before the first test is told as well.
  const results = await runSuites().catch((error: unknown): Results => ({
    passed: 0,
    failed: 1,
    output: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }));
  const file = process.env.CUTOVER_TEST_RESULTS;
  if (file === undefined) throw new Error('CUTOVER_TEST_RESULTS names no file');
  writeFileSync(file, JSON.stringify(results));
  if (results.failed > 0) throw new Error(`${results.failed} failed`);
}

async function runSuites(): Promise<Results> {
  const { default: MochaRunner } = await import('mocha');
  const grep = process.env.CUTOVER_TEST_GREP;
  const mocha = new MochaRunner({ ui: 'tdd', timeout: testTimeoutMs, ...(grep === undefined ? {} : { grep }) });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  // In this order: the first sees an extension that nobody has used yet.
  await import('./activation.ts');
  await import('./errors.ts');
  await import('./findings.ts');
  await import('./rehearsals.ts');
  await import('./surfaces.ts');
  await import('./language.ts');
  await import('./lessons.ts');
  await import('./debugging.ts');
  await import('./stage.ts');
  await import('./testing.ts');
  await import('./lenses.ts');
  await import('./fixes.ts');
  await import('./host.ts');
  const results = await collect(mocha);
  await releaseExtension();
  return results;
}

function collect(mocha: Mocha): Promise<Results> {
  const lines: string[] = [];
  const results: Results = { passed: 0, failed: 0, output: '' };
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve({ ...results, output: [...lines, ...notes].join('\n') }));
    runner.on('pass', (test) => {
      results.passed++;
      lines.push(`ok     ${test.fullTitle()} (${test.duration ?? 0} ms)`);
    });
    runner.on('fail', (test, error: Error) => {
      results.failed++;
      lines.push(`FAILED ${test.fullTitle()}\n${error.stack ?? error.message}`);
    });
    // A test that is left out must not look like one that passed.
    runner.on('pending', (test) => {
      results.failed++;
      lines.push(`FAILED ${test.fullTitle()}: it was left out`);
    });
  });
}
