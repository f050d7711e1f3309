/** Another way to the same schema, with less work under a strong lock: the step as the steps that the engine has confirmed. */
import type { MigrateStep, Statement, Step } from '../plan/model.ts';
import { confirm, confirmedAlternatives } from '../traffic/alternatives-confirm.ts';
import { alternatives } from '../traffic/alternatives.ts';
import type { Alternative, AlternativeStep } from '../traffic/alternatives-tree.ts';
import {
  before,
  setLockTimeout,
  settingOf,
  stepNamed,
  type Before,
  type Candidate,
  type FixContext,
} from './context.ts';
import { indented, yamlText, type Item, type TextEdit } from './document.ts';
import { unused } from './not-null.ts';
import { deedOf, wayBackOf } from './way-back.ts';
import { laidOut, script } from './words.ts';

const rules: readonly string[] = [
  'blocking-lock',
  'table-rewrite',
  'full-scan-under-lock',
  'lock-queue',
  'backfill-in-one-transaction',
];

/** Only of a step that does one thing: where several are in one transaction, nobody knows which of them must stay together. */
export async function instead(context: FixContext): Promise<readonly Candidate[]> {
  const { finding, document } = context;
  const step = stepNamed(context, finding.step);
  const item = step === null ? null : document.step(step.index);
  const state = step === null ? null : before(context, step);
  if (!rules.includes(finding.rule) || step === null || item === null || state === null) return [];
  const statement = onlyStatement(step);
  if (statement === null) return [];
  const ways = await alternativesTo(context, state, statement);
  return ways.filter(({ onlyLockTimeout }) => !onlyLockTimeout).flatMap((way) => candidates(context, step, item, way));
}

async function alternativesTo(
  { finding, ground: { engine } }: FixContext,
  { schema, content, catalog }: Before,
  statement: Statement,
): Promise<readonly Alternative[]> {
  if (finding.rule !== 'backfill-in-one-transaction') {
    const confirmed = await confirmedAlternatives(engine, schema, content, statement);
    return confirmed.map(({ alternative }) => alternative);
  }
  // On the few rows of a rehearsal a batch is no better than all at once: that it runs and ends is what is asked here.
  const batches: Alternative[] = [];
  for (const way of alternatives(statement, catalog)) {
    const isBatch = way.steps.length === 1 && way.steps[0]?.kind === 'backfill';
    if (isBatch && (await confirm(engine, schema, content, way)) !== null) batches.push(way);
  }
  return batches;
}

function onlyStatement(step: Step): Statement | null {
  if (step.kind === 'backfill') {
    if (step.form.kind === 'statement' && !step.form.batched) return step.form.statement;
    return step.form.kind === 'list' && step.form.statements.length === 1 ? (step.form.statements[0] ?? null) : null;
  }
  if (step.kind !== 'migrate') return null;
  const [only, ...more] = step.sql.statements.filter((each) => settingOf(each) === null);
  return more.length === 0 ? (only ?? null) : null;
}

function candidates(context: FixContext, step: Step, item: Item, alternative: Alternative): readonly Candidate[] {
  const { title } = alternative;
  const [only, ...more] = alternative.steps;
  if (only === undefined) return [];
  if (more.length > 0) {
    const edits = step.kind === 'migrate' ? split(context, step, item, alternative.steps) : null;
    return edits === null ? [] : [{ title, edits }];
  }
  const forward =
    only.kind === 'backfill' ? asBackfill(context, step, item, only) : asMigrate(context, step, item, only);
  if (forward === null) return [];
  const back = only.kind === 'migrate' && !only.transactional ? backConcurrently(context, step, item) : null;
  return [...(back === null ? [] : [{ title, edits: [...forward, ...back] }]), { title, edits: forward }];
}

/** What the step sets before, as far as it holds for a statement outside of a transaction. */
function settings({ sql }: MigrateStep, transactional: boolean): readonly string[] {
  const own = sql.statements.filter((each) => settingOf(each) !== null);
  if (!transactional) return own.filter((each) => settingOf(each) !== 'lock_timeout').map(({ text }) => text);
  const hasTimeout = own.some((each) => settingOf(each) === 'lock_timeout');
  return [...(hasTimeout ? [] : [setLockTimeout]), ...own.map(({ text }) => text)];
}

