/**
 * The standard alternative to a statement that works under a strong lock, written from its parse tree. What
 * is proposed here is a guess until the engine has confirmed it: alternatives-confirm.ts.
 */
import type { IndexStmt, Node } from '@pgsql/types';
import type { Catalog } from '../engine/engine.ts';
import type { Statement } from '../plan/model.ts';
import { batched } from './alternatives-batches.ts';
import { partitionedIndex } from './alternatives-partition.ts';
import { alterTableAlternatives, isFilledByPostgres } from './alternatives-table.ts';
import { alone, backfill, migrate, other, parseOne, tableOf, write } from './alternatives-tree.ts';
import type { Alternative } from './alternatives-tree.ts';

/** Best first. The last asks only that the statement gives up soon when it has to wait. */
export function alternatives(statement: Statement, catalog: Catalog): readonly Alternative[] {
  // With parameters it is a backfill's batch already.
  // Names of another database are not found where the proposal is made.
  if (statement.database !== null || statement.pieces.some(({ kind }) => kind !== 'text')) return [];
  const tree = parseOne(statement.text);
  if (tree === null) return [];
  return [...ofStatement(tree, catalog), ...(waitsForLocks(tree) ? [givesUp(statement)] : [])];
}

function ofStatement(tree: Node, catalog: Catalog): readonly Alternative[] {
  if ('AlterTableStmt' in tree) return alterTableAlternatives(tree.AlterTableStmt, catalog);
  if ('IndexStmt' in tree) return createIndex(tree.IndexStmt, catalog);
  if ('DropStmt' in tree) {
    const { removeType, objects = [], concurrent } = tree.DropStmt;
    if (removeType !== 'OBJECT_INDEX' || concurrent === true) return [];
    const drops = objects.map((object) =>
      write({ DropStmt: { ...tree.DropStmt, objects: [object], concurrent: true } }),
    );
    return [other('Drop the index concurrently', drops.map(alone))];
  }
  if ('ReindexStmt' in tree) {
    const { params = [] } = tree.ReindexStmt;
    const concurrently: Node = { DefElem: { defname: 'concurrently', defaction: 'DEFELEM_UNSPEC' } };
    if (params.some((each) => 'DefElem' in each && each.DefElem.defname === 'concurrently')) return [];
    const reindex = write({ ReindexStmt: { ...tree.ReindexStmt, params: [...params, concurrently] } });
    return [other('Rebuild concurrently', [alone(reindex)])];
  }
  if ('RefreshMatViewStmt' in tree) {
    const refresh = tree.RefreshMatViewStmt;
    if (refresh.concurrent === true || refresh.skipData === true) return [];
    const sql = write({ RefreshMatViewStmt: { ...refresh, concurrent: true } });
    return [other('Refresh concurrently', [migrate(sql)])];
  }
  return inBatches(tree, catalog);
}

function createIndex(index: IndexStmt, catalog: Catalog): readonly Alternative[] {
  if (index.concurrent === true) return [];
  const table = tableOf(catalog, index.relation);
  if (table?.partitioned === true) {
    return index.relation?.inh === true ? partitionedIndex(catalog, table, index) : [];
  }
  const sql = write({ IndexStmt: { ...index, concurrent: true } });
  return [other('Build the index concurrently', [alone(sql)])];
}

function inBatches(tree: Node, catalog: Catalog): readonly Alternative[] {
  const body = 'UpdateStmt' in tree ? tree.UpdateStmt : 'DeleteStmt' in tree ? tree.DeleteStmt : null;
  const table = tableOf(catalog, body?.relation);
  const batch = table === null ? null : batched(table, tree);
  return batch === null ? [] : [other('In batches, as a backfill', [backfill(batch)])];
}

const doesNotWait = ['VariableSetStmt', 'VariableShowStmt', 'TransactionStmt'];

function waitsForLocks(tree: Node): boolean {
  return !doesNotWait.some((tag) => tag in tree);
}

function givesUp({ text, transactional }: Statement): Alternative {
  const set = `SET lock_timeout = '2s'`;
  return {
    title: 'Give up soon when the lock is not free, and try again',
    onlyLockTimeout: true,
    steps: [{ kind: 'migrate', statements: [set, text], transactional }],
  };
}

const expandContract = 'add the new one beside it, write both, backfill, switch reads, then drop the old one';

/** One sentence for a statement that has no alternative of its own; null where there is nothing to say. */
export function adviceFor(statement: Statement): string | null {
  const tree = parseOne(statement.text);
  if (tree === null) return null;
  if ('RenameStmt' in tree) {
    return `A rename breaks every version that knows the old name: ${expandContract}.`;
  }
  if ('ClusterStmt' in tree) return copies('CLUSTER');
  if ('VacuumStmt' in tree) {
    const full = (tree.VacuumStmt.options ?? []).some((each) => 'DefElem' in each && each.DefElem.defname === 'full');
    return full ? copies('VACUUM FULL') : null;
  }
  if ('RefreshMatViewStmt' in tree) {
    return 'REFRESH … CONCURRENTLY lets readers go on; it needs a unique index on columns of the materialized view.';
  }
  return 'AlterTableStmt' in tree ? tableAdvice(tree.AlterTableStmt.cmds ?? []) : null;
}

function copies(command: string): string {
  return `${command} copies the table under a lock that stops reads and writes: do it in an announced window, or copy into a new table by ${expandContract}.`;
}

function tableAdvice(nodes: readonly Node[]): string | null {
  for (const node of nodes) {
    if (!('AlterTableCmd' in node)) continue;
    const { subtype, def } = node.AlterTableCmd;
    if (subtype === 'AT_AlterColumnType') return `A change of type may copy the table: ${expandContract}.`;
    if (subtype === 'AT_AddColumn' && def !== undefined && 'ColumnDef' in def && isFilledByPostgres(def.ColumnDef)) {
      return 'Postgres fills such a column by copying the table: add a plain one that may be NULL, write it from the app or a trigger, and backfill.';
    }
  }
  return null;
}
