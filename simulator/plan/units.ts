/** Numbers with units, as people write them: `100M`, `200 GB`, `3000/s`, `50ms`. */

/** The forms, for the validator and for the JSON Schema. */
export const forms = {
  count: { pattern: /^\d[\d_]*(\.\d+)?\s*[kKmMgGbB]?$/, expected: 'a number of rows such as `1000`, `250k` or `100M`' },
  size: { pattern: /^\d[\d_]*(\.\d+)?\s*([kKmMgGtTpP]i?)?[bB]?$/, expected: 'a size such as `200 GB`' },
  rate: {
    pattern: /^\d[\d_]*(\.\d+)?\s*[kKmM]?\s*(\/\s*(s|sec|second|min|minute|h|hour))?$/,
    expected: 'a rate such as `3000/s`',
  },
  throughput: {
    pattern: /^\d[\d_]*(\.\d+)?\s*([kKmMgGtT]i?)?[bB]?\s*(\/\s*(s|sec|second|min|minute|h|hour))?$/,
    expected: 'an amount of data in a time such as `200 MB/s`',
  },
  duration: { pattern: /^\d[\d_]*(\.\d+)?\s*(ms|s|sec|m|min|h)?$/, expected: 'a time such as `50ms` or `1s`' },
} as const;

const counts: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, b: 1e9 };
const sizes: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };
const durations: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1e3, sec: 1e3, m: 6e4, min: 6e4, h: 3.6e6 };
const periods: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  sec: 1,
  second: 1,
  min: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
};

interface Amount {
  readonly value: number;
  readonly unit: string;
}

/** A number and what is behind it. */
function amount(text: string): Amount | null {
  const match = /^(\d[\d_]*(?:\.\d+)?(?:e\+?\d+)?)\s*(.*)$/i.exec(text.trim());
  if (match === null) return null;
  return { value: Number((match[1] ?? '').replaceAll('_', '')), unit: (match[2] ?? '').toLowerCase() };
}

function scaled(
  text: string,
  units: Readonly<Record<string, number>>,
  normal: (unit: string) => string,
): number | null {
  const found = amount(text);
  const factor = found === null ? undefined : units[normal(found.unit)];
  return found === null || factor === undefined || !Number.isFinite(found.value) ? null : found.value * factor;
}

export const parseCount = (text: string): number | null => scaled(text, counts, (unit) => unit);
/** In bytes; a kilobyte is 1024, as `pg_size_pretty` has it. */
export const parseSize = (text: string): number | null => scaled(text, sizes, (unit) => unit.replace(/i?b?$/, ''));
/** In milliseconds. */
export const parseDuration = (text: string): number | null => scaled(text, durations, (unit) => unit);

/** Per second. */
export const parseRate = (text: string): number | null => perSecond(text, parseCount);
/** Bytes per second. */
export const parseThroughput = (text: string): number | null => perSecond(text, parseSize);

function perSecond(text: string, parse: (amount: string) => number | null): number | null {
  const [count = '', period = ''] = text.split('/');
  const value = parse(count);
  const seconds = periods[period.trim().toLowerCase()];
  return value === null || seconds === undefined ? null : value / seconds;
}
