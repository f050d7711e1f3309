/** The engine's thread: boots Postgres, then answers one request after another, each without pause. */
import { parentPort, workerData } from 'node:worker_threads';
import { boot } from './boot.ts';
import { Database, SessionLost } from './database.ts';
import { describeStatements, parameterTypes, volatileAmong } from './describe.ts';
import type { Change, Outcome, Task } from './engine.ts';
import { readFacts } from './facts.ts';
import { Numbering } from './messages.ts';
import type {
  Operations,
  PackedOutcomes,
  PackedTasks,
  Request,
  Response,
  StartOutcome,
  WorkerSetup,
} from './messages.ts';
import { migrateContents } from './migrate.ts';
import { observeMigration } from './observe.ts';
import { PlayerHost } from './player-host.ts';
import { ProgressWriter } from './progress.ts';
import { resetSettings } from './reset.ts';
import { runTasks, seedRandom, setMoment } from './run.ts';
import { SessionHost } from './session-host.ts';
import { Workspace } from './workspace.ts';

/** Nothing else writes out the log, which is kept in memory. */
const statementsBetweenCheckpoints = 20_000;

/** Any other takes the database away from an open session. */
const sessionOperations = new Set<Request['name']>([
  'transaction',
  'autocommit',
  'content',
  'captureSession',
  'playScript',
  'playCall',
  'playDefine',
  'play',
  'playRows',
  'playCapture',
  'playChanges',
]);

class Host {
  private session: SessionHost | null = null;
  private player: PlayerHost | null = null;
  private sentVersion = 0;
  private checkpointAt = statementsBetweenCheckpoints;
  readonly stats = { loads: 0, schemaSwitches: 0 };
  private readonly workspace: Workspace;

  constructor(
    private readonly db: Database,
    known: WorkerSetup['known'],
  ) {
    this.workspace = new Workspace(db, known, this.stats);
  }

