/**
 * Quick fixes of a finding. Each is written as edits to the plan's text, and is given only when the plan with these edits has
 * been rehearsed: the finding is gone, and there is none that was not there before.
 */
import type { Engine } from '../engine/engine.ts';
import { loadPlan } from '../plan/load.ts';
import { rehearse, type RehearseOptions } from '../rehearse.ts';
import type { Finding, PlanReport } from '../report/model.ts';
import { groundOf, type Candidate, type Fix, type FixContext } from './context.ts';
import { copyBack } from './copy-back.ts';
import { applyEdits, merged, PlanDocument, type TextEdit } from './document.ts';
import { instead } from './instead.ts';
import { lockTimeout } from './lock-timeout.ts';
import { dropNotNull } from './not-null.ts';
import { nullSafe } from './null-safe.ts';

export interface ConfirmedFix {
  readonly title: string;
  /** Of the plan's own file; none touches another. */
  readonly edits: readonly TextEdit[];
}

/** Those that change what the plan does before those that bound the damage. */
const fixes: readonly Fix[] = [nullSafe, dropNotNull, copyBack, instead, lockTimeout];

/** The plan as it was rehearsed: all texts by path, and what was found. */
export interface FixInput {
  readonly file: string;
  readonly sources: ReadonlyMap<string, string>;
  readonly report: PlanReport;
  readonly finding: Finding;
}

export interface FixLimits extends Omit<RehearseOptions, 'signal' | 'onProgress'> {
  readonly signal: AbortSignal;
}

/** The same one each time. Whoever made it closes it. */
type TheEngine = () => Promise<Engine>;

export async function confirmedFixes(
  input: FixInput,
  engine: TheEngine,
  limits: FixLimits,
): Promise<readonly ConfirmedFix[]> {
  const text = input.sources.get(input.file) ?? '';
  const confirmed = new Map<string, ConfirmedFix>();
  const tried = new Set<string>();
  for (const { title, edits } of await candidates(input, engine, limits.signal)) {
    const after = applyEdits(text, edits);
    // Of several ways to write one thing the first that holds is offered.
    if (confirmed.has(title) || tried.has(after)) continue;
    tried.add(after);
    if (await mends(input, after, engine, limits)) confirmed.set(title, { title, edits: merged(edits) });
  }
  return [...confirmed.values()];
}

/** What could mend it, before anything was tried. */
export async function candidates(
  { file, sources, finding }: FixInput,
  engine: TheEngine,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const loaded = await loadPlan(file, reader(sources));
  if (!loaded.ok || finding.allowed !== null) return [];
  const ground = await groundOf(loaded.plan, await engine(), signal);
  if (ground === null) return [];
  const document = new PlanDocument(sources.get(file) ?? '');
  const context: FixContext = { plan: loaded.plan, document, finding, ground };
  const found: Candidate[] = [];
  for (const fix of fixes) found.push(...(await fix(context)));
  return found;
}

async function mends(
  { file, sources, report, finding }: FixInput,
  after: string,
  engine: TheEngine,
  limits: FixLimits,
): Promise<boolean> {
  const read = reader(new Map([...sources, [file, after]]));
  const again = await rehearse(file, read, engine, limits);
  limits.signal.throwIfAborted();
  return isMended(report, again.report, finding);
}

/** The finding is gone, and no rule has more findings at any step than before. What was not searched to its end proves nothing. */
export function isMended(before: PlanReport, after: PlanReport, finding: Finding): boolean {
  if (after.verdict === 'invalid' || after.errors.length > 0) return false;
  if (before.exploration.complete && !after.exploration.complete) return false;
  const key = ({ rule, step }: Finding) => `${rule}|${step}`;
  const count = ({ findings }: PlanReport, wanted: string) => findings.filter((each) => key(each) === wanted).length;
  const isGone = count(after, key(finding)) < count(before, key(finding));
  return isGone && after.findings.every((each) => count(after, key(each)) <= count(before, key(each)));
}

function reader(sources: ReadonlyMap<string, string>): (path: string) => Promise<string> {
  return (path) => {
    const text = sources.get(path);
    return text === undefined ? Promise.reject(new Error(`${path} is not there`)) : Promise.resolve(text);
  };
}
