/**
 * The engine on PGlite, seen from the main thread: a thread that holds Postgres, and a watchdog that ends
 * it when a statement does not. A new thread finds its way back to every schema that was known.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { EngineFault } from './engine.ts';
import type {
  CaptureOutcome,
  Call,
  Change,
  Catalog,
  Content,
  Engine,
  EngineStats,
  MigrateOutcome,
  Outcome,
  RunOptions,
  SchemaId,
  Session,
  StatementEvidence,
  StatementResult,
  Task,
} from './engine.ts';
import { Numbering } from './messages.ts';
import type {
  Counters,
  OperationName,
  Operations,
  PackedOutcome,
  PackedOutcomes,
  PackedTasks,
  Request,
  Response,
  StartOutcome,
  WorkerSetup,
} from './messages.ts';
import type { Player } from './player.ts';
import { createProgress, ProgressReader } from './progress.ts';
import { noSchemas } from './schemas.ts';
import type { KnownSchemas } from './schemas.ts';

export interface PgliteOptions {
  /** The directory with engine-worker.cjs and its files; by default beside the bundle, or dist/ in a checkout. */
  readonly assets?: string;
  /** The longest that one statement may take. */
  readonly statementTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Small enough that a message is answered soon, large enough that messages cost nothing. */
const callsPerMessage = 2000;
const contentsPerMessage = 200;
const bootTimeoutMs = 60_000;
/** What the engine does for itself ends, if slowly on a busy machine; only code called by it may not. */
const ownTimeoutMs = 30_000;
const mostMemory = 400_000_000;
const sessionOperations = new Set<OperationName>([
  'openSession',
  'transaction',
  'autocommit',
  'content',
  'openPlayer',
  'playScript',
  'playCall',
  'playDefine',
  'play',
  'playRows',
]);
const workerName = 'engine-worker.cjs';

interface Assets {
  readonly directory: string;
  readonly wasm: WebAssembly.Module;
  readonly bundle: SharedArrayBuffer;
  readonly image: SharedArrayBuffer;
}

export async function createPgliteEngine(options: PgliteOptions = {}): Promise<Engine> {
  if (options.signal?.aborted === true) throw closedFault();
  const begun = performance.now();
  const engine = new PgliteEngine(await loadAssets(options.assets ?? findAssets()), options);
  await engine.boot();
  engine.stats.bootMs = Math.round(performance.now() - begun);
  return engine;
}

function findAssets(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [here, join(here, '..', '..', 'dist'), join(here, '..', 'dist')];
  const found = candidates.find((directory) => existsSync(join(directory, workerName)));
  if (found === undefined) throw new Error(`${workerName} is missing beside ${here}: run the build first`);
  return found;
}

/** Compiled and read once for a process: threads share what they do not write to. */
const loaded = new Map<string, Promise<Assets>>();

function loadAssets(directory: string): Promise<Assets> {
  let assets = loaded.get(directory);
  if (assets === undefined) {
    assets = readAssets(directory);
    loaded.set(directory, assets);
    assets.catch(() => loaded.delete(directory));
  }
  return assets;
}

async function readAssets(directory: string): Promise<Assets> {
  const [wasm, bundle, image] = await Promise.all([
    readFile(join(directory, 'pglite.wasm')).then(compile),
    readShared(join(directory, 'pglite.data')),
    readShared(join(directory, 'pgdata.image')),
  ]);
  return { directory, wasm, bundle, image };
}

/**
 * How much of a function has to have run before it is compiled anew by the optimizing compiler. V8's own figure lets it
 * compile for longer than most plans take to be rehearsed; with this one only what is hot in a long search is.
 */
const tieringBudget = 300_000_000;

