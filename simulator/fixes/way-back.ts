/** Ways back of the steps that an alternative is made of, each to the step before it. As all of a fix they are tried, not trusted. */
import type { AlterTableCmd, Node, RangeVar } from '@pgsql/types';
import { alone, alterTable, migrate, parseOne, write, type AlternativeStep } from '../traffic/alternatives-tree.ts';

type Way = readonly AlternativeStep[];

/** Null where a step has none that is known. A backfill needs none. */
export function wayBackOf(steps: readonly AlternativeStep[]): readonly Way[] | null {
  const ways: Way[] = [];
  const added = new Map<string, string>();
  for (const step of steps) {
    if (step.kind === 'backfill') {
      ways.push([]);
      continue;
    }
    const commands = step.statements.map(commandsOf);
    if (commands.includes(null)) return null;
    const undone: string[] = [];
    const prepared: AlternativeStep[] = [];
    const after: AlternativeStep[] = [];
    for (const [i, each] of commands.entries()) {
      const sql = step.statements[i] ?? '';
      const back = each === null ? null : inverse(each, sql, added);
      if (back === null) return null;
      undone.unshift(...back.statements);
      prepared.push(...back.before);
      after.push(...back.after);
    }
    ways.push([...prepared, ...(step.transactional ? [migrate(...undone)] : undone.map(alone)), ...after]);
  }
  return ways;
}

interface Parsed {
  readonly relation: RangeVar | null;
  readonly commands: readonly AlterTableCmd[];
  /** An index that is built. */
  readonly index: { readonly name: string; readonly schema: string | null } | null;
}

function commandsOf(sql: string): Parsed | null {
  const tree = parseOne(sql);
  if (tree === null) return null;
  if ('IndexStmt' in tree) {
    const { idxname, relation } = tree.IndexStmt;
    if (idxname === undefined) return null;
    return { relation: null, commands: [], index: { name: idxname, schema: relation?.schemaname ?? null } };
  }
  if (!('AlterTableStmt' in tree) || tree.AlterTableStmt.relation === undefined) return null;
  const commands = (tree.AlterTableStmt.cmds ?? []).flatMap((node) =>
    'AlterTableCmd' in node ? [node.AlterTableCmd] : [],
  );
  return { relation: tree.AlterTableStmt.relation, commands, index: null };
}

interface Inverse {
  readonly statements: readonly string[];
  /** Steps that have to come before, on their own. */
  readonly before: Way;
  readonly after: Way;
}

function plainly(...statements: readonly string[]): Inverse {
  return { statements, before: [], after: [] };
}

function inverse({ relation, commands, index }: Parsed, sql: string, added: Map<string, string>): Inverse | null {
  if (index !== null) {
    added.set(index.name, sql);
    return plainly(dropIndex(index.name, index.schema));
  }
  if (relation === null) return null;
  const found = commands.map((command) => inverseOf(relation, command, sql, added));
  if (found.includes(null)) return null;
  const all = found.flatMap((each) => each ?? []);
  const of = <K extends keyof Inverse>(key: K) => all.flatMap((each) => each[key] as readonly Inverse[K][number][]);
  return { statements: of('statements'), before: of('before'), after: of('after') };
}

function inverseOf(
  relation: RangeVar,
  { subtype, name = '', def }: AlterTableCmd,
  sql: string,
  added: Map<string, string>,
): Inverse | null {
  const drop = (constraint: string) => alterTable(relation, { subtype: 'AT_DropConstraint', name: constraint });
  switch (subtype) {
    case 'AT_AddConstraint': {
      const constraint = def !== undefined && 'Constraint' in def ? def.Constraint : {};
      const { conname = '', indexname } = constraint;
      if (indexname === undefined) added.set(conname, sql);
      if (conname === '') return null;
      const built = indexname === undefined ? undefined : added.get(indexname);
      // An index that has become a constraint goes with it.
      if (indexname !== undefined) {
        return built === undefined ? null : { statements: [drop(conname)], before: [], after: [alone(built)] };
      }
      return plainly(drop(conname));
    }
    case 'AT_ValidateConstraint': {
      const add = added.get(name);
      return add === undefined ? null : plainly(drop(name), add);
    }
    case 'AT_SetNotNull':
      return plainly(alterTable(relation, { subtype: 'AT_DropNotNull', name }));
    case 'AT_DropConstraint': {
      const add = added.get(name);
      const validate = alterTable(relation, { subtype: 'AT_ValidateConstraint', name });
      return add === undefined ? null : { statements: [], before: [migrate(add), migrate(validate)], after: [] };
    }
    case 'AT_AddColumn': {
      const column = def !== undefined && 'ColumnDef' in def ? (def.ColumnDef.colname ?? '') : '';
      return plainly(alterTable(relation, { subtype: 'AT_DropColumn', name: column, behavior: 'DROP_RESTRICT' }));
    }
    case 'AT_ColumnDefault':
      // Goes with the column that the same step adds.
      return def === undefined ? null : plainly();
    default:
      return null;
  }
}

function dropIndex(name: string, schema: string | null): string {
  const path: Node[] = [...(schema === null ? [] : [{ String: { sval: schema } }]), { String: { sval: name } }];
  const list: Node = { List: { items: path } };
  return write({
    DropStmt: { objects: [list], removeType: 'OBJECT_INDEX', behavior: 'DROP_RESTRICT', concurrent: true },
  });
}

/** What a step does, for its name. */
export function deedOf({ kind, statements }: AlternativeStep): string {
  if (kind === 'backfill') return 'filled in batches';
  const commands = statements.flatMap((sql) => commandsOf(sql)?.commands ?? []);
  if (commands.some(({ subtype }) => subtype === 'AT_ValidateConstraint')) return 'validated';
  return commands.some(({ subtype }) => subtype === 'AT_SetNotNull') ? 'NOT NULL' : 'done';
}
