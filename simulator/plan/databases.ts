/**
 * Where a statement runs: the databases of a plan, `on:`, and what a statement must not name since it runs in one
 * database alone.
 */
import { scanSync } from 'libpg-query';
import { body, isNode, list, strings, text } from './ast.ts';
import { placeOf, report } from './loading.ts';
import type { Databases, Loading } from './loading.ts';
import type { ColumnWrite, TableRef } from './model.ts';
import { nearest } from './nearest.ts';
import type { PlacedStatement } from './sql.ts';
import { entryOf, nameText } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

/** Not what a database can be called: a word of the format, and schemas that every database has. */
const takenNames = new Set(['replica', 'public', 'information_schema']);

/** The names of a plan's databases, the first as `database: { name: … }` says it. */
export function databasesOf(tree: Tree): Databases {
  const further = entryOf(tree, 'databases')?.value;
  return {
    first: nameText(entryOf(entryOf(tree, 'database')?.value, 'name')?.value) ?? 'main',
    further: further?.kind === 'map' ? further.entries.map(({ key }) => key) : [],
  };
}

export function checkDatabaseNames(loading: Loading, tree: Tree): void {
  const further = entryOf(tree, 'databases')?.value;
  for (const entry of further?.kind === 'map' ? further.entries : []) {
    const place = loading.source.locate(entry.keyAt);
    if (entry.key === loading.databases.first)
      report(
        loading,
        'duplicate-name',
        `The first database is called \`${entry.key}\` already: say \`name:\` in \`database\`, or call this one something else.`,
        place,
      );
    else if (takenNames.has(entry.key) || entry.key.startsWith('pg_') || !/^[a-z_][a-z0-9_]*$/.test(entry.key))
      report(
        loading,
        'invalid-value',
        `A database can't be called \`${entry.key}\`: take a word of small letters, digits and underscores that Postgres does not use itself.`,
        place,
      );
  }
}

/** What is loaded from here on runs in the database that `on` names; without it, where it ran before. */
export function within(loading: Loading, on: Entry | undefined): Loading {
  const name = nameText(on?.value);
  if (on === undefined || name === null) return loading;
  const { first, further } = loading.databases;
  if (name === first) return { ...loading, database: null };
  if (further.includes(name)) return { ...loading, database: name };
  const known = [first, ...further];
  const which =
    further.length === 0
      ? `The plan has one, \`${first}\`; others are declared under \`databases\`.`
      : `There are ${known.map((each) => `\`${each}\``).join(' and ')}.`;
  report(
    loading,
    'unknown-database',
    `There is no database \`${name}\`. ${which}`,
    placeOf(loading, on.value),
    nearest(name, known),
  );
  return loading;
}

/** A table of the database at hand as all databases together know it. */
export function placedRef(loading: Loading, ref: TableRef): TableRef {
  if (loading.databases.further.length === 0) return ref;
  return { ...ref, schema: loading.database ?? ref.schema ?? 'public' };
}

/** The statement, running in the database at hand. */
export function placed(loading: Loading, given: PlacedStatement): PlacedStatement {
  if (loading.databases.further.length === 0) return given;
  checkNames(loading, given);
  const at = (ref: TableRef): TableRef => placedRef(loading, ref);
  const { statement } = given;
  const target = statement.target === null ? null : { ...statement.target, table: at(statement.target.table) };
  return {
    ...given,
    statement: {
      ...statement,
      database: loading.database,
      tables: statement.tables.map(at),
      target,
      paramUses: statement.paramUses.map((use) => ({ ...use, tables: use.tables.map(at) })),
      writes: statement.writes.map((write) => placedWrite(write, at)),
    },
  };
}

function placedWrite(write: ColumnWrite, at: (ref: TableRef) => TableRef): ColumnWrite {
  const columns = write.columns.map((each) => ({ ...each, tables: each.tables.map(at) }));
  return { ...write, table: at(write.table), columns };
}

