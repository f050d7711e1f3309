/** One thing that happened while a plan was played, with the state after it. */
import type { SearchEvent, StateFields } from '../explore/state.ts';
import { Node, plain } from '../explore/state.ts';
import { upToDate } from '../explore/replica.ts';
import type { Violation } from '../explore/violations.ts';
import type { Location } from '../plan/model.ts';
import type { TraceEvent } from '../report/model.ts';
import type { Shown } from './model.ts';

export interface Beat {
  /** Null at the start. */
  readonly event: TraceEvent | null;
  /** The state after it. */
  readonly node: Node;
  readonly place: Location;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly shown: Shown | null;
  /** The history can't go on after it: the step failed, or a check does not hold. */
  readonly stuck: boolean;
}

/** The state after an event. It belongs to no search: what is played is not explored. */
export function nodeAfter(parent: Node, fields: Partial<StateFields>, event: SearchEvent, writes: boolean): Node {
  const direction = event.kind === 'move' ? event.move.direction : parent.direction;
  return new Node(
    -1,
    { ...plain(parent), ...(commits(parent, fields) ? { replica: upToDate } : {}), ...fields },
    {
      parent,
      event,
      writes: parent.writes + (writes ? 1 : 0),
      others: parent.others + (writes ? 0 : 1),
      direction,
      stage: direction === 'down' ? 1 : parent.stage > 0 ? 2 : 0,
    },
  );
}

/** What is not explored has a replica that sees every commit at once. */
function commits(before: StateFields, { schema, content }: Partial<StateFields>): boolean {
  return (schema ?? before.schema) !== before.schema || (content ?? before.content) !== before.content;
}

export function shownOf({ rule, message, expected, actual }: Violation): Shown {
  return { rule, message, expected, actual };
}
