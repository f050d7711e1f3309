/**
 * A history as it can be told: the finding whose trace it begins with, and what it was forked with. Enough to play it again
 * elsewhere or later, and plain data. Knows no editor, so that it can be tested alone.
 */
import type { ForkCommand, History } from '../../simulator/player/model.ts';
import type { Playhead } from '../../webview/protocol.ts';

/** After which moment of the history before, and with what. */
export interface ToldFork {
  readonly moment: number;
  readonly command: ForkCommand;
}

export interface Told {
  /** Null for the plan's own course. */
  readonly finding: string | null;
  readonly forks: readonly ToldFork[];
  /** `history`: how many of the forks lead to it. */
  readonly at: Playhead;
}

/** How the history came about in which somebody stands. */
export function tell(finding: string | null, histories: readonly History[], at: Playhead): Told {
  const forks: ToldFork[] = [];
  for (let history = histories[at.history]; history !== undefined && history.from !== null;) {
    const { from, command } = history;
    if (command === null) break;
    forks.unshift({ moment: from.moment, command });
    history = histories[from.history];
  }
  return { finding, forks, at: { ...at, history: forks.length } };
}

/** A fork that was made already is not made again. */
export function knownFork(histories: readonly History[], history: number, fork: ToldFork): History | null {
  const found = histories.find(
    ({ from, command }) =>
      from?.history === history &&
      from.moment === fork.moment &&
      command !== null &&
      isSameCommand(command, fork.command),
  );
  return found ?? null;
}

function isSameCommand(a: ForkCommand, b: ForkCommand): boolean {
  return canonical(a) === canonical(b);
}

function canonical(command: ForkCommand): string {
  const params = command.kind === 'request' ? byName(command.params) : [];
  return JSON.stringify([...byName({ ...command, params: '' }), params]);
}

function byName(record: object): readonly (readonly [string, unknown])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether there is such a place. */
export function isThere(histories: readonly History[], { history, moment, probe }: Playhead): boolean {
  const found = histories[history]?.moments[moment];
  return found !== undefined && (probe === null || found.probes[probe] !== undefined);
}

/** Where a history is looked at first: where it goes wrong, else at its start. */
export function firstPlace(history: History | undefined): Playhead {
  const wrong = history?.moments.findIndex(({ shown }) => shown !== null) ?? -1;
  return { history: history?.id ?? 0, moment: Math.max(0, wrong), probe: null };
}
