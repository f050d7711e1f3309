/** Which scalars of a plan are SQL, and what may stand in each. */
import type { Path } from './tree.ts';

export type SqlPlace =
  /** The schema, the seed, a migration: no parameters. */
  | { readonly kind: 'script' }
  | { readonly kind: 'request'; readonly version: string; readonly request: string }
  /** A boolean expression over the columns of the answer. */
  | { readonly kind: 'accepts'; readonly version: string; readonly request: string }
  | { readonly kind: 'backfill'; readonly parameters: readonly string[] }
  /** What a script of a backfill writes: the columns of the row that was read are its parameters. */
  | { readonly kind: 'write'; readonly owner: Path }
  /** What a stream runs for a change: the rows before and after it have names. */
  | { readonly kind: 'stream'; readonly owner: Path; readonly rows: readonly ('new' | 'old')[] }
  | { readonly kind: 'check' };

const sqlOfDatabase: readonly unknown[] = ['schema', 'seed'];

export function sqlPlace(path: Path): SqlPlace | null {
  const [section, name, key, ...rest] = path;
  if (section === 'database') return path.length === 2 && sqlOfDatabase.includes(name) ? { kind: 'script' } : null;
  if (section === 'versions') return requestPlace(name, key, rest);
  if (section === 'steps' && typeof name === 'number') return stepPlace(path.slice(0, 2), path.slice(2));
  return null;
}

function requestPlace(version: unknown, request: unknown, rest: Path): SqlPlace | null {
  if (typeof version !== 'string' || typeof request !== 'string') return null;
  if (request === 'extends' || request === 'params') return null;
  const last = rest.findLast((step) => typeof step === 'string');
  if (last === 'accepts') return { kind: 'accepts', version, request };
  return last === undefined || last === 'sql' ? { kind: 'request', version, request } : null;
}

function stepPlace(owner: Path, [key, ...rest]: Path): SqlPlace | null {
  switch (key) {
    case 'migrate':
      return rest.length === 0 ? { kind: 'script' } : null;
    case 'rollback':
      if (rest.length === 0) return { kind: 'script' };
      return typeof rest[0] === 'number' ? stepPlace([...owner, 'rollback', rest[0]], rest.slice(1)) : null;
    case 'backfill':
      if (rest[0] === 'write') return { kind: 'write', owner };
      if (rest[0] === 'read') return { kind: 'backfill', parameters: ['batch'] };
      return rest[0] === 'file' ? null : { kind: 'backfill', parameters: ['batch', 'from', 'to'] };
    case 'verify':
      return typeof rest[0] === 'number' && (rest[1] === 'equal' || rest[1] === 'empty') && rest.at(-1) !== 'file'
        ? { kind: 'check' }
        : null;
    case 'cdc': {
      const rows = typeof rest[0] === 'string' && rest.length === 1 ? rowsOf[rest[0]] : undefined;
      return rows === undefined ? null : { kind: 'stream', owner, rows };
    }
    default:
      return null;
  }
}

const rowsOf: Readonly<Record<string, readonly ('new' | 'old')[]>> = {
  insert: ['new'],
  update: ['new', 'old'],
  delete: ['old'],
};
