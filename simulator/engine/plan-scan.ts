/**
 * Tables that a query reads from end to end in the order of an index. The counters of use can't tell that from
 * a look at one row, so the plan is asked: an index scan that has no condition, and no LIMIT to stop it.
 */
import type { Database } from './database.ts';
import type { Reply } from './protocol.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Relation Name'?: string;
  readonly Schema?: string;
  readonly Plans?: readonly PlanNode[];
}

export interface IndexWalk {
  readonly schema: string;
  readonly relname: string;
  readonly index: string;
}

/** The command tags of what EXPLAIN takes. */
const planned = /^(SELECT|INSERT|UPDATE|DELETE|MERGE)\b/;

export function fullIndexScans(db: Database, sql: string, reply: Reply): IndexWalk[] {
  if (reply.error !== null || !planned.test(reply.tag)) return [];
  if (reply.inTransaction) db.query('SAVEPOINT cutover_explain');
  const explained = db.attempt(`EXPLAIN (FORMAT JSON, VERBOSE, COSTS OFF) ${sql}`);
  // CREATE TABLE AS, which has made its table by now.
  if (reply.inTransaction) {
    db.query(`${explained.error === null ? '' : 'ROLLBACK TO cutover_explain;'}RELEASE cutover_explain`);
  }
  const text = explained.rows?.[0]?.[0];
  if (explained.error !== null || text === null || text === undefined) return [];
  return (JSON.parse(text) as { Plan?: PlanNode }[]).flatMap(({ Plan }) => (Plan === undefined ? [] : walksIn(Plan)));
}

function walksIn(node: PlanNode): IndexWalk[] {
  if (node['Node Type'] === 'Limit') return [];
  const below = (node.Plans ?? []).flatMap(walksIn);
  const { 'Index Name': index, 'Relation Name': relname, Schema: schema } = node;
  if (index === undefined || relname === undefined || schema === undefined) return below;
  return node['Index Cond'] === undefined ? [...below, { schema, relname, index }] : below;
}
