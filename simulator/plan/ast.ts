/** Small helpers for libpg-query's JSON trees, where a node is `{ Tag: { … } }`, or bare where its type is fixed. */
import type { TableRef } from './model.ts';

export type Node = Readonly<Record<string, unknown>>;

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The body of `{ [tag]: body }`, or null. */
export function body(value: unknown, tag: string): Node | null {
  if (!isNode(value)) return null;
  const inner = value[tag];
  return isNode(inner) ? inner : null;
}

/** Tag and body of a wrapped node. */
export function tagged(value: unknown): { readonly tag: string; readonly body: Node } | null {
  if (!isNode(value)) return null;
  const [entry, ...rest] = Object.entries(value);
  if (entry === undefined || rest.length > 0 || !isNode(entry[1])) return null;
  return { tag: entry[0], body: entry[1] };
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The texts of a list of `String` nodes; null stands for a star or anything else. */
export function strings(value: unknown): readonly (string | null)[] {
  return list(value).map((item) => text(body(item, 'String')?.['sval']));
}

/** A RangeVar's table. */
export function tableRef(range: Node): TableRef | null {
  const table = text(range['relname']);
  return table === null ? null : { schema: text(range['schemaname']), table };
}

/** Looks through casts and COLLATE, which change how a value is read, not where it comes from. */
export function throughCasts(value: unknown): unknown {
  const inner = body(value, 'TypeCast') ?? body(value, 'CollateClause');
  return inner === null ? value : throughCasts(inner['arg']);
}