  answer(request: Request): Response {
    try {
      const output = this.perform(request);
      this.checkpoint();
      const { version, known } = this.workspace;
      const news = version === this.sentVersion ? null : known;
      this.sentVersion = version;
      const counters = { ...this.stats, statements: this.db.statements };
      return { kind: 'done', output, counters, known: news, memory: this.db.memory() };
    } catch (error) {
      if (error instanceof SessionLost) return { kind: 'lost', message: error.message, sql: error.sql };
      // Where it was interrupted is not known.
      this.workspace.settle(null);
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** The catalog queries take long to plan: better now, while the main thread reads the plan. */
  warmUp(): void {
    readFacts(this.db);
  }

  private perform(request: Request): Operations[Request['name']]['out'] {
    const { db, workspace } = this;
    if (!sessionOperations.has(request.name)) this.session = this.player = null;
    switch (request.name) {
      case 'start':
        return this.start(request.input);
      case 'catalog':
        return workspace.goTo(workspace.plainOf(request.input.schema)).facts.catalog;
      case 'describe':
        this.settled(request.input.schema);
        return describeStatements(db, request.input.statements);
      case 'paramTypes':
        this.settled(request.input.schema);
        return parameterTypes(db, request.input.statements);
      case 'volatileFunctions':
        this.settled(request.input.schema);
        return volatileAmong(db, request.input.names);
      case 'run':
        return this.run(request.input);
      case 'migrate':
        return migrateContents(workspace, request.input.schema, request.input.migration, request.input.contents);
      case 'capture':
        return workspace.capture(request.input.schema, request.input.tables);
      case 'observe':
        return observeMigration(
          workspace,
          workspace.plainOf(request.input.schema),
          request.input.migration,
          request.input.content,
        );
      case 'openSession':
        this.session = new SessionHost(workspace);
        return null;
      case 'transaction':
        return this.open().transaction(request.input.call, request.input.options);
      case 'autocommit':
        return this.open().autocommit(request.input.statements, request.input.options);
      case 'content':
        return this.open().content();
      case 'captureSession':
        this.open().capture(request.input.tables);
        return null;
      case 'openPlayer':
        this.player = new PlayerHost(workspace);
        return null;
      case 'playScript':
        return this.playing().script(request.input.statements, request.input.moment);
      case 'playCall':
        return this.playing().transaction(request.input.call, request.input.moment, request.input.migrates);
      case 'playDefine':
        return this.playing().define(request.input);
      case 'play':
        return this.playing().play(request.input);
      case 'playCapture':
        this.playing().capture(request.input.tables);
        return null;
      case 'playChanges':
        return this.playing().changes();
      case 'playRows':
        return this.playing().rows(request.input.serial, request.input.items);
    }
  }

  /** At a known schema, outside of a transaction. */
  private settled(schema: number): void {
    this.workspace.goTo(this.workspace.plainOf(schema));
    this.db.attempt('ROLLBACK');
  }

  private open(): SessionHost {
    if (this.session === null)
      throw new Error('the session is over: the engine was restarted, or used for something else');
    return this.session;
  }

  private playing(): PlayerHost {
    if (this.player === null)
      throw new Error('the player is over: the engine was restarted, or used for something else');
    return this.player;
  }

  private start({ schema, seed }: Operations['start']['in']): StartOutcome {
    const { db, workspace } = this;
    workspace.clear();
    setMoment(db, 'start');
    db.query(seedRandom(db, 0));
    const inSchema = this.runAll(schema);
    if (inSchema !== null) return { ok: false, ...inSchema, part: 'schema' };
    resetSettings(db);
    const base = workspace.observe();
    workspace.settle(base);
    workspace.known.base = { id: base.id, schema };
    db.query(seedRandom(db, 1));
    const inSeed = this.runAll(seed);
    if (inSeed !== null) {
      workspace.settle(null);
      return { ok: false, ...inSeed, part: 'seed' };
    }
    resetSettings(db);
    base.store.forget();
    return { ok: true, schema: base.id, content: base.store.read() };
  }

  private runAll(statements: readonly string[]): { sqlstate: string; message: string; statement: number } | null {
    for (const [statement, sql] of statements.entries()) {
      const { error } = this.db.user(sql);
      if (error !== null) return { sqlstate: error.sqlstate, message: error.message, statement };
    }
    return null;
  }

  private run({ schema, tasks, options }: Operations['run']['in']): string {
    const { store, facts } = this.workspace.goTo(schema);
    const { singles } = this.workspace;
    const { usesRandom } = facts.catalog;
    const context = { db: this.db, store, singles, usesRandom, deferrable: facts.deferrable };
    return packOutcomes(runTasks(context, unpackTasks(tasks), options));
  }

  private checkpoint(): void {
    if (this.db.statements < this.checkpointAt) return;
    this.checkpointAt = this.db.statements + statementsBetweenCheckpoints;
    this.db.attempt('ROLLBACK');
    this.db.attempt('CHECKPOINT');
  }
}

function unpackTasks(text: string): Task[] {
  const { contents, calls, tasks } = JSON.parse(text) as PackedTasks;
  return tasks.map(([content = 0, ...numbers]) => ({
    content: contents[content] ?? '',
    calls: numbers.flatMap((number) => calls[number] ?? []),
  }));
}

function packOutcomes(outcomes: readonly (readonly Outcome[])[]): string {
  const contents = new Numbering<string>();
  const results = new Numbering<string>();
  const changes = new Numbering<string>();
  const packed = outcomes.map((task) =>
    task.map((outcome) => {
      const c = contents.of(outcome.content);
      return outcome.ok
        ? {
            r: results.of(JSON.stringify(outcome.results)),
            c,
            ...(outcome.changes === undefined ? {} : { x: changes.of(JSON.stringify(outcome.changes)) }),
          }
        : { e: [outcome.sqlstate, outcome.message, outcome.statement] as const, c };
    }),
  );
  return JSON.stringify({
    contents: contents.items,
    results: results.items,
    changes: changes.items.map((json) => JSON.parse(json) as readonly Change[]),
    outcomes: packed,
  } satisfies PackedOutcomes);
}

async function main(port: NonNullable<typeof parentPort>): Promise<void> {
  const setup = workerData as WorkerSetup;
  const wire = await boot({
    wasm: setup.wasm,
    bundle: new Uint8Array(setup.bundle),
    image: new Uint8Array(setup.image),
    extensions: setup.extensions,
  });
  const host = new Host(new Database(wire, new ProgressWriter(setup.progress)), setup.known);
  port.on('message', (request: Request) => port.postMessage(host.answer(request)));
  port.postMessage({ kind: 'ready' } satisfies Response);
  host.warmUp();
}

if (parentPort !== null) void main(parentPort);
