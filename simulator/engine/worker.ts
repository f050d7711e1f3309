/** The engine's thread: boots Postgres, then answers one request after another, each without pause. */
import { parentPort, workerData } from 'node:worker_threads';
import { boot } from './boot.ts';
import { Database, SessionLost } from './database.ts';
import { describeStatements, parameterTypes, volatileAmong } from './describe.ts';
import type { Counted } from './database.ts';
import type { Call, Content, MigrateOutcome, RunOptions, SchemaId } from './engine.ts';
import { readFacts } from './facts.ts';
import type { Operations, PackedTasks, Request, Response, StartOutcome, WorkerSetup } from './messages.ts';
import { migrateContents } from './migrate.ts';
import { observeMigration } from './observe.ts';
import { PlayerHost } from './player-host.ts';
import { ProgressWriter } from './progress.ts';
import { resetSettings } from './reset.ts';
import { outcomeKey, packOutcomes, Remembered } from './remembered.ts';
import type { KeptOutcome } from './remembered.ts';
import { runCall, seedRandom, setMoment } from './run.ts';
import type { RunContext } from './run.ts';
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
  private readonly remembered = new Remembered();
  private started: Counted<StartOutcome> | null = null;
  /** Statements of plans that were not run again. They count: the answers stand on them. */
  private spared = 0;

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
      this.remembered.tidy();
      const { version, known } = this.workspace;
      const news = version === this.sentVersion ? null : known;
      this.sentVersion = version;
      const counters = { ...this.stats, statements: this.db.statements + this.spared };
      return { kind: 'done', output, counters, known: news, memory: this.db.memory(), customised: this.db.customised };
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
    const { workspace } = this;
    if (!sessionOperations.has(request.name)) this.session = this.player = null;
    switch (request.name) {
      case 'start':
        return this.start(request.input);
      case 'catalog':
        return this.once(request, () => workspace.goTo(workspace.plainOf(request.input.schema)).facts.catalog);
      case 'describe':
        return this.once(request, () =>
          describeStatements(this.settled(request.input.schema), request.input.statements),
        );
      case 'paramTypes':
        return this.once(request, () => parameterTypes(this.settled(request.input.schema), request.input.statements));
      case 'volatileFunctions':
        return this.once(request, () => volatileAmong(this.settled(request.input.schema), request.input.names));
      case 'run':
        return this.run(request.input);
      case 'migrate':
        return this.migrate(request.input);
      case 'capture':
        return this.once(request, () => workspace.capture(request.input.schema, request.input.tables));
      case 'observe':
        return this.once(request, () => this.observe(request.input));
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
  private settled(schema: number): Database {
    this.workspace.goTo(this.workspace.plainOf(schema));
    this.db.attempt('ROLLBACK');
    return this.db;
  }

  /** A question about a schema, whose answer is the same whenever it is asked. */
  private once<T>({ name, input }: Request, ask: () => T): T {
    let isNew = false;
    const kept = this.remembered.once(`${name} ${JSON.stringify(input)}`, () => {
      isNew = true;
      return this.db.counting(ask);
    });
    if (!isNew) this.spared += kept.statements;
    return kept.answer;
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
    const { remembered } = this;
    if (this.started !== null && remembered.isOf(schema, seed)) {
      this.spared += this.started.statements;
      // Whatever the plan before has left goes when the first schema is built anew.
      this.workspace.settle(null);
      return this.started.answer;
    }
    remembered.begin(schema, seed);
    this.started = this.db.counting(() => this.startAnew({ schema, seed }));
    return this.started.answer;
  }

  private startAnew({ schema, seed }: Operations['start']['in']): StartOutcome {
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

  private observe({ schema, migration, content }: Operations['observe']['in']): Operations['observe']['out'] {
    return observeMigration(this.workspace, this.workspace.plainOf(schema), migration, content);
  }

  private run({ schema, tasks, options }: Operations['run']['in']): string {
    const { db, remembered } = this;
    const packed = JSON.parse(tasks) as PackedTasks;
    const kept = remembered.of(schema, options);
    const calls = packed.calls.map((call) => ({ call, id: remembered.callId(call) }));
    let context: RunContext | null = null;
    const anew = (content: Content, call: Call): KeptOutcome => {
      context ??= this.runContext(schema, options);
      const running = context;
      running.store.load(content);
      return remembered.outcome(db.counting(() => runCall(running, content, call, options)));
    };
    return packOutcomes(
      packed.tasks.map(([content = 0, ...numbers]) => {
        const text = packed.contents[content] ?? '';
        const contentId = remembered.contentId(text);
        return numbers.flatMap((number) => {
          const numbered = calls[number];
          if (numbered === undefined) return [];
          const key = outcomeKey(contentId, numbered.id);
          const before = kept.get(key);
          const outcome = before ?? anew(text, numbered.call);
          if (before === undefined) kept.set(key, outcome);
          else this.spared += outcome.statements;
          return [outcome];
        });
      }),
    );
  }

  private runContext(schema: SchemaId, { clock }: RunOptions): RunContext {
    const { store, facts } = this.workspace.goTo(schema);
    setMoment(this.db, clock);
    const { singles } = this.workspace;
    return { db: this.db, store, singles, usesRandom: facts.catalog.usesRandom, deferrable: facts.deferrable };
  }

  private migrate({ schema, migration, contents }: Operations['migrate']['in']): readonly MigrateOutcome[] {
    const kept = this.remembered.ofMigration(schema, migration);
    const missing = new Set(contents.filter((content) => !kept.has(content)));
    const outcomes = missing.size === 0 ? [] : migrateContents(this.workspace, schema, migration, [...missing]);
    [...missing].forEach((content, i) =>
      this.remembered.migration(kept, content, outcomes[i] as Counted<MigrateOutcome>),
    );
    return contents.map((content) => {
      const { answer, statements } = kept.get(content) as Counted<MigrateOutcome>;
      if (!missing.delete(content)) this.spared += statements;
      return answer;
    });
  }

  private checkpoint(): void {
    if (this.db.statements < this.checkpointAt) return;
    this.checkpointAt = this.db.statements + statementsBetweenCheckpoints;
    this.db.attempt('ROLLBACK');
    this.db.attempt('CHECKPOINT');
  }
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