const ofEveryDatabase = new Set(['pg_catalog', 'information_schema', 'pg_temp']);
/** What would be seen in the other databases too, as one Postgres stands for all of them. */
const refusedNodes: ReadonlySet<string> = new Set([
  'CreateSchemaStmt',
  'CreateExtensionStmt',
  'AlterExtensionStmt',
  'CreateEventTrigStmt',
  'CreatePublicationStmt',
  'CreateSubscriptionStmt',
  'CreateFdwStmt',
  'CreateForeignServerStmt',
  'AlterObjectSchemaStmt',
]);

function checkNames(loading: Loading, { statement, tree, detail }: PlacedStatement): void {
  const { first, further } = loading.databases;
  const here = loading.database ?? first;
  const { schemas, inBodies } = qualifiersOf(statement.node, tree);
  const refuse = (code: string, message: string): void => report(loading, code, message, statement.location);
  const other = [...schemas, ...inBodies].find((name) => name !== here && [first, ...further].includes(name));
  if (other !== undefined) {
    const remedy = `A statement runs in one database alone, and this one runs on \`${here}\`.`;
    refuse(
      'other-database',
      `This names \`${other}\`, another database. ${remedy} Say \`on: ${other}\` where it should run there.`,
    );
    return;
  }
  if (loading.database === null) return;
  const schema = schemas.find((name) => !ofEveryDatabase.has(name)) ?? inBodies.find((name) => name === 'public');
  if (schema !== undefined)
    refuse('unsupported', `On \`${here}\` names stand without a schema: leave out \`${schema}.\` here.`);
  if (refusedNodes.has(statement.node) || (detail === 'search_path' && statement.node === 'VariableSetStmt'))
    refuse('unsupported', `A rehearsal can't run this on \`${here}\`: it is supported in the first database alone.`);
}

const namedByList = ['funcname', 'names', 'typeName', 'objname', 'domainname', 'defnames'];

interface Qualifiers {
  /** What stands before the dot of a table, a function, a type, or of what is dropped. */
  readonly schemas: readonly string[];
  /** Whatever stands before a dot in the body of a function. */
  readonly inBodies: readonly string[];
}

function qualifiersOf(tag: string, tree: unknown): Qualifiers {
  const schemas = new Set<string>();
  const bodies: string[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isNode(value)) return;
    const schema = text(value['schemaname']);
    if (schema !== null) schemas.add(schema);
    for (const key of namedByList) {
      const names = strings(value[key]);
      const [before] = names;
      if (names.length > 1 && typeof before === 'string') schemas.add(before);
    }
    const option = body(value, 'DefElem');
    if (option?.['defname'] === 'as') bodies.push(...bodyTexts(option['arg']));
    Object.values(value).forEach(visit);
  };
  visit(tree);
  const dropped = tag === 'DropStmt' && isNode(tree) ? list(tree['objects']) : [];
  for (const object of dropped) {
    const names = strings(body(object, 'List')?.['items']);
    const [before] = names;
    // Of a trigger, a rule or a policy the table comes first.
    if (names.length > 1 && typeof before === 'string' && (before === 'public' || names.length > 2))
      schemas.add(before);
  }
  return { schemas: [...schemas], inBodies: bodies.flatMap(qualifiersIn) };
}

function bodyTexts(argument: unknown): string[] {
  const single = text(body(argument, 'String')?.['sval']);
  const several = strings(body(argument, 'List')?.['items']);
  return [single, ...several].flatMap((each) => each ?? []);
}

const dot = 46;

/** By Postgres' own lexer: a body is a text of another language, of which only the tokens are known. */
function qualifiersIn(source: string): string[] {
  try {
    const { tokens } = scanSync(source);
    return tokens.flatMap((token, i) =>
      tokens[i + 1]?.tokenType === dot ? [token.text.replaceAll('"', '').toLowerCase()] : [],
    );
  } catch {
    return [];
  }
}
