/** What a key, a name, a parameter, a rule or a table at the cursor means. */
import type { Domain, Hover } from '../protocol.ts';
import type { Analysis } from './analysis.ts';
import { formatParameter, historyOf } from './complete-sql.ts';
import { lineage, liveOf, requestsOf, type RequestNames } from './names.ts';
import { placeAt, type KeyPlace, type ValuePlace } from './place.ts';
import { ruleText } from './rule-text.ts';
import { descriptionAt, valuesAt } from './schema.ts';
import { sqlPlace } from './sql-place.ts';
import { holesOf, sqlTextOf, statementAt, tablesOf, wordsOf } from './sql-text.ts';
import type { Table } from './tables.ts';
import type { Path, Span } from './tree.ts';

/** `domain` is what the last search tried; null if there was none. */
export function hover(analysis: Analysis, offset: number, domain: Domain | null): Hover | null {
  const place = placeAt(analysis.text, analysis.root, offset);
  if (place?.kind === 'key') return overKey(analysis, place, domain);
  return place?.kind === 'value' ? overValue(analysis, place, offset, domain) : null;
}

function overKey(analysis: Analysis, { path, entry, span }: KeyPlace, domain: Domain | null): Hover | null {
  if (entry === null) return null;
  const { names } = analysis;
  const [section, version] = path;
  const show = (markdown: string | null): Hover | null =>
    markdown === null ? null : { span, markdown, isOfSchema: false };
  if (section === 'versions' && path.length === 1) return show(versionText(analysis, entry.key));
  if (path.at(-1) === 'params')
    return show(paramText(analysis, entry.key, typeof version === 'string' ? version : null, null, domain));
  const request = names.versions
    .find(({ name }) => section === 'versions' && path.length === 2 && name === version)
    ?.requests.find(({ name }) => name === entry.key);
  if (request !== undefined) return show(requestText(analysis, request));
  if (section === 'database' && path[1] === 'production' && path.length === 2) {
    const table = analysis.tables.find(({ name }) => name === entry.key);
    return show(table === undefined ? null : tableText(table));
  }
  return ofSchema(span, [...path, entry.key]);
}

function ofSchema(span: Span, path: Path): Hover | null {
  const markdown = keyText(path);
  return markdown === null ? null : { span, markdown, isOfSchema: true };
}

function keyText(path: Path): string | null {
  const description = descriptionAt(path);
  if (description === null) return null;
  const { values } = valuesAt(path);
  const list =
    values.length > 0 && values.length < 8 ? `\n\nOne of ${values.map((each) => `\`${each}\``).join(', ')}.` : '';
  return `**${String(path.at(-1))}**\n\n${description}${list}`;
}

function overValue(
  analysis: Analysis,
  { path, scalar }: ValuePlace,
  offset: number,
  domain: Domain | null,
): Hover | null {
  if (scalar === null || offset > scalar.span.end) return null;
  const key = path.at(-1);
  const show = (markdown: string | null): Hover | null =>
    markdown === null ? null : { span: scalar.span, markdown, isOfSchema: false };
  if ((key === 'deploy' && path[0] === 'steps') || (key === 'extends' && path[0] === 'versions' && path.length === 3))
    return show(versionText(analysis, scalar.value));
  if (key === 'rule') return show(ruleText(scalar.value));
  if (valuesAt(path).values.includes(scalar.value)) return ofSchema(scalar.span, path);
  return sqlPlace(path) === null ? null : overSql(analysis, path, scalar, offset, domain);
}

function overSql(
  analysis: Analysis,
  path: Path,
  scalar: NonNullable<ValuePlace['scalar']>,
  offset: number,
  domain: Domain | null,
): Hover | null {
  const place = sqlPlace(path);
  const text = sqlTextOf(analysis.text, scalar);
  const hole = holesOf(text).find(({ start, end }) => start <= offset && offset <= end);
  if (hole !== undefined) {
    const span = { start: hole.start, end: hole.end };
    if (hole.piece.kind === 'field')
      return {
        span,
        markdown: `**:${hole.piece.row}.${hole.piece.column}**\n\nColumn \`${hole.piece.column}\` of ${place?.kind === 'stream' ? `the row ${hole.piece.row === 'old' ? 'before' : 'after'} the change` : `the row that \`as: ${hole.piece.row}\` names`}.`,
        isOfSchema: false,
      };
    const { name } = hole.piece;
    const inRequest = place?.kind === 'request' ? place : null;
    const markdown =
      place?.kind === 'backfill'
        ? `**:${name}**\n\n${formatParameter(name) ?? 'A backfill has `:batch`, or `:from` and `:to`.'}`
        : place?.kind === 'write'
          ? `**:${name}**\n\nColumn \`${name}\` of the row that was read.`
          : paramText(analysis, name, inRequest?.version ?? null, inRequest?.request ?? null, domain);
    return markdown === null ? null : { span, markdown, isOfSchema: false };
  }
  const words = wordsOf(text) ?? [];
  const word = words.find(({ start, end, kind }) => kind === 'name' && start <= offset && offset <= end);
  if (word === undefined) return null;
  const named = tablesOf(statementAt(words, word.start));
  return overName(
    analysis,
    word,
    named.map(({ table }) => table),
    named.find(({ alias }) => alias === word.name)?.table ?? word.name,
  );
}

