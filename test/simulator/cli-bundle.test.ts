/** What the build makes, as a user has it: somewhere else, without node_modules. `npm run build` comes first. */
import { spawnSync } from 'node:child_process';
import { access, constants, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportSchema } from '../../simulator/report/model.ts';
import { recordingSchema } from '../../simulator/report/recording.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cutover-'));
  await cp(join(root, 'dist'), join(directory, 'dist'), { recursive: true });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function cutover(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(directory, 'dist/cli.cjs'), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const plan = (name: string) => join('examples', 'rename-column', `${name}.cutover.yaml`);

describe('the bundle', () => {
  test('can be run by its name', async () => {
    const file = join(root, 'dist/cli.cjs');
    await access(file, constants.X_OK);
    expect((await readFile(file, 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true);
  });

  test('says its version and its help', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(cutover('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(cutover('--help').stdout).toContain('cutover rehearse PLAN…');
  });

  test('checks a plan with the real parser', () => {
    const { status, stdout, stderr } = cutover('check', plan('plan'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('✓ valid: Rename users.email');
  });

  test('quotes the line of a mistake', async () => {
    const file = join(directory, 'broken.cutover.yaml');
    await writeFile(file, 'title: x\ndatabse:\n  schema: SELECT 1\n');
    const { status, stdout } = cutover('rehearse', file);
    expect(status).toBe(2);
    expect(stdout).toContain('! invalid');
    expect(stdout).toContain(`${file}:2:1: `);
    expect(stdout).toContain('2 | databse:');
  });

  test('rehearses: a safe plan and an unsafe one', () => {
    const { status, stdout, stderr } = cutover(plan('plan'), plan('backfill-is-null'), '--format', 'json');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const report = reportSchema.parse(JSON.parse(stdout));
    expect(report.plans.map(({ verdict }) => verdict)).toEqual(['safe', 'unsafe']);
    expect(report.plans[1]?.findings.map(({ rule }) => rule)).toContain('lost-write');
  });

  test('replays what it found', () => {
    const { stdout } = cutover(plan('backfill-is-null'), '--format', 'json');
    const finding = reportSchema.parse(JSON.parse(stdout)).plans[0]?.findings.find(({ rule }) => rule === 'lost-write');
    const replayed = cutover('replay', plan('backfill-is-null'), finding?.id ?? '');
    expect(replayed.status).toBe(1);
    expect(replayed.stdout).toContain('✗ error lost-write');
    expect(replayed.stdout).toContain('reference');
  });

  test('simulates traffic, and keeps the recording', async () => {
    const file = join(directory, 'recording.json');
    const { status, stdout, stderr } = cutover(
      'simulate',
      plan('rename-in-one-step'),
      '--requests',
      '2k',
      '--out',
      file,
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toMatch(/^✗ [\d,]+ failed requests\n/);
    expect(recordingSchema.parse(JSON.parse(await readFile(file, 'utf8'))).totals.wrong).toBe(0);
  });

  test('a limit makes it unproven', () => {
    const { status, stdout } = cutover(plan('plan'), '--max-states', '5');
    expect(status).toBe(3);
    expect(stdout).toContain('? unproven');
  });
});
