/**
 * The Debug Adapter Protocol over a recorded history. It knows neither the editor nor the simulator: messages come in by
 * `handle` and go out by `send`, so that the traffic can be tested as it is.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ForkCommand, History, Moment, Recording, View } from '../../simulator/player/model.ts';
import { Breakpoints } from './breakpoints.ts';
import type { PlayerClient } from './client.ts';
import { exceptionFilters, filterOf } from './filters.ts';
import { Inspector, type Evaluation } from './inspector.ts';
import { Walk, type Cursor, type Reason } from './walk.ts';

/** Where a session stands. */
export interface Playhead {
  readonly recording: Recording;
  readonly history: History;
  readonly histories: readonly History[];
  /** All there are, those of forks too. */
  readonly views: readonly View[];
  readonly cursor: Cursor;
  readonly moment: Moment;
  readonly view: View;
}

export interface AdapterHost {
  readonly send: (message: DebugProtocol.ProtocolMessage) => void;
  readonly client: PlayerClient;
  /** A path of the client as the simulator knows it, and the other way round. */
  readonly toPlanPath: (path: string) => string;
  readonly toSource: (path: string) => DebugProtocol.Source;
  readonly onMoved?: (playhead: Playhead) => void;
  /** It could not begin. */
  readonly onFailed?: (message: string) => void;
}

export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
  readonly plan?: string;
  readonly finding?: string;
  readonly stopOnEntry?: boolean;
  readonly versions?: readonly string[];
}

/** Whoever moves the session from elsewhere keeps the focus there. */
interface MoveArguments {
  readonly preserveFocus?: boolean;
}

interface GoToArguments extends MoveArguments, Partial<Cursor> {
  readonly history?: number;
}

/** Where the session stands, if no place is given. */
interface ForkArguments extends MoveArguments {
  readonly command: ForkCommand;
  readonly history?: number;
  readonly moment?: number;
}

interface AskArguments {
  readonly history: number;
  readonly moment: number;
  readonly probe: number | null;
  readonly sql: string;
}

/** What a request comes to: its answer, and what follows after it was sent. */
interface Reply {
  readonly body?: object;
  readonly after?: () => void;
}

class Refusal extends Error {}

/** Of the progress that is shown until there is something to step through. */
const openingId = 'open';

const capabilities: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsStepBack: true,
  supportsRestartFrame: true,
  supportsExceptionInfoRequest: true,
  supportsEvaluateForHovers: true,
  supportsDataBreakpoints: true,
  supportsBreakpointLocationsRequest: true,
  supportsTerminateRequest: true,
  supportsCancelRequest: true,
  supportsDelayedStackTraceLoading: false,
  exceptionBreakpointFilters: exceptionFilters,
};

export class CutoverAdapter {
  private seq = 0;
  private launched: LaunchArguments = {};
  private recording: Recording | null = null;
  private views: View[] = [];
  private readonly histories: History[] = [];
  private walk: Walk | null = null;
  private cursor: Cursor = { moment: 0, probe: null };
  private readonly breakpoints: Breakpoints;
  private readonly inspector: Inspector;
  private filters: ReadonlySet<string> = new Set(exceptionFilters.filter((f) => f.default).map((f) => f.filter));
  private readonly opening = new AbortController();
  private reportsProgress = false;
  /** The next stop leaves the focus where it is. */
  private preservesFocus = false;
  private thread = 1;
  /** Threads that are left as soon as the editor has the frames of the next. */
  private leaving: readonly number[] = [];
  private ended = false;

