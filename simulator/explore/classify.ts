/**
 * Looks back along a trace to say more exactly what happened: that a deleted row came back, or that the
 * backfill wrote over something newer.
 */
import type { ParsedContent } from '../engine/engine.ts';
import type { Answer } from './answer.ts';
import type { Search } from './search.ts';
import { pathTo, type Node } from './state.ts';
import type { Violation } from './violations.ts';

/** The violation under its exact rule. */
export async function classify(
  search: Search,
  violation: Violation,
  parse: (content: number) => ParsedContent,
): Promise<Violation> {
  if (violation.node === null || violation.version === null || violation.action === null) return violation;
  const path = pathTo(violation.node);
  const deleted = rowDeleted(search, path, parse);
  if (deleted && violation.rule === 'request-fails' && /^(23505|23P01)$/.test(violation.sqlstate ?? ''))
    return { ...violation, rule: 'resurrected-row' };
  if (violation.rule !== 'lost-write' && violation.rule !== 'rollback-loses-writes') return violation;
  if (violation.rule === 'rollback-loses-writes') return violation;
  if ((await readsMore(search, violation)) && (deleted || (await readBefore(search, violation, path))))
    return { ...violation, rule: 'resurrected-row' };
  const culprit = await findCulprit(search, violation, path);
  return culprit?.event?.kind === 'batch' ? { ...violation, rule: 'backfill-overwrites' } : violation;
}

function rowCount(answer: Answer | null): number {
  return answer?.ok === true ? (answer.rows?.length ?? 0) : 0;
}

async function readsMore(search: Search, violation: Violation): Promise<boolean> {
  const judged = await judgeAt(search, violation, violation.node as Node);
  return judged !== null && rowCount(violation.outcome) > rowCount(judged.expected);
}

/** True when one of the rows too many is one that a client could read earlier, and that is gone since. */
async function readBefore(search: Search, violation: Violation, path: readonly Node[]): Promise<boolean> {
  const keys = (answer: Answer | null): string[] =>
    answer?.ok === true ? (answer.rows ?? []).map((r) => JSON.stringify(r)) : [];
  const now = await judgeAt(search, violation, violation.node as Node);
  const expected = keys(now?.expected ?? null);
  const extra = keys(violation.outcome).filter((k) => !expected.includes(k));
  for (const node of path) {
    const then = await judgeAt(search, violation, node);
    if (keys(then?.expected ?? null).some((k) => extra.includes(k))) return true;
  }
  return false;
}

/** True when a request on the way deleted a row of the reference. */
function rowDeleted(search: Search, path: readonly Node[], parse: (content: number) => ParsedContent): boolean {
  const counts = path.map((n) => {
    const world = search.first.worlds(n.first)[0];
    return world === undefined
      ? {}
      : Object.fromEntries(Object.entries(parse(world.content).tables).map(([t, rows]) => [t, rows.length]));
  });
  return counts.some((now, i) => i > 0 && Object.entries(counts[i - 1] ?? {}).some(([t, n]) => (now[t] ?? 0) < n));
}

async function judgeAt(
  search: Search,
  violation: Violation,
  node: Node,
): Promise<{ difference: string | null; actual: Answer; expected: Answer | null } | null> {
  const version = violation.version as string;
  const offer = search.input.programs.offers(version).find((o) => o.action === violation.action);
  if (offer === undefined || !offer.read) return null;
  await search.describeVersion(node.schema, version);
  // What is only late is not wrong yet.
  const settled = await search.settled(node);
  return search.wants.settle(() => search.evaluator.judgeRead(settled, version, offer));
}

/** The state whose event turned the read from right to wrong for the last time. */
export async function findCulprit(search: Search, violation: Violation, path: readonly Node[]): Promise<Node | null> {
  let wrongFrom: Node | null = null;
  for (const node of [...path].reverse()) {
    const judged = await judgeAt(search, violation, node);
    if (judged === null) return null;
    if (judged.difference === null) return wrongFrom;
    if (!judged.actual.ok && node !== violation.node) return null;
    wrongFrom = node;
  }
  return null;
}
