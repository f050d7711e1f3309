/**
 * Two databases that answer the same requests: the one that is migrated, and its twin, the first version on the first
 * schema. A batch goes to the migrated one first; the twin follows while the next batch runs, and is spared what the
 * migrated one refused: a client that got an error does not count on the write. What the twin would have said is
 * asked all the same, and rolled back.
 */
import { Item, itemWidth, nullValue, PlayResult, resultWidth, valueEnd } from '../engine/player.ts';
import type { Moment, Player, PlayBatch, PlayError, PlayResults, PlayRows } from '../engine/player.ts';
import { canonicalRows, difference, sortPlaces, touchedOf, type Answer, type Touched } from '../explore/answer.ts';
import { refuseIntervention } from '../explore/transitions.ts';
import type { RequestStatement, Value } from '../plan/model.ts';
import type { Answerer } from './workload.ts';

type Accepted = Answer & { readonly ok: true };

/** A request whose statements run one by one, others in between. */
export interface Flight {
  readonly id: number;
  /** The twin's request has the same statements: they run side by side. */
  readonly sideBySide: boolean;
  touched: { actual: Touched; twin: Touched };
  /** What differed on the way. */
  differs: { readonly actual: Answer; readonly expected: Answer } | null;
  rows: Accepted | null;
  over: boolean;
}

/** One request, or one statement of a request in flight, as it is sent. */
export interface Sent {
  readonly atMs: number;
  readonly version: number;
  readonly request: number;
  readonly values: readonly Value[];
  readonly actual: Answerer;
  readonly twin: Answerer;
  /** The first of those that commit together; -1: the whole request. */
  readonly statement: number;
  readonly flight: Flight | null;
  /** Place of the step that had begun last in the plan; -1 before the first. */
  readonly step: number;
  /** What a replica has answered: only the twin is asked, for what it says now. Null: that is judged already, and nothing is run. */
  readonly shown?: Answer | null;
}

export interface Difference {
  readonly kind: 'fails' | 'accepted' | 'touched' | 'rows';
  readonly actual: Answer;
  readonly expected: Answer;
}

/** Told in the order in which things happened, however far the twin is behind. */
export interface Judge {
  /** Once for each request, when it ended. */
  ended(sent: Sent, difference: Difference | null, twinRefused: boolean): void;
  /** A request whose statements run one by one has begun. */
  began?(sent: Sent, flight: Flight): void;
}

interface Played {
  readonly batch: readonly Sent[];
  readonly values: string;
  readonly moment: Moment;
  readonly judge: Judge;
}

function packValues(batch: readonly Sent[]): string {
  let values = '';
  for (const sent of batch) for (const value of sent.values) values += (value ?? nullValue) + valueEnd;
  return values;
}

export class Twins {
  private twinsTurn: Promise<void> = Promise.resolve();
  private before: Promise<void> = Promise.resolve();

  constructor(
    readonly actual: Player,
    readonly twin: Player,
    private readonly random: boolean,
  ) {}

  /** Comes back at once, unless the twin is two batches behind: what comes next is made up while both are at work. */
  async play(batch: readonly Sent[], moment: Moment, judge: Judge): Promise<void> {
    if (batch.length === 0) return;
    await this.before;
    const values = packValues(batch);
    const first = this.actual.play(
      this.pack(batch, values, moment, (sent) => [
        sent.shown === undefined ? sent.actual.program : -1,
        sent.statement,
        0,
      ]),
    );
    const previous = this.twinsTurn;
    this.before = previous;
    this.twinsTurn = previous.then(async () => this.follow({ batch, values, moment, judge }, await first));
    // Whoever waits for it gets the error.
    first.catch(() => {});
    this.twinsTurn.catch(() => {});
  }

  /** Waits until both have answered everything. Before anything else is asked of either: a fault shows here. */
  async settle(): Promise<void> {
    await this.twinsTurn;
  }

