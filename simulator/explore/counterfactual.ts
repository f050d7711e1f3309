/**
 * What if: a history run again with something changed in it, on the engine like everything else. Whatever can't
 * be done that way (a step fails, a request is answered wrongly on the way) tells nothing.
 */
import { Node, plain, type Draft, type Flight, type SearchEvent, type StateFields } from './state.ts';
import { keyAnswer, typeProbe, type Action, type Offer } from './programs.ts';
import { callStatement } from './programs.ts';
import { freshJob } from './jobs.ts';
import { Mover } from './moves.ts';
import type { Move, Position } from './positions.ts';
import type { Search } from './search.ts';
import { describable } from './transitions.ts';
import { Collector, type Violation } from './violations.ts';

/** Something that is done in a history. */
export type Deed =
  | { readonly kind: 'move'; readonly move: Move; readonly runJob: boolean }
  | { readonly kind: 'batch' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'crash'; readonly flight: string }
  /** A statement of a request that commits one by one, as the search ran it. */
  | { readonly kind: 'statement'; readonly version: string; readonly action: Action; readonly flight: string }
  | { readonly kind: 'request'; readonly version: string; readonly action: Action }
  | { readonly kind: 'deliver'; readonly stream: string; readonly again: boolean }
  /** A replica catches up. It is never behind where a history is run again, so that there is nothing to do. */
  | { readonly kind: 'catch-up' };

/** Until when streams deliver at once what a history gives them; from then on they do as they did. */
type Prompt = 'always' | number;

const maxBatches = 300;

/** The deeds that a history of the search consists of. */
export function deedsOf(path: readonly Node[]): readonly Deed[] {
  return path.flatMap((node) => (node.event === null ? [] : [deedOf(node.event)]));
}

function deedOf(event: SearchEvent): Deed {
  switch (event.kind) {
    case 'move':
      return { kind: 'move', move: event.move, runJob: true };
    case 'batch':
      return { kind: 'batch' };
    case 'restart':
      return { kind: 'restart' };
    case 'crash':
      return { kind: 'crash', flight: event.flight };
    case 'request': {
      const { version, action, flight } = event;
      return flight === null ? { kind: 'request', version, action } : { kind: 'statement', version, action, flight };
    }
    case 'deliver':
      return { kind: 'deliver', stream: event.stream.name, again: event.again };
    case 'catch-up':
      return { kind: 'catch-up' };
    case 'drift':
    case 'prepared':
      throw new RangeError(`${event.kind} comes after a history, and is no part of it`);
  }
}

export class Counterfactual {
  private readonly mover: Mover;
  private readonly positions: readonly Position[];

  constructor(private readonly search: Search) {
    this.positions = search.input.positions;
    // States and findings of what never happened are kept nowhere.
    const { streams, replica, first, second } = search;
    this.mover = new Mover(
      search.input,
      search.wants,
      { streams, replica },
      { first, second },
      new Collector(),
      search.blame,
      (parent, draft) => ({
        node: arrive(parent, draft),
        fresh: true,
      }),
    );
  }

  /** Where a history leads from its beginning, with everything delivered at the end; null when it can't be done. */
  async play(deeds: readonly Deed[], prompt: Prompt = 'always'): Promise<Node | null> {
    return this.playOn(rootOf(this.search), deeds, prompt);
  }

  async playOn(start: Node, deeds: readonly Deed[], prompt: Prompt = 'always'): Promise<Node | null> {
    let node: Node | null = start;
    for (const [index, deed] of deeds.entries()) {
      if (node === null) return null;
      node = await this.one(node, deed);
      if (node !== null && (prompt === 'always' || index < prompt)) node = await this.delivered(node);
    }
    return node === null ? null : this.delivered(node);
  }

  /** The state once the streams have delivered what they have; null when they can't, or never end. */
  private async delivered(node: Node): Promise<Node | null> {
    if (this.search.streams.isCaughtUp(node.streams)) return node;
    const after = await this.search.delivered(plain(node));
    return after === null ? null : with_(node, after);
  }