/** The compiler has no types for it, as neither a DOM nor a newer Node is assumed. */
function compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
  setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`);
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> };
  };
  return WebAssembly.compile(bytes);
}

async function readShared(file: string): Promise<SharedArrayBuffer> {
  const bytes = await readFile(file);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

function closedFault(): EngineFault {
  return new EngineFault('the engine was closed', 'closed', null);
}

interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

class PgliteEngine implements Engine {
  readonly stats: EngineStats = { statements: 0, roundTrips: 0, loads: 0, schemaSwitches: 0, restarts: 0, bootMs: 0 };
  private readonly memory = createProgress();
  private readonly progress = new ProgressReader(this.memory);
  private readonly timeout: number;
  private known: KnownSchemas = noSchemas();
  private readonly catalogs = new Map<SchemaId, Promise<Catalog>>();
  private extensions: readonly string[] = [];
  private worker: Worker | null = null;
  private pending: Pending | null = null;
  private watchdog: NodeJS.Timeout | null = null;
  /** One operation at a time: each waits for the one before. */
  private queue: Promise<unknown> = Promise.resolve();
  private counted: Counters = { statements: 0, loads: 0, schemaSwitches: 0 };
  private sessions = 0;
  private inSession = false;
  private customised = false;
  private closed = false;

  constructor(
    private readonly assets: Assets,
    options: PgliteOptions,
  ) {
    this.timeout = options.statementTimeoutMs ?? 5000;
    const { signal } = options;
    signal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  async start(schema: readonly string[], seed: readonly string[]): Promise<StartOutcome> {
    await this.provide(extensionsIn([...schema, ...seed]));
    if (this.customised) await this.recycle('in a session too');
    this.catalogs.clear();
    return this.request('start', { schema, seed });
  }

  catalog(schema: SchemaId): Promise<Catalog> {
    let catalog = this.catalogs.get(schema);
    if (catalog === undefined) {
      catalog = this.request('catalog', { schema });
      this.catalogs.set(schema, catalog);
      catalog.catch(() => this.catalogs.delete(schema));
    }
    return catalog;
  }

  describe(schema: SchemaId, statements: readonly string[]): Promise<Operations['describe']['out']> {
    return this.request('describe', { schema, statements });
  }

  paramTypes(schema: SchemaId, statements: readonly string[]): Promise<Operations['paramTypes']['out']> {
    return this.request('paramTypes', { schema, statements });
  }

  async volatileFunctions(schema: SchemaId, names: readonly string[]): Promise<ReadonlySet<string>> {
    if (names.length === 0) return new Set();
    return new Set(await this.request('volatileFunctions', { schema, names }));
  }

  async run(schema: SchemaId, tasks: readonly Task[], options: RunOptions): Promise<readonly (readonly Outcome[])[]> {
    const parts = splitTasks(tasks).map(async (part) =>
      unpackOutcomes(await this.request('run', { schema, tasks: packTasks(part), options })),
    );
    return (await allSettledInOrder(parts)).flat();
  }

  async migrate(
    schema: SchemaId,
    statements: readonly string[],
    transactional: boolean,
    contents: readonly Content[],
    options: RunOptions,
  ): Promise<readonly MigrateOutcome[]> {
    await this.provide(extensionsIn(statements));
    const migration = { statements, transactional, options };
    const parts: Promise<readonly MigrateOutcome[]>[] = [];
    for (let at = 0; at < contents.length; at += contentsPerMessage) {
      parts.push(this.request('migrate', { schema, migration, contents: contents.slice(at, at + contentsPerMessage) }));
    }
    return (await allSettledInOrder(parts)).flat();
  }

  capture(schema: SchemaId, tables: readonly string[]): Promise<CaptureOutcome> {
    return this.request('capture', { schema, tables });
  }

  async observe(
    schema: SchemaId,
    statements: readonly string[],
    transactional: boolean,
    content: Content,
    options: RunOptions,
  ): Promise<readonly StatementEvidence[]> {
    await this.provide(extensionsIn(statements));
    return this.request('observe', { schema, migration: { statements, transactional, options }, content });
  }

  async session(): Promise<Session> {
    const number = ++this.sessions;
    await this.request('openSession', null);
    const current = <T>(act: () => Promise<T>): Promise<T> =>
      number === this.sessions ? act() : Promise.reject(new Error('another session was opened since'));
    return {
      transaction: (call: Call, options) => current(() => this.request('transaction', { call, options })),
      autocommit: async (statements, options) => {
        if (extensionsIn(statements).some((name) => !this.extensions.includes(name))) {
          return this.autocommitWithExtensions(statements, options);
        }
        return current(() => this.request('autocommit', { statements, options }));
      },
      content: () => current(() => this.request('content', null)),
      capture: (tables) => current(async () => void (await this.request('captureSession', { tables }))),
    };
  }

  async player(): Promise<Player> {
    const number = ++this.sessions;
    await this.request('openPlayer', null);
    const ask = <K extends OperationName>(name: K, input: Operations[K]['in']): Promise<Operations[K]['out']> =>
      number === this.sessions
        ? this.request(name, input)
        : Promise.reject(new Error('another session was opened since'));
    return {
      script: (statements, moment) => ask('playScript', { statements, moment }),
      transaction: (call, moment, migrates) => ask('playCall', { call, moment, migrates }),
      define: (programs) => ask('playDefine', programs),
      play: (batch) => ask('play', batch),
      capture: async (tables) => void (await ask('playCapture', { tables })),
      changes: () => ask('playChanges', null),
      rows: (serial, items) => ask('playRows', { serial, items }),
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.stop(closedFault());
  }

  /** A thread can't take in an extension that it was not booted with; as a rule start() has seen to it. */
  private async autocommitWithExtensions(statements: readonly string[], options: RunOptions): Promise<Outcome> {
    const before = await this.request('content', null);
    if (before !== '{"tables":{},"sequences":{}}') throw new Error('an extension has to be created before the tables');
    await this.provide(extensionsIn(statements));
    await this.request('openSession', null);
    return this.request('autocommit', { statements, options });
  }

  /** Extensions are files that have to be there when Postgres boots. */
  private async provide(names: readonly string[]): Promise<void> {
    const missing = names.filter((name) => !this.extensions.includes(name) && existsSync(this.extensionFile(name)));
    if (missing.length === 0) return;
    await this.enqueue(async () => {
      this.extensions = [...this.extensions, ...missing];
      if (this.worker === null) return;
      await this.stop(null);
    });
  }

  /** What Postgres holds on to (memory that a statement once needed, a setting) is given back only by another thread. */
  private async recycle(whenInSession?: 'in a session too'): Promise<void> {
    await this.enqueue(async () => {
      if (this.worker === null || (this.inSession && !whenInSession)) return;
      this.stats.restarts++;
      await this.stop(null);
    }).catch(() => {});
  }

  private extensionFile(name: string): string {
    return join(this.assets.directory, 'extensions', `${name}.tar.gz`);
  }

  private request<K extends OperationName>(name: K, input: Operations[K]['in']): Promise<Operations[K]['out']> {
    return this.enqueue(async () => {
      if (this.worker === null) await this.boot();
      this.stats.roundTrips++;
      this.inSession = sessionOperations.has(name);
      return (await this.send({ name, input } as Request, this.timeout)) as Operations[K]['out'];
    });
  }

  private enqueue<T>(act: () => Promise<T>): Promise<T> {
    const guarded = (): Promise<T> => (this.closed ? Promise.reject(closedFault()) : act());
    const result = this.queue.then(guarded, guarded);
    this.queue = result.catch(() => {});
    return result;
  }

  /** Starts a thread; done when Postgres answers. */
  async boot(): Promise<void> {
    if (this.closed) throw closedFault();
    const { wasm, bundle, image, directory } = this.assets;
    const extensions = this.extensions.map((name) => [name, pathToFileURL(this.extensionFile(name)).href] as const);
    const setup: WorkerSetup = {
      wasm,
      bundle,
      image,
      extensions: Object.fromEntries(extensions),
      progress: this.memory,
      known: this.known,
    };
    const worker = new Worker(join(directory, workerName), {
      workerData: setup,
      // Postgres is to find its own stack too deep (2 MB of it) before the thread does.
      resourceLimits: { stackSizeMb: 32, maxYoungGenerationSizeMb: 12 },
    });
    this.counted = { statements: 0, loads: 0, schemaSwitches: 0 };
    this.worker = worker;
    worker.on('message', (response: Response) => this.receive(response));
    worker.on('error', (error) => void this.fail(worker, error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => void this.fail(worker, 'the engine ended'));
    await this.send(null, bootTimeoutMs);
    // Only a request at work keeps the process alive.
    worker.unref();
  }

  private send(request: Request | null, timeout: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { worker } = this;
      if (worker === null) return reject(closedFault());
      this.pending = { resolve, reject };
      this.watch(timeout);
      worker.ref();
      if (request !== null) worker.postMessage(request);
    });
  }

  /** Ends the thread when no statement has begun or ended for the whole of the time limit. */
  private watch(timeout: number): void {
    let tick = this.progress.tick();
    let since = performance.now();
    this.watchdog = setInterval(
      () => {
        const now = performance.now();
        if (this.progress.tick() !== tick) [tick, since] = [this.progress.tick(), now];
        const sql = this.progress.sql();
        const limit = sql === null ? Math.max(timeout, ownTimeoutMs) : timeout;
        if (now - since < limit) return;
        const fault = new EngineFault(`a statement did not end within ${limit} ms`, 'timeout', sql);
        void this.stop(fault, 'restart');
      },
      Math.min(100, Math.ceil(timeout / 10)),
    );
  }

  private receive(response: Response): void {
    const { pending } = this;
    if (pending === null) return;
    if (response.kind === 'lost') {
      const message = `Postgres was lost: ${response.message}`;
      return void this.stop(new EngineFault(message, 'died', response.sql), 'restart');
    }
    this.idle();
    if (response.kind === 'failed') return pending.reject(new Error(`the engine failed: ${response.message}`));
    if (response.kind === 'ready') return pending.resolve(null);
    if (response.known !== null) this.known = response.known;
    this.count(response.counters);
    this.customised = response.customised;
    pending.resolve(response.output);
    if (response.memory > mostMemory && !this.inSession) void this.recycle();
  }

  /** A thread counts from its own beginning. */
  private count(counters: Counters): void {
    for (const key of ['statements', 'loads', 'schemaSwitches'] as const) {
      this.stats[key] += counters[key] - this.counted[key];
    }
    this.counted = counters;
  }

  private idle(): void {
    if (this.watchdog !== null) clearInterval(this.watchdog);
    this.watchdog = null;
    this.pending = null;
    this.worker?.unref();
  }

  private async fail(worker: Worker, message: string): Promise<void> {
    if (worker !== this.worker) return;
    await this.stop(new EngineFault(`Postgres was lost: ${message}`, 'died', this.progress.sql()), 'restart');
  }

  /** Ends the thread; a request at work gets the fault. The next request starts another. */
  private async stop(fault: EngineFault | null, restart?: 'restart'): Promise<void> {
    const { worker, pending } = this;
    this.idle();
    this.worker = null;
    if (restart && worker !== null) this.stats.restarts++;
    const ended = worker?.terminate();
    if (fault !== null) pending?.reject(fault);
    await ended;
  }
}

const createExtension = /\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?(?:"([^"]+)"|([\w-]+))/gi;

function extensionsIn(statements: readonly string[]): string[] {
  const found = statements.flatMap((sql) =>
    [...sql.matchAll(createExtension)].map((m) => m[1] ?? m[2]?.toLowerCase() ?? ''),
  );
  return [...new Set(found)].filter((name) => name !== 'plpgsql' && name !== '');
}

/** All of them, or the first one's error once none is at work any more. */
async function allSettledInOrder<T>(parts: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(parts);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function splitTasks(tasks: readonly Task[]): (readonly Task[])[] {
  const parts: Task[][] = [];
  let room = 0;
  for (const task of tasks) {
    if (room <= 0) {
      parts.push([]);
      room = callsPerMessage;
    }
    parts.at(-1)?.push(task);
    room -= task.calls.length + 1;
  }
  return parts;
}

function packTasks(tasks: readonly Task[]): string {
  const contents = new Numbering<Content>();
  const calls = new Numbering<Call>();
  const packed = tasks.map((task) => [contents.of(task.content), ...task.calls.map((call) => calls.of(call))]);
  return JSON.stringify({ contents: contents.items, calls: calls.items, tasks: packed } satisfies PackedTasks);
}

/** Results that are alike are one object, so that whoever keeps many keeps few. */
function unpackOutcomes(text: string): Outcome[][] {
  const { contents, results, changes, outcomes } = JSON.parse(text) as PackedOutcomes;
  const parsed = results.map((json) => JSON.parse(json) as readonly StatementResult[]);
  const parsedChanges = changes.map((json) => JSON.parse(json) as readonly Change[]);
  return outcomes.map((task) =>
    task.map((outcome) => unpackOutcome(outcome, parsed, contents[outcome.c] ?? '', parsedChanges)),
  );
}

function unpackOutcome(
  packed: PackedOutcome,
  results: readonly (readonly StatementResult[])[],
  content: Content,
  changes: readonly (readonly Change[])[],
): Outcome {
  if ('r' in packed) {
    const outcome = { ok: true, results: results[packed.r] ?? [], content } as const;
    return packed.x === undefined ? outcome : { ...outcome, changes: changes[packed.x] ?? [] };
  }
  const [sqlstate, message, statement] = packed.e;
  return { ok: false, sqlstate, message, statement, content };
}
