/** What a history is forked with: the beats that follow the moment, and who is live from there on. */
import { Node as State, plain, type Node } from '../explore/state.ts';
import type { Search } from '../explore/search.ts';
import type { Plan } from '../plan/model.ts';
import type { Beat } from './beat.ts';
import type { ForkCommand } from './model.ts';
import type { Query } from './query.ts';
import type { Setting, Settings } from './settings.ts';

export type Performed =
  | { readonly ok: true; readonly beats: readonly Beat[]; readonly setting: Setting }
  | { readonly ok: false; readonly message: string };

export class WhatIf {
  constructor(
    private readonly plan: Plan,
    private readonly search: Search,
    private readonly query: Query,
    private readonly settings: Settings,
  ) {}

  async perform(node: Node, setting: Setting, command: ForkCommand): Promise<Performed> {
    switch (command.kind) {
      case 'request':
        return this.request(node, setting, command);
      case 'rollback': {
        const beats = await setting.course.back(node);
        return beats === null ? no('there is no way back from here') : { ok: true, beats, setting };
      }
      case 'sql':
        return this.sql(node, setting, command.sql);
      case 'straggler':
        return this.straggler(node, setting, command.version);
    }
  }

  private async request(
    node: Node,
    setting: Setting,
    { version, request, params }: ForkCommand & { kind: 'request' },
  ): Promise<Performed> {
    const { live } = setting.course.position(node);
    if (!live.includes(version)) return no(`${version} is not live here (${live.join(', ') || 'nobody is'})`);
    const found = this.plan.versions.find((v) => v.name === version)?.requests.get(request);
    if (found === undefined) return no(`${version} has no request ${request}`);
    const missing = found.params.filter((p) => !(p in params));
    const extra = Object.keys(params).filter((p) => !found.params.includes(p));
    if (missing.length > 0 || extra.length > 0)
      return no(`${request} takes ${found.params.join(', ') || 'no parameters'}`);
    const offer = this.search.input.programs.offer(found, new Map(Object.entries(params)));
    return { ok: true, beats: await setting.requests.run(node, version, offer), setting };
  }

  private async sql(node: Node, setting: Setting, sql: string): Promise<Performed> {
    const result = await this.query.write(node, sql);
    if (!result.ok) return result;
    const streams = this.search.streams.with(node.streams, result.changes);
    const fields = { schema: result.schema, content: result.content, streams };
    const after = new State(-1, { ...plain(node), ...fields }, { ...wayOf(node), writes: node.writes + 1 });
    return { ok: true, beats: [this.said(after, setting, sql, byHand)], setting };
  }

  private straggler(node: Node, setting: Setting, version: string): Performed {
    const able = this.settings.stragglers(setting, node);
    const straggler = able.find((s) => s.version === version);
    if (straggler === undefined)
      return no(`${version} can not live on here (${able.map((s) => s.version).join(', ') || 'nobody can'})`);
    const after = new State(-1, plain(node), wayOf(node));
    const longer = this.settings.with(setting, straggler);
    return { ok: true, beats: [this.said(after, longer, '', `${version} lives on`)], setting: longer };
  }

  /** What no part of the plan does. */
  private said(node: Node, { course }: Setting, sql: string, result: string): Beat {
    const { step } = course.position(node);
    const place = step?.location ?? { file: this.plan.file, line: 1, column: 1 };
    const about = { step: step?.name ?? null, version: null, request: null, params: {}, line: null };
    const event = { kind: 'step' as const, ...about, sql, result };
    return { event, node, place, expected: null, actual: null, shown: null, stuck: false };
  }
}

/** The result of SQL that somebody has put in. */
export const byHand = 'put in by hand';

function no(message: string): Performed {
  return { ok: false, message };
}

function wayOf(parent: Node): ConstructorParameters<typeof State>[2] {
  const { writes, others, direction, stage } = parent;
  return { parent, event: null, writes, others, direction, stage };
}
