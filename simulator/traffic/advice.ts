/** What to run in place of a statement that a finding on locks is about: tried on the engine before it is said. */
import type { Ground } from '../explore/ground.ts';
import type { Statement } from '../plan/model.ts';
import type { AlternativeStep } from './alternatives-tree.ts';
import type { Advice, Judged, LockJudgement } from './judge.ts';
import type { Observed } from './survey.ts';

/** Each takes some milliseconds; a plan of so many such steps needs to be told once. */
const mostTried = 8;

export async function confirmedAdvice(judgement: LockJudgement, ground: Ground): Promise<Advice> {
  const found = judgement.sql.flatMap((each) => {
    const statement = each.observed.direction === 'up' ? culprit(each) : null;
    return statement === null ? [] : [{ observed: each.observed, statement }];
  });
  if (found.length === 0) return () => null;
  // The deparser is large, and most plans never need it.
  const { confirmedAlternatives, describe } = await import('./alternatives-confirm.ts');
  const { adviceFor } = await import('./alternatives.ts');
  const said = new Map<Observed, string>();
  for (const { observed, statement } of found.slice(0, mostTried)) {
    const { schema, content } = observed.state;
    const text = ground.transitions.contents.text(content);
    const confirmed = await confirmedAlternatives(ground.engine, schema, text, statement);
    const best = confirmed.find((c) => !c.alternative.onlyLockTimeout);
    const advice =
      best === undefined ? adviceFor(statement) : `${inPlace(best.alternative.steps)} (${describe(best)}).`;
    if (advice !== null) said.set(observed, advice);
  }
  return (observed, rule) => (rule === 'lock-queue' ? null : (said.get(observed) ?? null));
}

/** The statement that the finding is about, where what runs before it in the step changes nothing that it meets. */
function culprit({ observed, blocks }: Judged): Statement | null {
  const block = blocks.find((b) => b.rule !== null && b.rule !== 'lock-queue');
  if (block === undefined) return null;
  const at = block.work?.statement ?? block.hold.statement;
  const isFirst = observed.evidence.slice(0, at).every((e) => e.locks.length === 0 && e.touched.length === 0);
  return isFirst ? (observed.statements[at] ?? null) : null;
}

function inPlace(steps: readonly AlternativeStep[]): string {
  const shown = steps.map(({ kind, statements }) => {
    const sql = statements.map((s) => `\`${s}\``).join(' and ');
    return kind === 'backfill' ? `the backfill ${sql}` : sql;
  });
  return `In its place ${shown.join(', then ')}`;
}