  private readonly requests: Readonly<Record<string, (args: never) => Reply | Promise<Reply>>> = {
    initialize: (args: DebugProtocol.InitializeRequestArguments) => this.initialize(args),
    launch: (args: LaunchArguments) => this.launch(args),
    configurationDone: () => ({ after: () => this.begin() }),
    setBreakpoints: (args: DebugProtocol.SetBreakpointsArguments) => ({
      body: { breakpoints: this.breakpoints.set(args) },
    }),
    breakpointLocations: (args: DebugProtocol.BreakpointLocationsArguments) => ({
      body: { breakpoints: this.breakpoints.locations(args) },
    }),
    setExceptionBreakpoints: (args: DebugProtocol.SetExceptionBreakpointsArguments) => {
      this.filters = new Set(args.filters);
      return {};
    },
    dataBreakpointInfo: (args: DebugProtocol.DataBreakpointInfoArguments) => ({
      body: this.breakpoints.cellInfo(
        args.variablesReference === undefined ? null : this.inspector.placeOf(args.variablesReference),
        args.name,
      ),
    }),
    setDataBreakpoints: (args: DebugProtocol.SetDataBreakpointsArguments) => ({
      body: { breakpoints: this.breakpoints.setCells(args) },
    }),
    threads: () => {
      const name = this.walk?.history.title ?? 'plan';
      return { body: { threads: [...this.leaving, this.thread].map((id) => ({ id, name })) } };
    },
    stackTrace: ({ threadId }: DebugProtocol.StackTraceArguments) => {
      const stackFrames = this.inspector.frames(this.playhead());
      return { body: { stackFrames, totalFrames: stackFrames.length }, after: () => this.leave(threadId) };
    },
    scopes: (args: DebugProtocol.ScopesArguments) => ({
      body: { scopes: this.inspector.scopes(this.playhead(), args.frameId) },
    }),
    variables: (args: DebugProtocol.VariablesArguments) => ({
      body: { variables: this.inspector.children(args.variablesReference) },
    }),
    evaluate: (args: DebugProtocol.EvaluateArguments) => this.evaluate(args),
    exceptionInfo: () => ({ body: this.inspector.exception(this.playhead()) }),
    next: () => this.step((walk, at) => walk.over(at), 1),
    stepIn: () => this.step((walk, at) => walk.into(at), 1),
    stepOut: () => this.step((walk, at) => walk.out(at), 1),
    stepBack: () => this.step((walk, at) => walk.back(at), -1),
    continue: () => this.run(1),
    reverseContinue: () => this.run(-1),
    pause: () => ({ after: () => this.stopped('pause') }),
    restartFrame: (args: DebugProtocol.RestartFrameArguments) => this.restartFrame(args),
    cancel: ({ progressId }: DebugProtocol.CancelArguments) => {
      if (progressId === openingId) this.opening.abort();
      return {};
    },
    disconnect: () => this.end(),
    terminate: () => this.end(),
    'cutover.process': () => ({ body: { pid: this.host.client.pid } }),
    'cutover.recording': () => ({ body: this.playhead() }),
    'cutover.goto': (args: GoToArguments) => this.goTo(args),
    'cutover.fork': ({ command, ...at }: ForkArguments) => this.forkRequest(command, at),
    'cutover.ask': (args: AskArguments) => this.askRequest(args),
  };

  constructor(private readonly host: AdapterHost) {
    this.breakpoints = new Breakpoints(host.toPlanPath, host.toSource);
    this.inspector = new Inspector(host.toSource);
    host.client.onLost((reason) => this.lost(reason));
  }

  async handle(message: DebugProtocol.ProtocolMessage): Promise<void> {
    if (message.type !== 'request') return;
    const request = message as DebugProtocol.Request;
    const perform = this.requests[request.command];
    try {
      if (perform === undefined) throw new Refusal(`Cutover knows no request "${request.command}".`);
      const { body, after } = await perform((request.arguments ?? {}) as never);
      this.respond(request, true, body === undefined ? {} : { body });
      after?.();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (request.command === 'launch') this.failed(request, message);
      else this.respond(request, false, { message });
    }
  }

  // ---- beginning and end ----------------------------------------------------------------------

  private initialize(args: DebugProtocol.InitializeRequestArguments): Reply {
    this.reportsProgress = args.supportsProgressReporting === true;
    return { body: capabilities };
  }

  private async launch(args: LaunchArguments): Promise<Reply> {
    if (typeof args.plan !== 'string' || args.plan === '') throw new Refusal('No plan is given: set "plan".');
    this.launched = args;
    const progressId = openingId;
    const title = args.finding === undefined ? 'Playing the plan' : 'Rehearsing the plan';
    if (this.reportsProgress) this.event('progressStart', { progressId, title, cancellable: true });
    const { plan, finding = null, versions = null } = args;
    const request = { plan: this.host.toPlanPath(plan), finding, versions };
    const progress = (message: string) => {
      if (this.reportsProgress) this.event('progressUpdate', { progressId, message });
    };
    const reply = await this.host.client.open(request, progress, this.opening.signal).finally(() => {
      if (this.reportsProgress) this.event('progressEnd', { progressId });
    });
    if (this.opening.signal.aborted) throw new Refusal('It was cancelled.');
    if (!reply.ok) {
      for (const error of reply.errors) this.complain(error);
      throw new Refusal(`The plan can not be debugged: ${reply.errors[0]?.message ?? reply.message}`);
    }
    this.record(reply.recording);
    return { after: () => this.event('initialized') };
  }

  private record(recording: Recording): void {
    this.recording = recording;
    this.views = [...recording.views];
    this.histories.push(recording.history);
    this.breakpoints.stops = recording.stops;
    this.walk = new Walk(recording, this.views, recording.history);
  }

  private begin(): void {
    const { finding, notes, history } = this.playhead().recording;
    const what = finding === null ? history.title : `${finding.rule} at "${finding.step}": ${finding.message}`;
    this.output(`${what}\n${history.moments.length} moments. Type !help here for what can be asked.\n`);
    // Calm here is no proof: nobody writes while the plan goes on.
    if (finding === null)
      this.output(
        'This is the plan with no requests between its phases; a rehearsal tries those that can come between.\n',
      );
    for (const note of notes) this.output(`${note}\n`);
    if (this.launched.stopOnEntry === false) this.proceed(1);
    else this.stopped('entry');
  }

