/** Parameters that are calculated with, and only with each other: written as bare literals they would have no type. */
import { body, isNode, list, strings } from './ast.ts';
import type { ParamAt } from './uses.ts';

const arithmetic: ReadonlySet<string | null> = new Set(['+', '-', '*', '/', '%']);

/** Where such parameters stand: both sides of `:a * :b`, and `:a` of `-:a`. */
export function loneOperands(tree: unknown, paramAt: ParamAt): ReadonlySet<number> {
  const found = new Set<number>();
  visit(tree, paramAt, found);
  return found;
}

function visit(value: unknown, paramAt: ParamAt, found: Set<number>): void {
  if (Array.isArray(value)) for (const item of value) visit(item, paramAt, found);
  if (!isNode(value)) return;
  const operation = body(value, 'A_Expr');
  if (operation !== null && isArithmetic(operation)) {
    const operands = [operation['lexpr'], operation['rexpr']].filter((o) => o !== undefined);
    const places = operands.map((operand) => placeOfParam(operand, paramAt));
    if (places.every((place) => place !== null)) for (const place of places) found.add(place);
  }
  for (const inner of Object.values(value)) visit(inner, paramAt, found);
}

function isArithmetic(operation: Readonly<Record<string, unknown>>): boolean {
  const name = strings(list(operation['name']));
  return operation['kind'] === 'AEXPR_OP' && name.length === 1 && arithmetic.has(name[0] ?? null);
}

/** A column of a named row is written in with its type. */
function placeOfParam(operand: unknown, paramAt: ParamAt): number | null {
  const param = body(operand, 'ParamRef');
  if (param === null) return null;
  // Offset 0 is left out of the JSON.
  const place = typeof param['location'] === 'number' ? param['location'] : 0;
  return paramAt(place) === null ? null : place;
}
