/** A history of the search, taken apart: which requests began where, which jobs ran, which steps were made and undone. */
import type { BackfillStep, Statement, Step } from '../plan/model.ts';
import { deedsOf, type Deed } from './counterfactual.ts';
import type { Move, Position } from './positions.ts';
import type { Action, Programs } from './programs.ts';
import type { Node } from './state.ts';

/** A request that writes; `deeds` are the indexes of what it consists of. */
export interface Written {
  readonly version: string;
  readonly action: Action;
  readonly deeds: readonly number[];
  /** Its statements commit one by one. */
  readonly inFlight: boolean;
}

/** A job that ran to its end. */
export interface Ran {
  readonly job: BackfillStep;
  /** The step that it belongs to: it itself, or the one whose way back it is a part of. */
  readonly step: Step;
  /** Indexes of the moves into and out of the position where it runs. */
  readonly enter: number;
  readonly leave: number;
  readonly direction: Move['direction'];
}

/** A move that was made. */
export interface Made {
  readonly move: Move;
  readonly index: number;
}

export class History {
  readonly deeds: readonly Deed[];
  readonly writes: readonly Written[];
  readonly jobs: readonly Ran[];
  readonly moves: readonly Made[];
  /** Requests that only read, on the way: a client found out what became of a request. */
  private readonly reads: ReadonlySet<number>;

  constructor(
    readonly path: readonly Node[],
    readonly positions: readonly Position[],
    programs: Programs,
  ) {
    this.deeds = deedsOf(path);
    this.moves = this.deeds.flatMap((deed, index) => (deed.kind === 'move' ? [{ move: deed.move, index }] : []));
    this.jobs = this.findJobs();
    const isRead = (version: string, action: Action): boolean => {
      const request = programs.version(version).requests.get(action.request);
      return request !== undefined && programs.isRead(request);
    };
    this.writes = this.findWrites(isRead);
    this.reads = new Set(
      this.deeds.flatMap((d, i) => (d.kind === 'request' && isRead(d.version, d.action) ? [i] : [])),
    );
  }

  /** The state in which a deed is done. */
  before(index: number): Node {
    return this.path[index] as Node;
  }

  positionAt(index: number): Position {
    return this.positions[this.before(index).position] as Position;
  }

  private findJobs(): readonly Ran[] {
    return this.moves.flatMap(({ move, index }) => {
      const { job, step } = this.positionAt(index);
      if (job === null || step === null) return [];
      const enter = this.moves.findLast((m) => m.index < index)?.index ?? 0;
      return [{ job, step, enter, leave: index, direction: move.direction }];
    });
  }

  private findWrites(isRead: (version: string, action: Action) => boolean): readonly Written[] {
    const writes: { version: string; action: Action; deeds: number[]; inFlight: boolean }[] = [];
    const open = new Map<string, (typeof writes)[number]>();
    this.deeds.forEach((deed, index) => {
      if (deed.kind === 'request' && !isRead(deed.version, deed.action))
        writes.push({ version: deed.version, action: deed.action, deeds: [index], inFlight: false });
      if (deed.kind !== 'statement' && deed.kind !== 'crash') return;
      let flight = open.get(deed.flight);
      if (flight === undefined && deed.kind === 'statement') {
        flight = { version: deed.version, action: deed.action, deeds: [], inFlight: true };
        open.set(deed.flight, flight);
        writes.push(flight);
      }
      flight?.deeds.push(index);
      // Its number is free again once it has ended.
      if (!(this.path[index + 1]?.flights ?? []).some((f) => f.id === deed.flight)) open.delete(deed.flight);
    });
    return writes;
  }

  /** The same history with requests made whole, by a version, just before a deed instead of where they were made. */
  shifted(writes: readonly Written[], at: number, by: (write: Written) => string): readonly Deed[] {
    const gone = new Set(writes.flatMap((w) => w.deeds));
    const moved = writes.map((w): Deed => ({ kind: 'request', version: by(w), action: w.action }));
    const deeds: Deed[] = [];
    this.deeds.forEach((deed, index) => {
      if (index === at) deeds.push(...moved);
      if (!gone.has(index) && !this.reads.has(index)) deeds.push(deed);
    });
    return at >= this.deeds.length ? [...deeds, ...moved] : deeds;
  }

  /** The same history in which a step does nothing, and so has nothing to undo. */
  without(step: Step): readonly Deed[] {
    return this.deeds.flatMap((deed, index): Deed[] => {
      if (deed.kind === 'batch') return this.positionAt(index).step === step ? [] : [deed];
      if (deed.kind !== 'move' || deed.move.step !== step) return [deed];
      return [{ kind: 'move', move: { ...deed.move, action: { kind: 'nothing' } }, runJob: false }];
    });
  }

  /** The same history in which a step leaves out some of its statements. */
  withoutStatements(step: Step, drop: (statement: Statement) => boolean): readonly Deed[] {
    return this.deeds.map((deed): Deed => {
      if (deed.kind !== 'move' || deed.move.step !== step || deed.move.direction === 'down') return deed;
      const { action } = deed.move;
      if (action.kind !== 'sql') return deed;
      const statements = action.statements.filter((s) => !drop(s));
      const kept = statements.length === 0 ? ({ kind: 'nothing' } as const) : { ...action, statements };
      return { ...deed, move: { ...deed.move, action: kept } };
    });
  }
}
