/** Breakpoints on the lines of steps and requests, and on cells. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Stop } from '../../simulator/player/model.ts';
import type { RowPlace } from './variables.ts';
import type { StopRules, WatchedCell } from './walk.ts';

export class Breakpoints {
  /** The lines of the plan that can be stopped at. */
  stops: readonly Stop[] = [];
  private readonly byFile = new Map<string, ReadonlyMap<number, number>>();
  private cells: StopRules['cells'] = [];
  private lastId = 0;

  constructor(
    private readonly toPlanPath: (path: string) => string,
    private readonly toSource: (path: string) => DebugProtocol.Source,
  ) {}

  rules(): Pick<StopRules, 'breakpoints' | 'cells'> {
    return { breakpoints: new Map([...this.byFile.values()].flatMap((each) => [...each])), cells: this.cells };
  }

  set({ source, breakpoints = [] }: DebugProtocol.SetBreakpointsArguments): DebugProtocol.Breakpoint[] {
    const file = this.toPlanPath(source.path ?? '');
    const set = new Map<number, number>();
    const answers = breakpoints.map(({ line }): DebugProtocol.Breakpoint => {
      this.lastId += 1;
      const id = this.lastId;
      const stop = this.stopAt(file, line);
      const found = stop === null ? undefined : this.stops[stop];
      if (stop === null || found === undefined)
        return { id, verified: false, message: 'There is no step and no request here.' };
      set.set(stop, id);
      return { id, verified: true, line: found.place.line, source: this.toSource(file) };
    });
    this.byFile.set(file, set);
    return answers;
  }

  locations({ source, line, endLine = line }: DebugProtocol.BreakpointLocationsArguments): { line: number }[] {
    const file = this.toPlanPath(source.path ?? '');
    const lines = this.stops.filter((s) => s.place.file === file).map((s) => s.place.line);
    return [...new Set(lines)].filter((each) => each >= line && each <= endLine).map((each) => ({ line: each }));
  }

  cellInfo(place: RowPlace | null, column: string): DebugProtocol.DataBreakpointInfoResponse['body'] {
    if (place === null) return { dataId: null, description: 'Only a cell of "Tables now" can be watched.' };
    const cell: WatchedCell = { ...place, column };
    const description = `${cell.table}[${cell.row}].${cell.column}`;
    return { dataId: JSON.stringify(cell), description, accessTypes: ['write'], canPersist: true };
  }

  setCells({ breakpoints }: DebugProtocol.SetDataBreakpointsArguments): DebugProtocol.Breakpoint[] {
    const cells: { id: number; cell: WatchedCell }[] = [];
    const answers = breakpoints.map(({ dataId }): DebugProtocol.Breakpoint => {
      this.lastId += 1;
      const id = this.lastId;
      const cell = readCell(dataId);
      if (cell === null) return { id, verified: false, message: 'This is no cell.' };
      cells.push({ id, cell });
      return { id, verified: true };
    });
    this.cells = cells;
    return answers;
  }

  /** The step or request that a line belongs to: the last that begins there or before. */
  private stopAt(file: string, line: number): number | null {
    let found: number | null = null;
    let best = 0;
    this.stops.forEach(({ place }, i) => {
      if (place.file !== file || place.line > line || place.line < best) return;
      best = place.line;
      found = i;
    });
    return found;
  }
}

/** What was kept by the editor from an earlier session may be anything. */
function readCell(dataId: string): WatchedCell | null {
  try {
    const value: unknown = JSON.parse(dataId);
    if (typeof value !== 'object' || value === null) return null;
    const { table, row, column } = value as Partial<Record<keyof WatchedCell, unknown>>;
    const isCell = typeof table === 'string' && typeof row === 'string' && typeof column === 'string';
    return isCell ? { table, row, column } : null;
  } catch {
    return null;
  }
}
