/** What is said of streams and of the replica: in a callout, in a sentence, in a table and in the picture. */
import type { Moment } from '../../simulator/player/model.ts';
import { changeWords, naming, type Scene } from './acts.ts';
import { changesAt } from './changes.ts';
import { viewAt, type Subject, type Told } from './rows.ts';
import { carriedAt, deliveryError, deliveryOf, isCatchUp, streamRuns, waitingAt } from './streams.ts';
import { callWords } from './values.ts';
import { count } from './words.ts';

/** `1 commit behind`. */
export function behindWords(behind: number): string {
  return `${count(behind, 'commit')} behind`;
}

/** Who acts where a stream delivers, or the replica catches up. */
export function copier(moment: Moment | undefined): string {
  if (isCatchUp(moment)) return 'replica';
  const delivery = deliveryOf(moment);
  return delivery === null ? 'stream' : `stream ${delivery.stream}`;
}

/** `catches up`, `catches up by a commit, 1 commit behind`. */
export function catchUpWords(moment: Moment | undefined): string {
  const behind = moment?.replica?.behind ?? 0;
  return behind === 0 ? 'has caught up' : `catches up by a commit, and is still ${behindWords(behind)}`;
}

/** What a delivery does to a row: `delivers 'a' to email_address`, `delivers the same change again`. */
export function deliveryWords(told: Told, scene: Scene, at: number): string {
  const moment = told.history.moments[at];
  const delivery = deliveryOf(moment);
  const again = delivery?.isAgain === true ? ' again' : '';
  const error = deliveryError(moment);
  if (error !== null) return `is stuck: what it delivers${again} fails, ${error}`;
  const { subject, places } = scene;
  const changes = subject === null ? [] : changesAt(told, at, subject, places);
  if (subject === null || changes.length === 0) return `delivers a change${again}, and changes nothing here`;
  const words = changeWords(changes, naming(scene), subject, false).replace(/^sets (.*) in (.*?)$/, '$1 to $2');
  return words.startsWith('deletes ') || words.startsWith('adds ') || words.startsWith('changes ')
    ? `${words}${again}`
    : `delivers ${words}${again}`;
}

/** Whose change a moment delivers: `of v1’s sign_up(id 2, email 'a'), event 9`. */
export function originWords(told: Told, at: number): string {
  const carried = carriedAt(told, at);
  const event = carried === null ? null : (told.history.moments[carried.from]?.event ?? null);
  if (carried === null || event === null) return '';
  if (event.kind === 'request') return `${event.version ?? '?'}’s ${callWords(event)}, event ${carried.from}`;
  return `event ${carried.from}`;
}

/** Whether something has gone over the same row since the change was committed: it comes late. */
export function isLate(told: Told, at: number, subject: Subject): boolean {
  const carried = carriedAt(told, at);
  if (carried === null) return false;
  const places = (viewAt(told, at)?.tables ?? []).flatMap((t) =>
    t.columns.map((column) => ({ table: t.name, column })),
  );
  const here = changesAt(told, at, subject, places).map((c) => c.place);
  for (let i = carried.from + 1; i < at; i += 1) if (changesAt(told, i, subject, here).length > 0) return true;
  return false;
}

/** `1 change waits in it`. */
export function waitingWords(told: Told, name: string, at: number): string {
  const waits = waitingAt(told, name, at);
  return waits === 0 ? '' : `${count(waits, 'change')} ${waits === 1 ? 'waits' : 'wait'} in it`;
}

/** The streams that mirror a table and run at a moment, and have been given nothing by it. */
export function unmoved(told: Told, at: number, tables: readonly string[]): readonly string[] {
  return streamRuns(told)
    .filter((run) => run.source !== null && tables.includes(run.source))
    .filter((run) => run.from < at && at < (run.to ?? Infinity) && !run.changes.some((c) => c.from === at))
    .map((run) => run.name);
}
