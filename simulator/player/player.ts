/**
 * Plays a plan, or the trace of a finding, and records what every moment looks like; then answers SQL at any of them,
 * and forks the history there. A recorded history never changes.
 */
import type { Content, Engine } from '../engine/engine.ts';
import { positionLabel } from '../explore/positions.ts';
import type { Offer } from '../explore/programs.ts';
import type { Node } from '../explore/state.ts';
import { upToDate } from '../explore/replica.ts';
import { lastUndone, Node as State } from '../explore/state.ts';
import { noStreams } from '../explore/streams.ts';
import type { Violation } from '../explore/violations.ts';
import { flightReplacer } from '../explore/worlds.ts';
import type { Location, Plan } from '../plan/model.ts';
import { eventText } from '../report/words.ts';
import type { Playable } from '../rehearse.ts';
import type { Beat } from './beat.ts';
import { Counterparts } from './counterparts.ts';
import { stepsOf, versionsOf } from './described.ts';
import type { Answered, ForkCommand, Forked, History, Moment, Recording, Stop } from './model.ts';
import { Places } from './places.ts';
import { Query } from './query.ts';
import { Retelling, start } from './retell.ts';
import { Settings, type Setting } from './settings.ts';
import { Views } from './views.ts';
import { byHand, WhatIf } from './what-if.ts';

/** Combinations of values that one request is tried with at each moment. */
const maxProbes = 16;

/** Cells of the tables that the requests of a history leave, as they are tried: past it only reads are tried. */
const maxCells = 500_000;

/** A beat, and who is live from it on. */
interface Scene {
  readonly beat: Beat;
  readonly setting: Setting;
}

interface Recorded {
  readonly moment: Moment;
  readonly probes: readonly Beat[];
}

/** What the live versions would answer, and the states that this would lead to. */
interface Probes {
  readonly beats: readonly Beat[];
  readonly moments: readonly Moment[];
}

interface Kept {
  readonly history: History;
  readonly scenes: readonly Scene[];
  readonly recorded: readonly Recorded[];
}

export class Player {
  private readonly settings: Settings;
  private readonly counterparts: Counterparts;
  private readonly views: Views;
  private readonly query: Query;
  private readonly whatIf: WhatIf;
  private readonly histories: Kept[] = [];
  private readonly probed = new Map<string, Probes>();
  private readonly left = new Set<string>();

  constructor(
    private readonly playable: Playable,
    engine: Engine,
    /** Versions whose requests are tried; null: all that are live. */
    private readonly versions: readonly string[] | null = null,
  ) {
    const { plan, ground, search } = playable;
    this.settings = new Settings(plan, ground.positions, search, this.left);
    this.counterparts = new Counterparts(plan, ground.programs, ground.transitions, ground.start.schema);
    this.views = new Views(engine, ground.transitions, search, this.counterparts);
    this.query = new Query(engine, ground.transitions);
    this.whatIf = new WhatIf(plan, search, this.query, this.settings);
  }

  /** Plays what was opened. */
  async record(): Promise<Recording> {
    const { plan, finding } = this.playable;
    const beats = await this.playOpened();
    const title = finding === null ? plan.title : `${finding.rule} at ${finding.step}`;
    const history = await this.keep(title, null, null, [], this.scenes(beats, this.settings.planned));
    return {
      file: plan.file,
      title: plan.title,
      finding,
      stops: stopsOf(plan),
      versions: versionsOf(plan, this.playable.ground.programs),
      steps: stepsOf(plan),
      places: await new Places(plan, this.playable.ground, this.counterparts).all(),
      history,
      views: [...this.views.views],
      notes: [...this.left],
    };
  }

  /** The content of every table at a moment, as `cutover replay` has it. */
  content(history: number, moment: number): Content {
    return this.playable.ground.transitions.contents.text(this.scene(history, moment).beat.node.content);
  }

  /** SQL at a moment. Nothing of it stays, and it can't write. */
  async ask(history: number, moment: number, sql: string, probe: number | null = null): Promise<Answered> {
    return this.query.read(this.nodeOf(history, moment, probe), sql);
  }

  /** Another future from a moment on: what was recorded is kept. */
  async fork(history: number, moment: number, command: ForkCommand): Promise<Forked> {
    const { beat, setting } = this.scene(history, moment);
    const firstView = this.views.views.length;
    const played = await this.whatIf.perform(beat.node, setting, command);
    if (!played.ok) return played;
    const last = played.beats.at(-1);
    const rest = last === undefined || last.stuck ? [] : await played.setting.course.forward(last.node);
    const past = this.histories[history]?.scenes.slice(0, moment + 1) ?? [];
    const scenes = [...past, ...this.scenes([...played.beats, ...rest], played.setting)];
    const kept = await this.keep(titleOf(command, played.beats), { history, moment }, command, past, scenes);
    return { ok: true, history: kept, views: this.views.views.slice(firstView), firstView };
  }

