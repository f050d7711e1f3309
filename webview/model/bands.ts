/** The bands of a score: what each place of a row holds from moment to moment, and what it should hold. */
import type { ColumnName, View } from '../../simulator/player/model.ts';
import { changesAt, includesPlace, referenceCells } from './changes.ts';
import { mentions, placesOf, samePlace, type Datum, type Place } from './places.ts';
import { cellOf, cellWords, exists, sameCell, viewAt, type Cell, type Subject, type Told } from './rows.ts';
import { replicaTables } from './streams.ts';
import { showerOf, type Story } from './story.ts';

/** `behind`: the replica has not seen it yet. `empty`: nothing was copied there yet. `differs`: nobody reads it yet, or any more. `wrong`: a live version reads it so. */
export type SegmentState = 'same' | 'empty' | 'behind' | 'differs' | 'wrong';

export interface Segment {
  readonly from: number;
  /** Before this moment. */
  readonly to: number;
  readonly cell: Cell;
  readonly text: string;
  readonly state: SegmentState;
  /** What it should hold, where that is known. */
  readonly should: string | null;
}

export interface Band {
  readonly role: 'old' | 'new' | 'replica' | 'reference';
  readonly place: ColumnName;
  readonly segments: readonly Segment[];
}

export interface Shown {
  readonly places: readonly Place[];
  readonly reference: ColumnName | null;
}

const mostPlaces = 4;

/** The places that are worth a band: those that the story is about, else those in which most happens. */
export function shownPlaces(told: Told, subject: Subject, data: readonly Datum[], story: Story | null): Shown {
  const all = placesOf(data);
  const ordered = (places: readonly Place[]): readonly Place[] =>
    all.filter((p) => includesPlace(places, p)).toSorted((a, b) => Number(a.role === 'new') - Number(b.role === 'new'));
  const thread = story?.thread ?? null;
  if (thread !== null) {
    const { datum } = story ?? { datum: null };
    const read = all.filter((p) => includesPlace(thread.reads, p));
    const core = [...(datum?.places ?? []), ...read];
    const written = thread.written.map((c) => c.place);
    const more = core.length > 1 ? [] : all.filter((p) => includesPlace(written, p));
    return { places: ordered([...core, ...more]).slice(0, mostPlaces), reference: datum?.reference ?? null };
  }
  const named = story === null ? '' : (showerOf(told, story)?.shown?.message ?? '');
  const ranked = data
    .map((datum, i) => ({ datum, i, interest: interestOf(told, subject, datum, named) }))
    .filter(({ interest }, i) => interest > 0 || i === 0)
    .toSorted((a, b) => b.interest - a.interest || a.i - b.i);
  const [first] = ranked;
  if (first === undefined) return { places: [], reference: null };
  return { places: ordered(first.datum.places).slice(0, mostPlaces), reference: first.datum.reference };
}

/** How much happens to a datum. What an error names comes first. */
function interestOf(told: Told, subject: Subject, datum: Datum, named: string): number {
  const { moments } = told.history;
  let changes = 0;
  for (let i = 1; i < moments.length; i += 1) {
    if (moments[i]?.view === moments[i - 1]?.view) continue;
    changes += changesAt(told, i, subject, datum.places).length;
  }
  const isNamed = datum.places.some((p) => named.includes(`"${p.column}"`)) ? 1000 : 0;
  const isMoved = datum.places.length > 1 || datum.places.some((p) => p.role === 'new') ? 10 : 0;
  return isNamed + isMoved + changes;
}

export function bandsOf(told: Told, subject: Subject, shown: Shown, story: Story | null): readonly Band[] {
  const bands = shown.places.map((place): Band => {
    const { table, column, role } = place;
    return { role, place: { table, column }, segments: segmentsOf(told, subject, place, shown.reference, story) };
  });
  const copies = replicaBands(told, subject, shown, story);
  if (shown.reference === null) return [...bands, ...copies];
  return [
    ...bands,
    ...copies,
    { role: 'reference', place: shown.reference, segments: referenceSegments(told, subject, shown.reference) },
  ];
}

const mostCopies = 2;

/** What the replica holds of places that are read from it, where that was ever something else than the primary had. */
function replicaBands(told: Told, subject: Subject, shown: Shown, story: Story | null): readonly Band[] {
  const { moments } = told.history;
  const sql = told.recording.versions
    .flatMap((v) => v.requests.filter((r) => r.onReplica === true))
    .flatMap((r) => r.sql);
  const reads = story?.thread?.reads ?? [];
  return shown.places
    .filter((p) => sql.some((each) => mentions(each, p.table) && mentions(each, p.column)))
    .filter((p) => moments.some((_, i) => isBehind(told, i, subject, p)))
    .toSorted((a, b) => Number(includesPlace(reads, b)) - Number(includesPlace(reads, a)))
    .slice(0, mostCopies)
    .map(({ table, column }): Band => ({
      role: 'replica',
      place: { table, column },
      segments: replicaSegments(told, subject, { table, column }, story),
    }));
}

