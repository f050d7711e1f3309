/** A debug session with no editor: the adapter, played by the simulator in this process, and its traffic as readable text. */
import { readFile } from 'node:fs/promises';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { CutoverAdapter, type Playhead } from '../../extension/debug/adapter.ts';
import type { OpenReply, PlayerClient } from '../../extension/debug/client.ts';
import type { Engine } from '../../simulator/engine/engine.ts';
import { Player } from '../../simulator/player/player.ts';
import { openPlan } from '../../simulator/rehearse.ts';

export const isNull = 'examples/rename-column/backfill-is-null.cutover.yaml';
export const lostWrite = 'lost-write-switch-reads';

export class LocalClient implements PlayerClient {
  private player: Player | null = null;
  private lost: (reason: string) => void = () => {};
  readonly pid = null;
  closed = 0;

  constructor(private readonly engine: Engine) {}

  async open({ plan, finding, versions }: Parameters<PlayerClient['open']>[0]): Promise<OpenReply> {
    const opened = await openPlan(
      plan,
      (path) => readFile(path, 'utf8'),
      () => Promise.resolve(this.engine),
      finding,
    );
    if (!opened.ok) return opened;
    this.player = new Player(opened.playable, this.engine, versions);
    return { ok: true, recording: await this.player.record() };
  }

  fork(...args: Parameters<PlayerClient['fork']>): ReturnType<PlayerClient['fork']> {
    return (this.player as Player).fork(...args);
  }

  ask(...args: Parameters<PlayerClient['ask']>): ReturnType<PlayerClient['ask']> {
    return (this.player as Player).ask(...args);
  }

  onLost(listener: (reason: string) => void): void {
    this.lost = listener;
  }

  /** As if its process had been killed. */
  lose(reason: string): void {
    this.lost(reason);
  }

  close(): void {
    this.closed += 1;
  }
}

export class Session {
  readonly lines: string[] = [];
  readonly client: LocalClient;
  readonly playheads: Playhead[] = [];
  readonly failures: string[] = [];
  private readonly adapter: CutoverAdapter;
  private seq = 0;
  private last: DebugProtocol.Response | null = null;

  constructor(engine: Engine) {
    this.client = new LocalClient(engine);
    this.adapter = new CutoverAdapter({
      send: (message) => this.receive(message),
      client: this.client,
      toPlanPath: (path) => path,
      toSource: (path) => ({ name: path.split('/').at(-1) ?? path, path }),
      onMoved: (playhead) => this.playheads.push(playhead),
      onFailed: (message) => this.failures.push(message),
    });
  }

  /** Sends a request; its traffic is written down. */
  async send<T = unknown>(command: string, args?: object): Promise<T> {
    this.seq += 1;
    this.lines.push(`→ ${command}${args === undefined ? '' : ` ${short(args)}`}`);
    const request = { seq: this.seq, type: 'request', command, arguments: args };
    await this.adapter.handle(request);
    return this.last?.body as T;
  }

  /** The same without writing anything down. */
  async quietly<T = unknown>(command: string, args?: object): Promise<T> {
    const { length } = this.lines;
    const body = await this.send<T>(command, args);
    this.lines.length = length;
    return body;
  }

  /** Begins a session; what editors always send first is left out. */
  async launch(args: object, filters?: readonly string[]): Promise<void> {
    await this.quietly('initialize', { adapterID: 'cutover', linesStartAt1: true });
    await this.send('launch', args);
    if (filters !== undefined) await this.send('setExceptionBreakpoints', { filters });
  }

  /** The frames, innermost first, as `name:line`. */
  async where(): Promise<string> {
    const { stackFrames } = await this.quietly<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
    const shown = stackFrames.map((f) => `${f.name}:${f.line}`).join(' › ');
    this.lines.push(`  at ${shown}`);
    return shown;
  }

  /** What a scope holds, down to the leaves. */
  async scope(name: string): Promise<unknown> {
    const { stackFrames } = await this.quietly<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
    const { scopes } = await this.quietly<DebugProtocol.ScopesResponse['body']>('scopes', {
      frameId: stackFrames[0]?.id,
    });
    const found = scopes.find((s) => s.name === name);
    if (found === undefined) throw new Error(`there is no scope ${name} among ${scopes.map((s) => s.name).join(', ')}`);
    return this.tree(found.variablesReference);
  }

  async variables(reference: number): Promise<DebugProtocol.Variable[]> {
    const args = { variablesReference: reference };
    return (await this.quietly<DebugProtocol.VariablesResponse['body']>('variables', args)).variables;
  }

  get transcript(): string {
    return this.lines.join('\n');
  }

  private async tree(reference: number): Promise<unknown> {
    const tree: Record<string, unknown> = {};
    for (const variable of await this.variables(reference)) {
      const { name, value, variablesReference } = variable;
      tree[variablesReference === 0 ? name : `${name}: ${value}`] =
        variablesReference === 0 ? value : await this.tree(variablesReference);
    }
    return tree;
  }

  private receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      const { event, body } = message as DebugProtocol.Event;
      this.lines.push(`← ${event}${body === undefined ? '' : ` ${short(body as object)}`}`);
      return;
    }
    const response = message as DebugProtocol.Response;
    this.last = response;
    const body = response.body as object | undefined;
    if (!response.success) this.lines.push(`✗ ${response.command}: ${response.message ?? ''}`);
    else if (body !== undefined) this.lines.push(`  ${response.command} ${short(body)}`);
  }
}

/** There is one thread, and a source is known by its name. */
function short(body: object): string {
  return JSON.stringify(body, (key, value: unknown) => {
    if (key === 'threadId' || key === 'allThreadsStopped' || key === 'allThreadsContinued') return undefined;
    if (key === 'source') return (value as DebugProtocol.Source).name ?? (value as DebugProtocol.Source).path;
    return value;
  });
}
