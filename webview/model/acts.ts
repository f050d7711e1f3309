/** Who does what at a moment, in a few words: `v1 (old pod) sets 'b' in email only`. */
import type { ColumnName, Moment } from '../../simulator/player/model.ts';
import { changesAt, includesPlace, isWritten, schemaChangesAt, type CellChange } from './changes.ts';
import { placeName } from './places.ts';
import { cellWords, rowsOf, tableOf, viewAt, type Subject, type Told } from './rows.ts';
import { streamStepWords } from './stream-steps.ts';
import { clip, errorOf, quoted, statementOf } from './values.ts';
import { listed } from './words.ts';

/** What acts are told of: a row and its places. */
export interface Scene {
  readonly subject: Subject | null;
  readonly places: readonly ColumnName[];
}

/** Names of places, with their tables where they are of several. */
export function naming({ places, subject }: Scene): (place: ColumnName) => string {
  const tables = new Set(places.map((p) => p.table));
  const home = tables.size > 1 ? null : (subject?.table ?? null);
  return (place) => placeName(place, home);
}

/** `row 1`, or `row code=EUR` where the key is not a number. */
export function rowWords({ name, values }: Pick<Subject, 'name' | 'values'>): string {
  const [value] = values;
  return values.length === 1 && value !== null && value !== undefined && /^-?\d+$/.test(value)
    ? `row ${value}`
    : `row ${clip(name, 40)}`;
}

/** `v1 (old pod)`, where it is one of two that answer while a deploy rolls out. */
export function actor(moment: Moment | undefined): string {
  const version = moment?.event?.version ?? null;
  if (version === null) return `“${moment?.event?.step ?? moment?.step?.name ?? 'a step'}”`;
  if (moment?.phase !== 'rolling' || moment.live.length < 2 || !moment.live.includes(version)) return version;
  return `${version} (${version === moment.live[0] ? 'old' : 'new'} pod)`;
}

/** What a moment did to the row. `missed`: the places that it should have written as well. */
export function actText(told: Told, scene: Scene, at: number, missed: readonly ColumnName[] = []): string {
  const { subject, places } = scene;
  const moment = told.history.moments[at];
  const part = statementOf(moment?.event?.result ?? '');
  const who = `${actor(moment)}${part === null ? '' : `, statement ${part.number} of ${part.of},`}`;
  const changes = subject === null ? [] : changesAt(told, at, subject, places);
  if (subject === null || changes.length === 0)
    return `${who} leaves ${subject === null ? 'the row' : rowWords(subject)} as it is`;
  const words = changeWords(changes, naming(scene), subject, moment?.event?.kind === 'batch', missed);
  return `${who} ${words}${referenceSays(told, at, subject, changes)}`;
}

/** Where the app without the migration does away with the row, and here it stays. */
function referenceSays(told: Told, at: number, subject: Subject, changes: readonly CellChange[]): string {
  if (changes.some((c) => c.after.kind === 'no-row')) return '';
  const has = (moment: number) =>
    (viewAt(told, moment)?.reference ?? []).some((world) => {
      const table = tableOf(world, subject.table);
      return table !== null && rowsOf(table, subject).length > 0;
    });
  return has(at - 1) && !has(at) ? '; without the migration the row is gone' : '';
}

/** Changes of one row in words: what is gone, what came, what was set. */
export function changeWords(
  changes: readonly CellChange[],
  name: (place: ColumnName) => string,
  subject: Subject,
  isCopy: boolean,
  missed: readonly ColumnName[] = [],
): string {
  const tables = (of: readonly ColumnName[]) => listed([...new Set(of.map((p) => p.table))]);
  const gone = changes.filter((c) => c.before.kind === 'value' && c.after.kind === 'no-row').map((c) => c.place);
  if (gone.length > 0)
    return `deletes ${rowWords(subject)} from ${tables(gone)}${missed.length > 0 ? `, not from ${tables(missed)}` : ''}`;
  const isNew = (c: CellChange) => c.before.kind === 'no-row' && c.after.kind === 'value';
  const added = changes.filter(isNew);
  if (added.length > 0 && !isCopy) {
    const home = added.map((c) => c.place);
    const elsewhere = missed.filter((m) => !home.some((h) => h.table === m.table));
    if (elsewhere.length > 0) return `adds ${rowWords(subject)} to ${tables(home)}, not to ${tables(elsewhere)}`;
    return `adds ${rowWords(subject)}: ${added.map((c) => `${name(c.place)} ${short(cellWords(c.after))}`).join(', ')}`;
  }
  const set = changes.filter((c) => c.after.kind === 'value' && isWritten(c));
  const byValue = new Map<string, string[]>();
  for (const { place, after } of set) {
    const value = short(cellWords(after));
    byValue.set(value, [...(byValue.get(value) ?? []), name(place)]);
  }
  const parts = [...byValue].map(([value, places]) => `${value} ${isCopy ? 'to' : 'in'} ${listed(places)}`);
  const others = missed.filter(
    (m) =>
      !includesPlace(
        set.map((c) => c.place),
        m,
      ),
  );
  const only = others.length === 0 ? '' : ` only, not in ${listed(others.map(name))}`;
  if (parts.length > 0) return `${isCopy ? 'copies' : 'sets'} ${listed(parts)}${only}`;
  return `changes ${listed(changes.map((c) => `${name(c.place)} to ${cellWords(c.after)}`))}`;
}

function short(text: string): string {
  return clip(text, 40);
}

/** What a step did to the schema: `“rename” takes users.email away and adds users.email_address`. */
export function stepText(told: Told, at: number): string {
  const moment = told.history.moments[at];
  const name = `“${moment?.event?.step ?? ''}”`;
  const changes = schemaChangesAt(told, at);
  const of = (kind: 'added' | 'dropped') =>
    listed(changes.filter((c) => c.kind === kind).map((c) => (c.column === null ? c.table : `${c.table}.${c.column}`)));
  const parts = [
    ...(of('dropped') === '' ? [] : [`takes ${of('dropped')} away`]),
    ...(of('added') === '' ? [] : [`adds ${of('added')}`]),
  ];
  const stream = moment?.step?.kind === 'cdc' || moment?.event?.kind === 'rollback' ? streamStepWords(told, at) : null;
  if (moment?.event?.kind === 'rollback') return `${name} is rolled back${stream === null ? '' : `: it ${stream}`}`;
  if (stream !== null) return `${name} ${stream}`;
  if (parts.length > 0) return `${name} ${listed(parts)}`;
  if (moment?.phase === 'rolling') return `${name} rolls out`;
  return `${name} ${moment?.step?.kind === 'deploy' ? 'is done' : 'has run'}`;
}

/** An answer after `it`: `touches a row`, `reads (1, 'a')`, `is refused: …`. */
export function answerWords(answer: string): string {
  const error = errorOf(answer);
  if (error !== null) return `is refused: ${error.message}`;
  if (answer === 'accepted, rows touched') return 'is accepted and touches a row';
  if (answer === 'accepted, no row touched') return 'is accepted and touches no row';
  return `gives ${answer}`;
}

export function valueWords(value: string | null): string {
  return short(quoted(value));
}
