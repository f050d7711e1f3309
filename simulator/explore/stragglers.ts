/**
 * Pods that would not die: every version lives one deploy longer than planned. Two adjacent versions must be safe together;
 * this shows what a third costs. What is found only then is `straggler`.
 */
import { parseContent } from '../engine/content.ts';
import { ruleOf } from '../findings/catalog.ts';
import type { Plan } from '../plan/model.ts';
import { classify } from './classify.ts';
import type { Ground } from './ground.ts';
import { replacedAt, withStragglers, type Position } from './positions.ts';
import type { Search } from './search.ts';
import { pathTo } from './state.ts';
import { symptomOf, type Collector, type Violation } from './violations.ts';

/** The same plan with every version live one deploy longer; null where no deploy replaces any. */
export function withLongerLives(plan: Plan, ground: Ground): Ground | null {
  const replaced = new Map(
    ground.positions.flatMap((p) => {
      const straggler = replacedAt(plan, p);
      return straggler === null ? [] : [[straggler.deploy, straggler] as const];
    }),
  );
  if (replaced.size === 0) return null;
  return { ...ground, positions: withStragglers(plan, ground.positions, [...replaced.values()]) };
}

/** What two violations of the same trouble have in common, whoever lives longer. */
function troubles(violation: Violation): readonly string[] {
  const place = `${violation.rule}|${violation.step.index}`;
  const symptom = symptomOf(violation);
  return symptom === null ? [place] : [symptom];
}

export interface Known {
  /** What was found with everybody going when planned. */
  readonly collector: Collector;
  readonly searches: readonly Search[];
}

/** The findings of searches with stragglers that are none without, under the rule that says so. */
export async function onlyWithStragglers(
  found: Collector,
  searches: readonly Search[],
  known: Known,
  planned: readonly Position[],
): Promise<readonly Violation[]> {
  const all = (collector: Collector): readonly Violation[] =>
    collector.groups.flatMap(({ head, followers }) => [head, ...followers]);
  const old = new Set(all(known.collector).flatMap(troubles));
  for (const search of known.searches)
    for (const { move } of search.mover.stopped) old.add(`verify-stops|${move.step.index}`);
  const violations: Violation[] = [];
  for (const violation of all(found)) {
    const { node } = violation;
    const search = node === null ? undefined : searches.find((s) => s.nodes[0] === pathTo(node)[0]);
    if (search === undefined || violation.tail !== undefined) continue;
    if (troubles(violation).some((t) => old.has(t))) continue;
    const exact = await classify(search, violation, (c) => parseContent(search.input.transitions.contents.text(c)));
    const names = lingering(exact, search.input.positions, planned);
    if (names.length > 0) violations.push(asStraggler(exact, names));
  }
  return violations;
}

/** The versions that take part in a history and should be gone by then. */
function lingering(
  violation: Violation,
  positions: readonly Position[],
  planned: readonly Position[],
): readonly string[] {
  const path = violation.node === null ? [] : pathTo(violation.node);
  const isGone = (version: string, at: number): boolean =>
    positions[at]?.live.includes(version) === true && planned[at]?.live.includes(version) === false;
  const names = path.flatMap((node, i) => {
    const event = path[i + 1]?.event ?? (node === violation.node ? violation.event : null);
    return event?.kind === 'request' && isGone(event.version, node.position) ? [event.version] : [];
  });
  return [...new Set(names)];
}

function asStraggler(violation: Violation, names: readonly string[]): Violation {
  const { rule, step, message } = violation;
  const who = names.join(' and ');
  return {
    ...violation,
    rule: 'straggler',
    message: `with ${who} live one deploy longer, ${rule}: ${message}`,
    hint: `Let "${step.name}" wait until no pod of ${who} is left, or make it safe for ${names.length === 1 ? 'it' : 'them'} as well. ${ruleOf(rule).hint}`,
  };
}
