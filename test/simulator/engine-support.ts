/** What the engine's tests share: one engine for a file, and short ways to write calls. */
import { afterAll, beforeAll } from 'vitest';
import type { Call, CallPiece, Content, Engine, MigrateOutcome, Outcome, Rows } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import type { PgliteOptions } from '../../simulator/engine/pglite.ts';

export const request = { clock: 'request', seed: 1 } as const;
export const step = { clock: 'step', seed: 1 } as const;

export function useEngine(options: PgliteOptions = {}): { engine: Engine } {
  const holder = {} as { engine: Engine };
  beforeAll(async () => void (holder.engine = await createPgliteEngine(options)));
  afterAll(() => holder.engine.close());
  return holder;
}

export function write(...statements: string[]): Call {
  return { statements: statements.map((sql) => ({ pieces: [sql], as: null, returnsRows: false })), writes: true };
}

export function read(sql: string): Call {
  return { statements: [{ pieces: [sql], as: null, returnsRows: true }], writes: false };
}

export function statement(pieces: readonly CallPiece[], as: string | null = null): Call['statements'][number] {
  return { pieces, as, returnsRows: as !== null };
}

export interface World {
  readonly schema: number;
  readonly content: Content;
}

export async function startWith(
  engine: Engine,
  schema: readonly string[],
  seed: readonly string[] = [],
): Promise<World> {
  return worldOf(await engine.start(schema, seed));
}

export function worldOf(outcome: MigrateOutcome | undefined): World {
  if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
  return { schema: outcome.schema, content: outcome.content };
}

export async function runOne(engine: Engine, world: World, call: Call): Promise<Outcome> {
  const outcomes = await engine.run(world.schema, [{ content: world.content, calls: [call] }], request);
  return outcomes[0]![0]!;
}

/** Rows of the call's last statement. */
export function rowsOf(outcome: Outcome): Rows | null {
  if (!outcome.ok) throw new Error(`${outcome.sqlstate}: ${outcome.message}`);
  return outcome.results.at(-1)!.rows;
}

export async function migrateOne(
  engine: Engine,
  world: World,
  statements: readonly string[],
  transactional = true,
): Promise<MigrateOutcome> {
  const outcomes = await engine.migrate(world.schema, statements, transactional, [world.content], step);
  return outcomes[0]!;
}

export function tables(content: Content): Record<string, Rows> {
  return (JSON.parse(content) as { tables: Record<string, Rows> }).tables;
}

export function sequences(content: Content): Record<string, readonly string[]> {
  return (JSON.parse(content) as { sequences: Record<string, readonly string[]> }).sequences;
}