  /** A session that could not begin has nothing to show. It says why in the console, and to its host; no dialog is in the way. */
  private failed(request: DebugProtocol.Request, message: string): void {
    if (!this.opening.signal.aborted) {
      this.output(`${message}\n`, 'stderr');
      this.host.onFailed?.(message);
    }
    const error = { id: 1, format: '{message}', variables: { message }, showUser: false };
    this.respond(request, false, { message, body: { error } });
    this.terminate();
  }

  private end(): Reply {
    this.opening.abort();
    this.host.client.close();
    return { after: () => this.terminate() };
  }

  private terminate(): void {
    if (this.ended) return;
    this.ended = true;
    this.host.client.close();
    this.event('terminated');
  }

  private lost(reason: string): void {
    if (this.ended) return;
    this.output(`The engine was lost: ${reason}. The session has ended; start it again to go on.\n`, 'stderr');
    this.terminate();
  }

  // ---- moving ---------------------------------------------------------------------------------

  private step(where: (walk: Walk, at: Cursor) => Cursor | null, direction: 1 | -1): Reply {
    const { walk } = this.open();
    const to = where(walk, this.cursor);
    if (to === null && direction === 1) return { after: () => this.terminate() };
    return { after: () => (to === null ? this.stopped('entry', 'At the start') : this.arrive(to, 'step', direction)) };
  }

  private run(direction: 1 | -1): Reply {
    this.open();
    return { body: { allThreadsContinued: true }, after: () => this.proceed(direction) };
  }

  private proceed(direction: 1 | -1): void {
    const found = this.open().walk.run(this.cursor, direction, this.rules());
    if (found !== null) this.moved(found.to, found.reason, direction);
    else if (direction === 1) this.terminate();
    else this.stopped('entry', 'At the start');
  }

  /** After a step a breakpoint is no reason of its own, but what goes wrong there is. */
  private arrive(to: Cursor, reason: string, direction: 1 | -1): void {
    const why = direction === 1 ? this.open().walk.reason(to, this.rules()) : null;
    this.cursor = to;
    if (why?.kind === 'exception') this.moved(to, why, direction);
    else this.stopped(reason);
  }

  private moved(to: Cursor, reason: Reason, direction: 1 | -1): void {
    this.cursor = to;
    switch (reason.kind) {
      case 'exception': {
        const { shown } = this.playhead().moment;
        this.stopped('exception', shown?.rule, shown?.message);
        return;
      }
      case 'breakpoint':
      case 'data breakpoint':
        this.stopped(reason.kind, undefined, undefined, reason.ids);
        return;
      case 'end':
        if (direction === 1) this.stopped('pause', 'At the end: go on to finish');
        else this.stopped('entry', 'At the start');
    }
  }

  private stopped(reason: string, description?: string, text?: string, hitBreakpointIds?: readonly number[]): void {
    this.inspector.forget();
    this.host.onMoved?.(this.playhead());
    const preserveFocusHint = this.preservesFocus;
    this.preservesFocus = false;
    if (preserveFocusHint) this.changeThread();
    this.event('stopped', {
      reason,
      ...(preserveFocusHint ? { preserveFocusHint } : {}),
      ...(description === undefined ? {} : { description }),
      ...(text === undefined ? {} : { text }),
      ...(hitBreakpointIds === undefined ? {} : { hitBreakpointIds }),
      threadId: this.thread,
      allThreadsStopped: true,
    });
  }

  /**
   * An editor that is told to preserve the focus shows nothing of the stop. But when a thread ends, it shows the one that is
   * left, and takes no focus: so the stop happens in another thread, and the one before ends.
   */
  private changeThread(): void {
    this.leaving = [...this.leaving, this.thread];
    this.thread += 1;
  }

  private leave(threadId: number): void {
    if (threadId !== this.thread) return;
    const left = this.leaving;
    this.leaving = [];
    for (const each of left) this.event('thread', { reason: 'exited', threadId: each });
  }

  private restartFrame({ frameId }: DebugProtocol.RestartFrameArguments): Reply {
    const to = this.inspector.startOf(this.playhead(), frameId);
    return {
      after: () => {
        this.cursor = to;
        this.stopped('restart');
      },
    };
  }

  private goTo({ history, moment, probe, preserveFocus = false }: GoToArguments): Reply {
    const { walk } = this.open();
    const target = history === undefined || history === walk.history.id ? walk : this.walkOf(history);
    const to = { moment: moment ?? this.cursor.moment, probe: probe ?? null };
    if (target.history.moments[to.moment] === undefined) throw new Refusal(`There is no moment ${to.moment}.`);
    target.at(to);
    return {
      after: () => {
        this.walk = target;
        this.cursor = to;
        this.preservesFocus = preserveFocus;
        this.stopped('goto');
      },
    };
  }

