/** Going through a recorded history: where the next and the previous stop are. Nothing here asks anybody. */
import type { History, Moment, Recording, Stop, TableView, View } from '../../simulator/player/model.ts';

/** A place in a history: a moment, or one of the requests that can be stepped into there. */
export interface Cursor {
  readonly moment: number;
  readonly probe: number | null;
}

/** A cell that is watched. */
export interface WatchedCell {
  readonly table: string;
  /** `id=1`. */
  readonly row: string;
  readonly column: string;
}

export interface StopRules {
  /** Indices into the recording's stops, each with the breakpoint that asked for it. */
  readonly breakpoints: ReadonlyMap<number, number>;
  readonly cells: readonly { readonly id: number; readonly cell: WatchedCell }[];
  readonly breaksOn: (rule: string) => boolean;
}

export type Reason =
  | { readonly kind: 'breakpoint'; readonly ids: readonly number[] }
  | { readonly kind: 'data breakpoint'; readonly ids: readonly number[] }
  | { readonly kind: 'exception' }
  | { readonly kind: 'end' };

export class Walk {
  private readonly demonstrations: ReadonlySet<Moment>;

  constructor(
    private readonly recording: Pick<Recording, 'stops' | 'finding'>,
    private readonly views: readonly View[],
    readonly history: History,
  ) {
    this.demonstrations = this.findDemonstrations();
  }

  at({ moment, probe }: Cursor): Moment {
    const main = this.history.moments[moment];
    const found = probe === null ? main : main?.probes[probe];
    if (found === undefined) throw new RangeError('there is no such moment');
    return found;
  }

  get last(): number {
    return this.history.moments.length - 1;
  }

  /** Where Step Over leads; null at the end. */
  over({ moment, probe }: Cursor): Cursor | null {
    const probes = this.history.moments[moment]?.probes.length ?? 0;
    if (probe !== null && probe + 1 < probes) return { moment, probe: probe + 1 };
    return moment < this.last ? { moment: moment + 1, probe: null } : null;
  }

  into(cursor: Cursor): Cursor | null {
    const probes = this.history.moments[cursor.moment]?.probes.length ?? 0;
    return cursor.probe === null && probes > 0 ? { moment: cursor.moment, probe: 0 } : this.over(cursor);
  }

  /** Out of a request to its moment; out of a moment to the next step. */
  out({ moment, probe }: Cursor): Cursor | null {
    if (probe !== null) return { moment, probe: null };
    const step = this.history.moments[moment]?.step?.index;
    const next = this.history.moments.findIndex((m, i) => i > moment && m.step?.index !== step);
    if (next !== -1) return { moment: next, probe: null };
    return moment < this.last ? { moment: this.last, probe: null } : null;
  }

  /** Where Step Back leads; null at the start. */
  back({ moment, probe }: Cursor): Cursor | null {
    if (probe !== null) return { moment, probe: probe === 0 ? null : probe - 1 };
    return moment > 0 ? { moment: moment - 1, probe: null } : null;
  }

  /** The next place that something stops at; else the end, or the start. Null: it is there already. */
  run(from: Cursor, direction: 1 | -1, rules: StopRules): { readonly to: Cursor; readonly reason: Reason } | null {
    for (let at = this.beside(from, direction); at !== null; at = this.beside(at, direction)) {
      const reason = this.reason(at, rules);
      if (reason !== null) return { to: at, reason };
    }
    const end = { moment: direction === 1 ? this.last : 0, probe: null };
    return from.moment === end.moment && from.probe === null ? null : { to: end, reason: { kind: 'end' } };
  }

  /** Why a place is stopped at. */
  reason(at: Cursor, rules: StopRules): Reason | null {
    const moment = this.at(at);
    if (moment.shown !== null && rules.breaksOn(moment.shown.rule) && this.demonstrations.has(moment))
      return { kind: 'exception' };
    const ids = this.stopsAt(at).flatMap((stop) => rules.breakpoints.get(stop) ?? []);
    if (ids.length > 0) return { kind: 'breakpoint', ids };
    if (at.probe !== null) return null;
    const changed = rules.cells.filter(({ cell }) => this.changes(at.moment, cell)).map(({ id }) => id);
    return changed.length > 0 ? { kind: 'data breakpoint', ids: changed } : null;
  }

