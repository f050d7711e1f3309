/** `IS NULL` in the condition of a backfill asks whether a row was ever written; `IS DISTINCT FROM` asks whether it is right. */
import type { Node } from '@pgsql/types';
import { initial } from './words.ts';
import { byteOffsets, fillHoles, lexSql } from '../plan/lexer.ts';
import type { Span } from '../plan/lexer.ts';
import { parseOne, textOf, write } from '../traffic/alternatives-tree.ts';
import { stepNamed, type Candidate, type FixContext } from './context.ts';
import type { SqlText, TextEdit } from './document.ts';

const rules: readonly string[] = [
  'lost-write',
  'wrong-answer',
  'request-fails',
  'unreadable-answer',
  'verify-stops',
  'rollback-loses-writes',
  'backfill-overwrites',
];

/** Backfills up to the step where the finding shows, the nearest first. */
export function nullSafe(context: FixContext): readonly Candidate[] {
  const { finding, document, plan } = context;
  const shown = stepNamed(context, finding.step);
  if (!rules.includes(finding.rule) || shown === null) return [];
  return plan.steps
    .slice(0, shown.index + 1)
    .reverse()
    .flatMap((step) => {
      const item = step.kind === 'backfill' ? document.step(step.index) : null;
      if (item === null) return [];
      const one = document.sql(item, 'backfill');
      const texts = one === null ? document.sqlList(item, 'backfill') : [one];
      const edits = texts.flatMap((text) => nullTests(text).map((each) => editOf(context, text, each)));
      return edits.length === 0 ? [] : [{ title: `${initial(step.name)}: compare with IS DISTINCT FROM`, edits }];
    });
}

interface NullTest {
  /** `IS NULL`, or `ISNULL`, in the text. */
  readonly span: Span;
  /** What the column is to be compared with. */
  readonly value: string;
}

function editOf({ document }: FixContext, text: SqlText, { span, value }: NullTest): TextEdit {
  return document.replaceSql(text, span.start, span.end, `IS DISTINCT FROM ${value}`);
}

/** Tests for NULL of the columns that an UPDATE sets, each with what it sets them to. */
function nullTests({ value: sql }: SqlText): readonly NullTest[] {
  const lexed = lexSql(sql);
  if (!lexed.ok) return [];
  const filled = fillHoles(sql, lexed.holes);
  const tree = parseOne(filled);
  if (tree === null || !('UpdateStmt' in tree)) return [];
  const { targetList = [], whereClause } = tree.UpdateStmt;
  const values = new Map(targetList.flatMap((node) => assignment(node) ?? []));
  const offset = byteOffsets(filled);
  return testsIn(whereClause).flatMap(({ column, location }) => {
    const value = values.get(column);
    const at = lexed.tokens.findIndex(({ start }) => start === offset(location));
    const [is, next] = lexed.tokens.slice(at);
    if (value === undefined || at === -1 || is === undefined) return [];
    const isOneWord = sql.slice(is.start, is.end).toUpperCase() === 'ISNULL';
    const end = isOneWord ? is.end : next?.end;
    return end === undefined ? [] : [{ span: { start: is.start, end }, value }];
  });
}

function assignment(node: Node): readonly [readonly [string, string]] | null {
  if (!('ResTarget' in node)) return null;
  const { name, val } = node.ResTarget;
  if (name === undefined || val === undefined || 'MultiAssignRef' in val || 'SetToDefault' in val) return null;
  // What binds less strongly than IS DISTINCT FROM would be torn apart.
  const isWhole = 'ColumnRef' in val || 'FuncCall' in val || 'A_Const' in val || 'CoalesceExpr' in val;
  return [[name, isWhole ? write(val) : `(${write(val)})`]];
}

function testsIn(value: unknown): readonly { column: string; location: number }[] {
  if (Array.isArray(value)) return value.flatMap(testsIn);
  if (typeof value !== 'object' || value === null) return [];
  const test = (value as { NullTest?: { arg?: Node; nulltesttype?: string; location?: number } }).NullTest;
  if (test?.nulltesttype === 'IS_NULL' && test.arg !== undefined && 'ColumnRef' in test.arg)
    return [{ column: textOf(test.arg.ColumnRef.fields?.at(-1)), location: test.location ?? 0 }];
  return Object.values(value).flatMap(testsIn);
}
