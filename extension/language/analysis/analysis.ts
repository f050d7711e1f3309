/** One text of a plan, taken apart: what completion, hover and the rest ask. Made anew for each text, never changed. */
import { resolvePath } from '../../../simulator/plan/source.ts';
import { initParser } from '../../../simulator/plan/sql.ts';
import { ddlOf, namesOf, type PlanNames } from './names.ts';
import { tablesOfPlan, type Ddl, type Table } from './tables.ts';
import { readTree, type Tree } from './tree.ts';

export interface Analysis {
  readonly text: string;
  readonly root: Tree;
  readonly names: PlanNames;
  readonly tables: readonly Table[];
}

/** `read` gives the text of a file, and rejects if there is none; the plan's own text is given. */
export async function analyse(plan: string, text: string, read: (path: string) => Promise<string>): Promise<Analysis> {
  await initParser();
  const root = readTree(text);
  const names = namesOf(text, root);
  const scripts = await Promise.all(
    ddlOf(text, root, names).map(async ({ sql, step }): Promise<Ddl> => {
      if ('text' in sql) return { text: sql.text, step };
      // A file that is not there is told by the loader.
      return { text: await read(resolvePath(plan, sql.file)).catch(() => ''), step };
    }),
  );
  return { text, root, names, tables: tablesOfPlan(scripts) };
}
