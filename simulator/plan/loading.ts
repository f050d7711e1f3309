/** What is shared while one plan is loaded: its files, and the errors found so far. */
import { didYouMean } from './errors.ts';
import type { Location, PlanError } from './model.ts';
import { resolvePath, fileSource, withoutByteOrderMark } from './source.ts';
import type { TextSource } from './source.ts';
import { entryOf } from './yaml.ts';
import type { Entry, Tree } from './yaml.ts';

/** Longer files are not plans, and would keep the editor busy. */
export const longestFile = 2 * 1024 * 1024;

export type FileText =
  | { readonly ok: true; readonly source: TextSource }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The names of a plan's databases. */
export interface Databases {
  readonly first: string;
  readonly further: readonly string[];
}

export interface Loading {
  readonly source: TextSource;
  readonly file: string;
  /** Files that the plan names, by the path as written. */
  readonly files: ReadonlyMap<string, FileText>;
  readonly errors: PlanError[];
  readonly databases: Databases;
  /** Where statements run that are loaded now: a further database, or null for the first. */
  readonly database: string | null;
}

export function report(
  loading: Loading,
  code: string,
  message: string,
  location: Location,
  suggestion: string | null = null,
): void {
  loading.errors.push({ code, message: message + didYouMean(suggestion), location, suggestion });
}

export function placeOf(loading: Loading, tree: Tree): Location {
  return loading.source.locate(tree.at);
}

export function keyPlace(loading: Loading, entry: Entry): Location {
  return loading.source.locate(entry.keyAt);
}

/** Why a text is none that can be a plan or SQL; null if nothing speaks against it. */
export function unreadable(text: string): { readonly code: string; readonly message: string } | null {
  if (text.length > longestFile) return { code: 'too-large', message: 'is larger than 2 MB' };
  const head = text.slice(0, 8192);
  if (head.includes('\0')) return { code: 'binary', message: 'is not a text file' };
  // What is not UTF-8 comes out as replacement characters.
  const broken = head.split('\uFFFD').length - 1;
  return broken > head.length / 20 ? { code: 'binary', message: 'is not a text file in UTF-8' } : null;
}

async function readText(path: string, read: (path: string) => Promise<string>): Promise<FileText> {
  let text: string;
  try {
    text = withoutByteOrderMark(await read(path));
  } catch {
    return { ok: false, code: 'missing-file', message: `The file \`${path}\` can't be read.` };
  }
  const wrong = unreadable(text);
  return wrong === null
    ? { ok: true, source: fileSource(path, text) }
    : { ok: false, code: wrong.code, message: `The file \`${path}\` ${wrong.message}.` };
}

/** Every `{ file: path }` of the tree, whether it stands where one is allowed or not. */
function fileReferences(tree: Tree, found: Set<string>): void {
  if (tree.kind === 'seq') for (const item of tree.items) fileReferences(item, found);
  if (tree.kind !== 'map') return;
  const path = entryOf(tree, 'file')?.value;
  if (path?.kind === 'scalar' && typeof path.value === 'string' && tree.entries.length === 1) found.add(path.value);
  for (const entry of tree.entries) fileReferences(entry.value, found);
}

/** Reads them all beforehand, so that the rest of loading need not wait. */
export async function readFiles(
  plan: string,
  tree: Tree,
  read: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, FileText>> {
  const paths = new Set<string>();
  fileReferences(tree, paths);
  const texts = await Promise.all(
    [...paths].map(async (path) => [path, await readText(resolvePath(plan, path), read)] as const),
  );
  return new Map(texts);
}
