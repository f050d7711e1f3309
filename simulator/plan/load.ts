/** From the text of a `*.cutover.yaml` file to a plan, or to everything that is wrong with it. */
import { checkDatabaseNames, databasesOf } from './databases.ts';
import { sortedErrors } from './errors.ts';
import { placeOf, readFiles, report, unreadable } from './loading.ts';
import type { FileText, Loading } from './loading.ts';
import type { FurtherDatabase, Plan, PlanError, PlanResult, TableFacts } from './model.ts';
import { nearest } from './nearest.ts';
import { fileSource, withoutByteOrderMark } from './source.ts';
import type { TextSource } from './source.ts';
import { initParser } from './sql.ts';
import { stepsOf } from './steps.ts';
import { checkStructure } from './structure.ts';
import { scriptOf } from './texts.ts';
import { allowOf, domainsOf, forecastOf, productionOf, refuseUnused } from './values.ts';
import { paramsOf, versionsOf } from './versions.ts';
import type { Versions } from './versions.ts';
import { entryOf, nameText, readYaml } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

type Read = (path: string) => Promise<string>;

function failed(file: string, errors: readonly PlanError[], sources: ReadonlyMap<string, string>): PlanResult {
  return { ok: false, errors: sortedErrors(file, errors), sources };
}

function atStart(file: string, code: string, message: string): PlanError {
  return { code, message, location: { file, line: 1, column: 1 }, suggestion: null };
}

/** Texts of all files that were read. */
function sourcesOf(file: string, text: string, files: ReadonlyMap<string, FileText>): ReadonlyMap<string, string> {
  const sources = new Map([[file, text]]);
  for (const each of files.values()) if (each.ok) sources.set(each.source.locate(0).file, each.source.text);
  return sources;
}

/** Parameters with values that no request takes. After an error in a request it is not known what it takes. */
function checkParams(loading: Loading, versions: Versions, entries: ReturnType<typeof domainsOf>['entries']): void {
  if (!versions.complete) return;
  const all = paramsOf(versions.versions);
  refuseUnused(loading, entries, all, 'any version', (name) => nearest(name, all));
  for (const { version, entries: own, used } of versions.domains) {
    refuseUnused(loading, own, used, `version \`${version}\``, (name) => nearest(name, used));
  }
}

/** A mapping without entries passes the schema. */
function checkNotEmpty(loading: Loading, tree: Tree): void {
  const versions = entryOf(tree, 'versions')?.value;
  if (versions?.kind === 'map' && versions.entries.length === 0) {
    report(
      loading,
      'no-versions',
      'A plan needs at least one version: the app as it is now.',
      placeOf(loading, versions),
    );
  }
}

/** A database beside the first; null after an error. */
function furtherDatabase(loading: Loading, { key, value }: Entry): FurtherDatabase | null {
  const here = { ...loading, database: key };
  const schemaTree = entryOf(value, 'schema')?.value;
  const seedTree = entryOf(value, 'seed')?.value;
  const schema = schemaTree === undefined ? null : scriptOf(here, schemaTree, `The schema of \`${key}\``);
  const seed = seedTree === undefined ? null : scriptOf(here, seedTree, `The seed of \`${key}\``);
  return schema === null ? null : { name: key, schema: schema.sql, seed: seed?.sql ?? null };
}

/** The facts of all databases, each table under the name that it has in reports. */
function allProduction(tree: Tree, further: readonly Entry[]): ReadonlyMap<string, TableFacts> {
  const others = further.flatMap(({ key, value }) =>
    [...productionOf(entryOf(value, 'production')?.value)].map(([table, facts]) => [`${key}.${table}`, facts] as const),
  );
  return new Map([...productionOf(entryOf(entryOf(tree, 'database')?.value, 'production')?.value), ...others]);
}

/** Null only when there are errors. */
function buildPlan(loading: Loading, tree: Tree, sources: ReadonlyMap<string, string>): Plan | null {
  const database = entryOf(tree, 'database')?.value;
  const schemaTree = entryOf(database, 'schema')?.value;
  const seedTree = entryOf(database, 'seed')?.value;
  const schema = schemaTree === undefined ? null : scriptOf(loading, schemaTree, 'The schema');
  const seed = seedTree === undefined ? null : scriptOf(loading, seedTree, 'The seed');
  const furtherTree = entryOf(tree, 'databases')?.value;
  const further = furtherTree?.kind === 'map' ? furtherTree.entries : [];
  checkDatabaseNames(loading, tree);
  const databases = further.flatMap((each) => furtherDatabase(loading, each) ?? []);
  const params = domainsOf(loading, entryOf(tree, 'params')?.value);
  const versions = versionsOf(loading, entryOf(tree, 'versions')?.value);
  checkNotEmpty(loading, tree);
  checkParams(loading, versions, params.entries);
  const steps = stepsOf(loading, entryOf(tree, 'steps')?.value, new Set(versions.versions.map(({ name }) => name)));
  const forecast = forecastOf(loading, entryOf(tree, 'forecast')?.value);
  if (schema === null || loading.errors.length > 0) return null;
  const fileName = loading.file.split(/[\\/]/).at(-1) ?? loading.file;
  return {
    file: loading.file,
    title: nameText(entryOf(tree, 'title')?.value) ?? fileName.replace(/(\.cutover)?\.ya?ml$/, ''),
    schema: schema.sql,
    seed: seed?.sql ?? null,
    database: loading.databases.first,
    databases,
    production: allProduction(tree, further),
    forecast,
    params: params.values,
    versions: versions.versions,
    steps,
    allow: allowOf(loading, entryOf(tree, 'allow')?.value),
    sources,
  };
}

async function loadTree(
  file: string,
  source: TextSource,
  tree: Tree,
  known: readonly PlanError[],
  read: Read,
): Promise<PlanResult> {
  const errors = [...known, ...checkStructure(source, tree)];
  if (tree.kind !== 'map') return failed(file, errors, new Map([[file, source.text]]));
  const files = await readFiles(file, tree, read);
  const sources = sourcesOf(file, source.text, files);
  const loading: Loading = { source, file, files, errors, databases: databasesOf(tree), database: null };
  const plan = buildPlan(loading, tree, sources);
  return plan === null ? failed(file, errors, sources) : { ok: true, plan };
}

async function load(file: string, read: Read): Promise<PlanResult> {
  let text: string;
  try {
    text = withoutByteOrderMark(await read(file));
  } catch {
    return failed(file, [atStart(file, 'missing-file', `The plan \`${file}\` can't be read.`)], new Map());
  }
  const sources = new Map([[file, text]]);
  const wrong = unreadable(text);
  if (wrong !== null) return failed(file, [atStart(file, wrong.code, `The plan ${wrong.message}.`)], new Map());
  await initParser();
  const source = fileSource(file, text);
  const { tree, errors } = readYaml(source);
  if (tree !== null) return loadTree(file, source, tree, errors, read);
  const empty = atStart(file, 'empty-plan', 'The plan is empty. It needs `database`, `versions` and `steps`.');
  return failed(file, errors.length > 0 ? errors : [empty], sources);
}

/** `read` gives the text of a file, and throws if there is none. Paths of SQL files are relative to the plan. */
export async function loadPlan(file: string, read: (path: string) => Promise<string>): Promise<PlanResult> {
  try {
    return await load(file, read);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return failed(
      file,
      [atStart(file, 'internal', `Cutover could not read this plan, by a fault of its own: ${message}`)],
      new Map(),
    );
  }
}