  /** One delivery, if there is one to make. */
  private async deliver(node: Node, stream: string, again: boolean): Promise<Node | null> {
    const { streams, wants } = this.search;
    const deliveries = await wants.settle(
      () => streams.deliveries(wants.want, node.schema, node.content, node.streams, 'all') ?? [],
    );
    const delivery = deliveries.find(({ event }) => event.stream.name === stream && event.again === again);
    if (delivery === undefined) return node;
    return delivery.kind === 'fails' ? null : with_(node, { content: delivery.content, streams: delivery.streams });
  }

  private one(node: Node, deed: Deed): Promise<Node | null> {
    switch (deed.kind) {
      case 'move':
        return this.move(node, deed.move, deed.runJob);
      case 'batch':
        return this.batch(node);
      case 'restart':
        return Promise.resolve(with_(node, { job: { ...freshJob, again: true } }));
      case 'crash':
        return this.crash(node, deed.flight);
      case 'statement':
        return this.statement(node, deed.version, deed.action, deed.flight);
      case 'request':
        return this.request(node, deed.version, deed.action);
      case 'deliver':
        return this.deliver(node, deed.stream, deed.again);
      case 'catch-up':
        return Promise.resolve(node);
    }
  }

  private position(node: StateFields): Position {
    return this.positions[node.position] as Position;
  }

  private async move(from: Node, move: Move, runJob: boolean): Promise<Node | null> {
    const job = this.position(from).job;
    const node = runJob && job !== null && this.position(from).id !== move.to ? await this.finishJob(from) : from;
    if (node === null) return null;
    const [arrived] = await this.mover.make([node], move);
    return arrived?.node ?? null;
  }

  /** A running job goes on to its end, as it does before the next step. */
  private async finishJob(node: Node): Promise<Node | null> {
    let now: Node = node;
    for (let batches = 0; batches < maxBatches; batches += 1) {
      const next = await this.batch(now);
      if (next === null || next === now) return next;
      now = next;
    }
    return null;
  }

  /** The next batch of a running job: the same state when there is none left, null when it fails. */
  private async batch(node: Node): Promise<Node | null> {
    const { job } = this.position(node);
    if (job === null || node.job === null) return null;
    if (job.form.kind === 'script')
      await this.search.input.transitions.describe(node.schema, [describable(typeProbe(job.form.read))]);
    const state = node.job;
    const step = await this.search.wants.settle(() =>
      this.search.evaluator.jobs.step(node.schema, node.content, job, state),
    );
    if (step.kind === 'error') return null;
    if (step.kind === 'finished') return node;
    const streams = this.search.streams.with(node.streams, step.changes);
    return with_(node, { content: step.content, job: step.job, streams });
  }

  /** A request run whole: the same state when it is refused as the reference refuses it, null when it goes wrong. */
  async request(node: Node, version: string, action: Action): Promise<Node | null> {
    const offer = this.offer(version, action);
    if (offer === null) return null;
    await this.search.describeVersion(node.schema, version);
    if (offer.stepwise) return this.wholeStepwise(node, version, offer);
    const { draft, wrong } = await this.attempt((violations) =>
      this.search.evaluator.tryWrite(this.position(node), node, version, offer, violations),
    );
    return wrong ? null : draft === null ? node : arrive(node, draft);
  }

  /** A request whose statements commit one by one, with nothing in between. */
  private async wholeStepwise(start: Node, version: string, offer: Offer): Promise<Node | null> {
    const before = new Set(start.flights.map((f) => f.id));
    let node = await this.begin(start, version, offer);
    for (let i = 0; node !== null && i < offer.request.statements.length; i += 1) {
      const flight = node.flights.find((f) => !before.has(f.id));
      if (flight === undefined) return node;
      node = await this.advance(node, flight);
    }
    return node;
  }

  private async statement(node: Node, version: string, action: Action, id: string): Promise<Node | null> {
    await this.search.describeVersion(node.schema, version);
    const flight = node.flights.find((f) => f.id === id);
    if (flight !== undefined) return this.advance(node, flight);
    const offer = this.offer(version, action);
    return offer === null ? null : this.begin(node, version, offer);
  }

  private async begin(node: Node, version: string, offer: Offer): Promise<Node | null> {
    const { draft } = await this.attempt((violations) =>
      this.search.evaluator.begin(this.position(node), node, version, offer, violations),
    );
    return draft === null ? null : arrive(node, draft);
  }

