/** SQL and titles as a person would have written them. */
import { lexSql } from '../plan/lexer.ts';

/** The inner SELECT of a batch on a line of its own. */
export function laidOut(sql: string): readonly string[] {
  const lexed = lexSql(sql);
  const tokens = lexed.ok ? lexed.tokens : [];
  const inner = tokens.find(({ start, end }, i) => {
    const before = tokens[i - 1];
    return before !== undefined && sql[before.start] === '(' && sql.slice(start, end).toUpperCase() === 'SELECT';
  });
  if (inner === undefined || sql.length < 80) return sql.split('\n');
  return [sql.slice(0, inner.start).trimEnd(), `  ${sql.slice(inner.start)}`];
}

/** What Postgres' lexer takes for comments: all that is neither a token nor a space between two of them. */
export function commentsIn(sql: string): readonly string[] {
  const lexed = lexSql(sql);
  if (!lexed.ok) return [];
  let at = 0;
  const between = [...lexed.tokens, { start: sql.length, end: sql.length }].map(({ start, end }) => {
    const text = sql.slice(at, start).trim();
    at = end;
    return text;
  });
  return between.filter((text) => text !== '');
}

export function initial(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** As one script: each statement ends with a semicolon and its line. */
export function script(statements: readonly string[]): readonly string[] {
  return statements.flatMap((each) => `${each};`.split('\n'));
}
