/**
 * Values of parameters: those of the plan's domains, widened to a larger key space. Keys of tables that grow are
 * drawn from all of it; texts and numbers that nothing restricts get more values; what the plan states is left as it is.
 */
import { freshByType, type ParamDomain } from '../explore/domain.ts';
import type { Value } from '../plan/model.ts';
import type { Random } from './random.ts';

export type Draw = (random: Random) => Value;

const integerTypes = new Set(['int2', 'int4', 'int8', 'numeric', 'oid']);
const textTypes = new Set(['text', 'varchar', 'bpchar', 'citext', 'name']);
const largestSmallint = 32_000;

/** The n-th key of a type; null for types whose keys are not made up. */
export function keyValue(type: string, n: number): string | null {
  if (integerTypes.has(type)) return String(type === 'int2' ? n % largestSmallint : n);
  if (textTypes.has(type)) return `k${n}`;
  if (type === 'uuid') return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
  return null;
}

/** The same as an SQL expression over an integer column. */
export function keyExpression(type: string, n: string): string | null {
  if (integerTypes.has(type)) return type === 'int2' ? `(${n} % ${largestSmallint})::int2` : `${n}::${type}`;
  if (textTypes.has(type)) return `'k' || ${n}`;
  if (type === 'uuid') return `('00000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
  return null;
}

/** Every so many draws of a key take one that the seed has. */
const seedShare = 0.02;

export function drawer(domain: ParamDomain, keys: number, grows: (table: string) => boolean): Draw {
  const { values, stated, type } = domain;
  if (values.length === 0) return () => null;
  const any: Draw = (random) => random.pick(values);
  if (stated) return any;
  if (domain.key) {
    if (domain.keyTable === null || !grows(domain.keyTable) || keyValue(type, 1) === null) return any;
    return (random) => (random.fraction() < seedShare ? any(random) : keyValue(type, random.integer(1, keys)));
  }
  const fresh = freshByType[type];
  // Labels of an enum, or what a CHECK allows: there are no more.
  const free = fresh !== undefined && fresh.every((v) => values.includes(v));
  if (!free) return any;
  if (textTypes.has(type)) return often(any, (random) => `${random.pick(fresh)}${random.integer(1, keys)}`);
  if (type === 'numeric') return often(any, (random) => (random.integer(0, 4000) / 4).toFixed(2));
  if (integerTypes.has(type)) return often(any, (random) => String(random.integer(0, 1000)));
  return any;
}

function often(seldom: Draw, mostly: Draw): Draw {
  return (random) => (random.fraction() < 0.1 ? seldom(random) : mostly(random));
}