function asMigrate(
  { document }: FixContext,
  step: Step,
  item: Item,
  { statements, transactional }: AlternativeStep,
): readonly TextEdit[] | null {
  if (step.kind !== 'migrate') return null;
  const all = [...settings(step, transactional), ...statements];
  return document.rewriteSql(item, 'migrate', all.length === 1 ? statements : script(all));
}

/** A batch at a time, whatever kind of step it was. */
function asBackfill(
  { document }: FixContext,
  step: Step,
  item: Item,
  { statements: [sql = ''] }: AlternativeStep,
): readonly TextEdit[] | null {
  const key = step.kind === 'migrate' ? 'migrate' : 'backfill';
  const written = document.rewriteSql(item, key, laidOut(sql));
  const renamed = key === 'migrate' ? document.renameKey(item, key, 'backfill') : null;
  if (written === null || (key === 'migrate' && renamed === null)) return null;
  const batch = document.has(item, 'batch') ? [] : [document.append(item, ['batch: 1000'])];
  return [...written, ...(renamed === null ? [] : [renamed]), ...batch];
}

/** An index that is made so is taken back so. */
function backConcurrently(
  { document, ground, ...context }: FixContext,
  step: Step,
  item: Item,
): readonly TextEdit[] | null {
  const { rollback } = step;
  const [only, ...more] = rollback.kind === 'sql' ? rollback.sql.statements.filter((s) => settingOf(s) === null) : [];
  if (only === undefined || more.length > 0) return null;
  const state = before({ document, ground, ...context }, step);
  const [way] = state === null ? [] : alternatives(only, state.catalog);
  const [drop, ...others] = way?.onlyLockTimeout === false ? way.steps : [];
  if (drop === undefined || others.length > 0 || drop.transactional) return null;
  return document.rewriteSql(item, 'rollback', drop.statements);
}

/** The first keeps the name; each has a way back to the one before it. */
function split(
  { document, plan }: FixContext,
  step: MigrateStep,
  item: Item,
  steps: readonly AlternativeStep[],
): readonly TextEdit[] | null {
  const ways = isPlainBack(step) ? wayBackOf(steps) : null;
  const [first, ...rest] = steps;
  if (ways === null || first === undefined) return null;
  const names = rest.map((each) => unused(`${step.name}, ${deedOf(each)}`, plan.steps));
  if (new Set(names).size !== names.length) return null;
  const head = document.rewriteSql(item, 'migrate', lines(step, first));
  const back = replaceBack(document, item, step, ways[0] ?? []);
  if (head === null || back === null) return null;
  const apart = document.isApart(item) ? [''] : [];
  const tail = rest.flatMap((each, i) => [
    ...apart,
    `- name: ${yamlText(names[i] ?? '')}`,
    ...indented(valueLines(each.kind, lines(step, each)), 2),
    ...(each.kind === 'backfill' ? ['  batch: 1000'] : []),
    ...indented(backLines(step, ways[i + 1] ?? []), 2),
  ]);
  return [...head, back, document.after(item, tail)];
}

/** A way back of one statement undoes what is one statement forward: for the steps it can be written anew. */
function isPlainBack({ rollback }: MigrateStep): boolean {
  if (rollback.kind === 'unstated') return true;
  return rollback.kind === 'sql' && rollback.sql.statements.filter((each) => settingOf(each) === null).length === 1;
}

function replaceBack(
  document: FixContext['document'],
  item: Item,
  step: MigrateStep,
  back: readonly AlternativeStep[],
): TextEdit | null {
  const written = backLines(step, back);
  if (!document.has(item, 'rollback')) return document.append(item, written);
  const [first = '', ...rest] = written;
  return document.replaceValue(item, 'rollback', [first.slice('rollback:'.length), ...rest]);
}

function lines(step: MigrateStep, { kind, statements, transactional }: AlternativeStep): readonly string[] {
  if (kind === 'backfill') return laidOut(statements[0] ?? '');
  return script([...settings(step, transactional), ...statements]);
}

function valueLines(key: string, text: readonly string[]): readonly string[] {
  return [`${key}: |`, ...indented(text, 2)];
}

function backLines(step: MigrateStep, back: readonly AlternativeStep[]): readonly string[] {
  const [only, ...more] = back;
  if (only === undefined) return [];
  if (more.length === 0) return valueLines('rollback', lines(step, only));
  const items = back.flatMap((each) => {
    const [head = '', ...rest] = valueLines('migrate', lines(step, each));
    return [`- ${head}`, ...indented(rest, 2)];
  });
  return ['rollback:', ...indented(items, 2)];
}
