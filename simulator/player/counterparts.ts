/**
 * Which column stands for which column of the reference: those that the same request reads, in the same place of its
 * answer. Postgres says of which column of which table a value is; an expression has no counterpart.
 */
import type { SchemaId } from '../engine/engine.ts';
import { answeringStatement, typeProbe, type Programs } from '../explore/programs.ts';
import { describable, type Transitions } from '../explore/transitions.ts';
import type { Plan, Request } from '../plan/model.ts';

export interface Counterpart {
  readonly table: string;
  readonly column: string;
  readonly referenceTable: string;
  readonly referenceColumn: string;
  /** Every version with a request that reads it so. */
  readonly versions: readonly string[];
}

type Origin = { readonly table: string; readonly column: string } | null;

export class Counterparts {
  private readonly bySchema = new Map<SchemaId, Promise<readonly Counterpart[]>>();

  constructor(
    private readonly plan: Plan,
    private readonly programs: Programs,
    private readonly transitions: Transitions,
    private readonly first: SchemaId,
  ) {}

  of(schema: SchemaId): Promise<readonly Counterpart[]> {
    const known = this.bySchema.get(schema) ?? this.find(schema);
    this.bySchema.set(schema, known);
    return known;
  }

  private async find(schema: SchemaId): Promise<readonly Counterpart[]> {
    const found = new Map<string, Counterpart>();
    const reference = this.plan.versions[0];
    for (const version of this.plan.versions)
      for (const request of version.requests.values()) {
        const before = reference?.requests.get(request.name);
        if (before === undefined || !this.programs.isRead(request) || !this.programs.isRead(before)) continue;
        const now = await this.origins(schema, request);
        const then = await this.origins(this.first, before);
        now.forEach((origin, i) => addTo(found, version.name, origin, then[i] ?? null));
      }
    return [...found.values()];
  }

  /** The columns that a request's answer is made of; none where it does not run on this schema. */
  private async origins(schema: SchemaId, request: Request): Promise<readonly Origin[]> {
    const statement = request.statements[answeringStatement(request)];
    if (statement === undefined) return [];
    const sql = describable(typeProbe(statement));
    await this.transitions.describe(schema, [sql]);
    return this.transitions.columns(schema, sql).map((c) => c.origin);
  }
}

function addTo(found: Map<string, Counterpart>, version: string, now: Origin, then: Origin): void {
  if (now === null || then === null) return;
  const key = JSON.stringify([now, then]);
  const known = found.get(key);
  const versions = [...(known?.versions ?? []), version];
  found.set(key, {
    table: now.table,
    column: now.column,
    referenceTable: then.table,
    referenceColumn: then.column,
    versions: [...new Set(versions)],
  });
}
