/** What a fix is written from: the plan, its text, one finding, and the schemas that a run without requests meets. */
import type { Catalog, Engine, SchemaId } from '../engine/engine.ts';
import { prepareGround, type Ground } from '../explore/ground.ts';
import { Transitions } from '../explore/transitions.ts';
import type { Plan, Statement, Step } from '../plan/model.ts';
import type { Finding } from '../report/model.ts';
import { parseOne } from '../traffic/alternatives-tree.ts';
import type { Node } from '@pgsql/types';
import type { PlanDocument, TextEdit } from './document.ts';

/** A change that may mend a finding. Nobody sees it before a rehearsal has shown that it does. */
export interface Candidate {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

export interface FixContext {
  readonly plan: Plan;
  readonly document: PlanDocument;
  readonly finding: Finding;
  readonly ground: Ground;
}

/** Writes the changes that could mend a finding, best first; none where it knows nothing of such findings. */
export type Fix = (context: FixContext) => Promise<readonly Candidate[]> | readonly Candidate[];

const seed = 1;

/** Null where schema or seed do not load. */
export async function groundOf(plan: Plan, engine: Engine, signal: AbortSignal): Promise<Ground | null> {
  const transitions = new Transitions(engine, seed, () => signal.throwIfAborted());
  const prepared = await prepareGround(plan, engine, transitions);
  return prepared.ok ? prepared.ground : null;
}

export function stepNamed({ plan }: FixContext, name: string): Step | null {
  return plan.steps.find((step) => step.name === name) ?? null;
}

export interface Before {
  readonly schema: SchemaId;
  readonly content: string;
  readonly catalog: Catalog;
}

/** What a step meets when it begins; null where the run without requests did not get there. */
export function before({ ground }: FixContext, step: Step): Before | null {
  const position = ground.positions.find((each) => each.forward?.step === step);
  const state = position === undefined ? undefined : ground.nominalStates.get(position.id);
  const catalog = state === undefined ? undefined : ground.catalogs.get(state.schema);
  if (state === undefined || catalog === undefined) return null;
  return { schema: state.schema, content: ground.transitions.contents.text(state.content), catalog };
}

/** The setting that a statement changes, or null. */
export function settingOf({ text }: Statement): string | null {
  const tree: Node | null = parseOne(text);
  return tree !== null && 'VariableSetStmt' in tree ? (tree.VariableSetStmt.name ?? null) : null;
}

export const setLockTimeout = `SET LOCAL lock_timeout = '2s'`;
