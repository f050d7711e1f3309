/** The labelled migrations of test/migrations: is each what its file says, and does a rehearsal say the same? */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import { labelledMigrations } from '../migrations/plans.ts';
import { load } from './plan-helpers.ts';

const all = labelledMigrations();
const named = all.map((each) => [each.id, each] as const);
const runnable = named.filter(([, { invalid }]) => invalid === null);

/** Where one of these is found, the lock was seen: that it also queues need not be said. */
const standsForQueue = [
  'table-rewrite',
  'full-scan-under-lock',
  'blocking-lock',
  'backfill-in-one-transaction',
  'migrate-fails',
];

let engine: Engine;
beforeAll(async () => {
  engine = await createPgliteEngine({});
});
afterAll(() => engine.close());

describe('the set', () => {
  it('has every name once', () => {
    const ids = all.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('is large, of many sources, safe and not', () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(all.filter(({ hazards }) => hazards.length === 0).length).toBeGreaterThanOrEqual(40);
    expect(new Set(all.map(({ tool }) => tool)).size).toBeGreaterThanOrEqual(12);
  });

  it.each(named)('%s is a plan', async (_, { plan, invalid }) => {
    const result = await load(plan);
    const codes = result.ok ? [] : result.errors.map(({ code }) => code);
    expect([...new Set(codes)]).toEqual(invalid === null ? [] : [invalid]);
  });
});

describe('a rehearsal', () => {
  it.each(runnable)(
    '%s',
    async (_, { id, plan, hazards, queue }) => {
      const { report } = await rehearse(
        `${id}.cutover.yaml`,
        () => Promise.resolve(plan),
        () => Promise.resolve(engine),
      );
      const flagged: readonly string[] = report.findings.filter((f) => f.severity !== 'info').map((f) => f.rule);
      const said = report.findings.flatMap((f) => [f.rule, ...f.consequences.map((c) => c.rule)]);
      const missed = hazards.filter((rules) => !rules.some((rule) => flagged.includes(rule)));
      expect(report.errors).toEqual([]);
      expect(missed).toEqual([]);
      if (!hazards.flat().includes('migrate-fails')) expect(flagged).not.toContain('migrate-fails');
      const isSaid = said.includes('lock-queue') || standsForQueue.some((rule) => said.includes(rule));
      expect(isSaid || !queue, 'the lock queue is named').toBe(true);
      expect(said.includes('lock-queue') && !queue, 'a lock queue where there is none').toBe(false);
      if (hazards.length === 0) expect(flagged.filter((rule) => rule !== 'lock-queue')).toEqual([]);
    },
    60_000,
  );
});