/** A table, or a column of the tables that the statement names. */
function overName(
  { tables }: Analysis,
  word: Span & { name: string },
  named: readonly string[],
  table: string,
): Hover | null {
  const span = { start: word.start, end: word.end };
  const own = tables.filter(({ name }) => named.includes(name));
  const columns = own.flatMap((each) =>
    each.columns.filter(({ name }) => name === word.name).map((column) => ({ each, column })),
  );
  if (columns.length > 0) {
    const lines = columns.map(
      ({ each, column }) => `**${each.name}.${column.name}** ${historyOf(column, column.type)}`,
    );
    return { span, markdown: lines.join('\n\n'), isOfSchema: false };
  }
  const found = own.find(({ name }) => name === table);
  return found === undefined ? null : { span, markdown: tableText(found), isOfSchema: false };
}

function tableText(table: Table): string {
  const rows = table.columns.map((column) => `- \`${column.name}\` ${historyOf(column, column.type)}`);
  return [`**${table.name}**${historyOf(table, '') === '' ? '' : ` (${historyOf(table, '')})`}`, rows.join('\n')].join(
    '\n\n',
  );
}

function versionText(analysis: Analysis, version: string): string | null {
  const { names } = analysis;
  const own = names.versions.find(({ name }) => name === version);
  if (own === undefined) return null;
  const isFirst = names.versions[0] === own;
  const parts = lineage(names, version)
    .map(({ name }) => name)
    .slice(1);
  const extension = parts.length === 0 ? '' : `, extends ${parts.join(', ')}`;
  const reference = isFirst
    ? '\n\nThe reference: every answer is compared with what this version gives without the migration.'
    : '';
  const requests = requestsOf(names, version).map((request) => {
    const from = request.version === version ? '' : ` (as ${request.version})`;
    return `- \`${request.name}\`${from}`;
  });
  return `**${version}**${extension}\n\n${liveOf(names, version)}${reference}\n\n${requests.join('\n')}`;
}

function requestText({ names }: Analysis, request: RequestNames): string {
  const [, ...parents] = lineage(names, request.version);
  const other = parents.find(({ requests }) => requests.some(({ name }) => name === request.name));
  const params = new Set(request.holes.flatMap(({ piece }) => (piece.kind === 'param' ? [`\`:${piece.name}\``] : [])));
  const overrides = other === undefined ? '' : `\n\nIn place of that of ${other.name}.`;
  const takes = params.size === 0 ? '' : `\n\nParameters: ${[...params].join(', ')}.`;
  return `**${request.name}**, a request of ${request.version}${overrides}${takes}`;
}

/** Values that are stated, and those that the last search tried. */
function paramText(
  { names }: Analysis,
  name: string,
  version: string | null,
  request: string | null,
  domain: Domain | null,
): string {
  const own = version === null ? [] : lineage(names, version).flatMap(({ params }) => params);
  const stated = [...own, ...names.params].filter((each) => each.name === name);
  const lines = stated.slice(0, 1).map(({ values }) => `The plan states its values: \`${values}\`.`);
  const searched = Object.entries(domain ?? {}).filter(([key]) => isOf(key, name, request));
  for (const [key, values] of searched)
    lines.push(`The last search tried, in \`${key}\`: ${values.map(valueText).join(', ')}.`);
  if (stated.length === 0 && searched.length === 0)
    lines.push('Its values come from its type: keys of the seed and one that is not there, or two fresh values.');
  return [`**:${name}**`, ...lines].join('\n\n');
}

function isOf(key: string, param: string, request: string | null): boolean {
  return request === null ? key.endsWith(`.${param}`) : key === `${request}.${param}`;
}

function valueText(value: string | null): string {
  return value === null ? 'NULL' : `\`${value.replaceAll('`', "'")}\``;
}
