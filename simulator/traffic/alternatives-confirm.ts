/** Runs an alternative on the engine, and keeps it only if it was seen to be better, and to lead to the same schema. */
import { lockModes } from '../engine/engine.ts';
import type { Content, Engine, LockMode, MigrateOutcome, SchemaId, StatementEvidence } from '../engine/engine.ts';
import { lexSql } from '../plan/lexer.ts';
import type { Statement } from '../plan/model.ts';
import { alternatives } from './alternatives.ts';
import type { Alternative, AlternativeStep } from './alternatives-tree.ts';

export interface Confirmation {
  readonly alternative: Alternative;
  /** Of each step. Of a backfill, that of a batch of one row. */
  readonly evidence: readonly (readonly StatementEvidence[])[];
  /** The strongest lock on a table that was held while there was work to do; null: none was. */
  readonly working: LockMode | null;
  /** The strongest lock on a table at all. */
  readonly strongest: LockMode | null;
  readonly schema: SchemaId;
  readonly content: Content;
}

const options = { clock: 'step', seed: 1 } as const;
/** A backfill that is not done after as many batches of one row never will be. */
const mostBatches = 200;

/** Null when a step of it fails, or a backfill does not end. */
export async function confirm(
  engine: Engine,
  schema: SchemaId,
  content: Content,
  alternative: Alternative,
): Promise<Confirmation | null> {
  const evidence: (readonly StatementEvidence[])[] = [];
  let at = { schema, content };
  for (const step of alternative.steps) {
    const statements = step.statements.map(oneRowBatch);
    const seen = await engine.observe(at.schema, statements, step.transactional, at.content, options);
    if (seen.some(({ error }) => error !== null)) return null;
    evidence.push(seen);
    const after = await goOn(engine, at, step);
    if (after === null) return null;
    at = after;
  }
  return { alternative, evidence, ...exposure(evidence), ...at };
}

interface Place {
  readonly schema: SchemaId;
  readonly content: Content;
}

async function goOn(engine: Engine, from: Place, step: AlternativeStep): Promise<Place | null> {
  const statements = step.statements.map(oneRowBatch);
  if (step.kind === 'backfill') return fill(engine, from, statements);
  if (step.transactional) return placeOf(await engine.migrate(from.schema, statements, true, [from.content], options));
  let at: Place | null = from;
  for (const sql of statements) {
    if (at !== null) at = placeOf(await engine.migrate(at.schema, [sql], false, [at.content], options));
  }
  return at;
}

/** Batch after batch, each with random values of its own, until one leaves the content as it is. */
async function fill(engine: Engine, from: Place, statements: readonly string[]): Promise<Place | null> {
  let at = from;
  for (let batch = 0; batch < mostBatches; batch++) {
    const seeded = { ...options, seed: batch + 1 };
    const next = placeOf(await engine.migrate(at.schema, statements, true, [at.content], seeded));
    if (next === null || next.content === at.content) return next;
    at = next;
  }
  return null;
}

function placeOf([outcome]: readonly MigrateOutcome[]): Place | null {
  return outcome?.ok === true ? { schema: outcome.schema, content: outcome.content } : null;
}

function oneRowBatch(statement: string): string {
  const lexed = lexSql(statement);
  const hole = lexed.ok ? lexed.holes[0] : undefined;
  return hole === undefined ? statement : `${statement.slice(0, hole.start)}1${statement.slice(hole.end)}`;
}

/** A lock that was taken in a transaction is held through all that the step does after it. */
export function exposure(
  steps: readonly (readonly StatementEvidence[])[],
): Pick<Confirmation, 'working' | 'strongest'> {
  let [working, strongest] = [-1, -1];
  for (const step of steps) {
    let held = -1;
    for (const statement of step) {
      const taken = Math.max(-1, ...statement.locks.filter(counts).map(({ mode }) => lockModes.indexOf(mode)));
      held = statement.inTransaction ? Math.max(held, taken) : taken;
      strongest = Math.max(strongest, taken);
      if (works(statement)) working = Math.max(working, held);
    }
  }
  return { working: lockModes[working] ?? null, strongest: lockModes[strongest] ?? null };
}

function counts({ kind, created }: StatementEvidence['locks'][number]): boolean {
  return kind === 'table' && !created;
}

function works({ rewrites, scans, builds, touched }: StatementEvidence): boolean {
  return rewrites.length + scans.length + builds.length + touched.length > 0;
}

/** 2: readers wait. 1: writers do. 0: other DDL at most. */
function weight(mode: LockMode | null): number {
  if (mode === 'AccessExclusiveLock') return 2;
  return mode !== null && lockModes.indexOf(mode) >= lockModes.indexOf('ShareLock') ? 1 : 0;
}

/** What counts, the worst first: work under a lock, a lock at all, rows in one transaction, waiting without end. */
function badness(steps: readonly (readonly StatementEvidence[])[]): readonly number[] {
  const { working, strongest } = exposure(steps);
  const all = steps.flat();
  const rows = all.map(({ touched }) => touched.reduce((sum, t) => sum + t.inserted + t.updated + t.deleted, 0));
  const waits = all.filter(({ locks, lockTimeoutMs }) => locks.some(counts) && lockTimeoutMs === 0);
  const longest = Math.max(
    0,
    ...waits.map(({ locks }) => Math.max(...locks.filter(counts).map((l) => weight(l.mode)))),
  );
  return [weight(working), weight(strongest), Math.max(0, ...rows), longest];
}

function isBetter(one: readonly number[], other: readonly number[]): boolean {
  const i = one.findIndex((value, i) => value !== other[i]);
  return i >= 0 && (one[i] ?? 0) < (other[i] ?? 0);
}

/**
 * The alternatives to a statement that the engine confirms: each runs, leads to the schema that the statement
 * leads to, and to the rows if these are all that it changes, and is better than the evidence of the statement
 * itself. Schema and content are those that the statement meets, after what the step does before it.
 */
export async function confirmedAlternatives(
  engine: Engine,
  schema: SchemaId,
  content: Content,
  statement: Statement,
): Promise<readonly Confirmation[]> {
  const candidates = alternatives(statement, await engine.catalog(schema));
  if (candidates.length === 0) return [];
  const { text, transactional } = statement;
  const original = await engine.observe(schema, [text], transactional, content, options);
  const target = placeOf(await engine.migrate(schema, [text], transactional, [content], options));
  // What fails has no schema that an alternative could lead to.
  if (target === null) return [];
  const random = (await engine.volatileFunctions(schema, statement.functions)).size > 0;
  const sameRows = target.schema === schema && !random;
  const confirmed: Confirmation[] = [];
  for (const candidate of candidates) {
    const one = await confirm(engine, schema, content, candidate);
    if (one === null || !isBetter(badness(one.evidence), badness([original]))) continue;
    if (sameRows && one.content !== target.content) continue;
    if (await sameCatalog(engine, one.schema, target.schema)) confirmed.push(one);
  }
  return confirmed;
}

async function sameCatalog(engine: Engine, one: SchemaId, other: SchemaId): Promise<boolean> {
  if (one === other) return true;
  const [a, b] = [await engine.catalog(one), await engine.catalog(other)];
  return a.unorderedDigest === b.unorderedDigest;
}

/** "strongest lock ShareUpdateExclusiveLock, no work under a lock that others wait for" */
export function describe({ working, strongest }: Confirmation): string {
  const lock = strongest === null ? 'no lock on a table' : `strongest lock ${strongest}`;
  const under = weight(working) === 0 ? 'no work under a lock that reads or writes wait for' : `work under ${working}`;
  return `the engine confirms: ${lock}, ${under}`;
}
