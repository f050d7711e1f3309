/**
 * Plays a trace from the start, with real commits, on a fresh database: what does not come out again is
 * a defect of Cutover and no finding.
 */
import type { Call, Engine, Outcome, RunOptions, Session } from '../engine/engine.ts';
import type { Plan } from '../plan/model.ts';
import { difference } from './answer.ts';
import { setUpOf, texts } from './ground.ts';
import { mirrorOf } from './mirror.ts';
import { callStatement, keyAnswer, textOf } from './programs.ts';
import { ReplayedStreams } from './replay-streams.ts';
import type { Search } from './search.ts';
import { pathTo, triggersOff, type Node, type SearchEvent } from './state.ts';
import { eventsOf } from './trace.ts';
import { contentNonce, randomSeed } from './transitions.ts';
import type { Violation } from './violations.ts';

export interface Played {
  readonly event: SearchEvent;
  readonly before: Node;
  readonly outcome: Outcome | null;
}

export type ReplayResult =
  | { readonly ok: true; readonly played: readonly Played[] }
  | { readonly ok: false; readonly why: string; readonly played: readonly Played[] };

export interface ReplayInput {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly search: Search;
  readonly seed: number;
}

const step: RunOptions['clock'] = 'step';

/** Replays a violation; `ok` when its last event gives what the search saw. */
export async function replayViolation(
  input: ReplayInput,
  violation: Violation,
  onPlayed?: (p: Played, content: string) => void,
): Promise<ReplayResult> {
  const events = eventsOf(violation);
  const seen = seenOnReplica(input, violation);
  if (seen === null) return play(input, violation, events, onPlayed);
  // The history to its end; then, on another database, as far as the replica has come, and the read there.
  const before = await play(input, null, events.slice(0, -1), onPlayed);
  if (!before.ok) return before;
  const last = events.slice(-1);
  const read = await play(input, violation, [...events.slice(0, seen), ...last], (played, content) => {
    if (played.event === last[0]?.event) onPlayed?.(played, content);
  });
  return { ...read, played: [...before.played, ...read.played.slice(-1)] };
}

/** How many events of the history a replica has seen that the violation's last read is answered by; null: none is. */
function seenOnReplica(input: ReplayInput, { node, event, version }: Violation): number | null {
  if (node === null || event?.kind !== 'request') return null;
  const request = input.plan.versions.find((v) => v.name === version)?.requests.get(event.action.request);
  const behind = input.search.replica.lag(node.replica).length;
  if (request?.onReplica !== true || behind === 0) return null;
  const path = pathTo(node);
  const commits = path.flatMap((each, i) => {
    const next = path[i + 1];
    return next !== undefined && (next.schema !== each.schema || next.content !== each.content) ? [i] : [];
  });
  return commits.at(-behind) ?? null;
}

async function play(
  input: ReplayInput,
  /** What the last event must give; null: it is one on the way. */
  violation: Violation | null,
  events: ReturnType<typeof eventsOf>,
  onPlayed?: (p: Played, content: string) => void,
): Promise<ReplayResult> {
  const played: Played[] = [];
  const session = await input.engine.session();
  const plain: RunOptions = { clock: step, seed: input.seed };
  const { schema, seed } = setUpOf(input.plan);
  for (const part of [schema, seed]) {
    const ready = await session.autocommit(texts(part), plain);
    if (!ready.ok) return { ok: false, why: `schema or seed: ${ready.message}`, played };
  }
  const streams = new ReplayedStreams(session, mirrorOf(input.search.input.transitions));
  for (const [i, { event, before }] of events.entries()) {
    const run =
      event.kind === 'deliver'
        ? await deliveryRun(input, event, streams, session)
        : callOf(input, event, before, await batchOptions(input, event, session));
    if (event.kind === 'deliver' && run === null)
      return { ok: false, why: `"${event.stream.name}" has no such change to deliver`, played };
    const outcome = await perform(session, run, plain);
    await follow(streams, event, outcome);
    const item: Played = { event, before, outcome };
    played.push(item);
    if (onPlayed !== undefined) onPlayed(item, await session.content());
    const isLast = violation !== null && i === events.length - 1;
    const why = isLast ? differsAtEnd(input, violation, item) : failsOnTheWay(event, outcome);
    if (why !== null) return { ok: false, why, played };
  }
  return { ok: true, played };
}

async function perform(session: Session, run: Run | null, plain: RunOptions): Promise<Outcome | null> {
  if (run === null) return null;
  return 'statements' in run ? session.autocommit(run.statements, plain) : session.transaction(run.call, run.options);
}