  private async playOpened(): Promise<readonly Beat[]> {
    const { plan, ground, search, finding, violation } = this.playable;
    const { course, requests } = this.settings.planned;
    if (finding !== null && violation !== null && hasNode(violation)) {
      const retelling = new Retelling(plan, ground, search, course, requests);
      return retelling.beats(finding, violation);
    }
    const root = start(plan, this.root());
    const beats = [root, ...(await course.forward(root.node))];
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

  /** Who is live from each beat on: a version that has ended on the way does not come back in what is forked there. */
  private scenes(beats: readonly Beat[], setting: Setting): readonly Scene[] {
    return beats.map((beat) => ({ beat, setting: this.settings.at(setting, beat.node) }));
  }

  private scene(history: number, moment: number): Scene {
    const scene = this.histories[history]?.scenes[moment];
    if (scene === undefined) throw new RangeError(`there is no moment ${moment} in history ${history}`);
    return scene;
  }

  private nodeOf(history: number, moment: number, probe: number | null): Node {
    const { node } = this.scene(history, moment).beat;
    if (probe === null) return node;
    return this.histories[history]?.recorded[moment]?.probes[probe]?.node ?? node;
  }

  private async keep(
    title: string,
    from: History['from'],
    command: ForkCommand | null,
    past: readonly Scene[],
    scenes: readonly Scene[],
  ): Promise<History> {
    const before = from === null ? [] : (this.histories[from.history]?.recorded.slice(0, past.length) ?? []);
    const recorded = [...before];
    const limit = this.views.cells + maxCells;
    for (const scene of scenes.slice(past.length)) recorded.push(await this.recordScene(scene, limit));
    const moments = recorded.map(({ moment }) => moment);
    const history = { id: this.histories.length, title, from, command, moments };
    this.histories.push({ history, scenes, recorded });
    return history;
  }

  /** A moment with its probes, which are made once for all moments at which they are the same. */
  private async recordScene(scene: Scene, limit: number): Promise<Recorded> {
    const readsOnly = this.views.cells > limit;
    if (readsOnly) this.left.add('requests that write are not tried at every moment: the tables are too large');
    const key = probesKey(scene, readsOnly);
    const known = this.probed.get(key) ?? (await this.probe(scene, readsOnly));
    this.probed.set(key, known);
    return { moment: await this.moment(scene, known.moments), probes: known.beats };
  }

  private async probe({ beat, setting }: Scene, readsOnly: boolean): Promise<Probes> {
    const beats = await setting.requests.probes(beat.node, (version) => this.offers(version, readsOnly));
    const moments: Moment[] = [];
    for (const each of beats) moments.push(await this.moment({ beat: each, setting }, []));
    return { beats, moments };
  }

  private async moment({ beat, setting }: Scene, probes: readonly Moment[]): Promise<Moment> {
    const { node, event } = beat;
    const { course, requests } = setting;
    const position = course.position(node);
    const { step, live } = position;
    return {
      event,
      title: event === null ? 'start' : titleOfEvent(event, positionLabel(position)),
      place: beat.place,
      step: step === null ? null : { name: step.name, index: step.index, kind: step.kind, place: step.location },
      phase: position.phase,
      position: positionLabel(position),
      live,
      stragglers: this.settings.stragglers(setting, node).map(({ version }) => version),
      job: position.job === null ? null : (step?.name ?? position.job.name),
      ...(await this.copies(node)),
      flights: node.flights.map(({ version, progress }) => ({
        version,
        request: progress.action.request,
        params: Object.fromEntries(progress.action.params),
        done: progress.next,
        of: requests.request(version, progress.action)?.statements.length ?? 0,
      })),
      expected: beat.expected,
      actual: beat.actual,
      shown: beat.shown,
      view: await this.views.of(node, live),
      probes,
    };
  }

  private offers(version: string, readsOnly: boolean): readonly Offer[] {
    if (this.versions !== null && !this.versions.includes(version)) return [];
    const taken = new Map<string, number>();
    return this.playable.ground.programs.offers(version).filter(({ request, read }) => {
      if (readsOnly && !read) return false;
      const n = (taken.get(request.name) ?? 0) + 1;
      taken.set(request.name, n);
      if (n > maxProbes)
        this.left.add(`${version}.${request.name} is tried with ${maxProbes} combinations of values at each moment`);
      return n <= maxProbes;
    });
  }
}

/** Probes are the same where all is the same that they depend on. */
function probesKey({ beat, setting }: Scene, readsOnly: boolean): string {
  const { position, schema, content, first, second, newer, flights, streams, replica, writes, direction } = beat.node;
  const undone = direction === 'down' ? (lastUndone(beat.node)?.index ?? -1) : -1;
  const state = [position, schema, content, first, second, newer, streams, replica, writes, undone];
  return `${state.join('|')}|${readsOnly}|${setting.key}|${JSON.stringify(flights, flightReplacer)}`;
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

function titleOfEvent(event: NonNullable<Beat['event']>, position: string): string {
  if (event.kind !== 'step') return eventText(event);
  if (event.result === byHand) return `SQL: ${event.sql.trim()}`;
  return event.line === null ? event.result : position;
}

function titleOf(command: ForkCommand, beats: readonly Beat[]): string {
  const event = beats[0]?.event ?? null;
  switch (command.kind) {
    case 'sql':
      return `what if: ${command.sql.trim()}`;
    case 'straggler':
      return `what if: ${command.version} lives on`;
    case 'request':
    case 'rollback':
      return `what if: ${event === null ? command.kind : eventText(event)}`;
  }
}
