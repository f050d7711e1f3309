/**
 * What the forecast counts with: rates and sizes that a plan may state, and what is assumed where it does
 * not. Every estimate names the assumptions it stands on. Sources are in docs/forecast.md.
 */
import type { ForecastKey, ForecastSettings } from '../plan/model.ts';

const mebibyte = 2 ** 20;

/** Bytes, rows, milliseconds; rates per second. */
export const assumed: Readonly<Record<ForecastKey, number>> = {
  scan: 125 * mebibyte,
  rewrite: 40 * mebibyte,
  'index-build': 500_000,
  validate: 2_000_000,
  'validate-foreign-key': 500_000,
  write: 20_000,
  replay: 60 * mebibyte,
  'row-size': 200,
  'index-row-size': 40,
  rows: 10_000_000,
  reads: 100,
  writes: 10,
  'request-time': 2,
  'request-timeout': 10_000,
  pool: 100,
  'slow-query': 5_000,
  retries: 3,
  'retry-pause': 10_000,
  'max-block': 1_000,
  factor: 3,
};

/** Statements that do not grow with a table take about this long, planning and commit included. */
export const constantMs = 5;

/** A value that an estimate stands on. */
export interface Assumption {
  /** `rate scan`, `rows of users`: what is assumed. */
  readonly name: string;
  readonly value: number;
  /** True when the plan says so; false when Cutover assumed it. */
  readonly stated: boolean;
}

/** An estimate with its range. Equal ends: it was not estimated, but is about constant. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly assumptions: readonly Assumption[];
}

export const nothing: Estimate = { value: 0, low: 0, high: 0, assumptions: [] };

export function constant(value: number): Estimate {
  return { value, low: value, high: value, assumptions: [] };
}

export function sum(estimates: readonly Estimate[]): Estimate {
  return estimates.reduce(
    (a, b) => ({
      value: a.value + b.value,
      low: a.low + b.low,
      high: a.high + b.high,
      assumptions: union(a.assumptions, b.assumptions),
    }),
    nothing,
  );
}

/** The longer of two things that go on at once. */
export function longest(a: Estimate, b: Estimate): Estimate {
  return b.value > a.value ? b : a;
}

export function scaled(estimate: Estimate, by: number, assumptions: readonly Assumption[] = []): Estimate {
  return {
    value: estimate.value * by,
    low: estimate.low * by,
    high: estimate.high * by,
    assumptions: union(estimate.assumptions, assumptions),
  };
}

export function union(a: readonly Assumption[], b: readonly Assumption[]): readonly Assumption[] {
  return b.length === 0 ? a : [...a, ...b.filter((each) => a.every((known) => known.name !== each.name))];
}

export class Rates {
  constructor(private readonly settings: ForecastSettings) {}

  of(key: ForecastKey): number {
    return this.settings[key] ?? assumed[key];
  }

  assumption(key: ForecastKey): Assumption {
    return { name: key, value: this.of(key), stated: this.settings[key] !== undefined };
  }

  /** Milliseconds that an amount takes at a rate. */
  time(amount: number, key: ForecastKey, assumptions: readonly Assumption[]): Estimate {
    return this.ranged((amount / this.of(key)) * 1000, union(assumptions, [this.assumption(key)]));
  }

  /** Hardware, caches and load differ from server to server: both ways by the same factor. */
  ranged(value: number, assumptions: readonly Assumption[]): Estimate {
    const factor = this.of('factor');
    return { value, low: value / factor, high: value * factor, assumptions };
  }
}
