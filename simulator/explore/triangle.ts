/** The rollback triangle: from the end of every step, how far back the plan can be rolled, and the point of no return. */
import type { Plan } from '../plan/model.ts';
import type { RollbackResult } from '../report/model.ts';
import type { Position } from './positions.ts';
import type { Node } from './state.ts';

export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly result: RollbackResult;
}

const order: readonly RollbackResult[] = ['safe', 'breaks-requests', 'loses-writes', 'fails', 'no-plan'];

function worse(a: RollbackResult, b: RollbackResult): RollbackResult {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** Walks back from every state at the end of every step, over the moves that the search made. */
export function rollbackTriangle(plan: Plan, positions: readonly Position[], nodes: readonly Node[]): readonly Cell[] {
  const cells = new Map<string, Cell>();
  const names = ['start', ...plan.steps.map((s) => s.name)];
  for (const node of nodes) {
    const position = positions[node.position];
    if (position?.phase !== 'done' || node.rolledBack || node.damaged || position.step === null) continue;
    walk(node, positions, (stepIndex, result) => {
      const cell: Cell = { from: names[position.stepIndex + 1] ?? '', to: names[stepIndex + 1] ?? '', result };
      const key = `${position.stepIndex}|${stepIndex}`;
      const known = cells.get(key);
      cells.set(key, known === undefined ? cell : { ...cell, result: worse(known.result, result) });
    });
  }
  return sortCells(plan, [...cells.values()]);
}

function walk(
  start: Node,
  positions: readonly Position[],
  found: (stepIndex: number, result: RollbackResult) => void,
): void {
  let result: RollbackResult = 'safe';
  let at: Node = start;
  let stepIndex = positions[start.position]?.stepIndex ?? -1;
  for (let hops = 0; hops < 10_000; hops += 1) {
    const position = positions[at.position];
    const next: Node['back'] = position?.phase === 'rolling-back' && at.batch !== null ? at.batch : at.back;
    if (next === null && at.delivered !== null) {
      // The way back waits for what streams and replicas have not got yet.
      at = at.delivered;
      continue;
    }
    if (next === null) {
      // A state that was damaged is not walked on from; what was lost stays lost.
      if (result !== 'safe') for (let i = stepIndex - 1; i >= Math.max(-1, start.floor - 1); i -= 1) found(i, result);
      return;
    }
    if (next === 'fails' || next === 'no-plan') {
      const stop = next === 'fails' ? 'fails' : 'no-plan';
      if (stop === 'no-plan' && declared(position)) return;
      for (let i = stepIndex - 1; i >= Math.max(-1, at.floor - 1); i -= 1) found(i, worse(result, stop));
      return;
    }
    if (isDamaged(next)) result = worse(result, 'loses-writes');
    else if (next.broken) result = worse(result, 'breaks-requests');
    const arrived = positions[next.position];
    if (
      arrived !== undefined &&
      arrived.stepIndex < stepIndex &&
      (arrived.phase === 'done' || arrived.phase === 'start')
    ) {
      stepIndex = arrived.stepIndex;
      found(stepIndex, result);
    }
    at = next;
  }
}

/** At once, or when what is still to be delivered has been. */
function isDamaged(node: Node): boolean {
  let at: Node | null = node;
  for (let hops = 0; at !== null && hops < 100; hops += 1) {
    if (at.damaged) return true;
    at = at.delivered;
  }
  return false;
}

function declared(position: Position | undefined): boolean {
  return position?.step?.pointOfNoReturn === true;
}

/** The worst of several triangles, cell by cell. */
export function mergeCells(plan: Plan, triangles: readonly (readonly Cell[])[]): readonly Cell[] {
  const merged = new Map<string, Cell>();
  for (const cell of triangles.flat()) {
    const key = JSON.stringify([cell.from, cell.to]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? cell : { ...cell, result: worse(known.result, cell.result) });
  }
  return sortCells(plan, [...merged.values()]);
}

function sortCells(plan: Plan, cells: readonly Cell[]): readonly Cell[] {
  const names = ['start', ...plan.steps.map((s) => s.name)];
  const place = (c: Cell): number => names.indexOf(c.from) * 1000 - names.indexOf(c.to);
  return [...cells].sort((a, b) => place(a) - place(b));
}

/** The declared point, or the first step from which some way back is not safe. */
export function pointOfNoReturn(plan: Plan, cells: readonly Cell[]): string | null {
  const declaredStep = plan.steps.find((s) => s.pointOfNoReturn);
  if (declaredStep !== undefined) return declaredStep.name;
  return plan.steps.find((s) => cells.some((c) => c.from === s.name && c.result !== 'safe'))?.name ?? null;
}
