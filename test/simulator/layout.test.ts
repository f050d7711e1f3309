/** The code is laid out as docs/architecture.md says: imports go one way, and every finding has its page and its plans. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Import {
  readonly from: string;
  /** A file of ours, from the root; or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
}

async function filesUnder(folder: string, extension: RegExp): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((path) => !path.includes('node_modules'))
    .toSorted();
}

const statement = /^[ \t]*(import|export)\s+(type\s)?(?:[\w*{][^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf({ path, text }: Source): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const to = (specifier: string) => (specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier);
  return [
    ...[...code.matchAll(statement)].map(([, , type, name = '']) => ({
      from: path,
      to: to(name),
      typeOnly: Boolean(type),
    })),
    ...[...code.matchAll(dynamic)].map(([, name = '']) => ({ from: path, to: to(name), typeOnly: false })),
  ];
}

let sources: Source[] = [];
let imports: Import[] = [];

beforeAll(async () => {
  const paths = (
    await Promise.all(['simulator', 'extension', 'webview', 'test'].map((each) => filesUnder(each, /\.tsx?$/)))
  ).flat();
  sources = await Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
  imports = sources.flatMap(importsOf);
});

/** `plan` for simulator/plan/load.ts, `rehearse.ts` for simulator/rehearse.ts. */
const part = (path: string) => path.split('/')[1] ?? '';
const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`);

/** What each part of the simulator may import, beside itself. A file stands for itself alone. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  engine: [],
  report: ['plan'],
  import: ['plan'],
  explore: ['plan', 'engine', 'report', 'findings/catalog.ts'],
  traffic: ['plan', 'engine', 'report', 'explore'],
  findings: ['plan', 'engine', 'report', 'explore', 'traffic'],
  'rehearse.ts': ['plan', 'engine', 'report', 'explore', 'traffic', 'findings'],
  player: ['plan', 'engine', 'report', 'explore', 'rehearse.ts'],
  fixes: ['plan', 'engine', 'report', 'explore', 'traffic', 'findings', 'rehearse.ts'],
  cli: ['plan', 'engine', 'report', 'explore', 'traffic', 'findings', 'import', 'rehearse.ts'],
  'cli.ts': ['plan', 'engine', 'report', 'traffic', 'import', 'rehearse.ts', 'cli'],
};

function allowed({ from, to }: Import): boolean {
  const [here, there] = [part(from), part(to)];
  const list = mayImport[here] ?? [];
  return here === there || list.includes(there) || list.includes(to.slice('simulator/'.length));
}

describe('imports go one way', () => {
  test('the scan sees imports', () => {
    expect(imports.some((each) => each.from === 'simulator/report/json.ts' && each.typeOnly)).toBe(true);
    expect(imports.length).toBeGreaterThan(20);
  });

  test('between the parts of the simulator', () => {
    const ours = imports.filter(({ from, to }) => inside('simulator')(from) && inside('simulator')(to));
    expect(ours.filter((each) => !allowed(each))).toEqual([]);
  });

  test('the simulator knows neither the editor nor the page', () => {
    const outward = (to: string) =>
      to === 'vscode' || inside('extension')(to) || inside('webview')(to) || inside('test')(to);
    expect(imports.filter(({ from, to }) => inside('simulator')(from) && outward(to))).toEqual([]);
    expect(sources.filter(({ path, text }) => inside('simulator')(path) && text.includes('lib="dom'))).toEqual([]);
  });

  test('the webview takes only types from the simulator', () => {
    const taken = imports.filter(({ from, to }) => inside('webview')(from) && inside('simulator')(to));
    expect(taken.filter(({ typeOnly }) => !typeOnly)).toEqual([]);
  });

  test('the extension runs the simulator in its own process alone', () => {
    const isOfProcess = (path: string) =>
      path === 'extension/rehearsal/worker.ts' || path.startsWith('extension/language/analysis/');
    const outside = imports.filter(
      ({ from, typeOnly }) => inside('extension')(from) && !typeOnly && !isOfProcess(from),
    );
    expect(outside.filter(({ to }) => inside('simulator')(to))).toEqual([]);
    // Nor does anything of the host import what runs there.
    expect(outside.filter(({ to }) => isOfProcess(to))).toEqual([]);
    expect(imports.filter(({ from, to }) => isOfProcess(from) && to === 'vscode')).toEqual([]);
  });

  test('the extension reads the workspace through the editor, which may have no disk', () => {
    const host = sources.filter(({ path }) => inside('extension')(path) && path !== 'extension/rehearsal/worker.ts');
    expect(host.filter(({ text }) => /\.fsPath\b|node:fs/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('no file needs itself to load', () => {
    expect(cycle(imports.filter(({ typeOnly }) => !typeOnly))).toBeNull();
  });
});

/** The first circle of imports, as the files on it; null when there is none. */
function cycle(edges: readonly Import[]): readonly string[] | null {
  const next = groupBy(edges);
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const to of next.get(path) ?? []) {
      const found = walk(to, [...trail, path]);
      if (found !== null) return found;
    }
    done.add(path);
    return null;
  };
  for (const path of next.keys()) {
    const found = walk(path, []);
    if (found !== null) return found;
  }
  return null;
}

function groupBy(edges: readonly Import[]): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  return next;
}

describe('files', () => {
  test('relative imports name their file', () => {
    const vague = imports.filter(
      ({ to }) => /^(?:simulator|extension|webview|test)\//.test(to) && !/\.(?:tsx?|json|mjs|css)$/.test(to),
    );
    expect(vague).toEqual([]);
  });

  test('there are no barrels and no default exports', () => {
    const code = sources.filter(({ path }) => !inside('test')(path));
    expect(code.filter(({ path }) => /(?:^|\/)index\.tsx?$/.test(path)).map(({ path }) => path)).toEqual([]);
    expect(code.filter(({ text }) => /^export (?:default\b|\* from)/m.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('each opens with a sentence that says what it is for', () => {
    // A rule's file says it in its `meaning`.
    const code = sources.filter(({ path }) => !inside('test')(path) && !/^simulator\/findings\/[a-z]/.test(path));
    expect(code.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('findings', () => {
  const names = async (folder: string, extension: RegExp) =>
    (await readdir(join(root, folder)))
      .filter((name) => extension.test(name))
      .map((name) => name.replace(extension, ''));

  test('each rule is one file with one page', async () => {
    const rules = (await names('simulator/findings', /\.ts$/)).filter(
      (name) => !name.startsWith('_') && name !== 'catalog',
    );
    expect((await names('docs/findings', /\.md$/)).toSorted()).toEqual(rules.toSorted());
  });

  test('each page names its plans, and they are there', async () => {
    for (const rule of await names('docs/findings', /\.md$/)) {
      const page = await readFile(join(root, `docs/findings/${rule}.md`), 'utf8');
      expect(page, rule).toMatch(new RegExp(`^# ${rule}$`, 'm'));
      for (const plan of [`test/plans/${rule}/has.cutover.yaml`, `test/plans/${rule}/has-not.cutover.yaml`]) {
        expect(page, rule).toContain(plan);
        expect((await stat(join(root, plan)).catch(() => null))?.isFile() ?? false, plan).toBe(true);
      }
    }
  });
});

test('links between the pages lead somewhere', async () => {
  const pages = [...(await filesUnder('docs', /\.md$/)), 'README.md', 'CHANGELOG.md'];
  const broken: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
      const target = await stat(join(root, dirname(page), link)).catch(() => null);
      if (target === null) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});
