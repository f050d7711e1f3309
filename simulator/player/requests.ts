/** Requests as they are played: run on the engine from a state, and held against the reference there. */
import { showAnswer, touchedNone, type Answer } from '../explore/answer.ts';
import type { Position } from '../explore/positions.ts';
import type { Action, Offer } from '../explore/programs.ts';
import type { Search } from '../explore/search.ts';
import type { Flight, Node, SearchEvent } from '../explore/state.ts';
import { traceEvent } from '../explore/trace.ts';
import type { Violation } from '../explore/violations.ts';
import { stepStatement } from '../explore/worlds.ts';
import type { Plan, Request } from '../plan/model.ts';
import { nodeAfter, shownOf, type Beat } from './beat.ts';

const nothingYet: Answer = { ok: true, rows: null, sorted: null, touched: false };

export class Requests {
  constructor(
    private readonly plan: Plan,
    private readonly positions: readonly Position[],
    private readonly search: Search,
  ) {}

  /** The request that a version answers an action with; null when it has none. */
  request(version: string, action: Action): Request | null {
    return this.plan.versions.find((v) => v.name === version)?.requests.get(action.request) ?? null;
  }

  /** What the answers are compared by has to be known before. */
  async prepare(node: Node): Promise<void> {
    for (const version of this.position(node).live) await this.search.describeVersion(node.schema, version);
    for (const { version } of node.flights) await this.search.describeVersion(node.schema, version);
  }

  /** What every live version would answer now: nothing of it stays. */
  async probes(node: Node, offers: (version: string) => readonly Offer[]): Promise<readonly Beat[]> {
    await this.prepare(node);
    const asked = this.position(node).live.flatMap((version) => offers(version).map((offer) => ({ version, offer })));
    const whole = asked.filter(({ offer }) => !offer.stepwise);
    const beats = await this.search.wants.settle(() => whole.map((a) => this.whole(node, a.version, a.offer)));
    const byOffer = new Map(whole.map((a, i) => [a, beats[i] ?? null]));
    const all: Beat[] = [];
    for (const each of asked) {
      const beat = byOffer.get(each) ?? (await this.run(node, each.version, each.offer)).at(-1);
      if (beat !== undefined) all.push(beat);
    }
    return all;
  }

  /** A request run to its end: a beat for each time that it commits. */
  async run(node: Node, version: string, offer: Offer): Promise<readonly Beat[]> {
    await this.search.describeVersion(node.schema, version);
    if (!offer.stepwise) {
      const beat = await this.search.wants.settle(() => this.whole(node, version, offer));
      return [beat];
    }
    const flight = this.newFlight(node, version, offer);
    const beats: Beat[] = [];
    let at: Node = node;
    for (let more = true; more;) {
      const beat = await this.statement(at, flight.id, beats.length === 0 ? flight : null);
      beats.push(beat);
      at = beat.node;
      more = at.flights.some((f) => f.id === flight.id);
    }
    return beats;
  }

  newFlight(node: Node, version: string, offer: Offer): Flight {
    let number = 0;
    while (node.flights.some((f) => f.id === `f${number}`)) number += 1;
    const nonce = this.search.input.usesRandom ? node.writes : 0;
    const progress = { action: offer.action, nonce, next: 0, rows: {}, touched: touchedNone, answer: nothingYet };
    return { id: `f${number}`, version, progress, age: 0 };
  }

  /** The next statement of a request in flight, or the first of one that begins. */
  async statement(node: Node, id: string, begins: Flight | null): Promise<Beat> {
    const begun = begins === null ? node : this.begin(node, begins);
    return this.search.wants.settle(() => this.next(node, begun, id));
  }

  private position(node: Node): Position {
    return this.positions[node.position] as Position;
  }

  private begin(node: Node, flight: Flight): Node {
    const { first, second, input } = this.search;
    const { action, nonce } = flight.progress;
    const isKnown = input.programs.canSend(this.plan.versions[0]?.name ?? '', action);
    const event: SearchEvent = {
      kind: 'request',
      version: flight.version,
      action,
      statement: 0,
      answer: null,
      flight: flight.id,
    };
    return nodeAfter(
      node,
      {
        flights: [...node.flights, flight],
        first: isKnown ? first.begin(node.first, flight.id, action, nonce) : node.first,
        second: node.second < 0 ? node.second : (second?.begin(node.second, flight.id, action, nonce) ?? -1),
      },
      event,
      true,
    );
  }