  private rules(): Parameters<Walk['run']>[2] {
    return { ...this.breakpoints.rules(), breaksOn: (rule) => this.filters.has(filterOf(rule)) };
  }

  // ---- asking and forking ---------------------------------------------------------------------

  private async evaluate(args: DebugProtocol.EvaluateArguments): Promise<Reply> {
    const { history, cursor } = this.playhead();
    const input = this.inspector.input(args);
    switch (input.kind) {
      case 'fork':
        return this.forkRequest(input.command);
      case 'history':
        return this.showHistory(input.id);
      case 'answer':
        return { body: input.body };
      case 'mistake':
        throw new Refusal(input.message);
      case 'sql': {
        const table = this.inspector.tableNamed(this.playhead(), input.sql);
        if (table !== null) return { body: table };
        const answer = await this.host.client.ask(history.id, cursor.moment, input.sql, cursor.probe);
        if (!answer.ok) throw new Refusal(answer.message);
        return { body: this.inspector.answer(answer) };
      }
    }
  }

  private async askRequest({ history, moment, probe, sql }: AskArguments): Promise<Reply> {
    return { body: await this.host.client.ask(history, moment, sql, probe) };
  }

  private async forkRequest(command: ForkCommand, at: Omit<ForkArguments, 'command'> = {}): Promise<Reply> {
    const { history, cursor } = this.playhead();
    const from = at.history === undefined ? history : this.walkOf(at.history).history;
    const moment = at.moment ?? cursor.moment;
    const forked = await this.host.client.fork(from.id, moment, command);
    if (!forked.ok) throw new Refusal(forked.message);
    const { recording } = this.open();
    this.views.splice(forked.firstView, 0, ...forked.views);
    this.histories[forked.history.id] = forked.history;
    const result = `history ${forked.history.id}: ${forked.history.title}; !history ${from.id} goes back`;
    const body: Evaluation & { history: number } = { result, variablesReference: 0, history: forked.history.id };
    const after = () => {
      this.walk = new Walk(recording, this.views, forked.history);
      this.preservesFocus = at.preserveFocus ?? false;
      this.arrive({ moment: moment + 1, probe: null }, 'goto', 1);
    };
    return { body, after };
  }

  private showHistory(id: number | null): Reply {
    const { history } = this.playhead();
    if (id === null) {
      const lines = this.histories.map(
        (h) => `${h.id === history.id ? '→' : ' '} ${h.id}  ${h.title} (${h.moments.length} moments)`,
      );
      return { body: { result: lines.join('\n'), variablesReference: 0 } };
    }
    const target = this.walkOf(id);
    // Where it left the one that is shown, or else its end.
    const shared = history.from?.history === id ? history.from.moment : target.last;
    const { after } = this.goTo({ history: id, moment: Math.min(shared, target.last) });
    const body = { result: `history ${id}: ${target.history.title}`, variablesReference: 0 };
    return after === undefined ? { body } : { body, after };
  }

  private walkOf(id: number): Walk {
    const history = this.histories[id];
    if (history === undefined) throw new Refusal(`There is no history ${id}.`);
    return new Walk(this.open().recording, this.views, history);
  }

  private open(): { readonly recording: Recording; readonly walk: Walk } {
    if (this.recording === null || this.walk === null) throw new Refusal('Nothing is being played.');
    return { recording: this.recording, walk: this.walk };
  }

  private playhead(): Playhead {
    const { recording, walk } = this.open();
    const moment = walk.at(this.cursor);
    const view = this.views[moment.view];
    if (view === undefined) throw new Refusal('There is no such view.');
    const { histories, views, cursor } = this;
    return { recording, history: walk.history, histories, views, cursor, moment, view };
  }

  // ---- messages -------------------------------------------------------------------------------

  private complain({
    message,
    file,
    line,
    column,
  }: {
    message: string;
    file: string;
    line: number;
    column: number;
  }): void {
    const source = this.host.toSource(file);
    this.event('output', { category: 'stderr', output: `${message}\n`, source, line, column });
  }

  private output(output: string, category = 'console'): void {
    this.event('output', { category, output });
  }

  private event(event: string, body?: object): void {
    this.seq += 1;
    const message = { seq: this.seq, type: 'event', event, ...(body === undefined ? {} : { body }) };
    this.host.send(message);
  }

  private respond(request: DebugProtocol.Request, success: boolean, rest: object): void {
    this.seq += 1;
    const { seq, command } = request;
    const message = { seq: this.seq, type: 'response', request_seq: seq, command, success, ...rest };
    this.host.send(message);
  }
}
