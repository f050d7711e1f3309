/** A finding's trace as it was played: the states of the search, and after its last events what the engine makes of them. */
import type { Ground } from '../explore/ground.ts';
import type { Search } from '../explore/search.ts';
import { pathTo, triggersOff, type Node, type SearchEvent } from '../explore/state.ts';
import { eventsOf } from '../explore/trace.ts';
import type { CallSpec } from '../explore/transitions.ts';
import type { Violation } from '../explore/violations.ts';
import type { Location, Plan } from '../plan/model.ts';
import type { Finding } from '../report/model.ts';
import { nodeAfter, type Beat } from './beat.ts';
import type { Course } from './course.ts';
import { deliver } from './deliver.ts';
import type { Requests } from './requests.ts';

export class Retelling {
  constructor(
    private readonly plan: Plan,
    private readonly ground: Ground,
    private readonly search: Search,
    private readonly course: Course,
    private readonly requests: Requests,
  ) {}

  /** The start, then a beat for each event of the trace. */
  async beats(finding: Finding, violation: Violation & { readonly node: Node }): Promise<Beat[]> {
    const path = pathTo(violation.node);
    const events = eventsOf(violation);
    const root = path[0] as Node;
    const beats: Beat[] = [start(this.plan, root)];
    let at = root;
    for (const [i, { event }] of events.entries()) {
      const before = at;
      at = path[i + 1] ?? (await this.after(before, event));
      const trace = finding.trace[i] ?? null;
      const isLast = i === events.length - 1;
      const answer = event.kind === 'request' && trace !== null && event.answer !== null ? trace.result : null;
      const given = { expected: answer, actual: answer };
      const { expected, actual } = isLast ? finding : given;
      beats.push({
        event: trace,
        node: at,
        place: placeOf(event, this.plan),
        expected,
        actual,
        shown: isLast ? { rule: finding.rule, message: finding.message, expected, actual } : null,
        stuck: false,
      });
    }
    return beats;
  }

  /** The state after one of the events that the search did not follow. */
  private async after(node: Node, event: SearchEvent): Promise<Node> {
    switch (event.kind) {
      case 'move':
        return (await this.course.move(node, event.move)).node;
      case 'request':
        return this.afterRequest(node, event);
      case 'batch':
        return event.sql === '' ? node : this.afterCall(node, event, [event.sql], event.reads);
      case 'drift':
        return this.afterCall(node, event, [triggersOff, event.sql], false);
      case 'deliver':
        return deliver(this.search, node, event);
      case 'catch-up':
        return nodeAfter(node, { replica: this.search.replica.caughtUpByOne(node.replica) }, event, false);
      case 'crash':
      case 'restart':
        return nodeAfter(node, {}, event, false);
    }
  }

  private async afterRequest(node: Node, event: SearchEvent & { kind: 'request' }): Promise<Node> {
    const request = this.requests.request(event.version, event.action);
    if (request === null) return node;
    const offer = this.search.input.programs.offer(request, event.action.params);
    await this.requests.prepare(node);
    if (event.statement === null) return (await this.requests.run(node, event.version, offer)).at(-1)?.node ?? node;
    const known = node.flights.find((f) => f.id === event.flight);
    const begins = known === undefined ? this.requests.newFlight(node, event.version, offer) : null;
    return (await this.requests.statement(node, (known ?? begins)?.id ?? '', begins)).node;
  }

  private async afterCall(node: Node, event: SearchEvent, texts: readonly string[], reads: boolean): Promise<Node> {
    const { transitions, usesRandom } = this.ground;
    const spec: CallSpec = {
      call: { statements: texts.map((sql) => ({ pieces: [sql], as: null, returnsRows: reads })), writes: !reads },
      clock: 'step',
      nonce: event.kind === 'batch' && usesRandom ? 'content' : 0,
    };
    const need = { schema: node.schema, content: node.content, call: transitions.callId(spec) };
    const { content, changes } = await transitions.one(need);
    return nodeAfter(node, { content, streams: this.search.streams.with(node.streams, changes) }, event, false);
  }
}

export function start(plan: Plan, root: Node): Beat {
  const place: Location = { file: plan.file, line: 1, column: 1 };
  return { event: null, node: root, place, expected: null, actual: null, shown: null, stuck: false };
}

function placeOf(event: SearchEvent, plan: Plan): Location {
  switch (event.kind) {
    case 'move':
      return event.move.part.location;
    case 'request': {
      const request = plan.versions.find((v) => v.name === event.version)?.requests.get(event.action.request);
      const statement = event.statement === null ? undefined : request?.statements[event.statement];
      return statement?.location ?? request?.location ?? { file: plan.file, line: 1, column: 1 };
    }
    case 'crash': {
      const request = plan.versions.find((v) => v.name === event.version)?.requests.get(event.action.request);
      return request?.location ?? { file: plan.file, line: 1, column: 1 };
    }
    case 'deliver':
      return event.stream.location;
    case 'catch-up':
      return { file: plan.file, line: 1, column: 1 };
    case 'batch':
    case 'restart':
    case 'drift':
      return event.step.location;
  }
}
