/** The language features as the simulator's process answers them. */
import type { LanguageCalls } from '../protocol.ts';
import { initParser } from '../../../simulator/plan/sql.ts';
import { analyse } from './analysis.ts';
import { complete } from './complete.ts';
import { hover } from './hover.ts';
import { outlineOf } from './outline.ts';
import { namesAt } from './symbols.ts';

type Reader = (path: string) => Promise<string>;

/** `reader` gives what reads files for a job. */
export function languageCalls(reader: (job: number) => Reader): LanguageCalls {
  return {
    complete: async (job, { plan, text, offset }, trigger) =>
      complete(await analyse(plan.path, text, reader(job)), offset, trigger),
    hover: async (job, { plan, text, offset }, domain) =>
      hover(await analyse(plan.path, text, reader(job)), offset, domain),
    names: async (job, { plan, text, offset }) => namesAt(await analyse(plan.path, text, reader(job)), offset),
    outline: async (_, plan, text) => {
      await initParser();
      return outlineOf(plan.path, text);
    },
  };
}
