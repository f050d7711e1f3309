/** Random numbers of a run: the same seed gives the same numbers, on every machine. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Random {
  private readonly generator;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed | 0);
  }

  /** A whole number, both ends included. */
  integer(from: number, to: number): number {
    return uniformInt(this.generator, from, to);
  }

  /** In [0, 1). */
  fraction(): number {
    return (this.generator.next() >>> 0) / 2 ** 32;
  }

  /** Time until the next of events that come independently of each other, so many per unit of time. */
  gap(rate: number): number {
    return -Math.log(1 - this.fraction()) / rate;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
