/** Results that are asked for before they are known: noted, computed together, and asked for again. */
import type { SchemaId } from '../engine/engine.ts';
import type { CallId, ContentId, Need, Result, Transitions } from './transitions.ts';

export class Wants {
  private missing: Need[] = [];

  constructor(private readonly transitions: Transitions) {}

  /** A result, or null after noting that it has to be computed. */
  readonly want = (schema: SchemaId, content: ContentId, call: CallId): Result | null => {
    const known = this.transitions.find(schema, content, call);
    if (known !== undefined) return known;
    this.missing.push({ schema, content, call });
    return null;
  };

  /** How many were noted since the last `compute`. */
  get count(): number {
    return this.missing.length;
  }

  /** Computes all that was noted. */
  async compute(): Promise<void> {
    const needs = this.missing;
    this.missing = [];
    await this.transitions.ensure(needs);
  }

  /** Asks again until nothing is missing. */
  async settle<T>(ask: () => T | null | 'missing'): Promise<T> {
    for (;;) {
      this.missing = [];
      const value = ask();
      if (this.missing.length === 0 && value !== 'missing') return value as T;
      await this.compute();
    }
  }
}
