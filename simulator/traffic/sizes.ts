/** How large each table is in production at each step, as far as the plan says it or it can be worked out. */
import type { Plan, TableFacts } from '../plan/model.ts';
import { union, type Assumption, type Rates } from './rates.ts';

/** Rows from which a table counts as large. */
export const largeTable = 100_000;

/** As in catalogs: without its schema where that is `public`. */
export function tableName(ref: { readonly schema: string | null; readonly table: string }): string {
  return ref.schema === null || ref.schema === 'public' ? ref.table : `${ref.schema}.${ref.table}`;
}

export interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly assumptions: readonly Assumption[];
}

export interface TableTraffic {
  readonly reads: number;
  readonly writes: number;
  /** True when the plan states reads or writes of this table. */
  readonly stated: boolean;
  readonly assumptions: readonly Assumption[];
}

/** Facts by table. What a plan makes on its way is empty until something fills it; a renamed table keeps what is known of it. */
export class Sizes {
  private readonly facts: Map<string, TableFacts>;
  /** Tables that the plan made and nothing has filled. */
  private readonly empty = new Set<string>();
  /** Tables that were filled from others: as large as the largest of them. */
  private readonly filledAs = new Map<string, TableSize>();

  constructor(
    plan: Pick<Plan, 'production'>,
    private readonly rates: Rates,
    /** The partitioned table that a table is a part of. */
    private readonly parentOf: (table: string) => string | null,
  ) {
    this.facts = new Map(plan.production);
  }

  private factsOf(table: string): TableFacts {
    const own = this.facts.get(table);
    if (own !== undefined) return own;
    const parent = this.parentOf(table);
    return (parent === null ? undefined : this.facts.get(parent)) ?? {};
  }

  size(table: string): TableSize {
    const { rows, size } = this.factsOf(table);
    const rowSize = this.rates.of('row-size');
    if (rows !== undefined || size !== undefined) {
      const stated: Assumption[] = [
        ...(rows === undefined ? [] : [{ name: `rows of ${table}`, value: rows, stated: true }]),
        ...(size === undefined ? [] : [{ name: `size of ${table}`, value: size, stated: true }]),
      ];
      const both = rows !== undefined && size !== undefined;
      return {
        table,
        rows: rows ?? (size ?? 0) / rowSize,
        bytes: size ?? (rows ?? 0) * rowSize,
        assumptions: both ? stated : [...stated, this.rates.assumption('row-size')],
      };
    }
    if (this.empty.has(table)) return { table, rows: 0, bytes: 0, assumptions: [] };
    const like = this.filledAs.get(table);
    if (like !== undefined) {
      const name = `${table} as large as ${like.table}`;
      return { ...like, table, assumptions: union(like.assumptions, [{ name, value: like.rows, stated: false }]) };
    }
    const rows10M = this.rates.of('rows');
    const assumption = { ...this.rates.assumption('rows'), name: `rows of ${table}` };
    return {
      table,
      rows: rows10M,
      bytes: rows10M * rowSize,
      assumptions: [assumption, this.rates.assumption('row-size')],
    };
  }

  /** True for a table of which the plan, or what it has done so far, says something. */
  isKnown(table: string): boolean {
    return this.facts.has(table) || this.empty.has(table) || this.filledAs.has(table);
  }

  traffic(table: string): TableTraffic {
    const { reads, writes } = this.factsOf(table);
    const stated = reads !== undefined || writes !== undefined;
    // Who states one of the two and not the other has none of it.
    if (stated) return { reads: reads ?? 0, writes: writes ?? 0, stated, assumptions: [] };
    return {
      reads: this.rates.of('reads'),
      writes: this.rates.of('writes'),
      stated,
      assumptions: [this.rates.assumption('reads'), this.rates.assumption('writes')],
    };
  }

  /** Stated to be empty and unused: nobody can be waiting for it. */
  isIdle(table: string): boolean {
    const { rows, reads, writes } = this.factsOf(table);
    return rows === 0 && (reads ?? 0) === 0 && (writes ?? 0) === 0;
  }

  created(table: string): void {
    if (!this.facts.has(table)) this.empty.add(table);
    this.filledAs.delete(table);
  }

  /** Rows came into a table from others. */
  filled(table: string, from: readonly string[]): void {
    if (!this.empty.has(table)) return;
    const sources = from.filter((each) => each !== table).map((each) => this.size(each));
    const largest = sources.toSorted((a, b) => b.rows - a.rows)[0];
    if (largest?.rows === 0) return;
    this.empty.delete(table);
    if (largest !== undefined) this.filledAs.set(table, largest);
  }

  renamed(from: string, to: string): void {
    const facts = this.facts.get(from);
    const like = this.filledAs.get(from);
    this.facts.delete(from);
    this.filledAs.delete(from);
    if (facts === undefined) this.facts.delete(to);
    else this.facts.set(to, facts);
    if (this.empty.delete(from)) this.empty.add(to);
    else this.empty.delete(to);
    if (like === undefined) this.filledAs.delete(to);
    else this.filledAs.set(to, like);
  }

  copy(): Sizes {
    const copy = new Sizes({ production: this.facts }, this.rates, this.parentOf);
    for (const table of this.empty) copy.empty.add(table);
    for (const [table, like] of this.filledAs) copy.filledAs.set(table, like);
    return copy;
  }
}
