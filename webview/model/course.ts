/** Places in a history: the next step, what is shown, where a step begins. Pure; the page moves there. */
import type { History, Moment } from '../../simulator/player/model.ts';

/** Where somebody wants to be in a history that may have to be played first. */
export type Target =
  | { readonly kind: 'shown' }
  | { readonly kind: 'start' }
  | { readonly kind: 'step'; readonly step: string };

const stepOf = (moment: Moment | undefined): number => moment?.step?.index ?? -1;

/** The first moment of the next step; the last there is, where there is no other step. */
export function nextStep({ moments }: History, from: number): number {
  const step = stepOf(moments[from]);
  const next = moments.findIndex((moment, index) => index > from && stepOf(moment) !== step);
  return next < 0 ? moments.length - 1 : next;
}

/** The first moment of this step; of the step before, for whoever stands there already. */
export function previousStep({ moments }: History, from: number): number {
  const begin = (at: number) => {
    let first = at;
    while (first > 0 && stepOf(moments[first - 1]) === stepOf(moments[at])) first -= 1;
    return first;
  };
  const own = begin(from);
  return own < from || own === 0 ? own : begin(own - 1);
}

export function nextShown({ moments }: History, from: number): number | null {
  const next = moments.findIndex((moment, index) => index > from && moment.shown !== null);
  return next < 0 ? null : next;
}

export function previousShown({ moments }: History, from: number): number | null {
  const previous = moments.findLastIndex((moment, index) => index < from && moment.shown !== null);
  return previous < 0 ? null : previous;
}

export function momentOf({ moments }: History, target: Target): number | null {
  switch (target.kind) {
    case 'start':
      return 0;
    case 'shown': {
      const last = moments.findLastIndex((moment) => moment.shown !== null);
      return last < 0 ? null : last;
    }
    case 'step': {
      const first = moments.findIndex((moment) => moment.step?.name === target.step);
      return first < 0 ? null : first;
    }
  }
}

/** A history with what was forked from it, in the order of a tree. */
export interface Branch {
  readonly history: History;
  readonly depth: number;
}

export function branches(histories: readonly History[]): readonly Branch[] {
  const below = (parent: number | null, depth: number): readonly Branch[] =>
    histories
      .filter(({ from }) => (from?.history ?? null) === parent)
      .flatMap((history) => [{ history, depth }, ...below(history.id, depth + 1)]);
  return below(null, 0);
}
