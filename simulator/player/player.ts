/**
 * Plays a plan, or the trace of a finding, and records what every moment looks like; then answers SQL at any of them,
 * and forks the history there. A recorded history never changes.
 */
import type { Content, Engine } from '../engine/engine.ts';
import { positionLabel, type Position } from '../explore/positions.ts';
import type { Offer } from '../explore/programs.ts';
import type { Node } from '../explore/state.ts';
import { Node as State, plain } from '../explore/state.ts';
import { upToDate } from '../explore/replica.ts';
import { noStreams } from '../explore/streams.ts';
import type { Violation } from '../explore/violations.ts';
import type { Location, Plan } from '../plan/model.ts';
import { eventText } from '../report/words.ts';
import type { Playable } from '../rehearse.ts';
import type { Beat } from './beat.ts';
import { Counterparts } from './counterparts.ts';
import { Course } from './course.ts';
import { stepsOf, versionsOf } from './described.ts';
import type { Answered, ForkCommand, Forked, History, Moment, Recording, Stop } from './model.ts';
import { Query } from './query.ts';
import { Requests } from './requests.ts';
import { Retelling, start } from './retell.ts';
import { Views } from './views.ts';

/** Combinations of values that one request is tried with at each moment. */
const maxProbes = 16;

interface Kept {
  readonly history: History;
  readonly beats: readonly Beat[];
}

export class Player {
  private readonly positions: readonly Position[];
  private readonly requests: Requests;
  private readonly course: Course;
  private readonly views: Views;
  private readonly query: Query;
  private readonly histories: Kept[] = [];
  private readonly left = new Set<string>();

  constructor(
    private readonly playable: Playable,
    engine: Engine,
    /** Versions whose requests are tried; null: all that are live. */
    private readonly versions: readonly string[] | null = null,
  ) {
    const { plan, ground, search } = playable;
    this.positions = ground.positions;
    this.requests = new Requests(plan, ground.positions, search);
    this.course = new Course(plan, ground.positions, search, this.requests);
    const counterparts = new Counterparts(plan, ground.programs, ground.transitions, ground.start.schema);
    this.views = new Views(engine, ground.transitions, search, ground.positions, counterparts);
    this.query = new Query(engine, ground.transitions);
  }

  /** Plays what was opened. */
  async record(): Promise<Recording> {
    const { plan, finding } = this.playable;
    const beats = await this.playOpened();
    const title = finding === null ? plan.title : `${finding.rule} at ${finding.step}`;
    const history = await this.keep(title, null, null, [], beats);
    return {
      file: plan.file,
      title: plan.title,
      finding,
      stops: stopsOf(plan),
      versions: versionsOf(plan, this.playable.ground.programs),
      steps: stepsOf(plan),
      places: [],
      history,
      views: [...this.views.views],
      notes: [...this.left],
    };
  }

  /** The content of every table at a moment, as `cutover replay` has it. */
  content(history: number, moment: number): Content {
    return this.playable.ground.transitions.contents.text(this.beat(history, moment).node.content);
  }

  /** SQL at a moment. Nothing of it stays, and it can't write. */
  async ask(history: number, moment: number, sql: string, probe: number | null = null): Promise<Answered> {
    return this.query.read(await this.nodeOf(history, moment, probe), sql);
  }

  /** Another future from a moment on: what was recorded is kept. */
  async fork(history: number, moment: number, command: ForkCommand): Promise<Forked> {
    const { node } = this.beat(history, moment);
    const firstView = this.views.views.length;
    const played = await this.perform(node, command);
    if (!Array.isArray(played)) return { ok: false, message: played.message };
    const last = played.at(-1);
    const rest = last === undefined || last.stuck ? [] : await this.course.forward(last.node);
    const past = this.histories[history]?.beats.slice(0, moment + 1) ?? [];
    const kept = await this.keep(titleOf(command, played), { history, moment }, command, past, [...played, ...rest]);
    return { ok: true, history: kept, views: this.views.views.slice(firstView), firstView };
  }