function isBehind(told: Told, at: number, subject: Subject, place: ColumnName): boolean {
  const here = cellOf(viewAt(told, at)?.tables ?? [], place, subject);
  return !sameCell(cellOf(replicaTables(told, at), place, subject), here);
}

function replicaSegments(told: Told, subject: Subject, place: ColumnName, story: Story | null): readonly Segment[] {
  const thread = story?.thread?.broken.kind === 'behind' ? story.thread : null;
  const version = story === null ? null : (showerOf(told, story)?.event?.version ?? null);
  const segments: Segment[] = [];
  told.history.moments.forEach(({ live }, i) => {
    const cell = cellOf(replicaTables(told, i), place, subject);
    // A column that is not there has nothing that could be behind.
    const isOff = exists(cell) && isBehind(told, i, subject, place);
    const isStorys = thread !== null && includesPlace(thread.reads, place) && i <= (story?.end ?? 0);
    const isRead = isStorys && version !== null && live.includes(version);
    const state = !isOff ? 'same' : isRead ? 'wrong' : 'behind';
    const should = isOff ? cellWords(cellOf(viewAt(told, i)?.tables ?? [], place, subject)) : null;
    push(segments, { from: i, to: i + 1, cell, text: cellWords(cell), state, should });
  });
  return segments;
}

function segmentsOf(
  told: Told,
  subject: Subject,
  place: Place,
  reference: ColumnName | null,
  story: Story | null,
): readonly Segment[] {
  const thread = story?.thread ?? null;
  // What a replica has not seen is right on the primary.
  const isReads = thread !== null && thread.broken.kind !== 'behind' && includesPlace(thread.reads, place);
  const segments: Segment[] = [];
  told.history.moments.forEach((_, i) => {
    const view = viewAt(told, i);
    if (view === null) return;
    const cell = cellOf(view.tables, place, subject);
    const known = stateAt(view, place, subject, cell);
    const isWrong = isReads && story !== null && i >= thread.wrongFrom && i <= story.end;
    const readers = isWrong ? (told.history.moments[i]?.live ?? []) : [];
    const version = story === null ? '' : (showerOf(told, story)?.event?.version ?? '');
    const state = !isWrong
      ? known.state
      : readers.includes(version)
        ? 'wrong'
        : known.state === 'wrong'
          ? 'wrong'
          : 'differs';
    const should = known.should ?? (isWrong ? shouldBe(view, reference, subject, place) : null);
    push(segments, { from: i, to: i + 1, cell, text: cellWords(cell), state, should });
  });
  return segments;
}

/** What the recording has compared. */
function stateAt(
  view: View,
  place: ColumnName,
  subject: Subject,
  cell: Cell,
): { readonly state: SegmentState; readonly should: string | null } {
  const found = view.differences.find(
    (d) => d.table === place.table && isRow(d.row, subject) && (d.column === null || d.column === place.column),
  );
  if (found === undefined) return { state: 'same', should: null };
  const isEmpty = cell.kind === 'value' && cell.text === null && found.readBy.length === 0;
  const should =
    found.kind === 'extra-row'
      ? 'no row'
      : found.kind === 'missing-row'
        ? null
        : cellWords({ kind: 'value', text: found.reference });
  return { state: isEmpty ? 'empty' : found.readBy.length > 0 ? 'wrong' : 'differs', should };
}

/** Whether a name as recordings have it, `id=1`, is that of the subject's row, whatever the key is called there. */
function isRow(name: string, subject: Subject): boolean {
  if (name === subject.name) return true;
  const values = name.split(', ').map((part) => part.slice(part.indexOf('=') + 1));
  return values.length === subject.values.length && values.every((v, i) => v === (subject.values[i] ?? 'NULL'));
}

/** What the reference holds, where a place holds the same data under the same form. */
function shouldBe(view: View, reference: ColumnName | null, subject: Subject, place: ColumnName): string | null {
  const [cell, other] = referenceCells(view, reference, subject);
  if (cell === undefined || other !== undefined || reference === null) return null;
  if (cell.kind === 'no-row') return 'no row';
  return samePlace(reference, place) ? cellWords(cell) : null;
}

function referenceSegments(told: Told, subject: Subject, reference: ColumnName): readonly Segment[] {
  const segments: Segment[] = [];
  told.history.moments.forEach((_, i) => {
    const cells = referenceCells(viewAt(told, i), reference, subject);
    const [cell = { kind: 'no-column' } as const] = cells;
    const text = cells.length === 0 ? 'no such column' : cells.map(cellWords).join(' or ');
    push(segments, { from: i, to: i + 1, cell, text, state: 'same', should: null });
  });
  return segments;
}

/** What goes on as it was is one segment. */
function push(segments: Segment[], next: Segment): void {
  const last = segments.at(-1);
  const isSame =
    last !== undefined &&
    sameCell(last.cell, next.cell) &&
    last.text === next.text &&
    last.state === next.state &&
    last.should === next.should;
  if (isSame) segments[segments.length - 1] = { ...last, to: next.to };
  else segments.push(next);
}
