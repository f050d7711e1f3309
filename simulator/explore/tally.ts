/**
 * How often each request ran at each position, and how its answers compared with the reference's. A state is evaluated again
 * until nothing is missing any more, so what is counted of it is kept only once that is over. A search counts millions: there
 * are no keys.
 */
import type { Plan } from '../plan/model.ts';

/** For each version's request: how often it ran, and how many answers were as the reference's, and how many were not. */
const slots = 3;

export class Tally {
  private readonly places = new Map<string, ReadonlyMap<string, number>>();
  /** Of the state that is being evaluated. */
  private readonly now: Uint32Array;
  /** Of all states, position by position. */
  private readonly kept: Float64Array;

  constructor({ versions }: Plan, positions: number) {
    let size = 0;
    for (const { name, requests } of versions) {
      const start = size;
      this.places.set(name, new Map([...requests.keys()].map((request, i) => [request, start + i * slots])));
      size += requests.size * slots;
    }
    this.now = new Uint32Array(size);
    this.kept = new Float64Array(positions * size);
  }

  /** Forgets what was counted since the last `keep`. */
  begin(): void {
    this.now.fill(0);
  }

  ran(version: string, request: string): void {
    this.add(version, request, 0);
  }

  compared(version: string, request: string, isRight: boolean): void {
    this.add(version, request, isRight ? 1 : 2);
  }

  private add(version: string, request: string, slot: number): void {
    const at = this.places.get(version)?.get(request);
    if (at !== undefined) this.now[at + slot] = (this.now[at + slot] ?? 0) + 1;
  }

  /** `forward`: the state is one of the way forward, whose answers are told by position. */
  keep(position: number, forward: boolean): void {
    const { now, kept } = this;
    const start = position * now.length;
    const step = forward ? 1 : slots;
    for (let i = 0; i < now.length; i += step) kept[start + i] = (kept[start + i] ?? 0) + (now[i] ?? 0);
  }

  of(position: number, version: string, request: string): { ran: number; held: number; broken: number } {
    const place = this.places.get(version)?.get(request);
    if (place === undefined) return { ran: 0, held: 0, broken: 0 };
    const at = position * this.now.length + place;
    return { ran: this.kept[at] ?? 0, held: this.kept[at + 1] ?? 0, broken: this.kept[at + 2] ?? 0 };
  }
}