  private async playOpened(): Promise<readonly Beat[]> {
    const { plan, ground, search, finding, violation } = this.playable;
    if (finding !== null && violation !== null && hasNode(violation)) {
      const retelling = new Retelling(plan, ground, search, this.course, this.requests);
      return retelling.beats(finding, violation);
    }
    const root = start(plan, this.root());
    const beats = [root, ...(await this.course.forward(root.node))];
    if (finding === null) return beats;
    // Read from the plan: it shows where its step is reached.
    const at = beats.findIndex((b) => b.event?.step === finding.step);
    const { rule, message, expected, actual } = finding;
    return beats.map((b, i) => (i === Math.max(0, at) ? { ...b, shown: { rule, message, expected, actual } } : b));
  }

  /** What is on its way to other places. */
  private async copies(node: Node): Promise<Pick<Moment, 'queues' | 'replica'>> {
    const { streams, replica } = this.playable.search;
    const queues = streams.shown(node.streams);
    const behind = replica.lag(node.replica);
    const [seen] = behind;
    return {
      ...(queues.length === 0 ? {} : { queues }),
      ...(seen === undefined
        ? {}
        : { replica: { behind: behind.length, tables: await this.views.tablesOf(seen.schema, seen.content) } }),
    };
  }

  private root(): Node {
    const { ground, search } = this.playable;
    const fields = {
      position: 0,
      schema: ground.start.schema,
      content: ground.start.content,
      first: search.first.initial(),
      second: search.second?.initial() ?? -1,
      newer: -1,
      flights: [],
      job: null,
      crashed: false,
      floor: 0,
      streams: noStreams,
      replica: upToDate,
    };
    return new State(-1, fields, { parent: null, event: null, writes: 0, others: 0, direction: 'up', stage: 0 });
  }

  private beat(history: number, moment: number): Beat {
    const beat = this.histories[history]?.beats[moment];
    if (beat === undefined) throw new RangeError(`there is no moment ${moment} in history ${history}`);
    return beat;
  }

  private async nodeOf(history: number, moment: number, probe: number | null): Promise<Node> {
    const { node } = this.beat(history, moment);
    if (probe === null) return node;
    const beats = await this.requests.probes(node, (version) => this.offers(version));
    return beats[probe]?.node ?? node;
  }

  private async perform(node: Node, command: ForkCommand): Promise<Beat[] | { readonly message: string }> {
    switch (command.kind) {
      case 'request':
        return this.performRequest(node, command);
      case 'rollback':
        return (await this.course.back(node)) ?? { message: 'there is no way back from here' };
      case 'sql':
        return this.performSql(node, command.sql);
      case 'straggler':
        return { message: `${command.version} can not live on here` };
    }
  }

  private async performRequest(
    node: Node,
    { version, request, params }: ForkCommand & { kind: 'request' },
  ): Promise<Beat[] | { readonly message: string }> {
    const live = this.course.position(node).live;
    if (!live.includes(version)) return { message: `${version} is not live here (${live.join(', ') || 'nobody is'})` };
    const found = this.playable.plan.versions.find((v) => v.name === version)?.requests.get(request);
    if (found === undefined) return { message: `${version} has no request ${request}` };
    const missing = found.params.filter((p) => !(p in params));
    const extra = Object.keys(params).filter((p) => !found.params.includes(p));
    if (missing.length > 0 || extra.length > 0)
      return { message: `${request} takes ${found.params.join(', ') || 'no parameters'}` };
    const offer = this.playable.search.input.programs.offer(found, new Map(Object.entries(params)));
    return [...(await this.requests.run(node, version, offer))];
  }

  private async performSql(node: Node, sql: string): Promise<Beat[] | { readonly message: string }> {
    const result = await this.query.write(node, sql);
    if (!result.ok) return result;
    const position = this.course.position(node);
    const event = {
      kind: 'step' as const,
      step: position.step?.name ?? null,
      version: null,
      request: null,
      params: {},
      sql,
      result: 'put in by hand',
      line: null,
    };
    const fields = { schema: result.schema, content: result.content };
    const after = new State(-1, { ...fieldsOf(node), ...fields }, { ...wayOf(node), parent: node });
    const place = position.step?.location ?? { file: this.playable.plan.file, line: 1, column: 1 };
    return [{ event, node: after, place, expected: null, actual: null, shown: null, stuck: false }];
  }