  private async advance(node: Node, flight: Flight): Promise<Node | null> {
    const { draft } = await this.attempt((violations) =>
      this.search.evaluator.step(this.position(node), node, node, flight, violations),
    );
    return draft === null ? null : arrive(node, draft);
  }

  private async crash(node: Node, id: string): Promise<Node | null> {
    const flight = node.flights.find((f) => f.id === id);
    if (flight === undefined) return null;
    const { draft } = await this.attempt(() => this.search.evaluator.crash(node, flight));
    return draft === null ? null : arrive(node, draft);
  }

  private async attempt(
    act: (violations: Violation[]) => Draft | null,
  ): Promise<{ readonly draft: Draft | null; readonly wrong: boolean }> {
    return this.search.wants.settle(() => {
      const violations: Violation[] = [];
      const draft = act(violations);
      return { draft, wrong: violations.length > 0 };
    });
  }

  /** The request of a version for an action; null when it has none, or can't send these values. */
  offer(version: string, action: Action): Offer | null {
    const { programs } = this.search.input;
    const request = programs.version(version).requests.get(action.request);
    if (request === undefined || !programs.canSend(version, action)) return null;
    return programs.offer(request, action.params);
  }

  /** True when what a violation shows is not there in a state: neither it nor, where it is a read, any other wrong read. */
  async isGone(violation: Violation, node: Node): Promise<boolean> {
    const { event, version, action } = violation;
    if (event?.kind === 'move') return (await this.move(node, event.move, false)) !== null;
    if (event?.kind === 'batch') return (await this.finishJob(node)) !== null;
    if (event?.kind !== 'request' || version === null || action === null) return false;
    if (event.flight !== null) return (await this.statement(node, version, action, event.flight)) !== null;
    const offer = this.offer(version, action);
    if (offer === null) return false;
    if (!offer.read) return (await this.request(node, version, action)) !== null;
    if ((await this.search.wrongRead(node, version)) !== null) return false;
    return (await this.search.wants.settle(() => this.search.evaluator.probeAccepts(node, offer))) === '';
  }

  /** True when nothing that a version can be asked goes wrong in a state. */
  async answersAll(node: Node, version: string): Promise<boolean> {
    if ((await this.search.wrongRead(node, version)) !== null) return false;
    for (const offer of this.search.input.programs.offers(version))
      if (!offer.read && (await this.request(node, version, offer.action)) === null) return false;
    return true;
  }

  /** What a version answers to a read in a state, as a text that tells answers apart; null where it has no such read. */
  async readAs(node: StateFields, version: string, action: Action): Promise<string | null> {
    const offer = this.offer(version, action);
    if (offer === null || !offer.read) return null;
    await this.search.describeVersion(node.schema, version);
    const judged = await this.search.wants.settle(() => this.search.evaluator.judgeRead(node, version, offer));
    return judged.actual.ok ? keyAnswer(judged.actual).key : judged.actual.sqlstate;
  }

  /** What a write alone leaves in the tables of a state. */
  async contentAfter(node: StateFields, offer: Offer): Promise<number | null> {
    const { transitions } = this.search.input;
    const statements = offer.request.statements.map((s) => callStatement(s, offer.action.params));
    const call = transitions.callId({ call: { statements, writes: true }, clock: 'request', nonce: 0 });
    const result = await transitions.one({ schema: node.schema, content: node.content, call });
    return result.ok ? result.content : null;
  }
}

function rootOf(search: Search): Node {
  return search.nodes[0] as Node;
}

/** The state that an event leads to, kept by nobody. */
function arrive(parent: Node, draft: Draft): Node {
  const move = draft.event.kind === 'move' ? draft.event.move : null;
  return new Node(-1, draft.fields, {
    parent,
    event: draft.event,
    writes: parent.writes + (draft.write ? 1 : 0),
    others: parent.others + (draft.write ? 0 : 1),
    direction: move?.direction ?? parent.direction,
    stage: move?.direction === 'down' ? 1 : parent.stage,
  });
}

function with_(node: Node, fields: Partial<StateFields>): Node {
  const { event, writes, others, direction, stage } = node;
  return new Node(-1, { ...plain(node), ...fields }, { parent: node, event, writes, others, direction, stage });
}
