/** Reports of real rehearsals, for what the extension makes of them. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import { placesOf, type StepPlace } from '../../extension/outline.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { loadPlan } from '../../simulator/plan/load.ts';
import type { Plan } from '../../simulator/plan/model.ts';
import { rehearse, type RehearseOptions } from '../../simulator/rehearse.ts';
import type { PlanReport } from '../../simulator/report/model.ts';

export interface Rehearsed {
  readonly plan: Plan;
  readonly report: PlanReport;
  readonly places: readonly StepPlace[];
}

export function useRehearsals(): (text: string, options?: RehearseOptions) => Promise<Rehearsed> {
  let engine: Engine;
  beforeAll(async () => void (engine = await createPgliteEngine({})));
  afterAll(() => engine.close());
  return async (text, options = {}) => {
    const plan = await planOf(text);
    const read = () => Promise.resolve(text);
    const { report } = await rehearse('p.cutover.yaml', read, () => Promise.resolve(engine), options);
    return { plan, report, places: placesOf(plan) };
  };
}

export async function planOf(text: string): Promise<Plan> {
  const loaded = await loadPlan('p.cutover.yaml', () => Promise.resolve(text));
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'));
  return loaded.plan;
}

export const textOf = (path: string): Promise<string> => readFile(path, 'utf8');
