/**
 * The schemas that the engine has seen, and how to get back to each: a graph whose edges are statements
 * with a content on which they worked. It is plain data, so that it outlives the thread.
 */
import type { Captured } from './capture.ts';
import type { Content, RunOptions, SchemaId } from './engine.ts';

export interface Base {
  readonly schema: readonly string[];
  readonly id: SchemaId;
}

export interface Edge {
  readonly from: SchemaId;
  readonly to: SchemaId;
  readonly statements: readonly string[];
  readonly transactional: boolean;
  readonly sample: Content;
  readonly options: RunOptions;
}

export interface KnownSchemas {
  base: Base | null;
  /** Digest → handle. */
  ids: Record<string, SchemaId>;
  edges: Edge[];
  /** Handles of schemas in which tables are captured: of which schema they are. */
  captures: Record<SchemaId, { readonly of: SchemaId; readonly tables: readonly Captured[] }>;
  nextId: SchemaId;
}

export function noSchemas(): KnownSchemas {
  return { base: null, ids: {}, edges: [], captures: {}, nextId: 1 };
}

/** The fewest edges from one schema to another; null when there is no way. */
export function findPath(edges: readonly Edge[], from: SchemaId, to: SchemaId): readonly Edge[] | null {
  const cameBy = new Map<SchemaId, Edge | null>([[from, null]]);
  const queue = [from];
  for (const schema of queue) {
    if (schema === to) return trace(cameBy, to);
    for (const edge of edges) {
      if (edge.from !== schema || cameBy.has(edge.to)) continue;
      cameBy.set(edge.to, edge);
      queue.push(edge.to);
    }
  }
  return null;
}

function trace(cameBy: ReadonlyMap<SchemaId, Edge | null>, to: SchemaId): Edge[] {
  const path: Edge[] = [];
  for (let edge = cameBy.get(to); edge; edge = cameBy.get(edge.from)) path.unshift(edge);
  return path;
}