/** What an event means for the streams. */
async function follow(streams: ReplayedStreams, event: SearchEvent, outcome: Outcome | null): Promise<void> {
  if (event.kind === 'deliver' && outcome?.ok === true) streams.delivered(event);
  if (outcome?.ok === true && outcome.changes !== undefined)
    streams.committed(outcome.changes, event.kind === 'deliver' ? 'stream' : 'request');
  if (event.kind === 'move' && event.move.action.kind === 'cdc') await streams.move(event.move.action);
}

type Run = { readonly call: Call; readonly options: RunOptions } | { readonly statements: readonly string[] };

/** A batch draws its random values by the content it starts from, and so does a delivery. */
async function batchOptions(input: ReplayInput, event: SearchEvent, session: Session): Promise<RunOptions> {
  const random = (event.kind === 'batch' || event.kind === 'deliver') && input.search.input.usesRandom;
  return { clock: step, seed: randomSeed(input.seed, random ? contentNonce(await session.content()) : 0) };
}

async function deliveryRun(
  input: ReplayInput,
  event: SearchEvent & { readonly kind: 'deliver' },
  streams: ReplayedStreams,
  session: Session,
): Promise<Run | null> {
  const call = streams.delivery(event);
  if (call === null) return null;
  return { call, options: { ...(await batchOptions(input, event, session)), clock: 'request' } };
}

function callOf(input: ReplayInput, event: SearchEvent, before: Node, batch: RunOptions): Run | null {
  const plain: RunOptions = { clock: step, seed: input.seed };
  const one = (sql: string, returnsRows: boolean): Run & { call: Call } => ({
    call: { statements: [{ pieces: [sql], as: null, returnsRows }], writes: !returnsRows },
    options: plain,
  });
  switch (event.kind) {
    case 'move': {
      const { action } = event.move;
      if (action.kind === 'nothing') return null;
      if (action.kind === 'verify' || action.kind === 'cdc') return null;
      const statements = action.statements.map(textOf);
      if (!action.transactional) return { statements };
      return {
        call: {
          statements: action.statements.map((s) => ({ pieces: [textOf(s)], as: null, returnsRows: s.returnsRows })),
          writes: true,
        },
        options: plain,
      };
    }
    case 'batch':
      return event.sql === '' ? null : { ...one(event.sql, event.reads), options: batch };
    case 'drift':
      return {
        call: {
          statements: [triggersOff, event.sql].map((sql) => ({ pieces: [sql], as: null, returnsRows: false })),
          writes: true,
        },
        options: plain,
      };
    case 'request':
      return requestCall(input, event, before);
    case 'prepared':
      return { statements: [event.sql] };
    // A delivery runs what its stream has to deliver.
    case 'deliver':
    case 'catch-up':
    case 'crash':
    case 'restart':
      return null;
  }
}

function requestCall(input: ReplayInput, event: SearchEvent & { kind: 'request' }, before: Node): Run | null {
  const request = input.plan.versions.find((v) => v.name === event.version)?.requests.get(event.action.request);
  if (request === undefined) return null;
  const nonce = input.search.input.usesRandom ? before.writes : 0;
  const options: RunOptions = { clock: 'request', seed: randomSeed(input.seed, nonce) };
  if (event.statement === null) {
    const statements = request.statements.map((s) => callStatement(s, event.action.params));
    return { call: { statements, writes: true }, options };
  }
  const rows = before.flights.find((f) => f.id === event.flight)?.progress.rows ?? {};
  const { programs, transitions } = input.search.input;
  const { call } = programs.commitCall(request, event.statement, event.action, rows, nonce);
  return call === null ? null : { call: { ...transitions.spec(call).call, writes: true }, options };
}

function failsOnTheWay(event: SearchEvent, outcome: Outcome | null): string | null {
  if (outcome === null || outcome.ok) return null;
  if (event.kind === 'request' && event.answer?.ok === false) return null;
  return `an event on the way failed: ${outcome.message}`;
}

function differsAtEnd(input: ReplayInput, violation: Violation, last: Played): string | null {
  const { outcome } = last;
  if (violation.outcome === null || outcome === null) return outcome !== null && !outcome.ok ? outcome.message : null;
  if (!violation.outcome.ok) {
    if (outcome.ok) return 'it was expected to fail, and did not';
    return outcome.sqlstate === violation.outcome.sqlstate ? null : `another error: ${outcome.message}`;
  }
  if (!outcome.ok) return `it failed: ${outcome.message}`;
  if (last.event.kind !== 'request' || last.event.statement !== null || violation.node === null) return null;
  const request = input.plan.versions
    .find((v) => v.name === violation.version)
    ?.requests.get(last.event.action.request);
  if (request === undefined) return null;
  const answer = input.search.input.programs.answer(violation.node.schema, request, {
    ...outcome,
    content: -1,
    changes: null,
    answer: null,
  });
  return keyAnswer(violation.outcome).key === answer.key || difference(answer.answer, violation.outcome) === null
    ? null
    : 'it gave another answer';
}