  private pack(
    batch: readonly Sent[],
    values: string,
    moment: Moment,
    place: (sent: Sent, i: number) => readonly [program: number, statement: number, probe: number],
  ): PlayBatch {
    const items = new Int32Array(batch.length * itemWidth);
    for (let i = 0; i < batch.length; i++) {
      const sent = batch[i] as Sent;
      const [program, statement, probe] = place(sent, i);
      const at = i * itemWidth;
      items[at + Item.program] = program;
      items[at + Item.statement] = statement;
      items[at + Item.flight] = statement < 0 ? 0 : (sent.flight?.id ?? 0);
      items[at + Item.values] = sent.values.length;
      items[at + Item.probe] = probe;
    }
    return { items, values, moment, random: this.random };
  }

  private async follow({ batch, values, moment, judge }: Played, first: PlayResults): Promise<void> {
    const status = (i: number): number => first.results[i * resultWidth + PlayResult.status] ?? 2;
    const second = await this.twin.play(
      this.pack(batch, values, moment, (sent, i) => {
        if (sent.shown === null) return [-1, -1, 0];
        const probe = status(i) === 1 ? 1 : 0;
        if (sent.flight === null) return [sent.twin.program, -1, probe];
        if (status(i) === 2) return [-1, -1, 0];
        if (sent.flight.sideBySide) return [sent.twin.program, sent.statement, probe];
        return isLast(sent) || probe === 1 ? [sent.twin.program, -1, probe] : [-1, -1, 0];
      }),
    );
    for (const { errors } of [first, second])
      for (const error of errors) refuseIntervention(error, textOf(batch[error.item]));
    const answers = new BatchAnswers(batch, [this.actual, first], [this.twin, second]);
    await answers.fetch();
    for (const [i, sent] of batch.entries()) {
      if (sent.shown === null) continue;
      if (sent.shown !== undefined)
        judge.ended(sent, compare(sent.shown, answers.answer(1, i)), answers.status(1, i) === 1);
      else if (sent.flight === null) judge.ended(sent, answers.difference(i), answers.status(1, i) === 1);
      else this.land(sent, sent.flight, i, answers, judge);
    }
  }

  /** A statement of a request in flight; the request is judged with its last one, or when it fails. */
  private land(sent: Sent, flight: Flight, i: number, answers: BatchAnswers, judge: Judge): void {
    if (flight.over || answers.status(0, i) === 2) return;
    if (sent.statement === 0) judge.began?.(sent, flight);
    flight.touched.actual = either(flight.touched.actual, answers.touched(0, i));
    flight.touched.twin = either(flight.touched.twin, answers.touched(1, i));
    if (isAnswering(sent)) {
      const answer = answers.answer(0, i);
      if (answer.ok) flight.rows = answer;
      if (flight.sideBySide) flight.differs = answers.difference(i);
    }
    const failed = answers.status(0, i) === 1;
    if (!failed && !isLast(sent)) return;
    flight.over = true;
    const difference = failed ? answers.difference(i) : landed(flight, answers.answer(1, i));
    judge.ended(sent, difference, answers.status(1, i) === 1);
  }
}

function landed(flight: Flight, twin: Answer): Difference | null {
  const mine: Accepted = {
    ok: true,
    rows: flight.rows?.rows ?? null,
    sorted: flight.rows?.sorted ?? null,
    touched: touchedOf(flight.touched.actual),
  };
  if (!flight.sideBySide) return compare(mine, twin);
  if (flight.differs !== null && !twin.ok) return compare(mine, twin);
  if (flight.differs !== null) return compare(flight.differs.actual, flight.differs.expected);
  if (!twin.ok) return compare(mine, twin);
  return compare({ ...mine, rows: null }, { ...twin, rows: null, touched: touchedOf(flight.touched.twin) });
}

function either(a: Touched, b: Touched): Touched {
  return { any: a.any || b.any, told: a.told || b.told };
}

