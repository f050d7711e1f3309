/** What the comparison with the linters needs of Cutover: the labelled migrations, and what a rehearsal says of each. */
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import type { LabelledMigration } from '../migrations/plans.ts';
export { hazardRules, labelledMigrations } from '../migrations/plans.ts';

export interface Named {
  readonly id: string;
  /** Rules of findings, errors and warnings; `migrate-fails` too where a plan is refused for what can't run as it is written. */
  readonly rules: readonly string[];
  readonly ms: number;
}

/** Rehearses all in one process, one engine for all of them. */
export async function rehearseAll(migrations: readonly LabelledMigration[], assets: string): Promise<readonly Named[]> {
  const engine = await createPgliteEngine({ assets });
  const named: Named[] = [];
  for (const { id, plan } of migrations) {
    const begun = performance.now();
    const { report } = await rehearse(
      `${id}.cutover.yaml`,
      () => Promise.resolve(plan),
      () => Promise.resolve(engine),
    );
    const ms = performance.now() - begun;
    const flagged = report.findings.filter((f) => f.severity !== 'info' && f.allowed === null);
    const refused = report.errors.some(({ code }) => code === 'not-in-transaction') ? ['migrate-fails'] : [];
    const other = report.errors.filter(({ code }) => code !== 'not-in-transaction').map(({ code }) => `error ${code}`);
    named.push({ id, rules: [...new Set([...flagged.map((f) => f.rule), ...refused, ...other])], ms });
  }
  await engine.close();
  return named;
}