  private async keep(
    title: string,
    from: History['from'],
    command: ForkCommand | null,
    past: readonly Beat[],
    fresh: readonly Beat[],
  ): Promise<History> {
    const known = from === null ? [] : (this.histories[from.history]?.history.moments.slice(0, past.length) ?? []);
    const moments: Moment[] = [...known];
    for (const beat of fresh) moments.push(await this.moment(beat, true));
    const history = { id: this.histories.length, title, from, command, moments };
    this.histories.push({ history, beats: [...past, ...fresh] });
    return history;
  }

  private async moment(beat: Beat, withProbes: boolean): Promise<Moment> {
    const { node, event } = beat;
    const position = this.course.position(node);
    const { step } = position;
    const probes = withProbes ? await this.requests.probes(node, (version) => this.offers(version)) : [];
    const shownProbes: Moment[] = [];
    for (const probe of probes) shownProbes.push(await this.moment(probe, false));
    return {
      event,
      title: event === null ? 'start' : titleOfEvent(event, positionLabel(position)),
      place: beat.place,
      step: step === null ? null : { name: step.name, index: step.index, kind: step.kind, place: step.location },
      phase: position.phase,
      position: positionLabel(position),
      live: position.live,
      stragglers: [],
      job: position.job === null ? null : (step?.name ?? position.job.name),
      ...(await this.copies(node)),
      flights: node.flights.map(({ version, progress }) => ({
        version,
        request: progress.action.request,
        params: Object.fromEntries(progress.action.params),
        done: progress.next,
        of: this.requests.request(version, progress.action)?.statements.length ?? 0,
      })),
      expected: beat.expected,
      actual: beat.actual,
      shown: beat.shown,
      view: await this.views.of(node),
      probes: shownProbes,
    };
  }

  private offers(version: string): readonly Offer[] {
    if (this.versions !== null && !this.versions.includes(version)) return [];
    const taken = new Map<string, number>();
    return this.playable.ground.programs.offers(version).filter(({ request }) => {
      const n = (taken.get(request.name) ?? 0) + 1;
      taken.set(request.name, n);
      if (n > maxProbes)
        this.left.add(`${version}.${request.name} is tried with ${maxProbes} combinations of values at each moment`);
      return n <= maxProbes;
    });
  }
}

function stopsOf(plan: Plan): readonly Stop[] {
  const written = new Map<Location, Stop & { readonly kind: 'request' }>();
  for (const version of plan.versions)
    for (const { name, location } of version.requests.values()) {
      const versions = [...(written.get(location)?.versions ?? []), version.name];
      written.set(location, { kind: 'request', request: name, versions, place: location });
    }
  const steps = plan.steps.map((step): Stop => ({
    kind: 'step',
    step: step.index,
    name: step.name,
    place: step.location,
  }));
  return [...written.values(), ...steps];
}

function hasNode(violation: Violation): violation is Violation & { readonly node: Node } {
  return violation.node !== null;
}

function fieldsOf(node: Node): ConstructorParameters<typeof State>[1] {
  return plain(node);
}

function wayOf({ writes, others, direction, stage }: Node): Omit<ConstructorParameters<typeof State>[2], 'parent'> {
  return { event: null, writes: writes + 1, others, direction, stage };
}

function titleOfEvent(event: NonNullable<Beat['event']>, position: string): string {
  if (event.kind === 'step' && event.result === 'put in by hand') return `SQL: ${event.sql.trim()}`;
  return event.kind === 'step' ? position : eventText(event);
}

function titleOf(command: ForkCommand, beats: readonly Beat[]): string {
  const event = beats[0]?.event ?? null;
  if (command.kind === 'sql') return `what if: ${command.sql.trim()}`;
  return `what if: ${event === null ? command.kind : eventText(event)}`;
}
