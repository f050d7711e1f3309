/**
 * Tables that a query reads from end to end in the order of an index. The counters of use can't tell that from
 * a look at one row, so the plan is asked: an index scan that has no condition, and no LIMIT to stop it; or one that
 * looks up, for each row of a whole table, as many as there may be.
 */
import { quoteLiteral } from './catalog.ts';
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
  const plans = (JSON.parse(text) as { Plan?: PlanNode }[]).flatMap(({ Plan }) => Plan ?? []);
  return [...plans.flatMap(walksIn), ...ofMany(db, plans.flatMap(lookupsIn))];
}

function walksIn(node: PlanNode): IndexWalk[] {
  if (node['Node Type'] === 'Limit') return [];
  const below = (node.Plans ?? []).flatMap(walksIn);
  const walk = walkOf(node, node);
  return walk === null || node['Index Cond'] !== undefined ? below : [...below, walk];
}

function walkOf({ 'Relation Name': relname, Schema: schema }: PlanNode, by: PlanNode): IndexWalk | null {
  const { 'Index Name': index } = by;
  return index === undefined || relname === undefined || schema === undefined ? null : { schema, relname, index };
}

/** Looked up for each row of a table that is read as a whole. */
function lookupsIn(node: PlanNode): IndexWalk[] {
  const [outer, ...inner] = node.Plans ?? [];
  const below = (node.Plans ?? []).flatMap(lookupsIn);
  if (node['Node Type'] !== 'Nested Loop' || outer === undefined || !readsAll(outer)) return below;
  return [...below, ...inner.flatMap(lookedUp)];
}

function readsAll(node: PlanNode): boolean {
  if (node['Node Type'] === 'Limit') return false;
  if (node['Node Type'] === 'Seq Scan' || walksIn(node).length > 0) return true;
  return (node.Plans ?? []).some(readsAll);
}

function lookedUp(node: PlanNode): IndexWalk[] {
  const below = node.Plans ?? [];
  if (node['Node Type'] === 'Bitmap Heap Scan') return below.flatMap((by) => walkOf(node, by) ?? []);
  const walk = walkOf(node, node);
  return [...(walk === null || node['Index Cond'] === undefined ? [] : [walk]), ...below.flatMap(lookedUp)];
}

/** Those by an index that may have more than one row for what is looked up: all of the table, taken together. */
function ofMany(db: Database, lookups: readonly IndexWalk[]): IndexWalk[] {
  if (lookups.length === 0) return [];
  const { rows } = db.query(`
    SELECT n.nspname, c.relname FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indisunique AND i.indnkeyatts = 1 AND c.relname IN (${lookups.map((l) => quoteLiteral(l.index)).join(',')})`);
  const ofOne = new Set((rows ?? []).map((row) => JSON.stringify(row)));
  return lookups.filter(({ schema, index }) => !ofOne.has(JSON.stringify([schema, index])));
}
