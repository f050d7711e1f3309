/** The outline of a plan, and the files that it names. */
import { resolvePath } from '../../../simulator/plan/source.ts';
import type { Outline, OutlineItem, OutlineKind } from '../protocol.ts';
import { fileReferences, liveOf, namesOf, type PlanNames } from './names.ts';
import { readTree, type Entry, type Span, type Tree } from './tree.ts';

export function outlineOf(plan: string, text: string): Outline {
  const root = readTree(text);
  const names = namesOf(text, root);
  const entries = root.kind === 'map' ? root.entries : [];
  return {
    items: entries.map((entry) => item(entry, 'section', '', childrenOf(entry, names))),
    links: fileReferences(root).map(({ path, start, end }) => ({ start, end, path: resolvePath(plan, path) })),
  };
}

function item(entry: Entry, kind: OutlineKind, detail: string, children: readonly OutlineItem[] = []): OutlineItem {
  return { name: entry.key, detail, kind, whole: wholeOf(entry), selection: entry.keySpan, children };
}

function wholeOf({ keySpan, value }: Entry): Span {
  return { start: keySpan.start, end: Math.max(keySpan.end, value.span.end) };
}

function entriesOf(tree: Tree): readonly Entry[] {
  return tree.kind === 'map' ? tree.entries : [];
}

function childrenOf({ key, value }: Entry, names: PlanNames): readonly OutlineItem[] {
  switch (key) {
    case 'database':
      return entriesOf(value).map((entry) =>
        item(
          entry,
          'section',
          '',
          entry.key === 'production' ? entriesOf(entry.value).map((table) => item(table, 'table', '')) : [],
        ),
      );
    case 'params':
      return entriesOf(value).map((entry) => item(entry, 'param', ''));
    case 'versions':
      return entriesOf(value).map((entry) => item(entry, 'version', liveOf(names, entry.key), requestsIn(entry)));
    case 'steps':
      return names.steps.map(({ name, span, whole, kind, deploy }) => ({
        name,
        detail: deploy === null ? (kind ?? '') : `deploy ${deploy.name}`,
        kind: 'step',
        whole,
        selection: span,
        children: [],
      }));
    default:
      return [];
  }
}

function requestsIn({ value }: Entry): readonly OutlineItem[] {
  return entriesOf(value)
    .filter(({ key }) => key !== 'extends' && key !== 'params' && key !== 'prepares')
    .map((entry) => item(entry, 'request', ''));
}
