/**
 * An app's requests on a native server: they come at a steady rate whatever happens to those before them, wait for one of
 * the app's connections, and are given up after a while, as the forecast takes them to.
 */
import type pg from 'pg';
import type { NativeServer } from './native-server.ts';

export interface Outcome {
  readonly arrived: number;
  /** From its arrival to its answer. */
  readonly ms: number;
  readonly ok: boolean;
}

export interface LoadOptions {
  readonly reads: number;
  readonly writes: number;
  readonly pool: number;
  readonly timeoutMs: number;
  readonly rows: number;
}

interface Pending {
  readonly arrived: number;
  readonly isWrite: boolean;
  readonly id: number;
}

const read = { name: 'read', text: 'SELECT id, note FROM items WHERE id = $1' };
const write = { name: 'write', text: 'UPDATE items SET note = note WHERE id = $1' };

export class Load {
  private readonly free: pg.Client[] = [];
  private readonly queue: Pending[] = [];
  private outcomes: Outcome[] = [];
  private timer: NodeJS.Timeout | null = null;
  private open = 0;
  private next = { read: 0, write: 0 };
  private calls = 0;
  /** One after the other: they share a connection. */
  private cancels: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: LoadOptions,
    private readonly canceller: pg.Client,
  ) {}

  static async connect(server: NativeServer, options: LoadOptions): Promise<Load> {
    const load = new Load(options, await server.connect());
    for (let i = 0; i < options.pool; i += 1) load.free.push(await server.connect());
    return load;
  }

  start(): void {
    this.outcomes = [];
    this.next = { read: performance.now(), write: performance.now() };
    this.timer = setInterval(() => this.arrivals(), 2);
  }

  /** No request comes any more, and those that are there are waited for. */
  async stop(): Promise<readonly Outcome[]> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.settled();
    return this.outcomes;
  }

  private async settled(): Promise<void> {
    while (this.open > 0) await pause(20);
  }

  private arrivals(): void {
    const now = performance.now();
    const { reads, writes } = this.options;
    for (; this.next.read <= now; this.next.read += 1000 / reads) this.arrive(this.next.read, false);
    for (; this.next.write <= now; this.next.write += 1000 / writes) this.arrive(this.next.write, true);
    this.dispatch();
  }

  private arrive(arrived: number, isWrite: boolean): void {
    this.calls += 1;
    // Every row once in a while, neighbours apart: requests do not meet on a row.
    const id = ((this.calls * 7919) % this.options.rows) + 1;
    this.open += 1;
    this.queue.push({ arrived, isWrite, id });
  }

  private dispatch(): void {
    const now = performance.now();
    while (this.queue[0] !== undefined && this.queue[0].arrived + this.options.timeoutMs <= now) {
      const gone = this.queue.shift();
      if (gone !== undefined) this.done(gone, false);
    }
    while (this.queue.length > 0 && this.free.length > 0) {
      const [request, client] = [this.queue.shift(), this.free.pop()];
      if (request !== undefined && client !== undefined) void this.send(request, client);
    }
  }

  private async send(request: Pending, client: pg.Client): Promise<void> {
    let cancelled: Promise<unknown> = Promise.resolve();
    const left = request.arrived + this.options.timeoutMs - performance.now();
    const timer = setTimeout(() => {
      const { processID } = client as pg.Client & { readonly processID: number };
      cancelled = this.cancels = this.cancels.then(() =>
        this.canceller.query('SELECT pg_cancel_backend($1)', [processID]),
      );
    }, left);
    const ok = await client.query({ ...(request.isWrite ? write : read), values: [request.id] }).then(
      () => true,
      () => false,
    );
    clearTimeout(timer);
    this.done(request, ok);
    // The connection's next request is not to be met by it.
    await cancelled;
    this.free.push(client);
    this.dispatch();
  }

  private done({ arrived }: Pending, ok: boolean): void {
    this.open -= 1;
    this.outcomes.push({ arrived, ms: performance.now() - arrived, ok });
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
