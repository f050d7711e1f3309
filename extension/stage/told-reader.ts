/**
 * Histories that come from outside: a link, a saved lesson, what another version of this extension has remembered. What is
 * not exactly as it should be is none. Knows no editor, so that it can be tested alone.
 */
import type { ForkCommand } from '../../simulator/player/model.ts';
import type { Told, ToldFork } from './told.ts';

/** More than any history that is of use. */
const most = { name: 200, forks: 32, sql: 10_000, params: 100, number: 1_000_000 } as const;

export function readTold(value: unknown): Told | null {
  if (!isRecord(value)) return null;
  const { finding = null, forks = [], at } = value;
  const read = readForks(forks);
  if (read === null || !(finding === null || isName(finding)) || !isRecord(at)) return null;
  const { history, moment, probe } = at;
  const isPlace = isNumber(history) && isNumber(moment) && (probe === null || isNumber(probe));
  return isPlace && history === read.length ? { finding, forks: read, at: { history, moment, probe } } : null;
}

export function readForks(value: unknown): readonly ToldFork[] | null {
  if (!Array.isArray(value) || value.length > most.forks) return null;
  const forks = value.map(readFork);
  return forks.every((fork) => fork !== null) ? forks : null;
}

function readFork(value: unknown): ToldFork | null {
  if (!isRecord(value) || !hasOnly(value, ['moment', 'command'])) return null;
  const { moment } = value;
  const command = readCommand(value['command']);
  return isNumber(moment) && command !== null ? { moment, command } : null;
}

function readCommand(value: unknown): ForkCommand | null {
  if (!isRecord(value)) return null;
  const { kind, version, request, params, sql } = value;
  switch (kind) {
    case 'rollback':
      return hasOnly(value, ['kind']) ? { kind } : null;
    case 'straggler':
      return hasOnly(value, ['kind', 'version']) && isName(version) ? { kind, version } : null;
    case 'sql':
      return hasOnly(value, ['kind', 'sql']) && isSql(sql) ? { kind, sql } : null;
    case 'request':
      if (!hasOnly(value, ['kind', 'version', 'request', 'params'])) return null;
      return isName(version) && isName(request) && isParams(params) ? { kind, version, request, params } : null;
    default:
      return null;
  }
}

function isParams(value: unknown): value is Record<string, string | null> {
  if (!isRecord(value)) return false;
  const entries = Object.entries(value);
  const isValue = (each: unknown) => each === null || (typeof each === 'string' && each.length <= most.sql);
  return entries.length <= most.params && entries.every(([name, each]) => isName(name) && isValue(each));
}

function isSql(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= most.sql;
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most.name && isPlain(value);
}

/** No control codes, and none of what turns the direction of text around. */
export function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < most.number;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function hasOnly(value: object, names: readonly string[]): boolean {
  return Object.keys(value).every((key) => names.includes(key));
}
