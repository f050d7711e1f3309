/** What can be seen in a state, made once for all moments that show the same. */
import { parseContent } from '../engine/content.ts';
import type { Catalog, Engine, SchemaId } from '../engine/engine.ts';
import type { Search } from '../explore/search.ts';
import type { Node } from '../explore/state.ts';
import type { ContentId, Transitions } from '../explore/transitions.ts';
import { differences } from './compare.ts';
import type { Counterparts } from './counterparts.ts';
import type { TableView, View } from './model.ts';

export class Views {
  readonly views: View[] = [];
  /** Cells of all views together. */
  cells = 0;
  private readonly known = new Map<string, number>();
  private readonly catalogs = new Map<SchemaId, Catalog>();
  private readonly tables = new Map<string, readonly TableView[]>();

  constructor(
    private readonly engine: Engine,
    private readonly transitions: Transitions,
    private readonly search: Search,
    private readonly counterparts: Counterparts,
  ) {}

  /** The number of the view of a state in which these versions are live. */
  async of(node: Node, live: readonly string[]): Promise<number> {
    const key = `${node.schema}|${node.content}|${node.first}|${live.join('|')}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const tables = await this.tablesOf(node.schema, node.content);
    const reference: (readonly TableView[])[] = [];
    // A request in flight may have done any part of what it does.
    const worlds = await this.search.wants.settle(() => this.search.first.advanced(node.first));
    for (const content of new Set(worlds.map((w) => w.content)))
      reference.push(await this.tablesOf(this.search.first.schema, content));
    const differ = differences(tables, reference, await this.counterparts.of(node.schema), live);
    this.views.push({ tables, reference, differences: differ });
    for (const { rows, columns } of [tables, ...reference].flat()) this.cells += rows.length * columns.length;
    this.known.set(key, this.views.length - 1);
    return this.views.length - 1;
  }

  async tablesOf(schema: SchemaId, content: ContentId): Promise<readonly TableView[]> {
    const key = `${schema}|${content}`;
    const known = this.tables.get(key);
    if (known !== undefined) return known;
    const catalog = this.catalogs.get(schema) ?? (await this.engine.catalog(schema));
    this.catalogs.set(schema, catalog);
    const parsed = parseContent(this.transitions.contents.text(content));
    const tables = catalog.tables
      .filter((t) => !t.partitioned)
      .map((t): TableView => ({
        name: t.name,
        columns: t.columns.map((c) => c.name),
        key: t.primaryKey,
        rows: parsed.tables[t.name] ?? [],
      }));
    this.tables.set(key, tables);
    return tables;
  }
}
