/**
 * Makes the tables larger before the first step, in both databases alike: by the first version's own requests that
 * insert, so that every row is one that the app could have made; a table that no request fills gets copies of its
 * seed rows under new keys.
 */
import { quoteIdent } from '../engine/catalog.ts';
import type { Catalog, Table } from '../engine/engine.ts';
import type { Moment, Player } from '../engine/player.ts';
import type { Plan } from '../plan/model.ts';
import type { Recording } from '../report/recording.ts';
import { Random } from './random.ts';
import type { Sent, Twins } from './twins.ts';
import { keyExpression } from './values.ts';
import { assumedRows, insertTargets, type Workload } from './workload.ts';

/** Keys that requests draw from, for each row that a table is to have: about half of them are taken. */
export const keysPerRow = 2;
/** Draws that fill half of the keys. */
const drawsPerRow = keysPerRow * Math.LN2;
const batchSize = 1_000;

/** Which tables grow, and how. */
export interface Growth {
  readonly byRequests: ReadonlySet<string>;
  readonly copied: readonly Table[];
}

export function planGrowth(plan: Plan, catalog: Catalog): Growth {
  const byRequests = new Set([...(plan.versions[0]?.requests.values() ?? [])].flatMap(insertTargets));
  const copied = catalog.tables.filter((t) => !byRequests.has(t.name) && !t.partitioned && copyKey(t) !== null);
  return { byRequests, copied };
}

function copyKey(table: Table): { readonly name: string; readonly expression: string } | null {
  const [name, ...more] = table.primaryKey;
  if (name === undefined || more.length > 0 || table.foreignKeys.some((fk) => fk.columns.includes(name))) return null;
  const column = table.columns.find((c) => c.name === name);
  const expression = column === undefined || column.generated ? null : keyExpression(column.baseType, 'g');
  return expression === null ? null : { name, expression };
}

export async function fill(
  twins: Twins,
  workload: Workload,
  growth: Growth,
  options: { readonly rows: number; readonly moment: Moment; readonly onBatch: () => void },
): Promise<void> {
  const { rows, moment } = options;
  for (const table of growth.copied)
    for (const player of [twins.actual, twins.twin]) await player.script([copySql(table, rows)], moment);
  const random = new Random(moment.seed);
  const requests = workload.inserting();
  // Twice over all of them: a row may need another of a table that is filled later.
  for (const request of [...requests, ...requests]) {
    for (let left = Math.ceil((rows * drawsPerRow) / 2); left > 0; left -= batchSize) {
      options.onBatch();
      const batch = Array.from({ length: Math.min(left, batchSize) }, () => insertion(workload, request, random));
      await twins.play(batch.flat(), moment, { ended: () => {} });
    }
  }
  await twins.settle();
}

function insertion(workload: Workload, request: number, random: Random): Sent[] {
  const client = workload.requests[request];
  const answerer = workload.answererOf(0, request);
  if (client === undefined || answerer === undefined) return [];
  const values = workload.values(client, random);
  const base = { atMs: 0, version: 0, request, values, actual: answerer, twin: answerer };
  return [{ ...base, statement: -1, flight: null, step: -1 }];
}

/** Rows of the seed in turn, each under every second key, so that half of the keys are taken. */
function copySql(table: Table, rows: number): string {
  const key = copyKey(table);
  const columns = table.columns.filter((c) => !c.generated).map((c) => c.name);
  const selected = columns.map((name) => (name === key?.name ? key.expression : `s.${quoteIdent(name)}`));
  const target = `${quoteIdent(table.schema)}.${quoteIdent(table.relation)}`;
  return `INSERT INTO ${target} (${columns.map(quoteIdent).join(', ')}) OVERRIDING SYSTEM VALUE
    SELECT ${selected.join(', ')} FROM (SELECT *, row_number() OVER () AS cutover_n, count(*) OVER () AS cutover_all FROM ${target}) s
    JOIN generate_series(1, ${rows * keysPerRow}, ${keysPerRow}) g ON (g / ${keysPerRow}) % s.cutover_all = s.cutover_n - 1
    ON CONFLICT DO NOTHING`;
}

/** Rows of every table as the run begins. */
export async function countTables(
  player: Player,
  plan: Plan,
  catalog: Catalog,
  growth: Growth,
  moment: Moment,
): Promise<Recording['tables']> {
  const copied = new Set(growth.copied.map((t) => t.name));
  const tables: Recording['tables'] = [];
  for (const { name, schema, relation, partitionOf } of catalog.tables) {
    if (partitionOf !== null) continue;
    const counted = await player.script([`SELECT count(*) FROM ${quoteIdent(schema)}.${quoteIdent(relation)}`], moment);
    const rows = counted.ok ? Number(counted.rows[0]?.[0]?.[0] ?? 0) : 0;
    const made = growth.byRequests.has(name) ? 'by requests' : copied.has(name) ? 'from the seed' : 'the seed';
    const stated = plan.production.get(name)?.rows;
    tables.push({ name, rows, made, production: stated ?? assumedRows, stated: stated !== undefined });
  }
  return tables;
}