  /** In a finding's trace the requests are part of what happened; elsewhere they are what could happen. */
  private get isTrace(): boolean {
    return this.recording.finding !== null && this.history.from === null;
  }

  /** Probes are places too: a breakpoint on a request stops in them. */
  private beside(from: Cursor, direction: 1 | -1): Cursor | null {
    const { moment, probe } = from;
    if (this.isTrace) return direction === 1 ? this.over({ moment, probe: null }) : this.back({ moment, probe: null });
    const next = (probe ?? -1) + direction;
    const probes = this.history.moments[moment]?.probes.length ?? 0;
    if (next >= 0 && next < probes) return { moment, probe: next };
    if (direction === -1 && next === -1) return { moment, probe: null };
    const other = moment + direction;
    const there = this.history.moments[other];
    if (there === undefined) return null;
    return { moment: other, probe: direction === 1 || there.probes.length === 0 ? null : there.probes.length - 1 };
  }

  /** A request that is tried with many values is stopped at once a moment. */
  private isRepeated({ moment, probe }: Cursor): boolean {
    if (probe === null) return false;
    const [before, now] = [probe - 1, probe].map((p) => this.history.moments[moment]?.probes[p]?.event);
    return before?.version === now?.version && before?.request === now?.request;
  }

  private stopsAt(at: Cursor): readonly number[] {
    const { event } = this.at(at);
    if (event?.kind === 'request')
      return this.isRepeated(at)
        ? []
        : this.indices((s) => s.kind === 'request' && s.request === event.request && has(s, event.version));
    const entered = this.entered(at);
    return entered === null ? [] : this.indices((s) => s.kind === 'step' && s.step === entered);
  }

  /** The step that a moment is the first of. */
  private entered({ moment, probe }: Cursor): number | null {
    if (probe !== null) return null;
    const step = this.history.moments[moment]?.step?.index ?? null;
    const before = this.history.moments[moment - 1]?.step?.index ?? null;
    return step === before ? null : step;
  }

  private indices(isWanted: (stop: Stop) => boolean): readonly number[] {
    return this.recording.stops.flatMap((stop, i) => (isWanted(stop) ? [i] : []));
  }

  private changes(moment: number, cell: WatchedCell): boolean {
    const [before, now] = [this.history.moments[moment - 1], this.history.moments[moment]];
    if (before === undefined || now === undefined) return false;
    return cellIn(this.views[before.view], cell) !== cellIn(this.views[now.view], cell);
  }

  /** Where a violation shows first; what shows again later is the same. */
  private findDemonstrations(): ReadonlySet<Moment> {
    const first = new Map<string, Moment>();
    for (const moment of this.history.moments)
      for (const each of this.isTrace ? [moment] : [moment, ...moment.probes]) {
        if (each.shown === null) continue;
        const key = `${each.shown.rule}|${each.event?.version ?? ''}|${each.event?.request ?? each.title}`;
        if (!first.has(key)) first.set(key, each);
      }
    return new Set(first.values());
  }
}

function has(stop: Stop & { readonly kind: 'request' }, version: string | null): boolean {
  return version !== null && stop.versions.includes(version);
}

/** `id=1`; without a key, its place. */
export function rowName(table: TableView, row: readonly (string | null)[], index: number): string {
  if (table.key.length === 0) return `[${index}]`;
  return table.key.map((c) => `${c}=${row[table.columns.indexOf(c)] ?? 'NULL'}`).join(', ');
}

/** Undefined when there is no such cell, which differs from NULL. */
export function cellIn(view: View | undefined, { table, row, column }: WatchedCell): string | null | undefined {
  const found = view?.tables.find((t) => t.name === table);
  const at = found?.rows.find((r, i) => rowName(found, r, i) === row);
  const place = found?.columns.indexOf(column) ?? -1;
  return at === undefined || place === -1 ? undefined : (at[place] ?? null);
}
