/** The list of events of a history as rows of one height, with what was tried at the playhead folded in beneath it. */
import type { History, Moment } from '../../simulator/player/model.ts';
import { catchUpWords, copier } from './stream-words.ts';
import { deliveryOf, isCatchUp } from './streams.ts';
import { count } from './words.ts';

export type Row =
  | { readonly kind: 'moment'; readonly moment: number }
  /** Says how much was tried at the moment above, and folds it. */
  | { readonly kind: 'tried'; readonly moment: number }
  | { readonly kind: 'probe'; readonly moment: number; readonly probe: number };

/** Rows are not made one by one: of thousands only a screenful is looked at. */
export interface Rows {
  readonly length: number;
  readonly at: (index: number) => Row;
  readonly indexOf: (row: Row) => number;
}

export function rowsOf({ moments }: History, here: number, isOpen: boolean): Rows {
  const tried = brokenFirst(moments[here]?.probes ?? []);
  const extra = tried.length === 0 ? 0 : isOpen ? tried.length + 1 : 1;
  return {
    length: moments.length + extra,
    at: (index) => {
      if (index <= here) return { kind: 'moment', moment: index };
      if (index > here + extra) return { kind: 'moment', moment: index - extra };
      if (index === here + 1) return { kind: 'tried', moment: here };
      return { kind: 'probe', moment: here, probe: tried[index - here - 2] ?? 0 };
    },
    indexOf: (row) => {
      if (row.kind === 'moment') return row.moment <= here ? row.moment : row.moment + extra;
      return row.kind === 'tried' ? here + 1 : here + 2 + tried.indexOf(row.probe);
    },
  };
}

/** Those that were answered otherwise come first: they are why somebody looks. */
function brokenFirst(probes: readonly Moment[]): readonly number[] {
  const all = probes.map((probe, index) => ({ index, isBroken: isBroken(probe) }));
  return [...all.filter((each) => each.isBroken), ...all.filter((each) => !each.isBroken)].map(({ index }) => index);
}

export function isBroken(moment: Moment): boolean {
  return agrees(moment) === false || moment.shown !== null;
}

/** Whether a request was answered as the reference answers it. Null: it is no request, or there is nothing to compare. */
export function agrees({ expected, actual }: Moment): boolean | null {
  return expected === null || actual === null ? null : expected === actual;
}

export function triedText(moment: Moment | undefined): string {
  const probes = moment?.probes ?? [];
  const differ = probes.filter(isBroken).length;
  const all = count(probes.length, 'request was', 'requests were');
  return `${all} also tried here, ${differ === 0 ? 'each as without the migration' : `${differ} of them broken`}`;
}

type Acts = Exclude<NonNullable<Moment['event']>['kind'], 'request' | 'crash'>;

/** Who acts where it is no version: a job, a stream, or the plan itself. */
export function roleOf(moment: Moment, kind: Acts): string {
  switch (kind) {
    case 'batch':
      return 'backfill';
    case 'deliver':
      return copier(moment);
    case 'rollback':
      return 'roll back';
    case 'step':
      return 'plan';
  }
}

/** Who acts: a version, or one of the roles. */
export function actor(moment: Moment): string {
  const { event } = moment;
  if (event === null) return '';
  switch (event.kind) {
    case 'request':
    case 'crash':
      return event.version ?? event.step ?? '';
    default:
      return roleOf(moment, event.kind);
  }
}

/** What is done, without who does it. */
export function deed(moment: Moment): string {
  const { event, title } = moment;
  if (event === null) return 'start';
  if (isCatchUp(moment)) return catchUpWords(moment);
  const delivery = deliveryOf(moment);
  if (delivery !== null) return `delivers${delivery.isAgain ? ' once more' : ''}: ${delivery.result}`;
  const who = event.kind === 'request' ? `${event.version ?? ''} ` : '';
  return who !== ' ' && title.startsWith(who) ? title.slice(who.length) : title;
}