function compare(actual: Answer, expected: Answer): Difference | null {
  const kind = difference(actual, expected);
  return kind === null ? null : { kind, actual, expected };
}

function textOf(sent: Sent | undefined): string {
  return sent?.actual.request.statements.map((s) => s.text).join('; ') ?? '';
}

export function isLast(sent: Sent): boolean {
  return sent.statement < 0 || sent.statement === sent.actual.commits.at(-1);
}

/** The statement whose rows a client gets is among those that commit here. */
function isAnswering({ statement, actual: { answering, commits } }: Sent): boolean {
  return answering >= 0 && commits.findLast((first) => first <= answering) === statement;
}

type Side = readonly [player: Player, results: PlayResults];

/** The answers of both sides to one batch. Rows are fetched only where their hashes differ. */
class BatchAnswers {
  private readonly sides: readonly [Side, Side];
  private readonly errors: readonly [ReadonlyMap<number, PlayError>, ReadonlyMap<number, PlayError>];
  private rows: readonly [ReadonlyMap<number, PlayRows>, ReadonlyMap<number, PlayRows>] = [new Map(), new Map()];

  constructor(
    private readonly batch: readonly Sent[],
    actual: Side,
    twin: Side,
  ) {
    this.sides = [actual, twin];
    const byItem = ([, { errors }]: Side): Map<number, PlayError> => new Map(errors.map((e) => [e.item, e]));
    this.errors = [byItem(actual), byItem(twin)];
  }

  async fetch(): Promise<void> {
    const wanted: number[] = [];
    for (const [i, { flight }] of this.batch.entries()) if (!this.same(i) || flight !== null) wanted.push(i);
    if (wanted.length === 0) return;
    const both = this.sides.map(async ([player, { serial }]) => {
      const rows = await player.rows(serial, wanted);
      return new Map(wanted.map((item, n) => [item, rows[n] as PlayRows]));
    });
    const [actual, twin] = await Promise.all(both);
    this.rows = [actual ?? new Map(), twin ?? new Map()];
  }

  status(side: 0 | 1, i: number): number {
    return this.number(side, i, PlayResult.status);
  }

  touched(side: 0 | 1, i: number): Touched {
    const touched = this.number(side, i, PlayResult.touched);
    return { any: touched > 0, told: touched > 1 };
  }

  difference(i: number): Difference | null {
    if (this.same(i)) return null;
    return compare(this.answer(0, i), this.answer(1, i));
  }

  answer(side: 0 | 1, i: number): Answer {
    const sent = this.batch[i] as Sent;
    if (this.status(side, i) === 1) {
      const error = this.errors[side].get(i);
      return { ok: false, sqlstate: error?.sqlstate ?? 'XX000', message: error?.message ?? '' };
    }
    const { answering, request } = side === 0 ? sent.actual : sent.twin;
    const found = this.rows[side].get(i);
    const touched = touchedOf(this.touched(side, i));
    if (found === undefined || found.rows === null || answering < 0)
      return { ok: true, rows: null, sorted: null, touched };
    const rows = canonicalRows(
      found.rows,
      found.columns.map((c) => c.type),
    );
    const statement = request.statements[answering] as RequestStatement;
    const names = found.columns.map((c) => c.name.toLowerCase());
    return { ok: true, rows, sorted: statement.ordered ? sortPlaces(names, statement.sortBy) : null, touched };
  }

  /** Both refused, or both gave the very same bytes. */
  private same(i: number): boolean {
    const at = i * resultWidth;
    const [[, { results: a }], [, { results: b }]] = this.sides;
    if (a[at] === 1 && b[at] === 1) return true;
    for (let n = 0; n < resultWidth; n++) if (a[at + n] !== b[at + n]) return false;
    return true;
  }

  private number(side: 0 | 1, i: number, what: number): number {
    return this.sides[side][1].results[i * resultWidth + what] ?? 0;
  }
}