  private next(node: Node, begun: Node, id: string): Beat | null {
    const { programs, transitions } = this.search.input;
    const flight = begun.flights.find((f) => f.id === id);
    const request = flight === undefined ? null : this.request(flight.version, flight.progress.action);
    if (flight === undefined || request === null) throw new RangeError(`no request ${id} is in flight`);
    const { progress } = flight;
    const want = this.search.wants.want;
    const step = stepStatement(programs, transitions, want, node.schema, node.content, request, progress);
    if (step === null) return null;
    const done = step.progress.next >= request.statements.length;
    const event: SearchEvent = {
      kind: 'request',
      version: flight.version,
      action: progress.action,
      statement: progress.next,
      answer: done ? step.progress.answer : null,
      flight: id,
    };
    const streams = this.search.streams.with(node.streams, step.changes);
    const rest = begun.flights.filter((f) => f.id !== id);
    const isFirst = begun !== node;
    const place = request.statements[progress.next]?.location ?? request.location;
    if (!done) {
      const flights = [...rest, { ...flight, progress: step.progress }].sort((a, b) => (a.id < b.id ? -1 : 1));
      const fields = { content: step.content, streams, flights, first: begun.first, second: begun.second };
      return this.beat(node, nodeAfter(node, fields, event, isFirst), event, place, null);
    }
    const judged = this.search.evaluator.judgeEnd(begun, flight, step.progress.answer);
    if (judged === null) return null;
    const fields = { content: step.content, streams, flights: rest, first: judged.first, second: judged.second };
    const offer = programs.offer(request, progress.action.params, false);
    const end = { ...judged, expected: judged.expected, answer: step.progress.answer };
    return this.beat(node, nodeAfter(node, fields, event, isFirst), event, place, { ...end, offer });
  }

  /** A request run in one transaction. Null: something has to be computed first. */
  private whole(node: Node, version: string, offer: Offer): Beat | null {
    const { programs, usesRandom } = this.search.input;
    const { evaluator, wants } = this.search;
    const nonce = usesRandom && !offer.read ? node.writes : 0;
    const call = programs.call(offer.request, offer.action, nonce, offer.read);
    const shown = offer.request.onReplica ? this.search.replica.shown(node) : node;
    const result = wants.want(shown.schema, shown.content, call);
    if (result === null) return null;
    const keyed = programs.answer(shown.schema, offer.request, result);
    const judged =
      shown === node
        ? evaluator.judge(node, version, offer.action, keyed, nonce)
        : evaluator.judgeShown(node, shown, version, offer, result);
    const refused = evaluator.probeAccepts(shown, offer);
    if (judged === null || refused === null) return null;
    const { answer } = keyed;
    const event: SearchEvent = {
      kind: 'request',
      version,
      action: offer.action,
      statement: null,
      answer,
      flight: null,
    };
    // A client that was told of an error takes it that nothing was written, and so does the reference.
    const references = answer.ok ? { first: judged.first, second: judged.second, newer: judged.newer } : {};
    const streams = this.search.streams.with(node.streams, result.changes);
    const after = nodeAfter(
      node,
      { content: offer.read ? node.content : result.content, streams, ...references },
      event,
      !offer.read,
    );
    const end = { difference: judged.difference, expected: judged.expected, answer, offer };
    if (refused === '') return this.beat(node, after, event, offer.request.location, end);
    const violation = this.search.blame.unreadable(this.position(node), node, version, offer, answer, refused);
    return { ...this.beat(node, after, event, offer.request.location, end), shown: shownOf(violation) };
  }

  private beat(
    before: Node,
    node: Node,
    event: SearchEvent & { kind: 'request' },
    place: Beat['place'],
    end: {
      readonly difference: string | null;
      readonly expected: Answer | null;
      readonly answer: Answer;
      readonly offer: Offer;
    } | null,
  ): Beat {
    const base = {
      event: traceEvent(event, this.plan, this.positions, this.position(before)),
      node,
      place,
      stuck: false,
    };
    if (end === null) return { ...base, expected: null, actual: null, shown: null };
    const actual = showAnswer(end.answer);
    const agreed = end.difference === null ? actual : null;
    const expected = end.expected === null ? agreed : showAnswer(end.expected);
    const shown = end.difference === null ? null : this.violation(before, event.version, end, end.difference);
    return { ...base, expected, actual, shown: shown === null ? null : shownOf(shown) };
  }

  private violation(
    node: Node,
    version: string,
    { offer, answer, expected }: { readonly offer: Offer; readonly answer: Answer; readonly expected: Answer | null },
    difference: string,
  ): Violation {
    const { blame } = this.search;
    const position = this.position(node);
    return offer.read
      ? blame.readViolation(position, node, version, offer, answer, expected, difference)
      : blame.writeViolation(position, node, version, offer, answer, expected, difference);
  }
}
